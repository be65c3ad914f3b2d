"""Rows of our own officers: their sealed keys, their chat accounts, and which codes they have used."""

from typing import NamedTuple

from sqlalchemy import Connection, and_, bindparam, delete, insert, select, update

from ledger.storage.engine import forget, kept
from ledger.storage.prepared import Prepared
from ledger.storage.schema import logs, officer_accounts, officer_keys, signers, totp_used

_KEPT = "officer"  # with a handle

_k = officer_keys.c
_a = officer_accounts.c


class OfficerRow(NamedTuple):
    """An officer's key and second factor, as sealed, and how that key counts in our log."""

    handle: str
    kid: str
    citizen: str  # whose vault key seals their name
    sealed_key: bytes
    sealed_totp: bytes
    totp_wrong: int
    totp_locked_until: int
    roles: list[str]
    person: str
    from_index: int
    to_index: int | None


_COLUMNS = (
    _k.handle,
    _k.kid,
    _k.citizen,
    _k.sealed_key,
    _k.sealed_totp,
    _k.totp_wrong,
    _k.totp_locked_until,
    signers.c.roles,
    signers.c.person,
    signers.c.from_index,
    signers.c.to_index,
)
_OWN = and_(logs.c.id == signers.c.log_id, logs.c.own)
_JOINED = select(*_COLUMNS).join(signers, signers.c.kid == _k.kid).join(logs, _OWN)
_BY_HANDLE = Prepared(_JOINED.where(_k.handle == bindparam("of_handle")))
_BY_ACCOUNT = _JOINED.join(officer_accounts, _a.handle == _k.handle).where(_a.openid == bindparam("of_openid"))
# With a key that was replaced since, too: the rest of the row is the officer's of today.
_BY_KID = (
    select(*_COLUMNS)
    .join(signers, signers.c.handle == _k.handle)
    .join(logs, _OWN)
    .where(signers.c.kid == bindparam("of_kid"))
)
_ALL = _JOINED.order_by(signers.c.from_index)
_INSERT = insert(officer_keys)
_NEW_TOTP = (
    update(officer_keys)
    .where(_k.handle == bindparam("of_handle"))
    .values(sealed_totp=bindparam("new_totp"), totp_wrong=0, totp_locked_until=0)
)
_NEW_KEY = (
    update(officer_keys)
    .where(_k.handle == bindparam("of_handle"))
    .values(kid=bindparam("new_kid"), sealed_key=bindparam("new_key"))
)
_WRONG = (
    update(officer_keys)
    .where(_k.handle == bindparam("of_handle"))
    .values(totp_wrong=bindparam("wrong"), totp_locked_until=bindparam("locked_until"))
)
_ACCOUNT_OF = select(_a.openid).where(_a.handle == bindparam("of_handle"))
_DROP_ACCOUNT = delete(officer_accounts).where(_a.handle == bindparam("of_handle"))
_DROP_OPENID = delete(officer_accounts).where(_a.openid == bindparam("of_openid"))
_ADD_ACCOUNT = insert(officer_accounts)
_USED = Prepared(
    select(totp_used.c.once).where(
        totp_used.c.handle == bindparam("of_handle"), totp_used.c.step == bindparam("of_step")
    )
)
_USE = Prepared(insert(totp_used))
_FORGET = Prepared(
    delete(totp_used).where(totp_used.c.handle == bindparam("of_handle"), totp_used.c.step < bindparam("before"))
)


def by_handle(conn: Connection, handle: str) -> OfficerRow | None:
    """The officer of that handle, in force or not."""
    known: OfficerRow | None = kept(conn).get((_KEPT, handle))
    if known is None:
        row = _BY_HANDLE.first(conn, {"of_handle": handle})
        if row is None:
            return None
        known = kept(conn)[_KEPT, handle] = OfficerRow(*row)
    return known


def by_account(conn: Connection, openid: str) -> OfficerRow | None:
    """The officer whom a chat account belongs to, in force or not."""
    row = conn.execute(_BY_ACCOUNT, {"of_openid": openid}).first()
    return None if row is None else OfficerRow(*row)


def by_kid(conn: Connection, kid: str) -> OfficerRow | None:
    """The officer whose key has that thumbprint, or had it before a renewal."""
    row = conn.execute(_BY_KID, {"of_kid": kid}).first()
    return None if row is None else OfficerRow(*row)


def all_officers(conn: Connection) -> list[OfficerRow]:
    """Every officer that was ever enrolled here, in that order."""
    return [OfficerRow(*row) for row in conn.execute(_ALL)]


class NewKeys(NamedTuple):
    """What is kept of an officer just enrolled."""

    handle: str
    kid: str
    citizen: str
    sealed_key: bytes
    sealed_totp: bytes


def insert_keys(conn: Connection, keys: NewKeys) -> None:
    """Keep the keys of an officer just enrolled."""
    conn.execute(_INSERT, {**keys._asdict(), "totp_wrong": 0, "totp_locked_until": 0})


def replace_totp(conn: Connection, handle: str, sealed_totp: bytes) -> None:
    """The second factor is another one from now on."""
    forget(conn)
    conn.execute(_NEW_TOTP, {"of_handle": handle, "new_totp": sealed_totp})


def replace_key(conn: Connection, handle: str, kid: str, sealed_key: bytes) -> None:
    """The officer signs with another key from now on."""
    forget(conn)
    conn.execute(_NEW_KEY, {"of_handle": handle, "new_kid": kid, "new_key": sealed_key})


def note_wrong(conn: Connection, handle: str, wrong: int, locked_until: int) -> None:
    """Remember how many codes in a row were wrong, and until when none counts."""
    forget(conn)
    conn.execute(_WRONG, {"of_handle": handle, "wrong": wrong, "locked_until": locked_until})


def used_for(conn: Connection, handle: str, step: int) -> str | None:
    """What the code of this time step was used for, or None."""
    found: str | None = _USED.scalar(conn, {"of_handle": handle, "of_step": step})
    return found


def use(conn: Connection, handle: str, step: int, once: str, *, forget_before: int) -> None:
    """Spend the code of this time step; steps too old to be accepted need not be remembered."""
    _FORGET.run(conn, {"of_handle": handle, "before": forget_before})
    _USE.run(conn, {"handle": handle, "step": step, "once": once})


def account_of(conn: Connection, handle: str) -> str | None:
    """The chat account of an officer."""
    found: str | None = conn.execute(_ACCOUNT_OF, {"of_handle": handle}).scalar()
    return found


def give_account(conn: Connection, openid: str, handle: str, now: int) -> None:
    """This chat account, and no other, is the officer's from now on."""
    conn.execute(_DROP_ACCOUNT, {"of_handle": handle})
    conn.execute(_DROP_OPENID, {"of_openid": openid})
    conn.execute(_ADD_ACCOUNT, {"openid": openid, "handle": handle, "since": now})


def drop_account(conn: Connection, handle: str) -> None:
    """The officer has no chat account any more."""
    conn.execute(_DROP_ACCOUNT, {"of_handle": handle})


def drop_openid(conn: Connection, openid: str) -> bool:
    """This chat account is no officer's any more; False when it was none's."""
    return conn.execute(_DROP_OPENID, {"of_openid": openid}).rowcount > 0
