"""The bot's own tables: who wrote when, what was answered, what is still to be sent, and WeChat's token.

Only types that SQLite and PostgreSQL give back as they took them, so that statements can be written once, as text.
"""

import os
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from weakref import WeakSet

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    Engine,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    create_engine,
    event,
    text,
)
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import PoolProxiedConnection

from bot.errors import DatabaseBusy

LOCK_SECONDS = 1.5  # how long a statement waits for another's lock: well within WeChat's five seconds
CHECKPOINT_PAGES = 4_000  # as the ledger's: pages change again and again, and are carried over once
IDLE_MAX = 4  # connections: as many as a process has threads that answer
PAUSE_SECONDS = 0.0002  # before asking again for the writer's place: as long as another answer is written
PAUSE_SECONDS_MAX = 0.005
PAUSE_GROWTH = 1.3
CONNECT_SECONDS = 2  # PostgreSQL's own least
OPENID_CHARACTERS = 64
KEY_CHARACTERS = 512

metadata = MetaData()

# One row a person: the dialogue, the lease of whoever is answering, and what decides how a notice can reach them.
sessions = Table(
    "bot_sessions",
    metadata,
    Column("openid", String(OPENID_CHARACTERS), primary_key=True),
    Column("data", Text, nullable=False),  # JSON, see sessions.print_session
    Column("fence", BigInteger, nullable=False),  # grows with each lease
    Column("lease_until", Double, nullable=False),  # Unix seconds; 0 when nobody answers
    Column("last_message_at", Double, nullable=False),  # opens WeChat's 48 hours
    Column("followed", SmallInteger, nullable=False),
    Column("subscribed", SmallInteger, nullable=False),  # to our notice template: 1 yes, 2 perhaps spent
    Column("heads", Integer, nullable=False),  # notices that wait to open their next answer
    sqlite_with_rowid=False,
)

inbox = Table(
    "bot_inbox",
    metadata,
    Column("delivery_key", String(KEY_CHARACTERS), primary_key=True),
    Column("openid", String(OPENID_CHARACTERS), nullable=False),
    Column("received_at", Double, nullable=False),
    Column("answer", Text, nullable=False),  # JSON; emptied when no repeat can come any more
    # No index leads to what is old: each answer would pay for it, and pruning reads all of a day once an hour.
    sqlite_with_rowid=False,
)

outbox = Table(
    "bot_outbox",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("key", String(KEY_CHARACTERS), nullable=False, unique=True),
    Column("openid", String(OPENID_CHARACTERS), nullable=False),
    Column("text", Text, nullable=False),  # emptied when it has arrived
    Column("record", String(KEY_CHARACTERS), nullable=False),  # what it tells about, for whoever calls instead
    Column("state", String(8), nullable=False),  # waiting, sent, head, kept, shown
    Column("created_at", Double, nullable=False),
    Column("next_at", Double, nullable=False),  # the next try; moved ahead while one is under way
    Column("tries", Integer, nullable=False),
    Column("reason", String(64), nullable=False),  # why the last try failed
    Column("done_at", Double, nullable=False),
    Index("bot_outbox_state_next_at", "state", "next_at"),
    Index("bot_outbox_openid_state", "openid", "state"),
)

tokens = Table(
    "bot_tokens",
    metadata,
    Column("app_id", String(OPENID_CHARACTERS), primary_key=True),
    Column("token", Text, nullable=False),
    Column("expires_at", Double, nullable=False),
    Column("lease_until", Double, nullable=False),  # while one process fetches, the others wait
)


@dataclass(frozen=True, slots=True)
class Statement:
    """One SQL statement, compiled once for one kind of database."""

    sql: str
    names: tuple[str, ...] | None  # the order of its values; None when they go by name

    def bind(self, values: Mapping[str, object]) -> Sequence[object] | Mapping[str, object]:
        """The values as the driver takes them."""
        return values if self.names is None else [values[name] for name in self.names]


class Transaction:
    """A transaction on the driver's own cursor; what is not committed is rolled back when it ends."""

    def __init__(self, connection: PoolProxiedConnection) -> None:
        self._connection = connection
        self._cursor = connection.cursor()
        self.is_committed = False

    def begin_writing(self) -> None:
        """Take SQLite's one writer's place, or raise the driver's error when it does not come free."""
        self._cursor.execute("PRAGMA busy_timeout = 0")
        pause, end = PAUSE_SECONDS, time.monotonic() + LOCK_SECONDS
        try:
            while not self._begun(last=time.monotonic() > end):
                time.sleep(pause)
                pause = min(pause * PAUSE_GROWTH, PAUSE_SECONDS_MAX)
        finally:
            self._cursor.execute(f"PRAGMA busy_timeout = {int(LOCK_SECONDS * 1000)}")

    def _begun(self, *, last: bool) -> bool:
        try:
            self._cursor.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if last or error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            return False
        return True

    def run(self, statement: Statement, values: Mapping[str, object]) -> Any:
        """Run a statement; the cursor with its rows and `rowcount`."""
        self._cursor.execute(statement.sql, statement.bind(values))
        return self._cursor

    def commit(self) -> None:
        """Make it last."""
        self._cursor.close()
        self._connection.commit()
        self.is_committed = True


class Database:
    """The few statements that each delivery runs, without the general way's cost, which is twice theirs.

    Connections between two transactions wait here: to take one from the pool and give it back costs more than what is
    asked.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._idle: deque[PoolProxiedConnection] = deque()
        self._of_others: list[PoolProxiedConnection] = []  # opened before a fork: not ours to close, here
        _databases.add(self)
        event.listen(engine, "engine_disposed", self._close_idle)
        is_file = engine.dialect.name == "sqlite"
        self._idle_max = IDLE_MAX if is_file else 0  # a server's may be lost at any time, which the pool looks after
        self._turn = threading.Lock() if is_file else None
        driver: Any = engine.dialect.dbapi
        self._busy = (driver.OperationalError, driver.InternalError, PoolTimeout, OperationalError)
        self._failed = (driver.Error, *self._busy)

    def compile(self, sql: str) -> Statement:
        """Compile a statement whose values are `:name`s."""
        compiled: Any = text(sql).compile(dialect=self._engine.dialect)
        return Statement(str(compiled), tuple(compiled.positiontup) if compiled.positional else None)

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """A transaction that writes; raises `DatabaseBusy` as `transaction` does.

        SQLite has one writer, and whoever finds it at work asks again after pauses that grow to a tenth of a second,
        though an answer is written in a fifth of a thousandth. The threads of a process take turns here, and only
        processes ask, after pauses that fit.
        """
        if self._turn is None:
            with self.transaction() as transaction:
                yield transaction
            return
        if not self._turn.acquire(timeout=LOCK_SECONDS):
            raise DatabaseBusy("another thread is writing")
        try:
            with self.transaction() as transaction:
                transaction.begin_writing()
                yield transaction
        finally:
            self._turn.release()

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Begin a transaction; raises `DatabaseBusy` when the database is locked, full or gone."""
        pool, connection = self._engine.pool, None
        try:
            connection = self._idle_one() or self._engine.raw_connection()
            transaction = Transaction(connection)
            yield transaction
            if not transaction.is_committed:
                connection.rollback()
            if pool is self._engine.pool and len(self._idle) < self._idle_max:
                self._idle.append(connection)
                connection = None
        except self._failed as error:
            if connection is not None:
                connection.invalidate()  # perhaps it is broken; where something failed, a new one costs little
            if isinstance(error, self._busy):
                raise DatabaseBusy(type(error).__name__) from error
            raise
        finally:
            if connection is not None:
                connection.close()  # back to the pool, which rolls back what was not committed

    def _idle_one(self) -> PoolProxiedConnection | None:
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def _close_idle(self, _engine: Engine) -> None:
        while (connection := self._idle_one()) is not None:
            connection.invalidate()

    def leave_idle(self) -> None:
        """In a process that was forked: what waits here is the other one's, which uses it."""
        self._of_others += self._idle
        self._idle.clear()


_databases: WeakSet[Database] = WeakSet()


def _leave_all() -> None:
    for database in _databases:
        database.leave_idle()


# Told by the fork: to ask at each transaction which process this is costs more than the rest of looking here.
os.register_at_fork(after_in_child=_leave_all)


def open_engine(url: str, **options: Any) -> Engine:
    """The bot's own way to the node's database: it waits briefly for locks, and leaves the last fsync to the desk.

    What must survive a power cut is the desk's `once` row, so a lost commit here costs a repeat, never a deed.
    """
    if url.startswith("sqlite"):
        engine = create_engine(url, connect_args={"timeout": LOCK_SECONDS}, **options)
        event.listen(engine, "connect", _tune_sqlite)
        return engine
    milliseconds = int(LOCK_SECONDS * 1000)
    tuned = f"-c lock_timeout={milliseconds} -c synchronous_commit=off"
    return create_engine(url, connect_args={"options": tuned, "connect_timeout": CONNECT_SECONDS}, **options)


def _tune_sqlite(connection: DBAPIConnection, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
    cursor.close()
