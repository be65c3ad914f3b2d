"""The numbers on a paper slip: digits only, and a slip of the finger shows (ISO 7064 MOD 97-10).

Department prefix, yymmdd, sequence of the day, two check digits: 21 261123 0047 98.
"""

import re
from collections.abc import Iterable
from datetime import date

DIGITS_MIN = 12
DIGITS_MAX = 20
SEQUENCE_DIGITS_MIN = 4

_PREFIX = re.compile(r"[1-9][0-9]{1,3}", re.ASCII)
_DIGITS = re.compile(rf"[0-9]{{{DIGITS_MIN},{DIGITS_MAX}}}", re.ASCII)


def make_number(prefix: str, day: date, sequence: int) -> str:
    """The number of the day's `sequence`-th object, from 1 on; raises ValueError when there is none."""
    body = f"{prefix}{day:%y%m%d}{sequence:0{SEQUENCE_DIGITS_MIN}d}"
    if not _PREFIX.fullmatch(prefix) or sequence < 1 or len(body) + 2 > DIGITS_MAX:
        raise ValueError(f"no number has prefix {prefix!r} and sequence {sequence}")
    return body + check_digits(body)


def check_digits(body: str) -> str:
    """The two check digits behind these digits, 02 to 98."""
    return f"{98 - int(body) * 100 % 97:02d}"


def holds(text: str) -> bool:
    """Whether this is a run of digits that ends in its own check digits."""
    return _DIGITS.fullmatch(text) is not None and check_digits(text[:-2]) == text[-2:]


def is_number(text: str, prefixes: Iterable[str]) -> bool:
    """Whether this can be a number of a department with one of these prefixes."""
    return holds(text) and text.startswith(tuple(prefixes))
