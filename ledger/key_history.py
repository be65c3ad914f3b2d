"""Tells which keys of a department have counted in its log, and from which index up to which.

Read from the folded records of the department itself: its genesis, and every rotation.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from ledger.errors import MalformedRecord
from ledger.merkle.errors import OutOfRange
from ledger.records.rotation import DESK_ROLE, NOTE_ROLES, ROLES, VAULT, new_keys_of
from ledger.records.statement import Record, parse_record
from ledger.storage import entries
from ledger.storage.facts import read_story


@dataclass(frozen=True, slots=True)
class KeyRange:
    """The keys of one role, and where they count.

    A log's keys sign the heads whose last entry lies in the range; a desk's key signs the records in it. What the other
    keys have signed is in other logs: the range tells which records of their own log came before and after.
    """

    role: str
    keys: tuple[str, ...]  # vkeys; the desk's raw key in base64url; the vault key's fingerprint, empty when never told
    from_index: int
    to_index: int | None = None  # the first index at which they no longer count
    retired_at: int | None = None  # `iat` of the record that ended them

    def counts_at(self, index: int) -> bool:
        """Whether this index lies in the range."""
        return self.from_index <= index and (self.to_index is None or index < self.to_index)


@dataclass(frozen=True, slots=True)
class History:
    """Every range of every role, oldest first, and where the rotations stand."""

    ranges: tuple[KeyRange, ...] = ()
    rotations: tuple[int, ...] = ()

    def in_force(self, role: str) -> KeyRange | None:
        """The keys of this role that count now."""
        return next((one for one in reversed(self.ranges) if one.role == role and one.to_index is None), None)

    def retired(self, role: str) -> list[KeyRange]:
        """The keys of this role that counted once."""
        return [one for one in self.ranges if one.role == role and one.to_index is not None]

    def after(self, index: int, record: Record) -> "History":
        """What it is after one more checked record of the department itself."""
        if record.kind == "genesis":
            return History(tuple(_first(record)))
        if record.kind != "rotation":
            return self
        role = record.clear["role"]
        start = index + 1 if role == DESK_ROLE else index
        ended = [_end(one, role, start, record.iat) for one in self.ranges]
        return History((*ended, KeyRange(role, new_keys_of(record), start)), (*self.rotations, index))


def _first(genesis: Record) -> list[KeyRange]:
    keys: dict[str, Sequence[str]] = {role: genesis.clear[claim] for role, claim in NOTE_ROLES.items()}
    keys |= {DESK_ROLE: [genesis.clear["desk_key"]["x"]], VAULT: []}
    return [KeyRange(role, tuple(keys[role]), 0) for role in ROLES]


def _end(one: KeyRange, role: str, index: int, at: int) -> KeyRange:
    return replace(one, to_index=index, retired_at=at) if one.role == role and one.to_index is None else one


def read_history(conn: Connection, log_id: int) -> History:
    """The keys of the department behind a log, ours or a mirrored one, as far as it is folded here."""
    try:
        genesis = parse_record(bytes(entries.read_entries(conn, log_id, 0, 1)[0]))
    except (OutOfRange, MalformedRecord):
        return History()
    history = History()
    for row in sorted(read_story(conn, [genesis.sub]), key=lambda row: row.idx):
        if row.log_id == log_id:
            history = history.after(row.idx, parse_record(bytes(row.entry)))
    return history
