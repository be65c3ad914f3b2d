"""What is private of a log in a node's database: each value at its record, and each opened against its digest."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Text, bindparam, cast, select

from ledger.audit.report import Faults
from ledger.audit.stored_heads import as_bytes
from ledger.errors import BadDisclosure
from ledger.records.statement import Record, open_disclosure
from ledger.storage import schema
from ledger.storage.engine import read_text
from ledger.storage.prepared import Prepared
from ledger.storage.vault import Unsealable, Vault, VaultRow

ROWS_AT_ONCE = 500
INDEX_MIN = -(2**63)  # of any row

_v, _z = schema.vault.c, schema.citizens.c
_LOG = _v.log_id == bindparam("log")
_SOME = (_LOG, _v.idx >= bindparam("start"), _v.idx < bindparam("end"))
_PLACES = select(_v.log_id, _v.handle, _v.idx, _v.leaf, _v.name).where(*_SOME).order_by(_v.idx)
_VALUES = _PLACES.add_columns(_v.citizen, _v.sealed, _z.wrapped_key).outerjoin(schema.citizens, _z.id == _v.citizen)
_SHUT, _OPEN = Prepared(_PLACES), Prepared(_VALUES)
_BEYOND = (
    select(_v.idx, _v.name)
    .where(_LOG, _v.idx >= bindparam("start"))
    .order_by(_v.idx)
    .execution_options(yield_per=ROWS_AT_ONCE)
)
_CITIZENS = select(cast(_z.id, Text).label("id"), _z.wrapped_key).execution_options(yield_per=ROWS_AT_ONCE)


class SealedValues:
    """The vault's rows of one log, read along with the log."""

    def __init__(self, conn: Connection, log_id: int, faults: Faults, vault_key: bytes | None) -> None:
        """Without the vault key the values stay closed, and only their places are looked at."""
        self._conn = conn
        self._faults = faults
        self._log_id = log_id
        self._key = vault_key
        self._vault = None if vault_key is None else Vault(vault_key)
        self._start = INDEX_MIN  # up to here the rows have been looked at

    def check(self, end: int, records: Mapping[int, Record]) -> None:
        """Look at the rows up to the record before `end`, all of which stand in `records` if they are records."""
        if self._key is not None:
            self._vault = Vault(self._key)  # it remembers each key that it unwraps, and the log may be long
        place = {"log": self._log_id, "start": self._start, "end": end}
        statement = _SHUT if self._key is None else _OPEN
        for row in read_text(self._conn, lambda: statement.rows(self._conn, place)):
            self._check(row, records)
        self._start = end

    def check_beyond(self, size: int) -> None:
        """Rows that belong to no entry at all."""
        for row in self._conn.execute(_BEYOND, {"log": self._log_id, "start": self._start}):
            self._add(row.idx, row.name, f"the log ends at {size}")

    def check_citizens(self) -> None:
        """Whether every citizen's key can be unwrapped."""
        if self._vault is None:
            return
        for row in self._conn.execute(_CITIZENS):
            try:
                self._vault.unbox(as_bytes(row.wrapped_key), row.id.encode())
            except Unsealable:
                self._faults.add("vault", f"citizen {row.id}", "the key does not unwrap: altered, or another vault's")

    def _check(self, row: tuple[Any, ...], records: Mapping[int, Record]) -> None:
        _log, handle, index, leaf, name, *_value = row
        record = records.get(index)
        if record is None or record.leaf != as_bytes(leaf) or record.sub != handle:
            self._add(index, name, "belongs to another record than the one at this index")
        elif record.known is None or name not in record.known.private:
            self._add(index, name, "the record has no disclosure of this name")
        elif self._vault is not None:
            sealed = VaultRow(*row)
            self._open(self._vault, sealed._replace(sealed=as_bytes(sealed.sealed)), record)

    def _add(self, index: int, name: str, reason: str) -> None:
        self._faults.add("vault", f"{index} {name}", reason)

    def _open(self, vault: Vault, row: VaultRow, record: Record) -> None:
        try:
            if row.wrapped_key is None or open_disclosure(record, vault.disclosure(row))[0] != row.name:
                self._add(row.idx, row.name, "holds a value of another name, or of nobody")
        except Unsealable:
            self._add(row.idx, row.name, "does not open: altered, or sealed under another key")
        except BadDisclosure:
            self._add(row.idx, row.name, "opens, and is not what the record's digests say")
