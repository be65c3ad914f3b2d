"""Looks at a head that nobody but retired keys of a log has signed: by itself it is evidence of nothing.

Whoever has stolen an old key can sign any number of such heads, with any history. When another department cosigned one
before the key was retired, the log itself had shown it then.
"""

from sqlalchemy import Connection

from ledger.key_history import KeyRange, read_history
from ledger.merkle.cosignature import CosignedCheckpoint, open_cosigned
from ledger.merkle.errors import BadProof, MerkleError
from ledger.merkle.vkeys import parse_vkey
from ledger.peers.cosignatures import Cosigners
from ledger.peers.evidence import Head, check_same_history
from ledger.peers.home import Home
from ledger.records.rotation import LOG
from ledger.storage import entries, heads


def check_retired(connection: Connection, home: Home, origin: str, signed: bytes) -> None:
    """Raise ForkFound when the head contradicts what we hold, and was cosigned before its key was retired."""
    log_id = entries.find_log(connection, origin)
    newest = None if log_id is None else heads.newest_head(connection, log_id)
    if log_id is None or newest is None:
        return
    cosigners = Cosigners.read(connection, home)
    held = entries.read_edge(connection, log_id).size
    for one in read_history(connection, log_id).retired(LOG):
        opened = _open(signed, one, cosigners)
        if opened is None or not _covered(opened, one, cosigners):
            continue
        old = Head(origin, opened.checkpoint.size, opened.checkpoint.root, signed)
        now = Head(origin, newest.size, newest.root, newest.signed)
        try:
            check_same_history(old, now, entries.node_reader(connection, log_id, min(held, newest.size)))
        except BadProof:
            continue  # beyond what we hold: nothing to compare it with


def _open(signed: bytes, one: KeyRange, cosigners: Cosigners) -> CosignedCheckpoint | None:
    try:
        return open_cosigned(signed, [parse_vkey(vkey) for vkey in one.keys], cosigners.verifiers)
    except MerkleError:
        return None


def _covered(opened: CosignedCheckpoint, one: KeyRange, cosigners: Cosigners) -> bool:
    """Whether another department's cosignature from before the retirement stands under it; time 0 says no time."""
    until, origin = one.retired_at or 0, opened.checkpoint.origin
    return any(0 < each.time < until and cosigners.is_foreign(each.ref, origin) for each in opened.cosignatures)
