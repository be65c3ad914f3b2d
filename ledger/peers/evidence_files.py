"""Makes the document that shows anybody why a log is believed no longer, out of what was kept."""

from collections.abc import Iterator

from sqlalchemy import Connection, select

from ledger.key_history import read_history
from ledger.merkle.encoding import decode_base64
from ledger.merkle.errors import MerkleError
from ledger.merkle.hashing import as_hash
from ledger.merkle.vkeys import Verifier, parse_vkey
from ledger.peers.cosignatures import Cosigners
from ledger.peers.home import Home
from ledger.records.evidence import Evidence, EvidenceFile, make_file
from ledger.records.rotation import LOG
from ledger.storage import entries, schema

_kept = schema.evidence.c


def read_file(connection: Connection, home: Home, finding: str) -> EvidenceFile | None:
    """The document behind a finding (R36); None when nothing is kept for it, or nobody here knows its keys any more."""
    row = connection.execute(select(schema.evidence).where(_kept.finding == finding)).one_or_none()
    if row is None:
        return None
    kept = Evidence(row.older, row.newer, tuple(as_hash(decode_base64(one)) for one in row.proof))
    others = [one for one in Cosigners.read(connection, home).verifiers if one.name != row.origin]
    try:
        return make_file(kept, [*_log_keys(connection, row.origin)], others)
    except MerkleError:
        return None


def _log_keys(connection: Connection, origin: str) -> Iterator[Verifier]:
    """Every key by which this log ever signed, as far as it is known here, the newest first."""
    peers, strangers = schema.peers.c, schema.witness_logs.c
    told: list[str] = []
    for vkeys in connection.execute(select(peers.log_vkeys).where(peers.origin == origin)).scalars():
        told += vkeys
    told += connection.execute(select(strangers.vkey).where(strangers.origin == origin)).scalars()
    log_id = entries.find_log(connection, origin)
    if log_id is not None:
        ranges = read_history(connection, log_id).ranges
        told += [vkey for one in reversed(ranges) if one.role == LOG for vkey in one.keys]
    yield from map(parse_vkey, dict.fromkeys(told))
