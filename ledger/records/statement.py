"""A record: a statement signed by the officer who made it, its private parts replaced by salted digests.

The form is an SD-JWT (RFC 9901) as a compact JWS (RFC 7515) with Ed25519 (RFC 9864), logged without
its disclosures. What is public of each kind is the closed list in `kinds`.
"""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ledger.errors import BadDisclosure, BadSignature, MalformedRecord
from ledger.merkle.hashing import ENTRY_BYTES_MAX, Hash, leaf_hash
from ledger.records import base64url
from ledger.records import claims as shape
from ledger.records.jsonstrict import Json, format_json, parse_json
from ledger.records.kinds import BY_NAME, KINDS, Kind
from ledger.times import DAY_SECONDS, start_of_day

Signer = Callable[[bytes], bytes]

SALT_BYTES = 16
DIGESTS_MAX = 64
DISCLOSURE_BYTES_MAX = 16_384
SIGNATURE_BYTES = 64
HEADER_CHARS_KEPT = 300  # ours have 190; a longer one is read anew each time
TYPS_KEPT = HEADERS_KEPT = KEYS_KEPT = 1_024  # how much is remembered of what comes again and again
SD_ALG = "sha-256"

_TYP = re.compile(r"onetrip-([a-z][a-z0-9-]{0,39})-v([1-9][0-9]{0,3})\+sd-jwt")
_SIGNATURE = re.compile(shape.ED25519_SIGNATURE.encode())  # an entry is bytes
_ENVELOPE = {"iss", "jti", "iat", "sub", "_sd_alg"}
_is_origin, _is_handle, _is_count, _is_leaf = (
    each.fits for each in (shape.origin, shape.handle, shape.count, shape.leaf)
)


@dataclass(frozen=True, slots=True)
class Statement:
    """What somebody is about to say: not yet signed, not yet in a log."""

    kind: str  # a name in `kinds.BY_NAME`
    sub: str  # the object's handle
    clear: Mapping[str, Json] = field(default_factory=dict)
    private: Mapping[str, Json] = field(default_factory=dict)


class Record(NamedTuple):
    """A statement as it stands in a log: its form is right, its signature not yet checked."""

    entry: bytes  # the bytes in the log
    leaf: Hash
    typ: str
    # The kind's name, also of a kind nobody here knows. Another version of a kind that we know bears it in its name:
    # it may mean anything, and is never taken for ours.
    kind: str
    kid: str  # RFC 7638 thumbprint of the signer's key
    iss: str  # the log's origin
    jti: str
    iat: int  # seconds since 1970, UTC
    sub: str
    prev: str | None  # id of the object's record before this one in this log
    clear: Mapping[str, Any]
    digests: tuple[str, ...]

    @property
    def known(self) -> Kind | None:
        """Its row in the table of kinds, None for a kind that we do not know."""
        return KINDS.get(self.typ)

    @property
    def record_id(self) -> str:
        """The name of this record for people and programs: base64url of its leaf hash."""
        return base64url.encode(self.leaf)

    @property
    def happened(self) -> int:
        """When what it says took place: `iat`, or the beginning of the day `on` when it was entered on a later one."""
        on = self.clear.get("on")
        begun = self.iat if on is None else start_of_day(on)
        return begun if self.iat - begun >= DAY_SECONDS else self.iat


@lru_cache(TYPS_KEPT)
def _name_of(typ: str) -> str:
    match = _TYP.fullmatch(typ)
    assert match is not None
    is_other_version = typ not in KINDS and match[1] in BY_NAME
    return f"{match[1]}-v{match[2]}" if is_other_version else match[1]


@dataclass(frozen=True, slots=True)
class Signed:
    """A record just signed, with the disclosures that stay outside the log."""

    record: Record
    disclosures: Mapping[str, str]  # claim name -> disclosure, base64url (RFC 9901 §4.2)


def thumbprint(public_key: bytes) -> str:
    """RFC 7638 thumbprint of an Ed25519 public key of 32 bytes, as used in `kid`."""
    jwk = format_json({"crv": "Ed25519", "kty": "OKP", "x": base64url.encode(public_key)})
    return base64url.encode(hashlib.sha256(jwk).digest())


def public_jwk(public_key: bytes) -> dict[str, str]:
    """The key as a JWK (RFC 8037)."""
    return {"kty": "OKP", "crv": "Ed25519", "x": base64url.encode(public_key)}


def digest_of(disclosure: str) -> str:
    """The digest that stands in `_sd` for a disclosure (RFC 9901 §4.2.3)."""
    return base64url.encode(hashlib.sha256(disclosure.encode("ascii")).digest())


def _disclose(salt: bytes, name: str, value: Json) -> str:
    return base64url.encode(format_json([base64url.encode(salt), name, value]))


def sign(
    statement: Statement,
    *,
    iss: str,
    jti: str,
    iat: int,
    prev: str | None,
    kid: str,
    salts: Sequence[bytes],
    signer: Signer,
) -> Signed:
    """Make the record of a statement.

    `salts` are as many random values of 16 bytes as the kind has digests. Raises MalformedRecord when the statement is
    not of its kind: our own mistake, found before it is signed for ever.
    """
    kind = BY_NAME[statement.kind]
    if len(salts) != kind.digests or not set(statement.private) <= set(kind.private):
        raise MalformedRecord(f"{kind.name}: salts or private names do not fit")
    spare = iter(salts)
    disclosures = {name: _disclose(next(spare), name, value) for name, value in statement.private.items()}
    # A decoy is the digest of a salt alone (RFC 9901 §4.2.5): nobody can tell it from a real one.
    decoys = [base64url.encode(hashlib.sha256(salt).digest()) for salt in spare]
    payload: dict[str, Json] = dict(statement.clear)
    payload |= {"iss": iss, "jti": jti, "iat": iat, "sub": statement.sub, "_sd_alg": SD_ALG}
    if prev is not None:
        payload["prev"] = prev
    if kind.digests:
        payload["_sd"] = sorted([digest_of(text) for text in disclosures.values()] + decoys)
    header = format_json({"alg": "Ed25519", "kid": kid, "typ": kind.typ})
    signing_input = f"{base64url.encode(header)}.{base64url.encode(format_json(payload))}".encode("ascii")
    entry = signing_input + b"." + base64url.encode(signer(signing_input)).encode("ascii")
    record = _record_of(entry, payload, kind.typ, kid)
    check_schema(record)
    return Signed(record, disclosures)


def parse_record(entry: bytes) -> Record:
    """Read an entry of a log; raises MalformedRecord unless it has exactly the form of a record.

    A kind that nobody here knows is carried; whether the clear claims are those of the kind is `check_schema`'s
    question, whether the signature is good `check_signature`'s.
    """
    if len(entry) > ENTRY_BYTES_MAX:
        raise MalformedRecord(f"{len(entry)} bytes, at most {ENTRY_BYTES_MAX}")
    try:
        header_part, payload_part, signature_part = entry.split(b".")
    except ValueError as error:
        raise MalformedRecord("not a compact JWS") from error
    if not _SIGNATURE.fullmatch(signature_part):
        raise MalformedRecord("no signature of 64 bytes in base64url")
    # A log has few headers: one for each officer and kind.
    kid, typ = (_known_header if len(header_part) <= HEADER_CHARS_KEPT else _parse_header)(header_part)
    payload = parse_json(base64url.decode_ascii(payload_part))
    if not isinstance(payload, dict) or not payload.keys() >= _ENVELOPE:
        raise MalformedRecord("a claim of the envelope is missing")
    return _record_of(entry, payload, typ, kid)


def _record_of(entry: bytes, payload: Mapping[str, Any], typ: str, kid: str) -> Record:
    if len(entry) > ENTRY_BYTES_MAX:
        raise MalformedRecord(f"{len(entry)} bytes, at most {ENTRY_BYTES_MAX}")
    clear = dict(payload)
    iss, jti, iat, sub = clear.pop("iss"), clear.pop("jti"), clear.pop("iat"), clear.pop("sub")
    prev = clear.pop("prev", None)
    digests = _parse_digests(clear.pop("_sd")) if "_sd" in clear else ()
    good = (
        _is_origin(iss)
        and _is_handle(jti)
        and _is_count(iat)
        and _is_handle(sub)
        and clear.pop("_sd_alg") == SD_ALG
        and (_is_leaf(prev) or "prev" not in payload)
        and "..." not in clear
    )
    if not good:
        raise MalformedRecord("a claim of the envelope is malformed")
    return Record(entry, leaf_hash(entry), typ, _name_of(typ), kid, iss, jti, iat, sub, prev, clear, digests)


def _parse_header(part: bytes) -> tuple[str, str]:
    header = parse_json(base64url.decode_ascii(part))
    # Exactly these: `crit`, `jwk`, `jku` and `x5u` would let the record choose how it is checked.
    if not isinstance(header, dict) or header.keys() != {"alg", "typ", "kid"} or header["alg"] != "Ed25519":
        raise MalformedRecord("the header is not alg Ed25519, typ and kid")
    if not isinstance(header["typ"], str) or not _TYP.fullmatch(header["typ"]) or not shape.leaf(header["kid"]):
        raise MalformedRecord("typ or kid is malformed")
    return header["kid"], header["typ"]


_known_header = lru_cache(HEADERS_KEPT)(_parse_header)


def _parse_digests(digests: Any) -> tuple[str, ...]:
    if not isinstance(digests, list) or not 1 <= len(digests) <= DIGESTS_MAX:
        raise MalformedRecord("_sd is malformed")
    if not all(map(_is_leaf, digests)):
        raise MalformedRecord("a digest is malformed")
    if digests != sorted(set(digests)):
        raise MalformedRecord("digests are not sorted, or one stands twice")
    return tuple(digests)


def check_schema(record: Record) -> None:
    """Check that a record of a known kind shows its kind's claims and no other; raises MalformedRecord."""
    kind = record.known
    if kind is None:
        raise MalformedRecord(f"nobody here knows the kind {record.kind}")
    clear = record.clear
    if not kind.clear.keys() <= clear.keys():
        raise MalformedRecord(f"{kind.name}: claim missing: {min(kind.clear.keys() - clear.keys())}")
    if not clear.keys() <= kind.shapes.keys():
        raise MalformedRecord(f"{kind.name}: claim outside the closed list: {min(clear_outside_list(record))}")
    for name, value in clear.items():
        if not kind.shapes[name].fits(value):
            raise MalformedRecord(f"{kind.name}: claim malformed: {name}")
    if len(record.digests) != kind.digests:
        raise MalformedRecord(f"{kind.name}: {len(record.digests)} digests, the kind has {kind.digests}")


def clear_outside_list(record: Record) -> frozenset[str]:
    """The clear claims that the record's kind does not have (R49); none for a kind that nobody here knows."""
    kind = record.known
    if kind is None:
        return frozenset()
    return frozenset(record.clear.keys() - kind.shapes.keys())


def check_signature(record: Record, public_key: bytes) -> None:
    """Check the record's signature with a raw Ed25519 public key; raises BadSignature."""
    signing_input, _, signature = record.entry.rpartition(b".")
    try:
        _public_key(public_key).verify(base64url.decode_ascii(signature), signing_input)
    except (InvalidSignature, ValueError) as error:
        raise BadSignature(record.record_id) from error


@lru_cache(KEYS_KEPT)
def _public_key(raw: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(raw)


def open_disclosure(record: Record, disclosure: str) -> tuple[str, Any]:
    """The name and value of a disclosure of this record; raises BadDisclosure unless the record holds its digest."""
    if len(disclosure) > DISCLOSURE_BYTES_MAX:
        raise BadDisclosure(record.record_id)
    try:
        if digest_of(disclosure) not in record.digests:
            raise BadDisclosure(record.record_id)
        parts = parse_json(base64url.decode(disclosure))
    except (MalformedRecord, UnicodeEncodeError) as error:
        raise BadDisclosure(record.record_id) from error
    if not isinstance(parts, list) or len(parts) != 3 or not all(isinstance(part, str) for part in parts[:2]):
        raise BadDisclosure(record.record_id)
    kind = record.known
    if kind is None or parts[1] not in kind.private:
        raise BadDisclosure(record.record_id)
    return parts[1], parts[2]
