"""Reads one cell: a name, a number of somebody, an amount, a day. What does not fit says how to mend it.

Spreadsheets do things to numbers; what they do without loss is undone, and what they lose is named.
"""

import re
import unicodedata
from collections.abc import Sequence
from datetime import date, datetime

from bot.replies import visible
from bot.sensitive import is_id
from handlers.amounts import FEN_MAX
from handlers.imports.remarks import CellWrong
from ledger.records.fold import EARLIEST_DAY

NAME_CHARACTERS_MAX = 60
WORDS_CHARACTERS_MAX = 300  # as in the chat: all of it is read back
REFERENCE_CHARACTERS_MAX = 60
ID_CHARACTERS = 18

_FORMULA_STARTS = ("=", "+", "-", "@")  # a spreadsheet that opens it later would run it (OWASP, CSV injection)
_AS_TEXT = re.compile(r"""=?"(.*)"|'(.*)""")  # how programs keep a spreadsheet from rounding a long number
_ROUNDED = re.compile(r"[0-9.]+[eE]\+?[0-9]+")
_PHONE = re.compile(r"1[0-9]{10}|0[0-9]{2,3}-?[0-9]{7,8}")
_ACCOUNT = re.compile(r"[0-9]{8,32}")
_REFERENCE = re.compile(r"[\w.()/（）〔〕\[\]号#-]+")
_YUAN = re.compile(r"(0|[1-9][0-9]{0,11})(?:\.([0-9]{1,2}))?")
_GROUPED = re.compile(r"[1-9][0-9]{0,2}(?:,[0-9]{3}){1,3}(?:\.[0-9]{1,2})?")
_MONTH = re.compile(r"([0-9]{4})[-/年.]?([0-9]{1,2})月?")
_DIGITS = re.compile(r"[0-9]+")


def number_text(text: str) -> str:
    """A number as its digits were meant: half width, without spaces and what kept it from being rounded."""
    plain = unicodedata.normalize("NFKC", text).strip()
    match = _AS_TEXT.fullmatch(plain)
    inner = plain if match is None else match[1] if match[1] is not None else match[2]
    bare = "".join(inner.split())
    if _ROUNDED.fullmatch(bare):
        raise CellWrong("import.cell.rounded")
    return bare


def words(text: str) -> str:
    """Free text of an officer."""
    told = text.strip()
    if visible(told) != told:
        raise CellWrong("import.cell.invisible")
    if len(told) > WORDS_CHARACTERS_MAX:
        raise CellWrong("import.cell.long", most=WORDS_CHARACTERS_MAX)
    if told.startswith(_FORMULA_STARTS):
        raise CellWrong("import.cell.formula")
    return told


def name(text: str) -> str:
    """The name of a person, or of whoever is paid: letters, and the dots and spaces between them."""
    told = " ".join(text.split())
    if not told:
        raise CellWrong("import.cell.empty")
    if len(told) > NAME_CHARACTERS_MAX:
        raise CellWrong("import.cell.long", most=NAME_CHARACTERS_MAX)
    if told.startswith(_FORMULA_STARTS):
        raise CellWrong("import.cell.formula")
    if not all(unicodedata.category(each)[0] in "LMN" or each in " ·•・.'()（）-" for each in told):
        raise CellWrong("import.cell.name")
    return told


def same_name(one: str, other: str) -> bool:
    """Whether two systems mean one name: width, spaces, case and the kind of dot make no difference."""
    return _bare_name(one) == _bare_name(other)


def _bare_name(told: str) -> str:
    return "".join(each for each in unicodedata.normalize("NFKC", told).casefold() if each.isalnum())


def reference(text: str) -> str:
    """How another system numbers its cases."""
    told = number_text(text)
    if not told:
        raise CellWrong("import.cell.empty")
    if len(told) > REFERENCE_CHARACTERS_MAX or not _REFERENCE.fullmatch(told):
        raise CellWrong("import.cell.reference")
    return told


def id_number(text: str) -> str:
    """A resident's ID number (GB 11643), with a good date and check character."""
    told = number_text(text).upper()
    if not told:
        raise CellWrong("import.cell.empty")
    if len(told) != ID_CHARACTERS or not told.isascii() or not is_id(told):
        raise CellWrong("import.cell.id-number")
    return told


def phone(text: str) -> str:
    """A telephone number."""
    told = number_text(text)
    if not _PHONE.fullmatch(told):
        raise CellWrong("import.cell.phone")
    return told


def account(text: str) -> str:
    """A bank account, digits only."""
    told = number_text(text).replace("-", "")
    if not _ACCOUNT.fullmatch(told):
        raise CellWrong("import.cell.account")
    return told


def yuan(text: str, *, thousands: bool) -> int:
    """An amount in yuan with at most two decimals, in fen; `thousands`: commas may stand between them."""
    told = unicodedata.normalize("NFKC", text).strip().removeprefix("¥").removesuffix("元").strip()
    if thousands and _GROUPED.fullmatch(told):
        told = told.replace(",", "")
    match = _YUAN.fullmatch(told)
    if match is None:
        raise CellWrong("import.cell.yuan")
    return _positive(int(match[1]) * 100 + int((match[2] or "").ljust(2, "0")))


def fen(text: str) -> int:
    """An amount in fen."""
    told = unicodedata.normalize("NFKC", text).strip()
    if not re.fullmatch(r"[0-9]{1,14}", told, re.ASCII):
        raise CellWrong("import.cell.fen")
    return _positive(int(told))


def _positive(amount: int) -> int:
    if not 0 < amount <= FEN_MAX:
        raise CellWrong("import.cell.amount-range")
    return amount


def day(text: str, formats: Sequence[str], today: date, *, to_come: bool = False) -> date:
    """A day in one of these formats of `strptime`, a time behind it included; it has come, unless it may be to come."""
    told = unicodedata.normalize("NFKC", text).strip()
    for form in formats:
        try:
            found = datetime.strptime(told, form)  # noqa: DTZ007  # a day on a paper has no zone
        except ValueError:
            continue
        # strptime reads 2026113 as a day as well: which one, nobody knows.
        if _groups(found.strftime(form)) == _groups(told):
            return _possible(found.date(), today, to_come=to_come)
    raise CellWrong("import.cell.day", example=today.strftime(formats[0]))


def _groups(text: str) -> list[int]:
    return [int(group) for group in _DIGITS.findall(text)]


def _possible(found: date, today: date, *, to_come: bool) -> date:
    if found > today and not to_come:
        raise CellWrong("import.cell.day-to-come")
    if found.isoformat() < EARLIEST_DAY:
        raise CellWrong("import.cell.day-long-ago")
    return found


def month(text: str) -> str:
    """A month, as YYYY-MM."""
    match = _MONTH.fullmatch(unicodedata.normalize("NFKC", text).strip())
    if match is None or not 1 <= int(match[2]) <= 12 or not 1980 <= int(match[1]) <= 2199:
        raise CellWrong("import.cell.month")
    return f"{match[1]}-{int(match[2]):02d}"


def count(text: str) -> int:
    """How many lines a list says that it has."""
    told = unicodedata.normalize("NFKC", text).strip().removesuffix("笔").strip()
    if not re.fullmatch(r"[0-9]{1,6}", told, re.ASCII):
        raise CellWrong("import.cell.count")
    return int(told)
