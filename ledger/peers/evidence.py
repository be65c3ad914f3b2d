"""Tells a log that forked from one that merely could not prove its growth, and keeps what shows it to anyone.

Two signed notes of one size with two roots say it by themselves. For different sizes there is a way of hashes, in the
shape of a consistency proof, that leads to the larger root and does not pass through the smaller one. A bad proof is
evidence of nothing: anyone can make one.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, insert, select

from ledger import findings
from ledger.errors import ForkFound
from ledger.merkle.encoding import decode_base64, encode_base64
from ledger.merkle.errors import BadProof
from ledger.merkle.hashing import Hash, as_hash
from ledger.merkle.note import parse_note_unverified
from ledger.merkle.proofs import ReadNode, both_roots, prove_both_roots
from ledger.records.evidence import Evidence
from ledger.rules.logs import LogRef, two_histories
from ledger.storage import schema
from ledger.storage.findings import freeze_forked, has_forked
from ledger.storage.network import Network


@dataclass(frozen=True, slots=True)
class Head:
    """A log's signed claim, verified, with the note that anyone else can verify again."""

    origin: str
    size: int
    root: Hash
    signed: bytes


def check_same_history(one: Head, other: Head, read: ReadNode | None = None) -> None:
    """Raise ForkFound when both heads cannot be true.

    `read` reads the tree of the larger head; whatever it gives is believed only if it leads to that head's root. Raises
    BadProof when it does not, which is evidence of nothing.
    """
    older, newer = sorted((one, other), key=lambda head: head.size)
    if older.size == newer.size:
        if older.root != newer.root:
            raise ForkFound(one.origin, older.signed, newer.signed)
        return
    if older.size == 0:
        return  # every tree begins with the empty one
    if read is None:
        raise BadProof(f"nothing leads from size {older.size} to size {newer.size}")
    proof = prove_both_roots(older.size, newer.size, read)
    found_older, found_newer = both_roots(older.size, newer.size, proof)
    if found_newer != newer.root:
        raise BadProof(f"the tiles do not lead to the signed root at size {newer.size}")
    if found_older != older.root:
        raise ForkFound(one.origin, older.signed, newer.signed, proof)


def keep_evidence(connection: Connection, fork: ForkFound, at: int) -> None:
    """Keep both notes with a finding (R36), and cosign that log no more, unless that is decided already.

    The first evidence stays, as long as no decision has lifted it. What it once lifted freezes nothing again.
    """
    if has_forked(connection, fork.origin):
        return
    log = LogRef(fork.origin, Network.read(connection).name(fork.origin))
    texts = [parse_note_unverified(signed).text for signed in (fork.older, fork.newer)]
    mismatch = two_histories(log, *texts)
    if _is_kept(connection, mismatch.id):
        return
    row = {
        "finding": findings.raise_finding(connection, mismatch, at),
        "origin": fork.origin,
        "older": fork.older,
        "newer": fork.newer,
        "proof": [encode_base64(one) for one in fork.proof],
        "at": at,
    }
    connection.execute(insert(schema.evidence), row)
    freeze_forked(connection, fork.origin)


def _is_kept(connection: Connection, finding: str) -> bool:
    kept = schema.evidence.c
    return connection.execute(select(kept.finding).where(kept.finding == finding)).first() is not None


def read_evidence(connection: Connection, origin: str) -> list[Evidence]:
    """What we hold against this log."""
    kept = schema.evidence.c
    rows = connection.execute(select(kept.older, kept.newer, kept.proof).where(kept.origin == origin))
    return [Evidence(row.older, row.newer, tuple(as_hash(decode_base64(one)) for one in row.proof)) for row in rows]
