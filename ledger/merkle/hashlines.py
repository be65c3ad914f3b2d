"""Writes a proof as lines of text, one hash each, as requests and receipts carry it."""

from collections.abc import Iterable, Sequence

from ledger.merkle.encoding import decode_base64, encode_base64
from ledger.merkle.errors import MalformedText
from ledger.merkle.hashing import Hash, as_hash
from ledger.merkle.proofs import PROOF_HASHES_MAX


def format_hash_lines(hashes: Iterable[Hash]) -> str:
    """Write one base64 line for each hash."""
    return "".join(f"{encode_base64(one)}\n" for one in hashes)


def parse_hash_lines(lines: Sequence[str]) -> tuple[Hash, ...]:
    """Read such lines; raise MalformedText or MalformedHash."""
    if len(lines) > PROOF_HASHES_MAX:
        raise MalformedText(f"{len(lines)} proof hashes, at most {PROOF_HASHES_MAX} belong")
    return tuple(as_hash(decode_base64(line)) for line in lines)
