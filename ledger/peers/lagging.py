"""Asks a department's mirror how far it holds another one's log, when nobody has told for ten rounds that it keeps up.

A log shows what the mirrors say of its newest head: of one that it keeps away from a record it would show nothing. Who
is asked is whoever seems to lag, so nearly always nobody.
"""

import logging
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
from ledger.storage.lags import read_lags
from ledger.storage.network import mirror_name

ASKED_MAX = 20  # in one round

_log = logging.getLogger(__name__)


class _Question(NamedTuple):
    holder: Peer  # whose mirror is asked
    of: Peer  # whose log it is about
    log_id: int


def ask_lagging(home: Home) -> None:
    """Fetch what those mirrors say that seem to lag behind what we hold; raises Busy."""
    with reading(home.engine) as connection:
        questions = _questions(connection, home)
    for one in questions[:ASKED_MAX]:
        try:
            _ask(home, one)
        except LedgerError as error:
            _log.info("mirror of %s over %s: %s", one.holder.name, one.of.name, error)


def _questions(connection: Connection, home: Home) -> list[_Question]:
    peers = [peer for peer in read_peers(connection) if not peer.forked]
    mirrors = {mirror_name(peer.origin): peer for peer in peers}
    logs = {entries.find_log(connection, peer.origin): peer for peer in peers}
    before = home.now() - ROUNDS_UNTIL_LATE * home.round_seconds
    return [
        _Question(mirrors[name], logs[log_id], log_id)
        for log_id, name in read_lags(connection, before)
        if name in mirrors and log_id in logs
    ]


def _ask(home: Home, asked: _Question) -> None:
    url = f"{asked.holder.url}/mirror/{hash_of_origin(asked.of.origin)}/checkpoint"
    signed = home.client.get_if_any(url, bytes_max=NOTE_BYTES_MAX)
    if signed is None:
        return
    try:
        opened = open_cosigned(signed, asked.of.log_verifiers, asked.holder.mirror_verifiers)
    except MerkleError as error:
        raise PeerUnreachable(f"{url}: no checkpoint of that log: {error}") from error
    if opened.checkpoint.origin != asked.of.origin or opened.checkpoint.extension:
        raise PeerUnreachable(f"{url}: a checkpoint of {opened.checkpoint.origin}")
    with transaction(home.engine) as connection:
        try:
            _keep(connection, home, asked.log_id, opened, signed)
        except ForkFound as fork:
            keep_evidence(connection, fork, home.now())
        except MerkleError as error:
            raise PeerUnreachable(f"{url}: {error}") from error


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
