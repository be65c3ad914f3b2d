"""Which rows a backup holds, and how they are carried between a node's database and the file.

The file is an SQLite database whatever the node runs on: rows are read in one snapshot and written anew. What must not
be in it is never written, and so leaves no trace in free pages.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Integer, Table, func, insert, select, text

from ledger.progress import Progress, silent
from ledger.storage import schema

ROWS_AT_ONCE = 1_000

Row = dict[str, Any]
Change = Callable[[Row], Row | None]

# What ends with the machine that it was given on, or within minutes: codes, links, questions, who holds a lease.
_LEFT_OUT = frozenset({"moment", "leases", "binding_codes", "tickets", "invitations", "nonces", "totp_used", "tries"})
KEYS_APART = schema.citizens  # their wrapped keys lie in a file of their own


@dataclass(frozen=True, slots=True)
class Part:
    """A table of the backup; `change` says what of a row is kept, None that nothing is."""

    table: Table
    change: Change | None = None


def ledger_parts() -> list[Part]:
    """The ledger's tables, in an order in which they can be filled again."""
    kept = [table for table in schema.metadata.sorted_tables if table.name not in _LEFT_OUT]
    return [Part(table, _without_key if table is KEYS_APART else None) for table in kept]


def _without_key(row: Row) -> Row:
    return {**row, "wrapped_key": b""}


def copy_rows(source: Connection, target: Connection, parts: Sequence[Part], progress: Progress = silent) -> None:
    """Carry all rows over, a few at a time; progress is told in rows."""
    counts = (source.execute(select(func.count()).select_from(part.table)).scalar_one() for part in parts)
    done, rows_in_all = 0, sum(counts)
    for part in parts:
        rows = source.execute(select(part.table), execution_options={"yield_per": ROWS_AT_ONCE})
        for some in rows.mappings().partitions():
            changed = [dict(row) if part.change is None else part.change(dict(row)) for row in some]
            if kept := [row for row in changed if row is not None]:
                target.execute(insert(part.table), kept)
            done += len(some)
            progress(done, rows_in_all)


def wrapped_keys(source: Connection) -> dict[str, bytes]:
    """Every citizen's key, wrapped under the vault key."""
    return {row.id: row.wrapped_key for row in source.execute(select(schema.citizens))}


def only_of(keys: Mapping[str, bytes]) -> Callable[[Part], Part]:
    """Bring wrapped keys back, and leave out whatever belongs to somebody whose key has been destroyed."""

    def of(part: Part) -> Part:
        if part.table is KEYS_APART:
            return Part(part.table, lambda row: {**row, "wrapped_key": keys[row["id"]]} if row["id"] in keys else None)
        if "citizen" in part.table.c:
            return Part(part.table, lambda row: row if row["citizen"] in keys or row["citizen"] is None else None)
        return Part(part.table)

    return of


def count_on(target: Connection, tables: Collection[Table]) -> None:
    """Let a database that numbers rows by a counter go on behind those that came with a number."""
    if target.dialect.name != "postgresql":
        return
    for table, column in _numbered(tables):
        highest = target.execute(select(func.max(table.c[column]))).scalar()
        if highest is not None:
            place = {"table": table.name, "column": column, "highest": highest}
            target.execute(text("SELECT setval(pg_get_serial_sequence(:table, :column), :highest)"), place)


def _numbered(tables: Iterable[Table]) -> Iterator[tuple[Table, str]]:
    for table in tables:
        key: Sequence[Any] = list(table.primary_key.columns)
        if len(key) == 1 and isinstance(key[0].type, Integer) and key[0].autoincrement is not False:
            yield table, key[0].name
