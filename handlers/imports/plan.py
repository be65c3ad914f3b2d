"""What taking a file in would change, line by line: looked at before anything is signed, and done as a whole.

Every line of the file is accounted for. One that is refused, by us or by a rule of the ledger, holds back all of them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from hashlib import sha256
from typing import Self

from handlers.imports.remarks import Remark
from handlers.matters import Matter, Programme
from ledger.batches import Deed, done_beginning, rehearse_all, submit_all
from ledger.errors import Refused
from ledger.node import Node
from ledger.records.jsonstrict import Json
from ledger.records.statement import Statement
from ledger.times import day_in_china
from ledger.views import Officer

PREFIX = "import"
RECORDS_MAX = 3_000  # signed together: while that lasts nobody else can sign


class Outcome(StrEnum):
    """What comes of a line."""

    NEW = "new"
    MOVED = "moved"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Office:
    """Where a file is taken in."""

    node: Node
    matters: Mapping[str, Matter]
    programmes: Mapping[str, Programme]

    @property
    def today(self) -> date:
        """The day on which the desk would sign."""
        return day_in_china(self.node.desk.now())


@dataclass(frozen=True, slots=True)
class Source:
    """A file: what the records made from it say of where they come from, and what it has done before.

    A line of it says each thing once, whatever becomes of its case or payment later.
    """

    sha256: str
    today: date
    done: frozenset[str]  # deeds

    @classmethod
    def of(cls, raw: bytes, office: Office) -> Self:
        """The file of these bytes."""
        name = sha256(raw).hexdigest()
        return cls(name, office.today, done_beginning(office.node.desk, f"{PREFIX}:{name}:"))

    def was_taken(self, line: int) -> bool:
        """Whether anything was taken in from this line."""
        beginning = f"{PREFIX}:{self.sha256}:{line}:"
        return any(name.startswith(beginning) for name in self.done)

    def deed(self, line: int, statement: Statement, on: date | None, once: str | None = None) -> Deed:
        """The act of saying this, from this line; `on` is the day it happened, told when that is not today."""
        claims: dict[str, Json] = {"file": self.sha256, "line": line}
        if on is not None and on != self.today:
            claims["on"] = on.isoformat()
        said = replace(statement, clear={**statement.clear, **claims})
        return Deed(line, said, once or f"{PREFIX}:{self.sha256}:{line}:{statement.kind}")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the file, and what it would do."""

    line: int
    outcome: Outcome
    name: str | None = field(default=None, repr=False)  # never shown unmasked
    about: str | None = None  # code of a matter or programme
    before: str | None = None  # keys of the catalogue: the states it moves from and to
    after: str | None = None
    amount: int | None = None  # fen
    remarks: tuple[Remark, ...] = ()  # what to know; why it is refused
    refused: Refused | None = None  # by the ledger
    deeds: tuple[Deed, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a file would do."""

    sha256: str
    lines: tuple[Line, ...]
    remarks: tuple[Remark, ...] = ()  # what is wrong with the file as a whole, e.g. its declared sum

    @property
    def deeds(self) -> list[Deed]:
        """All acts, in the file's order."""
        return [deed for line in self.lines for deed in line.deeds]

    @property
    def is_good(self) -> bool:
        """Whether nothing stands in the way."""
        return not self.remarks and all(line.outcome is not Outcome.REFUSED for line in self.lines)

    def count(self, outcome: Outcome) -> int:
        """How many lines come to this."""
        return sum(line.outcome is outcome for line in self.lines)

    def sum_of(self, *outcomes: Outcome) -> int:
        """What the lines of these outcomes are together, in fen."""
        return sum(line.amount or 0 for line in self.lines if line.outcome in outcomes)


def finished(lines: Iterable[Line], source: Source, office: Office, officer: Officer, *remarks: Remark) -> Plan:
    """The plan, without what this very file has done before, and with what the ledger refuses."""
    left = [line if source.done.isdisjoint(deed.once for deed in line.deeds) else taken(line) for line in lines]
    deeds = [deed for line in left for deed in line.deeds]
    if len(deeds) > RECORDS_MAX:
        remarks = (*remarks, Remark("import.file.records", None, {"count": len(deeds), "most": RECORDS_MAX}))
    refused = rehearse_all(office.node.desk, deeds, officer.handle)
    return Plan(source.sha256, tuple(_refused(line, refused.get(line.line)) for line in left), remarks)


def taken(line: Line) -> Line:
    """A line that this very file has brought before."""
    remark = Remark("import.note.taken")
    return replace(line, outcome=Outcome.UNCHANGED, after=None, deeds=(), remarks=(remark,))


def _refused(line: Line, error: Refused | None) -> Line:
    return line if error is None else replace(line, outcome=Outcome.REFUSED, refused=error, deeds=())


def take_in(plan: Plan, office: Office, officer: Officer, code: str) -> bool:
    """Sign all that the plan says; False when somebody else has done just that meanwhile.

    Raises Refused, for a line as DeedRefused, and then nothing was changed.
    """
    assert plan.is_good
    done = submit_all(
        office.node.desk, plan.deeds, by=officer.handle, code=code, once=f"{PREFIX}:{plan.sha256}:{officer.handle}"
    )
    return not all(one.already for one in done)
