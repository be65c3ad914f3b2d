// One side of the stage: the people of that side, the card of the one who is chosen, and their phone.

import { badge, faceOf, make, tappable } from "./pieces.js";
import { said, words } from "./words.js";

const RING = 2 * Math.PI * 15;
const SVG = "http://www.w3.org/2000/svg";

export class Side {
  constructor(page, side) {
    Object.assign(this, { page, side });
    this.root = document.getElementById(side);
    this.people = make("div", "people");
    this.people.setAttribute("role", "group");
    this.card = make("div", "card");
    this.root.append(this.people, this.card);
  }

  /** Show this phone, and the card of whose it is. */
  put(phone) {
    this.phone = phone;
    this.root.append(phone.root);
    this.draw();
  }

  draw() {
    const here = this.page.people.filter((person) => person.side === this.side);
    const focused = document.activeElement?.dataset?.openid;
    this.people.setAttribute("aria-label", words()[this.side]);
    this.people.replaceChildren(...here.map((person) => this.button(person)));
    if (focused) this.people.querySelector(`[data-openid="${CSS.escape(focused)}"]`)?.focus();
    this.people.querySelector("[aria-pressed=true]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
    this.drawCard();
    this.drawUnread();
  }

  button(person) {
    const button = tappable("person", "", () => this.page.open(this.side, person.openid));
    button.dataset.openid = person.openid;
    button.setAttribute("aria-pressed", String(person === this.phone.person));
    const face = make("span", "person-face");
    face.append(faceOf(person), badge(0));
    button.append(face, make("span", "person-name", said(person.name)));
    return button;
  }

  drawCard() {
    const { person } = this.phone;
    const head = make("p", "who");
    head.append(make("strong", "", said(person.name)), make("span", "", said(person.who)));
    this.code = null;
    const text = make("div", "card-text");
    text.append(head, this.wants(said(person.wants)));
    this.card.replaceChildren(text);
  }

  /** What stands in 「」 can be put into the composer with a tap. */
  wants(told) {
    const line = make("p", "wants");
    for (const piece of told.split(/(「[^」]+」)/)) {
      if (!piece.startsWith("「")) { line.append(piece); continue; }
      const words_ = piece.slice(1, -1);
      const button = tappable("try", words_, () => this.phone.suggest(words_));
      button.title = words().use;
      line.append(button);
    }
    return line;
  }

  drawUnread() {
    for (const button of this.people.children) {
      const person = this.page.person(button.dataset.openid);
      button.querySelector(".badge").replaceWith(badge(this.page.unreadOf(person)));
    }
    if (!this.phone) return;
    const { person, node } = this.phone;
    this.phone.drawBack(this.page.unreadOf(person) - this.page.unread(person, node));
    if (this.phone.isListed) this.phone.drawList();
  }

  // The code on an officer's telephone, and how long it lasts.

  drawCode(totp) {
    if (!totp) return;
    if (!this.code) {
      this.code = tappable("totp", "", () => { if (this.totp.code) this.phone.suggest(this.draftedWith(this.totp.code)); });
      this.code.append(ring(), make("span", "totp-digits"), make("span", "totp-left"));
      this.card.append(this.code);
    }
    this.totp = totp;
    const { code, left, early } = totp;
    const digits = code ? `${code.slice(0, 3)} ${code.slice(3)}` : "··· ···";
    this.code.querySelector(".totp-digits").textContent = digits;
    const note = !code ? words().codeSpent(left) : early ? words().codeEarly(left) : words().codeLeft(left);
    this.code.querySelector(".totp-left").textContent = note;
    this.code.querySelector(".ring-left").style.strokeDashoffset = String(RING * (1 - left / 30));
    this.code.setAttribute("aria-label", `${words().code} ${code || ""}，${words().useCode}`);
    this.code.disabled = !code;
    this.code.title = words().useCode;
  }

  /** Behind a command that was begun; else alone. */
  draftedWith(code) {
    const begun = this.phone.input.value.trimEnd();
    return /^[#＃/]\S+$/.test(begun) ? `${begun} ${code}` : code;
  }
}

function ring() {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 36 36");
  svg.setAttribute("aria-hidden", "true");
  for (const name of ["ring", "ring-left"]) {
    const circle = document.createElementNS(SVG, "circle");
    for (const [key, value] of Object.entries({ cx: 18, cy: 18, r: 15, class: name })) circle.setAttribute(key, value);
    circle.style.strokeDasharray = String(RING);
    svg.append(circle);
  }
  return svg;
}
