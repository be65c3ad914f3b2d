"""Names the public keys that sign notes, and checks one signature with one of them (c2sp.org/signed-note)."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from functools import lru_cache
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

from ledger.merkle.checkpoint import TEXT_CHARS_KEPT, parse_checkpoint
from ledger.merkle.encoding import decode_base64, encode_base64
from ledger.merkle.errors import BadSignature, Malformed, MalformedKey, MalformedText
from ledger.merkle.messages import NAME_BYTES_MAX, cosignature_v1_message, split_timed, subtree_v1_message

KEY_ID_BYTES = 4
ED25519_SIGNATURE_BYTES = 64
MLDSA44_SIGNATURE_BYTES = 2420
VKEYS_KEPT = 256
SIGNATURES_KEPT = 1_024  # of some 2.5 KiB, with the texts under which they stand
VKEY_CHARS_KEPT = 2_560  # an ML-DSA key of a name of 255 characters and more

_NAME = re.compile(r"[^\s+\x00-\x1f\ud800-\udfff]+")  # in text, \s is every Unicode space

# What a signature line names its key by. Neither half is enough: a stranger may share one of them.
KeyRef = tuple[str, bytes]


class SignatureKind(IntEnum):
    """The signature types of the specification that we know."""

    ED25519 = 0x01
    COSIGNATURE_V1 = 0x04
    SUBTREE_V1 = 0x06


LOG_KINDS = frozenset({SignatureKind.ED25519, SignatureKind.SUBTREE_V1})  # with which a log signs its own heads

PUBLIC_KEY_BYTES = {
    SignatureKind.ED25519: 32,
    SignatureKind.COSIGNATURE_V1: 32,
    SignatureKind.SUBTREE_V1: 1312,
}


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key under its name, for one kind of signature."""

    name: str
    kind: SignatureKind
    public_key: bytes
    key_id: bytes = field(init=False)
    ref: KeyRef = field(init=False, repr=False, compare=False)  # what this key's signature lines start with

    def __post_init__(self) -> None:
        check_name(self.name)
        if len(self.public_key) != PUBLIC_KEY_BYTES[self.kind]:
            raise MalformedKey(f"key of {len(self.public_key)} bytes for {self.kind.name}")
        object.__setattr__(self, "key_id", compute_key_id(self.name, self.kind, self.public_key))
        object.__setattr__(self, "ref", (self.name, self.key_id))

    def check(self, text: str, blob: bytes) -> None:
        """Check that `blob` (a line's bytes after the key ID) signs a note's text; raise BadSignature if not.

        What has been found true of a key, a text and a line is true for ever, and is not computed a second time.
        """
        try:
            (_check_once if len(text) <= TEXT_CHARS_KEPT else _check)(self, text, blob)
        except (InvalidSignature, Malformed) as error:
            raise BadSignature(self.name, self.key_id) from error


def is_name(name: str) -> bool:
    """Whether this can stand in a signature line: no Unicode space (U+3000 is one), no plus, no control character."""
    return _NAME.fullmatch(name) is not None


def check_name(name: str) -> None:
    """Raise MalformedKey unless a key of ours or of a log or cosigner that we follow can have this name."""
    if not is_name(name) or len(name.encode()) > NAME_BYTES_MAX:
        raise MalformedKey(f"no key can be named {name[:64]!r}")


def compute_key_id(name: str, kind: SignatureKind, public_key: bytes) -> bytes:
    """Return the four bytes that tell this key from others of its name."""
    return sha256(name.encode() + b"\n" + bytes((kind,)) + public_key).digest()[:KEY_ID_BYTES]


def format_vkey(verifier: Verifier) -> str:
    """Write a verifier key: `name+hex(key id)+base64(type, public key)`."""
    key = encode_base64(bytes((verifier.kind,)) + verifier.public_key)
    return f"{verifier.name}+{verifier.key_id.hex()}+{key}"


def parse_vkey(vkey: str) -> Verifier:
    """Read a verifier key; raise MalformedKey unless writing it again gives the same text, its key ID included."""
    # A network has few keys, and each round reads them all again and again.
    return (_known_vkey if len(vkey) <= VKEY_CHARS_KEPT else _parse_vkey)(vkey)


def _parse_vkey(vkey: str) -> Verifier:
    name, _, rest = vkey.partition("+")
    try:
        typed_key = decode_base64(rest.partition("+")[2])
        verifier = Verifier(name, _parse_kind(typed_key[:1]), typed_key[1:])
    except MalformedText as error:
        raise MalformedKey(f"vkey of {name[:64]!r}: {error}") from error
    if format_vkey(verifier) != vkey:
        raise MalformedKey(f"vkey of {name[:64]!r}: the key ID is not this key's")
    return verifier


_known_vkey = lru_cache(VKEYS_KEPT)(_parse_vkey)
_ed25519 = lru_cache(VKEYS_KEPT)(Ed25519PublicKey.from_public_bytes)
_mldsa44 = lru_cache(VKEYS_KEPT)(MLDSA44PublicKey.from_public_bytes)


def _parse_kind(data: bytes) -> SignatureKind:
    number = int.from_bytes(data, "big")
    if number not in PUBLIC_KEY_BYTES:
        raise MalformedKey(f"signature type {number:#04x} is none that we know")
    return SignatureKind(number)


def _check_ed25519(verifier: Verifier, text: str, blob: bytes) -> None:
    _ed25519(verifier.public_key).verify(blob, text.encode())


def _check_cosignature_v1(verifier: Verifier, text: str, blob: bytes) -> None:
    parse_checkpoint(text)  # nothing but a checkpoint is ever cosigned
    time, signature = split_timed(blob, ED25519_SIGNATURE_BYTES)
    _ed25519(verifier.public_key).verify(signature, cosignature_v1_message(text, time))


def _check_subtree_v1(verifier: Verifier, text: str, blob: bytes) -> None:
    time, signature = split_timed(blob, MLDSA44_SIGNATURE_BYTES)
    message = subtree_v1_message(parse_checkpoint(text), time, verifier.name)
    _mldsa44(verifier.public_key).verify(signature, message)


def _check(verifier: Verifier, text: str, blob: bytes) -> None:
    _CHECKS[verifier.kind](verifier, text, blob)


_check_once = lru_cache(SIGNATURES_KEPT)(_check)  # what raises is not kept

_CHECKS: dict[SignatureKind, Callable[[Verifier, str, bytes], None]] = {
    SignatureKind.ED25519: _check_ed25519,
    SignatureKind.COSIGNATURE_V1: _check_cosignature_v1,
    SignatureKind.SUBTREE_V1: _check_subtree_v1,
}
