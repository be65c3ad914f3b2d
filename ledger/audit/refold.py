"""Folds a log once more, from nothing: what is true of each object by its records alone.

A log may hold more objects than fit into memory. What was touched last stays at hand; what leaves is compared with what
a database says of it, and only what the database does not say lies in a scratch file.
"""

import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
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
SLOTS = 2**22  # one byte each; most objects are new, and nobody need look for them in the scratch file

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
Row = tuple[Any, ...]  # of the table `objects`, in the order of COLUMNS
Stored = Callable[[Sequence[str]], Mapping[str, Row]]  # what a database says of these objects, by handle

# Handles are random: rows in their order touch a page each, and are short. No place: the database says the same.
_KNOWN = "CREATE TABLE known (handle TEXT PRIMARY KEY, place INTEGER) WITHOUT ROWID"
_OBJECTS = f"CREATE TABLE objects (place INTEGER PRIMARY KEY, handle TEXT, {', '.join(COLUMNS)})"
_SAID = "CREATE TABLE said (idx INTEGER PRIMARY KEY, jti TEXT)"
_KNOW = "REPLACE INTO known VALUES (?, ?)"
_KEEP = f"REPLACE INTO objects VALUES (?, ?{', ?' * len(COLUMNS)})"  # noqa: S608  as many as the names above
_DROP = "DELETE FROM objects WHERE place = ?"
_ONE = f"SELECT place, {', '.join(COLUMNS)} FROM known LEFT JOIN objects USING (place) WHERE known.handle = ?"  # noqa: S608  the names above
_OTHERS = f"SELECT handle, {', '.join(COLUMNS)} FROM objects ORDER BY handle"  # noqa: S608  likewise
# Sorted once at the end: an index that grows with the log would cost each entry a page somewhere in it.
_TWICE = """
    SELECT said.idx, doubled.idx
      FROM (SELECT jti, min(idx) AS idx FROM said GROUP BY jti HAVING count(*) > 1) AS doubled
      JOIN said USING (jti)
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
    written: bool = False  # which says the same; or the database, if there is no such row


class Refold:
    """The objects and signers of one log, grown record by record."""

    def __init__(self, scratch: Path, origin: str, stored: Stored | None = None) -> None:
        """`scratch`: a file that is not there yet, and that nobody needs afterwards.

        `stored`: a database of which nothing is believed; what it says of an object must not change meanwhile.
        """
        self._origin = origin
        self._stored: Stored = stored or (lambda _handles: {})
        self._db = sqlite3.connect(scratch, isolation_level=None)
        for pragma in ("journal_mode = OFF", "synchronous = OFF", f"cache_size = -{CACHE_KIBIBYTES}"):
            self._db.execute(f"PRAGMA {pragma}")
        for table in (_KNOWN, _OBJECTS, _SAID):
            self._db.execute(table)
        self._db.execute("BEGIN")  # and never an end: what is not yet on the disk need not get there
        self._recent: OrderedDict[str, _Kept | None] = OrderedDict()
        self._places = 0
        self._let_gone = bytearray(SLOTS)  # at the slot of each that was let go: 1
        self.signers = Signers()

    def close(self) -> None:
        """Let the scratch file go."""
        self._db.close()

    # --- growing ---

    def remember(self, records: Mapping[int, Record]) -> None:
        """Write down what the records at these indices are called."""
        rows = [(index, record.jti) for index, record in records.items()]
        self._db.executemany("INSERT INTO said VALUES (?, ?)", rows)

    def said_twice(self) -> Iterator[tuple[int, int]]:
        """The index of each whose `jti` an earlier one bears, and the index of the first of them."""
        yield from self._db.execute(_TWICE)

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
        """Let go of all that is at hand: what follows tells of the whole."""
        self._let_go(list(self._recent))

    # --- reading ---

    def read(self, handle: str) -> Folded | None:
        """One object."""
        known = self._at_hand(handle)
        return None if known is None else known.folded

    def others(self) -> Iterator[tuple[str, Row]]:
        """Of what was settled, each object of which the database says something else or nothing, as it should be."""
        return ((row[0], row[1:]) for row in self._db.execute(_OTHERS))

    def count(self) -> int:
        """How many objects were settled."""
        return int(self._db.execute("SELECT count(*) FROM known").fetchone()[0])

    def knows(self, handle: str) -> bool:
        """Whether an object was settled."""
        return self._db.execute(_ONE, (handle,)).fetchone() is not None

    # --- at hand, and in the scratch file ---

    def _at_hand(self, handle: str) -> _Kept | None:
        if handle in self._recent:
            self._recent.move_to_end(handle)
            return self._recent[handle]
        if len(self._recent) >= OBJECTS_IN_MEMORY:
            self._let_go([*islice(self._recent, WRITTEN_AT_ONCE)])
        found = self._let_gone[_slot(handle)] and self._db.execute(_ONE, (handle,)).fetchone()
        self._recent[handle] = self._take_up(handle, *found) if found else None
        return self._recent[handle]

    def _take_up(self, handle: str, place: int | None, *row: Any) -> _Kept:
        said = dict(zip(COLUMNS, self._stored([handle])[handle] if place is None else row, strict=True))
        folded = codec.load(said["topic"], said["folded"])
        idx, created, first_idx = said["idx"], said["created"], said["first_idx"]
        return _Kept(folded, idx, created, first_idx, said["disputed"], place, written=True)

    def _let_go(self, handles: Sequence[str]) -> None:
        self._write(handles)
        for handle in handles:
            del self._recent[handle]

    def _write(self, handles: Sequence[str]) -> None:
        changed = [(handle, one) for handle in handles if (one := self._recent[handle]) is not None and not one.written]
        stored = self._stored([handle for handle, _ in changed])
        kept, dropped = [], []
        for handle, one in changed:
            row = self._row(one)
            if stored.get(handle) != row:
                if one.place is None:
                    self._places += 1
                    one.place = self._places
                kept.append((one.place, handle, *row))
            elif one.place is not None:
                dropped.append((one.place,))
                one.place = None
            one.written = True
            self._let_gone[_slot(handle)] = 1
        self._db.executemany(_KEEP, kept)
        self._db.executemany(_DROP, dropped)
        self._db.executemany(_KNOW, [(handle, one.place) for handle, one in changed])

    def _row(self, one: _Kept) -> Row:
        said = columns_of(one.folded, self._origin) | {
            "topic": codec.topic_of(one.folded.state),
            "idx": one.idx,
            "created": one.created,
            "first_idx": one.first_idx,
            "disputed": one.disputed,
        }
        return tuple(map(said.__getitem__, COLUMNS))


def _slot(handle: str) -> int:
    return hash(handle) % SLOTS  # another one in each process, so that nobody can choose handles that share it
