"""Asks a witness to cosign the next checkpoint, with the proof that the log only grew (c2sp.org/tlog-witness)."""

from dataclasses import dataclass

from ledger.merkle.cosignature import parse_checkpoint_unverified
from ledger.merkle.encoding import SIZE_MAX, parse_decimal
from ledger.merkle.errors import Malformed, MalformedRequest
from ledger.merkle.hashing import HASH_BYTES, Hash
from ledger.merkle.hashlines import format_hash_lines, parse_hash_lines
from ledger.merkle.note import NOTE_BYTES_MAX
from ledger.merkle.proofs import PROOF_HASHES_MAX

# The old size's line, 63 lines of 44 characters and a newline, the empty line: less than 4 KiB before the note.
HEAD_BYTES_MAX = 4096
ADD_CHECKPOINT_BYTES_MAX = HEAD_BYTES_MAX + NOTE_BYTES_MAX


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """The body of the request: from which size the proof starts, the proof, and the signed checkpoint, unverified."""

    old: int
    proof: tuple[Hash, ...]
    signed: bytes

    def __post_init__(self) -> None:
        if not 0 <= self.old <= SIZE_MAX or len(self.proof) > PROOF_HASHES_MAX:
            raise MalformedRequest(f"old {self.old} with {len(self.proof)} hashes")
        if any(len(one) != HASH_BYTES for one in self.proof):
            raise MalformedRequest(f"a proof hash has not {HASH_BYTES} bytes")

    def to_bytes(self) -> bytes:
        """Write the body."""
        return f"old {self.old}\n{format_hash_lines(self.proof)}\n".encode() + self.signed


def parse_add_checkpoint(body: bytes) -> AddCheckpoint:
    """Read the body of a request; raise MalformedRequest (400).

    The note's and the checkpoint's form are checked, so that what remains to ask is who signed it and whether the
    proof holds.
    """
    if len(body) > ADD_CHECKPOINT_BYTES_MAX:
        raise MalformedRequest(f"a body of {len(body)} bytes, at most {ADD_CHECKPOINT_BYTES_MAX} are read")
    head, divider, signed = body.partition(b"\n\n")
    if not divider or len(head) > HEAD_BYTES_MAX:
        raise MalformedRequest("no empty line after the proof")
    try:
        parse_checkpoint_unverified(signed)
        return _parse_head(head.decode("ascii"), signed)
    except (UnicodeDecodeError, Malformed) as error:
        raise MalformedRequest(str(error)) from error


def _parse_head(head: str, signed: bytes) -> AddCheckpoint:
    first, *hashes = head.split("\n")
    if not first.startswith("old "):
        raise MalformedRequest(f"the first line is {first[:32]!r}, not the old size")
    return AddCheckpoint(parse_decimal(first.removeprefix("old ")), parse_hash_lines(hashes), signed)
