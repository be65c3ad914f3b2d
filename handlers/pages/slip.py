"""The slip: number, query code, what happens next and by when; as a page, on paper, and as an image.

Made from the case each time. Only what the case does not hold, its QR code and which papers were missing, is kept with
the ticket, sealed.
"""

import json
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree as ET

import segno
from flask import Response

from handlers.locale import Own
from handlers.pages.visits import Gone, Visit
from handlers.staff.commands import says
from ledger.records.funds import Ref
from ledger.views import CaseView

# The image, in units of which a Chinese character of its text is 20 wide: A6 in proportion.
WIDTH, MARGIN, TEXT_SIZE, BIG_SIZE, LINE_HEIGHT = 520, 32, 20, 28, 34
NARROW = 0.6  # of a Chinese character's width: a letter or digit, in any font that a viewer may have
QR_WIDTH = 200

_SVG = "http://www.w3.org/2000/svg"
_NEVER_FIRST = frozenset("，。；：、？！）”》,.;:)")
_WIDE = frozenset("WFA")  # Unicode's east_asian_width of what takes a whole character's room


@dataclass(frozen=True, slots=True)
class Beside:
    """What stands on the slip and not in the case."""

    qr: str | None  # what WeChat's own code says
    missing: tuple[str, ...]  # papers that were not brought


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the slip."""

    text: Own
    is_big: bool = False


@dataclass(frozen=True, slots=True)
class Slip:
    """What the citizen takes home."""

    title: Own
    lines: tuple[Line, ...]
    qr_says: str
    number: str


def parse_beside(stored: str | None) -> Beside | None:
    """Read what was kept; None when nothing was."""
    if stored is None:
        return None
    value = json.loads(stored)
    return Beside(value["qr"], tuple(value["missing"]))


def print_beside(beside: Beside) -> str:
    """Write it down."""
    return json.dumps({"qr": beside.qr, "missing": beside.missing}, ensure_ascii=False)


def number_and_code(visit: Visit) -> tuple[str, str]:
    """Number and query code of what came of the ticket; raises Gone."""
    _case, number, query_code = _read(visit)
    return number, query_code


def shown(visit: Visit, beside: Beside) -> Response:
    """The slip, and above it what the clerk does next."""
    slip = _make(visit, beside)
    missing = visit.say.say("and").join(beside.missing)
    correct = says("correct", slip.number, missing) if missing else ""
    qr = segno.make(slip.qr_says, error="m").svg_data_uri(border=2)
    return visit.shown("counter/slip.html", slip=slip, qr=qr, correct=correct, accept=says("accept", slip.number))


def shown_again(visit: Visit) -> Response:
    """The slip once more."""
    return shown(visit, _kept(visit))


def drawn(visit: Visit) -> Response:
    """The slip as an image."""
    return Response(draw(_make(visit, _kept(visit))), mimetype="image/svg+xml")


def _kept(visit: Visit) -> Beside:
    # Nothing is kept when a worker died between the deed and the slip: then it is made without.
    return parse_beside(visit.ticket.slip) or Beside(None, ())


def _read(visit: Visit) -> tuple[CaseView, str, str]:
    node, handle = visit.services.node, visit.ticket.became
    with node.reading() as facts:
        case = None if handle is None else facts.case(Ref(node.origin, handle))
        query_code = None if case is None else facts.private(case.ref, "query_code")
    if case is None or case.number is None or not isinstance(query_code, str):
        raise Gone
    return case, case.number, query_code


def _make(visit: Visit, beside: Beside) -> Slip:
    case, number, query_code = _read(visit)
    say = visit.say
    title = say.say("slip.title", area=say.area(), department=say.name(case.department))
    qr_says = beside.qr or f"进度 {number} {query_code}"
    return Slip(title, tuple(_lines(visit, case, beside, (number, query_code))), qr_says, number)


def _lines(visit: Visit, case: CaseView, beside: Beside, secret: tuple[str, str]) -> Iterator[Line]:
    say, services = visit.say, visit.services
    number, query_code = secret
    matter = services.matters.get(case.state.matter)
    yield Line(say.say("slip.matter", matter=say.matter(case.state.matter)))
    yield Line(say.say("slip.number", number=number), is_big=True)
    yield Line(say.say("slip.code", code=query_code), is_big=True)
    yield Line(say.say("slip.day", day=say.day(case.state.submitted)))
    if matter is not None:
        by = say.by(say.deadline(case.state.submitted, matter.accept_days, matter.unit))
        yield Line(say.say("slip.next.missing" if beside.missing else "slip.next", day=by))
    if beside.missing:
        papers = say.say("and").join(beside.missing)
        yield Line(say.say("slip.missing", papers=papers, place=say.place(matter)))
    yield Line(say.say("slip.ask" if beside.qr else "slip.ask.words", department=say.name(case.department)))
    contact = services.contact
    window = contact.window or say.place(matter)
    yield Line(say.say("slip.window", window=window, hours=contact.hours))
    if contact.phone:
        yield Line(say.say("slip.phone", phone=contact.phone))


# --- as an image ---


def draw(slip: Slip) -> bytes:
    """An SVG of the slip: text that any viewer draws with its own letters, and the QR code as one path."""
    ET.register_namespace("", _SVG)
    root = ET.Element(_tag("svg"))
    ET.SubElement(root, _tag("title")).text = f"{slip.title} {slip.number}"
    ET.SubElement(root, _tag("rect"), {"width": "100%", "height": "100%", "fill": "#fff"})
    y = MARGIN
    for line in (Line(slip.title, is_big=True), *slip.lines):
        size = BIG_SIZE if line.is_big else TEXT_SIZE
        for row in _wrapped(line.text, (WIDTH - 2 * MARGIN) / size):
            y += LINE_HEIGHT + size - TEXT_SIZE
            _write(root, row, y, size)
    _draw_qr(root, slip.qr_says, y + LINE_HEIGHT // 2)
    height = y + LINE_HEIGHT // 2 + QR_WIDTH + MARGIN
    root.attrib.update({"viewBox": f"0 0 {WIDTH} {height}", "width": str(WIDTH), "height": str(height)})
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))


def _tag(name: str) -> str:
    return f"{{{_SVG}}}{name}"


def _write(root: ET.Element, text: str, y: int, size: int) -> None:
    weight = "bold" if size == BIG_SIZE else "normal"
    at = {"x": str(MARGIN), "y": str(y), "font-size": str(size), "font-family": "sans-serif", "font-weight": weight}
    ET.SubElement(root, _tag("text"), at).text = text


def _draw_qr(root: ET.Element, says: str, y: int) -> None:
    matrix = segno.make(says, error="m").matrix
    side = len(matrix)
    dots = "".join(
        f"M{column} {row}h1v1h-1z" for row, cells in enumerate(matrix) for column, cell in enumerate(cells) if cell
    )
    scale = QR_WIDTH / side
    place = f"translate({(WIDTH - QR_WIDTH) / 2} {y}) scale({scale:.4f})"
    ET.SubElement(root, _tag("path"), {"d": dots, "transform": place, "shape-rendering": "crispEdges"})


def _wrapped(text: str, room: float) -> Iterator[str]:
    """A text in rows that fit, broken at any character, as Chinese is, but before no closing mark."""
    row, used = "", 0.0
    for character in text:
        width = 1.0 if unicodedata.east_asian_width(character) in _WIDE else NARROW
        if used + width > room and character not in _NEVER_FIRST:
            yield row
            row, used = "", 0.0
        row, used = row + character, used + width
    yield row
