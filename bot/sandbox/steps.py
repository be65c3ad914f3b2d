"""Things to try, one tap after another: whose telephones, what is written or tapped, what then stands in the chat."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.sandbox.errors import ConfigRefused
from bot.sandbox.people import CITIZEN, SIDES
from bot.sandbox.reading import Reader, Said

SAY, LINK, SCAN, LEVER = "say", "link", "scan", "lever"  # what a tap does


@dataclass(frozen=True, slots=True)
class Tap:
    """One thing that one person does; the page then shows that person's telephone and another's."""

    label: Said
    phones: Mapping[str, tuple[str, str]]  # by side: whose telephone, and which account is open
    by: str  # the side that acts
    act: Mapping[str, Any]  # what the page does: one of SAY, LINK, SCAN and LEVER, and what belongs to it
    seen: re.Pattern[str] | None  # what the account then says; None: a lever, which says so itself

    @classmethod
    def read(cls, given: Reader) -> "Tap":
        """Read one from the configuration."""
        phones = {side: given.inner(side) for side in SIDES}
        by, act = given.text("by", CITIZEN), given.inner("act")
        if by not in SIDES:
            raise ConfigRefused(f"{given.where}: 'by' must be one of {', '.join(SIDES)}")
        places = {side: (phone.text("openid"), phone.text("node")) for side, phone in phones.items()}
        return cls(given.said("label"), places, by, _act(act), _pattern(given, LEVER in act.data))

    def as_json(self) -> dict[str, Any]:
        """As the page takes it."""
        phones = {side: {"openid": openid, "node": node} for side, (openid, node) in self.phones.items()}
        return {"label": self.label.as_json(), "phones": phones, "by": self.by, "act": self.act}


def _act(given: Reader) -> dict[str, Any]:
    if SAY in given.data:
        return {SAY: given.said(SAY).as_json(), "patient": given.data.get("patient") is True}
    if LINK in given.data:
        return {LINK: given.said(LINK).as_json(), "about": given.text("about"), "first": given.text("first")}
    if SCAN in given.data:
        return {SCAN: given.text(SCAN)}
    return {LEVER: given.text(LEVER)}


def _pattern(given: Reader, by_lever: bool) -> re.Pattern[str] | None:  # noqa: FBT001  one of two kinds of tap
    if by_lever:
        return None
    try:
        return re.compile(given.text("seen"))
    except re.error as error:
        raise ConfigRefused(f"{given.where}: 'seen' is no regular expression: {error}") from error


@dataclass(frozen=True, slots=True)
class Step:
    """A few of them with one title."""

    title: Said
    why: Said
    taps: tuple[Tap, ...]

    @classmethod
    def read(cls, given: Reader) -> "Step":
        """Read one from the configuration."""
        return cls(given.said("title"), given.said("why", ""), given.each("taps", Tap.read))

    def as_json(self) -> dict[str, Any]:
        """As the page takes it."""
        taps = [tap.as_json() for tap in self.taps]
        return {"title": self.title.as_json(), "why": self.why.as_json(), "taps": taps}
