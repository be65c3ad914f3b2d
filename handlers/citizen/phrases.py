"""How people ask: which of our topics their words mean.

Two readings. At first sight: the words in the table's spelling against one pattern after another. Only when nothing
else understood them: English, pinyin, homophones and slips put right. Each answer then says what it took the question
for.
"""

import re
from collections.abc import Iterator, Sequence

from bot.table import Reader
from bot.understanding import without_courtesy, without_preamble
from handlers.citizen import english
from handlers.citizen.phrase_table import (
    DIGIT,
    HINTS,
    LAST_FOUR,
    NOT_PASSED_ON,
    PATTERNS,
    REPEATED,
    STICKER,
    WHOLE,
    Topic,
)
from handlers.citizen.plain import plain, squeezed, without_stickers
from handlers.citizen.vocabulary import HOMOPHONES, LEXICON

__all__ = ["DIGIT", "LAST_FOUR", "NOT_PASSED_ON", "READER", "STICKER", "Topic", "meaning"]

# Whom they speak to says nothing of what they want.
_ADDRESSED = re.compile(
    r"^\s*(?:领导|老师|同志|师傅|大[姐哥叔妈爷]|小[妹哥]|美女|帅哥|喂)(?:[\s,，。!！~]+|(?=[你您]好))"
)


def meaning(text: str) -> Topic | None:
    """What words mean at first sight; None when they mean nothing to us."""
    words = _ADDRESSED.sub("", without_stickers(text))
    run = squeezed(words)
    readings = [
        _reading(each) for each in dict.fromkeys((run, without_preamble(run), squeezed(without_preamble(words))))
    ]
    whole = next((WHOLE[each] for each in reversed(readings) if each in WHOLE), None)
    if whole is None:
        whole = next((topic for topic, words_ in REPEATED if any(map(words_.fullmatch, readings))), None)
    return whole or next((topic for topic, pattern in PATTERNS if any(map(pattern.search, readings))), None)


def _reading(run: str) -> str:
    return HOMOPHONES.by_sound(plain(without_courtesy(run)))


def _surely(text: str) -> str:
    return meaning(text) or ""


def _perhaps(text: str) -> str:
    in_english = english.meaning(text) if text.isascii() else ""
    if in_english:
        return in_english
    readings = list(_read_again(text))
    return next((topic for words in readings if (topic := meaning(words))), None) or _hinted(readings)


def _hinted(readings: Sequence[str]) -> str:
    return next((topic for topic, hint in HINTS if any(map(hint.search, readings))), "")


_POLITE = re.compile(r"您好|你好|同志|老师|师傅")  # 同志 sounds as 通知 does
_TWICE = re.compile(r"(.)\1+")
_LONELY_MONEY = re.compile(r"^[前千欠签]|[前千欠签]$")  # 钱, by sound, where no word stands beside it
_LETTERS = re.compile(r"[a-z]{2,}")


def _read_again(text: str) -> Iterator[str]:
    """The same words as they may have been meant: pinyin written out, homophones and slips put right."""
    words = _LETTERS.sub(lambda found: LEXICON.from_pinyin(found[0]) or found[0], squeezed(text))
    yield words
    said = _LONELY_MONEY.sub("钱", plain(_POLITE.sub("", words) or words))
    yield LEXICON.by_sound(said)
    yield LEXICON.by_sound(_TWICE.sub(r"\1", said))
    yield LEXICON.by_sound(LEXICON.without_slip(said))


READER = Reader(_surely, _perhaps)
