"""Offers a head of our log to a witness, whoever runs it, and opens what it answers (c2sp.org/tlog-witness)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from sqlalchemy import Connection

from ledger.errors import PeerUnreachable
from ledger.merkle.add_checkpoint import AddCheckpoint
from ledger.merkle.cosignature import Cosignature, open_cosigned
from ledger.merkle.encoding import parse_decimal
from ledger.merkle.errors import MerkleError
from ledger.merkle.hashing import Hash
from ledger.merkle.note import NOTE_BYTES_MAX, add_signatures, parse_signature_lines
from ledger.merkle.proofs import prove_consistency
from ledger.merkle.vkeys import Verifier
from ledger.peers.home import Home
from ledger.storage import entries
from ledger.storage.engine import reading
from ledger.storage.heads import Head, KeptCosignature

SIZE_BYTES_MAX = 32  # of a 409: a decimal and a newline


class CosignedMore(PeerUnreachable):
    """A witness has cosigned a larger head of ours than the one that it is offered."""


@dataclass(frozen=True, slots=True)
class Door:
    """A witness: what it is called here, where it takes checkpoints, and by which keys it answers."""

    name: str
    url: str  # the submission prefix
    verifiers: tuple[Verifier, ...]


def offer(home: Home, door: Door, head: Head, old: int) -> Sequence[Cosignature]:
    """Offer a head, and return the witness's own cosignatures of it; raises PeerUnreachable, CosignedMore.

    `old`: the size that it cosigned last, as far as we know; it says so when it was another one.
    """
    old = min(old, head.size)
    status, body = _post(home, door, head, old)
    if status == HTTPStatus.CONFLICT:
        old = _parse_size(door, body)
        if old > head.size:
            raise CosignedMore(f"{door.name}: has cosigned size {old} of ours already")
        status, body = _post(home, door, head, old)
    if status != HTTPStatus.OK:
        raise PeerUnreachable(f"{door.name}: answered {status}")
    return _open_answer(home, door, head, body)


def last_said(kept: Iterable[KeptCosignature], verifiers: Sequence[Verifier]) -> int:
    """The size that these keys cosigned last, by all that is kept of what was said of our log."""
    refs = {verifier.ref for verifier in verifiers}
    return max((one.size for one in kept if one.line.ref in refs), default=0)


def prove_growth(connection: Connection, home: Home, old: int, size: int) -> tuple[Hash, ...]:
    """The proof that our log of that size goes on from the older one."""
    return tuple(prove_consistency(old, size, entries.node_reader(connection, home.log.id, size)))


def _post(home: Home, door: Door, head: Head, old: int) -> tuple[int, bytes]:
    proof: tuple[Hash, ...] = ()
    if old != head.size:  # a head that it has cosigned is offered once more: it has not grown
        with reading(home.engine) as connection:
            proof = prove_growth(connection, home, old, head.size)
    content = AddCheckpoint(old, proof, head.signed).to_bytes()
    answer = home.client.ask("POST", f"{door.url}/add-checkpoint", bytes_max=NOTE_BYTES_MAX, content=content)
    return answer.status, answer.body


def _parse_size(door: Door, body: bytes) -> int:
    try:
        text = body[:SIZE_BYTES_MAX].decode("ascii")
        return parse_decimal(text.removesuffix("\n"))
    except (UnicodeDecodeError, MerkleError) as error:
        raise PeerUnreachable(f"{door.name}: a 409 without a size") from error


def _open_answer(home: Home, door: Door, head: Head, body: bytes) -> Sequence[Cosignature]:
    """The witness's own cosignatures out of its answer; what others' keys say in it is ignored (tlog-witness)."""
    refs = {verifier.ref for verifier in door.verifiers}
    own = tuple(signer.verifier for signer in home.keys.log)
    try:
        lines = [line for line in parse_signature_lines(body) if line.ref in refs]
        opened = open_cosigned(add_signatures(head.signed, lines), own, door.verifiers)
    except MerkleError as error:
        raise PeerUnreachable(f"{door.name}: cosigned something else: {error}") from error
    if not opened.cosignatures:
        raise PeerUnreachable(f"{door.name}: answered with no cosignature of theirs")
    return opened.cosignatures
