"""How many entries of each mirrored log the last round has left to the next, because one peer's share was used up."""

from sqlalchemy import Connection, bindparam, delete, insert, select

from ledger.storage import schema
from ledger.storage.prepared import Prepared

_NAME = "left-over:"  # with the log's id, a cursor

_cursors = schema.cursors.c

_POS = Prepared(select(_cursors.pos).where(_cursors.name == bindparam("of_name")))


def note_left(conn: Connection, log_id: int, left: int) -> None:
    """Remember it; 0 when all was taken."""
    name = f"{_NAME}{log_id}"
    if _POS.scalar(conn, {"of_name": name}) == (left or None):
        return
    conn.execute(delete(schema.cursors).where(_cursors.name == name))
    if left:
        conn.execute(insert(schema.cursors), {"name": name, "pos": left})


def read_left(conn: Connection) -> dict[int, int]:
    """By the id of the log, those of which something is left."""
    query = select(_cursors.name, _cursors.pos).where(_cursors.name.startswith(_NAME))
    return {int(name.removeprefix(_NAME)): left for name, left in conn.execute(query)}
