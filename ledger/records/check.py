"""Checks one record of a log, the same way for everybody who holds that log: a mirror, and whoever audits later.

What it proves, in this order: the record belongs to this log, its signer's key counts at this index and may sign this
kind, the signature is good, the claims are those of the kind, and it may follow what its object's records say so far.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from ledger.errors import MalformedRecord, UnknownSigner
from ledger.records import base64url
from ledger.records.fold import Folded, Read, apply
from ledger.records.kinds import DESK
from ledger.records.proven import IAT_MAX, NOTHING, Proven
from ledger.records.rotation import DESK_ROLE
from ledger.records.statement import Record, check_schema, check_signature, thumbprint

GENESIS = "genesis"
PERSON_OF_DESK = "desk"  # whom the node's own key stands for: nobody


class SignerKey(Protocol):
    """A key of one log: what is asked of it before its signature counts."""

    @property
    def public_key(self) -> bytes:
        """The raw Ed25519 public key."""
        ...

    @property
    def roles(self) -> Sequence[str]:
        """What its holder may sign; the node's own key has the one role DESK."""
        ...

    def in_force(self, index: int) -> bool:
        """Whether a record at this index may bear its signature."""
        ...


FindSigner = Callable[[str], SignerKey | None]  # by `kid`: a key of this log, in force or not


@dataclass(frozen=True, slots=True)
class Signer:
    """A key that a log's own records have put in force, from one index on and up to another."""

    kid: str
    handle: str  # of the officer, or of the department for the node's own key
    public_key: bytes
    roles: tuple[str, ...]
    person: str
    from_index: int
    to_index: int | None = None  # the first index at which it no longer counts

    def in_force(self, index: int) -> bool:
        """Whether a record at this index may bear its signature."""
        return self.from_index <= index and (self.to_index is None or index < self.to_index)

    def ended(self, index: int) -> "Signer":
        """The same key, counting no more from this index on."""
        return replace(self, to_index=index)


def check_record(
    record: Record, index: int, origin: str, find_signer: FindSigner, read: Read, proven: Proven = NOTHING
) -> dict[str, Folded]:
    """Check all of it but what is `proven`; returns the objects that it changes, as they are afterwards.

    Raises MalformedRecord, UnknownSigner, BadSignature or IllegalStep.
    """
    check_signed(record, index, origin, find_signer, proven)
    return apply(read, record)


def check_signed(record: Record, index: int, origin: str, find_signer: FindSigner, proven: Proven = NOTHING) -> None:
    """Check all that can be said without the objects; raises MalformedRecord, UnknownSigner or BadSignature.

    A kind that nobody here knows has no claims to check, and any officer of the log may have signed it.
    """
    if record.iss != origin:
        raise MalformedRecord(f"a record of another log, {record.iss}")
    if (record.kind == GENESIS) != (index == 0):  # a second one would replace the key that signs enrolments
        raise MalformedRecord(f"{record.kind} at index {index}")
    key = _key_of(record, index, find_signer)
    if not proven.signature:
        check_signature(record, key)
    if record.iat >= IAT_MAX:  # every answer about its object would have to put that day into words
        raise MalformedRecord(f"signed at {record.iat}, a moment that no calendar has")
    if not proven.claims and record.known is not None:
        check_schema(record)


def _key_of(record: Record, index: int, find_signer: FindSigner) -> bytes:
    if record.kind == GENESIS:
        return _key_in_genesis(record)
    signer = find_signer(record.kid)
    if signer is None or not signer.in_force(index):
        raise UnknownSigner(f"{record.kid} is in force at index {index} of no log named {record.iss}")
    kind = record.known
    if kind is not None and kind.roles.isdisjoint(signer.roles):
        raise UnknownSigner(f"{record.kind} at index {index}: signed in the role of {', '.join(signer.roles)}")
    return signer.public_key


def _key_in_genesis(record: Record) -> bytes:
    # The first record brings its own key: that it is the right one is what the fingerprint words were compared for.
    check_schema(record)
    key = base64url.decode(record.clear["desk_key"]["x"])
    if thumbprint(key) != record.kid:
        raise UnknownSigner("the genesis is signed by another key than the one it names")
    return key


def signer_named(record: Record, index: int) -> Signer | None:
    """The key that a checked record puts in force, None for a record that names none."""
    match record.kind:
        case "genesis":
            key, roles, person, since = record.clear["desk_key"], (DESK,), PERSON_OF_DESK, index
        case "rotation" if record.clear["role"] == DESK_ROLE:
            key, roles, person, since = record.clear["desk_key"], (DESK,), PERSON_OF_DESK, index + 1
        case "enrolment" | "renewal" if "key" in record.clear:
            roles, person = tuple(record.clear["roles"]), record.clear["person"]
            key, since = record.clear["key"], index + 1
        case _:
            return None
    raw = base64url.decode(key["x"])
    return Signer(thumbprint(raw), record.sub, raw, roles, person, since)


def signer_ends(record: Record, index: int) -> int | None:
    """From which index on the key of `sub` signs no more, by this checked record; None when it ends none.

    A desk's old key signs its own rotation, and nothing after it. `compromised_since` looks back: what such a key
    signed from there on stands in the log and counts no more, which is not said by its range.
    """
    match record.kind:
        case "revocation":
            return index
        case "renewal" if "key" in record.clear:
            return index
        case "rotation" if record.clear["role"] == DESK_ROLE:
            return index + 1
    return None


def is_compromised(record: Record, index: int, kid: str, since: int) -> bool:
    """Whether a record bears the signature of a key that was given up as stolen from this index on."""
    return record.kid == kid and index >= since
