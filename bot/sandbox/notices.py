"""Reads the data of a subscription notice: each value within the length that its kind of keyword allows."""

import re
from typing import Any

from bot.sandbox.errors import ApiRefused

KEYWORDS_MAX = 10
KEYWORD = re.compile(r"([a-z_]+?)[0-9]{1,3}")

# Tencent's 订阅消息参数值内容限制, in characters.
CHARACTERS_MAX = {
    "thing": 20,
    "number": 32,
    "letter": 32,
    "symbol": 5,
    "character_string": 32,
    "time": 32,
    "date": 32,
    "amount": 20,
    "phone_number": 17,
    "car_number": 8,
    "name": 20,
    "phrase": 5,
    "const": 20,
}


def read_notice(data: Any) -> str:
    """The notice as the person reads it: one line a keyword. Raises 47003 for a value that does not fit."""
    if not isinstance(data, dict) or not 1 <= len(data) <= KEYWORDS_MAX:
        raise ApiRefused(47003, "argument invalid! data must be an object of keywords")
    return "\n".join(_value(keyword, item) for keyword, item in data.items())


def _value(keyword: str, item: Any) -> str:
    value = item.get("value") if isinstance(item, dict) else None
    value = str(value) if isinstance(value, int) else value
    kind = KEYWORD.fullmatch(keyword)
    limit = CHARACTERS_MAX.get(kind[1], 0) if kind else 0
    if not isinstance(value, str) or not 1 <= len(value) <= limit:
        raise ApiRefused(47003, f"argument invalid! data.{keyword}.value is invalid (1 to {limit} characters)")
    return value
