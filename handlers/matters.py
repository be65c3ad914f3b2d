"""What this county does and pays: matters and programmes, read from reviewed TOML files.

Local amounts, days and places stand there and never in code. A file that says something else than we expect stops the
start and names itself.
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

WORKING_DAYS = "工作日"
CALENDAR_DAYS = "日"


class MatterWrong(Exception):
    """A TOML file of a matter or programme lacks something or says what nobody knows."""

    def __init__(self, file: Path, why: str) -> None:
        """Name the file and what is wrong in it."""
        super().__init__(f"{file.name}: {why}")


@dataclass(frozen=True, slots=True)
class Paper:
    """A paper that a matter needs."""

    name: str
    source: str  # `citizen`, or the department it is taken from: then it is never asked of the citizen


@dataclass(frozen=True, slots=True)
class Step:
    """One step on the way to the answer."""

    name: str
    department: str
    role: str
    days: int


@dataclass(frozen=True, slots=True)
class Matter:
    """A kind of service, as the county's list of services describes it."""

    code: str  # 基本编码, at most 10 characters (GB/T 39046)
    name: str
    also: tuple[str, ...]  # what people call it
    type: str  # GB/T 39046: 05 给付, 07 确认, …
    level: str  # 行使层级: 4 is a county
    area: str
    department: str
    basis: str
    place: str  # where papers are brought and people are met
    accept_days: int  # until the answer whether it is accepted
    correction_days: int  # to bring what is missing
    days: int  # until the decision
    unit: str
    silence: str  # accepted | none
    overdue_correction: str  # withdrawn | paused
    papers: tuple[Paper, ...]
    steps: tuple[Step, ...]
    programme: str | None = None  # code of the money that follows an approval
    law_days: int | None = None  # until the decision by the law, where it says so; in the same unit

    def __post_init__(self) -> None:
        """Refuse words that nothing further in would understand."""
        if len(self.code) > 10 or self.unit not in {WORKING_DAYS, CALENDAR_DAYS} or not self.steps:
            raise ValueError("code, unit or steps")
        if self.silence not in {"accepted", "none"} or self.overdue_correction not in {"withdrawn", "paused"}:
            raise ValueError("silence or overdue_correction")
        if self.law_days is not None and self.law_days < self.days:
            raise ValueError("days: more is promised than the law gives")

    def is_named_in(self, words: str) -> bool:
        """Whether somebody's words name this matter."""
        return self.name in words or any(name in words for name in self.also)


@dataclass(frozen=True, slots=True)
class Programme:
    """A subsidy policy: who approves, who pays, how much."""

    code: str
    name: str
    money: str  # what people call the money
    procedure: str  # 一般 | 小额 | 紧急
    monthly: bool
    payer: str  # a department's name
    approver: str
    amount: int | None  # fen, where one standard holds for all
    most: int  # fen
    notice_days: int  # 公示, 0 when there is none
    pay_days: int  # working days from the approval until the money should have arrived
    reissue_days: int  # working days from an account given again to the new payment
    retry_days: int  # working days from an account's recovery to the next try
    basis: str

    def __post_init__(self) -> None:
        """Refuse a procedure that nobody knows, and one department both approving and paying (R11)."""
        if self.procedure not in {"一般", "小额", "紧急"} or self.payer == self.approver:
            raise ValueError("procedure, payer or approver")


def load_matters(folder: Path) -> Mapping[str, Matter]:
    """All matters by code; raises MatterWrong."""
    return _load(folder, _matter)


def load_programmes(folder: Path) -> Mapping[str, Programme]:
    """All programmes by code; raises MatterWrong."""
    return _load(folder, _programme)


def _matter(raw: dict[str, Any]) -> Matter:
    papers = tuple(Paper(**paper) for paper in raw.pop("papers", []))
    steps = tuple(Step(**step) for step in raw.pop("steps", []))
    return Matter(also=tuple(raw.pop("also", ())), papers=papers, steps=steps, **raw)


def _programme(raw: dict[str, Any]) -> Programme:
    amount, most = raw.pop("amount"), raw.pop("most")
    return Programme(amount=_fen(amount) if amount else None, most=_fen(most), **raw)


def _fen(text: str) -> int:
    yuan, dot, rest = text.partition(".")
    if not (yuan.isdecimal() and dot and rest.isdecimal() and len(rest) == 2):
        raise ValueError(f"an amount is written 20000.00, not {text}")
    return int(yuan) * 100 + int(rest)


Coded = TypeVar("Coded", Matter, Programme)


def _load(folder: Path, build: Callable[[dict[str, Any]], Coded]) -> Mapping[str, Coded]:
    found: dict[str, Coded] = {}
    for file in sorted(folder.glob("*.toml")):
        try:
            one = build(tomllib.loads(file.read_text("utf-8")))
        except (TypeError, ValueError, KeyError) as error:  # a field is missing, unknown or malformed
            raise MatterWrong(file, str(error)) from error
        if one.code in found:
            raise MatterWrong(file, f"the code {one.code} stands in another file too")
        found[one.code] = one
    if not found:
        raise MatterWrong(folder, "no TOML file is there")
    return MappingProxyType(found)
