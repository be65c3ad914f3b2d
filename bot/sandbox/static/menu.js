// A phone's buttons: the account's menu below the chat, and the tools above it.

import { make, shortened, tappable } from "./pieces.js";
import { words } from "./words.js";

const TOP_NAME_MAX = 4;
const SUB_NAME_MAX = 8;

export class Menu {
  constructor(phone) {
    Object.assign(this, { phone, drawn: "", buttons: [] });
  }

  draw(buttons) {
    const drawn = JSON.stringify(buttons);
    if (drawn === this.drawn) return;
    Object.assign(this, { drawn, buttons });
    const place = this.phone.part("menu");
    place.hidden = buttons.length === 0;
    place.replaceChildren(...buttons.map((button) => this.button(button)));
  }

  button(button) {
    const holder = make("div", "slot");
    const top = tappable("top", shortened(button.name, TOP_NAME_MAX), () => this.tapTop(button, holder));
    top.title = button.name;
    holder.append(top);
    if (button.sub_button) {
      top.classList.add("opens");
      top.setAttribute("aria-expanded", "false");
      const list = make("div", "subs");
      list.hidden = true;
      list.append(...button.sub_button.map((sub) => {
        const item = tappable("sub", shortened(sub.name, SUB_NAME_MAX), () => this.tapLeaf(sub));
        item.title = sub.name;
        return item;
      }));
      holder.append(list);
    }
    return holder;
  }

  tapTop(button, holder) {
    const list = holder.querySelector(".subs");
    if (!list) { this.tapLeaf(button); return; }
    const opens = list.hidden;
    this.closeAll(false);
    list.hidden = !opens;
    holder.firstElementChild.setAttribute("aria-expanded", String(opens));
    if (opens) list.firstElementChild.focus();
  }

  tapLeaf(button) {
    this.closeAll(false);
    this.phone.input.blur();
    if (button.type === "view") {
      window.open(button.url, "_blank", "noopener,noreferrer");
      this.phone.post({ event: "VIEW", key: button.url });
    } else {
      this.phone.post({ event: "CLICK", key: button.key });
    }
  }

  nameOf(key) {
    const all = this.buttons.flatMap((button) => button.sub_button || [button]);
    const found = all.find((button) => button.key === key || button.url === key);
    return found ? found.name : key;
  }

  // Above the chat: scan, and what else one does with an account.

  drawTools() {
    const { phone } = this;
    const more = tappable("more", "", () => this.toggleSheet());
    more.setAttribute("aria-label", words().more);
    more.setAttribute("aria-expanded", "false");
    const tools = [more];
    if (phone.person.side === "citizen") {
      const scan = tappable("scan", "", () => phone.page.scan(phone));
      scan.setAttribute("aria-label", words().scan);
      scan.title = words().scan;
      tools.unshift(scan);
    }
    phone.part("tools").replaceChildren(...tools);
  }

  toggleSheet() {
    const sheet = this.phone.part("sheet");
    const opens = sheet.hidden;
    this.closeAll(false);
    if (!opens) return;
    sheet.replaceChildren(...this.sheetItems());
    sheet.hidden = false;
    this.phone.part("more").setAttribute("aria-expanded", "true");
    sheet.firstElementChild.focus();
  }

  sheetItems() {
    const { phone } = this;
    const item = (word, tap) => tappable("", words()[word], () => { this.closeAll(true); tap(); });
    const follow = phone.following ? "unsubscribe" : "subscribe";
    const items = [item("scan", () => phone.page.scan(phone)), item(follow, () => phone.post({ event: follow }))];
    if (phone.template && phone.following) {
      items.unshift(item("popup", () => phone.post({ event: "subscribe_msg_popup_event", key: phone.template })));
    }
    return items;
  }

  closeAll(refocus) {
    const root = this.phone.root;
    const opened = root.querySelector(".bar .tools [aria-expanded=true], .menu [aria-expanded=true]");
    opened?.setAttribute("aria-expanded", "false");
    for (const list of root.querySelectorAll(".subs, .sheet")) list.hidden = true;
    if (refocus && opened) opened.focus();
  }
}
