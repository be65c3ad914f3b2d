"""Asks other departments' mirrors how far they hold a log, when nobody has told for ten rounds that they keep up.

A log shows what the mirrors say of its newest head: of one that it keeps away from a record it would show nothing. Who
is asked is whoever seems to lag, so nearly always nobody. And a log that only we cannot reach keeps nothing from the
others: they are asked before it is said to.
"""

import logging
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from ledger.errors import ForkFound, LedgerError, PeerUnreachable
from ledger.merkle.cosignature import CosignedCheckpoint, open_cosigned
from ledger.merkle.errors import MerkleError
from ledger.merkle.note import NOTE_BYTES_MAX
from ledger.peers.cosignatures import Cosigners
from ledger.peers.evidence import Head, check_same_history, keep_evidence
from ledger.peers.home import Home, Peer, read_peers
from ledger.peers.witness import hash_of_origin
from ledger.rules.logs import ROUNDS_UNTIL_LATE
from ledger.storage import entries, heads
from ledger.storage.engine import reading, transaction
from ledger.storage.lags import forget_lag, read_lags
from ledger.storage.network import mirror_name, witness_name

ASKED_MAX = 20  # in one round
SECONDS_MAX = 20.0  # all of it; a round's lease is longer
QUESTION_SECONDS_MAX = 3.0  # each: who drips must not leave the others no time to say what they hold

_log = logging.getLogger(__name__)


class _Question(NamedTuple):
    holder: Peer  # whose mirror is asked
    of: Peer  # whose log it is about
    log_id: int


def ask_lagging(home: Home) -> None:
    """Fetch what those mirrors say that seem to lag behind what we hold; raises Busy."""
    with reading(home.engine) as connection:
        lags = read_lags(connection, home.now() - ROUNDS_UNTIL_LATE * home.round_seconds)
        if not lags:
            return
        peers = [peer for peer in read_peers(connection) if not peer.forked]
        logs = {entries.find_log(connection, peer.origin): peer for peer in peers}
    known = [(logs[log_id], log_id, name) for log_id, name in lags if log_id in logs]
    with home.client.within(SECONDS_MAX):
        _ask_mirrors(home, peers, known)
        _ask_about_unseen(home, peers, known)


def _ask_mirrors(home: Home, peers: Sequence[Peer], known: Sequence[tuple[Peer, int, str]]) -> None:
    mirrors = {mirror_name(peer.origin): peer for peer in peers}
    for one in [_Question(mirrors[name], of, log_id) for of, log_id, name in known if name in mirrors][:ASKED_MAX]:
        try:
            _ask(home, one)
        except LedgerError as error:
            _log.info("mirror of %s over %s: %s", one.holder.name, one.of.name, error)


def _ask_about_unseen(home: Home, peers: Sequence[Peer], known: Sequence[tuple[Peer, int, str]]) -> None:
    """Ask about the logs of which no mirror that we know of holds what our witness saw."""
    name = witness_name(home.origin)
    for of, log_id in [(of, log_id) for of, log_id, lagging in known if lagging == name][:ASKED_MAX]:
        if not _is_kept_from_all(home, [_Question(peer, of, log_id) for peer in peers if peer != of]):
            with transaction(home.engine, facts=False) as connection:
                forget_lag(connection, log_id, name)


def _is_kept_from_all(home: Home, questions: Sequence[_Question]) -> bool:
    """Whether somebody has answered, and nobody holds more of this log than we know of; or there is nobody to ask."""
    has_answered = not questions
    for one in questions[:ASKED_MAX]:
        try:
            signed = _fetch(home, one)
            opened = None if signed is None else _open(one, signed)
        except LedgerError as error:
            _log.info("mirror of %s over %s: %s", one.holder.name, one.of.name, error)
            continue
        has_answered = True
        with reading(home.engine) as connection:
            known = heads.newest_head(connection, one.log_id)
        if opened is not None and opened.cosignatures and opened.checkpoint.size > (known.size if known else 0):
            return False
    return has_answered


def _ask(home: Home, asked: _Question) -> None:
    signed = _fetch(home, asked)
    if signed is None:
        return
    opened = _open(asked, signed)
    with transaction(home.engine) as connection:
        try:
            _keep(connection, home, asked.log_id, opened, signed)
        except ForkFound as fork:
            keep_evidence(connection, fork, home.now())
        except MerkleError as error:
            raise PeerUnreachable(f"{_url(asked)}: {error}") from error


def _keep(connection: Connection, home: Home, log_id: int, opened: CosignedCheckpoint, signed: bytes) -> None:
    """Keep what it vouches for, when that is the history we hold; raises ForkFound."""
    checkpoint, newest = opened.checkpoint, heads.newest_head(connection, log_id)
    held = entries.read_edge(connection, log_id).size
    if newest is None or newest.size > held or checkpoint.size > newest.size:
        return  # it holds more than we do
    ours = Head(checkpoint.origin, newest.size, newest.root, newest.signed)
    theirs = Head(checkpoint.origin, checkpoint.size, checkpoint.root, signed)
    check_same_history(theirs, ours, entries.node_reader(connection, log_id, held))
    Cosigners.read(connection, home).keep(connection, log_id, checkpoint, opened.cosignatures)


def _url(asked: _Question) -> str:
    return f"{asked.holder.url}/mirror/{hash_of_origin(asked.of.origin)}/checkpoint"


def _fetch(home: Home, asked: _Question) -> bytes | None:
    with home.client.within(QUESTION_SECONDS_MAX):
        return home.client.get_if_any(_url(asked), bytes_max=NOTE_BYTES_MAX)


def _open(asked: _Question, signed: bytes) -> CosignedCheckpoint:
    """What a mirror shows of a log; raises PeerUnreachable when that is something else."""
    try:
        opened = open_cosigned(signed, asked.of.log_verifiers, asked.holder.mirror_verifiers)
    except MerkleError as error:
        raise PeerUnreachable(f"{_url(asked)}: no checkpoint of that log: {error}") from error
    if opened.checkpoint.origin != asked.of.origin or opened.checkpoint.extension:
        raise PeerUnreachable(f"{_url(asked)}: a checkpoint of {opened.checkpoint.origin}")
    return opened
