"""Who and what takes part, read from one JSON file and refused when wrong."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from bot.sandbox.accounts import Account
from bot.sandbox.errors import ConfigRefused
from bot.sandbox.levers import LeversAt
from bot.sandbox.people import Person
from bot.sandbox.reading import Reader, Said
from bot.sandbox.steps import Step

CONFIG_BYTES_MAX = 1_000_000


@dataclass(frozen=True, slots=True)
class SandboxConfig:
    """The whole cast. Everyone listed follows every account and wrote within 48 hours."""

    accounts: tuple[Account, ...]
    people: tuple[Person, ...] = ()
    steps: tuple[Step, ...] = ()
    levers: LeversAt | None = None  # where whoever started us listens, if anybody does
    tongues: Said = field(default_factory=Said)  # what a person writes to be answered in either language

    def __post_init__(self) -> None:
        if not self.accounts:
            raise ConfigRefused("accounts: the list is empty; name at least one")
        _refuse_twice("accounts: name", [account.name for account in self.accounts])
        _refuse_twice("accounts: app_id", [account.app_id for account in self.accounts])
        _refuse_twice("people: openid", [person.openid for person in self.people])
        names = {account.name for account in self.accounts}
        for person in self.people:
            for node in (person.node or self.accounts[0].name, *(slip.node for slip in person.slips)):
                if node not in names:
                    raise ConfigRefused(f"people: node {node!r} of {person.openid!r} is not one of {sorted(names)}")
        self._check_steps(names, {person.openid for person in self.people})

    def _check_steps(self, names: set[str], openids: set[str]) -> None:
        for step in self.steps:
            for openid, node in (place for tap in step.taps for place in tap.phones.values()):
                if openid not in openids or node not in names:
                    raise ConfigRefused(f"steps: there is no {openid!r} at {node!r}")

    @classmethod
    def parse(cls, data: object) -> Self:
        """Build the cast from decoded JSON: `{"accounts": [...], "people": [...], "steps": [...], "levers": {...}}`."""
        given = Reader.of("the configuration", data)
        levers = LeversAt.read(given.inner("levers")) if given.data.get("levers") else None
        return cls(
            given.each("accounts", Account.read),
            given.each("people", Person.read),
            given.each("steps", Step.read),
            levers,
            given.said("tongues", ""),
        )

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the cast from a JSON file."""
        try:
            with path.open("rb") as file:
                raw = file.read(CONFIG_BYTES_MAX + 1)
            if len(raw) > CONFIG_BYTES_MAX:
                raise ConfigRefused(f"{path}: larger than {CONFIG_BYTES_MAX} bytes")
            return cls.parse(json.loads(raw))
        except (OSError, ValueError, RecursionError) as error:
            raise ConfigRefused(f"{path}: cannot be read as JSON: {error}") from error


def _refuse_twice(what: str, values: list[str]) -> None:
    twice = sorted({value for value in values if values.count(value) > 1})
    if twice:
        raise ConfigRefused(f"{what} stands twice: {', '.join(twice)}")
