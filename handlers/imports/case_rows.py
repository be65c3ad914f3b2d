"""Reads the rows of an approval system's file as cases: what was handed in, accepted, corrected, decided, and when.

Pure. Every cell of a row is looked at, so that all that is wrong with it is told at once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from typing import TypeVar

from handlers.amounts import parse_amount
from handlers.imports import cells
from handlers.imports.layouts import System
from handlers.imports.remarks import CellWrong, Remark, discreet, shown
from handlers.imports.tables import Row, Table, normal
from handlers.matters import Matter, Programme

APPROVED, REFUSED, NOT_ACCEPTED, WITHDRAWN, NONE = "approved", "refused", "not-accepted", "withdrawn", "none"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One line of the file, understood."""

    line: int
    reference: str = field(repr=False)
    matter: Matter
    name: str = field(repr=False)
    id_number: str = field(repr=False)
    received: date
    phone: str | None = field(repr=False)
    payee: str = field(repr=False)
    relation: str | None  # of the payee to the applicant, when it is somebody else
    account: str | None = field(repr=False)
    told: date | None  # that something is missing
    missing: str | None = field(repr=False)
    until: date | None
    brought: date | None
    accepted: date | None
    result: str
    amount: int | None  # fen
    month: str | None
    reason: str | None = field(repr=False)
    decided: date | None


@dataclass(frozen=True, slots=True)
class Broken:
    """One line of the file that says nothing clear, and everything that is wrong with it."""

    line: int
    remarks: tuple[Remark, ...]
    name: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Reader:
    """What a row is read with."""

    system: System
    headers: Mapping[str, str]
    matters: Mapping[str, Matter]
    programmes: Mapping[str, Programme]
    today: date
    names: frozenset[str]  # of everybody in the file


def read_cases(
    table: Table, system: System, matters: Mapping[str, Matter], programmes: Mapping[str, Programme], today: date
) -> list[CaseRow | Broken]:
    """Every row of the file, in its order."""
    reader = Reader(system, table.headers, matters, programmes, today, table.names("name", "payee"))
    return _alone([_CellsOf(row, reader).read() for row in table.rows], table.headers)


class _CellsOf:
    """The cells of one row, and what is wrong with those that were looked at."""

    def __init__(self, row: Row, reader: Reader) -> None:
        self._row = row
        self._reader = reader
        self._remarks: list[Remark] = []

    def read(self) -> CaseRow | Broken:
        if self._row.broken is not None:
            return Broken(self._row.line, (self._row.broken,))
        any_matter = next(iter(self._reader.matters.values()))  # where none is named, the row is broken anyway
        name = self._needed("name", cells.name, "")
        row = CaseRow(
            line=self._row.line,
            reference=self._needed("reference", cells.reference, ""),
            matter=self._needed("matter", self._matter, any_matter),
            name=name,
            id_number=self._needed("id_number", cells.id_number, ""),
            received=self._needed("received", self._day, date.min),
            phone=self._maybe("phone", cells.phone),
            payee=self._maybe("payee", cells.name) or name,
            relation=self._maybe("relation", self._relation),
            account=self._maybe("account", cells.account),
            told=self._maybe("told", self._day),
            missing=self._maybe("missing", cells.words),
            until=self._maybe("until", self._last_day),
            brought=self._maybe("brought", self._day),
            accepted=self._maybe("accepted", self._day),
            result=self._maybe("result", self._result) or NONE,
            amount=self._maybe("amount", _amount),
            month=self._maybe("month", cells.month),
            reason=self._maybe("reason", cells.words),
            decided=self._maybe("decided", self._day),
        )
        remarks = discreet(self._remarks, shifted=self._is_shifted()) or tuple(_contradictions(row, self._reader))
        return Broken(row.line, remarks, name or None) if remarks else row

    def _is_shifted(self) -> bool:
        """Whether a result stands in a column of something else, or somebody's name in that of results."""
        results, result = self._reader.system.results, normal(self._row.cells.get("result", ""))
        elsewhere = (text for column, text in self._row.cells.items() if column != "result")
        return any(normal(text) in results for text in elsewhere) or any(name in result for name in self._reader.names)

    # --- one cell ---

    def _needed(self, column: str, read: Callable[[str], T], instead: T) -> T:
        if not self._row.cells[column].strip():
            self._remark(column, CellWrong("import.cell.empty"))
            return instead
        found = self._maybe(column, read)
        return instead if found is None else found

    def _maybe(self, column: str, read: Callable[[str], T]) -> T | None:
        text = self._row.cells.get(column, "")
        try:
            return read(text) if text.strip() else None
        except CellWrong as error:
            self._remark(column, error)
            return None

    def _remark(self, column: str, error: CellWrong) -> None:
        self._remarks.append(Remark(error.key, self._reader.headers[column], error.values))

    def _day(self, text: str) -> date:
        return cells.day(text, self._reader.system.dates, self._reader.today)

    def _last_day(self, text: str) -> date:
        return cells.day(text, self._reader.system.dates, self._reader.today, to_come=True)

    def _matter(self, text: str) -> Matter:
        wanted = normal(text)
        for matter in self._reader.matters.values():
            if wanted in {normal(word) for word in (matter.code, matter.name, *matter.also)}:
                return matter
        raise CellWrong("import.cell.matter")

    def _relation(self, text: str) -> str:
        found = self._reader.system.relations.get(normal(text))
        if found is None:
            raise CellWrong("import.cell.relation", file=self._reader.system.file)
        return found

    def _result(self, text: str) -> str:
        """What the system says came of it."""
        found = self._reader.system.results.get(normal(text))
        if found is None:
            raise CellWrong("import.cell.result", word=shown(text), file=self._reader.system.file)
        return found


def _amount(text: str) -> int:
    fen = parse_amount(text)
    if fen is None:
        raise CellWrong("import.cell.yuan")
    return fen


# --- one row ---


def _contradictions(row: CaseRow, reader: Reader) -> list[Remark]:
    """What is wrong between the cells of one row."""
    return [*_missing_cells(row, reader), *_order_of_days(row, reader.headers)]


def _missing_cells(row: CaseRow, reader: Reader) -> list[Remark]:
    programme = reader.programmes.get(row.matter.programme or "")
    decides = row.result in {APPROVED, REFUSED}
    pays = row.result == APPROVED and programme is not None
    wanted = {
        "accepted": decides and row.accepted is None,
        "decided": row.result != NONE and row.decided is None,
        "reason": row.result == NOT_ACCEPTED and row.reason is None,
        "amount": pays and row.amount is None and (programme is None or programme.amount is None),
        "relation": row.relation is None and not cells.same_name(row.payee, row.name),
        "missing": row.missing is None and any((row.told, row.until, row.brought)),
        "result": row.result == NONE and row.decided is not None,
    }
    found = [_wanting(column, reader) for column, is_missing in wanted.items() if is_missing]
    if row.amount is not None and programme is None:
        found.append(Remark("import.cell.no-money", reader.headers["amount"], {"matter": row.matter.name}))
    return found


def _wanting(column: str, reader: Reader) -> Remark:
    header = reader.headers.get(column)
    return Remark(
        f"import.cell.wanting.{column}" if header else "import.cell.wanting-column",
        header or reader.system.columns[column][0],
    )


def _order_of_days(row: CaseRow, headers: Mapping[str, str]) -> list[Remark]:
    days = [(name, getattr(row, name)) for name in ("received", "told", "brought", "accepted", "decided")]
    told = [(name, day) for name, day in days if day is not None]
    found = [
        Remark("import.cell.day-order", headers[later], {"before": headers[earlier]})
        for (earlier, first), (later, second) in pairwise(told)
        if second < first
    ]
    if row.until is not None and row.told is not None and row.until < row.told:
        found.append(Remark("import.cell.day-order", headers["until"], {"before": headers["told"]}))
    return found


# --- rows among each other ---


def _alone(rows: Sequence[CaseRow | Broken], headers: Mapping[str, str]) -> list[CaseRow | Broken]:
    """Each case once; and one ID number is one person's."""
    references: dict[str, list[CaseRow]] = {}
    people: dict[str, list[CaseRow]] = {}
    for row in rows:
        if isinstance(row, CaseRow):
            references.setdefault(row.reference, []).append(row)
            people.setdefault(row.id_number, []).append(row)
    wrong: dict[int, list[Remark]] = {}
    for same in references.values():
        for row in same if len(same) > 1 else ():
            wrong.setdefault(row.line, []).append(_also("import.row.twice", headers["reference"], row, same))
    for same in people.values():
        if any(not cells.same_name(row.name, same[0].name) for row in same):
            for row in same:
                wrong.setdefault(row.line, []).append(_also("import.row.two-names", headers["id_number"], row, same))
    return [Broken(row.line, tuple(wrong[row.line]), row.name) if row.line in wrong else row for row in rows]


def _also(key: str, column: str, row: CaseRow, same: Sequence[CaseRow]) -> Remark:
    return Remark(key, column, {"line": next(one.line for one in same if one.line != row.line)})
