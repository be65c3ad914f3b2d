"""Enrols the officers of our own department, renews their second factor, and revokes their keys.

Each change is a record by the node's own key. The officer's key stays here, sealed; who the officer is, peers never
learn: only a digest that shows two keys of one person.
"""

import hmac
from dataclasses import dataclass
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection

from ledger import bindings
from ledger.errors import OfficerUnknown, Refused
from ledger.folding import DESK_PERSON
from ledger.keys import Keys
from ledger.records import base64url
from ledger.records.claims import ROLES
from ledger.records.jsonstrict import Json
from ledger.records.rotation import OFFICER, rotation_message
from ledger.records.statement import Statement, public_jwk, thumbprint
from ledger.scribe import Objects, Pen, Scribe, Submitted, new_handle
from ledger.second_factor import new_secret
from ledger.storage import lookups
from ledger.storage import officers as rows
from ledger.storage.officers import NewKeys, OfficerRow
from ledger.storage.vault import Vault

CUSTODY = "server"
BINDING_SECONDS = 7 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Enrolment:
    """Who is to be enrolled."""

    name: str
    roles: tuple[str, ...]
    id_number: str

    def __post_init__(self) -> None:
        if not self.roles or not set(self.roles) <= set(ROLES):
            raise Refused("role-unknown")
        if not self.name.strip() or not self.id_number.strip():
            raise Refused("name-or-id-missing")


@dataclass(frozen=True, slots=True)
class Access:
    """What an officer needs to begin, shown once."""

    handle: str
    binding_code: str
    totp_secret: str  # base32


@dataclass(frozen=True, slots=True)
class NewOfficer:
    """An officer just enrolled."""

    kid: str
    access: Access
    submitted: Submitted

    @property
    def handle(self) -> str:
        """Their handle: what `submit(by=…)` wants."""
        return self.access.handle

    @property
    def binding_code(self) -> str:
        """What they type after 绑定."""
        return self.access.binding_code

    @property
    def totp_secret(self) -> str:
        """What they put into their authenticator."""
        return self.access.totp_secret


def person_digest(person_key: bytes, id_number: str) -> str:
    """Says whether two keys are one person's, and nothing else: without the key no ID number can be tried out."""
    return hmac.digest(person_key, id_number.strip().upper().encode(), sha256).hex()


def in_force(conn: Connection, handle: str) -> OfficerRow:
    """The officer of that handle; raises OfficerUnknown when there is none or the key was revoked."""
    found = rows.by_handle(conn, handle)
    if found is None or found.to_index is not None:
        raise OfficerUnknown
    return found


def open_key(vault: Vault, officer: OfficerRow) -> bytes:
    """The officer's raw private key."""
    return vault.unbox(officer.sealed_key, officer.kid.encode())


def open_totp(vault: Vault, officer: OfficerRow) -> str:
    """The secret of the officer's second factor."""
    return vault.unbox(officer.sealed_totp, totp_place(officer.handle)).decode()


def totp_place(handle: str) -> bytes:
    """What the sealed secret of an officer's second factor is bound to."""
    return f"totp:{handle}".encode()


def enrol(conn: Connection, scribe: Scribe, keys: Keys, who: Enrolment) -> NewOfficer:
    """Make a key, a second factor and a binding code, and record the key."""
    vault, key, handle, secret = Vault(keys.vault_key), Ed25519PrivateKey.generate(), new_handle(), new_secret()
    public = key.public_key().public_bytes_raw()
    clear: dict[str, Json] = {
        "key": public_jwk(public),
        "roles": [role for role in ROLES if role in who.roles],
        "custody": CUSTODY,
        "person": person_digest(keys.person_key, who.id_number),
    }
    citizen = vault.add_citizen(conn)
    done = _record(conn, scribe, keys, Statement("enrolment", handle, clear, {"name": who.name}), citizen)
    kid = thumbprint(public)
    sealed_key = vault.box(key.private_bytes_raw(), kid.encode())
    sealed_totp = vault.box(secret.encode(), totp_place(handle))
    rows.insert_keys(conn, NewKeys(handle, kid, citizen, sealed_key, sealed_totp))
    return NewOfficer(kid, Access(handle, _binding_code(conn, scribe, keys, handle), secret), done)


def renew(conn: Connection, scribe: Scribe, keys: Keys, handle: str) -> Access:
    """A new key, second factor and binding code; the telephone that was lost is nobody's from now on."""
    officer = in_force(conn, handle)
    vault, key, secret = Vault(keys.vault_key), Ed25519PrivateKey.generate(), new_secret()
    public = key.public_key().public_bytes_raw()
    folded = Objects(conn, scribe.log.id)(handle)
    assert folded is not None  # who is in force was enrolled
    message = rotation_message(scribe.log.origin, OFFICER, folded.chain, [base64url.encode(public)])
    clear: dict[str, Json] = {
        "key": public_jwk(public),
        "roles": [role for role in ROLES if role in officer.roles],
        "custody": CUSTODY,
        "person": officer.person,
        "possession": [base64url.encode(key.sign(message))],
    }
    _record(conn, scribe, keys, Statement("renewal", handle, clear), None)
    kid = thumbprint(public)
    rows.replace_key(conn, handle, kid, vault.box(key.private_bytes_raw(), kid.encode()))
    rows.replace_totp(conn, handle, vault.box(secret.encode(), totp_place(handle)))
    rows.drop_account(conn, handle)
    lookups.void_codes_of(conn, handle)
    return Access(handle, _binding_code(conn, scribe, keys, handle), secret)


def revoke(conn: Connection, scribe: Scribe, keys: Keys, handle: str, compromised_since: int | None) -> Submitted:
    """End a key: by index, and saying since when others may have had it, if anyone did."""
    in_force(conn, handle)
    clear: dict[str, Json] = {} if compromised_since is None else {"compromised_since": compromised_since}
    done = _record(conn, scribe, keys, Statement("revocation", handle, clear), None)
    rows.drop_account(conn, handle)
    lookups.void_codes_of(conn, handle)
    return done


def _record(conn: Connection, scribe: Scribe, keys: Keys, statement: Statement, citizen: str | None) -> Submitted:
    objects = Objects(conn, scribe.log.id)
    draft = scribe.draft(objects, statement, keys.desk_kid)
    pen = Pen(keys.desk_kid, DESK_PERSON, keys.desk.sign)
    return scribe.enter(conn, objects, draft, pen, citizen=citizen)


def _binding_code(conn: Connection, scribe: Scribe, keys: Keys, handle: str) -> str:
    now = scribe.now()
    return bindings.give_code(conn, keys.lookup_key, officer=handle, level=0, now=now, ttl_seconds=BINDING_SECONDS)
