"""Opens the node's database, and gives out short transactions: writers one after another, readers each at one moment.

SQLite and PostgreSQL are made to behave alike: a writer that waits too long, or a full disk, is `Busy`, and nothing
was done.
"""

import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, exc, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from ledger.errors import Busy, Misconfigured
from ledger.storage.idle import Idle
from ledger.storage.prepared import run_raw

_T = TypeVar("_T")

BUSY_MILLISECONDS = 2_500  # half of what WeChat waits for an answer
# SQLite's: an act changes some twenty-five pages, half of them the same as the act before did. The later the log of
# changes is carried over, the fewer are written twice.
CHECKPOINT_PAGES = 4_000
CACHE_KIB = 8_192  # for each connection, at most
POOL_SIZE = 8
POOL_OVERFLOW = 24
IDLE_MAX = 4  # of them, waiting beside the pool: as many as a process has threads that answer

# One writer at a time on PostgreSQL too: the desk looks (four eyes, opposite decisions, `once`) and then acts on what
# it saw. The number means nothing; it is only ours ("1trip").
_WRITER_LOCK = 0x31_74_72_69_70
_BEGIN_WRITING = {"sqlite": "BEGIN IMMEDIATE", "postgresql": f"SELECT pg_advisory_xact_lock({_WRITER_LOCK})"}

# Row 1: another number after each writer. Row 2: another after each that may have changed a fact. Random: a count would
# come by the same number twice when a database is put back under those who work with it.
_NOTE = "INSERT INTO moment (id, value) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET value = excluded.value"
_NOTED = {"sqlite": _NOTE, "postgresql": _NOTE.replace("?", "%s")}
_CHANGE = "INSERT INTO moment (id, value) VALUES (1, ?), (2, ?) ON CONFLICT (id) DO UPDATE SET value = excluded.value"
_CHANGED = {"sqlite": _CHANGE, "postgresql": _CHANGE.replace("?", "%s")}
_MOMENT_BITS = 62
_MOMENT = "SELECT value FROM moment WHERE id <= 2 ORDER BY id"

# Among an engine's options: the connections that wait beside its pool, readers' and the writer's.
_READERS, _WRITER = "readers", "writer"
_TURN = "turn"  # among an engine's options: the lock that its writers take, before they ask the database
# In a database connection's own notes: what its last writer knew, what the writer that is there now knows, and until
# when that one may hold up the others.
_LAST, _KEPT, _UNTIL = "last", "kept", "until"

_SQLITE_UNAVAILABLE = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
    }
)
_POSTGRES_UNAVAILABLE = (
    "08",  # connection lost
    "25006",  # read-only
    "40",  # serialization failure, deadlock
    "53",  # disk full, out of memory, too many connections
    "55P03",  # lock not available
    "57",  # shut down, cancelled
)


def open_engine(url: str | URL, *, durable: bool = True) -> Engine:
    """Open the database at a SQLAlchemy URL; connects only when it is first used.

    `durable`: a commit has reached the disk before it returns. Without it the last commits may be lost in a power cut,
    which the ledger's own tables never allow.
    """
    parsed = make_url(url)
    match parsed.get_backend_name():
        case "sqlite":
            return _open_sqlite(parsed, durable=durable)
        case "postgresql":
            return _open_postgres(parsed, durable=durable)
    raise Misconfigured(f"ONETRIP_DATABASE_URL: {parsed.get_backend_name()} is neither sqlite nor postgresql")


def _open_sqlite(url: URL, *, durable: bool) -> Engine:
    if not url.database or url.database == ":memory:":
        raise Misconfigured("ONETRIP_DATABASE_URL: a node's database is a file; write sqlite:///path/to/node.db")
    readers, writer = Idle(IDLE_MAX), Idle(1)  # one writes at a time, and knows on its own connection what it knew
    engine = create_engine(
        url,
        connect_args={"timeout": BUSY_MILLISECONDS / 1000},
        pool_size=POOL_SIZE,
        max_overflow=POOL_OVERFLOW + 1,  # the writer's, which waits and takes no reader's place
        pool_timeout=BUSY_MILLISECONDS / 1000,
        pool_use_lifo=True,
        execution_options={_TURN: threading.Lock(), _READERS: readers, _WRITER: writer},
    )

    event.listen(engine, "engine_disposed", readers.close)
    event.listen(engine, "engine_disposed", writer.close)
    file = Path(url.database)

    @event.listens_for(engine, "do_connect")
    def begin_file(*_how: object) -> None:
        # As SQLite would, but for its owner alone; what it puts beside it takes over the mode of this one.
        with suppress(OSError):
            os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))

    @event.listens_for(engine, "connect")
    def tune(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        # The driver would begin a transaction by itself, before the first write and not before the first read: what was
        # read could be stale. We begin in `transaction` and `reading`.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        cursor.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        cursor.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        cursor.execute("PRAGMA temp_store = MEMORY")  # what savepoints put aside
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA secure_delete = ON")  # what is erased is overwritten
        cursor.close()

    return engine


def _open_postgres(url: URL, *, durable: bool) -> Engine:
    options = f"-c lock_timeout={BUSY_MILLISECONDS} -c synchronous_commit={'on' if durable else 'off'} -c timezone=UTC"
    return create_engine(
        url.set(drivername="postgresql+psycopg"),
        connect_args={"options": options, "connect_timeout": 3},
        pool_size=POOL_SIZE,
        max_overflow=POOL_OVERFLOW,
        pool_timeout=BUSY_MILLISECONDS / 1000,
        pool_pre_ping=True,
        pool_use_lifo=True,
        execution_options={_TURN: threading.Lock()},
    )


def prepare_directory(url: str | URL) -> None:
    """Make the directory that an SQLite file will lie in."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)


@dataclass(frozen=True, slots=True)
class Moment:
    """What tells a moment of the database from every other, and what tells it from those with other facts."""

    written: int
    facts: int


@dataclass(slots=True)
class _Kept:
    """What the last writer on a connection knew when it was done, and the moment at which that was so."""

    moment: Moment | None = None  # None: nobody has written
    facts: dict[Hashable, Any] = field(default_factory=dict)

    def check(self, moment: Moment | None) -> None:
        """Forget it all if somebody else has written since."""
        if moment is None or moment != self.moment:
            self.facts.clear()
            self.moment = moment


@contextmanager
def transaction(
    engine: Engine, *, facts: bool = True, keep: bool = False, durable: bool = True, seconds: float | None = None
) -> Iterator[Connection]:
    """One writer's transaction: it sees all that was committed before it, and nobody writes meanwhile.

    It moves the moment on, so that no reader takes what was true before for true now. All of it is durable when the
    block has ended, or none of it when it raises. `facts` is False only where nothing is written but heads,
    cosignatures, leases, cursors and nonces. `keep`: it may use `kept`. `durable` False, between `carrying`: a power
    cut may take it back until the next one that is durable, by whomever, has made this one so too. `seconds`: after so
    many `check_held` takes it back. Raises Busy.
    """
    with (
        _turn(engine),
        unavailable_as_busy(),
        _connected(engine, _WRITER) as connection,
        _synced(connection, durable=durable),
    ):
        memory: _Kept = connection.info.pop(_LAST, None) or _Kept()
        with connection.begin():
            run_raw(connection, _BEGIN_WRITING[engine.dialect.name])
            if not durable and engine.dialect.name == "postgresql":
                run_raw(connection, "SET LOCAL synchronous_commit = off")
            if keep:
                memory.check(read_moment(connection))
                connection.info[_KEPT] = memory
            if seconds is not None:
                connection.info[_UNTIL] = time.monotonic() + seconds
            try:
                yield connection
            finally:
                connection.info.pop(_KEPT, None)
                connection.info.pop(_UNTIL, None)
            memory.moment = _move_on(connection, facts=facts)
        if keep:
            connection.info[_LAST] = memory


class HeldTooLong(Exception):
    """A transaction would have held up the other writers for longer than it was given: nothing of it was done."""


def check_held(connection: Connection) -> None:
    """Raise HeldTooLong in a transaction whose `seconds` are over."""
    until: float | None = connection.info.get(_UNTIL)
    if until is not None and time.monotonic() > until:
        raise HeldTooLong


@contextmanager
def _synced(connection: Connection, *, durable: bool) -> Iterator[None]:
    """Let SQLite wait for the disk when this transaction commits, or not."""
    if durable or connection.dialect.name != "sqlite":
        yield
        return
    [(before,)] = run_raw(connection, "PRAGMA synchronous").fetchall()
    try:
        # NORMAL: what is written next to the log of changes stands behind what was written before, in a power cut too.
        run_raw(connection, "PRAGMA synchronous = NORMAL")
        run_raw(connection, "PRAGMA wal_autocheckpoint = 0")
        yield
    finally:
        try:
            run_raw(connection, f"PRAGMA synchronous = {before}")
            run_raw(connection, f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        except BaseException:
            connection.invalidate()  # whoever gets it next must be able to rely on what it commits
            raise


def _move_on(connection: Connection, *, facts: bool) -> Moment | None:
    """Move the moment on; returns it where it is known without asking."""
    number = secrets.randbits(_MOMENT_BITS)
    if not facts:
        run_raw(connection, _NOTED[connection.dialect.name], (number,))
        return None
    run_raw(connection, _CHANGED[connection.dialect.name], (number, number))
    return Moment(number, number)


@contextmanager
def _turn(engine: Engine) -> Iterator[None]:
    """The writers of one process take turns here: whoever is next is woken at once, and does not ask again and again.

    Raises Busy.
    """
    turn: threading.Lock = engine.get_execution_options()[_TURN]
    if not turn.acquire(timeout=BUSY_MILLISECONDS / 1000):
        raise Busy("another writer of this process has not ended")
    try:
        yield
    finally:
        turn.release()


def kept(connection: Connection) -> dict[Hashable, Any]:
    """What a writer that keeps it has read and need not read again, as long as nobody else has written since.

    Empty, and forgotten at once, for everybody else. Whoever writes what is kept here brings it up to date, or
    calls `forget`.
    """
    memory: _Kept | None = connection.info.get(_KEPT)
    return {} if memory is None else memory.facts


def forget(connection: Connection) -> None:
    """Forget what is kept: it may be true no longer."""
    memory: _Kept | None = connection.info.get(_KEPT)
    if memory is not None:
        memory.facts.clear()


def read_moment(connection: Connection) -> Moment | None:
    """The moment that this transaction sees; None when nobody has written yet."""
    found = run_raw(connection, _MOMENT).fetchall()
    return Moment(found[0][0], found[1][0]) if len(found) == 2 else None


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One reader's transaction: all its questions are answered as of one moment, and it waits for no writer.

    Raises Busy.
    """
    with unavailable_as_busy():
        if engine.dialect.name == "sqlite":
            with _sqlite_reader(engine) as connection:
                yield connection
            return
        with engine.connect() as connection:
            snapshot = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with snapshot.begin():
                yield snapshot


@contextmanager
def _sqlite_reader(engine: Engine) -> Iterator[Connection]:
    with _connected(engine, _READERS) as connection:
        driver: Any = connection.connection.dbapi_connection
        driver.execute("BEGIN")
        yield connection
        connection.rollback()
        driver.rollback()


@contextmanager
def _connected(engine: Engine, use: str) -> Iterator[Connection]:
    """A connection; on SQLite it waits beside the pool until the next use of this kind.

    To take one from the pool and give it back costs as much as what is read, and a twentieth of an act.
    """
    idle: Idle | None = engine.get_execution_options().get(use)
    waiting = None if idle is None else idle.take()
    pool, connection, is_clean = engine.pool, waiting or engine.connect(), False
    try:
        yield connection
        is_clean = True
    finally:
        if idle is None or not is_clean or pool is not engine.pool or not idle.put(connection):
            connection.close()  # to the pool, which ends whatever was begun


@contextmanager
def forgiving_text(connection: Connection) -> Iterator[None]:
    """Read text whose bytes somebody has altered as text that is wrong, and not as an error of the reader.

    SQLite hands out whatever stands in a column; PostgreSQL has looked at it when it was put there.
    """
    driver: Any = connection.connection.dbapi_connection
    if not isinstance(driver, sqlite3.Connection):
        yield
        return
    driver.text_factory = partial(str, encoding="utf-8", errors="replace")
    try:
        yield
    finally:
        driver.text_factory = str


def read_text(connection: Connection, read: Callable[[], _T]) -> _T:
    """What `read` reads within `forgiving_text`, four times as fast as long as nobody has altered the text."""
    driver: Any = connection.connection.dbapi_connection
    if not isinstance(driver, sqlite3.Connection):
        return read()
    forgiving, driver.text_factory = driver.text_factory, str
    try:
        return read()
    except exc.OperationalError:  # text that is none
        driver.text_factory = forgiving
        return read()
    finally:
        driver.text_factory = forgiving


@contextmanager
def unavailable_as_busy() -> Iterator[None]:
    """Turn the database's ways of saying "not now" into Busy; a mistake of ours stays what it is."""
    try:
        yield
    except exc.TimeoutError as error:
        raise Busy("no connection to the database became free") from error
    except (exc.DBAPIError, sqlite3.Error) as error:
        if is_unavailable(error):
            raise Busy("the database is locked, full or away") from error
        raise


def is_unavailable(failed: BaseException | None) -> bool:
    """Whether this is the database's way of saying "not now"."""
    error = failed.orig if isinstance(failed, exc.DBAPIError) else failed
    if isinstance(error, sqlite3.Error):
        # The low byte is the kind, the rest its variety (https://sqlite.org/rescode.html).
        return getattr(error, "sqlite_errorcode", 0) & 0xFF in _SQLITE_UNAVAILABLE
    state = getattr(error, "sqlstate", None)
    if state is None:  # psycopg could not even connect, or the connection is gone
        return type(error).__name__ == "OperationalError"
    return str(state).startswith(_POSTGRES_UNAVAILABLE)
