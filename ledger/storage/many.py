"""Rows of many objects, read at once for whoever folds a batch of records or asks the rules about it."""

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, select

from ledger.storage.prepared import Prepared
from ledger.storage.schema import entries, feed, objects

_o = objects.c


class Stored(NamedTuple):
    """An object as it is read along with many others, its state not yet decoded."""

    log_id: int
    handle: str
    topic: str
    folded: str
    created: int
    first_idx: int
    ref_log: str | None
    ref_handle: str | None


_STORED = select(_o.log_id, _o.handle, _o.topic, _o.folded, _o.created, _o.first_idx, _o.ref_log, _o.ref_handle)
_SOME = Prepared(_STORED.where(_o.log_id == bindparam("log_id"), _o.handle.in_(bindparam("handles", expanding=True))))
_SOME_BELOW = Prepared(
    _STORED.where(_o.ref_handle.in_(bindparam("handles", expanding=True)), _o.ref_log == bindparam("origin")).order_by(
        _o.created, _o.first_idx
    )
)


def read_objects(conn: Connection, log_id: int, handles: Iterable[str]) -> list[Stored]:
    """Those of these objects of one log that there are."""
    return [Stored(*row) for row in _SOME.rows_among(conn, "handles", handles, {"log_id": log_id})]


# `+ 0`: by their handles alone shall they be found, or all of the log would be read.
_HANDLES_BELOW = Prepared(
    select(_o.handle, _o.ref_handle).where(
        _o.ref_handle.in_(bindparam("handles", expanding=True)),
        _o.ref_log == bindparam("origin"),
        _o.log_id + 0 == bindparam("log_id"),
    )
)


def read_handles_below(conn: Connection, log_id: int, origin: str, handles: Iterable[str]) -> dict[str, str]:
    """What one log says that refers to any of these objects: each one's handle, and that of what it refers to."""
    return dict(_HANDLES_BELOW.rows_among(conn, "handles", handles, {"origin": origin, "log_id": log_id}))


def read_objects_below(conn: Connection, origin: str, handles: Iterable[str]) -> list[Stored]:
    """All that refers to any of these objects of one log, from whatever log; of each the oldest first."""
    return [Stored(*row) for row in _SOME_BELOW.rows_among(conn, "handles", handles, {"origin": origin})]


_ENTRIES_AT = Prepared(
    select(entries.c.idx, entries.c.entry).where(
        entries.c.log_id == bindparam("log_id"), entries.c.idx.in_(bindparam("indices", expanding=True))
    )
)


def read_entries_at(conn: Connection, log_id: int, indices: Iterable[int]) -> list[tuple[int, bytes]]:
    """Index and bytes of these entries of a log."""
    return [(row[0], bytes(row[1])) for row in _ENTRIES_AT.rows_among(conn, "indices", indices, {"log_id": log_id})]


_LINES = Prepared(
    select(feed.c.idx, feed.c.handle, feed.c.at, feed.c.kind).where(
        feed.c.handle.in_(bindparam("handles", expanding=True)), feed.c.log_id + 0 == bindparam("log_id")
    )
)


class Line(NamedTuple):
    """A record about an object, in the feed, without its text."""

    idx: int
    handle: str
    at: int  # its `iat`
    kind: str


def read_lines(conn: Connection, log_id: int, handles: Iterable[str]) -> list[Line]:
    """Every record of one log about these objects."""
    return [Line(*row) for row in _LINES.rows_among(conn, "handles", handles, {"log_id": log_id})]
