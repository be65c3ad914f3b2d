"""Finds what a typed number, code or chat account stands for, without keeping the number or the code itself.

Numbers, ID numbers, query codes and binding codes lie here as HMAC-SHA-256 under a key of the node: whoever steals the
database can try none of them out.
"""

import hmac
from hashlib import sha256
from typing import NamedTuple

from sqlalchemy import Connection, and_, bindparam, delete, insert, select, update

from ledger.storage.facts import Key
from ledger.storage.prepared import Prepared
from ledger.storage.schema import binding_codes, bindings, id_numbers, numbers, objects, once, sequences, tries

_n = numbers.c


class FoundRow(NamedTuple):
    """What a number stands for."""

    log_id: int
    handle: str
    topic: str
    citizen: str
    code_mac: bytes | None


_FIND = (
    select(_n.log_id, _n.handle, objects.c.topic, _n.citizen, _n.code_mac)
    .join(objects, and_(objects.c.log_id == _n.log_id, objects.c.handle == _n.handle))
    .where(_n.mac == bindparam("of_mac"))
)
_OWNER = Prepared(select(_n.citizen).where(_n.log_id == bindparam("log_id"), _n.handle == bindparam("handle")))
_CODE = Prepared(select(_n.code_mac).where(_n.log_id == bindparam("log_id"), _n.handle == bindparam("handle")))
_REGISTER = Prepared(insert(numbers))
_PERSON = Prepared(select(id_numbers.c.citizen).where(id_numbers.c.mac == bindparam("of_mac")))
_KNOW = Prepared(insert(id_numbers))


class Lookups:
    """Turns what people type into what the tables hold."""

    def __init__(self, lookup_key: bytes) -> None:
        self._key = lookup_key

    def mac(self, domain: str, text: str) -> bytes:
        """The keyed hash of a text in one domain: the same text elsewhere has another."""
        return hmac.digest(self._key, f"{domain}\0{text}".encode(errors="surrogatepass"), sha256)

    def code_mac(self, query_code: str) -> bytes:
        """What stands for a query code."""
        return self.mac("query-code", query_code)

    def register(self, conn: Connection, number: str, key: Key, citizen: str, code_mac: bytes | None) -> None:
        """From now on this number is answered, and belongs to this citizen."""
        row = {"log_id": key[0], "handle": key[1], "citizen": citizen, "code_mac": code_mac}
        _REGISTER.run(conn, {"mac": self.mac("number", number), **row})

    def find(self, conn: Connection, number: str) -> FoundRow | None:
        """What this number stands for; the same work whether it exists or not."""
        row = conn.execute(_FIND, {"of_mac": self.mac("number", number)}).first()
        return None if row is None else FoundRow(*row)

    def person(self, conn: Connection, id_number: str) -> str | None:
        """The citizen whose ID number this is, if a case here named it before."""
        found: str | None = _PERSON.scalar(conn, {"of_mac": self._id_mac(id_number)})
        return found

    def know(self, conn: Connection, id_number: str, citizen: str) -> None:
        """From now on cases with this ID number belong to this citizen; the first one told is what holds."""
        if self.person(conn, id_number) is None:
            _KNOW.run(conn, {"mac": self._id_mac(id_number), "citizen": citizen})

    def _id_mac(self, id_number: str) -> bytes:
        return self.mac("id-number", id_number.strip().upper())


def read_owner(conn: Connection, key: Key) -> str | None:
    """The citizen whom an object belongs to."""
    found: str | None = _OWNER.scalar(conn, {"log_id": key[0], "handle": key[1]})
    return found


def read_code_mac(conn: Connection, key: Key) -> bytes | None:
    """What stands for the query code of an object."""
    found: bytes | None = _CODE.scalar(conn, {"log_id": key[0], "handle": key[1]})
    return found


# --- the next number of a day ---

_NEXT = update(sequences).where(sequences.c.day == bindparam("of_day")).values(next=sequences.c.next + 1)
_TAKE = Prepared(_NEXT.returning(sequences.c.next))
_FIRST = Prepared(insert(sequences))


def next_sequence(conn: Connection, day: str) -> int:
    """The next sequence, from 1, of a day written yymmdd."""
    after: int | None = _TAKE.scalar(conn, {"of_day": day})
    if after is None:
        _FIRST.run(conn, {"day": day, "next": 2})
        return 1
    return after - 1


_SKIP = (
    update(sequences).where(sequences.c.day == bindparam("of_day")).values(next=sequences.c.next + bindparam("count"))
)


def skip_sequences(conn: Connection, day: str, count: int) -> None:
    """Never give the next so many sequences of a day: what bore them is not here any more."""
    if conn.execute(_SKIP, {"of_day": day, "count": count}).rowcount == 0:
        _FIRST.run(conn, {"day": day, "next": 1 + count})


# --- doing a thing once ---

_ONCE = Prepared(select(once.c.result).where(once.c.key == bindparam("of_key")))
_ONCE_BEGINNING = select(once.c.key).where(once.c.key.startswith(bindparam("beginning"), autoescape=False))
_REMEMBER = Prepared(insert(once))


def read_once(conn: Connection, key: str) -> dict[str, str] | None:
    """What came of it the first time, or None."""
    found: dict[str, str] | None = _ONCE.scalar(conn, {"of_key": key})
    return found


def read_once_beginning(conn: Connection, beginning: str) -> frozenset[str]:
    """Every key that begins so; in `beginning` no character stands for others (no %, no _)."""
    return frozenset(conn.execute(_ONCE_BEGINNING, {"beginning": beginning}).scalars())


def remember_once(conn: Connection, key: str, result: dict[str, str | int], at: int) -> None:
    """Keep what came of it, for whoever asks again."""
    _REMEMBER.run(conn, {"key": key, "result": result, "at": at})


# --- wrong tries ---

_TRIES = select(tries.c.window, tries.c.count).where(tries.c.key == bindparam("of_key"))
_FIRST_TRY = insert(tries)
_ONE_MORE = (
    update(tries)
    .where(tries.c.key == bindparam("of_key"))
    .values(window=bindparam("new_window"), count=bindparam("new_count"))
)


def count_of(conn: Connection, key: bytes, *, since: int) -> int:
    """How many wrong tries were counted under a key in the window that is open."""
    row = conn.execute(_TRIES, {"of_key": key}).first()
    return 0 if row is None or row[0] <= since else int(row[1])


def count_one_more(conn: Connection, key: bytes, *, now: int, since: int) -> int:
    """Count a wrong try; a window begins with its first one, and is forgotten when it began before `since`."""
    row = conn.execute(_TRIES, {"of_key": key}).first()
    if row is None:
        conn.execute(_FIRST_TRY, {"key": key, "window": now, "count": 1})
        return 1
    window, count = (now, 1) if row[0] <= since else (row[0], row[1] + 1)
    conn.execute(_ONE_MORE, {"of_key": key, "new_window": window, "new_count": count})
    return int(count)


# --- who is bound ---


class CodeRow(NamedTuple):
    """A binding code that was given out."""

    citizen: str | None
    officer: str | None
    level: int
    expires: int
    used_by: str | None


_b = bindings.c
_c = binding_codes.c
_BOUND = Prepared(
    select(_b.citizen, _b.level, _b.since).where(_b.openid == bindparam("of_openid")).order_by(_b.since, _b.citizen)
)
_ACCOUNTS = select(_b.openid).where(_b.citizen == bindparam("of_citizen")).order_by(_b.since, _b.openid)
_BIND = insert(bindings)
_REBIND = (
    update(bindings)
    .where(_b.openid == bindparam("of_openid"), _b.citizen == bindparam("of_citizen"))
    .values(level=bindparam("new_level"), since=bindparam("new_since"))
)
_UNBIND = delete(bindings).where(_b.openid == bindparam("of_openid"))
_GIVE_CODE = insert(binding_codes)
_CODE_ROW = select(_c.citizen, _c.officer, _c.level, _c.expires, _c.used_by).where(_c.mac == bindparam("of_mac"))
_USE_CODE = (
    update(binding_codes).where(_c.mac == bindparam("of_mac"), _c.used_by.is_(None)).values(used_by=bindparam("by"))
)
_FORGET_CODES = delete(binding_codes).where(_c.expires < bindparam("before"))
_VOID_CODES = delete(binding_codes).where(_c.officer == bindparam("of_officer"))


def read_bound(conn: Connection, openid: str) -> list[tuple[str, int, int]]:
    """(citizen, level, since) of each citizen whom an account is bound to, the oldest binding first."""
    return [(row[0], row[1], row[2]) for row in _BOUND.rows(conn, {"of_openid": openid})]


def read_accounts(conn: Connection, citizen: str) -> list[str]:
    """The accounts bound to a citizen, the oldest binding first."""
    return list(conn.execute(_ACCOUNTS, {"of_citizen": citizen}).scalars())


def bind(conn: Connection, openid: str, citizen: str, level: int, now: int) -> None:
    """Tie an account to a citizen, from now on."""
    given = {"of_openid": openid, "of_citizen": citizen, "new_level": level, "new_since": now}
    if conn.execute(_REBIND, given).rowcount == 0:
        conn.execute(_BIND, {"openid": openid, "citizen": citizen, "level": level, "since": now})


def unbind(conn: Connection, openid: str) -> int:
    """Untie an account from every citizen; returns from how many."""
    return conn.execute(_UNBIND, {"of_openid": openid}).rowcount


def give_code(conn: Connection, mac: bytes, code: CodeRow) -> None:
    """Remember a binding code that was given out."""
    conn.execute(_GIVE_CODE, {"mac": mac, **code._asdict()})


def forget_codes(conn: Connection, before: int) -> None:
    """Forget binding codes that ended long ago: of 8 digits there are not so many."""
    conn.execute(_FORGET_CODES, {"before": before})


def read_code(conn: Connection, mac: bytes) -> CodeRow | None:
    """The binding code of that keyed hash."""
    row = conn.execute(_CODE_ROW, {"of_mac": mac}).first()
    return None if row is None else CodeRow(*row)


def use_code(conn: Connection, mac: bytes, openid: str) -> bool:
    """Use a binding code; of two who try at once one gets False."""
    return conn.execute(_USE_CODE, {"of_mac": mac, "by": openid}).rowcount == 1


def void_codes_of(conn: Connection, officer: str) -> None:
    """What codes an officer was given, used or not, are worth nothing any more."""
    conn.execute(_VOID_CODES, {"of_officer": officer})
