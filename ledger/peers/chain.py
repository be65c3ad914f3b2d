"""Follows the rotations of a department's keys, from keys that we trust to those that count now.

Each is checked like every record, and signed by the keys before it and by those it names. Where the records stand is
for whoever fetched them to prove.
"""

from dataclasses import dataclass, field
from typing import Self

from sqlalchemy import Connection

from ledger.errors import MalformedRecord
from ledger.folding import read_folded
from ledger.records.check import Signer, check_record, signer_ends, signer_named
from ledger.records.fold import Folded
from ledger.records.governance import DepartmentState
from ledger.records.kinds import DESK
from ledger.records.statement import Record, parse_record
from ledger.storage import entries
from ledger.storage.signers import read_signers


@dataclass(slots=True)
class Chain:
    """A department as its genesis and its rotations, and no other records, have left it."""

    origin: str
    handle: str | None = None
    objects: dict[str, Folded] = field(default_factory=dict)
    signers: dict[str, Signer] = field(default_factory=dict)

    @classmethod
    def of_mirrored(cls, connection: Connection, log_id: int, origin: str) -> Self:
        """As far as the log is folded here; nothing of it, when nothing is."""
        if entries.read_edge(connection, log_id).size == 0:
            return cls(origin)
        handle = parse_record(bytes(entries.read_entries(connection, log_id, 0, 1)[0])).sub
        folded = read_folded(connection, log_id, handle)
        rows = [row for row in read_signers(connection, log_id) if DESK in row.roles]
        signers = {row.kid: Signer(**{**row._asdict(), "roles": tuple(row.roles)}) for row in rows}
        return cls(origin, handle, {} if folded is None else {handle: folded}, signers)

    def take(self, index: int, entry: bytes) -> Record:
        """Follow one more; raises Rejected or Refused, with nothing changed."""
        record = parse_record(entry)
        if record.kind not in {"genesis", "rotation"} or self.handle not in {None, record.sub}:
            raise MalformedRecord(f"{record.kind} at index {index} is no rotation of this department")
        changed = check_record(record, index, self.origin, self.signers.get, self.objects.get)
        ended, named = signer_ends(record, index), signer_named(record, index)
        if ended is not None:
            self.signers = {kid: _ended(one, ended) for kid, one in self.signers.items()}
        if named is not None:
            self.signers[named.kid] = named
        self.handle = record.sub
        self.objects |= changed
        return record

    @property
    def state(self) -> DepartmentState | None:
        """The department now; None when nothing has been followed."""
        folded = None if self.handle is None else self.objects.get(self.handle)
        return folded.state if folded is not None and isinstance(folded.state, DepartmentState) else None


def _ended(one: Signer, index: int) -> Signer:
    return one.ended(index) if one.to_index is None else one
