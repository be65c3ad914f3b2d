"""How many entries of each mirrored log the last round has left to the next, because one peer's share was used up."""

from sqlalchemy import Connection

from ledger.storage import cursors

_NAME = "left-over:"  # with the log's id, a cursor


def note_left(conn: Connection, log_id: int, left: int) -> None:
    """Remember it; 0 when all was taken."""
    name = f"{_NAME}{log_id}"
    known = cursors.read(conn, name)
    if left and left != known:
        cursors.keep(conn, {name: left})
    elif not left and known is not None:
        cursors.forget(conn, name)


def read_left(conn: Connection) -> dict[int, int]:
    """By the id of the log, those of which something is left."""
    return {int(name.removeprefix(_NAME)): left for name, left in cursors.read_beginning(conn, _NAME).items()}
