"""A key takes the place of another: what a department records of it, and the signatures that make it believed.

The old keys of the role say that they are followed by the new ones, and the new ones say that they are there. Both sign
the same text, which names the record that it follows: no signature serves another rotation. The desk's own old key
signs the record itself. Nothing that a log or a cosigner signs begins like this text.
"""

from collections.abc import Mapping, Sequence

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

from ledger.errors import IllegalStep, MalformedRecord
from ledger.merkle.errors import MerkleError
from ledger.merkle.vkeys import SignatureKind, Verifier, parse_vkey
from ledger.records import base64url
from ledger.records.jsonstrict import Json
from ledger.records.statement import Record

LOG, WITNESS, MIRROR, DESK_ROLE, VAULT = "log", "witness", "mirror", "desk", "vault"
OFFICER = "officer"  # no key of the node's: it stands in the text that an officer's new key signs
NOTE_ROLES: Mapping[str, str] = {LOG: "log_keys", WITNESS: "witness_keys", MIRROR: "mirror_keys"}  # and their claims
ROLES = (*NOTE_ROLES, DESK_ROLE, VAULT)

# Beside `role`, what a record of each role shows, exactly.
_CLAIMS = {role: {"keys", "endorsed", "possession"} for role in NOTE_ROLES}
_CLAIMS |= {DESK_ROLE: {"desk_key", "possession"}, VAULT: {"vault_key"}}


def rotation_message(origin: str, role: str, prev: str, keys: Sequence[str]) -> bytes:
    """What old and new keys sign.

    `prev` is the id of the department's record before this one; `keys` are the new ones: vkeys, or the desk's raw key
    in base64url.
    """
    lines = ("onetrip-rotation/v1", origin, role, prev, *keys)
    return "".join(f"{line}\n" for line in lines).encode()


def check_rotation(record: Record, old_keys: Sequence[str]) -> None:
    """Check that a rotation shows what its role needs, and that old and new keys have signed it; raises IllegalStep.

    `old_keys`: the vkeys that count for its role until now; none are looked at for desk and vault.
    """
    clear, role = record.clear, record.clear["role"]
    if clear.keys() - {"role"} != _CLAIMS[role] or record.prev is None:
        raise IllegalStep(record.kind, role, "rotation-incomplete")
    if role == DESK_ROLE:
        key = clear["desk_key"]["x"]
        message = rotation_message(record.iss, role, record.prev, [key])
        _check_all(record, message, [(SignatureKind.ED25519, base64url.decode(key))], clear["possession"])
    elif role in NOTE_ROLES:
        message = rotation_message(record.iss, role, record.prev, clear["keys"])
        old, new = _parse(record, old_keys), _parse(record, clear["keys"])
        _check_alike(record, old, new)
        _check_all(record, message, [(key.kind, key.public_key) for key in old], clear["endorsed"])
        _check_all(record, message, [(key.kind, key.public_key) for key in new], clear["possession"])


def check_renewed_key(record: Record, old_key: str) -> None:
    """Check that an officer's new key, in base64url like the old one, is another and is there; raises IllegalStep."""
    key = record.clear["key"]["x"]
    if record.prev is None or key == old_key or "possession" not in record.clear:
        raise IllegalStep(record.kind, OFFICER, "rotation-incomplete")
    message = rotation_message(record.iss, OFFICER, record.prev, [key])
    _check_all(record, message, [(SignatureKind.ED25519, base64url.decode(key))], record.clear["possession"])


def new_keys_of(record: Record) -> tuple[str, ...]:
    """The keys that a rotation puts in force: vkeys, the desk's raw key, or the vault key's fingerprint."""
    clear: Mapping[str, Json] = record.clear
    match clear:
        case {"keys": list(keys)}:
            return tuple(map(str, keys))
        case {"desk_key": {"x": str(key)}} | {"vault_key": str(key)}:
            return (key,)
    return ()


def _parse(record: Record, vkeys: Sequence[str]) -> list[Verifier]:
    try:
        return [parse_vkey(vkey) for vkey in vkeys]
    except MerkleError as error:
        raise IllegalStep(record.kind, record.clear["role"], "key-malformed") from error


def _check_alike(record: Record, old: Sequence[Verifier], new: Sequence[Verifier]) -> None:
    """The same names and kinds in the same order, and other keys: nobody gains or loses a voice."""
    alike = [(key.name, key.kind) for key in old] == [(key.name, key.kind) for key in new]
    if not alike or {key.public_key for key in old} & {key.public_key for key in new}:
        raise IllegalStep(record.kind, record.clear["role"], "keys-not-alike")


def _check_all(
    record: Record, message: bytes, keys: Sequence[tuple[SignatureKind, bytes]], signatures: Sequence[str]
) -> None:
    try:
        for (kind, raw), signature in zip(keys, signatures, strict=True):
            _check_one(kind, raw, base64url.decode(signature), message)
    except (InvalidSignature, MalformedRecord, ValueError) as error:
        raise IllegalStep(record.kind, record.clear.get("role", OFFICER), "keys-not-proven") from error


def _check_one(kind: SignatureKind, raw: bytes, signature: bytes, message: bytes) -> None:
    if kind is SignatureKind.SUBTREE_V1:
        MLDSA44PublicKey.from_public_bytes(raw).verify(signature, message)
    else:
        Ed25519PublicKey.from_public_bytes(raw).verify(signature, message)
