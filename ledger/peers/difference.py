"""Says what a log that has shown two histories shows otherwise now: the first record that is not the one we stored.

Ours was signed by that log before we stored it; theirs stands under a head that it signs now. Whatever it serves is
believed only as far as it leads to that head, and a record is quoted only when its own signature holds.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from sqlalchemy import Connection, select

from ledger import findings
from ledger.errors import MalformedRecord, PeerUnreachable, Rejected
from ledger.merkle.checkpoint import Checkpoint
from ledger.merkle.difference import first_difference
from ledger.merkle.errors import MerkleError
from ledger.merkle.hashing import leaf_hash
from ledger.merkle.note import parse_note_unverified
from ledger.merkle.proofs import ReadNode, check_inclusion, prove_inclusion
from ledger.merkle.tiles import tile_node
from ledger.peers.fetching import fetch_entries, fetch_tile
from ledger.peers.home import Home, Peer
from ledger.peers.mirror import fetch_head
from ledger.records.check import check_signed
from ledger.records.statement import parse_record
from ledger.rules.logs import LogRef, two_histories
from ledger.storage import entries, schema
from ledger.storage import findings as rows
from ledger.storage.engine import reading, transaction
from ledger.storage.signers import read_signer

DIFFERS = "differs"  # among the facts of the finding (R36)

_evidence = schema.evidence.c


def note_difference(home: Home, peer: Peer) -> bool:
    """Add to the finding about a forked log which record differs first; returns whether that is told by now.

    Nothing is asked of the peer once it is. Raises PeerUnreachable, Busy.
    """
    with reading(home.engine) as connection:
        if _untold(connection, peer.origin) is None:
            return True
        log_id = entries.find_log(connection, peer.origin)
    if log_id is None:
        return False
    try:
        differs = _compare(home, peer, log_id)
    except MerkleError as error:
        raise PeerUnreachable(f"{peer.origin}: {error}") from error
    if differs is None:
        return False
    with transaction(home.engine) as connection:
        _tell(connection, home, peer, differs)
    return True


def _untold(connection: Connection, origin: str) -> Any:
    """The evidence against this log, as long as its finding does not say what differs."""
    for row in connection.execute(select(schema.evidence).where(_evidence.origin == origin)):
        finding = rows.read_finding(connection, row.finding)
        if finding is not None and not finding.is_decided and DIFFERS not in finding.facts:
            return row
    return None


def _compare(home: Home, peer: Peer, log_id: int) -> dict[str, Any] | None:
    """The first record that differs, as it was and as it is; None when all that we hold is still served."""
    # 1. What it signs now.
    head = fetch_head(home, peer).checkpoint
    read = tile_node(partial(fetch_tile, home.client, peer), head.size)
    # 2. The first entry of ours that is another one there.
    with reading(home.engine) as connection:
        held = entries.read_edge(connection, log_id).size
        ours = entries.node_reader(connection, log_id, held)
        index = first_difference(min(held, head.size), ours, read)
        if index is None:
            return None
        [then] = entries.read_entries(connection, log_id, index, index + 1)
    # 3. The one there leads to what it signs.
    now = _fetch_proven(home, peer, head, index, read)
    if now == then:
        raise PeerUnreachable(f"{peer.origin}: its tiles and its entries do not agree at {index}")
    # 4. What both say.
    with reading(home.engine) as connection:
        told = partial(_told, connection, log_id, peer.origin, index)
        return {"index": index, "signed": told(then), "served": told(now)}


def _fetch_proven(home: Home, peer: Peer, head: Checkpoint, index: int, read: ReadNode) -> bytes:
    fetched = fetch_entries(home.client, peer, index, head.size, count_max=1)
    if not fetched:
        raise PeerUnreachable(f"{peer.origin}: does not serve its entry {index}")
    proof = prove_inclusion(index, head.size, read)
    check_inclusion(index, head.size, leaf_hash(fetched[0]), proof, head.root)
    return fetched[0]


def _told(connection: Connection, log_id: int, origin: str, index: int, entry: bytes) -> Mapping[str, Any]:
    """What a sentence needs of a record; of one that is no good record of that log, only why."""
    try:
        record = parse_record(entry)
        check_signed(record, index, origin, lambda kid: read_signer(connection, log_id, kid))
        if record.known is None:
            raise MalformedRecord(f"nobody here knows the kind {record.kind}")
    except Rejected as error:
        return {"reason": type(error).__name__}
    said = {"kind": record.kind, "sub": record.sub, "at": record.iat}
    return said | ({"amount": record.clear["amount"]} if "amount" in record.clear else {})


def _tell(connection: Connection, home: Home, peer: Peer, differs: Mapping[str, Any]) -> None:
    row = _untold(connection, peer.origin)
    if row is None:
        return  # another process has been quicker
    texts = [parse_note_unverified(signed).text for signed in (row.older, row.newer)]
    found = two_histories(LogRef(peer.origin, peer.name), *texts)
    findings.raise_finding(connection, replace(found, facts={**found.facts, DIFFERS: differs}), home.now())
