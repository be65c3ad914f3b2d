"""Records that a key takes the place of another, and moves with it, in the same transaction, whatever it has sealed."""

import logging
from collections.abc import Sequence
from typing import NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, Table, bindparam, select, update

from ledger.folding import DESK_PERSON
from ledger.keys import NodeKeys, NoteKey
from ledger.officers import totp_place
from ledger.records import base64url
from ledger.records.jsonstrict import Json
from ledger.records.rotation import DESK_ROLE, VAULT, rotation_message
from ledger.records.statement import Statement, public_jwk
from ledger.scribe import Objects, Pen, Scribe, Submitted
from ledger.storage import schema
from ledger.storage.signers import read_signer
from ledger.storage.vault import Unsealable, seal, unseal

REWRAPPED_AT_ONCE = 1_000

_log = logging.getLogger(__name__)


def record_rotation(conn: Connection, scribe: Scribe, old: NodeKeys, new: NodeKeys, role: str) -> Submitted:
    """Enter the record, signed by the old desk key, that puts the new keys of one role in force.

    Raises IllegalStep. For the vault's key everything that it wraps is wrapped anew.
    """
    department = read_signer(conn, scribe.log.id, old.desk_kid)
    assert department is not None  # the node was opened with keys that its log knows
    objects = Objects(conn, scribe.log.id)
    folded = objects(department.handle)
    assert folded is not None
    clear: dict[str, Json] = {"role": role, **_claims(old, new, role, folded.chain)}
    draft = scribe.draft(objects, Statement("rotation", department.handle, clear), old.desk_kid)
    done = scribe.enter(conn, objects, draft, Pen(old.desk_kid, DESK_PERSON, old.desk.sign), citizen=None)
    if role == VAULT:
        rewrap(conn, old.vault_key, new.vault_key)
    return done


def _claims(old: NodeKeys, new: NodeKeys, role: str, prev: str) -> dict[str, Json]:
    keys = list(new.role_keys(role))
    if role == VAULT:
        return {"vault_key": keys[0]}
    message = rotation_message(old.origin, role, prev, keys)
    if role == DESK_ROLE:
        return {"desk_key": public_jwk(new.desk_public), "possession": [base64url.encode(new.desk.sign(message))]}
    endorsed, possession = (_signed(_pair(each, role), message) for each in (old, new))
    return {"keys": [*keys], "endorsed": endorsed, "possession": possession}


def _pair(keys: NodeKeys, role: str) -> Sequence[NoteKey]:
    match role:
        case "log":
            return keys.log
        case "witness":
            return keys.witness
    return keys.mirror


def _signed(keys: Sequence[NoteKey], message: bytes) -> list[Json]:
    return [base64url.encode(key.private_key.sign(message)) for key in keys]


# --- what the vault key seals ---


class _Sealed(NamedTuple):
    """A column of sealed values, the column that names its row, and what ties a value to its row."""

    table: Table
    key: str
    column: str
    bound_to: str  # the column, or TOTP for what is made of the key


TOTP = "totp"
_SEALED = (
    _Sealed(schema.citizens, "id", "wrapped_key", "id"),
    _Sealed(schema.officer_keys, "handle", "sealed_key", "kid"),
    _Sealed(schema.officer_keys, "handle", "sealed_totp", TOTP),
    _Sealed(schema.tickets, "mac", "slip", "mac"),
)


def rewrap(conn: Connection, old_key: bytes, new_key: bytes) -> None:
    """Seal anew under another vault key all that this one has sealed.

    The values of the vault themselves stay as they are: they lie under the citizens' keys, and these are wrapped. What
    did not open before (a row that somebody has altered) is left as it is, and stops nothing.
    """
    old, new = AESGCM(old_key), AESGCM(new_key)
    for sealed in _SEALED:
        _rewrap_column(conn, sealed, old, new)


def _rewrap_column(conn: Connection, sealed: _Sealed, old: AESGCM, new: AESGCM) -> None:
    columns = sealed.table.c
    key, value = columns[sealed.key], columns[sealed.column]
    place = key if sealed.bound_to == TOTP else columns[sealed.bound_to]
    some = select(key, value, place).where(value.is_not(None)).order_by(key).limit(REWRAPPED_AT_ONCE)
    put = update(sealed.table).where(key == bindparam("of_key")).values({sealed.column: bindparam("sealed")})
    rows = conn.execute(some).all()
    while rows:
        moved = []
        for name, content, bound in rows:
            bound_to = _bound_to(sealed, bound)
            try:
                moved.append({"of_key": name, "sealed": seal(new, unseal(old, bytes(content), bound_to), bound_to)})
            except Unsealable:
                _log.error("%s: a value does not open, and stays as it is", value)
        if moved:
            conn.execute(put, moved)
        rows = conn.execute(some.where(key > rows[-1][0])).all()


def _bound_to(sealed: _Sealed, place: str | bytes) -> bytes:
    if sealed.bound_to == TOTP:
        return totp_place(str(place))
    return place.encode() if isinstance(place, str) else bytes(place)
