"""Carries in one file all that proves, offline, that something was logged and a quorum saw it (c2sp.org/tlog-proof)."""

from dataclasses import dataclass

from ledger.merkle.cosignature import CosignedCheckpoint, open_cosigned
from ledger.merkle.encoding import SIZE_MAX, decode_base64, encode_base64, parse_decimal
from ledger.merkle.errors import Malformed, MalformedTlogProof, QuorumMissing
from ledger.merkle.hashing import HASH_BYTES, Hash
from ledger.merkle.hashlines import format_hash_lines, parse_hash_lines
from ledger.merkle.note import NOTE_BYTES_MAX
from ledger.merkle.policy import Policy
from ledger.merkle.proofs import PROOF_HASHES_MAX, check_inclusion

EXTRA_BYTES_MAX = 256 * 1024  # two entries of the largest size in base64, and the proof of one of them
# The extra line in base64, up to 63 lines of hashes, the note.
TLOG_PROOF_BYTES_MAX = EXTRA_BYTES_MAX * 4 // 3 + 8192 + NOTE_BYTES_MAX

_HEADER = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True, slots=True)
class TlogProof:
    """A receipt: where the entry stands, the siblings up to the root, and the signed checkpoint, unverified.

    `extra` proves nothing by itself.
    """

    index: int
    hashes: tuple[Hash, ...]
    signed: bytes
    extra: bytes = b""

    def __post_init__(self) -> None:
        if not 0 <= self.index <= SIZE_MAX or len(self.hashes) > PROOF_HASHES_MAX:
            raise MalformedTlogProof(f"index {self.index} with {len(self.hashes)} hashes")
        if any(len(one) != HASH_BYTES for one in self.hashes):
            raise MalformedTlogProof(f"a proof hash has not {HASH_BYTES} bytes")
        if len(self.extra) > EXTRA_BYTES_MAX or not 1 <= len(self.signed) <= NOTE_BYTES_MAX:
            raise MalformedTlogProof(f"extra of {len(self.extra)} bytes, checkpoint of {len(self.signed)}")

    def to_bytes(self) -> bytes:
        """Write the file."""
        extra = f"extra {encode_base64(self.extra)}\n" if self.extra else ""
        return f"{_HEADER}\n{extra}index {self.index}\n{format_hash_lines(self.hashes)}\n".encode() + self.signed


def parse_tlog_proof(data: bytes) -> TlogProof:
    """Read such a file; raise MalformedTlogProof. Nothing in it is verified: see `check_tlog_proof`."""
    if len(data) > TLOG_PROOF_BYTES_MAX:
        raise MalformedTlogProof(f"a proof of {len(data)} bytes, at most {TLOG_PROOF_BYTES_MAX} are read")
    head, divider, signed = data.partition(b"\n\n")
    if not divider:
        raise MalformedTlogProof("no empty line before the checkpoint")
    try:
        return _parse_head(head.decode("ascii"), signed)
    except (UnicodeDecodeError, Malformed) as error:
        raise MalformedTlogProof(str(error)) from error


def check_tlog_proof(proof: TlogProof, leaf: Hash, policy: Policy) -> CosignedCheckpoint:
    """Check that `leaf` was logged, and seen by the policy's quorum; return the checkpoint that proves it.

    Raises MalformedNote, MalformedCheckpoint, NoKnownSignature, BadSignature, QuorumMissing or BadProof.
    """
    # 1. A log of the policy, under its own origin, has signed the checkpoint; no known key's line is bad.
    opened = open_cosigned(proof.signed, policy.log_verifiers, policy.witness_verifiers)
    # 2. Enough of the policy's witnesses have cosigned it.
    if not policy.is_met(opened.cosigned_by):
        raise QuorumMissing(f"{len(opened.cosignatures)} known witnesses are no quorum {policy.quorum!r}")
    # 3. The leaf is under the root that they all signed.
    check_inclusion(proof.index, opened.checkpoint.size, leaf, proof.hashes, opened.checkpoint.root)
    return opened


def _parse_head(head: str, signed: bytes) -> TlogProof:
    header, *lines = head.split("\n")
    if header != _HEADER:
        raise MalformedTlogProof(f"the first line is {header[:32]!r}")
    extra = _parse_extra(lines.pop(0)) if lines and lines[0].startswith("extra ") else b""
    if not lines or not lines[0].startswith("index "):
        raise MalformedTlogProof("no index line")
    return TlogProof(parse_decimal(lines[0].removeprefix("index ")), parse_hash_lines(lines[1:]), signed, extra)


def _parse_extra(line: str) -> bytes:
    extra = decode_base64(line.removeprefix("extra "))
    if not extra:
        raise MalformedTlogProof("an extra line without extra data is left out, not written empty")
    return extra
