"""What a rule looks at again once its time has come: found by an index, whatever the size of the tables."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, delete, insert, select

from ledger.storage.prepared import Prepared
from ledger.storage.schema import due

AT_ONCE_MAX = 1_000

_d = due.c
_KEY = (_d.rule == bindparam("of_rule"), _d.log_id == bindparam("of_log"), _d.handle == bindparam("of_handle"))
_INSERT = insert(due)
_ADD = Prepared(insert(due))
_KNOWN = Prepared(
    select(_d.handle).where(
        _d.rule == bindparam("rule"),
        _d.log_id == bindparam("log_id"),
        _d.handle.in_(bindparam("handles", expanding=True)),
    )
)
_DELETE = delete(due).where(*_KEY)
_DUE = Prepared(
    select(_d.rule, _d.log_id, _d.handle, _d.at)
    .where(_d.at <= bindparam("now"))
    .order_by(_d.at, _d.rule, _d.log_id, _d.handle)
    .limit(AT_ONCE_MAX)
)


class Due(NamedTuple):
    """One thing to look at."""

    rule: str
    log_id: int
    handle: str
    at: int


def set_due(conn: Connection, rule: str, log_id: int, handle: str, at: int | None) -> None:
    """Look at this object again at this moment and not before; None: no more."""
    conn.execute(_DELETE, {"of_rule": rule, "of_log": log_id, "of_handle": handle})
    if at is not None:
        conn.execute(_INSERT, {"rule": rule, "log_id": log_id, "handle": handle, "at": at})


def ensure_due(conn: Connection, wanted: Sequence[Due]) -> None:
    """Look at each of these objects at its moment, unless it is to be looked at anyway."""
    new = {(each.rule, each.log_id, each.handle): each for each in reversed(wanted)}
    for rule, log_id in {(each.rule, each.log_id) for each in wanted}:
        handles = [handle for of_rule, of_log, handle in new if (of_rule, of_log) == (rule, log_id)]
        for (handle,) in _KNOWN.rows_among(conn, "handles", handles, {"rule": rule, "log_id": log_id}):
            del new[rule, log_id, handle]
    if new:
        _ADD.run_rows(conn, Due._fields, new.values())


def read_due(conn: Connection, now: int) -> list[Due]:
    """What is to be looked at by now, the longest due first; no more than AT_ONCE_MAX."""
    return [Due(*row) for row in _DUE.rows(conn, {"now": now})]
