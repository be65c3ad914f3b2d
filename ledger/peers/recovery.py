"""Lets a node that may have lost something find it again at the others, and sign nothing before that.

With its mark it knows what it must hold. Without, it waits until so many departments have said what they hold that one
of them cannot lie. What is missing comes back from their mirrors, and is believed only as far as it leads to a head
that we have signed ourselves.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from sqlalchemy import Connection

from ledger.errors import Behind, ForkFound, LedgerError, MarkLost, PeerUnreachable
from ledger.examining.examine import parse_only
from ledger.merkle.errors import MerkleError
from ledger.merkle.hashing import Hash, leaf_hash
from ledger.merkle.proofs import root_at
from ledger.merkle.tiles import tile_node
from ledger.peers import witness
from ledger.peers.evidence import Head, check_same_history, keep_evidence
from ledger.peers.fetching import fetch_entries, fetch_tile
from ledger.peers.growth import check_entries
from ledger.peers.hearsay import Said, ask_all, needed, note_strange
from ledger.peers.home import Home, Peer, read_peers
from ledger.peers.intake import take_in
from ledger.peers.joining import Introduction
from ledger.peers.lost import note_recovered
from ledger.progress import Progress, silent
from ledger.storage import entries, heads
from ledger.storage.engine import reading, transaction

ENTRIES_A_TRANSACTION = 1_024  # their signatures are looked at within it
FETCHED_AT_ONCE = 16 * 1024  # entries: none is stored before all of them lead to a root that we signed

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a node may sign, and if not, what it waits for."""

    behind: Behind | None
    said: int = 0  # departments that have said what they hold
    needed: int = 0  # of how many
    size: int = 0  # entries that the database holds
    signed: int = 0  # the largest size that we are known to have signed
    shown: int = 0  # the largest size that an answering mirror can show

    @property
    def may_sign(self) -> bool:
        """Whether nothing is missing."""
        return self.behind is None

    @property
    def is_beyond_all(self) -> bool:
        """Whether our signature stands under a head that no answering mirror can show: stolen, or lost by all."""
        return not self.may_sign and self.signed > max(self.shown, self.size)


def recover(home: Home, rotate: Callable[[str], object], progress: Progress = silent) -> Standing:
    """Try once to catch up; returns how the node stands then.

    `rotate` replaces the keys of a role by new ones, by a record. Raises Busy, and what `rotate` raises.
    """
    standing = _recover_log(home, progress)
    if standing.may_sign:
        if home.high_water.is_retiring():
            for role in (heads.WITNESS, heads.MIRROR):
                rotate(role)
            # A crash before this: they are rotated once more.
            home.high_water.settle_witness()
            _log.warning("witness and mirror have new keys: what the old ones have cosigned nobody here knows")
        if witness.catch_up(home):
            _log.warning("our witness goes on from what stands beside the keys: the database had forgotten it")
    return standing


def _recover_log(home: Home, progress: Progress) -> Standing:
    behind = home.log.behind()
    if behind is None:
        return Standing(None)
    said = ask_all(home)
    standing = look(home, said, behind)
    if standing.said < standing.needed:
        _log.warning("nothing is signed: %d of %d departments have said what they hold", standing.said, standing.needed)
        return standing
    try:
        fetch_back(home, said, progress)
        _settle(home, said)
    except ForkFound as fork:
        # Two heads bear our signature, and both cannot be true. Which of them is ours nobody here knows.
        _log.error("two histories bear our log's signature: nothing is signed")
        with transaction(home.engine) as connection:
            keep_evidence(connection, fork, home.now())
    except MarkLost as error:
        _log.warning("nothing is signed: %s", error)
    return _told(look(home, said, home.log.behind()))


def look(home: Home, said: Sequence[Said], behind: Behind | None) -> Standing:
    """How the node stands, by what others have said."""
    with reading(home.engine) as connection:
        departments = max(1 + len(read_peers(connection)), _expected(home))
        size = entries.read_edge(connection, home.log.id).size
    waiting, mark = _is_waiting(home), _mark(home)
    wanted = needed(departments) if waiting and not _is_alone(home) else 0
    signed = max([*(head.size for head in _all_heads(said)), *([mark[0]] if mark else [])], default=0)
    shown = max((one.mirrored.size for one in said if one.mirrored), default=0)
    return Standing(behind, len(said), wanted, size, signed, shown)


def _told(standing: Standing) -> Standing:
    if standing.may_sign:
        _log.warning("this node has caught up at size %d, and signs again", standing.size)
    elif standing.is_beyond_all:
        _log.error(
            "our signature stands under size %d, and no mirror that answers shows more than %d: stolen, or lost by all",
            standing.signed,
            max(standing.shown, standing.size),
        )
    return standing


def _is_waiting(home: Home) -> bool:
    try:
        return home.high_water.is_waiting()
    except Behind:
        return True


def _expected(home: Home) -> int:
    try:
        return home.high_water.departments()
    except MarkLost:
        return 0


def _is_alone(home: Home) -> bool:
    try:
        return home.high_water.is_alone()
    except MarkLost:
        return False


def _mark(home: Home) -> tuple[int, Hash] | None:
    try:
        return home.high_water.log_head()
    except Behind:
        return None


def _all_heads(said: Iterable[Said]) -> list[Head]:
    return [head for one in said for head in one.heads]


def _ours(home: Home, said: Sequence[Said]) -> Sequence[Said]:
    """What was said, without heads that lie beyond our mark: these we did not make. Raises Busy."""
    mark = _mark(home)
    if mark is None:
        return said
    if not note_strange(home, _all_heads(said)):
        return said

    def made_here(head: Head | None) -> Head | None:
        return head if head is not None and head.size <= mark[0] else None

    return [replace(one, witnessed=made_here(one.witnessed), mirrored=made_here(one.mirrored)) for one in said]


# --- what is missing ---


def fetch_back(home: Home, said: Sequence[Said], progress: Progress = silent) -> list[str]:
    """Fetch what is missing of our own log from the mirror that shows most of it, else from the next.

    Returns whose mirror was not believed, and why. Raises ForkFound or Busy.
    """
    said = _ours(home, said)
    sources = [(one.mirrored, one.peer) for one in said if one.mirrored is not None]
    others, doubted = _all_heads(said), []
    if (mark := _mark(home)) is not None:
        others.append(Head(home.origin, mark[0], mark[1], b""))
    for head, peer in sorted(sources, key=lambda source: -source[0].size):
        try:
            _fetch_from(home, peer, head, others, progress)
        except (LedgerError, MerkleError) as error:
            if isinstance(error, ForkFound):
                raise
            _log.warning("our log at %s: %s", peer.name, error)
            doubted.append(f"{peer.name}: {error}")
    return doubted


def _fetch_from(home: Home, peer: Peer, head: Head, others: Sequence[Head], progress: Progress) -> None:
    with reading(home.engine) as connection:
        edge = entries.read_edge(connection, home.log.id)
    if head.size <= edge.size:
        return
    below = f"mirror/{witness.hash_of_origin(home.origin)}"
    read = tile_node(partial(fetch_tile, home.client, peer, below=below), head.size)
    # Nothing is stored while two of our own signatures contradict each other.
    for other in others:
        if other.size <= head.size:
            check_same_history(other, head, read)
    while edge.size < head.size:
        fetched = fetch_entries(home.client, peer, edge.size, head.size, count_max=FETCHED_AT_ONCE, below=below)
        check_entries(edge, fetched, head, read)
        for at in range(0, len(fetched), ENTRIES_A_TRANSACTION):
            some = fetched[at : at + ENTRIES_A_TRANSACTION]
            _store(home, edge.size + at, some)
            progress(edge.size + at + len(some), head.size)
        with reading(home.engine) as connection:
            edge = entries.read_edge(connection, home.log.id)


def _store(home: Home, start: int, some: Sequence[bytes]) -> None:
    """Put back what we have written ourselves; nobody is told of it twice."""
    with transaction(home.engine) as connection:
        if entries.read_edge(connection, home.log.id).size != start:
            raise PeerUnreachable("another process is catching up at this moment")
        entries.append(connection, home.log.id, some)
        peer = replace(_as_peer(home), genesis=leaf_hash(some[0])) if start == 0 else _as_peer(home)
        take_in(connection, home, home.log.id, peer, start, [parse_only(one) for one in some], story=True)
        note_recovered(connection, home, start, some)


def _as_peer(home: Home) -> Peer:
    keys = home.keys
    vkeys = (tuple(keys.log_vkeys), tuple(keys.witness_vkeys), tuple(keys.mirror_vkeys))
    return Introduction(home.name, home.origin, home.public_url, "", keys.desk_public, *vkeys).peer()


# --- when it is all there ---


def _settle(home: Home, said: Sequence[Said]) -> None:
    """End the waiting, when the database holds all that bears our signature. Raises ForkFound, MarkLost, Busy."""
    if not _is_waiting(home):
        return
    with reading(home.engine) as connection:
        newest = heads.newest_head(connection, home.log.id)
        known = _all_heads(said)
        if newest is not None:
            known.append(Head(home.origin, newest.size, newest.root, newest.signed))
        for head in known:
            _check_held(connection, home, head)
    home.high_water.settle_log(max(((head.size, head.root) for head in known), default=None))


def _check_held(connection: Connection, home: Home, head: Head) -> None:
    edge = entries.read_edge(connection, home.log.id)
    if head.size > edge.size:
        raise MarkLost(f"our signature stands under size {head.size}, and the database holds {edge.size}")
    read = entries.node_reader(connection, home.log.id, edge.size)
    if root_at(head.size, read) != head.root:
        newest = heads.newest_head(connection, home.log.id)
        ours = head if newest is None else Head(home.origin, newest.size, newest.root, newest.signed)
        check_same_history(ours, head, read)
        raise MarkLost(f"our signature stands under another history of size {head.size}")
