"""Stores and checks what is missing of one peer's log: a turn at a time, in transactions that let the desk in between.

Nothing is stored before it leads to a root that the peer signed.
"""

import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection, update

from ledger.errors import PeerUnreachable
from ledger.examining.examine import Examined, Looked, Task, leaves_of, looked_at
from ledger.examining.pool import Keys, WorkerDied, examining_in_turn, is_worth_processes
from ledger.merkle.proofs import ReadNode
from ledger.merkle.tiles import Leaves
from ledger.peers.evidence import Head
from ledger.peers.fetching import fetch_bundles, fetching_ahead
from ledger.peers.growth import check_edge
from ledger.peers.home import Home, Peer
from ledger.peers.intake import take_in
from ledger.storage import entries, schema
from ledger.storage.carrying import carrying
from ledger.storage.engine import HeldTooLong, reading, transaction
from ledger.storage.signers import read_signers

ENTRIES_A_TURN_MAX = 128 * 1024  # of one peer in a round: the others wait for theirs
ENTRIES_A_TRANSACTION = 8 * 1024  # the more, the fewer pages of an index are written again and again
BYTES_A_TRANSACTION = 16 * 1024 * 1024  # of entries: they lie in memory until they are stored
ENTRIES_A_SLOW_TRANSACTION = 256  # the first of a turn, its last, and all that follow what was refused or took too long
HELD_SECONDS = 0.3  # that a transaction should take: the desk writes in between
HELD_SECONDS_MAX = 1.0  # then it is taken back, and done in slow ones
WORKERS = min(os.cpu_count() or 1, 8)  # processes that look at entries while a peer is far ahead

_log = logging.getLogger(__name__)

_Found = tuple[Task, Examined]


class Caught(NamedTuple):
    """What a turn came to."""

    checked: int  # entries of the log that we hold and have checked
    new: int  # how many of them in this turn
    refused: int  # how many of the new ones are findings


def catch_up(home: Home, peer: Peer, log_id: int, head: Head, read: ReadNode, *, story: bool) -> Caught:
    """Store and check up to ENTRIES_A_TURN_MAX of the entries that are missing of a log of this head.

    `read`: its tree; `story`: the story before the network began is told. Raises PeerUnreachable, Busy.
    """
    try:
        return _catch_up_with(WORKERS, home, peer, log_id, head, read, story=story)
    except (WorkerDied, OSError) as error:  # no room for processes: then slowly, from where it stood
        _log.warning("%s is looked at by one process: %s", peer.name, error)
        return _catch_up_with(1, home, peer, log_id, head, read, story=story)


def catch_up_all(home: Home, peer: Peer, log_id: int, head: Head, read: ReadNode) -> None:
    """The same up to a head that somebody answers for, however many turns it takes."""
    checked, new = 0, 1
    while checked < head.size and new:
        checked, new, _refused = catch_up(home, peer, log_id, head, read, story=False)


@dataclass(slots=True)
class _Turn:
    """How far a turn has come, and how much is stored next."""

    count: int  # entries that it is about, at most
    keys: Keys
    new: int = 0
    refused: int = 0
    is_slow: bool = True
    pace: float = HELD_SECONDS  # seconds an entry, in the last transaction

    def most(self) -> int:
        """How many entries are stored together."""
        if not self.keys.in_order:
            return 1  # the first task names the keys with which all others are looked at
        if self.is_slow:
            return ENTRIES_A_SLOW_TRANSACTION
        # Ever fewer towards the end: when the last of them have been looked at, little is left for this process alone.
        few = max((self.count - self.new) // 3, ENTRIES_A_SLOW_TRANSACTION)
        return min(few, ENTRIES_A_TRANSACTION, int(HELD_SECONDS / self.pace))

    def stored(self, new: int, refused: int, seconds: float) -> None:
        """Go on from there."""
        self.new += new
        self.refused += refused
        self.pace = seconds / new
        self.is_slow = self.refused > 0 or seconds > HELD_SECONDS_MAX


def _catch_up_with(
    workers: int, home: Home, peer: Peer, log_id: int, head: Head, read: ReadNode, *, story: bool
) -> Caught:
    with reading(home.engine) as connection:
        edge = entries.read_edge(connection, log_id)
        keys = Keys()
        _learn(keys, connection, log_id)
    turn = _Turn(min(head.size - edge.size, ENTRIES_A_TURN_MAX), keys)
    is_far = is_worth_processes(turn.count)  # few are worth no threads, and each of their transactions is durable
    bundles = fetch_bundles(home.client, peer, edge.size, head.size, count_max=ENTRIES_A_TURN_MAX)
    silent: list[PeerUnreachable] = []

    def store(batch: _Batch, seconds: float | None) -> None:
        begun = time.monotonic()
        refused = _store(home, log_id, peer, batch, keys, story=story, durable=not is_far, seconds=seconds)
        turn.stored(len(batch.some), refused, time.monotonic() - begun)

    with (
        examining_in_turn(keys, turn.count, workers) as examiner,
        fetching_ahead(home.client, bundles) if is_far else nullcontext(bundles) as fetched,
        carrying(home.engine) if is_far else nullcontext(lambda: None) as carry,
    ):
        for found in _several(examiner.each(_tasks(fetched, edge.size, silent)), turn.most):
            batch = _joined(found)
            # Nothing is stored before it leads to the signed root.
            edge = batch.leaves.behind(edge)
            check_edge(edge, head, read)
            try:
                store(batch, HELD_SECONDS_MAX if len(found) > 1 else None)
            except HeldTooLong:
                for one in found:
                    store(_joined([one]), None)
            carry()
        if is_far:
            _make_durable(home)
    if silent:
        raise silent[0]
    return Caught(edge.size, turn.new, turn.refused)


def _make_durable(home: Home) -> None:
    """One durable transaction makes all those durable that were committed before it."""
    with transaction(home.engine, facts=False):
        pass


def _tasks(bundles: Iterable[list[bytes]], start: int, silent: list[PeerUnreachable]) -> Iterator[Task]:
    """A task for each bundle. A peer that falls silent on the way is noted, and what came before is kept."""
    try:
        for some in bundles:
            yield Task(start, (), some)
            start += len(some)
    except PeerUnreachable as error:
        silent.append(error)


def _several(examined: Iterable[_Found], most: Callable[[], int]) -> Iterator[list[_Found]]:
    """Neighbouring tasks together, until they have so many entries, or are long enough."""
    found: list[_Found] = []
    count = weight = 0
    for one in examined:
        found.append(one)
        count += len(one[0].entries)
        weight += one[0].weight
        if count >= most() or weight >= BYTES_A_TRANSACTION:
            yield found
            found, count, weight = [], 0, 0
    if found:
        yield found


class _Batch(NamedTuple):
    """Neighbouring entries that are stored together."""

    start: int
    some: Sequence[Looked]
    leaves: Leaves


def _joined(found: Sequence[_Found]) -> _Batch:
    some = [looked for task, one in found for looked in looked_at(task, one)]
    roots = [one.root for _, one in found if one.root is not None]
    leaves = Leaves(leaves_of(some), roots if len(roots) == len(found) else ())
    return _Batch(found[0][0].start, some, leaves)


def _learn(keys: Keys, connection: Connection, log_id: int) -> None:
    """Know the keys that this log has named by now: with these its entries are tried ahead of their turn."""
    for signer in read_signers(connection, log_id):
        if signer.kid not in keys.by_kid:
            keys.add(signer.kid, signer.public_key)


def _store(
    home: Home,
    log_id: int,
    peer: Peer,
    batch: _Batch,
    keys: Keys,
    *,
    story: bool,
    durable: bool,
    seconds: float | None,
) -> int:
    with transaction(home.engine, keep=True, durable=durable, seconds=seconds) as connection:
        if entries.read_edge(connection, log_id).size != batch.start:
            raise PeerUnreachable(f"{peer.origin}: another round is following it at this moment")
        entries.append(connection, log_id, [one.entry for one in batch.some], batch.leaves)
        refused = take_in(connection, home, log_id, peer, batch.start, batch.some, story=story)
        end = batch.start + len(batch.some)
        connection.execute(update(schema.logs).where(schema.logs.c.id == log_id).values(folded=end))
        _learn(keys, connection, log_id)
        return refused
