"""Reads the bytes of a CSV file into rows with line numbers, whatever program wrote them.

Pure and bounded: a file that is too large, no text, or no table is refused as a whole, with the line and the mend. A
row that does not fit the header is a broken line among good ones.
"""

import csv
import io
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from handlers.imports.remarks import FileWrong, Remark, shown

FILE_BYTES_MAX = 8_000_000
ROWS_MAX = 2_000  # while they are taken in nobody else can sign: some seconds for so many
COLUMNS_MAX = 80
LINE_CHARACTERS_MAX = 20_000
CELL_CHARACTERS_MAX = 500
NAME_CHARACTERS_MIN = 2  # a single letter stands in many words
HEADER_WITHIN_ROWS = 20  # banks write titles above it
HEAD_BYTES = 65_536  # enough to see which encoding shows the header

UTF8, GB18030 = "utf-8", "gb18030"
DELIMITERS = (",", "\t", ";")

_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # .xlsx and .xls
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Shape:
    """What is known of a kind of file before it is opened."""

    columns: Mapping[str, Sequence[str]]  # our name of a field -> what the file may call its column
    required: frozenset[str]
    encodings: Sequence[str] = (UTF8, GB18030)
    delimiters: Sequence[str] = DELIMITERS
    total: str | None = None  # how the row below the data begins, if there must be one


@dataclass(frozen=True, slots=True)
class Row:
    """One row of data; what is wrong with its form stands in `broken`."""

    line: int  # as an editor counts, from 1
    cells: Mapping[str, str]  # by our name of the field; only the columns that we know
    broken: Remark | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A file as rows."""

    headers: Mapping[str, str]  # our name of a field -> what this file calls it
    rows: tuple[Row, ...]
    titles: tuple[Sequence[str], ...] = ()  # rows above the header
    total: Row | None = None

    def names(self, *columns: str) -> frozenset[str]:
        """Every name in these columns, as it is compared."""
        told = {normal(row.cells.get(column, "")) for row in self.rows for column in columns}
        return frozenset(name for name in told if len(name) >= NAME_CHARACTERS_MIN)


def read_table(raw: bytes, shape: Shape) -> Table:
    """Read a file; raises FileWrong."""
    text = _decode(raw, shape)
    delimiter = _delimiter(text, shape)
    records = _records(text, delimiter)
    titles, at, header = _find_header(records, shape)
    headers = _name_columns(at, header, shape)
    names = {place: name for name, place in headers.items()}
    rows, total = _data(records, header, names, shape)
    return Table({name: shown(header[place]) for name, place in headers.items()}, rows, titles, total)


# --- bytes to text ---


def _decode(raw: bytes, shape: Shape) -> str:
    if len(raw) > FILE_BYTES_MAX:
        raise FileWrong("import.file.too-large", most=FILE_BYTES_MAX // 1_000_000)
    if raw.startswith(_WORKBOOKS):
        raise FileWrong("import.file.workbook")
    if raw.startswith(_UTF16) or b"\0" in raw:
        raise FileWrong("import.file.not-text", raw[: max(raw.find(b"\0"), 0)].count(b"\n") + 1)
    encoding = UTF8 if raw.startswith(_BOM) else _likeliest(raw, shape)
    try:
        text = raw.removeprefix(_BOM).decode(encoding)
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise FileWrong("import.file.encoding", line, encoding=_NAMES[encoding]) from error
    if not text.strip():
        raise FileWrong("import.file.empty")
    return text


_NAMES = {UTF8: "UTF-8", GB18030: "GB18030"}


def _likeliest(raw: bytes, shape: Shape) -> str:
    """The encoding in which most of the header can be read: then a broken byte further down is called broken."""

    def readable(encoding: str) -> int:
        head = raw[:HEAD_BYTES].decode(encoding, "replace")
        return sum(word in head for words in shape.columns.values() for word in words)

    return max(shape.encodings, key=readable)


# --- text to records ---


def _delimiter(text: str, shape: Shape) -> str:
    """The delimiter that cuts out most of the header."""
    lines = text[: HEADER_WITHIN_ROWS * LINE_CHARACTERS_MAX].splitlines()[:HEADER_WITHIN_ROWS]

    def known(delimiter: str) -> int:
        return max((len(_places(line.replace('"', "").split(delimiter), shape)) for line in lines), default=0)

    return max(shape.delimiters, key=known)


def _records(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Every record that is not empty, with the line it begins on."""
    for line, content in enumerate(text.split("\n"), 1):
        if len(content) > LINE_CHARACTERS_MAX:
            raise FileWrong("import.file.long-line", line, most=LINE_CHARACTERS_MAX)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:  # a quotation mark that is not closed, or stands in the middle of a cell
            raise FileWrong("import.file.quotes", line) from error
        if len(record) > COLUMNS_MAX:
            raise FileWrong("import.file.wide", line, most=COLUMNS_MAX)
        if any(cell.strip() for cell in record):
            yield line, record


# --- the header ---


def normal(word: str) -> str:
    """A word of a header or of a system, as it is compared: full width, spaces and case make no difference."""
    return "".join(unicodedata.normalize("NFKC", word).split()).casefold()


def _places(record: Sequence[str], shape: Shape) -> dict[str, list[int]]:
    """Where each field that we know stands in a record of column names."""
    known = {normal(word): name for name, words in shape.columns.items() for word in words}
    found: dict[str, list[int]] = {}
    for place, cell in enumerate(record):
        if (name := known.get(normal(cell))) is not None:
            found.setdefault(name, []).append(place)
    return found


def _find_header(
    records: Iterator[tuple[int, list[str]]], shape: Shape
) -> tuple[tuple[Sequence[str], ...], int, list[str]]:
    """The rows above the header, its line, and the header."""
    above: list[tuple[int, list[str]]] = []
    for line, record in records:
        if shape.required <= _places(record, shape).keys():
            return tuple(title for _line, title in above), line, record
        above.append((line, record))
        if len(above) == HEADER_WITHIN_ROWS:
            break
    line, nearest = max(above, key=lambda one: len(_places(one[1], shape)), default=(1, []))
    missing = [shape.columns[name][0] for name in sorted(shape.required - _places(nearest, shape).keys())]
    raise FileWrong("import.file.header", line, columns=missing)


def _name_columns(line: int, header: Sequence[str], shape: Shape) -> dict[str, int]:
    places = _places(header, shape)
    for found in places.values():
        if len(found) > 1:
            raise FileWrong("import.file.column-twice", line, columns=[shown(header[place]) for place in found])
    return {name: found[0] for name, found in places.items()}


# --- the data ---


def _data(
    records: Iterator[tuple[int, list[str]]], header: Sequence[str], names: Mapping[int, str], shape: Shape
) -> tuple[tuple[Row, ...], Row | None]:
    rows: list[Row] = []
    total: Row | None = None
    for line, record in records:
        if total is not None:
            raise FileWrong("import.file.after-total", line, label=shape.total)
        row = _row(line, record, header, names)
        if shape.total is not None and normal(record[0]).startswith(normal(shape.total)):
            total = row
        elif len(rows) == ROWS_MAX:
            raise FileWrong("import.file.rows", line, most=ROWS_MAX)
        else:
            rows.append(row)
    if shape.total is not None and total is None:
        raise FileWrong("import.file.no-total", label=shape.total)
    if not rows:
        raise FileWrong("import.file.no-rows")
    return tuple(rows), total


def _row(line: int, record: Sequence[str], header: Sequence[str], names: Mapping[int, str]) -> Row:
    cells = {name: record[place] for place, name in names.items() if place < len(record)}
    return Row(line, cells, _form(record, header))


def _form(record: Sequence[str], header: Sequence[str]) -> Remark | None:
    # A program may end every line with a delimiter; what stands beyond the header and says something was shifted there.
    if len(record) < len(header) or any(cell.strip() for cell in record[len(header) :]):
        return Remark("import.row.ragged", None, {"found": len(record), "wanted": len(header)})
    for column, cell in zip(header, record, strict=False):
        if len(cell) > CELL_CHARACTERS_MAX:
            return Remark("import.cell.long", shown(column), {"most": CELL_CHARACTERS_MAX})
        if "\n" in cell or "\r" in cell:
            return Remark("import.cell.line-end", shown(column))
    return None
