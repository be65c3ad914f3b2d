"""Rows of invitations: which code lets somebody ask to join until when, and who did."""

from typing import NamedTuple

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from ledger.storage.schema import invitations

_i = invitations.c


class InvitationRow(NamedTuple):
    """A code that was given out."""

    code_key: bytes
    expires: int
    refused: bool
    origin: str | None
    asked: str | None
    asked_at: int | None


_ROW = select(_i.code_key, _i.expires, _i.refused, _i.origin, _i.asked, _i.asked_at)
_OF_KEY = _i.code_key == bindparam("of_key")
_ASK = (
    update(invitations)
    .where(_OF_KEY, _i.origin.is_(None), ~_i.refused)
    .values(origin=bindparam("by"), asked=bindparam("how"), asked_at=bindparam("at"))
)


def insert_invitation(conn: Connection, code_key: bytes, expires: int) -> None:
    """Remember a code that is given out."""
    conn.execute(insert(invitations), {"code_key": code_key, "expires": expires, "refused": False})


def read_invitation(conn: Connection, code_key: bytes) -> InvitationRow | None:
    """The code of that public key."""
    row = conn.execute(_ROW.where(_OF_KEY), {"of_key": code_key}).first()
    return None if row is None else InvitationRow(*row)


def read_asked(conn: Connection, since: int) -> list[InvitationRow]:
    """Every code that ended later, by which somebody asked and was not sent away; the oldest question first."""
    asked = _ROW.where(_i.origin.is_not(None), ~_i.refused, _i.expires > bindparam("since"))
    rows = conn.execute(asked.order_by(_i.asked_at, _i.origin), {"since": since})
    return [InvitationRow(*row) for row in rows]


def take_question(conn: Connection, code_key: bytes, origin: str, asked: str, now: int) -> None:
    """Let a code be of whoever asks by it first."""
    conn.execute(_ASK, {"of_key": code_key, "by": origin, "how": asked, "at": now})


def refuse_invitation(conn: Connection, code_key: bytes) -> None:
    """Let nobody join by a code."""
    conn.execute(update(invitations).where(_OF_KEY).values(refused=True), {"of_key": code_key})


def forget_invitations(conn: Connection, before: int) -> None:
    """Forget codes that ended long ago."""
    conn.execute(delete(invitations).where(_i.expires < bindparam("before")), {"before": before})


def forget_asker(conn: Connection, origin: str) -> None:
    """Let the codes by which a department asked be worth nothing: it is a member no more."""
    conn.execute(delete(invitations).where(_i.origin == bindparam("of_origin")), {"of_origin": origin})
