"""The times that records claim: not in the future, not before what they refer to, not dated back (domain rule R38).

A record's own time (`iat`) is compared with the clock, with another record's, and with what a quorum of witnesses
signed. An event that is entered later carries its day beside that; only `iat` is looked at here.
"""

from ledger.records.funds import Ref
from ledger.rules.logs import LogRef
from ledger.rules.mismatch import Mismatch

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


def _found(log: LogRef, compared: tuple[bytes, ...], sub: str, facts: dict[str, object]) -> Mismatch:
    return Mismatch("R38", "A", compared, Ref(log.origin, sub), log.facts() | facts)
