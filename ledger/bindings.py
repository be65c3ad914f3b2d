"""Ties chat accounts to people by codes that work once, and slows down whoever guesses.

Counting goes by sender and by the number typed, whether or not it exists: what is refused tells nothing.
"""

import logging
import secrets
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, or_

from ledger.errors import Refused
from ledger.storage import lookups as rows
from ledger.storage import officers as staff
from ledger.storage.lookups import CodeRow, Lookups
from ledger.storage.schema import binding_codes, tries

WRONG_TRIES_MAX = 5  # an hour, by sender: of query codes, and of binding codes
TRY_WINDOW_SECONDS = 3600
SLOW_AFTER = 10  # wrong tries at one number, by whomever
SLOW_SECONDS_MAX = 2.0  # WeChat waits five
SLOW_SECONDS_EACH = 0.1
NODE_WRONG_MAX = 300  # wrong query codes an hour at the whole node: an alarm, and nobody is held back by it

MINUTES_MAX_SECONDS = 15 * 60  # so long a code of 8 digits may live
SHORT_DIGITS = 8
LONG_CHARACTERS = 13  # of 5 bits each: 65
KEPT_SECONDS = 24 * 3600  # after its end, so that a late repeat finds what was done
REPEAT_SECONDS = 10 * 60  # longer than WeChat repeats a delivery
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CODES_KEPT_SECONDS = 24 * 3600  # after their end: a repeat of the delivery that used one still finds it

_FORGET_TRIES = delete(tries).where(or_(tries.c.window <= bindparam("since"), tries.c.window > bindparam("now")))
_FORGET_CODES = delete(binding_codes).where(binding_codes.c.expires < bindparam("before"))
_READ_ALIKE = str.maketrans({"O": "0", "I": "1", "L": "1", "-": "", " ": ""})

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Bound:
    """Whom a chat account now belongs to."""

    citizen: str | None
    officer: str | None  # handle
    level: int
    told: tuple[str, ...]  # the accounts that this person had before: they are to be told


@dataclass(frozen=True, slots=True)
class Unbound:
    """What a chat account was untied from."""

    citizens: int
    officer: bool


@dataclass(frozen=True, slots=True)
class Allowance:
    """Whether a code may be tried; true when it may."""

    allowed: bool
    slow_seconds: float = 0.0  # wait so long before the answer: a number is only slowed, never locked

    def __bool__(self) -> bool:
        return self.allowed


def give_code(
    conn: Connection,
    lookup_key: bytes,
    *,
    citizen: str | None = None,
    officer: str | None = None,
    level: int,
    now: int,
    ttl_seconds: int,
) -> str:
    """Make a code that binds one account once: 8 digits if it lives minutes, else 13 characters."""
    rows.forget_codes(conn, now - KEPT_SECONDS)
    code = _draw(short=ttl_seconds <= MINUTES_MAX_SECONDS)
    while rows.read_code(conn, _mac(lookup_key, code)) is not None:  # somebody has it, or had it yesterday
        code = _draw(short=ttl_seconds <= MINUTES_MAX_SECONDS)
    row = CodeRow(citizen, officer, level, now + ttl_seconds, None)
    rows.give_code(conn, _mac(lookup_key, code), row)
    return code


def _draw(*, short: bool) -> str:
    if short:
        return f"{secrets.randbelow(10**SHORT_DIGITS):0{SHORT_DIGITS}d}"
    return "".join(secrets.choice(CROCKFORD) for _ in range(LONG_CHARACTERS))


def _mac(lookup_key: bytes, code: str) -> bytes:
    return Lookups(lookup_key).mac("binding-code", code.upper().translate(_READ_ALIKE))


def bind(conn: Connection, lookup_key: bytes, openid: str, code: str, now: int) -> Bound | Refused:
    """Tie an account to whom the code was given for. A refusal is returned: the try stays counted."""
    tries = Lookups(lookup_key).mac("binding-tries", openid)
    since = now - TRY_WINDOW_SECONDS
    if rows.count_of(conn, tries, since=since) >= WRONG_TRIES_MAX:
        return Refused("wait-an-hour")
    mac = _mac(lookup_key, code)
    given = rows.read_code(conn, mac)
    if given is None or now >= given.expires or not _use(conn, mac, given, openid):
        # Wrong, run out, or another's: one answer for all.
        rows.count_one_more(conn, tries, now=now, since=since)
        return Refused("binding-code-wrong")
    if given.officer is not None:
        return _bind_officer(conn, openid, given, now)
    assert given.citizen is not None  # a code is for one or the other
    return _bind_citizen(conn, openid, given, given.citizen, now)


def _use(conn: Connection, mac: bytes, given: CodeRow, openid: str) -> bool:
    if given.used_by != openid:
        return rows.use_code(conn, mac, openid)
    # The same account again is the same delivery again, unless it was untied since: then the code is worth no more.
    if given.officer is not None:
        return staff.account_of(conn, given.officer) == openid
    return given.citizen is not None and openid in rows.read_accounts(conn, given.citizen)


def _bind_citizen(conn: Connection, openid: str, given: CodeRow, citizen: str, now: int) -> Bound:
    since = _bound_since(conn, openid, citizen, given.level)
    if since is None and given.used_by is None:
        rows.bind(conn, openid, citizen, given.level, now)
    # Whoever was bound long ago scans again: nobody need be told, and who could speak about money today still can.
    is_new = since is None or now - since < REPEAT_SECONDS
    others = tuple(each for each in rows.read_accounts(conn, citizen) if each != openid)
    return Bound(citizen, None, given.level, others if is_new else ())


def _bound_since(conn: Connection, openid: str, citizen: str, level: int) -> int | None:
    found = (since for whom, bound, since in rows.read_bound(conn, openid) if whom == citizen and bound >= level)
    return next(found, None)


def _bind_officer(conn: Connection, openid: str, given: CodeRow, now: int) -> Bound:
    assert given.officer is not None
    before = staff.account_of(conn, given.officer)
    if given.used_by is None:
        staff.give_account(conn, openid, given.officer, now)
    return Bound(None, given.officer, given.level, () if before in (None, openid) else (before,))


def unbind(conn: Connection, openid: str) -> Unbound:
    """Untie an account from everybody."""
    return Unbound(rows.unbind(conn, openid), staff.drop_openid(conn, openid))


def allow_try(conn: Connection, lookup_key: bytes, sender: str, number: str, now: int) -> Allowance:
    """Whether this sender may try a query code, and how slowly tries at this number are answered."""
    by_sender, by_number = _counted(lookup_key, sender, number)
    since = now - TRY_WINDOW_SECONDS
    wrong, at_number = (rows.count_of(conn, key, since=since) for key in (by_sender, by_number))
    slow = max(0, at_number - SLOW_AFTER) * SLOW_SECONDS_EACH
    return Allowance(wrong < WRONG_TRIES_MAX, min(slow, SLOW_SECONDS_MAX))


def note_wrong(conn: Connection, lookup_key: bytes, sender: str, number: str, now: int) -> None:
    """Count a wrong query code."""
    since = now - TRY_WINDOW_SECONDS
    for key in _counted(lookup_key, sender, number):
        rows.count_one_more(conn, key, now=now, since=since)
    if rows.count_one_more(conn, _anybody(lookup_key), now=now, since=since) == NODE_WRONG_MAX:
        _log.error("%d wrong query codes within an hour: somebody may be guessing", NODE_WRONG_MAX)


def wrong_at_node(conn: Connection, lookup_key: bytes, now: int) -> int:
    """How many wrong query codes were counted within the hour, whoever typed them."""
    return rows.count_of(conn, _anybody(lookup_key), since=now - TRY_WINDOW_SECONDS)


def forget(conn: Connection, now: int) -> None:
    """Forget tries whose hour is over, and codes that bind nobody any more: who tried what is not kept for ever."""
    # A window that begins in the future comes from a clock that has been put right since.
    conn.execute(_FORGET_TRIES, {"since": now - TRY_WINDOW_SECONDS, "now": now})
    conn.execute(_FORGET_CODES, {"before": now - CODES_KEPT_SECONDS})


def _counted(lookup_key: bytes, sender: str, number: str) -> tuple[bytes, bytes]:
    lookups = Lookups(lookup_key)
    return lookups.mac("query-tries-of", sender), lookups.mac("query-tries-at", number)


def _anybody(lookup_key: bytes) -> bytes:
    return Lookups(lookup_key).mac("query-tries", "")
