// The page: two phones side by side, everybody's cards, six things to try, and the levers.

import { Guide } from "./guide.js";
import { Levers } from "./levers.js";
import { Phone } from "./phone.js";
import { Scanner } from "./scanner.js";
import { Side } from "./side.js";
import { ask, pause } from "./pieces.js";
import { language, said, speak, words } from "./words.js";

const STATE_MS = 1000;
const SIDES = ["citizen", "officer"];

class Page {
  constructor({ accounts, people, tongues }, steps) {
    Object.assign(this, { accounts, people, tongues, phones: {}, seen: new Map(), chats: null });
    this.nodes = new Map(people.map((person) => [person.openid, person.node]));
    const wanted = new URLSearchParams(location.hash.slice(1));
    speak(wanted.get("lang"));
    this.sides = Object.fromEntries(SIDES.map((side) => [side, new Side(this, side)]));
    this.levers = new Levers(this);
    this.scanner = new Scanner(this);
    for (const side of SIDES) this.open(side, wanted.get(side), wanted.get(`${side}-at`));
    this.guide = new Guide(this, steps);
    this.wire();
    this.view(steps.length ? "guide" : "citizen");
    this.draw();
    this.loop();
  }

  wire() {
    document.getElementById("language").addEventListener("click", () => this.switchLanguage());
    for (const button of document.querySelectorAll(".views button")) {
      button.addEventListener("click", () => this.view(button.dataset.view));
    }
  }

  person(openid) {
    return this.people.find((one) => one.openid === openid);
  }

  label(node) {
    return said(this.accounts.find((account) => account.name === node)?.label) || node;
  }

  /** On a phone's width one of the three parts is seen. */
  view(wanted) {
    document.body.dataset.view = wanted;
    for (const button of document.querySelectorAll(".views button")) {
      button.setAttribute("aria-pressed", String(button.dataset.view === wanted));
    }
  }

  // Which phones lie there.

  /** Open a person's chat with an account on their side; returns the phone. `focus`: somebody tapped for it. */
  open(side, openid, node, focus = false) {
    const here = this.people.filter((person) => person.side === side);
    const person = here.find((one) => one.openid === openid) || here[0];
    document.getElementById(side).hidden = !person;
    if (!person) return null;
    if (this.accounts.some((account) => account.name === node)) this.nodes.set(person.openid, node);
    const at = this.nodes.get(person.openid);
    const shown = this.phones[side];
    if (shown?.person === person && shown.node === at) {
      shown.showList(false);
      return shown;
    }
    shown?.close();
    this.phones[side] = new Phone(this, person, at);
    this.sides[side].put(this.phones[side]);
    this.remember();
    if (focus) this.phones[side].input.focus({ preventScroll: true });
    return this.phones[side];
  }

  remember() {
    const now = { lang: language() };
    for (const side of SIDES) {
      const phone = this.phones[side];
      if (phone) Object.assign(now, { [side]: phone.person.openid, [`${side}-at`]: phone.node });
    }
    history.replaceState(null, "", `#${new URLSearchParams(now)}`);
  }

  scan(phone) {
    this.scanner.open(phone);
  }

  // What changes by itself.

  async loop() {
    for (;;) {
      await this.refreshState();
      await pause(STATE_MS);
    }
  }

  async refreshState() {
    let state;
    try {
      state = await ask("/api/state");
    } catch {
      return; // the phones say so
    }
    if (state.levers && this.beginnings !== state.levers.beginnings) {
      if (this.beginnings) location.reload(); // the demo has begun again: so does the page
      this.beginnings = state.levers.beginnings;
    }
    this.takeChats(state.chats);
    this.guide.update(state.steps);
    this.levers.update(state.levers);
  }

  takeChats(chats) {
    const isFirst = this.chats === null;
    const before = this.chats || chats;
    this.chats = chats;
    for (const person of this.people) {
      for (const [node, { ids, newest }] of Object.entries(chats[person.openid] || {})) {
        const key = `${person.openid} ${node}`;
        if (isFirst || this.isOpen(person, node)) this.seen.set(key, ids.at(-1) || 0);
        const last = before[person.openid]?.[node]?.ids.at(-1) || 0;
        const phone = this.phones[person.side];
        if ((ids.at(-1) || 0) > last && phone?.person === person && phone.node !== node) phone.announce(node, newest.text);
      }
    }
    for (const side of SIDES) this.sides[side].drawUnread();
  }

  isOpen(person, node) {
    const phone = this.phones[person.side];
    return phone?.person === person && phone.node === node;
  }

  unread(person, node) {
    const seen = this.seen.get(`${person.openid} ${node}`) || 0;
    return (this.chats?.[person.openid]?.[node]?.ids || []).filter((id) => id > seen).length;
  }

  unreadOf(person) {
    return this.accounts.reduce((sum, account) => sum + this.unread(person, account.name), 0);
  }

  chatsOf(person) {
    const chats = this.chats?.[person.openid] || {};
    return this.accounts.map(({ name }) => ({ node: name, newest: chats[name]?.newest, unread: this.unread(person, name) }));
  }

  /** A phone has drawn what is new in its chat: it is read. */
  phoneDrew(phone, lines) {
    if (lines.length) this.seen.set(`${phone.person.openid} ${phone.node}`, lines.at(-1).id);
    this.sides[phone.person.side].drawCode(phone.totp);
  }

  // Words.

  draw() {
    document.documentElement.lang = language() === "zh" ? "zh-CN" : "en";
    document.title = words().title;
    for (const element of document.querySelectorAll("[data-word]")) element.textContent = words()[element.dataset.word];
    for (const element of document.querySelectorAll("[data-label]")) element.setAttribute("aria-label", words()[element.dataset.label]);
    document.getElementById("language").textContent = words().language;
    document.getElementById("language").lang = language() === "zh" ? "en" : "zh-CN";
  }

  switchLanguage() {
    const drafts = Object.fromEntries(SIDES.map((side) => [side, this.phones[side]?.input.value || ""]));
    speak(language() === "zh" ? "en" : "zh");
    for (const side of SIDES) {
      const { person, node } = this.phones[side] || {};
      if (!person) continue;
      this.phones[side].close();
      delete this.phones[side];
      this.open(side, person.openid, node);
      this.phones[side].input.value = drafts[side];
    }
    this.draw();
    this.guide.tell("");
    this.guide.draw();
    this.levers.draw();
    this.remember();
  }
}

async function start() {
  try {
    const [people, steps] = await Promise.all([ask("/api/people"), ask("/api/steps")]);
    new Page(people, steps);
  } catch {
    setTimeout(start, STATE_MS);
  }
}

start();
