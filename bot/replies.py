"""What we can answer: a text, one article, or nothing; and how foreign words are kept from becoming buttons.

WeChat draws `<a href="weixin://bizmsgmenu?…">` inside a text answer as something to tap that then speaks as the
person who tapped it. So tags are made here, by `choice` and `link`, and everything a stranger wrote passes `plain`.
"""

import unicodedata
from dataclasses import dataclass
from urllib.parse import quote

TEXT_BYTES_MAX = 2048  # of UTF-8, in a passive answer and in a customer-service message alike
ELLIPSIS = "…"

# Percent-encode only what could end the attribute or split the query: WeChat shows and returns the rest as it stands,
# and a client that forgets to decode still posts what the person read.
_SAFE_IN_CONTENT = " !$'()*,-./:;?@[]^_`{|}~"
_QUOTED = {code: quote(chr(code), safe=_SAFE_IN_CONTENT) for code in range(0x80)}
_LOOKALIKES = str.maketrans({"<": "＜", ">": "＞", "&": "＆"})


@dataclass(frozen=True, slots=True)
class TextReply:
    """Words; already short enough for WeChat when made by `text`."""

    content: str


@dataclass(frozen=True, slots=True)
class NewsReply:
    """One article: a title and a text that open a page (a passive answer may carry one)."""

    title: str
    description: str
    url: str
    picture_url: str = ""


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing to say: WeChat is told `success` and shows nothing."""


Reply = TextReply | NewsReply | Silence

SILENCE = Silence()


def text(content: str) -> TextReply:
    """Make a text answer; one that is too long ends early, at a line or a character, with an ellipsis."""
    return TextReply(shorten(content, TEXT_BYTES_MAX))


def shorten(content: str, bytes_max: int) -> str:
    """Cut to `bytes_max` bytes of UTF-8: at a line's end if one is near, and never inside a tag."""
    encoded = content.encode("utf-8", "replace")
    if len(encoded) <= bytes_max:
        return content
    kept = encoded[: bytes_max - len(ELLIPSIS.encode())].decode("utf-8", "ignore")
    kept = _without_open_tag(kept)
    line_end = kept.rfind("\n")
    if line_end > len(kept) // 2:
        kept = kept[: line_end + 1]
    return kept + ELLIPSIS


def _without_open_tag(kept: str) -> str:
    """Drop an anchor that was cut before its end, or WeChat would draw its source."""
    start = kept.rfind("<")
    if start < 0:
        return kept
    opened = kept.rfind("<a ")
    if opened >= 0 and "</a>" not in kept[opened:]:
        return kept[:opened]
    return kept if ">" in kept[start:] else kept[:start]


def choice(label: str, content: str, menu_id: str = "0") -> str:
    """Make a tappable choice: tapping it sends `content` as the person's own message.

    `#` would begin a URL's fragment; its full-width twin means the same to `routing` and needs no escape.
    """
    sent = _quote(content.replace("#", "＃"))
    return f'<a href="weixin://bizmsgmenu?msgmenucontent={sent}&msgmenuid={_quote(menu_id)}">{plain(label)}</a>'


def link(label: str, url: str) -> str:
    """Make a link to a page."""
    return f'<a href="{quote(url, safe="%/:=&?~#+!$,;@()*[]-._")}">{plain(label)}</a>'


def _quote(value: str) -> str:
    return visible(value).translate(_QUOTED)


def plain(foreign_text: str) -> str:
    """Make a stranger's words harmless: one line, no tag, nothing invisible, nothing that turns the reading order.

    >>> plain('<a href="weixin://bizmsgmenu?msgmenucontent=x">王</a>')
    '＜a href="weixin://bizmsgmenu?msgmenucontent=x"＞王＜/a＞'
    """
    return visible(foreign_text).translate(_LOOKALIKES)


def visible(value: str) -> str:
    """Drop what cannot be seen; odd spaces and line ends become spaces."""
    if value.isprintable() and _INVISIBLE.isdisjoint(value):
        return value  # Python's "printable" leaves out exactly what the categories below name
    return "".join(map(_visible_character, value))


def _visible_character(character: str) -> str:
    """Keep a character, make it a space, or drop it, by its Unicode category."""
    category = unicodedata.category(character)
    if category in {"Cc", "Zl", "Zp", "Zs"}:  # controls, line and paragraph separators, odd spaces
        return " "
    if category.startswith("C"):  # format (bidi, zero width, tags), surrogate, private use, unassigned
        return ""
    return "" if character in _INVISIBLE else character


# Drawn as nothing, though Unicode calls them letters or marks: Hangul fillers, Mongolian and variation selectors,
# the Braille blank.
_INVISIBLE = frozenset("\u115f\u1160\u3164\uffa0\u034f\u17b4\u17b5\u2800\u180b\u180c\u180d\u180f") | frozenset(
    map(chr, range(0xFE00, 0xFE10))
)
