"""Lets others vouch for a checkpoint, and finds out who has (c2sp.org/tlog-cosignature).

A cosignature says: at this time, the tree of this log was this one, and all that I had seen of it before fits.
"""

from collections.abc import Collection
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from ledger.merkle.checkpoint import Checkpoint, parse_checkpoint
from ledger.merkle.errors import NoKnownSignature
from ledger.merkle.messages import (
    TIME_BYTES,
    cosignature_v1_message,
    join_timed,
    subtree_v1_message,
)
from ledger.merkle.note import SignatureLine, open_note, parse_note_unverified
from ledger.merkle.vkeys import KeyRef, SignatureKind, Verifier


@dataclass(frozen=True, slots=True)
class Ed25519Cosigner:
    """A private key that makes cosignatures of type 0x04: one key for one identity, as the name is not signed."""

    name: str
    private_key: Ed25519PrivateKey
    verifier: Verifier = field(init=False)  # the public half, for those who check

    def __post_init__(self) -> None:
        public = self.private_key.public_key().public_bytes_raw()
        object.__setattr__(self, "verifier", Verifier(self.name, SignatureKind.COSIGNATURE_V1, public))


@dataclass(frozen=True, slots=True)
class MldsaCosigner:
    """A private key that makes cosignatures of type 0x06; a log signs its own checkpoints with one, too."""

    name: str
    private_key: MLDSA44PrivateKey
    verifier: Verifier = field(init=False)  # the public half, for those who check

    def __post_init__(self) -> None:
        public = self.private_key.public_key().public_bytes_raw()
        object.__setattr__(self, "verifier", Verifier(self.name, SignatureKind.SUBTREE_V1, public))


Cosigner = Ed25519Cosigner | MldsaCosigner


@dataclass(frozen=True, slots=True)
class TimedSigner:
    """A cosigner at one moment: what `sign_note` takes."""

    cosigner: Cosigner
    time: int

    def sign(self, text: str) -> SignatureLine:
        """Return the line that cosigns the checkpoint with this text."""
        return cosign(text, self.time, self.cosigner)


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A cosignature that was verified: who said it, when (seconds since 1970), and the line to show to others.

    Time 0 is possible with type 0x06, and means that nothing is said about the time: such a one is never fresh.
    """

    name: str
    key_id: bytes
    time: int
    line: SignatureLine

    @property
    def ref(self) -> KeyRef:
        """The key that made it."""
        return self.name, self.key_id


@dataclass(frozen=True, slots=True)
class CosignedCheckpoint:
    """A checkpoint that its log has signed, with those that vouch for it."""

    checkpoint: Checkpoint
    log_lines: tuple[SignatureLine, ...]
    cosignatures: tuple[Cosignature, ...]

    @property
    def cosigned_by(self) -> frozenset[KeyRef]:
        """The keys whose cosignatures were verified: what `Policy.is_met` asks for."""
        return frozenset(cosignature.ref for cosignature in self.cosignatures)


def cosign(text: str, time: int, key: Cosigner) -> SignatureLine:
    """Cosign a checkpoint's text with either kind of key."""
    match key:
        case Ed25519Cosigner():
            return cosign_ed25519(text, time, key)
        case MldsaCosigner():
            return cosign_mldsa(text, time, key)


def cosign_ed25519(text: str, time: int, key: Ed25519Cosigner) -> SignatureLine:
    """Cosign a checkpoint's text as of `time`; raise MalformedCheckpoint or MalformedCosignature."""
    parse_checkpoint(text)
    signature = key.private_key.sign(cosignature_v1_message(text, time))
    return SignatureLine(key.name, key.verifier.key_id, join_timed(time, signature))


def cosign_mldsa(text: str, time: int, key: MldsaCosigner) -> SignatureLine:
    """Cosign a checkpoint's text as of `time`; raise MalformedCheckpoint or MalformedCosignature.

    A witness must give a time that is not 0.
    """
    signature = key.private_key.sign(subtree_v1_message(parse_checkpoint(text), time, key.name))
    return SignatureLine(key.name, key.verifier.key_id, join_timed(time, signature))


def parse_checkpoint_unverified(signed: bytes) -> Checkpoint:
    """Read which checkpoint a note claims to hold, to find out whose keys to check it with, and for nothing else."""
    return parse_checkpoint(parse_note_unverified(signed).text)


def open_cosigned(
    signed: bytes, logs: Collection[Verifier], cosigners: Collection[Verifier] = ()
) -> CosignedCheckpoint:
    """Open a checkpoint that one of these log keys has signed, with the cosignatures of known cosigners.

    A log's key counts only for the origin that bears its name. Raises what `open_note` and `parse_checkpoint` raise,
    and NoKnownSignature when cosigners alone have signed.
    """
    note = open_note(signed, (*logs, *cosigners))
    checkpoint = parse_checkpoint(note.text)
    log_refs = {log.ref for log in logs if log.name == checkpoint.origin}
    log_lines = tuple(line for line in note.verified if line.ref in log_refs)
    if not log_lines:
        raise NoKnownSignature(f"no known key of {checkpoint.origin!r} has signed its checkpoint")
    timed = {cosigner.ref for cosigner in cosigners if cosigner.kind != SignatureKind.ED25519}
    return CosignedCheckpoint(checkpoint, log_lines, tuple(_timed(line) for line in note.verified if line.ref in timed))


def _timed(line: SignatureLine) -> Cosignature:
    return Cosignature(line.name, line.key_id, int.from_bytes(line.blob[:TIME_BYTES], "big"), line)
