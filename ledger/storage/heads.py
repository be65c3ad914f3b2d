"""The rows of signed heads and of who vouched for them."""

from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from ledger.merkle.hashing import Hash
from ledger.merkle.note import SignatureLine
from ledger.storage import schema

WITNESS = "witness"
MIRROR = "mirror"
OUTSIDE = "outside"  # a witness that is no member's: what it says of our own log

_heads, _cosigned = schema.heads.c, schema.cosignatures.c

_NEWEST = (
    select(_heads.size, _heads.root, _heads.signed, _heads.at, _heads.served)
    .where(_heads.log_id == bindparam("log"))
    .order_by(_heads.size.desc())
    .limit(1)
)
_PUBLISHED = _NEWEST.where(_heads.published)
_AT_SIZE = _NEWEST.where(_heads.size == bindparam("size"))
_SERVE = (
    update(schema.heads)
    .where(_heads.log_id == bindparam("log"), _heads.size == bindparam("at_size"))
    .values(published=True, served=bindparam("note"))
)
_NOTE = (
    update(schema.heads)
    .where(_heads.log_id == bindparam("log"), _heads.size == bindparam("at_size"))
    .values(served=bindparam("note"))
)
_NOTED = (
    select(_heads.size, _heads.root, _heads.signed, _heads.at, _heads.served)
    .where(_heads.log_id == bindparam("log"), _heads.served.is_not(None))
    .order_by(_heads.size.desc())
)
_FORGET = delete(schema.heads).where(
    _heads.log_id == bindparam("log"), _heads.size < bindparam("before"), _heads.size != bindparam("keep")
)
_LINES = select(_cosigned.role, _cosigned.size, _cosigned.root, _cosigned.time, _cosigned.line).where(
    _cosigned.log_id == bindparam("log")
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
    row = connection.execute(_NEWEST, {"log": log_id}).one_or_none()
    return None if row is None else Head(*row)


def published_head(connection: Connection, log_id: int) -> Head | None:
    """The largest head that was published."""
    row = connection.execute(_PUBLISHED, {"log": log_id}).one_or_none()
    return None if row is None else Head(*row)


def head_at(connection: Connection, log_id: int, size: int) -> Head | None:
    """The head of exactly this size."""
    row = connection.execute(_AT_SIZE, {"log": log_id, "size": size}).one_or_none()
    return None if row is None else Head(*row)


def add_head(connection: Connection, log_id: int, head: Head) -> None:
    """Keep a head just signed; a second of its size is a bug of the caller, and the database refuses it."""
    row = {"log_id": log_id, "size": head.size, "root": head.root, "signed": head.signed, "at": head.at}
    connection.execute(insert(schema.heads), {**row, "published": False})


def serve_head(connection: Connection, log_id: int, size: int, note: bytes) -> None:
    """Publish the head of this size as this note."""
    connection.execute(_SERVE, {"log": log_id, "at_size": size, "note": note})


def note_head(connection: Connection, log_id: int, size: int, note: bytes) -> None:
    """Keep with the head of another department's log what has been said of it; it is not ours to publish."""
    connection.execute(_NOTE, {"log": log_id, "at_size": size, "note": note})


def noted_heads(connection: Connection, log_id: int) -> list[Head]:
    """The heads that are kept with their cosignatures, the largest first: very few."""
    return [Head(*row) for row in connection.execute(_NOTED, {"log": log_id})]


def forget_before(connection: Connection, log_id: int, size: int, *, keep: int) -> None:
    """Forget the heads before this size, but for the one of size `keep`: nobody is shown them again."""
    connection.execute(_FORGET, {"log": log_id, "before": size, "keep": keep})


def forget_cosignatures(connection: Connection, log_id: int, name: str, key_id: bytes) -> None:
    """Forget what a key has said of this log; what is published already stays as it is."""
    of_key = (_cosigned.log_id == log_id, _cosigned.name == name, _cosigned.key_id == key_id)
    connection.execute(delete(schema.cosignatures).where(*of_key))


def read_cosignatures(connection: Connection, log_id: int) -> list[KeptCosignature]:
    """The newest cosignature of each key over this log, whatever head it covers."""
    return [
        KeptCosignature(role, size, Hash(root), time, SignatureLine.parse(line.removesuffix("\n")))
        for role, size, root, time, line in connection.execute(_LINES, {"log": log_id})
    ]
