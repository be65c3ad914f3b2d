"""Signs what our log has become, collects what others say of it, and publishes it.

A new head waits for a quorum, but not for long: a slow peer delays us by two seconds and never stops us. An unchanged
head is offered again each round, because the time of its cosignatures is what says that somebody still looks.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, as_completed, wait
from dataclasses import dataclass
from time import monotonic

from sqlalchemy import Connection

from ledger.errors import Busy, ForkFound, LedgerError, PeerUnreachable
from ledger.log import PUBLISH_WAIT_SECONDS, may_publish
from ledger.merkle.add_checkpoint import AddCheckpoint
from ledger.merkle.checkpoint import Checkpoint
from ledger.merkle.cosignature import Cosignature, CosignedCheckpoint, open_cosigned
from ledger.merkle.errors import MerkleError
from ledger.merkle.hashing import Hash
from ledger.merkle.note import NOTE_BYTES_MAX
from ledger.merkle.proofs import root_at
from ledger.merkle.vkeys import Verifier
from ledger.peers import evidence, witness
from ledger.peers.cosignatures import Cosigners, as_cosignature
from ledger.peers.errors import Declined
from ledger.peers.hearsay import held_by, note_strange
from ledger.peers.home import Home, Peer, read_peers
from ledger.peers.offering import CosignedMore, Door, last_said, offer, prove_growth
from ledger.storage import entries, heads
from ledger.storage.engine import reading, transaction
from ledger.storage.heads import Head

PARALLEL_MAX = 16
ANSWERS_SECONDS_MAX = 10.0  # a round waits longer for an answer than a publication does

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Offer:
    """A head of ours, and what a peer is told of how it grew."""

    head: Head
    old: int


@dataclass(frozen=True, slots=True)
class _Said:
    """What a peer's mirror shows of our log."""

    url: str
    signed: bytes
    opened: CosignedCheckpoint

    @property
    def head(self) -> evidence.Head:
        """The head, as evidence writes it."""
        checkpoint = self.opened.checkpoint
        return evidence.Head(checkpoint.origin, checkpoint.size, checkpoint.root, self.signed)


def publish_round(home: Home, *, cosign: bool = True) -> int | None:
    """Sign a new head, have it cosigned and publish it; returns its size, None when there was nothing to publish.

    `cosign` False: the story before the network began is told, and nobody is asked. Raises Behind or Busy.
    """
    home.log.check_whole()
    head = home.log.sign_new_head() or _unpublished(home)
    if head is None:
        return None
    if cosign:
        cosign_own(home, head)
        _gather_until_quorum(home, head)
    home.log.publish(head.size)
    home.log.refresh()
    return head.size


def offer_again(home: Home, pool: Executor) -> None:
    """Offer the head that is published to all peers once more, for fresh cosignatures; raises Behind or Busy."""
    head = home.log.published_head()
    if head is None:
        return
    cosign_own(home, head)
    asked = _offer_to_all(home, pool, head)
    came, late = wait(asked, timeout=ANSWERS_SECONDS_MAX)
    if late:
        for answer in late:
            answer.cancel()  # if it has not begun: the next round asks again
        _log.info("size %d: %d peers did not answer within %.0f s", head.size, len(late), ANSWERS_SECONDS_MAX)
    said = [one for answer in came for one in _answered(asked[answer], head, answer)]
    keep_said(home, head, said)
    home.log.refresh()


def cosign_own(home: Home, head: Head) -> None:
    """Have our own witness cosign our head, by the same rule as any other log's; raises Behind or Busy."""
    with reading(home.engine) as connection:
        seen = witness.last_seen(connection, home.origin)
        if seen.size > head.size:
            return
        proof = prove_growth(connection, home, seen.size, head.size)
    try:
        lines = witness.cosign_next(home, AddCheckpoint(seen.size, proof, head.signed))
    except Declined as error:  # another process has been quicker, or our own history broke: never quietly
        _log.warning("our own head of size %d: %s", head.size, error)
        return
    keep_said(home, head, map(as_cosignature, lines))


def collect_mirrors(home: Home, pool: Executor) -> None:
    """Fetch what each peer's mirror says of our log; raises Busy."""
    with reading(home.engine) as connection:
        peers = _askable(connection)
    said: list[_Said] = []
    asked = {pool.submit(_ask_mirror, home, peer): peer for peer in peers}
    for one in wait(asked).done:
        try:
            answer = one.result()
        except LedgerError as error:
            _log.info("mirror of %s: %s", asked[one].name, error)
        else:
            said += [] if answer is None else [answer]
    _keep_mirrors(home, said)
    home.log.refresh()


def _unpublished(home: Home) -> Head | None:
    """A head that was signed and, for a crash, never published."""
    newest, published = home.log.newest_head(), home.log.published_head()
    if newest is None or (published is not None and published.size >= newest.size):
        return None
    return newest


def _askable(connection: Connection) -> list[Peer]:
    return [peer for peer in read_peers(connection) if not peer.forked]


def _gather_until_quorum(home: Home, head: Head) -> None:
    """Publish as soon as a quorum has cosigned, then go on listening until the wait is over."""
    with reading(home.engine) as connection:
        departments = 1 + len(read_peers(connection))
    began = monotonic()
    cosigned = 1  # our own witness
    published = False
    pool = ThreadPoolExecutor(PARALLEL_MAX)
    try:
        for said in _gather(home, pool, head, PUBLISH_WAIT_SECONDS):
            try:
                keep_said(home, head, said)
            except Busy as error:
                _log.info("what was said of our size %d is not kept: %s", head.size, error)
                continue
            cosigned += 1
            if not published and may_publish(cosigned, departments, monotonic() - began):
                published = home.log.publish(head.size)
    finally:
        # A late answer is not lost: the peer has cosigned, and the next round asks again.
        pool.shutdown(wait=False, cancel_futures=True)


def _gather(home: Home, pool: Executor, head: Head, seconds: float) -> Iterator[Sequence[Cosignature]]:
    """Offer a head to all peers at once; the cosignatures of each that has given any are yielded, as they come."""
    asked = _offer_to_all(home, pool, head)
    try:
        for answer in as_completed(asked, timeout=seconds):
            if said := _answered(asked[answer], head, answer):
                yield said
    except TimeoutError:
        _log.info("size %d: not every peer answered within %.0f s", head.size, seconds)


def _offer_to_all(home: Home, pool: Executor, head: Head) -> Mapping[Future[Sequence[Cosignature]], Peer]:
    with reading(home.engine) as connection:
        said = heads.read_cosignatures(connection, home.log.id)
        offers = [(peer, _Offer(head, last_said(said, peer.witness_verifiers))) for peer in _askable(connection)]
    return {pool.submit(_offer_to, home, peer, made): peer for peer, made in offers}


def _answered(peer: Peer, head: Head, answer: Future[Sequence[Cosignature]]) -> Sequence[Cosignature]:
    """The cosignatures that it gave; none, when it gave something else."""
    try:
        return answer.result()
    except LedgerError as error:
        _log.info("%s did not cosign our size %d: %s", peer.name, head.size, error)
        return ()


def _offer_to(home: Home, peer: Peer, made: _Offer) -> Sequence[Cosignature]:
    try:
        return offer(home, _door(peer), made.head, made.old)
    except CosignedMore:
        if (held := held_by(home, peer, heads.WITNESS)) is not None:
            note_strange(home, [held])
        raise


def _door(peer: Peer) -> Door:
    return Door(peer.origin, f"{peer.url}/witness", peer.witness_verifiers)


def _own(home: Home) -> tuple[Verifier, ...]:
    return tuple(signer.verifier for signer in home.keys.log)


def keep_said(home: Home, head: Head, cosignatures: Iterable[Cosignature], *, outside: bool = False) -> None:
    """Keep what was said of a head of ours, if our log still stands as it did when the question went out.

    `outside`: by somebody who is no member, and whose keys have been looked at.
    """
    checkpoint = Checkpoint(home.origin, head.size, head.root)
    with transaction(home.engine, facts=False) as connection:
        if _root_of_ours(connection, home, head.size) != head.root:
            _log.error("what was said of our size %d is not kept: the log has another root there by now", head.size)
            return
        known = Cosigners.read(connection, home)
        keep = known.keep_outside if outside else known.keep
        keep(connection, home.log.id, checkpoint, cosignatures)


def _root_of_ours(connection: Connection, home: Home, size: int) -> Hash | None:
    """The root of our log when it held so many entries; None when it does not hold as many."""
    edge = entries.read_edge(connection, home.log.id)
    if size > edge.size:
        return None
    # From the tree, and not from the edge: whoever rewrites a log may have left that as it was.
    return root_at(size, entries.node_reader(connection, home.log.id, edge.size))


def _ask_mirror(home: Home, peer: Peer) -> _Said | None:
    url = f"{peer.url}/mirror/{witness.hash_of_origin(home.origin)}/checkpoint"
    signed = home.client.get_if_any(url, bytes_max=NOTE_BYTES_MAX)
    if signed is None:
        return None
    try:
        return _Said(url, signed, open_cosigned(signed, _own(home), peer.mirror_verifiers))
    except MerkleError as error:
        raise PeerUnreachable(f"{url}: no checkpoint of ours: {error}") from error


def _keep_mirrors(home: Home, said: Sequence[_Said]) -> None:
    """Keep what fits our log, all of it at once; what bears our signature and does not fit is said aloud."""
    strange, stolen = [], []
    with transaction(home.engine, facts=False) as connection:
        cosigners, roots = Cosigners.read(connection, home), dict[int, Hash | None]()
        for one in said:
            checkpoint = one.opened.checkpoint
            if checkpoint.size not in roots:
                roots[checkpoint.size] = _root_of_ours(connection, home, checkpoint.size)
            root = roots[checkpoint.size]
            if root is None:
                strange.append(one)
            elif root != checkpoint.root:
                stolen.append(one)
            else:
                cosigners.keep(connection, home.log.id, checkpoint, one.opened.cosignatures)
    for one in stolen:
        _raise_theft(home, one.opened.checkpoint.size, one.signed)
    for one in strange:
        _log.warning("%s: holds size %d of our log, which we do not", one.url, one.head.size)
    note_strange(home, [one.head for one in strange])


def _raise_theft(home: Home, size: int, signed: bytes) -> None:
    """Our own key stands under a history that is not ours: kept as evidence like anybody's, and said aloud."""
    newest = home.log.newest_head()
    assert newest is not None  # what a mirror cosigned we have signed before
    _log.error("a head of size %d bears our log's signature, and we did not make it", size)
    ours = evidence.Head(home.origin, newest.size, newest.root, newest.signed)
    theirs = open_cosigned(signed, _own(home)).checkpoint
    with transaction(home.engine) as connection:
        read = entries.node_reader(connection, home.log.id, newest.size)
        try:
            evidence.check_same_history(ours, evidence.Head(home.origin, theirs.size, theirs.root, signed), read)
        except ForkFound as fork:
            evidence.keep_evidence(connection, fork, home.now())
