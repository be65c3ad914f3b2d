"""The demo's own words in both languages at once: the page that shows them switches by itself."""

import re
from string import Formatter
from typing import TypeAlias

from handlers.locale import TEXTS, Own, words_in

Said: TypeAlias = dict[str, str]  # by language

ONE_LINE, LINES = r"[^\n]*?", r"[\s\S]*?"
OF_LINES = frozenset({"line", "lines", "choices", "who", "how"})  # what stands in a template and may have several lines


def both(key: str, **values: object) -> Said:
    """A sentence of the catalogue in each language; a value may be one text for all, or `Said` itself."""
    return {
        language: words_in(language)(
            f"demo.{key}", **{name: Own(_in(language, value)) for name, value in values.items()}
        )
        for language in TEXTS
    }


def _in(language: str, value: object) -> str:
    return str(value[language]) if isinstance(value, dict) else str(value)


def pattern(key: str, **known: str) -> str:
    """A regular expression for what this template says, in any language; `known`: expressions for some of its values.

    For what programs look for in a chat, so that nobody has to write our sentences down twice.
    """
    return "|".join(f"(?:{_pattern(language, key, known)})" for language in TEXTS)


def _pattern(language: str, key: str, known: dict[str, str]) -> str:
    pieces = Formatter().parse(TEXTS[language][key])
    return "".join(re.escape(literal) + _value(name, known) for literal, name, _format, _conversion in pieces)


def _value(name: str | None, known: dict[str, str]) -> str:
    if name is None:
        return ""
    if name in known:
        return f"(?:{known[name]})"
    return LINES if name in OF_LINES else ONE_LINE
