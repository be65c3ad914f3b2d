"""Keeps what is private: each disclosure sealed under its citizen's own key, which can be destroyed.

A citizen's key lies wrapped under the node's vault key. Whoever has the database alone can read nothing, and when the
wrapped key is gone nobody can.
"""

import base64
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, bindparam, insert, select

from ledger.errors import LedgerError
from ledger.storage.prepared import Prepared
from ledger.storage.schema import citizens, vault

KEY_BYTES = 32
NONCE_BYTES = 12


class Unsealable(LedgerError):
    """Sealed under another key, or altered: nothing can be read."""


def seal(key: AESGCM, plain: bytes, bound_to: bytes) -> bytes:
    """Seal bytes so that they open only with this key and at this place."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + key.encrypt(nonce, plain, bound_to)


def unseal(key: AESGCM, sealed: bytes, bound_to: bytes) -> bytes:
    """Open what `seal` made; raises Unsealable."""
    try:
        return key.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound_to)
    except (InvalidTag, ValueError) as error:
        raise Unsealable("a value of the vault does not open") from error


def place(leaf: bytes, name: str) -> bytes:
    """What a disclosure is bound to: nobody can put one person's value in another's place."""
    return leaf + name.encode()


class VaultRow(NamedTuple):
    """A sealed disclosure, and the wrapped key that opens it."""

    log_id: int
    handle: str
    idx: int
    leaf: bytes
    name: str
    citizen: str
    sealed: bytes
    wrapped_key: bytes


_v = vault.c
_ROWS = Prepared(
    select(_v.log_id, _v.handle, _v.idx, _v.leaf, _v.name, _v.citizen, _v.sealed, citizens.c.wrapped_key)
    .join(citizens, citizens.c.id == _v.citizen)
    .where(_v.handle.in_(bindparam("handles", expanding=True)))
    .order_by(_v.idx)
)
_NAMES = select(_v.name).where(_v.log_id == bindparam("log_id"), _v.idx == bindparam("idx"))
_INSERT = Prepared(insert(vault))
_INSERT_CITIZEN = Prepared(insert(citizens))
_WRAPPED = Prepared(select(citizens.c.wrapped_key).where(citizens.c.id == bindparam("citizen")))


def read_rows(conn: Connection, handles: Sequence[str]) -> list[VaultRow]:
    """Every disclosure about these objects, the newest last."""
    return [VaultRow(*row) for row in _ROWS.rows(conn, {"handles": list(handles)})]


def held_names(conn: Connection, log_id: int, idx: int) -> frozenset[str]:
    """The names of a record's disclosures that we hold."""
    return frozenset(conn.execute(_NAMES, {"log_id": log_id, "idx": idx}).scalars())


class Vault:
    """Opens and seals; remembers the keys it unwrapped, so it lives no longer than one reading or one act."""

    def __init__(self, vault_key: bytes) -> None:
        self._key = vault_key
        self._citizens: dict[str, AESGCM] = {}

    @cached_property
    def _node(self) -> AESGCM:
        """Made when something is opened: most answers have what they tell from the memory."""
        return AESGCM(self._key)

    def add_citizen(self, conn: Connection) -> str:
        """Make a key for one more citizen, and the random name that we know them by."""
        citizen = base64.urlsafe_b64encode(secrets.token_bytes(16)).rstrip(b"=").decode()
        key = secrets.token_bytes(KEY_BYTES)
        _INSERT_CITIZEN.run(conn, {"id": citizen, "wrapped_key": seal(self._node, key, citizen.encode())})
        self._citizens[citizen] = AESGCM(key)
        return citizen

    def put(self, conn: Connection, place_of: "Placed", disclosures: Mapping[str, str]) -> None:
        """Keep the disclosures of one record under its citizen's key."""
        key = self._key_of(conn, place_of.citizen)
        fixed = place_of._asdict()
        rows = [
            {**fixed, "name": name, "sealed": seal(key, text.encode(), place(place_of.leaf, name))}
            for name, text in disclosures.items()
        ]
        if rows:
            _INSERT.run(conn, *rows)

    def disclosure(self, row: VaultRow) -> str:
        """The disclosure as it was made (RFC 9901); raises Unsealable."""
        return unseal(self._unwrapped(row.citizen, row.wrapped_key), row.sealed, place(row.leaf, row.name)).decode()

    def value(self, row: VaultRow) -> Any:
        """The value that the disclosure holds; raises Unsealable."""
        text = self.disclosure(row)  # sealed by us: it was parsed strictly before it was put here
        return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))[2]

    def box(self, plain: bytes, bound_to: bytes) -> bytes:
        """Seal something of the node's own under its vault key."""
        return seal(self._node, plain, bound_to)

    def unbox(self, sealed: bytes, bound_to: bytes) -> bytes:
        """Open what `box` made; raises Unsealable."""
        return unseal(self._node, sealed, bound_to)

    def _key_of(self, conn: Connection, citizen: str) -> AESGCM:
        if citizen not in self._citizens:
            wrapped: bytes | None = _WRAPPED.scalar(conn, {"citizen": citizen})
            if wrapped is None:
                raise Unsealable("this citizen's key has been destroyed")
            return self._unwrapped(citizen, wrapped)
        return self._citizens[citizen]

    def _unwrapped(self, citizen: str, wrapped: bytes) -> AESGCM:
        if citizen not in self._citizens:
            self._citizens[citizen] = AESGCM(unseal(self._node, wrapped, citizen.encode()))
        return self._citizens[citizen]


class Placed(NamedTuple):
    """Where disclosures belong: whose they are, and which record hides them."""

    citizen: str
    log_id: int
    handle: str
    idx: int
    leaf: bytes


def newest(rows: Iterable[VaultRow], log_id: int, handle: str, name: str) -> VaultRow | None:
    """The newest disclosure of that name about an object, of rows in the order of `read_rows`."""
    found = None
    for row in rows:
        if row.handle == handle and row.name == name and row.log_id == log_id:
            found = row
    return found
