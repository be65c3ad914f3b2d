"""Numbers that a node keeps under a name: how far a job has come, when something happened, whose turn it is."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from ledger.storage import schema
from ledger.storage.prepared import Prepared

_c = schema.cursors.c

_ONE = Prepared(select(_c.pos).where(_c.name == bindparam("of_name")))
_SOME = Prepared(select(_c.name, _c.pos).where(_c.name.in_(bindparam("names", expanding=True))))
_ADD = Prepared(insert(schema.cursors))
_CHANGE = Prepared(update(schema.cursors).where(_c.name == bindparam("of_name")).values(pos=bindparam("to")))
_FORGET = Prepared(delete(schema.cursors).where(_c.name == bindparam("of_name")))


def read(conn: Connection, name: str) -> int | None:
    """What is kept under this name; None when nothing is."""
    found: int | None = _ONE.scalar(conn, {"of_name": name})
    return found


def read_some(conn: Connection, names: Sequence[str]) -> dict[str, int]:
    """What is kept under those of these names under which something is."""
    return dict(_SOME.rows(conn, {"names": [*names]})) if names else {}


def read_beginning(conn: Connection, start: str) -> dict[str, int]:
    """What is kept under names that begin so."""
    query = select(_c.name, _c.pos).where(_c.name.startswith(start, autoescape=True))
    return {row.name: row.pos for row in conn.execute(query)}


def keep(conn: Connection, numbers: Mapping[str, int]) -> None:
    """Keep each number under its name, in place of the one before."""
    known = read_some(conn, [*numbers])
    if old := [{"of_name": name, "to": pos} for name, pos in numbers.items() if name in known]:
        _CHANGE.run(conn, *old)
    if new := [{"name": name, "pos": pos} for name, pos in numbers.items() if name not in known]:
        _ADD.run(conn, *new)


def forget(conn: Connection, name: str) -> None:
    """Keep nothing under this name any more."""
    _FORGET.run(conn, {"of_name": name})
