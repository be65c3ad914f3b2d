"""A database whose n-th call fails, before it is done or just after: what a full disk or a broken line looks like."""

import sqlite3
from typing import Any

import psycopg
from sqlalchemy import Engine, event


class Breakdown:
    """Fails the n-th call from now on, once; below it everything is a real database.

    `after`: the call is done, and only its answer is lost.
    """

    def __init__(self, engine: Engine) -> None:
        self.left = 0
        self.after = False
        self.calls: list[str] = []
        engine.dispose()  # from now on every connection is one of ours
        event.listen(engine, "do_connect", self._connect)

    def fail_at(self, call: int, *, after: bool = False) -> None:
        self.left, self.after, self.calls = call, after, []

    def mend(self) -> bool:
        """Let nothing fail any more; whether it has failed."""
        failed, self.left = self.left <= 0, 0
        return failed

    def call(self, what: str, error: Exception, done: Any, *given: Any) -> Any:
        self.calls.append(what)
        self.left -= 1
        if self.left == 0 and not self.after:
            raise error
        answer = done(*given)
        if self.left == 0:
            if answer is not None:
                answer.close()  # as a driver leaves a cursor that failed
            raise error
        return answer

    def _connect(self, dialect: Any, _record: Any, cargs: Any, cparams: Any) -> Any:
        if dialect.name == "sqlite":
            return sqlite3.connect(*cargs, factory=_sqlite(self), **cparams)
        return _postgres(self).connect(*cargs, **cparams)


def _sqlite(breakdown: Breakdown) -> type[sqlite3.Connection]:
    def full() -> sqlite3.OperationalError:
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        return error

    class Cursor(sqlite3.Cursor):
        def execute(self, sql: str, *given: Any) -> Any:
            return breakdown.call(sql, full(), super().execute, sql, *given)

        def executemany(self, sql: str, *given: Any) -> Any:
            return breakdown.call(sql, full(), super().executemany, sql, *given)

    class Connection(sqlite3.Connection):
        def cursor(self, _factory: Any = None) -> Any:
            return super().cursor(Cursor)

        def execute(self, sql: str, *given: Any) -> Any:
            return self.cursor().execute(sql, *given)

        def commit(self) -> None:
            breakdown.call("COMMIT", full(), super().commit)

    return Connection


def _postgres(breakdown: Breakdown) -> type[psycopg.Connection[Any]]:
    def gone() -> psycopg.OperationalError:
        return psycopg.errors.AdminShutdown("terminating connection due to administrator command")

    class Cursor(psycopg.Cursor[Any]):
        def execute(self, query: Any, *given: Any, **more: Any) -> Any:
            return breakdown.call(str(query), gone(), lambda: super(Cursor, self).execute(query, *given, **more))

        def executemany(self, query: Any, *given: Any, **more: Any) -> None:
            breakdown.call(str(query), gone(), lambda: super(Cursor, self).executemany(query, *given, **more))

    class Connection(psycopg.Connection[Any]):
        def __init__(self, *args: Any, **more: Any) -> None:
            super().__init__(*args, **more)
            self.cursor_factory = Cursor

        def commit(self) -> None:
            breakdown.call("COMMIT", gone(), super().commit)

    return Connection
