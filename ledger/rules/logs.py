"""Logs: whether one only grew, is watched, and holds nothing but good records (domain rules R35 to R37, R48 to R50).

What is compared here are a log's own signatures: with an older one, with the clock, with the form it promised.
"""

from dataclasses import dataclass
from hashlib import sha256

from ledger.records.funds import Ref
from ledger.rules.mismatch import Mismatch, Severity

ROUNDS_UNTIL_LATE = 10  # T, in rounds: what has not arrived by then is missing
ROUNDS_UNTIL_AWAY = 3  # whoever has not spoken for so long is away, and does not withhold
UNWATCHED_SECONDS = 5 * 60  # T1
UNWATCHED_LONG_SECONDS = 60 * 60  # T2


@dataclass(frozen=True, slots=True)
class LogRef:
    """A log, and the department that keeps it."""

    origin: str
    department: str

    def facts(self) -> dict[str, object]:
        """What every sentence about a log needs."""
        return {"log": self.origin, "departments": [self.department]}


def checkpoint_hash(text: str) -> bytes:
    """What stands for a checkpoint where a rule compares one: the hash of its text, without signatures."""
    return sha256(text.encode()).digest()


def missing_at_peer(
    log: LogRef, holder: str, checkpoint: str, since: int, spoke_at: int, round_seconds: int
) -> Mismatch | None:
    """R35: a record known here is missing at a peer after T. Our copy of a log against the word of the peer's mirror.

    `holder` is the peer's department, `checkpoint` all that its mirror vouches for; we have held more since `since`.
    `spoke_at`: when the peer, as mirror or as witness, last cosigned this log. One that is merely down says nothing
    meanwhile, and that is no finding.
    """
    if spoke_at - since <= ROUNDS_UNTIL_LATE * round_seconds:
        return None
    said = sha256(f"{holder}\n{checkpoint}".encode()).digest()
    facts = log.facts() | {"departments": [log.department, holder], "since": since}
    return Mismatch("R35", "A", (said,), None, facts)


def two_histories(log: LogRef, older: str, newer: str) -> Mismatch:
    """R36: two checkpoints, both signed by one log, that cannot both be true."""
    return Mismatch("R36", "A", (checkpoint_hash(older), checkpoint_hash(newer)), None, log.facts())


def unwatched(log: LogRef, checkpoint: str, seen_at: int, now: int) -> Mismatch | None:
    """R37: no fresh cosignature over a log for T1 (a warning), for T2 (an alarm). The log's head against the clock.

    `checkpoint` is the newest head that another department cosigned (so that the finding keeps its name while the
    log grows on unwatched) and `seen_at` when it did; or our oldest unwatched head, and since when it waits.
    """
    age = now - seen_at
    if age <= UNWATCHED_SECONDS:
        return None
    severity: Severity = "A" if age > UNWATCHED_LONG_SECONDS else "W"
    return Mismatch("R37", severity, (checkpoint_hash(checkpoint),), None, log.facts() | {"since": seen_at})


def unchecked_head(log: LogRef, checkpoint: str, since: int, now: int, round_seconds: int) -> Mismatch | None:
    """R49: a cosigned head that no mirror could check for T. The witnesses' word against the mirrors' silence."""
    if now - since <= ROUNDS_UNTIL_LATE * round_seconds:
        return None
    return Mismatch("R49", "A", (checkpoint_hash(checkpoint),), None, log.facts() | {"since": since})


def unknown_kind(log: LogRef, leaf: bytes, index: int, kind: str, sub: str) -> Mismatch:
    """R49: a record of a kind that nobody here knows: it is carried, and counts as checked by nobody."""
    facts = log.facts() | {"index": index, "kind": kind, "reason": "unknown-kind"}
    return Mismatch("R49", "W", (leaf,), Ref(log.origin, sub), facts)


def claim_outside_list(log: LogRef, leaf: bytes, index: int, kind: str, sub: str) -> Mismatch:
    """R49: a record that shows in clear what its kind keeps private; the claim itself is not repeated here."""
    facts = log.facts() | {"index": index, "kind": kind, "reason": "claim-outside-list"}
    return Mismatch("R49", "A", (leaf,), Ref(log.origin, sub), facts)


def refused_record(log: LogRef, leaf: bytes, index: int, sub: str | None, reason: str) -> Mismatch:
    """R50: a record whose signature, signer's role at its index, schema, `prev` or `apply` fails.

    `sub` is None when the entry is no record at all, `reason` the name of the check that it failed.
    """
    facts = log.facts() | {"index": index, "reason": reason}
    return Mismatch("R50", "A", (leaf,), None if sub is None else Ref(log.origin, sub), facts)


STOLEN_KEY = "key-compromised"


def stolen_key(log: LogRef, leaf: bytes, index: int, sub: str) -> Mismatch:
    """R50: a record signed with a key that its own department has given up as stolen from an earlier index on."""
    return refused_record(log, leaf, index, sub, STOLEN_KEY)


def broken_promise(log: LogRef, promised: bytes, index: int, promise: str, found: str) -> Mismatch:
    """R48: a record that was promised for this index is not there. A desk's promise against the log it is about.

    `promise` is the JWS itself: with the log it is all the evidence. `found`: another-record, or nothing-yet.
    """
    facts = log.facts() | {"index": index, "promise": promise, "reason": found}
    return Mismatch("R48", "A", (promised,), None, facts)
