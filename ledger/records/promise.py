"""A node's word, given at once, that a record will stand at an index of its log.

Whoever holds a promise whose record never arrives there can prove it to any member (R48).
"""

from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ledger.errors import BadSignature, MalformedRecord
from ledger.merkle.hashing import Hash, as_hash
from ledger.records import base64url
from ledger.records import claims as shape
from ledger.records.jsonstrict import format_json, parse_json
from ledger.records.statement import SIGNATURE_BYTES, Signer

TYP = "onetrip-promise+jwt"
PROMISE_BYTES_MAX = 2 * 1024  # an origin has at most 255


@dataclass(frozen=True, slots=True)
class Promise:
    """A promise as it was given: its form is right, its signature not yet checked."""

    text: str  # the compact JWS
    kid: str  # RFC 7638 thumbprint of the desk's key
    origin: str
    index: int
    leaf: Hash
    at: int  # seconds since 1970, UTC


def make_promise(origin: str, index: int, leaf: Hash, at: int, *, kid: str, signer: Signer) -> str:
    """The promise as a compact JWS by the node's desk key."""
    header = format_json({"alg": "Ed25519", "kid": kid, "typ": TYP})
    payload = format_json({"iss": origin, "index": index, "leaf": base64url.encode(leaf), "iat": at})
    signing_input = f"{base64url.encode(header)}.{base64url.encode(payload)}"
    return f"{signing_input}.{base64url.encode(signer(signing_input.encode('ascii')))}"


def parse_promise(text: str) -> Promise:
    """Read a promise; raises MalformedRecord unless it has exactly the form of one."""
    if len(text) > PROMISE_BYTES_MAX or not text.isascii() or text.count(".") != 2:
        raise MalformedRecord("not a compact JWS, or too long for a promise")
    head, body, signature = (base64url.decode(part) for part in text.split("."))
    header, said = parse_json(head), parse_json(body)
    if not isinstance(header, dict) or header.keys() != {"alg", "kid", "typ"}:
        raise MalformedRecord("the header is not alg, kid and typ")
    if (header["alg"], header["typ"]) != ("Ed25519", TYP) or not shape.leaf(header["kid"]):
        raise MalformedRecord("the header is none of a promise")
    shapes = {"iss": shape.origin, "index": shape.count, "leaf": shape.leaf, "iat": shape.count}
    if not isinstance(said, dict) or said.keys() != shapes.keys() or len(signature) != SIGNATURE_BYTES:
        raise MalformedRecord("a promise says iss, index, leaf and iat")
    if not all(fits(said[name]) for name, fits in shapes.items()):
        raise MalformedRecord("a claim of the promise is malformed")
    leaf = as_hash(base64url.decode(str(said["leaf"])))
    return Promise(text, str(header["kid"]), str(said["iss"]), _whole(said["index"]), leaf, _whole(said["iat"]))


def _whole(value: object) -> int:
    assert isinstance(value, int)  # its shape was looked at
    return value


def check_promise(promise: Promise, public_key: bytes) -> None:
    """Check its signature with the desk's raw Ed25519 public key; raises BadSignature."""
    signing_input, _, signature = promise.text.rpartition(".")
    try:
        key = Ed25519PublicKey.from_public_bytes(public_key)
        key.verify(base64url.decode(signature), signing_input.encode("ascii"))
    except (InvalidSignature, ValueError) as error:
        raise BadSignature(promise.text[-SIGNATURE_BYTES:]) from error
