"""How other systems write their files, read from reviewed TOML: an approval system's columns, a bank's own words.

A word that is not in the TOML is never guessed. A TOML that says something else than we expect stops the command and
names itself.
"""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from handlers.citizen.payment_lines import REASONS
from handlers.imports.tables import DELIMITERS, GB18030, UTF8, Shape, normal
from handlers.matters import MatterWrong
from handlers.pages.fields import RELATIONS

CASE_COLUMNS = frozenset(
    {
        "reference",
        "matter",
        "name",
        "id_number",
        "received",
        "phone",
        "payee",
        "relation",
        "account",
        "told",
        "missing",
        "until",
        "brought",
        "accepted",
        "result",
        "amount",
        "month",
        "reason",
        "decided",
    }
)
CASE_COLUMNS_REQUIRED = frozenset({"reference", "matter", "name", "id_number", "received"})
CASE_RESULTS = frozenset({"approved", "refused", "not-accepted", "withdrawn", "none"})

BANK_COLUMNS = frozenset({"number", "payee", "account", "amount", "result", "reason", "date"})
BANK_COLUMNS_REQUIRED = frozenset({"number", "payee", "account", "amount", "result"})
BANK_OUTCOMES = frozenset({"credited", "accepted", "held", "rejected", "returned"})
NEED_REASON = frozenset({"rejected", "returned"})


class LayoutWrong(MatterWrong):
    """A TOML of a bank or an approval system lacks something or says what nobody knows."""

    def __init__(self, file: Path, why: str) -> None:
        """Name the file and what is wrong in it."""
        super().__init__(file, why)
        self.args = (f"{file.parent.name}/{file.name}: {why}",)  # a bank's may be called as a matter's


@dataclass(frozen=True, slots=True)
class System:
    """How an approval system exports its cases."""

    name: str
    file: str  # the TOML's own name, for whoever has to add a word to it
    dates: Sequence[str]
    columns: Mapping[str, Sequence[str]]
    results: Mapping[str, str]  # a word as `normal` has it -> one of CASE_RESULTS
    relations: Mapping[str, str]  # of a payee to the applicant: a word as `normal` has it -> one of RELATIONS

    @property
    def shape(self) -> Shape:
        """The table to look for."""
        return Shape(self.columns, CASE_COLUMNS_REQUIRED)


@dataclass(frozen=True, slots=True)
class Declared:
    """Where a bank says how many lines there are and how much it is together; both must hold."""

    count: str
    sum: str
    label: str = ""  # of a row below the data; `count` and `sum` are then columns, else words in the titles


@dataclass(frozen=True, slots=True)
class Bank:
    """How a bank writes its list of results."""

    name: str
    file: str
    encoding: str
    delimiter: str
    dates: Sequence[str]
    amount: str  # yuan, fen
    thousands: bool
    columns: Mapping[str, Sequence[str]]
    results: Mapping[str, str]  # a word as `normal` has it -> one of BANK_OUTCOMES
    reasons: Mapping[str, str]  # a word as `normal` has it -> an ISO 20022 reason code
    titles: Declared | None = field(default=None)
    total: Declared | None = field(default=None)

    @property
    def shape(self) -> Shape:
        """The table to look for."""
        label = None if self.total is None else self.total.label
        return Shape(self.columns, BANK_COLUMNS_REQUIRED, (self.encoding,), (self.delimiter,), label)


def load_systems(folder: Path) -> Mapping[str, System]:
    """All approval systems, by the TOML's name without its ending; raises LayoutWrong."""
    return _load(folder, _system)


def load_banks(folder: Path) -> Mapping[str, Bank]:
    """All banks, by the TOML's name without its ending; raises LayoutWrong."""
    return _load(folder, _bank)


Named = TypeVar("Named", System, Bank)


def find_layout(layouts: Mapping[str, Named], name: str) -> Named | None:
    """The one that somebody names, by its own name or by its file's."""
    return layouts.get(name) or next((one for one in layouts.values() if one.name == name), None)


def _load(folder: Path, build: Callable[[str, dict[str, Any]], Named]) -> Mapping[str, Named]:
    found: dict[str, Named] = {}
    for file in sorted(folder.glob("*.toml")):
        try:
            found[file.stem] = build(f"{folder.name}/{file.name}", tomllib.loads(file.read_text("utf-8")))
        except (TypeError, ValueError, KeyError, AttributeError) as error:  # missing, unknown or malformed
            raise LayoutWrong(file, str(error)) from error
    if not found:
        raise LayoutWrong(folder / "*.toml", "no TOML file is there")
    return MappingProxyType(found)


def _system(file: str, raw: dict[str, Any]) -> System:
    columns = {name: tuple(words) for name, words in raw.pop("columns").items()}
    _check_names("columns", columns, CASE_COLUMNS, CASE_COLUMNS_REQUIRED)
    _turned(columns, "columns")
    results, relations = raw.pop("results"), raw.pop("relations")
    _check_names("results", results, CASE_RESULTS, CASE_RESULTS)
    _check_names("relations", relations, frozenset(RELATIONS), frozenset())
    return System(
        file=file,
        columns=columns,
        results=_turned(results, "results"),
        relations=_turned(relations, "relations"),
        dates=_dates(raw),
        **raw,
    )


def _bank(file: str, raw: dict[str, Any]) -> Bank:
    columns = {name: (word,) for name, word in raw.pop("columns").items()}
    _check_names("columns", columns, BANK_COLUMNS, BANK_COLUMNS_REQUIRED)
    _turned(columns, "columns")
    results, reasons = raw.pop("results"), raw.pop("reasons")
    _check_names("results", results, BANK_OUTCOMES, frozenset({"credited"}))
    _check_names("reasons", reasons, frozenset(REASONS), frozenset())
    titles, total = (Declared(**raw.pop(part)) if part in raw else None for part in ("titles", "total"))
    bank = Bank(
        file=file,
        columns=columns,
        results=_turned(results, "results"),
        reasons=_turned(reasons, "reasons"),
        titles=titles,
        total=total,
        dates=_dates(raw),
        **raw,
    )
    _check_bank(bank)
    return bank


def _check_bank(bank: Bank) -> None:
    if bank.encoding not in {UTF8, GB18030} or bank.delimiter not in DELIMITERS or bank.amount not in {"yuan", "fen"}:
        raise ValueError("encoding, delimiter or amount")
    if twice := bank.results.keys() & bank.reasons.keys():
        raise ValueError(f"{min(twice)} is a result and a reason")
    if bank.total is not None:
        if not bank.total.label:
            raise ValueError("total: label")
        known = {word for words in bank.columns.values() for word in words}
        if unknown := {bank.total.count, bank.total.sum} - known:
            raise ValueError(f"total: {min(unknown)} is no column")


def _check_names(part: str, found: Mapping[str, Any], known: frozenset[str], needed: frozenset[str]) -> None:
    if unknown := found.keys() - known:
        raise ValueError(f"{part}: nobody knows {min(unknown)}")
    if missing := needed - found.keys():
        raise ValueError(f"{part}: {min(missing)} is missing")


def _turned(meanings: Mapping[str, Sequence[str]], part: str) -> Mapping[str, str]:
    """Meanings by word. One word has one meaning."""
    found: dict[str, str] = {}
    for meaning, words in meanings.items():
        if isinstance(words, str) or not words:
            raise ValueError(f"{part}: {meaning} is no list of words")
        for word in words:
            if found.setdefault(normal(word), meaning) != meaning:
                raise ValueError(f"{part}: {word} stands twice")
    return MappingProxyType(found)


def _dates(raw: dict[str, Any]) -> Sequence[str]:
    formats = tuple(raw.pop("dates"))
    if not formats or not all(isinstance(form, str) and "%d" in form for form in formats):
        raise ValueError("dates: formats such as %Y-%m-%d")
    return formats
