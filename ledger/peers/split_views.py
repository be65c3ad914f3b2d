"""Compares with each peer what it has seen of a third log: one that shows two faces is told by two who compare.

One log a peer and round, in turn. What a peer shows of it counts for that log's own signature and for nobody's word: an
answer that is none, and tiles that lead nowhere, are evidence of nothing.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, wait
from functools import partial
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from ledger.errors import ForkFound, LedgerError, PeerUnreachable
from ledger.merkle.cosignature import open_cosigned
from ledger.merkle.errors import MerkleError, NoKnownSignature
from ledger.merkle.tiles import tile_node
from ledger.peers import witness
from ledger.peers.evidence import Head, keep_evidence
from ledger.peers.fetching import fetch_tile
from ledger.peers.growth import as_head, check_shown, compare_here, compare_there, known_heads
from ledger.peers.home import Home, Peer, read_peers
from ledger.peers.retired import check_retired
from ledger.peers.settled import Settled, read_settled
from ledger.peers.vouching import mirrored_head
from ledger.peers.witness import hash_of_origin
from ledger.storage import cursors, entries, heads
from ledger.storage.engine import reading, transaction

ASK_SECONDS_MAX = 15.0  # of one peer: the note, and the tiles of its mirror when it has seen more than we
WAIT_SECONDS = 5.0  # until whoever waits says that it is still there
NOTE_BYTES_MAX = 64 * 1024  # the log's lines and the witness's have some 10 KiB

_log = logging.getLogger(__name__)


def compare_views(
    home: Home, pool: Executor, asked: Iterable[str], while_waiting: Callable[[], object] = lambda: None
) -> None:
    """Ask each of these peers, by their logs' origins, about the next log that we both may follow; raises Busy.

    Two heads that cannot both be true are kept as evidence against that log.
    """
    with reading(home.engine) as connection:
        followed = [peer for peer in read_peers(connection) if not peer.forked]
        settled = read_settled(connection)
    wanted = frozenset(asked)
    peers = [peer for peer in followed if peer.origin in wanted]
    turns = _take_turns(home, [peer.origin for peer in peers])
    thirds = [(peer, third_log(followed, peer, turns[peer.origin])) for peer in peers]
    pairs = [(peer, third, settled.get(third.origin)) for peer, third in thirds if third is not None]
    under_way = {pool.submit(_compare_with, home, *pair) for pair in pairs}
    while under_way:
        while_waiting()
        done, under_way = wait(under_way, timeout=WAIT_SECONDS)
        for one in done:
            one.result()


class Followed(Protocol):
    """A department that is followed, as far as turns have to do with it."""

    @property
    def origin(self) -> str:
        """Its log's name."""
        ...


_Followed = TypeVar("_Followed", bound=Followed)


def third_log(followed: Sequence[_Followed], asked: _Followed, turn: int) -> _Followed | None:
    """Whose log is compared with this peer in this turn: everybody else's in as many turns as they are."""
    others = [peer for peer in followed if peer.origin != asked.origin]
    # Not the same one with everybody: whoever shows two faces is asked about somewhere in each round.
    return others[(turn + followed.index(asked)) % len(others)] if others else None


def _take_turns(home: Home, origins: Sequence[str]) -> dict[str, int]:
    """Which turn it is with each peer. Counted for each by itself: nobody is asked in every round."""
    if not origins:
        return {}
    names = {f"third-log {hash_of_origin(origin)[:30]}": origin for origin in origins}
    with transaction(home.engine, facts=False) as connection:
        known = cursors.read_some(connection, [*names])
        cursors.keep(connection, {name: known.get(name, 0) + 1 for name in names})
    return {origin: known.get(name, 0) for name, origin in names.items()}


def _compare_with(home: Home, peer: Peer, third: Peer, settled: Settled | None) -> None:
    try:
        with home.client.within(ASK_SECONDS_MAX):
            _compare(home, peer, third, settled)
    except ForkFound as fork:
        _log.error("%s has shown %s another history than us", third.name, peer.name)
        with transaction(home.engine) as connection:
            keep_evidence(connection, fork, home.now())
    except (LedgerError, MerkleError) as error:
        _log.info("%s and %s: nothing to compare: %s", peer.name, third.name, error)
    except Exception:  # noqa: BLE001  a bug that one peer has found must not end the round with all others
        _log.exception("comparing %s with %s failed", third.name, peer.name)


def _compare(home: Home, peer: Peer, third: Peer, settled: Settled | None) -> None:
    """Hold what the peer has seen of a third log against all that we have of it; raises ForkFound.

    Raises PeerUnreachable or MerkleError when what comes shows nothing.
    """
    theirs = _fetch_seen(home, peer, third, heads.WITNESS)
    if theirs is None or (settled is not None and settled.is_head(theirs)):
        return  # the newest head that we accepted, and that our witness cosigned: it grew out of all others before it
    try:
        _hold_against(home, peer, third, theirs)
    except (PeerUnreachable, MerkleError):
        # Its witness has cosigned what its mirror does not hold: for a moment, or for ever if the log sees to that.
        mirrored = _fetch_seen(home, peer, third, heads.MIRROR)
        if mirrored is not None:
            _hold_against(home, peer, third, mirrored)


def _hold_against(home: Home, peer: Peer, third: Peer, theirs: Head) -> None:
    # 1. What it has signed for us. Our own copy leads to every head that is not larger.
    with reading(home.engine) as connection:
        log_id = entries.find_log(connection, third.origin)
        ours = _known(connection, home, log_id, third.origin)
        stored = 0 if log_id is None else entries.read_edge(connection, log_id).size
        compare_here(theirs, ours, stored, entries.node_reader(connection, log_id or 0, stored))
    # 2. To a larger one the peer's copy must lead.
    below = f"mirror/{hash_of_origin(third.origin)}"
    compare_there(theirs, ours, tile_node(partial(fetch_tile, home.client, peer, below=below), theirs.size))


def _known(connection: Connection, home: Home, log_id: int | None, origin: str) -> list[Head]:
    seen = witness.last_seen(connection, origin)
    if log_id is None:
        return known_heads(None, None, seen, origin)
    rows = heads.newest_head(connection, log_id), mirrored_head(connection, home, log_id)
    held, mirrored = (None if row is None else Head(origin, row.size, row.root, row.signed) for row in rows)
    return known_heads(held, mirrored, seen, origin)


def _fetch_seen(home: Home, peer: Peer, third: Peer, role: str) -> Head | None:
    """What the peer's witness or mirror cosigned last of a third log, as that has signed it; None when nothing."""
    url = f"{peer.url}/{role}/{hash_of_origin(third.origin)}/checkpoint"
    signed = home.client.get_if_any(url, bytes_max=NOTE_BYTES_MAX)
    if signed is None:
        return None
    try:
        opened = open_cosigned(signed, third.log_verifiers)
    except NoKnownSignature:
        with reading(home.engine) as connection:
            check_retired(connection, home, third.origin, signed)
        raise
    check_shown(opened.checkpoint, third.origin)
    return as_head(opened)
