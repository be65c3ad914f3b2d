"""Runs the statements of every answer and every act on the driver's own cursor, at a third of the general way's cost.

The statements stay SQLAlchemy's, so the schema is written once; each is compiled once for each kind of database.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, TypeVar

from sqlalchemy import Boolean, Connection, Dialect, LargeBinary, Select, TextClause, exc
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.types import TypeEngine

Process = Callable[[Any], Any]
_Place = TypeVar("_Place", str, int)

LISTED_MAX = 256  # values of one `IN (…)`


@dataclass(frozen=True, slots=True)
class _Compiled:
    sql: str
    order: tuple[str, ...] | None  # of its values; None when they go by name
    in_order: Process | None  # picks them in that order
    lists: tuple[str, ...]  # of these, the ones that stand for several
    fixed: Mapping[str, Any]  # values that stand in the statement itself
    bind: tuple[tuple[str, Process], ...]  # of the values whose stored form is another one
    process: tuple[tuple[int, Process], ...]  # of the columns whose stored form is not the value

    def bound_all(self, rows: Iterable[Mapping[str, Any]]) -> list[Any]:
        """The same of several rows."""
        if self.in_order is None or self.lists or self.fixed or self.bind:
            return [self.bound(each) for each in rows]
        return list(map(self.in_order, rows))

    def bound(self, values: Mapping[str, Any]) -> Any:
        """The values as the driver takes them."""
        given = _spread(values, self.lists) if self.lists else values
        if self.fixed or self.bind:
            given = {**given, **self.fixed}
            for name, how in self.bind:
                given[name] = how(given[name])
        return given if self.in_order is None else self.in_order(given)


def run_raw(conn: Connection, sql: str, bound: Any = ()) -> Any:
    """Run SQL on the driver's own cursor, and return it. Raises SQLAlchemy's errors, as its own way does."""
    driver: Any = conn.connection.dbapi_connection
    try:
        return driver.execute(sql, bound)
    except conn.dialect.loaded_dbapi.Error as error:
        raise _as_sqlalchemys(conn.dialect, sql, error) from error


def _run_many(conn: Connection, sql: str, bound: Iterable[Any]) -> int:
    cursor: Any = conn.connection.cursor()
    try:
        cursor.executemany(sql, bound)
        written: int = cursor.rowcount
    except conn.dialect.loaded_dbapi.Error as error:
        raise _as_sqlalchemys(conn.dialect, sql, error) from error
    finally:
        cursor.close()
    return written


def _as_sqlalchemys(dialect: Dialect, sql: str, error: Exception) -> BaseException:
    return exc.DBAPIError.instance(sql, None, error, dialect.loaded_dbapi.Error)


class Prepared:
    """One statement. A value that is a list stands for `IN (…)` with an expanding parameter.

    An insert names the columns of the values it is given first; the others keep what the database puts there.
    """

    def __init__(self, statement: Select[Any] | UpdateBase | TextClause) -> None:
        self._statement = statement
        self._writes = not isinstance(statement, Select)
        self._compiled: dict[str, _Compiled] = {}  # by database
        self._of_lengths: dict[tuple[str, tuple[int, ...]], _Compiled] = {}  # of lists as well, where it has any

    def rows(self, conn: Connection, values: Mapping[str, Any] | None = None) -> Sequence[tuple[Any, ...]]:
        """Every row, inside the connection's transaction. Raises SQLAlchemy's errors, as its own way does."""
        given = values or {}
        compiled = self._compile(conn.dialect, given)
        cursor = run_raw(conn, compiled.sql, compiled.bound(given))
        try:
            found: Sequence[tuple[Any, ...]] = cursor.fetchall()
        except conn.dialect.loaded_dbapi.Error as error:
            raise _as_sqlalchemys(conn.dialect, compiled.sql, error) from error
        finally:
            cursor.close()  # one that was not read to its end would hold up the commit
        return [_processed(row, compiled.process) for row in found] if compiled.process else found

    def rows_among(
        self, conn: Connection, name: str, listed: Iterable[Any], values: Mapping[str, Any] | None = None
    ) -> Iterator[tuple[Any, ...]]:
        """Every row for any number of values of the list of this name, each once, some hundred at a time."""
        left = list(dict.fromkeys(listed))
        for at in range(0, len(left), LISTED_MAX):
            some = left[at : at + LISTED_MAX]
            # A statement is compiled and kept for each length: let there be few.
            padding = (1 << (len(some) - 1).bit_length()) - len(some)
            yield from self.rows(conn, {**(values or {}), name: some + some[-1:] * padding})

    def first(self, conn: Connection, values: Mapping[str, Any] | None = None) -> tuple[Any, ...] | None:
        """The first row, or None."""
        found = self.rows(conn, values)
        return found[0] if found else None

    def scalar(self, conn: Connection, values: Mapping[str, Any] | None = None) -> Any:
        """The first value of the first row, or None."""
        found = self.rows(conn, values)
        return found[0][0] if found else None

    def run(self, conn: Connection, *values: Mapping[str, Any]) -> int:
        """Write, once for each of these; returns how many rows it was. Raises as `rows` does."""
        compiled = self._compile(conn.dialect, values[0])
        if len(values) == 1:
            written: int = run_raw(conn, compiled.sql, compiled.bound(values[0])).rowcount
            return written
        return _run_many(conn, compiled.sql, compiled.bound_all(values))

    def run_rows(self, conn: Connection, names: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> int:
        """The same of one row at least, each a value for every one of these names."""
        compiled = self._compile(conn.dialect, dict.fromkeys(names))
        if compiled.order == names and not compiled.bind:
            return _run_many(conn, compiled.sql, rows)
        return self.run(conn, *(dict(zip(names, row, strict=True)) for row in rows))

    def _compile(self, dialect: Dialect, given: Mapping[str, Any]) -> _Compiled:
        found = self._compiled.get(dialect.name)
        if found is not None:
            return found
        # What is written has no lists but JSON's own.
        lengths = () if self._writes else tuple([len(value) for value in given.values() if isinstance(value, list)])
        key = (dialect.name, lengths)
        if key not in self._of_lengths:
            self._of_lengths[key] = made = _compile(self._statement, dialect, given)
            if not made.lists:
                self._compiled[dialect.name] = made
        return self._of_lengths[key]


def _compile(statement: Select[Any] | UpdateBase | TextClause, dialect: Dialect, given: Mapping[str, Any]) -> _Compiled:
    columns = list(given) if isinstance(statement, UpdateBase) else None
    compiled: Any = statement.compile(dialect=dialect, column_keys=columns)
    expanded = compiled.construct_expanded_state(given)
    binds = {name: bind.type for bind, name in compiled.bind_names.items()}
    lists = tuple(name for name in given if name in compiled.binds and compiled.binds[name].expanding)
    spread = _spread(given, lists)
    told: Iterable[Any] = () if isinstance(statement, TextClause) else statement.exported_columns
    return _Compiled(
        expanded.statement,
        tuple(expanded.positiontup) if compiled.positional else None,
        _in_order(expanded.positiontup) if compiled.positional else None,
        lists,
        {name: value for name, value in expanded.parameters.items() if name not in spread},
        tuple(_found((name, _bind_processor(each, dialect)) for name, each in binds.items())),
        tuple(
            _found((at, _impl(column.type, dialect).result_processor(dialect, None)) for at, column in enumerate(told))
        ),
    )


def _in_order(names: Sequence[str]) -> Process:
    match names:
        case []:
            return lambda _given: ()
        case [name]:
            return lambda given: (given[name],)
    return itemgetter(*names)


def _impl(stored: TypeEngine[Any], dialect: Dialect) -> Any:
    return stored.dialect_impl(dialect)


def _bind_processor(stored: TypeEngine[Any], dialect: Dialect) -> Process | None:
    if dialect.name == "sqlite" and isinstance(stored, LargeBinary | Boolean):
        return None  # it takes bytes, and truth as 1 and 0, as they are
    how: Process | None = _impl(stored, dialect).bind_processor(dialect)
    return how


def _found(processors: Iterable[tuple[_Place, Process | None]]) -> Iterator[tuple[_Place, Process]]:
    return ((place, how) for place, how in processors if how is not None)


def _spread(values: Mapping[str, Any], lists: Sequence[str]) -> dict[str, Any]:
    """A list under the names that an expanding parameter is compiled to: `handles_1`, `handles_2`, …"""
    spread = {name: value for name, value in values.items() if name not in lists}
    for name in lists:
        spread |= {f"{name}_{place}": each for place, each in enumerate(values[name], 1)}
    return spread


def _processed(row: tuple[Any, ...], process: Sequence[tuple[int, Process]]) -> tuple[Any, ...]:
    values = list(row)
    for at, how in process:
        values[at] = how(values[at])
    return tuple(values)
