// What can be said about a number while it is being typed: the key of a sentence, or null when nothing is wrong.
// The server checks the same again (handlers/pages/fields.py), and what counts is what it says.

const ID_CHARACTERS = 18;
const CARD_DIGITS_MIN = 13, CARD_DIGITS_MAX = 19;
const EARLIEST_BIRTH_YEAR = 1880;

// Without spaces and hyphens, full-width digits as plain ones.
export function digits(typed) {
  return typed.normalize("NFKC").replace(/[\s\u2010-\u2014-]/gu, "");
}

// GB 11643: day of birth, and a check character (ISO 7064 MOD 11-2). Districts are not looked at: lists of them are old.
export function id(typed, today = new Date()) {
  const found = digits(typed).toUpperCase();
  if (!found) return "field.id.missing";
  if (/^\d{15}$/.test(found)) return "field.id.old";
  if (!/^\d*[\dX]$/.test(found)) return "field.id.characters";
  if (found.length !== ID_CHARACTERS) return "field.id.length";
  if (!isBirthday(found.slice(6, 14), today)) return "field.id.date";
  let sum = 0;
  for (let place = 0; place < 17; place += 1) sum += Number(found[place]) * (2 ** (17 - place) % 11);
  return found[17] === "10X98765432"[sum % 11] ? null : "field.id.check";
}

function isBirthday(text, today) {
  const [year, month, day] = [text.slice(0, 4), text.slice(4, 6), text.slice(6)].map(Number);
  const date = new Date(year, month - 1, day);
  return year >= EARLIEST_BIRTH_YEAR && date.getMonth() === month - 1 && date.getDate() === day && date <= today;
}

// A mobile number of the Mainland, or a landline with its area code.
export function phone(typed) {
  const found = digits(typed).replace(/^(\+86|0086)/, "");
  if (!found) return "field.phone.missing";
  return /^(1[3-9]\d{9}|0[1-9]\d{8,10})$/.test(found) ? null : "field.phone.form";
}

// ISO/IEC 7812, with its Luhn sum.
export function card(typed) {
  const found = digits(typed);
  if (!found) return "field.card.missing";
  if (!/^\d+$/.test(found)) return "field.card.characters";
  if (found.length < CARD_DIGITS_MIN || found.length > CARD_DIGITS_MAX) return "field.card.length";
  let sum = 0;
  [...found].reverse().forEach((digit, place) => {
    const value = Number(digit) * (place % 2 ? 2 : 1);
    sum += value > 9 ? value - 9 : value;
  });
  return sum % 10 ? "field.card.check" : null;
}
