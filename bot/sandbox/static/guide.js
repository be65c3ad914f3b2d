// 试试这6步: each tap lays the right two phones side by side and does, in the chat, what one person would do there.

import { faceOf, make, pause, tappable } from "./pieces.js";
import { language, said, words } from "./words.js";

const LINK_MS = 30000; // another department's record comes within a round or two
const LOOK_MS = 1500;
const ARRIVE_MS = 4000; // a round comes every five seconds: whoever asks at once asks twice
const ASKED_MAX = 6;
const CODE = "{code}";

export class Guide {
  constructor(page, steps) {
    Object.assign(this, { page, steps, done: steps.map((step) => step.taps.map(() => false)), opened: 0, says: "" });
    this.list = document.getElementById("steps");
    this.next = document.getElementById("next");
    this.next.addEventListener("click", () => this.goOn());
    document.getElementById("onward").hidden = steps.length === 0;
    document.getElementById("guide").hidden = steps.length === 0;
    document.body.classList.toggle("unguided", steps.length === 0);
    this.draw();
  }

  // Which is done, and what comes next.

  update(done) {
    if (JSON.stringify(done) === JSON.stringify(this.done)) return;
    const was = this.nextTap()?.at;
    this.done = done;
    const at = this.nextTap()?.at;
    if (at !== undefined && at !== was) this.opened = at;
    this.draw();
  }

  isDone(at) {
    return this.done[at].every(Boolean);
  }

  nextTap() {
    for (const [at, step] of this.steps.entries()) {
      const to = this.done[at].indexOf(false);
      if (to >= 0) return { at, to, tap: step.taps[to] };
    }
    return null;
  }

  async goOn() {
    const next = this.nextTap();
    if (!next) return;
    if (next.at !== this.opened) { this.opened = next.at; this.draw(); }
    await this.run(next.tap, next.at, next.to);
  }

  // Doing it.

  async run(tap, at, to) {
    if (this.running) return;
    this.running = true;
    this.tell(words().working);
    this.draw();
    try {
      this.tell(await this.act(tap, () => this.done[at][to]) || "");
      await this.page.refreshState();
    } catch (error) {
      this.tell(error.says ? said(error.says) : error.message);
    } finally {
      this.running = false;
      this.draw();
    }
  }

  /** Returns what to tell when it could not be done. */
  async act({ phones, by, act }, isDone) {
    for (const [side, { openid, node }] of Object.entries(phones)) this.page.open(side, openid, node);
    if (act.lever) {
      this.page.view("guide");
      await this.page.levers.pull(act.lever);
      return "";
    }
    this.page.view(by);
    const phone = this.page.phones[by];
    await phone.ready;
    await phone.speakAs(language());
    if (act.link) return this.tapLink(phone, act);
    if (act.scan) return this.scan(phone, act.scan);
    return act.patient ? this.sayUntil(phone, act.say[language()], isDone) : this.say(phone, act.say[language()]);
  }

  /** What is asked for comes from another department: give it a moment, and ask again if it is not there yet. */
  async sayUntil(phone, text, isDone) {
    for (let asked = 0; asked < ASKED_MAX && !phone.closed; asked += 1) {
      this.tell(words().waiting);
      await pause(ARRIVE_MS);
      await phone.say(text);
      await this.page.refreshState();
      if (isDone()) return "";
    }
    return words().notThere;
  }

  async scan(phone, beginning) {
    if (!await this.page.scanner.scanFor(phone, beginning)) return words().notThere;
    await phone.settled();
    return "";
  }

  async say(phone, text) {
    if (text.includes(CODE)) {
      this.tell(words().fresh);
      while (!phone.totp?.code && !phone.closed) await pause(300);
      this.tell(words().working);
    }
    await phone.say(text.replace(CODE, phone.totp?.code));
    return "";
  }

  /** The link is in a list, and what the list is made from may still be on its way from another department. */
  async tapLink(phone, { link, about, first }) {
    const end = Date.now() + LINK_MS;
    for (let found = phone.link(link[language()], about); Date.now() < end && !phone.closed; await pause(LOOK_MS)) {
      if (!found) {
        await phone.say(first);
        found = phone.link(link[language()], about);
      }
      if (found) {
        await phone.tap(found);
        await phone.settled();
        return "";
      }
      this.tell(words().waiting);
    }
    return words().notThere;
  }

  tell(text) {
    this.says = text;
    document.getElementById("onward-says").textContent = text;
  }

  // Drawing.

  draw() {
    if (!this.steps.length) return;
    const focused = document.activeElement?.dataset?.key;
    this.list.replaceChildren(...this.steps.map((step, at) => this.step(step, at)));
    if (focused) this.list.querySelector(`[data-key="${focused}"]`)?.focus({ preventScroll: true });
    if (this.drawnNext !== this.list.querySelector(".is-next")?.dataset.key) {
      this.list.querySelector(".is-next")?.scrollIntoView({ block: "center" });
      this.drawnNext = this.list.querySelector(".is-next")?.dataset.key;
    }
    const count = this.steps.filter((_, at) => this.isDone(at)).length;
    document.getElementById("progress").textContent = `${count} / ${this.steps.length}`;
    const next = this.nextTap();
    this.next.replaceChildren(...(next ? this.nextWords(next) : [words().finished]));
    this.next.disabled = !next || Boolean(this.running);
    document.getElementById("onward").setAttribute("aria-busy", String(Boolean(this.running)));
  }

  nextWords({ tap }) {
    const person = this.page.person(tap.phones[tap.by].openid);
    const label = make("span", "next-what", tap.act.lever ? said(tap.label) : `${said(person.name)} ${said(tap.label)}`);
    return [make("span", "next-word", words().next), label];
  }

  step(step, at) {
    const item = make("li", `step${this.isDone(at) ? " done" : ""}`);
    const open = this.opened === at;
    const head = tappable("step-head", "", () => { this.opened = open ? -1 : at; this.draw(); });
    head.setAttribute("aria-expanded", String(open));
    head.dataset.key = `step-${at}`;
    const mark = make("span", "step-mark", this.isDone(at) ? "" : String(at + 1));
    mark.setAttribute("aria-hidden", "true");
    const count = this.done[at].filter(Boolean).length;
    head.append(mark, make("span", "step-title", said(step.title)), make("span", "step-count", `${count}/${step.taps.length}`));
    if (this.isDone(at)) head.append(make("span", "unseen", words().done));
    item.append(head);
    if (open) item.append(make("p", "step-why", said(step.why)), this.taps(step, at));
    return item;
  }

  taps(step, at) {
    const list = make("ul", "taps");
    const next = this.nextTap();
    list.append(...step.taps.map((tap, to) => {
      const item = make("li");
      item.append(this.tap(tap, at, to, next?.at === at && next?.to === to));
      return item;
    }));
    return list;
  }

  tap(tap, at, to, isNext) {
    const person = this.page.person(tap.phones[tap.by].openid);
    const done = this.done[at][to];
    const button = tappable(`tap${done ? " done" : ""}${isNext ? " is-next" : ""}${tap.act.lever ? " lever-tap" : ""}`, "", () => this.run(tap, at, to));
    button.dataset.key = `tap-${at}-${to}`;
    button.disabled = Boolean(this.running);
    const text = make("span", "tap-text");
    if (!tap.act.lever) text.append(make("strong", "", said(person.name)), " ");
    text.append(said(tap.label));
    const mark = make("span", "tap-mark");
    mark.setAttribute("aria-hidden", "true");
    if (tap.act.lever) button.append(text, mark);
    else button.append(faceOf(person), text, mark);
    if (done) button.append(make("span", "unseen", words().done));
    return button;
  }
}
