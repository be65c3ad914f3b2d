"""What may stand in the fields of a form, and in plain words what is wrong with what was typed.

Pure. The browser checks the same while one types (`static/checks.js`); what counts is checked here.
"""

import re
import unicodedata
from collections.abc import Mapping
from datetime import date

from stdnum import luhn
from stdnum.cn import ric
from stdnum.exceptions import ValidationError

from bot.replies import visible

TYPED_CHARACTERS_MAX = 200  # of anything in a field; a form shows more back than it takes
NAME_CHARACTERS_MAX = 50  # the longest names of people here are transliterated ones
ID_CHARACTERS = 18
ID_CHARACTERS_BEFORE_1999 = 15
EARLIEST_BIRTH_YEAR = 1880
CARD_DIGITS_MIN, CARD_DIGITS_MAX = 13, 19  # ISO/IEC 7812

RELATIONS = ("spouse", "child", "parent", "guardian", "relative", "other")

_DOTS = str.maketrans(dict.fromkeys("•‧・．∙⋅", "·"))  # ways to type the dot inside a transliterated name
_IN_NAMES = frozenset("· .'’-〇")
_NOBODY_ELSE_SEES = frozenset(
    {"Co", "Cn", "Cs"}
)  # private use, unassigned, surrogates: another font shows another name
_BETWEEN_DIGITS = re.compile(r"[\s‐-—-]+")  # as people group long numbers
_DIGITS = re.compile(r"[0-9]+")
_ID_LIKE = re.compile(r"[0-9]*[0-9X]")
_FROM_ABROAD = re.compile(r"^(?:\+86|0086)")
_PHONE = re.compile(r"1[3-9][0-9]{9}|0[1-9][0-9]{8,10}")  # a mobile number, or an area code and what follows it


class Wrong(Exception):
    """A value cannot be taken; `key` is a sentence of the catalogue that says how to mend it."""

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(key)
        self.key = key
        self.values: Mapping[str, object] = values


def name(typed: str) -> str:
    """A person's name; raises Wrong. Letters of any script, and the dots and hyphens that stand in names."""
    if any(unicodedata.category(character) in _NOBODY_ELSE_SEES for character in typed):
        raise Wrong("field.name.characters")
    found = " ".join(visible(unicodedata.normalize("NFC", typed)).translate(_DOTS).split())
    if not found:
        raise Wrong("field.name.missing")
    if len(found) > NAME_CHARACTERS_MAX:
        raise Wrong("field.name.long", count=NAME_CHARACTERS_MAX)
    if not all(_may_be_in_a_name(character) for character in found) or not any(map(str.isalpha, found)):
        raise Wrong("field.name.characters")
    return found


def _may_be_in_a_name(character: str) -> bool:
    return character in _IN_NAMES or unicodedata.category(character)[0] in "LM"


def id_number(typed: str, today: date) -> str:
    """A resident's ID number (GB 11643), with a check character and a day of birth that exists; raises Wrong.

    Its first six digits are not looked at: lists of districts are old, and people are registered in new ones.
    """
    found = _digits(typed).upper()
    if not found:
        raise Wrong("field.id.missing")
    if len(found) == ID_CHARACTERS_BEFORE_1999 and _DIGITS.fullmatch(found):
        raise Wrong("field.id.old")
    if _ID_LIKE.fullmatch(found) is None:
        raise Wrong("field.id.characters")
    if len(found) != ID_CHARACTERS:
        raise Wrong("field.id.length", count=len(found))
    try:
        born = ric.get_birth_date(found)
    except ValidationError as error:
        raise Wrong("field.id.date") from error
    if born.year < EARLIEST_BIRTH_YEAR or born > today:
        raise Wrong("field.id.date")
    if ric.calc_check_digit(found) != found[-1]:
        raise Wrong("field.id.check")
    return found


def phone(typed: str) -> str:
    """A mobile number of the Mainland, or a landline with its area code; raises Wrong."""
    found = _FROM_ABROAD.sub("", _digits(typed))
    if not found:
        raise Wrong("field.phone.missing")
    if _PHONE.fullmatch(found) is None:
        raise Wrong("field.phone.form")
    return found


def card(typed: str) -> str:
    """A bank card's number (ISO/IEC 7812, Luhn); raises Wrong."""
    found = _digits(typed)
    if not found:
        raise Wrong("field.card.missing")
    if _DIGITS.fullmatch(found) is None:
        raise Wrong("field.card.characters")
    if not CARD_DIGITS_MIN <= len(found) <= CARD_DIGITS_MAX:
        raise Wrong("field.card.length", count=len(found), least=CARD_DIGITS_MIN, most=CARD_DIGITS_MAX)
    if not luhn.is_valid(found):
        raise Wrong("field.card.check")
    return found


def relation(typed: str) -> str:
    """How a payee belongs to the applicant; raises Wrong."""
    if typed not in RELATIONS:
        raise Wrong("field.relation.missing")
    return typed


def _digits(typed: str) -> str:
    """Without spaces and hyphens, full-width digits as plain ones."""
    return _BETWEEN_DIGITS.sub("", visible(unicodedata.normalize("NFKC", typed[:TYPED_CHARACTERS_MAX])))
