"""Says of what was signed with a stolen key that it counts no more: each such record's object is disputed (R50).

The records stay in the log, for nothing is taken out of it. A revocation says since which index somebody else may have
signed; whoever folds it, here or elsewhere, finds the same records under the same names.
"""

from collections.abc import Iterator

from sqlalchemy import Connection

from ledger import findings
from ledger.errors import MalformedRecord
from ledger.folding import dispute
from ledger.records.answers import ANSWERS
from ledger.records.check import is_compromised
from ledger.records.statement import Record, parse_record
from ledger.rules.logs import LogRef, stolen_key
from ledger.storage import entries
from ledger.storage.signers import read_signers

AT_ONCE = 1_024


def dispute_compromised(conn: Connection, log: LogRef, log_id: int, index: int, record: Record, now: int) -> int:
    """Called with each record just folded at this index; returns how many were disputed for it."""
    since = record.clear.get("compromised_since") if record.kind == "revocation" else None
    if since is None:
        return 0
    kids = {signer.kid for signer in read_signers(conn, log_id) if signer.handle == record.sub}
    found = 0
    for at, said in _records(conn, log_id, since, index):
        if any(is_compromised(said, at, kid, since) for kid in kids):
            dispute(conn, log_id, said.sub, at)
            findings.raise_finding(conn, stolen_key(log, said.leaf, at, said.sub), now)
            if said.kind in ANSWERS:
                findings.settle_answers(conn, said.clear["finding"], now)
            found += 1
    return found


def _records(conn: Connection, log_id: int, start: int, end: int) -> Iterator[tuple[int, Record]]:
    for first in range(start, end, AT_ONCE):
        for at, entry in enumerate(entries.read_entries(conn, log_id, first, min(first + AT_ONCE, end)), first):
            try:
                yield at, parse_record(bytes(entry))
            except MalformedRecord:
                continue
