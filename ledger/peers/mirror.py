"""Follows one peer's log: proves that it only grew, stores every entry, checks every record, and says so.

Nothing is stored before it leads to a root that the peer signed; nothing is cosigned before all of it is stored and
checked. A record that should not have been written becomes a finding, and the round goes on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Self

from ledger.errors import LedgerError, PeerUnreachable
from ledger.merkle.add_checkpoint import AddCheckpoint
from ledger.merkle.cosignature import CosignedCheckpoint, open_cosigned
from ledger.merkle.errors import MerkleError, NoKnownSignature
from ledger.merkle.note import NOTE_BYTES_MAX, SignatureLine
from ledger.merkle.proofs import ReadNode, prove_consistency
from ledger.merkle.tiles import tile_node
from ledger.merkle.vkeys import Verifier
from ledger.peers import witness
from ledger.peers.catching_up import catch_up
from ledger.peers.cosignatures import Cosigners, as_cosignature
from ledger.peers.errors import Declined, StaleOld
from ledger.peers.evidence import Head
from ledger.peers.fetching import fetch_tile
from ledger.peers.growth import Seen, as_head, check_grew, check_not_older, check_shown
from ledger.peers.home import Home, Peer
from ledger.peers.rotated import find_log_keys
from ledger.peers.vouching import vouch
from ledger.storage import entries, heads
from ledger.storage.engine import reading, transaction


@dataclass(frozen=True, slots=True)
class Progress:
    """What one round with one peer came to."""

    size: int  # what the peer signed
    checked: int  # how many of its entries we hold and have checked
    new: int  # how many of them in this round
    refused: int  # how many of the new ones are findings


def follow(home: Home, peer: Peer, signed: bytes, *, cosign_it: bool) -> Progress:
    """Follow a peer for one round, in which it has shown this head.

    `cosign_it` False: the story before the network began is told; all is fetched and folded, nothing cosigned. Raises
    ForkFound, PeerUnreachable, Busy.
    """
    log_id = open_mirror(home, peer)
    came, is_cosigned = _follow(home, peer, log_id, signed, cosign_it=cosign_it)
    if is_cosigned or not (cosign_it and _is_ahead(home, peer.origin, came.size)):
        return came
    # It has had a newer head cosigned meanwhile, and shows that one by now. Below what our witness has signed nothing
    # is signed any more: of a log that grows all the time we might come too late in every round.
    more, _is_cosigned = _follow(home, peer, log_id, fetch_signed(home, peer), cosign_it=cosign_it)
    return Progress(more.size, more.checked, came.new + more.new, came.refused + more.refused)


def _follow(home: Home, peer: Peer, log_id: int, signed: bytes, *, cosign_it: bool) -> tuple[Progress, bool]:
    """What came of it, and whether our witness has cosigned what the peer shows."""
    # 1. What it says now, signed by the keys that were compared when it was added.
    known = _Known.read(home, log_id, peer.origin)
    opened = _open_shown(home, peer, signed, known.cosigners)
    # 2. It only grew, as far as anything we ever saw of it tells.
    read = tile_node(partial(fetch_tile, home.client, peer), opened.checkpoint.size)
    head = as_head(opened)
    _check_growth(home, log_id, head, known, read)
    # What others say of it is kept with our own word, when nothing can come between.
    is_complete = known.newest is not None and min(known.newest.size, known.stored) >= head.size
    if not (cosign_it and is_complete):
        _keep_head(home, log_id, head, opened)
    # 3. Its new entries lead to the root that it signed; each record is checked, folded, and joined with what we hold.
    progress = Progress(head.size, known.stored, 0, 0)
    if known.stored < head.size:
        progress = Progress(head.size, *catch_up(home, peer, log_id, head, read, story=not cosign_it))
    # 4. All of it is stored and checked: say so.
    is_cosigned = cosign_it and _cosign(home, log_id, head, opened, read, complete=progress.checked == head.size)
    return progress, is_cosigned


@dataclass(frozen=True, slots=True)
class _Known:
    """What we know of a peer's log when it has shown its head, all as of one moment."""

    newest: Head | None  # the largest that we accepted
    seen: Seen  # what our witness cosigned last
    stored: int  # entries of it
    cosigners: Cosigners

    @classmethod
    def read(cls, home: Home, log_id: int, origin: str) -> Self:
        with reading(home.engine) as connection:
            row = heads.newest_head(connection, log_id)
            newest = None if row is None else Head(origin, row.size, row.root, row.signed)
            seen = witness.last_seen(connection, origin)
            stored = entries.read_edge(connection, log_id).size
            return cls(newest, seen, stored, Cosigners.read(connection, home))


def fetch_signed(home: Home, peer: Peer) -> bytes:
    """What the peer publishes, as it came; raises PeerUnreachable."""
    return home.client.get(f"{peer.url}/log/checkpoint", bytes_max=NOTE_BYTES_MAX)


def fetch_head(home: Home, peer: Peer) -> CosignedCheckpoint:
    """The same, with the cosignatures of members that stand under it; raises PeerUnreachable."""
    signed = fetch_signed(home, peer)
    with reading(home.engine) as connection:
        cosigners = Cosigners.read(connection, home)
    return _open_shown(home, peer, signed, cosigners)


def _open_shown(home: Home, peer: Peer, signed: bytes, cosigners: Cosigners) -> CosignedCheckpoint:
    try:
        opened = _open_head(home, peer, signed, cosigners.verifiers)
    except MerkleError as error:
        raise PeerUnreachable(f"{peer.origin}: no checkpoint of theirs: {error}") from error
    check_shown(opened.checkpoint, peer.origin)
    return opened


def _open_head(home: Home, peer: Peer, signed: bytes, cosigners: Sequence[Verifier]) -> CosignedCheckpoint:
    try:
        return open_cosigned(signed, peer.log_verifiers, cosigners)
    except NoKnownSignature:
        return open_cosigned(signed, find_log_keys(home, peer, signed), cosigners)


def open_mirror(home: Home, peer: Peer) -> int:
    """The id of our copy of a peer's log; an empty one is begun."""
    with reading(home.engine) as connection:
        log_id = entries.find_log(connection, peer.origin)
    if log_id is None:
        with transaction(home.engine) as connection:
            log_id = entries.find_log(connection, peer.origin)  # somebody may have been quicker
            if log_id is None:
                log_id = entries.create_log(connection, peer.origin, own=False)
    return log_id


def _check_growth(home: Home, log_id: int, head: Head, known: _Known, read: ReadNode) -> None:
    """Compare with the newest head that we accepted, and with what our witness cosigned; raises ForkFound."""
    if known.newest is not None and head.size < known.newest.size:
        with reading(home.engine) as connection:
            read_ours = entries.node_reader(connection, log_id, known.stored)
            check_not_older(head, known.newest, known.stored, read_ours)
    check_grew(head, known.newest, known.seen, read)


def _keep_head(home: Home, log_id: int, head: Head, opened: CosignedCheckpoint) -> None:
    with transaction(home.engine, facts=False) as connection:
        if heads.head_at(connection, log_id, head.size) is None:
            row = heads.Head(head.size, head.root, head.signed, home.now())
            heads.add_head(connection, log_id, row)
        Cosigners.read(connection, home).keep(connection, log_id, opened.checkpoint, opened.cosignatures)


def _cosign(home: Home, log_id: int, head: Head, opened: CosignedCheckpoint, read: ReadNode, *, complete: bool) -> bool:
    """Cosign as witness that it only grew and, when we hold and have checked all of it, as mirror.

    Kept at once with what others say of it. Returns whether the witness has cosigned.
    """
    checkpoint = opened.checkpoint
    try:
        lines = _cosign_as_witness(home, head, read)
    except LedgerError:
        _keep_head(home, log_id, head, opened)  # what others say of it stands all the same
        raise
    with transaction(home.engine, facts=False) as connection:
        cosigners = Cosigners.read(connection, home)
        if lines and complete:
            vouch(connection, home, log_id, opened, lines, cosigners)
        else:
            said = [*opened.cosignatures, *map(as_cosignature, lines)]
            cosigners.keep(connection, log_id, checkpoint, said)
    return bool(lines)


def _is_ahead(home: Home, origin: str, size: int) -> bool:
    """Whether our witness has cosigned more of a log than it has shown."""
    with reading(home.engine) as connection:
        return witness.last_seen(connection, origin).size > size


def _cosign_as_witness(home: Home, head: Head, read: ReadNode) -> tuple[SignatureLine, ...]:
    """Our witness's lines; none while it has cosigned a newer head, which will be published in a moment."""
    with reading(home.engine) as connection:
        seen = witness.last_seen(connection, head.origin)
    if seen.size > head.size:
        return ()
    try:
        proof = prove_consistency(seen.size, head.size, read)
        return witness.cosign_next(home, AddCheckpoint(seen.size, tuple(proof), head.signed))
    except StaleOld:  # the peer's own request came first
        return ()
    except Declined as error:
        raise PeerUnreachable(f"{head.origin}: {error}") from error
