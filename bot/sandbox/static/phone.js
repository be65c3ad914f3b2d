// One phone: whose it is, which account is open, and the chat with it, drawn from what the sandbox says.

import { Menu } from "./menu.js";
import { ask, badge, beijingNow, faceOf, faceOfAccount, make, minutes, pause, plain, stamp, tappable, tappableWords, tokens, webLink } from "./pieces.js";
import { said, words } from "./words.js";

const CHAT_MS = 500;
const GAP_MINUTES = 5; // WeChat shows a time stamp after a pause
const BANNER_MS = 6000;
const ANSWER_MS = 20000;
const TONGUES = [[/^(english|英文|英语)$/i, "en"], [/^(中文|汉语|chinese)$/i, "zh"]];

export class Phone {
  /** `page` knows everybody, opens chats, and scans. */
  constructor(page, person, node) {
    Object.assign(this, { page, person, node, last: 0, lastTime: null, following: true, closed: false, atEnd: true, newest: [], tongue: "zh" });
    this.root = document.getElementById("phone").content.firstElementChild.cloneNode(true);
    this.part = (name) => this.root.querySelector(`.${name}`);
    this.chat = this.part("chat");
    this.input = this.root.querySelector("textarea");
    this.menu = new Menu(this);
    this.dots = this.drawDots();
    this.wire();
    this.speak();
    this.chat.setAttribute("aria-busy", "true"); // what was said before is there to be read, not read out
    this.ready = this.refresh().then(() => this.chat.removeAttribute("aria-busy"));
    this.loop();
  }

  wire() {
    this.part("composer").addEventListener("submit", (event) => { event.preventDefault(); this.write(); });
    this.input.addEventListener("input", () => this.grow());
    this.input.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); this.write(); }
    });
    this.part("back").addEventListener("click", () => this.toggleList());
    this.root.addEventListener("keydown", (event) => { if (event.key === "Escape") this.menu.closeAll(true); });
    // The path is asked, not the target: what was tapped may have left the page by now.
    const inside = (event, name) => event.composedPath().includes(this.part(name));
    this.root.addEventListener("click", (event) => { if (!inside(event, "menu") && !inside(event, "bar")) this.menu.closeAll(false); });
    this.chat.addEventListener("scroll", () => { this.atEnd = this.chat.scrollHeight - this.chat.scrollTop - this.chat.clientHeight < 80; });
    new ResizeObserver(() => this.keepEnd()).observe(this.chat);
  }

  /** Stay with the newest line, unless the person has scrolled up to read. */
  keepEnd() {
    if (this.atEnd) this.chat.scrollTop = this.chat.scrollHeight;
  }

  /** Put every fixed word in the language chosen now. */
  speak() {
    const name = said(this.person.name);
    this.root.setAttribute("aria-label", `${name}${words().phoneOf}`);
    this.chat.setAttribute("aria-label", `${words().chat} ${name} · ${this.page.label(this.node)}`);
    this.input.setAttribute("aria-label", words().write);
    this.root.querySelector("[type=submit]").textContent = words().send;
    this.part("title").textContent = this.page.label(this.node);
    this.part("menu").setAttribute("aria-label", `${words().more} · ${this.page.label(this.node)}`);
    this.part("clock").textContent = beijingNow().slice(11, 16);
    this.menu.drawTools();
    this.drawBack(0);
  }

  close() {
    this.closed = true;
    this.root.remove();
  }

  // Asking and sending.

  async loop() {
    while (!this.closed) {
      await pause(CHAT_MS);
      if (!this.closed) await this.refresh();
    }
  }

  /** One at a time, so that no line is drawn twice. */
  refresh() {
    this.refreshing = (this.refreshing || Promise.resolve()).then(() => this.fetchNew());
    return this.refreshing;
  }

  async fetchNew() {
    const query = new URLSearchParams({ openid: this.person.openid, node: this.node, after: this.last });
    try {
      const answer = await ask(`/api/chat?${query}`);
      if (this.closed) return;
      this.draw(answer);
      if (this.isOffline) this.tell("");
      this.isOffline = false;
    } catch {
      this.isOffline = true;
      this.tell(words().offline);
    }
  }

  /** Returns the id of what was sent, or null when it was refused; then the phone says why. */
  async post(what) {
    let sent = null;
    try {
      sent = (await ask("/api/messages", { openid: this.person.openid, node: this.node, ...what })).id;
      this.tell("");
    } catch (error) {
      this.tell(error.status === 410 ? words().expired : error.message);
    }
    await this.refresh();
    return sent;
  }

  /** Write something and wait until the account has answered all that it has to say. */
  async say(text) {
    const sent = await this.post({ text });
    await this.settled();
    return sent;
  }

  async settled() {
    const end = Date.now() + ANSWER_MS;
    while (this.answering && !this.closed && Date.now() < end) {
      await pause(100);
      await this.refresh();
    }
  }

  async write() {
    const text = this.input.value;
    if (!text.trim()) return;
    this.input.value = "";
    this.grow();
    await this.post({ text });
  }

  /** Put words into the composer, for the person to look at and send. */
  suggest(text) {
    this.showList(false);
    this.input.value = text;
    this.grow();
    this.input.focus();
  }

  /** Whoever reads the page in another language is answered in it, once they have written so. */
  async speakAs(wanted) {
    const word = this.page.tongues[wanted];
    if (this.tongue !== wanted && word) await this.say(word);
  }

  /** A link of this name in the newest answer, in a line that speaks of `about`. */
  link(label, about) {
    for (const line of this.newest.flatMap((text) => text.split("\n")).reverse()) {
      if (!plain(line).includes(about)) continue;
      const found = [...tokens(line)].find((token) => token.say && token.text === label);
      if (found) return found;
    }
    return null;
  }

  tap({ say, menuId }) {
    return this.post({ text: say, bizmsgmenuid: menuId });
  }

  // Drawing.

  draw({ lines, following, answering, menu, template_id: template, totp }) {
    const isFirst = !this.hasDrawn; // what was there before does not slide in
    this.hasDrawn = true;
    this.atEnd ||= isFirst || lines.some((line) => line.from === "me");
    Object.assign(this, { following, template, answering, totp });
    this.menu.draw(menu); // first, so that a tapped item is called by its name
    for (const line of lines) this.drawLine(line, isFirst);
    this.chat.dataset.empty = this.last ? "" : words().empty;
    this.dots.hidden = !answering;
    this.chat.append(this.dots);
    this.part("title").textContent = this.isListed ? words().chats : answering ? words().typing : this.page.label(this.node);
    this.input.disabled = !following;
    this.input.placeholder = following ? "" : words().left;
    if (lines.length || answering) this.keepEnd();
    this.page.phoneDrew(this, lines);
  }

  drawLine(line, isFirst) {
    if (this.lastTime === null || minutes(line.time) - minutes(this.lastTime) >= GAP_MINUTES) {
      this.chat.append(make("div", "stamp", stamp(line.time)));
    }
    Object.assign(this, { last: line.id, lastTime: line.time });
    const drawn = line.kind === "event" ? this.eventLine(line) : this.bubbleLine(line);
    if (!isFirst) drawn.classList.add("fresh");
    this.chat.append(drawn);
    if (line.from !== "me") { this.newest.push(line.text); return; }
    this.newest = [];
    this.tongue = TONGUES.find(([spelled]) => spelled.test(line.text.trim()))?.[1] || this.tongue;
  }

  eventLine(line) {
    if (line.from !== "me") return make("div", "event failure", line.text);
    const [event, ...key] = line.text.split(" ");
    const name = event === "SCAN" ? "" : this.menu.nameOf(key.join(" "));
    return make("div", "event", `${words().did[event] || event}${name ? ` 「${name}」` : ""}`);
  }

  bubbleLine(line) {
    const mine = line.from === "me";
    const item = make("div", `line ${mine ? "mine" : "theirs"} ${line.kind}`);
    item.dataset.id = line.id;
    const bubble = make("div", "bubble");
    if (line.kind === "notice") bubble.append(make("span", "flag", words().notice));
    if (mine) bubble.append(line.text);
    else bubble.append(...this.pieces(line));
    const name = mine ? said(this.person.name) : this.page.label(this.node);
    item.append(this.face(mine), make("span", "unseen", `${name} ${words().says}`), bubble);
    return item;
  }

  pieces(line) {
    if (line.kind !== "news") return [...tokens(line.text)].map((token) => this.piece(token));
    const [title, ...rest] = line.text.split("\n");
    const address = /^https?:\/\//.test(rest.at(-1) || "") ? rest.pop() : "";
    const heading = address ? webLink(address, title) : make("span", "", title);
    heading.classList.add("headline");
    const parts = [heading, make("span", "digest", rest.join("\n"))];
    if (address.startsWith(`${location.origin}/cgi-bin/showqrcode?`)) parts.push(this.picture(address));
    return parts;
  }

  /** A QR code of the pretended WeChat's own; no other picture is ever fetched. */
  picture(address) {
    const image = make("img", "qr");
    Object.assign(image, { src: address, alt: words().qr, width: 168, height: 168 });
    image.addEventListener("load", () => this.keepEnd());
    return image;
  }

  piece(token) {
    // The pretended article with WeChat's subscribe button: a tap on it is the person's own.
    if (token.address === `${location.origin}/subscribe`) {
      return tappableWords("say", token.text, () => this.post({ event: "subscribe_msg_popup_event", key: this.template }));
    }
    if (token.address) return webLink(token.address, token.text);
    if (!token.say) return document.createTextNode(token.text);
    return tappableWords("say", token.text, () => this.tap(token));
  }

  face(mine) {
    return mine ? faceOf(this.person) : faceOfAccount(this.node);
  }

  drawDots() {
    const item = make("div", "line theirs typing");
    const bubble = make("div", "bubble");
    bubble.append(make("i"), make("i"), make("i"));
    item.append(this.face(false), bubble);
    item.setAttribute("aria-hidden", "true");
    item.hidden = true;
    return item;
  }

  tell(problem) {
    this.part("problem").textContent = problem;
    this.part("problem").hidden = !problem;
  }

  grow() {
    this.input.style.height = "auto";
    this.input.style.height = `${Math.min(this.input.scrollHeight, 110)}px`;
  }

  // The list of accounts, one step back; and what is pushed into another chat than the open one.

  drawBack(count) {
    const back = this.part("back");
    back.replaceChildren(make("span", "chevron"), badge(count));
    back.setAttribute("aria-label", count ? `${words().back}，${words().unread(count)}` : words().back);
  }

  toggleList() {
    this.showList(!this.isListed);
    (this.isListed ? this.part("list").querySelector("button") : this.part("back")).focus();
  }

  showList(listed) {
    this.isListed = listed;
    this.part("back").setAttribute("aria-expanded", String(listed));
    for (const name of ["chat", "composer", "menu"]) this.part(name).classList.toggle("away", listed);
    this.part("list").hidden = !listed;
    this.part("title").textContent = listed ? words().chats : this.page.label(this.node);
    if (listed) this.drawList();
  }

  drawList() {
    const rows = this.page.chatsOf(this.person).map(({ node, newest, unread }) => {
      const row = tappable("row", "", () => this.page.open(this.person.side, this.person.openid, node, true));
      const text = make("span", "row-text");
      text.append(make("strong", "", this.page.label(node)), make("span", "snippet", newest ? plain(newest.text).replaceAll("\n", " ") : ""));
      row.append(faceOfAccount(node), text, make("span", "row-time", newest ? stamp(newest.time) : ""), badge(unread));
      return row;
    });
    const focused = [...this.part("list").children].indexOf(document.activeElement);
    this.part("list").replaceChildren(...rows);
    this.part("list").children[focused]?.focus();
  }

  /** Something came into another chat of this person: it slides in from above, and can be tapped. */
  announce(node, text) {
    const banner = this.part("banner");
    const note = tappable("note", "", () => this.page.open(this.person.side, this.person.openid, node, true));
    const words_ = make("span", "row-text");
    words_.append(make("strong", "", `${this.page.label(node)} ${words().newIn}`), make("span", "snippet", plain(text).replaceAll("\n", " ")));
    note.append(faceOfAccount(node), words_);
    banner.replaceChildren(note);
    setTimeout(() => note.remove(), BANNER_MS);
  }
}
