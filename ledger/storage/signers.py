"""Rows of the keys that sign records, each in the range of a log's indices in which it counts."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, insert, select, update

from ledger.storage.engine import forget, kept
from ledger.storage.prepared import Prepared
from ledger.storage.schema import signers


class SignerRow(NamedTuple):
    """A key, and in what range of a log's indices it counts."""

    kid: str
    handle: str
    public_key: bytes
    roles: Sequence[str]
    person: str
    from_index: int
    to_index: int | None

    def in_force(self, index: int) -> bool:
        """Whether a record at this index may bear its signature."""
        return self.from_index <= index and (self.to_index is None or index < self.to_index)


_s = signers.c
_SIGNER_COLUMNS = (_s.kid, _s.handle, _s.public_key, _s.roles, _s.person, _s.from_index, _s.to_index)
_SIGNER = Prepared(select(*_SIGNER_COLUMNS).where(_s.log_id == bindparam("log_id"), _s.kid == bindparam("kid")))
_KEPT_SIGNER = "signer"  # with a log's id and a key's: its row, for one writer after another
_SIGNERS = select(*_SIGNER_COLUMNS).where(_s.log_id == bindparam("log_id")).order_by(_s.from_index, _s.kid)
_PERSONS = Prepared(
    select(_s.kid, _s.person).where(_s.log_id == bindparam("log_id"), _s.kid.in_(bindparam("kids", expanding=True)))
)
_INSERT_SIGNER = insert(signers)
_END_SIGNER = (
    update(signers)
    .where(_s.log_id == bindparam("in_log"), _s.handle == bindparam("of_handle"), _s.to_index.is_(None))
    .values(to_index=bindparam("at_idx"))
)


def read_signer(conn: Connection, log_id: int, kid: str) -> SignerRow | None:
    """The key of that thumbprint in this log, in force or not."""
    place = (_KEPT_SIGNER, log_id, kid)
    known: SignerRow | None = kept(conn).get(place)
    if known is None:
        row = _SIGNER.first(conn, {"log_id": log_id, "kid": kid})
        known = None if row is None else SignerRow(*row)
        if known is not None:
            kept(conn)[place] = known
    return known


def read_signers(conn: Connection, log_id: int) -> list[SignerRow]:
    """Every key that ever counted in this log."""
    return [SignerRow(*row) for row in conn.execute(_SIGNERS, {"log_id": log_id})]


def read_persons(conn: Connection, log_id: int, kids: Iterable[str]) -> dict[str, str]:
    """The person digest behind each of these keys of one log."""
    wanted = sorted(set(kids))
    if not wanted:
        return {}
    return {row[0]: row[1] for row in _PERSONS.rows_among(conn, "kids", wanted, {"log_id": log_id})}


def insert_signer(conn: Connection, log_id: int, signer: SignerRow) -> None:
    """From `from_index` on this key counts in this log."""
    forget(conn)
    conn.execute(_INSERT_SIGNER, {"log_id": log_id, **signer._asdict()})


def end_signer(conn: Connection, log_id: int, handle: str, idx: int) -> None:
    """From this index on the officer's key counts no more."""
    forget(conn)
    conn.execute(_END_SIGNER, {"in_log": log_id, "of_handle": handle, "at_idx": idx})
