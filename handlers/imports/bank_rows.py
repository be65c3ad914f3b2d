"""Reads the rows of a bank's list: which payment, to whom, how much, and what became of it, in the bank's own words.

Pure. A word that the bank's TOML does not have is never guessed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TypeVar

from handlers.imports import cells
from handlers.imports.layouts import NEED_REASON, Bank, Declared
from handlers.imports.remarks import CellWrong, Fen, Remark, discreet, shown
from handlers.imports.tables import Row, Table, normal
from ledger.records import numbers

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class BankRow:
    """One line of the list, understood."""

    line: int
    number: str
    payee: str = field(repr=False)
    account: str = field(repr=False)
    amount: int  # fen
    outcome: str  # as in a bank-result
    reason: str | None  # ISO 20022
    on: date | None


@dataclass(frozen=True, slots=True)
class BrokenRow:
    """One line of the list that says nothing clear, and everything that is wrong with it."""

    line: int
    remarks: tuple[Remark, ...]
    payee: str | None = field(default=None, repr=False)
    amount: int | None = None


def read_list(table: Table, bank: Bank, today: date) -> list[BankRow | BrokenRow]:
    """Every row of the list, in its order."""
    names = table.names("payee")
    rows = [_CellsOf(row, table.headers, bank, today, names).read() for row in table.rows]
    return _alone(rows, table.headers)


class _CellsOf:
    """The cells of one row, and what is wrong with them."""

    def __init__(self, row: Row, headers: Mapping[str, str], bank: Bank, today: date, names: frozenset[str]) -> None:
        self._row = row
        self._headers = headers
        self._bank = bank
        self._today = today
        self._names = names  # of everybody in the file
        self._remarks: list[Remark] = []

    def read(self) -> BankRow | BrokenRow:
        if self._row.broken is not None:
            return BrokenRow(self._row.line, (self._row.broken,))
        payee = self._cell("payee", cells.name, "")
        amount = self._cell("amount", self._amount, 0)
        nothing: tuple[str, str | None] = ("", None)
        outcome, reason = self._cell("result", self._result, nothing)
        row = BankRow(
            line=self._row.line,
            number=self._cell("number", _number, ""),
            payee=payee,
            account=self._cell("account", cells.account, ""),
            amount=amount,
            outcome=outcome,
            reason=reason if outcome in NEED_REASON else None,
            on=self._cell("date", self._day, None, needed=False),
        )
        if self._remarks:
            remarks = discreet(self._remarks, shifted=self._is_shifted())
            return BrokenRow(row.line, remarks, payee or None, amount or None)
        return row

    def _is_shifted(self) -> bool:
        """Whether one of the bank's words stands in a column of something else, or somebody's name in one of words."""
        words, own = self._bank.results.keys() | self._bank.reasons.keys(), {"result", "reason"}
        told = [(column in own, normal(text)) for column, text in self._row.cells.items()]
        return any(any(name in text for name in self._names) if is_own else text in words for is_own, text in told)

    def _cell(self, column: str, read: Callable[[str], T], instead: T, *, needed: bool = True) -> T:
        text = self._row.cells.get(column, "")
        try:
            return read(text) if needed or text.strip() else instead
        except CellWrong as error:
            header = error.values.get("column", self._headers[column])
            self._remarks.append(Remark(error.key, str(header), error.values))
            return instead

    def _amount(self, text: str) -> int:
        return cells.fen(text) if self._bank.amount == "fen" else cells.yuan(text, thousands=self._bank.thousands)

    def _day(self, text: str) -> date:
        return cells.day(text, self._bank.dates, self._today)

    def _result(self, text: str) -> tuple[str, str | None]:
        """What became of it; a bank may write the reason of a failure where others write that it failed."""
        outcome, reason = self._bank.results.get(normal(text)), self._bank.reasons.get(normal(text))
        if reason is not None:
            return "rejected", reason
        if outcome is None:
            raise self._unknown("import.cell.bank-result", text)
        why = self._row.cells.get("reason", "")
        if outcome not in NEED_REASON:
            return outcome, None
        reason = self._bank.reasons.get(normal(why))
        if reason is None:
            raise self._unknown("import.cell.reason", why, self._headers.get("reason", self._headers["result"]))
        return outcome, reason

    def _unknown(self, key: str, text: str, column: str | None = None) -> CellWrong:
        if not text.strip():
            return CellWrong("import.cell.empty", **({"column": column} if column else {}))
        return CellWrong(key, word=shown(text), file=self._bank.file, **({"column": column} if column else {}))


def _number(text: str) -> str:
    told = cells.number_text(text)
    if not told:
        raise CellWrong("import.cell.empty")
    if not numbers.holds(told):
        raise CellWrong("import.cell.number")
    return told


def _alone(rows: Sequence[BankRow | BrokenRow], headers: Mapping[str, str]) -> list[BankRow | BrokenRow]:
    """One payment stands on one line: twice may mean that it was paid twice (R24)."""
    lines: dict[str, list[int]] = {}
    for row in rows:
        if isinstance(row, BankRow):
            lines.setdefault(row.number, []).append(row.line)
    told: list[BankRow | BrokenRow] = []
    for row in rows:
        others = [line for line in lines[row.number] if line != row.line] if isinstance(row, BankRow) else []
        if isinstance(row, BankRow) and others:
            remark = Remark("import.row.paid-twice", headers["number"], {"line": others[0]})
            told.append(BrokenRow(row.line, (remark,), row.payee, row.amount))
        else:
            told.append(row)
    return told


# --- what the bank declares of the whole ---


def check_declared(table: Table, bank: Bank, rows: Sequence[BankRow | BrokenRow]) -> list[Remark]:
    """What the list says of itself, and its lines do not hold (R13)."""
    count, amounts = len(rows), [row.amount for row in rows]
    total = None if None in amounts else sum(amount for amount in amounts if amount is not None)
    declared = [*_in_titles(table, bank.titles), *_in_total(table, bank)]
    found = []
    for part, column, text in declared:
        if text is None:
            found.append(Remark("import.declared.missing", column))
            continue
        try:
            said = int(cells.count(text)) if part == "count" else _sum(text, bank)
        except CellWrong as error:
            found.append(Remark(error.key, column, error.values))
            continue
        holds = count if part == "count" else total
        if holds is not None and said != holds:  # a sum over a line that cannot be read is nobody's
            values = {"said": said, "found": holds} if part == "count" else {"said": Fen(said), "found": Fen(holds)}
            found.append(Remark(f"import.declared.{part}", column, values))
    return found


def _sum(text: str, bank: Bank) -> int:
    return cells.fen(text) if bank.amount == "fen" else cells.yuan(text, thousands=True)


def _in_titles(table: Table, declared: Declared | None) -> Iterator[tuple[str, str, str | None]]:
    if declared is None:
        return
    told = [cell.strip() for title in table.titles for cell in title]
    for part, label in (("count", declared.count), ("sum", declared.sum)):
        places = [place for place, cell in enumerate(told) if normal(cell).startswith(normal(label))]
        yield part, label, _behind(told, places[0], label) if places else None


def _behind(told: Sequence[str], place: int, label: str) -> str:
    """The value behind a label: in its own cell, or in the next."""
    rest = told[place].replace("：", ":")
    value = rest[len(label) :].strip().removeprefix(":").strip() if rest.startswith(label) else ""
    return value or (told[place + 1] if place + 1 < len(told) else "")


def _in_total(table: Table, bank: Bank) -> Iterator[tuple[str, str, str | None]]:
    if bank.total is None or table.total is None:
        return
    names = {word: name for name, words in bank.columns.items() for word in words}
    for part, column in (("count", bank.total.count), ("sum", bank.total.sum)):
        yield part, column, table.total.cells.get(names[column])
