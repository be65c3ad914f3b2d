"""Rows of one-time pages: which link lets its holder fill in which form, as which officer, and until when."""

from typing import NamedTuple

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from ledger.storage.schema import once, tickets

_t = tickets.c


class TicketRow(NamedTuple):
    """A link that was given out."""

    mac: bytes
    officer: str
    purpose: str
    about: str
    expires: int
    slip: bytes | None


class UsedRow(NamedTuple):
    """What came of a deed, and when."""

    result: dict[str, str]
    at: int


_INSERT = insert(tickets)
_READ = select(_t.mac, _t.officer, _t.purpose, _t.about, _t.expires, _t.slip).where(_t.mac == bindparam("of_mac"))
_USED = select(once.c.result, once.c.at).where(once.c.key == bindparam("of_key"))
_KEEP_SLIP = update(tickets).where(_t.mac == bindparam("of_mac")).values(slip=bindparam("sealed"))
_PRUNE = delete(tickets).where(_t.expires < bindparam("before"))


def insert_ticket(conn: Connection, row: TicketRow) -> None:
    """Remember a link that is given out."""
    conn.execute(_INSERT, row._asdict())


def read_ticket(conn: Connection, mac: bytes) -> TicketRow | None:
    """The link whose token has that keyed hash."""
    row = conn.execute(_READ, {"of_mac": mac}).first()
    return None if row is None else TicketRow(*row)


def read_used(conn: Connection, key: str) -> UsedRow | None:
    """What came of the deed of that name, or None while it was not done."""
    row = conn.execute(_USED, {"of_key": key}).first()
    return None if row is None else UsedRow(*row)


def keep_slip(conn: Connection, mac: bytes, sealed: bytes) -> None:
    """Keep what stands on a slip beside the case, so that each print of it is the same."""
    conn.execute(_KEEP_SLIP, {"of_mac": mac, "sealed": sealed})


def forget_tickets(conn: Connection, before: int) -> None:
    """Forget links that ended long ago."""
    conn.execute(_PRUNE, {"before": before})
