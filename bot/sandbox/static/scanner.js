// 扫一扫: what this phone's camera could see now. A slip in hand, a code on another screen, or what a code says.

import { ask, make, pause, tappable } from "./pieces.js";
import { said, words } from "./words.js";

const SHOWN_MS = 1200;

export class Scanner {
  constructor(page) {
    this.page = page;
    this.root = document.getElementById("scanner");
    this.root.addEventListener("click", (event) => { if (event.target === this.root) this.root.close(); });
  }

  async open(phone) {
    let codes = [];
    try {
      codes = await ask("/api/codes");
    } catch {
      phone.tell(words().offline);
    }
    this.root.replaceChildren(...this.parts(phone, codes));
    this.root.showModal();
    this.root.querySelector(".code, input").focus();
  }

  /** Let it be seen how a phone scans the newest code of its account whose scene begins so; false when there is none. */
  async scanFor(phone, beginning) {
    await this.open(phone);
    const seen = this.root.querySelector(`.code[data-node="${CSS.escape(phone.node)}"][data-scene^="${CSS.escape(beginning)}"]`);
    if (!seen) {
      this.root.close();
      return false;
    }
    seen.focus();
    await pause(SHOWN_MS);
    await this.scan(phone, seen.dataset.node, seen.dataset.scene);
    return true;
  }

  parts(phone, codes) {
    const head = make("header", "scanner-head");
    const title = make("h2", "", words().scan);
    title.id = "scanner-title";
    const close = tappable("scanner-close", "", () => this.root.close());
    close.setAttribute("aria-label", words().close);
    head.append(title, close);
    const frame = make("div", "viewfinder");
    frame.setAttribute("aria-hidden", "true");
    const slips = phone.person.slips.map((slip) => this.code(phone, slip, said(slip.label) || slip.scene));
    const live = codes.map((code) => this.code(phone, code, words().liveCode));
    return [head, frame, make("p", "scanner-hint", words().scanHint),
      make("h3", "", words().slips), this.shelf(slips, words().noSlips),
      make("h3", "", words().live), this.shelf(live, words().noLive), this.byHand(phone)];
  }

  shelf(codes, nothing) {
    const shelf = make("div", "shelf");
    shelf.append(...(codes.length ? codes : [make("p", "nothing", nothing)]));
    return shelf;
  }

  code(phone, { node, scene, image, expires }, label) {
    const button = tappable("code", "", () => this.scan(phone, node, scene));
    button.dataset.scene = scene;
    button.dataset.node = node;
    const picture = make("img");
    Object.assign(picture, { src: image, alt: "", width: 84, height: 84 });
    const text = make("span", "code-text");
    text.append(make("strong", "", label), make("span", "", this.page.label(node)));
    if (expires) text.append(make("span", "", words().ends(remaining(expires))));
    button.append(picture, text);
    return button;
  }

  byHand(phone) {
    const form = make("form", "by-hand");
    const label = make("label", "", words().byHand);
    const input = make("input");
    input.maxLength = 64;
    label.append(input);
    form.append(label, make("button", "", words().confirm));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (input.value.trim()) this.scan(phone, phone.node, input.value.trim());
    });
    return form;
  }

  /** The code opens its account, on whichever phone scans it. */
  async scan(phone, node, scene) {
    this.root.close();
    const opened = this.page.open(phone.person.side, phone.person.openid, node, true);
    await opened.ready;
    await opened.post({ event: "SCAN", scene });
    opened.input.focus();
  }
}

function remaining(expires) {
  const seconds = Math.max(0, Math.round((Date.parse(expires) - Date.now()) / 1000));
  return seconds < 60 ? words().seconds(seconds) : words().minutes(Math.round(seconds / 60));
}
