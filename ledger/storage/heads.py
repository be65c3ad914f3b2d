"""The rows of signed heads and of who vouched for them."""

from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from ledger.merkle.hashing import Hash
from ledger.merkle.note import SignatureLine
from ledger.merkle.vkeys import KeyRef
from ledger.storage import schema
from ledger.storage.prepared import Prepared

WITNESS = "witness"
MIRROR = "mirror"
OUTSIDE = "outside"  # a witness that is no member's: what it says of our own log

_heads, _cosigned = schema.heads.c, schema.cosignatures.c

_OF_LOG = (
    select(_heads.size, _heads.root, _heads.signed, _heads.at, _heads.served)
    .where(_heads.log_id == bindparam("log"))
    .order_by(_heads.size.desc())
)
_LARGEST = _OF_LOG.limit(1)
_NEWEST = Prepared(_LARGEST)
_PUBLISHED = Prepared(_LARGEST.where(_heads.published))
_AT_SIZE = Prepared(_LARGEST.where(_heads.size == bindparam("size")))
_NOTED = Prepared(_OF_LOG.where(_heads.served.is_not(None)))
_CHANGED = update(schema.heads).where(_heads.log_id == bindparam("log"), _heads.size == bindparam("at_size"))
_SERVE = Prepared(_CHANGED.values(published=True, served=bindparam("note")))
_NOTE = Prepared(_CHANGED.values(served=bindparam("note")))
_FORGET = Prepared(
    delete(schema.heads).where(
        _heads.log_id == bindparam("log"), _heads.size < bindparam("before"), _heads.size != bindparam("keep")
    )
)
_LINES = Prepared(
    select(_cosigned.role, _cosigned.size, _cosigned.root, _cosigned.time, _cosigned.line).where(
        _cosigned.log_id == bindparam("log")
    )
)

_TIMES = Prepared(select(_cosigned.name, _cosigned.key_id, _cosigned.time).where(_cosigned.log_id == bindparam("log")))
_BEFORE = Prepared(
    select(_heads.size).where(_heads.log_id == bindparam("log"), _heads.size < bindparam("before")).limit(1)
)


@dataclass(frozen=True, slots=True)
class Head:
    """A checkpoint as signed by its log."""

    size: int
    root: Hash
    signed: bytes  # the note with the log's own lines
    at: int  # when it was signed, seconds since 1970
    served: bytes | None = None  # the note with its cosignatures: as published, or as mirrored


@dataclass(frozen=True, slots=True)
class KeptCosignature:
    """Who vouched for which head of a log."""

    role: str
    size: int
    root: Hash
    time: int
    line: SignatureLine


def newest_head(connection: Connection, log_id: int) -> Head | None:
    """The largest head that was signed."""
    row = _NEWEST.first(connection, {"log": log_id})
    return None if row is None else Head(*row)


def published_head(connection: Connection, log_id: int) -> Head | None:
    """The largest head that was published."""
    row = _PUBLISHED.first(connection, {"log": log_id})
    return None if row is None else Head(*row)


def head_at(connection: Connection, log_id: int, size: int) -> Head | None:
    """The head of exactly this size."""
    row = _AT_SIZE.first(connection, {"log": log_id, "size": size})
    return None if row is None else Head(*row)


def add_head(connection: Connection, log_id: int, head: Head) -> None:
    """Keep a head just signed; a second of its size is a bug of the caller, and the database refuses it."""
    row = {"log_id": log_id, "size": head.size, "root": head.root, "signed": head.signed, "at": head.at}
    connection.execute(insert(schema.heads), {**row, "published": False})


def serve_head(connection: Connection, log_id: int, size: int, note: bytes) -> None:
    """Publish the head of this size as this note."""
    _SERVE.run(connection, {"log": log_id, "at_size": size, "note": note})


def note_head(connection: Connection, log_id: int, size: int, note: bytes) -> None:
    """Keep with the head of another department's log what has been said of it; it is not ours to publish."""
    _NOTE.run(connection, {"log": log_id, "at_size": size, "note": note})


def noted_heads(connection: Connection, log_id: int) -> list[Head]:
    """The heads that are kept with their cosignatures, the largest first: very few."""
    return [Head(*row) for row in _NOTED.rows(connection, {"log": log_id})]


def has_before(connection: Connection, log_id: int, size: int) -> bool:
    """Whether a head before this size is kept."""
    return _BEFORE.first(connection, {"log": log_id, "before": size}) is not None


def forget_before(connection: Connection, log_id: int, size: int, *, keep: int) -> None:
    """Forget the heads before this size, but for the one of size `keep`: nobody is shown them again."""
    _FORGET.run(connection, {"log": log_id, "before": size, "keep": keep})


def forget_cosignatures(connection: Connection, log_id: int, name: str, key_id: bytes) -> None:
    """Forget what a key has said of this log; what is published already stays as it is."""
    of_key = (_cosigned.log_id == log_id, _cosigned.name == name, _cosigned.key_id == key_id)
    connection.execute(delete(schema.cosignatures).where(*of_key))


def read_cosignatures(connection: Connection, log_id: int) -> list[KeptCosignature]:
    """The newest cosignature of each key over this log, whatever head it covers."""
    return [
        KeptCosignature(role, size, Hash(root), time, SignatureLine.parse(line.removesuffix("\n")))
        for role, size, root, time, line in _LINES.rows(connection, {"log": log_id})
    ]


def read_times(connection: Connection, log_id: int) -> dict[KeyRef, int]:
    """When each key has cosigned this log last."""
    return {(name, key_id): time for name, key_id, time in _TIMES.rows(connection, {"log": log_id})}
