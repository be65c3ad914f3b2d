"""One-time pages: a link lets its holder fill in one form, once, as the officer who asked for it; or only look.

Only a keyed hash of the token is kept. Whether a ticket was used stands nowhere but in the desk's own `once`, so deed
and use are one commit, and two workers that get the same form at once do it once.
"""

import secrets
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection

from ledger.keys import Keys
from ledger.storage import officers
from ledger.storage import tickets as rows
from ledger.storage.lookups import Lookups
from ledger.storage.tickets import TicketRow
from ledger.storage.vault import Vault

TOKEN_BYTES = 24  # 192 bits
OPEN_SECONDS = 30 * 60
SHOWN_SECONDS = 15 * 60  # so long what came of it is shown again to whoever holds the link
KEPT_SECONDS = 24 * 3600


class Purpose(StrEnum):
    """What is filled in."""

    CASE = "case"  # an application: about a matter
    ACCOUNT = "account"  # another account: about an award
    DOCTOR = "doctor"  # nothing: a look at how this node is


@dataclass(frozen=True, slots=True)
class Link:
    """A ticket just given out; the token is nowhere else."""

    token: str
    expires: int


@dataclass(frozen=True, slots=True)
class Ticket:
    """What the holder of a link may do now."""

    mac: bytes
    officer: str  # handle: who signs what comes of it
    purpose: Purpose
    about: str
    expires: int
    became: str | None = None  # handle of what came of it
    record_id: str | None = None  # the record that says so
    slip: str | None = None  # what stands on the slip beside the case, once it was made

    @property
    def once(self) -> str:
        """The name of the one deed that it is for."""
        return _once(self.mac)


def give(conn: Connection, lookup_key: bytes, officer: str, purpose: Purpose, about: str, now: int) -> Link:
    """Make a link for an officer."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    rows.forget_tickets(conn, now - KEPT_SECONDS)
    row = TicketRow(_mac(lookup_key, token), officer, purpose, about, now + OPEN_SECONDS, None)
    rows.insert_ticket(conn, row)
    return Link(token, row.expires)


def read(conn: Connection, keys: Keys, token: str, now: int) -> Ticket | None:
    """The ticket behind a token; None when it is unknown or over, or when its officer is not in force any more."""
    row = rows.read_ticket(conn, _mac(keys.lookup_key, token))
    officer = None if row is None else officers.by_handle(conn, row.officer)
    if row is None or officer is None or officer.to_index is not None:
        return None
    used = rows.read_used(conn, _once(row.mac))
    ends = row.expires if used is None else used.at + SHOWN_SECONDS
    if now >= ends:
        return None
    slip = None if row.slip is None else Vault(keys.vault_key).unbox(row.slip, row.mac).decode()
    became, record_id = (None, None) if used is None else (used.result["sub"], used.result["record_id"])
    return Ticket(row.mac, row.officer, Purpose(row.purpose), row.about, row.expires, became, record_id, slip)


def keep_slip(conn: Connection, keys: Keys, ticket: Ticket, says: str) -> None:
    """Keep what stands on the slip beside the case, sealed: whoever scans its QR code sees the case."""
    rows.keep_slip(conn, ticket.mac, Vault(keys.vault_key).box(says.encode(), ticket.mac))


def _mac(lookup_key: bytes, token: str) -> bytes:
    return Lookups(lookup_key).mac("ticket", token)


def _once(mac: bytes) -> str:
    return f"ticket:{mac.hex()}"
