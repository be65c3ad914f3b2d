"""The rows of a log: its entries in their one order, the hashes above them, and the edge at which the tree grows.

Appending reads one row and writes two: the edge (RFC 6962's complete subtrees) is all that growing needs. Whoever asks
for a tile or a proof reads what was stored.
"""

from collections.abc import Sequence
from itertools import repeat

from sqlalchemy import Connection, bindparam, insert, select, update

from ledger.merkle.errors import OutOfRange
from ledger.merkle.hashing import CompactRange, Hash, leaf_hash
from ledger.merkle.proofs import ReadNode
from ledger.merkle.tiles import (
    TILE_HEIGHT,
    TILE_WIDTH,
    Bundle,
    Leaves,
    Tile,
    encode_bundle,
    grow_tiles_above,
    tile_hashes,
    tile_node,
)
from ledger.storage import schema
from ledger.storage.engine import kept
from ledger.storage.prepared import Prepared

_KEPT_EDGE = "edge"  # with a log's id: its right edge, for its next writer

_logs, _entries, _hashes = schema.logs.c, schema.entries.c, schema.tile_hashes.c

_LOG_NAMED = Prepared(select(_logs.id).where(_logs.origin == bindparam("origin")))
_EDGE_OF = select(_logs.size, _logs.edge).where(_logs.id == bindparam("log"))
_EDGE = Prepared(_EDGE_OF)
# SQLite has one writer anyway; on PostgreSQL two appenders to one log wait for each other here.
_EDGE_TO_WRITE = Prepared(_EDGE_OF.with_for_update())
_MOVE_EDGE = Prepared(
    update(schema.logs)
    .where(_logs.id == bindparam("log"))
    .values(size=bindparam("new_size"), edge=bindparam("new_edge"))
)
_ADD_ENTRY = Prepared(insert(schema.entries))
_ADD_HASH = Prepared(insert(schema.tile_hashes))
_RANGE = (
    select(_entries.entry)
    .where(_entries.log_id == bindparam("log"), _entries.idx >= bindparam("start"), _entries.idx < bindparam("end"))
    .order_by(_entries.idx)
)
_ENTRIES = Prepared(_RANGE)
_LEAVES = Prepared(_RANGE.with_only_columns(_entries.leaf))
_HASHES = Prepared(
    select(_hashes.hash)
    .where(
        _hashes.log_id == bindparam("log"),
        _hashes.level == bindparam("level"),
        _hashes.idx >= bindparam("start"),
        _hashes.idx < bindparam("end"),
    )
    .order_by(_hashes.idx)
)
_OF_LEAF = select(_entries.entry).where(_entries.leaf == bindparam("leaf")).limit(1)
_FIRST_OF_LEAF = (
    select(_entries.idx)
    .where(_entries.leaf == bindparam("leaf"), _entries.log_id == bindparam("log"))
    .order_by(_entries.idx)
    .limit(1)
)
_BETWEEN = _entries.leaf.between(bindparam("low"), bindparam("high"))
_TWO_BETWEEN = select(_entries.entry).where(_entries.log_id == bindparam("log"), _BETWEEN).limit(2)
_LEAVES_BETWEEN = select(_entries.leaf).where(_BETWEEN).distinct().order_by(_entries.leaf).limit(bindparam("limit"))
_new = schema.entries.alias("new")
_REPEATED = Prepared(
    select(_entries.idx)
    .join(_new, _new.c.leaf == _entries.leaf)
    .where(
        _new.c.log_id == bindparam("log"),
        _new.c.idx >= bindparam("start"),
        # Only by its leaf shall the other be found: its index would be tried for half of the log.
        _entries.log_id + 0 == bindparam("in_log"),
        _entries.idx + 0 < _new.c.idx,
    )
    .limit(1)
)
_PLACES = Prepared(select(_entries.log_id, _entries.idx).where(_entries.leaf == bindparam("leaf")))


def create_log(connection: Connection, origin: str, *, own: bool) -> int:
    """Begin an empty log, ours or the copy of a peer's; returns its id in this database."""
    row = {"origin": origin, "own": own, "size": 0, "edge": b"", "folded": 0}
    return int(connection.execute(insert(schema.logs).returning(_logs.id), row).scalar_one())


def find_log(connection: Connection, origin: str) -> int | None:
    """The id of a log in this database, None when it is not kept here."""
    found: int | None = _LOG_NAMED.scalar(connection, {"origin": origin})
    return found


def read_edge(connection: Connection, log_id: int) -> CompactRange:
    """The right edge of a log as stored: its size, and its root."""
    [(size, edge)] = _EDGE.rows(connection, {"log": log_id})
    return CompactRange.from_bytes(size, edge)


def append(connection: Connection, log_id: int, entries: Sequence[bytes], known: Leaves | None = None) -> int:
    """Put entries behind those that are there; returns the index of the first. Nothing is visible before the commit.

    `known`: their leaf hashes, when somebody has hashed them already. Raises `merkle.errors.EntryTooLong`.
    """
    edge = _edge_to_write(connection, log_id)
    if not entries:
        return edge.size
    leaves = known or Leaves([leaf_hash(entry) for entry in entries])
    grown = leaves.behind(edge)
    places = range(edge.size, edge.size + len(entries))
    rows = zip(repeat(log_id, len(entries)), places, leaves.hashes, entries, strict=True)
    _ADD_ENTRY.run_rows(connection, ("log_id", "idx", "leaf", "entry"), rows)
    _add_hashes(connection, log_id, edge.size, leaves)
    _MOVE_EDGE.run(connection, {"log": log_id, "new_size": grown.size, "new_edge": grown.to_bytes()})
    kept(connection)[_KEPT_EDGE, log_id] = grown
    return edge.size


def _edge_to_write(connection: Connection, log_id: int) -> CompactRange:
    known: CompactRange | None = kept(connection).get((_KEPT_EDGE, log_id))
    if known is not None:
        return known
    [(size, edge)] = _EDGE_TO_WRITE.rows(connection, {"log": log_id})
    return CompactRange.from_bytes(size, edge)


def _add_hashes(connection: Connection, log_id: int, size: int, leaves: Leaves) -> None:
    if size // TILE_WIDTH == (size + len(leaves.hashes)) // TILE_WIDTH:
        return  # no tile became full, so nothing above the leaves is new
    rows = []
    for tile, content in grow_tiles_above(size, leaves, lambda tile: read_tile(connection, log_id, tile)).items():
        first = tile.index * TILE_WIDTH
        old_width = size >> TILE_HEIGHT * tile.level
        rows += [
            {"log_id": log_id, "level": tile.level, "idx": index, "hash": one}
            for index, one in enumerate(tile_hashes(tile, content), first)
            if index >= old_width
        ]
    _ADD_HASH.run(connection, *rows)


def read_entries(connection: Connection, log_id: int, start: int, end: int) -> list[bytes]:
    """The entries [start, end); raises OutOfRange when one of them is not stored."""
    rows = _ENTRIES.rows(connection, {"log": log_id, "start": start, "end": end})
    if len(rows) != end - start:
        raise OutOfRange(f"log {log_id} holds {len(rows)} of the entries {start} to {end}")
    return [entry for (entry,) in rows]


def read_tile(connection: Connection, log_id: int, tile: Tile) -> bytes:
    """The content of a tile, of any width that the log has reached; raises OutOfRange beyond."""
    start = tile.index * TILE_WIDTH
    place = {"log": log_id, "start": start, "end": start + tile.width}
    if tile.level == 0:
        found = _LEAVES.rows(connection, place)
    else:
        found = _HASHES.rows(connection, {**place, "level": tile.level})
    if len(found) != tile.width:
        raise OutOfRange(f"log {log_id} has {len(found)} of the hashes of {tile}")
    return b"".join([one for (one,) in found])


def read_bundle(connection: Connection, log_id: int, bundle: Bundle) -> bytes:
    """The content of a bundle of entries; raises OutOfRange beyond the log's end."""
    start = bundle.index * TILE_WIDTH
    return encode_bundle(read_entries(connection, log_id, start, start + bundle.width))


def node_reader(connection: Connection, log_id: int, size: int) -> ReadNode:
    """A reader of the tree as it was at this size, for `merkle.proofs`; each tile is read once."""
    return tile_node(lambda tile: read_tile(connection, log_id, tile), size)


def is_repeated(connection: Connection, log_id: int, start: int) -> bool:
    """Whether one of the entries from `start` on stands in this log before."""
    return _REPEATED.first(connection, {"log": log_id, "in_log": log_id, "start": start}) is not None


def find_leaf(connection: Connection, leaf: Hash) -> list[tuple[int, int]]:
    """Where a record stands: (log id, index) of each copy, the own log's and the mirrors' together."""
    return [(log_id, index) for log_id, index in _PLACES.rows(connection, {"leaf": leaf})]


def entry_of_leaf(connection: Connection, leaf: bytes) -> bytes | None:
    """The entry with this leaf hash, of whichever log; None when no log here holds it."""
    found: bytes | None = connection.execute(_OF_LEAF, {"leaf": leaf}).scalar()
    return found


def first_index(connection: Connection, log_id: int, leaf: bytes) -> int | None:
    """Where a record stands in one log; the first place, when somebody has logged it twice."""
    found: int | None = connection.execute(_FIRST_OF_LEAF, {"leaf": leaf, "log": log_id}).scalar()
    return found


def leaves_between(connection: Connection, low: bytes, high: bytes, *, limit: int) -> list[bytes]:
    """Leaf hashes from `low` to `high`, of all logs together; each once, and so many at most."""
    return list(connection.execute(_LEAVES_BETWEEN, {"low": low, "high": high, "limit": limit}).scalars())


def two_entries_between(connection: Connection, log_id: int, low: bytes, high: bytes) -> list[bytes]:
    """Entries of a log whose leaf hashes lie from `low` to `high`, two at most: enough to see that one is not alone."""
    rows = connection.execute(_TWO_BETWEEN, {"log": log_id, "low": low, "high": high})
    return [bytes(entry) for entry in rows.scalars()]
