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
from ledger.errors import IllegalStep, Refused, Rejected
from ledger.folding import columns_of
from ledger.records import codec
from ledger.records.check import check_record, check_signed
from ledger.records.fold import Folded
from ledger.records.proven import NOTHING, Proven
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
_ADD = f"INSERT INTO objects (place, handle, {', '.join(COLUMNS)}) VALUES (?, ?{', ?' * len(COLUMNS)})"  # noqa: S608  the names above
_CHANGE = f"UPDATE objects SET {', '.join(f'{name} = ?' for name in COLUMNS)} WHERE place = ?"  # noqa: S608
_READ = f"SELECT handle, {', '.join(COLUMNS)} FROM objects WHERE handle IN (SELECT value FROM json_each(?))"  # noqa: S608
_ONE = "SELECT place, topic, folded, idx, created, first_idx, disputed FROM objects WHERE handle = ?"
# Sorted once at the end: an index that grows with the log would cost each entry a page somewhere in it.
_TWICE = """
    SELECT said.idx, said.sub, said.leaf = first.leaf
      FROM said
      JOIN (SELECT jti, min(idx) AS idx FROM said GROUP BY jti HAVING count(*) > 1) AS doubled USING (jti)
      JOIN said AS first ON first.idx = doubled.idx
     WHERE said.idx > doubled.idx
     ORDER BY said.idx
"""


@dataclass(slots=True)
class _Kept:
    """One object at hand."""

    folded: Folded
    idx: int
    created: int
    first_idx: int
    disputed: int | None = None
    place: int | None = None  # its row in the scratch file
    written: bool = False  # which says the same


class Refold:
    """The objects and signers of one log, grown record by record."""

    def __init__(self, scratch: Path, origin: str) -> None:
        """`scratch`: a file that is not there yet, and that nobody needs afterwards."""
        self._origin = origin
        self._db = sqlite3.connect(scratch, isolation_level=None)
        for pragma in ("journal_mode = OFF", "synchronous = OFF", f"cache_size = -{CACHE_KIBIBYTES}"):
            self._db.execute(f"PRAGMA {pragma}")
        # Handles and jti are random: rows in the order of either would touch a page of a long table each.
        self._db.execute(
            "CREATE TABLE objects (place INTEGER PRIMARY KEY, handle TEXT UNIQUE, topic TEXT, status TEXT, folded TEXT,"
            " idx INTEGER, since INTEGER, created INTEGER, first_idx INTEGER, ref_log TEXT, ref_handle TEXT,"
            " payer TEXT, disputed INTEGER)"
        )
        self._db.execute("CREATE TABLE said (idx INTEGER PRIMARY KEY, jti TEXT, leaf BLOB, sub TEXT)")
        self._db.execute("BEGIN")  # and never an end: what is not yet on the disk need not get there
        self._recent: OrderedDict[str, _Kept | None] = OrderedDict()
        self._places = 0
        self.signers = Signers()

    def close(self) -> None:
        """Let the scratch file go."""
        self._db.close()

    # --- growing ---

    def remember(self, records: Mapping[int, Record]) -> None:
        """Write down what the records at these indices are called."""
        rows = [(index, record.jti, record.leaf, record.sub) for index, record in records.items()]
        self._db.executemany("INSERT INTO said VALUES (?, ?, ?, ?)", rows)

    def said_twice(self) -> Iterator[tuple[int, bool]]:
        """The indices of those whose `jti` an earlier one bears, and whether the first of them has the very same bytes.

        Such bytes stood in the log already: they say nothing, and their object is disputed from there on.
        """
        for index, handle, same in self._db.execute(_TWICE):
            if same:
                self.dispute(handle, index)
            yield index, bool(same)

    def take(self, index: int, record: Record, proven: Proven = NOTHING) -> None:
        """Check a record and fold it; raises what `check_record` raises, and then only disputes its object."""
        try:
            changed = check_record(record, index, self._origin, self.signers.find, self.read, proven)
            self._check_new_key(index, record)
        except (Rejected, Refused):
            self.dispute(record.sub, index)
            raise
        for handle, folded in changed.items():
            self._store(handle, folded, index, record)
        self.signers.follow(index, record)

    def meet(self, index: int, record: Record, proven: Proven = NOTHING) -> None:
        """Check a record without its object, and follow what it says of signers; raises what `check_signed` raises."""
        check_signed(record, index, self._origin, self.signers.find, proven)
        self._check_new_key(index, record)
        self.signers.follow(index, record)

    def _check_new_key(self, index: int, record: Record) -> None:
        if self.signers.names_twice(index, record):
            raise IllegalStep(record.kind, "enrolled", "key-twice")

    def _store(self, handle: str, folded: Folded, index: int, record: Record) -> None:
        known = self._at_hand(handle)
        if known is None:
            self._recent[handle] = _Kept(folded, index, record.iat, index)
        else:
            known.folded, known.idx, known.written = folded, index, False

    def dispute(self, handle: str, index: int) -> None:
        """Mark an object as disputed since the entry of this index; the first counts."""
        known = self._at_hand(handle)
        if known is not None and (known.disputed is None or index < known.disputed):
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
        new, changed = [], []
        for handle in handles:
            one = self._recent[handle]
            if one is None or one.written:
                continue
            if one.place is None:
                self._places += 1
                one.place = self._places
                new.append((one.place, handle, *self._row(one)))
            else:
                changed.append((*self._row(one), one.place))
            one.written = True
        self._db.executemany(_ADD, new)
        self._db.executemany(_CHANGE, changed)

    def _row(self, one: _Kept) -> tuple[Any, ...]:
        said = {
            **columns_of(one.folded, self._origin),
            "topic": codec.topic_of(one.folded.state),
            "idx": one.idx,
            "created": one.created,
            "first_idx": one.first_idx,
            "disputed": one.disputed,
        }
        return tuple(said[name] for name in COLUMNS)


def _read(place: int, topic: str, folded: str, idx: int, created: int, *rest: Any) -> _Kept:
    first_idx, disputed = rest
    return _Kept(codec.load(topic, folded), idx, created, first_idx, disputed, place, written=True)
