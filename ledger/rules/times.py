"""Times: those that records claim (domain rule R38), and the days by which a case was to be decided (R39).

A record's own time (`iat`) is compared with the clock, with another record's, and with what a quorum of witnesses
signed. An event that is entered later carries its day beside that; only `iat` is looked at here.
"""

from dataclasses import dataclass

from ledger.records.funds import Ref
from ledger.rules.logs import LogRef
from ledger.rules.mismatch import Mismatch, Severity

TOLERANCE_SECONDS = 300  # clocks differ

FUTURE, BACKDATED, BEFORE_REFERENCE = "in-future", "backdated", "before-reference"


def in_future(log: LogRef, leaf: bytes, sub: str, iat: int, now: int) -> Mismatch | None:
    """R38: a record is signed at a moment that has not come. Its time against the clock."""
    if iat - now <= TOLERANCE_SECONDS:
        return None
    return _found(log, (leaf,), sub, {"at": iat, "bound": now, "reason": FUTURE})


def backdated(log: LogRef, leaf: bytes, sub: str, iat: int, witnessed_at: int) -> Mismatch | None:
    """R38: a record is dated back. Its time against a quorum's cosignatures.

    `witnessed_at`: when a quorum cosigned a head of its log that does not hold it yet.
    """
    if witnessed_at - iat <= TOLERANCE_SECONDS:
        return None
    return _found(log, (leaf,), sub, {"at": iat, "bound": witnessed_at, "reason": BACKDATED})


def before_reference(log: LogRef, leaf: bytes, sub: str, at: int, referred: bytes, referred_at: int) -> Mismatch | None:
    """R38: a record is older than what it refers to. Its time against that of the first record of the other object."""
    if referred_at - at <= TOLERANCE_SECONDS:
        return None
    return _found(log, (leaf, referred), sub, {"at": at, "bound": referred_at, "reason": BEFORE_REFERENCE})


@dataclass(frozen=True, slots=True)
class Promise:
    """By when a case that was accepted is to be decided."""

    day: str  # the last one, YYYY-MM-DD
    over: int  # the first moment after it
    law_day: str | None = None  # the law's, where it names one
    law_over: int | None = None


def late(log: LogRef, accepted: bytes, sub: str, promise: Promise, at: int) -> Mismatch | None:
    """R39: a case is decided late, or not at all. The signed promise against the decision, or the clock until then.

    A warning when the promise has passed, an alarm when the law's day has; `accepted` is the record that promises.
    """
    if at < promise.over:
        return None
    severity: Severity = "A" if promise.law_over is not None and at >= promise.law_over else "W"
    facts = log.facts() | {"promised": promise.day, "lawful": promise.law_day}
    return Mismatch("R39", severity, (accepted,), Ref(log.origin, sub), facts)


def _found(log: LogRef, compared: tuple[bytes, ...], sub: str, facts: dict[str, object]) -> Mismatch:
    return Mismatch("R38", "A", compared, Ref(log.origin, sub), log.facts() | facts)
