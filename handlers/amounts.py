"""Reads the amounts that people type, and writes them in 大写 where something is signed.

Whole numbers only: an amount is in fen from the first moment, and never a float.
"""

import re
import unicodedata

import cn2an

FEN_MAX = 10**13  # a hundred billion yuan: the most that a record can hold

# 20000, 20,000.00, 2万, 1.5万元, ￥20000, 20000元: no leading zeros, and commas only where thousands begin.
_AMOUNT = re.compile(
    r"¥?\s*"
    r"(?P<yuan>0|[1-9][0-9]{0,14}|[1-9][0-9]{0,2}(?:,[0-9]{3}){1,4})"
    r"(?:\.(?P<part>[0-9]{1,10}))?"
    r"\s*(?P<unit>[万亿]?)\s*(?:元整|元|块钱|块|圆|yuan)?"
)
_UNITS = {"": 1, "万": 10_000, "亿": 100_000_000}
_DECIMALS_MAX = 2  # of an amount in yuan; 1.2345万 is whole yuan


def parse_amount(text: str) -> int | None:
    """The amount in fen; None unless it is more than 0, whole in fen, at most FEN_MAX and written as amounts are.

    >>> parse_amount("2万"), parse_amount("20,000.00元"), parse_amount("２００００"), parse_amount("1.005")
    (2000000, 2000000, 2000000, None)
    """
    match = _AMOUNT.fullmatch(unicodedata.normalize("NFKC", text).strip())
    if match is None:
        return None
    part, unit = match["part"] or "", match["unit"]
    if not unit and len(part) > _DECIMALS_MAX:
        return None
    fen, rest = divmod(int(match["yuan"].replace(",", "") + part) * _UNITS[unit] * 100, 10 ** len(part))
    return fen if rest == 0 and 0 < fen <= FEN_MAX else None


def in_capitals(fen: int) -> str:
    """An amount in the characters of cheques, that nobody can add a stroke to: 2000000 is 贰万元整."""
    yuan, rest = divmod(fen, 100)
    return str(cn2an.an2cn(f"{yuan}.{rest:02}", "rmb"))
