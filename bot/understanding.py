"""Brings what people type into one spelling, and says whether it asks.

Full-width and half-width, traditional and simplified characters, spaces and hyphens inside numbers, polite words
around the point: all of them are forgiven here, so that `routing` compares plain strings.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path

import zhconv
from rapidfuzz.distance import OSA

from bot.replies import visible

TEXT_CHARACTERS_MAX = 2_048  # WeChat lets a person type about 600; the rest of a longer text is not read
NUMBER_DIGITS_MIN = 12
NUMBER_DIGITS_MAX = 20

IsNumber = Callable[[str], bool]

_SPACES = re.compile(r"\s+")
_OTHER_DIGIT = re.compile(r"(?![0-9])\d")  # of the other scripts of our country, and of all others
_CLUSTER = re.compile(r"[0-9]+(?:[ -][0-9]+)*")
_GROUP_OR_GAP = re.compile(r"[0-9]+|[ -]")
_NUMBER = re.compile(
    r"(?<![0-9])([0-9]{12,20})(?![0-9])(?:(?:[ ,，、:：/-]|的|查询码|码|code)*([0-9]{4}[ -]?[0-9]{4})(?![0-9]))?",
    re.IGNORECASE,
)

SPARE_CHARACTERS = 8  # of spaces and of what cannot be seen, by which a text may be longer than its tidy spelling
TAIL_CHARACTERS = 80  # where polite ends are looked for; a longer row of full stops is not worth the steps

# Set aside at the end: they ask for nothing. 呢 and 吧 stay, they make a question.
_THANKS = r"谢谢(?:您|你|了|啦|老师|领导)*|多谢|麻烦(?:您|你)?[了啦]|辛苦[了啦]|thanks|thank you|please"
_TAIL = re.compile(rf"(?:[\s。.,，、!！~～;；…呀啊哦噢哈]|{_THANKS})+$", re.IGNORECASE)
_HEAD = re.compile(
    r"(?:[\s。.,，、!！~～]|您好|你好|请问(?:一下)?|麻烦(?:您|你)?|劳驾|打扰(?:一下|了)?|不好意思|喂|那个(?=[\s,，])|老师|师傅|同志"
    r"|大[姐哥叔妈爷]|美女|帅哥|领导(?=[\s,，])|帮我|帮忙|给我|我想|我要|我来|想|要|请"
    r"|查询|查看|查一查|查一下|查查|查下|查|看一下|看看|看下|问一下|问问|问下|一下|please |excuse me|hi |hello )+",
    re.IGNORECASE,
)

# words.md, "What asks never confirms".
_ASKS_ANYWHERE = re.compile(r"[？?吗]|是不是|有没有|咋|怎么|什么时候|多少")
_ASKS_AT_END = re.compile(r"(?:没|没有|呢|吧)$")
_ASIDE_AT_END = re.compile(rf"(?:[\s。.,，、!！~～;；…：:呀啊0-9-]|万|元|块钱|块|{_THANKS})+$", re.IGNORECASE)


# "第二个", "选2", "回1": the place in a list, said instead of typed.
_SPOKEN = re.compile(r"(?:我?[选回要按点]|第)?([1-9]|[一二两三四五六七八九])[个号项条笔件]?")
_DIGITS_IN_WORDS = {"两": "2"} | {word: str(at) for at, word in enumerate("一二三四五六七八九", 1)}


@cache
def prepare() -> Mapping[int, str]:
    """Load the table of traditional characters; called as the bot starts, so that no person waits for it.

    Character by character: zhconv's phrases are for printed text, and would make 怎么元 of a question 怎幺元 of none.
    """
    known = json.loads(Path(zhconv.__file__).with_name("zhcdict.json").read_text("utf-8"))["zh2Hans"]
    return {ord(word): simple for word, simple in known.items() if len(word) == 1}


def tidy(raw: str) -> str:
    """Give one spelling to widths and spaces, and drop what cannot be seen; words and characters stay as they are."""
    text = visible(unicodedata.normalize("NFKC", raw[:TEXT_CHARACTERS_MAX]))
    if not text.isascii():
        text = _OTHER_DIGIT.sub(lambda found: str(unicodedata.decimal(found[0])), text)
    return _SPACES.sub(" ", text).strip()


def as_written(raw: str, words: str) -> str:
    """The part of `raw` of which `tidy` has made these words, in the writer's own punctuation; else the words.

    >>> as_written("#退回 212611230047 金额不对，请改。", "金额不对,请改")
    '金额不对，请改'
    """
    if raw.isascii() or not words:
        return words
    raw = raw[:TEXT_CHARACTERS_MAX]  # of which the words were read
    for start in range(len(raw) - len(words), -1, -1):
        if tidy(raw[start])[:1] != words[0]:
            continue
        for end in range(start + len(words), min(start + len(words) + SPARE_CHARACTERS, len(raw)) + 1):
            if tidy(raw[start:end]) == words:
                return _SPACES.sub(" ", visible(raw[start:end])).strip()
    return words


def simplify(text: str) -> str:
    """Traditional characters to those of the Mainland."""
    if text.isascii():
        return text
    return text.translate(prepare()).replace("甚么", "什么")  # as they say it south of Guangzhou


def without_courtesy(text: str) -> str:
    """Set thanks and full stops at the end aside, unless nothing else is there ("谢谢" is a message too)."""
    return text[:-TAIL_CHARACTERS] + _TAIL.sub("", text[-TAIL_CHARACTERS:]) or text


def without_preamble(text: str) -> str:
    """Set "请问", "帮我查一下" and the like at the beginning aside, unless nothing else is there."""
    found = _HEAD.match(text)
    return text if found is None else text[found.end() :] or text


def is_question(text: str) -> bool:
    """Does it ask? What asks never confirms anything. `text` may be raw or normalised.

    >>> is_question("钱到账没"), is_question("没收到 300元"), is_question("钱收到了")
    (True, False, False)
    """
    return asks(simplify(tidy(text)))


def asks(plain: str) -> bool:
    """`is_question`, of a text that is tidy and simplified already. A gap inside "没 有" changes nothing."""
    run = plain.replace(" ", "")
    if _ASKS_ANYWHERE.search(run):
        return True
    return _ASKS_AT_END.search(_ASIDE_AT_END.sub("", run[-TAIL_CHARACTERS:])) is not None


def spoken_digit(text: str) -> str:
    """The digit that words of choosing mean, "" when they are none.

    >>> spoken_digit("第二个"), spoken_digit("选2"), spoken_digit("两"), spoken_digit("两千")
    ('2', '2', '2', '')
    """
    found = _SPOKEN.fullmatch(text)
    return "" if found is None else _DIGITS_IN_WORDS.get(found[1], found[1])


def find_number(text: str) -> str:
    """The first run of 12 to 20 digits in `text`, with an 8-digit code behind it when there is one; else "".

    The check digits are not looked at: whoever handles it says that it is mistyped.
    """
    found = _NUMBER.search(text)
    if found is None:
        return ""
    number, code = found.groups()
    return f"{number} {code[:4]}{code[-4:]}" if code else str(number)


def without_number(text: str) -> str:
    """What is left of `text` without what `find_number` finds."""
    return _NUMBER.sub(" ", text, count=1).strip()


def join_numbers(text: str, is_number: IsNumber) -> str:
    """Close the gaps inside numbers: "2126 1123-004798" becomes one run; an amount or code beside it stays apart."""
    clusters = [found for found in _CLUSTER.finditer(text) if len(found[0]) >= NUMBER_DIGITS_MIN]
    if not clusters:
        return text
    joined = _CLUSTER.sub(lambda found: _join_cluster(found[0], is_number), text)
    return _join_lonely(joined)


def _join_cluster(cluster: str, is_number: IsNumber) -> str:
    parts = _GROUP_OR_GAP.findall(cluster)
    out: list[str] = []
    at = 0
    while at < len(parts):
        end = _number_end(parts, at, is_number)
        out.append("".join(filter(str.isdigit, parts[at:end])) if end > at else parts[at])
        at = max(end, at + 1)
    return "".join(out)


def _number_end(parts: list[str], start: int, is_number: IsNumber) -> int:
    """Where the number that begins at `start` ends, or `start` when none does."""
    digits = ""
    for end in range(start, len(parts), 2):
        if not parts[end].isdigit():
            return start
        digits += parts[end]
        if len(digits) > NUMBER_DIGITS_MAX:
            return start
        if len(digits) >= NUMBER_DIGITS_MIN and is_number(digits):
            return end + 1
    return start


def _join_lonely(text: str) -> str:
    """A mistyped number in groups of digits, with no other digits in the text, is joined too: it is meant as one."""
    clusters = list(_CLUSTER.finditer(text))
    if len(clusters) != 1 or find_number(text):
        return text
    digits = "".join(filter(str.isdigit, clusters[0][0]))
    if not NUMBER_DIGITS_MIN <= len(digits) <= NUMBER_DIGITS_MAX:
        return text
    return text.replace(clusters[0][0], digits)


def is_typo(typed: str, word: str) -> bool:
    """Is `typed` one slip away from `word`: a wrong, doubled, missing or swapped character?

    A word of two characters has no room for a missing one: what is left would be another word.
    """
    if typed == word or len(word) < 2 or len(typed) < 2 or abs(len(typed) - len(word)) > 1:
        return False
    if len(word) == 2 and len(typed) == 3:
        return typed in set(_doubled(word))
    return int(OSA.distance(typed, word, score_cutoff=1)) == 1


def _doubled(word: str) -> Iterator[str]:
    for at, character in enumerate(word):
        yield word[:at] + character + word[at:]
