"""The rows of a log in a node's own database, read raw, and held against what its records alone make true.

Nothing that the database says of itself is believed: sizes, edges, facts, signers, feed and vault are all compared.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Connection, Table, Text, bindparam, cast, func, select

from ledger.audit.named import NamedKeys
from ledger.audit.refold import COLUMNS, Refold
from ledger.audit.refold import Row as ObjectRow
from ledger.audit.report import Faults
from ledger.audit.sealed import SealedValues
from ledger.audit.sources import Batch
from ledger.audit.stored_heads import StoredHeads, as_bytes
from ledger.errors import MalformedRecord
from ledger.merkle.hashing import HASH_BYTES, CompactRange, Hash
from ledger.merkle.tiles import TILE_WIDTH, Bundle, Tile
from ledger.merkle.vkeys import Verifier
from ledger.records.check import Signer
from ledger.records.statement import Record, parse_record
from ledger.storage import schema
from ledger.storage.engine import read_text
from ledger.storage.heads import OUTSIDE
from ledger.storage.prepared import Prepared

LEVELS = 8  # a tree of 2**63 entries has no more
HANDLES_AT_ONCE = 1_000

_l, _e, _t = schema.logs.c, schema.entries.c, schema.tile_hashes.c
_o, _s, _f = schema.objects.c, schema.signers.c, schema.feed.c


def _in_range(table: Any) -> Any:
    return (table.log_id == bindparam("log"), table.idx >= bindparam("start"), table.idx < bindparam("end"))


_LOG = select(_l.id, _l.size, _l.edge, _l.own, _l.department, _l.number_prefix, _l.folded).where(
    _l.origin == bindparam("origin")
)
_OWN = select(_l.origin).where(_l.own)
_BATCH = Prepared(select(_e.idx, _e.leaf, _e.entry).where(*_in_range(_e)))
_HASHES = select(_t.idx, _t.hash).where(*_in_range(_t), _t.level == bindparam("level"))
_FEED = Prepared(select(_f.idx, _f.handle, _f.kind, _f.at, _f.pos).where(*_in_range(_f)).order_by(_f.idx))
# The roles as text: what is no JSON any more is a fault, and no reason to stop.
_ROLES = cast(_s.roles, Text).label("roles")
_SIGNERS = select(_s.kid, _s.handle, _s.public_key, _ROLES, _s.person, _s.from_index, _s.to_index).where(
    _s.log_id == bindparam("log")
)
_OBJECTS = Prepared(
    select(_o.handle, *(_o[name] for name in COLUMNS)).where(
        _o.log_id == bindparam("log"), _o.handle.in_(bindparam("handles", expanding=True))
    )
)
_COUNT = select(func.count()).where(_o.log_id == bindparam("log"))
_HANDLES = (
    select(_o.handle)
    .where(_o.log_id == bindparam("log"))
    .order_by(_o.handle)
    .execution_options(yield_per=HANDLES_AT_ONCE)
)
_OUTSIDE = select(schema.outside_witnesses.c.vkey)  # no record names them
# What the own log has said of departments, itself and its members: it names keys, and trusts none.
_SAID_OF_DEPARTMENTS = (
    select(_e.entry)
    .select_from(schema.objects)
    .join(schema.logs, _l.id == _o.log_id)
    .join(schema.feed, (_f.log_id == _o.log_id) & (_f.handle == _o.handle))
    .join(schema.entries, (_e.log_id == _f.log_id) & (_e.idx == _f.idx))
    .where(_l.own, _o.topic == "department")
)

# By which every row belongs to a log.
_OF_LOGS: tuple[tuple[str, Table], ...] = (
    ("entry", schema.entries),
    ("tile", schema.tile_hashes),
    ("checkpoint", schema.heads),
    ("cosignature", schema.cosignatures),
    ("object", schema.objects),
    ("signer", schema.signers),
    ("feed", schema.feed),
    ("vault", schema.vault),
)


class LogRow(NamedTuple):
    """What the database says of a log as a whole."""

    id: int
    size: int
    edge: bytes
    own: bool
    department: str | None
    number_prefix: str | None
    folded: int


def own_origins(conn: Connection) -> list[str]:
    """The origin of this node's own log; several when somebody has altered the table."""
    return list(conn.execute(_OWN).scalars())


def find_log(conn: Connection, origin: str) -> LogRow | None:
    """The row of a log, None when the database holds none of that name."""
    row = conn.execute(_LOG, {"origin": origin}).first()
    return None if row is None else LogRow(*row)


class StoredLog:
    """One log of a database, as a source of a verification and as what is verified."""

    def __init__(self, conn: Connection, origin: str, row: LogRow, faults: Faults, vault_key: bytes | None) -> None:
        """Without the vault key the values of the vault stay closed, and only their places are looked at."""
        self._conn = conn
        self._origin = origin
        self._row = row
        self._log = {"log": row.id}
        self._faults = faults
        self._sealed = SealedValues(conn, row.id, faults, vault_key)
        self._last_pos = 0
        self.heads = StoredHeads(conn, row.id, origin, faults, own=row.own)

    # --- as a source ---

    def size(self) -> int:
        """How many entries there should be: up to the largest index, or the row of the log."""
        last = self._conn.execute(select(func.max(_e.idx)).where(_e.log_id == self._row.id)).scalar()
        return max(0 if last is None else last + 1, self._row.size)

    def notes(self) -> Sequence[bytes]:
        """Every signed head, and as it was published; what is shown stands last."""
        return self.heads.notes()

    def batch(self, bundle: Bundle) -> Batch:
        """The entries of a bundle, and the leaf hashes beside them."""
        start = bundle.index * TILE_WIDTH
        rows = {row[0]: row for row in _BATCH.rows(self._conn, self._range(start, bundle.width))}
        found = [rows.get(index) for index in range(start, start + bundle.width)]
        leaves = [None if row is None else _hash(row[1]) for row in found]
        return Batch(start, leaves, [None if row is None else as_bytes(row[2]) for row in found])

    def hashes(self, tile: Tile) -> Sequence[Hash | None]:
        """The stored hashes of a tile above level 0."""
        start = tile.index * TILE_WIDTH
        place = {**self._range(start, tile.width), "level": tile.level}
        rows = {row.idx: _hash(row.hash) for row in self._conn.execute(_HASHES, place)}
        return [rows.get(index) for index in range(start, start + tile.width)]

    def _range(self, start: int, width: int) -> dict[str, int]:
        return {**self._log, "start": start, "end": start + width}

    # --- as what is verified ---

    def check_batch(self, start: int, width: int, folded: Mapping[int, Record], parsed: Mapping[int, Record]) -> None:
        """Compare the feed with the records folded from here on, and the vault with those that stand here."""
        self._check_feed(start, width, folded)
        self._sealed.check(start + width, parsed)

    def _check_feed(self, start: int, width: int, folded: Mapping[int, Record]) -> None:
        found = read_text(self._conn, lambda: _FEED.rows(self._conn, self._range(start, width)))
        rows = {index: (handle, kind, at) for index, handle, kind, at, _pos in found}
        expected = {index: (record.sub, record.kind, record.iat) for index, record in folded.items()}
        if rows != expected:
            for index in sorted(rows.keys() | expected.keys()):
                if rows.get(index) != expected.get(index):
                    self._faults.add("feed", index, _compared(rows.get(index), expected.get(index)))
        for index, _handle, _kind, _at, pos in found:
            if pos <= self._last_pos:
                self._faults.add("feed", index, "stands before a record that was folded earlier")
            self._last_pos = pos

    def check_end(self, edge: CompactRange, refold: Refold, named: NamedKeys, trusted: Collection[Verifier]) -> None:
        """Compare what the database says of the whole log, of each object and of each signer."""
        self._check_log(edge)
        if not self._row.own:
            self._name_members(named)
        else:
            named.add(self._conn.execute(_OUTSIDE).scalars(), OUTSIDE)
        self.heads.check(named, trusted)
        self._check_signers(refold.signers.by_kid)
        self._check_objects(refold)
        self._check_beyond(edge.size)
        self._sealed.check_citizens()
        self._check_strays()

    def check_name(self, genesis: Record | None) -> None:
        """Compare the department's name and number prefix with its genesis."""
        named = None if genesis is None else (genesis.clear.get("department"), genesis.clear.get("number_prefix"))
        if named is not None and named != (self._row.department, self._row.number_prefix):
            self._faults.add("log", self._origin, "department or number prefix is not that of its genesis")

    def _check_log(self, edge: CompactRange) -> None:
        if (self._row.size, as_bytes(self._row.edge)) != (edge.size, edge.to_bytes()):
            self._faults.add(
                "log", self._origin, f"size {self._row.size} or its edge is not that of {edge.size} entries"
            )
        if self._row.folded != (0 if self._row.own else edge.size):  # our own are folded as they are written
            self._faults.add("log", self._origin, f"{self._row.folded} entries are said to be folded of {edge.size}")

    def _name_members(self, named: NamedKeys) -> None:
        """Of a peer's log: our members may have cosigned it, we among them, and it may not have them as its own."""
        for entry in self._conn.execute(_SAID_OF_DEPARTMENTS).scalars():
            with suppress(MalformedRecord):
                named.follow(parse_record(as_bytes(entry)))

    def _check_signers(self, expected: Mapping[str, Signer]) -> None:
        rows = {row.kid: row for row in self._conn.execute(_SIGNERS, self._log)}
        for kid in sorted(rows.keys() | expected.keys()):
            if kid not in rows or kid not in expected:
                self._faults.add("signer", kid, "is not stored" if kid in expected else "no record has put it in force")
            elif _signer(rows[kid]) != expected[kid]:
                self._faults.add("signer", kid, "key, roles, person or range is not what the records say")

    def _check_objects(self, refold: Refold) -> None:
        """What is stored as its records say was compared when it left `refold`'s hands."""
        missing = 0
        for handle, wanted in refold.others():
            found = self.objects([handle]).get(handle)
            if found is None:
                missing += 1
                self._faults.add("object", handle, "its records are here, and it is not stored")
            else:
                names = [name for name, one, other in zip(COLUMNS, found, wanted, strict=True) if one != other]
                self._faults.add("object", handle, f"not what its records say: {', '.join(names)}")
        if self._conn.execute(_COUNT, self._log).scalar() != refold.count() - missing:
            for handle in self._conn.execute(_HANDLES, self._log).scalars():
                if not refold.knows(handle):
                    self._faults.add("object", handle, "no record is about it")

    def objects(self, handles: Sequence[str]) -> dict[str, ObjectRow]:
        """What the table says of those of these objects that it has."""
        found = read_text(self._conn, lambda: [*_OBJECTS.rows_among(self._conn, "handles", handles, self._log)])
        return {row[0]: row[1:] for row in found}

    def _check_beyond(self, size: int) -> None:
        """Rows that belong to no entry at all."""
        for part, table in (("entry", schema.entries), ("feed", schema.feed)):
            for outermost in (func.min, func.max):  # one after the other: each is one look into the index
                ends = select(outermost(table.c.idx)).where(table.c.log_id == self._row.id)
                index = self._conn.execute(ends).scalar()
                if index is not None and not 0 <= index < size:
                    self._faults.add(part, index, f"the log has the indices 0 to {size - 1}")
        self._sealed.check_beyond(size)
        self._check_levels(size)

    def _check_levels(self, size: int) -> None:
        rows = select(_t.level, func.min(_t.idx), func.max(_t.idx)).where(_t.log_id == self._row.id).group_by(_t.level)
        for level, first, last in self._conn.execute(rows):
            width = size >> 8 * level if 0 < level < LEVELS else 0
            if first < 0 or last >= width:
                self._faults.add("tile", f"tile/{level} hash {last}", f"the tree of {size} entries has no such hash")

    def _check_strays(self) -> None:
        """Rows of logs that this database does not hold: nobody would ever look at them."""
        logs = set(self._conn.execute(select(_l.id)).scalars())
        for part, table in _OF_LOGS:
            next_log = select(func.min(table.c.log_id)).where(table.c.log_id > bindparam("after", type_=BigInteger))
            after = -(2**63)
            while (log_id := self._conn.execute(next_log, {"after": after}).scalar()) is not None:
                after = log_id
                if log_id not in logs:
                    self._faults.add(part, f"log {log_id}", "belongs to a log that is not here")


def _hash(value: Any) -> Hash | None:
    """A hash as stored, None when it has not the length of one."""
    raw = as_bytes(value)
    return Hash(raw) if len(raw) == HASH_BYTES else None


def _signer(row: Any) -> Signer:
    key, roles = as_bytes(row.public_key), _roles(row.roles)
    return Signer(row.kid, row.handle, key, roles, row.person, row.from_index, row.to_index)


def _roles(text: str) -> tuple[str, ...]:
    try:
        return tuple(json.loads(text))
    except (ValueError, TypeError):
        return ()


def _compared(found: object, expected: object) -> str:
    if found is None:
        return "is missing"
    return "tells of a record that was not folded" if expected is None else "tells of another record than the log's"
