"""Folds a log once more, from nothing, into a scratch file: what is true of each object by its records alone.

A scratch file and not memory: a log may hold more objects than fit. What was touched last stays at hand, and is
written when its turn comes.
"""

import json
import sqlite3
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from ledger.audit.signers import Signers
from ledger.errors import IllegalStep, MalformedRecord, Refused, Rejected
from ledger.folding import columns_of
from ledger.records import codec
from ledger.records.check import NOTHING, Proven, check_record
from ledger.records.fold import Folded
from ledger.records.statement import Record

OBJECTS_IN_MEMORY = 16_384
WRITTEN_AT_ONCE = 1_024
CACHE_KIBIBYTES = 32_768  # of the scratch file's pages

COLUMNS = (
    "topic",
    "status",
    "folded",
    "idx",
    "since",
    "created",
    "first_idx",
    "ref_log",
    "ref_handle",
    "payer",
    "disputed",
)
_WRITE = f"INSERT OR REPLACE INTO objects (handle, {', '.join(COLUMNS)}) VALUES (?{', ?' * len(COLUMNS)})"  # noqa: S608  the names above
_READ = f"SELECT handle, {', '.join(COLUMNS)} FROM objects WHERE handle IN (SELECT value FROM json_each(?))"  # noqa: S608
_ONE = "SELECT topic, folded, idx, created, first_idx, disputed FROM objects WHERE handle = ?"


@dataclass(slots=True)
class _Kept:
    """One object at hand."""

    folded: Folded
    idx: int
    created: int
    first_idx: int
    disputed: int | None = None
    written: bool = False  # the scratch file says the same


class Refold:
    """The objects and signers of one log, grown record by record."""

    def __init__(self, scratch: Path, origin: str) -> None:
        """`scratch`: a file that is not there yet, and that nobody needs afterwards."""
        self._origin = origin
        self._db = sqlite3.connect(scratch, isolation_level=None)
        for pragma in ("journal_mode = OFF", "synchronous = OFF", f"cache_size = -{CACHE_KIBIBYTES}"):
            self._db.execute(f"PRAGMA {pragma}")
        self._db.execute(
            "CREATE TABLE objects (handle TEXT PRIMARY KEY, topic TEXT, status TEXT, folded TEXT, idx INTEGER,"
            " since INTEGER, created INTEGER, first_idx INTEGER, ref_log TEXT, ref_handle TEXT, payer TEXT,"
            " disputed INTEGER) WITHOUT ROWID"
        )
        self._db.execute("CREATE TABLE said (jti TEXT PRIMARY KEY, idx INTEGER, leaf BLOB) WITHOUT ROWID")
        self._db.execute("BEGIN")  # and never an end: what is not yet on the disk need not get there
        self._recent: OrderedDict[str, _Kept | None] = OrderedDict()
        self.signers = Signers()

    def close(self) -> None:
        """Let the scratch file go."""
        self._db.close()

    # --- growing ---

    def said_before(self, records: Mapping[int, Record]) -> dict[int, bool]:
        """Remember what these records are called; returns those whose `jti` an earlier one of this log bears already.

        By index, and whether the earlier one has the very same bytes.
        """
        rows = [(record.jti, index, record.leaf) for index, record in records.items()]
        before = self._db.total_changes
        self._db.executemany("INSERT OR IGNORE INTO said VALUES (?, ?, ?)", rows)
        if self._db.total_changes - before == len(rows):
            return {}
        first = {}
        for jti, index, leaf in rows:
            found = self._db.execute("SELECT idx, leaf FROM said WHERE jti = ?", (jti,)).fetchone()
            if found[0] != index:
                first[index] = found[1] == leaf
        return first

    def take(self, index: int, record: Record, proven: Proven = NOTHING, *, again: bool = False) -> None:
        """Check a record and fold it; raises what `check_record` raises, and then only disputes its object.

        `again`: its bytes stand in this log already.
        """
        try:
            if again:
                raise MalformedRecord("these bytes stand in this log already")
            changed = check_record(record, index, self._origin, self.signers.find, self.read, proven)
            if self.signers.names_twice(index, record):
                raise IllegalStep(record.kind, "enrolled", "key-twice")
        except (Rejected, Refused):
            self.dispute(record.sub, index)
            raise
        for handle, folded in changed.items():
            self._store(handle, folded, index, record)
        self.signers.follow(index, record)

    def _store(self, handle: str, folded: Folded, index: int, record: Record) -> None:
        known = self._at_hand(handle)
        if known is None:
            self._recent[handle] = _Kept(folded, index, record.iat, index)
        else:
            known.folded, known.idx, known.written = folded, index, False

    def dispute(self, handle: str, index: int) -> None:
        """Mark an object as disputed since the entry of this index; the first counts."""
        known = self._at_hand(handle)
        if known is not None and known.disputed is None:
            known.disputed, known.written = index, False

    def settle(self) -> None:
        """Write down all that is at hand: what follows reads the whole."""
        self._let_go(list(self._recent))

    # --- reading ---

    def read(self, handle: str) -> Folded | None:
        """One object."""
        known = self._at_hand(handle)
        return None if known is None else known.folded

    def rows(self, handles: Sequence[str]) -> dict[str, tuple[Any, ...]]:
        """What the table `objects` should say of those of these objects that there are, in the order of COLUMNS.

        Of what was settled, as the next two.
        """
        return {row[0]: row[1:] for row in self._db.execute(_READ, (json.dumps(handles),))}

    def count(self) -> int:
        """How many objects there are."""
        return int(self._db.execute("SELECT count(*) FROM objects").fetchone()[0])

    def handles(self) -> Iterator[str]:
        """Every object."""
        return (row[0] for row in self._db.execute("SELECT handle FROM objects ORDER BY handle"))

    # --- at hand, and in the scratch file ---

    def _at_hand(self, handle: str) -> _Kept | None:
        if handle in self._recent:
            self._recent.move_to_end(handle)
            return self._recent[handle]
        if len(self._recent) >= OBJECTS_IN_MEMORY:
            self._let_go([*islice(self._recent, WRITTEN_AT_ONCE)])
        row = self._db.execute(_ONE, (handle,)).fetchone()
        self._recent[handle] = None if row is None else _read(*row)
        return self._recent[handle]

    def _let_go(self, handles: Sequence[str]) -> None:
        self._write(handles)
        for handle in handles:
            del self._recent[handle]

    def _write(self, handles: Sequence[str]) -> None:
        changed = [(handle, one) for handle in handles if (one := self._recent[handle]) is not None and not one.written]
        self._db.executemany(_WRITE, [self._row(handle, one) for handle, one in changed])
        for _handle, one in changed:
            one.written = True

    def _row(self, handle: str, one: _Kept) -> tuple[Any, ...]:
        said = {
            **columns_of(one.folded, self._origin),
            "topic": codec.topic_of(one.folded.state),
            "idx": one.idx,
            "created": one.created,
            "first_idx": one.first_idx,
            "disputed": one.disputed,
        }
        return handle, *(said[name] for name in COLUMNS)


def _read(topic: str, folded: str, idx: int, created: int, first_idx: int, disputed: int | None) -> _Kept:
    return _Kept(codec.load(topic, folded), idx, created, first_idx, disputed, written=True)
