"""The XML that WeChat and an account exchange: built by a library, read without entities or doctypes."""

from collections.abc import Sequence
from typing import Never, TypeAlias
from xml.dom import minidom
from xml.etree import ElementTree as ET

from bot.sandbox.errors import AnswerMalformed

Value: TypeAlias = "str | int | Sequence[tuple[str, Value]]"
Field: TypeAlias = tuple[str, Value]


def build_xml(fields: Sequence[Field]) -> bytes:
    """Build `<xml>…</xml>`: text in CDATA as WeChat writes it, numbers bare, sequences nested."""
    document = minidom.Document()
    return _element(document, "xml", fields).toxml().encode()


def parse_xml(body: bytes) -> dict[str, str]:
    """Read the direct children of `<xml>`; `Articles` is read by `parse_article`."""
    return {child.tag: child.text or "" for child in _root(body)}


def parse_article(body: bytes) -> tuple[str, str, str]:
    """Read title, description and address of the one article that a passive answer may hold."""
    items = _root(body).findall("Articles/item")
    if len(items) != 1:
        raise AnswerMalformed(f"a passive answer shows one article, found {len(items)}")
    title, description, url = (items[0].findtext(name, "") for name in ("Title", "Description", "Url"))
    return title, description, url


def is_xml_text(text: str) -> bool:
    """Whether XML 1.0 (section 2.2, Char) can carry every character of `text`."""
    return all(
        code in {0x9, 0xA, 0xD} or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or code >= 0x10000
        for code in map(ord, text)
    )


def _element(document: minidom.Document, tag: str, value: Value) -> minidom.Element:
    element = document.createElement(tag)
    match value:
        case str():
            for piece in _cdata_pieces(value):
                element.appendChild(document.createCDATASection(piece))
        case int():
            element.appendChild(document.createTextNode(str(value)))
        case _:
            for name, inner in value:
                element.appendChild(_element(document, name, inner))
    return element


def _cdata_pieces(text: str) -> list[str]:
    """Cut every `]]>` in two, because no CDATA section can hold it."""
    first, *rest = text.split("]]>")
    pieces = [first]
    for piece in rest:
        pieces[-1] += "]]"
        pieces.append(">" + piece)
    return pieces


class _NoDoctype(ET.TreeBuilder):
    """Refuses a doctype, and with it every entity an answer could define."""

    def doctype(self, *_: object) -> Never:
        raise AnswerMalformed("the answer's XML has a doctype")


def _root(body: bytes) -> ET.Element:
    try:
        # No entity can be defined without the doctype that _NoDoctype refuses.
        root = ET.fromstring(body, ET.XMLParser(target=_NoDoctype()))  # noqa: S314
    except (ET.ParseError, ValueError) as error:
        raise AnswerMalformed(f"the answer is not XML: {error}") from error
    if root.tag != "xml":
        raise AnswerMalformed(f"the answer's XML begins with <{root.tag}>, not <xml>")
    return root
