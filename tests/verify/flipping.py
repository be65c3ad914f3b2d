"""Flips one bit of one value of one row, in either database, behind everybody's back; and puts it back."""

import json
import random
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Engine, Table, cast, select, type_coerce
from sqlalchemy.types import String, Text

TRIES = 200


@dataclass(frozen=True)
class Flip:
    """What was changed."""

    table: Table
    column: str
    row: dict[str, Any]  # as it was
    new: Any

    def __str__(self) -> str:
        keys = {column.name: self.row[column.name] for column in self.table.primary_key}
        return f"{self.table.name}.{self.column} of {keys}: {self.row[self.column]!r} -> {self.new!r}"


class Rows:
    """The rows of a database that is always put back, each table read once."""

    def __init__(self, engine: Engine) -> None:
        self.dialect = engine.dialect.name
        self._engine = engine
        self._read: dict[str, list[dict[str, Any]]] = {}

    def of(self, table: Table) -> list[dict[str, Any]]:
        if table.name not in self._read:
            self._read[table.name] = _rows(self._engine, table)
        return self._read[table.name]


def choose(all_rows: Rows, chance: random.Random, places: list[tuple[Table, str]], spare) -> Flip:
    """A random bit of a random row of a random column; `spare` says which rows are let alone."""
    while True:
        table, column = chance.choice(places)
        rows = [row for row in all_rows.of(table) if row[column] is not None and not spare(table, column, row)]
        if not rows:
            continue
        row = chance.choice(rows)
        new = _flip(row[column], table.c[column], chance, all_rows.dialect)
        if new is not None and _is_free(all_rows.of(table), table, column, row, new):
            return Flip(table, column, row, new)


def _rows(engine: Engine, table: Table) -> list[dict[str, Any]]:
    columns = [cast(column, Text).label(column.name) if isinstance(column.type, JSON) else column for column in table.c]
    with engine.connect() as conn:
        return [dict(row) for row in conn.execute(select(*columns)).mappings()]


def _flip(value: Any, column: Column[Any], chance: random.Random, dialect: str) -> Any:
    match value:
        case bool():
            return not value
        case int():
            wide = isinstance(column.type, BigInteger) or dialect == "sqlite"
            return value ^ (1 << chance.randrange(63 if wide else 31))
        case bytes():
            return _flip_bytes(value, chance)
        case str():
            for _ in range(TRIES):
                raw = _flip_bytes(value.encode(), chance) or b""
                if dialect == "sqlite" or _is_text(raw, is_json=isinstance(column.type, JSON)):
                    return raw if dialect == "sqlite" else raw.decode()
    return None


def _flip_bytes(raw: bytes, chance: random.Random) -> bytes | None:
    if not raw:
        return None
    bit = chance.randrange(len(raw) * 8)
    return raw[: bit // 8] + bytes([raw[bit // 8] ^ (1 << bit % 8)]) + raw[bit // 8 + 1 :]


def _is_text(raw: bytes, *, is_json: bool) -> bool:
    """Whether PostgreSQL would ever hold it: it looks at text when it is put in."""
    try:
        text = raw.decode()
        if is_json:
            json.loads(text)
    except ValueError:
        return False
    return "\0" not in text


def _is_free(rows: list[dict[str, Any]], table: Table, column: str, row: dict[str, Any], new: Any) -> bool:
    """Whether no other row has the key that this one would have."""
    names = [key.name for key in table.primary_key]
    if column not in names:
        return True
    wanted = {name: row[name] for name in names} | {column: new}
    others = ({name: one[name] for name in names} for one in rows)
    return wanted not in others


@contextmanager
def flipped(engine: Engine, flip: Flip) -> Iterator[None]:
    """The database with this bit flipped, and afterwards without."""
    keys = {column.name: flip.row[column.name] for column in flip.table.primary_key}
    after = keys | ({flip.column: flip.new} if flip.column in keys else {})
    _write(engine, flip, keys, flip.new)
    try:
        yield
    finally:
        _write(engine, flip, after, flip.row[flip.column])


def _write(engine: Engine, flip: Flip, keys: dict[str, Any], value: Any) -> None:
    if engine.dialect.name == "sqlite":
        _write_sqlite(engine, flip, keys, value)
    else:
        _write_postgres(engine, flip, keys, value)


def _write_sqlite(engine: Engine, flip: Flip, keys: dict[str, Any], value: Any) -> None:
    raw = sqlite3.connect(engine.url.database or "")  # with no foreign keys looked at
    is_text = isinstance(flip.table.c[flip.column].type, String | JSON)
    mark = "CAST(? AS TEXT)" if is_text else "?"
    where = " AND ".join(f"{name} = {_mark(flip.table.c[name])}" for name in keys)
    with raw:
        done = raw.execute(
            f"UPDATE {flip.table.name} SET {flip.column} = {mark} WHERE {where}",
            (_raw(value), *map(_raw, keys.values())),
        )
    raw.close()
    assert done.rowcount == 1, flip


def _mark(column: Column[Any]) -> str:
    return "CAST(? AS TEXT)" if isinstance(column.type, String) else "?"


def _raw(value: Any) -> Any:
    return value.encode() if isinstance(value, str) else value


def _write_postgres(engine: Engine, flip: Flip, keys: dict[str, Any], value: Any) -> None:
    column = flip.table.c[flip.column]
    new = cast(type_coerce(value, Text), JSON) if isinstance(column.type, JSON) else value
    statement = flip.table.update().values({flip.column: new})
    for name, key in keys.items():
        statement = statement.where(flip.table.c[name] == key)
    with engine.begin() as conn:
        conn.exec_driver_sql("SET LOCAL session_replication_role = replica")  # with no foreign keys looked at
        assert conn.execute(statement).rowcount == 1, flip
