"""Hides ID and bank card numbers that people write into the chat, before anything keeps or logs them.

One of our own numbers is never hidden, whatever else it might be; a mistyped one is neither an ID nor a card and stays.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date

from bot.messages import Link, Location, Message, Text, Voice

IsNumber = Callable[[str], bool]

DIGITS_MIN = 12
DIGITS_MAX = 20
ID_DIGITS = 18
ID_DIGITS_BEFORE_1999 = 15
SHOWN_AT_THE_END = 2
UNIONPAY = "62"  # nearly every card of our country
EARLIEST_BIRTH_YEAR = 1900
LATEST_BIRTH_YEAR = 2099

# Between two groups of one number stand up to three marks, whatever they are: neither letters nor digits.
_CLUSTER = re.compile(r"[0-9](?:[\W_]{0,3}[0-9])*(?:[\W_]{0,3}[Xx](?![A-Za-z]))?")
_ENOUGH_DIGITS = re.compile(r"[0-9](?:[\W_]{0,3}[0-9]){11}")
# An ID of 18 characters says by itself that it is one. Of other runs of digits one in a hundred is an old ID by chance,
# one in ten a card: several amounts with commas between them are not joined to find one.
_PLAIN_GAPS = frozenset(" .·_/-‐–—−")
_LONG_RUN = re.compile(r"[0-9]{19,}[Xx]?")
_PART = re.compile(r"[0-9]+(?:[Xx])?|[Xx]|[^0-9Xx]")
# GB 11643-1999: weights 2^(17-i) mod 11, and the check characters for each remainder.
_WEIGHTS = tuple(pow(2, ID_DIGITS - 1 - at, 11) for at in range(ID_DIGITS - 1))
_CHECKS = "10X98765432"
# GB/T 2260: the provinces, first two digits.
_PROVINCE = re.compile(r"1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3]|91")
# ISO/IEC 7812: who issues cards under which first digits, and how long theirs are. Most of ours begin otherwise,
# so that a case number with a slip in it is told as mistyped and not taken for a card.
_CARDS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|5\d{15,18}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}"
    r"|6\d{15,18}|3[47]\d{13}|3(?:0[0-5]|6|8|9)\d{11,12}|35\d{14,17}|9\d{15,18}"
)

# How numbers are spoken, as a voice is written down: read as digits where so many stand in a row.
_SPOKEN = re.compile(
    r"[〇零○一二三四五六七八九幺壹贰叁肆伍陆柒捌玖](?:[ ,、，-]?[〇零○一二三四五六七八九幺壹贰叁肆伍陆柒捌玖]){11,}"
)
_DIGITS_SPOKEN = str.maketrans("〇零○一二三四五六七八九幺壹贰叁肆伍陆柒捌玖", "000123456789" + "1" + "123456789")
_LIKE_X = str.maketrans("ХхΧχ×", "XxXxx")  # Cyrillic, Greek, the sign: drawn like the check character


@dataclass(frozen=True, slots=True)
class Masked:
    """A text with its ID and card numbers hidden, and whether there were any."""

    text: str
    found: bool


def mask(text: str, is_number: IsNumber) -> Masked:
    """Hide ID and card numbers in `text`, which is in NFKC, also when they are written in groups.

    `is_number` says whether a run of digits is one of our own numbers: known prefix, good check digits.
    """
    read = text if text.isascii() else _read_digits(text)
    if _ENOUGH_DIGITS.search(read) is None:
        return Masked(text, found=False)
    hidden = _CLUSTER.sub(lambda found: _mask_cluster(found[0], is_number), read)
    if hidden == read:
        return Masked(text, found=False)
    return Masked(
        "".join("*" if gone != kept else own for gone, kept, own in zip(hidden, read, text, strict=True)), True
    )


def _read_digits(text: str) -> str:
    """The text, character for character, with ASCII digits for what is read as one."""
    return _SPOKEN.sub(lambda found: found[0].translate(_DIGITS_SPOKEN), text.translate(_LIKE_X))


def with_words(message: Message, words: str) -> Message:
    """The message with its words replaced, so that nobody finds the hidden numbers in it."""
    match message:
        case Text():
            return replace(message, content=words)
        case Voice():
            return replace(message, recognition=words)
    return message


def without_private_labels(message: Message, is_number: IsNumber) -> Message:
    """Hide numbers in the words that a message carries beside its point."""
    match message:
        case Link(title=title):
            return replace(message, title=mask(title, is_number).text)
        case Location(label=label):
            return replace(message, label=mask(label, is_number).text)
    return message


def _mask_cluster(cluster: str, is_number: IsNumber) -> str:
    """Hide what is private in one stretch of digit groups; the longest reading from each group on is tried first."""
    parts = _PART.findall(cluster)
    at = 0
    while at < len(parts):
        end = _end_of(parts, at, is_number)
        if end == at:
            at += 1
        else:
            at = end
    return _mask_windows("".join(parts), is_number)


def _end_of(parts: list[str], start: int, is_number: IsNumber) -> int:
    """Past the number of ours, the ID or the card that begins at `start` (hidden in place), or `start`."""
    readings = list(_readings(parts, start))
    for end, digits in readings:
        if digits.isdigit() and is_number(digits):
            return end
    for end, digits in reversed(readings):
        if _is_private(digits, is_plain=_is_plain(parts[start:end])):
            _hide(parts, start, end)
            return end
    return start


def _is_private(digits: str, *, is_plain: bool) -> bool:
    return is_id(digits, strict=not is_plain) or (is_card(digits) and (is_plain or digits.startswith(UNIONPAY)))


def _is_plain(parts: list[str]) -> bool:
    """Whether the groups are set apart as people set the groups of one number apart; marks on a digit are no gap."""
    return all(part.isalnum() or part in _PLAIN_GAPS or unicodedata.category(part)[0] == "M" for part in parts)


def _readings(parts: list[str], start: int) -> Iterator[tuple[int, str]]:
    """The runs that the groups from `start` on make together, with where they end."""
    digits = ""
    for end in range(start, len(parts)):
        if not parts[end].isalnum():
            if end == start:
                return
            continue
        if digits and len(parts[end]) >= DIGITS_MIN:
            return  # a long run is a number by itself; what stands before it is not its beginning
        digits += parts[end].upper()
        if len(digits) > DIGITS_MAX:
            return
        if len(digits) >= DIGITS_MIN:
            yield end + 1, digits


def _hide(parts: list[str], start: int, end: int) -> None:
    shown = SHOWN_AT_THE_END
    for at in reversed(range(start, end)):
        if parts[at].isalnum():
            kept = min(shown, len(parts[at]))
            parts[at] = "*" * (len(parts[at]) - kept) + parts[at][len(parts[at]) - kept :]
            shown -= kept


def _mask_windows(text: str, is_number: IsNumber) -> str:
    """Hide IDs inside runs too long to be anything: somebody wrote an ID and a telephone number without a space."""

    def hide(found: re.Match[str]) -> str:
        run = found[0]
        if any(is_number(run[:end]) for end in range(DIGITS_MIN, DIGITS_MAX + 1)):
            return run
        starts = [at for at in range(len(run) - ID_DIGITS + 1) if is_id(run[at : at + ID_DIGITS])]
        for at in starts:
            hidden = ID_DIGITS - SHOWN_AT_THE_END
            run = run[:at] + "*" * hidden + run[at + hidden :]
        return run

    return _LONG_RUN.sub(hide, text)


def is_id(run: str, *, strict: bool = False) -> bool:
    """Is it a resident's ID number: 18 characters with a good check character, or the 15 digits used before 1999?

    `strict`: only the longer one, whose check leaves little to chance.
    """
    if _PROVINCE.match(run) is None:
        return False
    if len(run) == ID_DIGITS_BEFORE_1999:
        return not strict and run.isdigit() and _is_date("19" + run[6:12])
    return len(run) == ID_DIGITS and run[:-1].isdigit() and _is_date(run[6:14]) and _check_of(run) == run[-1]


def _check_of(run: str) -> str:
    return _CHECKS[sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, run[:-1], strict=True)) % 11]


def _is_date(yyyymmdd: str) -> bool:
    try:
        return EARLIEST_BIRTH_YEAR <= date.fromisoformat(yyyymmdd).year <= LATEST_BIRTH_YEAR
    except ValueError:
        return False


def is_card(run: str) -> bool:
    """Is it a bank card: an issuer's first digits, a length of theirs, and a good Luhn sum (ISO/IEC 7812-1)?"""
    return _CARDS.fullmatch(run) is not None and _luhn(run) == 0


def _luhn(run: str) -> int:
    ones = sum(map(int, run[-1::-2]))
    twos = sum(sum(divmod(2 * int(digit), 10)) for digit in run[-2::-2])
    return (ones + twos) % 10
