"""Cosigns together the heads that are the same as in the round before: nearly all of them, nearly always.

Each needs new cosignatures, as their time is what says that somebody looks. One transaction serves all logs whose
departments have answered by now, and says of each what `mirror.follow` would say, by the same rules.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from sqlalchemy import Connection

from ledger.merkle.cosignature import CosignedCheckpoint, open_cosigned
from ledger.merkle.errors import MerkleError
from ledger.peers import witness
from ledger.peers.cosignatures import Cosigners
from ledger.peers.home import Home, Peer, read_peers
from ledger.peers.settled import Settled, read_settled
from ledger.peers.vouching import vouch
from ledger.storage.engine import reading, transaction


@dataclass(frozen=True, slots=True)
class _Known:
    """All that decides whether a head is cosigned again, as of one moment; by the logs' origins."""

    peers: Mapping[str, Peer]
    settled: Mapping[str, Settled]

    @classmethod
    def read(cls, connection: Connection) -> Self:
        return cls({peer.origin: peer for peer in read_peers(connection)}, read_settled(connection))


def cosign_again(home: Home, shown: Mapping[str, bytes]) -> frozenset[str]:
    """Cosign those of these heads, by their logs' origins, that are the ones which we cosigned last; returns which.

    The others are left alone, whatever they are. Raises Busy, Behind or MarkLost: then nothing was cosigned.
    """
    with reading(home.engine) as connection:
        known = _Known.read(connection)
    # Signatures are looked at before: nobody else writes during the transaction.
    cosigners = Cosigners.of(home, known.peers.values())
    opened = {origin: _open_same(known, cosigners, origin, signed) for origin, signed in shown.items()}
    same = {origin: one for origin, one in opened.items() if one is not None}
    if not same:
        return frozenset()
    with transaction(home.engine, facts=False) as connection:
        if _Known.read(connection) != known:
            return frozenset()  # somebody was quicker
        marks = home.high_water.witness_heads()
        # What stands beside the keys is this head already: nothing has to be fixed there before our word leaves.
        again = {origin: one for origin, one in same.items() if known.settled[origin].is_fixed(marks.get(origin))}
        for origin, one in again.items():
            log = known.settled[origin]
            lines = witness.cosign_same(connection, home, one, log.seen)
            vouch(connection, home, log.log_id, one, lines, cosigners)
    return frozenset(again)


def _open_same(known: _Known, cosigners: Cosigners, origin: str, signed: bytes) -> CosignedCheckpoint | None:
    """What was shown, with the cosignatures under it; None when it is anything but the head that we cosigned last."""
    if origin not in known.peers or origin not in known.settled:
        return None
    try:
        opened = open_cosigned(signed, known.peers[origin].log_verifiers, cosigners.verifiers)
    except MerkleError:
        return None
    checkpoint = opened.checkpoint
    is_same = checkpoint.origin == origin and not checkpoint.extension and known.settled[origin].is_head(checkpoint)
    return opened if is_same else None
