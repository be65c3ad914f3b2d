// The small pieces every part draws with. Foreign text is only ever put down as text.

import { words } from "./words.js";

export function make(tag, className = "", text = "") {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}

export function tappable(className, text, tap) {
  const button = make("button", className, text);
  button.type = "button";
  button.addEventListener("click", tap);
  return button;
}

/** The same for words within a text: they break at the end of a line, as no button does. */
export function tappableWords(className, text, tap) {
  const words = make("span", className, text);
  words.tabIndex = 0;
  words.setAttribute("role", "button");
  words.addEventListener("click", tap);
  words.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    tap();
  });
  return words;
}

export class Refused extends Error {
  constructor(status, answer) {
    super(answer.detail || String(status));
    Object.assign(this, { status, says: answer.says });
  }
}

export async function ask(path, body) {
  const init = body && { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  const response = await fetch(path, init || undefined);
  const answer = await response.json();
  if (!response.ok) throw new Refused(response.status, answer);
  return answer;
}

export const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

/** Cut a name as a phone does: `max` counts Chinese characters, two Latin ones make one. */
export function shortened(name, max) {
  let width = 0;
  const fitting = [...name].filter((sign) => (width += sign.codePointAt(0) < 256 ? 0.5 : 1) <= max).join("");
  return fitting === name ? name : `${fitting}…`;
}

function hue(text) {
  return [...text].reduce((sum, sign) => (sum * 31 + sign.codePointAt(0)) % 360, 7);
}

/** A square with one sign on it: the person's given name, or the account's field. `key` decides the colour. */
export function avatar(sign, key, kind = "person") {
  const face = make("span", `avatar ${kind}`, sign || "?");
  face.setAttribute("aria-hidden", "true");
  face.style.setProperty("--hue", hue(key));
  return face;
}

export const faceOf = (person) => avatar([...person.name.zh.replace(/的.*$/, "")].at(-1), person.openid);
export const faceOfAccount = (node) => avatar([...node][0], node, "account");

/** A red count of what was not read, or nothing. */
export function badge(count) {
  const mark = make("span", "badge", count > 19 ? "20+" : String(count));
  mark.hidden = !count;
  mark.setAttribute("role", "img");
  mark.setAttribute("aria-label", words().unread(count));
  return mark;
}

// What a message holds: text, links, and links that speak for the person who taps them.

const TOKEN = /<a\s+href=(?:"([^"]*)"|'([^']*)')[^>]*>([^<]*)<\/a>|(https?:\/\/[^\s<>"'，。；、）】」]+)/gi;

export function* tokens(text) {
  let end = 0;
  for (const match of text.matchAll(TOKEN)) {
    if (match.index > end) yield { text: text.slice(end, match.index) };
    yield linkToken(match);
    end = match.index + match[0].length;
  }
  if (end < text.length) yield { text: text.slice(end) };
}

function linkToken([whole, double, single, label, bare]) {
  const address = bare ?? double ?? single;
  if (/^https?:\/\//i.test(address)) return { address, text: bare ?? label };
  const query = /^weixin:\/\/bizmsgmenu\?(.*)$/i.exec(address);
  if (!query) return { text: whole };
  const fields = Object.fromEntries(query[1].replaceAll("&amp;", "&").split("&").map((pair) => {
    const [name, ...rest] = pair.split("=");
    return [name, decoded(rest.join("="))];
  }));
  return fields.msgmenucontent ? { say: fields.msgmenucontent, menuId: fields.msgmenuid || "", text: label } : { text: whole };
}

function decoded(value) {
  try {
    return decodeURIComponent(value);
  } catch {
    return value; // a bare percent sign
  }
}

/** A text as it is read: links are their labels. */
export const plain = (text) => [...tokens(text)].map((token) => token.text).join("");

export function webLink(address, text) {
  const link = make("a", "", text);
  link.href = address;
  link.target = "_blank";
  link.rel = "noopener noreferrer";
  return link;
}

// Time stamps: the sandbox writes Beijing time, and the page shows just that.

export const minutes = (time) => Date.parse(time) / 60000;

export function stamp(time, now = beijingNow()) {
  const clock = time.slice(11, 16);
  const day = (moment) => moment.slice(0, 10);
  if (day(time) === day(now)) return clock;
  const before = new Date(Date.parse(day(now)) - 86400000).toISOString();
  if (day(time) === day(before)) return `${words().yesterday} ${clock}`;
  return `${words().day(Number(time.slice(5, 7)), Number(time.slice(8, 10)))} ${clock}`;
}

export const beijingNow = () => new Date(Date.now() + 8 * 3600000).toISOString();
