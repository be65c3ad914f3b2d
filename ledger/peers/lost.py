"""What came back from the mirrors, and what cannot: private values, and an officer's new second factor.

A mirror holds records and nothing private. So what belongs to these records must be entered again, and is named here.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection

from ledger.errors import MalformedRecord
from ledger.officers import totp_place
from ledger.peers.home import Home
from ledger.records import base64url
from ledger.records.kinds import BY_NAME
from ledger.records.statement import Record, parse_record, thumbprint
from ledger.second_factor import new_secret
from ledger.storage import cursors, entries, lookups, officers, schema
from ledger.storage.vault import Vault, held_names
from ledger.times import day_in_china

RECOVERED_FROM, RECOVERED_TO = "recovered-from", "recovered-to"  # cursors: indices of our own log
READ_AT_ONCE = 1_000
NUMBERS_LEFT_OUT = 100  # of a day: those of records that nobody holds any more are never given again
_NUMBERED = frozenset({"case-submitted", "award-proposed", "payment-created"})

_cursors = schema.cursors.c


@dataclass(frozen=True, slots=True)
class Missing:
    """A record that is back, and whose private part is not."""

    index: int
    record_id: str
    kind: str
    names: tuple[str, ...]  # what may have been private in it
    at: int


def note_recovered(connection: Connection, home: Home, start: int, some: Sequence[bytes]) -> None:
    """Remember that these entries came back; numbers that they bear are not given a second time."""
    records = [record for _index, record in _parsed(start, some)]
    days = Counter(f"{day_in_china(record.iat):%y%m%d}" for record in records if record.kind in _NUMBERED)
    for day, count in days.items():
        lookups.skip_sequences(connection, day, count + NUMBERS_LEFT_OUT)
    for record in records:
        if record.kind == "enrolment":
            _enrolled_since(connection, home, record)
        if record.kind == "renewal":
            _renewed_since(connection, home, record)
    begun, ended = cursors.read(connection, RECOVERED_FROM), cursors.read(connection, RECOVERED_TO)
    if begun is None or ended != start:
        begun = start
    cursors.keep(connection, {RECOVERED_FROM: begun, RECOVERED_TO: start + len(some)})


def _enrolled_since(connection: Connection, home: Home, record: Record) -> None:
    """This officer's key and name are lost: in force, and known by the handle alone until somebody revokes it."""
    vault, kid = Vault(home.keys.vault_key), _kid(record)
    keys = (_nobodys_key(vault, kid), _nobodys_totp(vault, record.sub))
    officers.insert_keys(connection, officers.NewKeys(record.sub, kid, vault.add_citizen(connection), *keys))


def _renewed_since(connection: Connection, home: Home, record: Record) -> None:
    """The telephone that this officer reported as lost must not count again, and the key that came then is lost.

    They are in force, and cannot sign in before `officers renew`.
    """
    vault = Vault(home.keys.vault_key)
    if "key" in record.clear:
        kid = _kid(record)
        officers.replace_key(connection, record.sub, kid, _nobodys_key(vault, kid))
    officers.replace_totp(connection, record.sub, _nobodys_totp(vault, record.sub))
    officers.drop_account(connection, record.sub)


def _kid(record: Record) -> str:
    return thumbprint(base64url.decode(record.clear["key"]["x"]))


def _nobodys_key(vault: Vault, kid: str) -> bytes:
    return vault.box(Ed25519PrivateKey.generate().private_bytes_raw(), kid.encode())


def _nobodys_totp(vault: Vault, handle: str) -> bytes:
    return vault.box(new_secret().encode(), totp_place(handle))


@dataclass(frozen=True, slots=True)
class LostOfficer:
    """An officer in force whose key came back from no backup."""

    handle: str
    roles: tuple[str, ...]
    index: int  # of the enrolment, or of the renewal of the key


def officers_without_keys(connection: Connection, log_id: int) -> list[LostOfficer]:
    """Who was enrolled by a record that came back from a mirror: revoked and enrolled again, they can work."""
    enrolled = {record.sub for _index, record in _recovered(connection, log_id) if record.kind == "enrolment"}
    ended = cursors.read(connection, RECOVERED_TO) or 0
    return [
        LostOfficer(row.handle, tuple(row.roles), row.from_index)
        for row in officers.all_officers(connection)
        if row.to_index is None and row.handle in enrolled and row.from_index <= ended  # not renewed since
    ]


def what_is_missing(connection: Connection, log_id: int) -> list[Missing]:
    """What must be entered again, in the order of the log."""
    return [
        Missing(index, record.record_id, record.kind, BY_NAME[record.kind].private, record.iat)
        for index, record in _recovered(connection, log_id)
        if record.kind in BY_NAME and BY_NAME[record.kind].private and not held_names(connection, log_id, index)
    ]


def _recovered(connection: Connection, log_id: int) -> Iterator[tuple[int, Record]]:
    """Every record that came back, a few at a time: it may have been the whole log."""
    begun, ended = cursors.read(connection, RECOVERED_FROM), cursors.read(connection, RECOVERED_TO)
    if begun is not None and ended is not None:
        for start in range(begun, ended, READ_AT_ONCE):
            yield from _parsed(start, entries.read_entries(connection, log_id, start, min(start + READ_AT_ONCE, ended)))


def _parsed(start: int, some: Sequence[bytes]) -> Iterator[tuple[int, Record]]:
    for index, entry in enumerate(some, start):
        try:
            yield index, parse_record(entry)
        except MalformedRecord:
            continue
