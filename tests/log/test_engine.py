"""Transactions are what the rest relies on: one writer, readers at one moment, and `Busy` when the world is not well."""

import os
import sqlite3
import threading
from contextlib import ExitStack
from typing import Any

import pytest
from sqlalchemy import exc, insert, select, text

from ledger.errors import Busy, Misconfigured
from ledger.storage import engine as storage
from ledger.storage import schema
from ledger.storage.engine import HeldTooLong, check_held, open_engine, reading, transaction

ROW = {"name": "cursor", "pos": 1}


def count(connection):
    return len(connection.execute(select(schema.cursors)).all())


def test_what_raises_leaves_nothing_behind(engine):
    def write_and_fail():
        with transaction(engine) as connection:
            connection.execute(insert(schema.cursors), ROW)
            raise LookupError

    with pytest.raises(LookupError):
        write_and_fail()
    with reading(engine) as connection:
        assert count(connection) == 0


def test_who_holds_up_the_others_for_too_long_has_done_nothing(engine):
    def write_for(seconds):
        with transaction(engine, keep=True, seconds=seconds) as connection:
            connection.execute(insert(schema.cursors), ROW)
            check_held(connection)

    with pytest.raises(HeldTooLong):
        write_for(0)
    with reading(engine) as connection:
        assert count(connection) == 0
    write_for(None)  # the same connection, and no hurry any more
    with reading(engine) as connection:
        assert count(connection) == 1
    with pytest.raises(exc.IntegrityError):
        write_for(600)


def test_a_reader_sees_one_moment_whatever_is_written_meanwhile(engine):
    with reading(engine) as reader:
        assert count(reader) == 0
        with transaction(engine) as writer:
            writer.execute(insert(schema.cursors), ROW)
        assert count(reader) == 0
    with reading(engine) as reader:
        assert count(reader) == 1


def test_a_second_writer_waits_and_sees_what_the_first_wrote(engine):
    inside, seen = threading.Event(), []

    def second():
        inside.wait()
        with transaction(engine) as connection:
            seen.append(count(connection))

    thread = threading.Thread(target=second)
    thread.start()
    with transaction(engine) as connection:
        assert count(connection) == 0
        inside.set()
        connection.execute(insert(schema.cursors), ROW)
    thread.join()
    assert seen == [1]


def test_a_writer_that_waits_too_long_is_told_that_the_database_is_busy(database_url, monkeypatch):
    monkeypatch.setattr(storage, "BUSY_MILLISECONDS", 50)
    engine = open_engine(database_url)
    with transaction(engine) as connection:
        schema.metadata.create_all(connection)
    with transaction(engine), pytest.raises(Busy), transaction(engine):
        pytest.fail("two writers at once")
    engine.dispose()


def test_a_mistake_of_ours_is_not_called_busy(engine):
    with pytest.raises(exc.DBAPIError), transaction(engine) as connection:
        connection.execute(text("SELECT * FROM no_such_table"))
    with pytest.raises(exc.IntegrityError), transaction(engine) as connection:
        connection.execute(insert(schema.cursors), [ROW, ROW])


def test_a_database_that_is_away_is_busy(tmp_path):
    for url in (f"sqlite:///{tmp_path}/no/such/directory/node.db", f"postgresql://nobody@/none?host={tmp_path}"):
        engine = open_engine(url)
        with pytest.raises(Busy), reading(engine):
            pytest.fail("there is no database")
        engine.dispose()


def test_a_commit_is_on_the_disk_before_it_is_answered(tmp_path):
    for durable, level in ((True, 2), (False, 1)):  # FULL, NORMAL
        engine = open_engine(f"sqlite:///{tmp_path}/{durable}.db", durable=durable)
        with reading(engine) as connection:
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == level
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
            assert connection.exec_driver_sql("PRAGMA secure_delete").scalar() == 1
            assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
        engine.dispose()


def test_a_new_database_and_what_lies_beside_it_are_their_owners_alone(tmp_path):
    """Chats and bindings stand in it, and not all of that is sealed."""
    engine = open_engine(f"sqlite:///{tmp_path}/node.db")
    with transaction(engine) as connection:
        schema.metadata.create_all(connection)
    modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}
    engine.dispose()
    assert modes == {"node.db": 0o600, "node.db-wal": 0o600, "node.db-shm": 0o600}


@pytest.mark.parametrize("url", ["mysql://x/y", "sqlite://", "sqlite:///:memory:"])
def test_a_database_of_another_kind_is_refused_with_what_to_mend(url):
    with pytest.raises(Misconfigured, match="ONETRIP_DATABASE_URL"):
        open_engine(url)


def test_a_reader_that_was_left_in_the_middle_leaves_no_old_moment_to_the_next(engine):
    """A connection that waits between two readings must hold nothing, however the reading before it ended."""
    with pytest.raises(LookupError), reading(engine):
        raise LookupError
    with reading(engine) as reader:
        left_open = reader.execute(select(schema.cursors))
    with transaction(engine) as writer:
        writer.execute(insert(schema.cursors), ROW)
    with reading(engine) as reader:
        assert count(reader) == 1
    left_open.close()


def test_a_reading_within_a_reading_has_its_own_moment(engine):
    with reading(engine) as outer:
        assert count(outer) == 0
        with transaction(engine) as writer:
            writer.execute(insert(schema.cursors), ROW)
        with reading(engine) as inner:
            assert count(inner) == 1
        assert count(outer) == 0


def test_many_readers_at_once_leave_connections_to_the_writers(sqlite_engine):
    with ExitStack() as readers:
        for _ in range(storage.POOL_SIZE + storage.POOL_OVERFLOW):
            readers.enter_context(reading(sqlite_engine))
    assert sqlite_engine.pool.checkedout() <= storage.IDLE_MAX + 1  # the writer's own
    with transaction(sqlite_engine) as writer:
        writer.execute(insert(schema.cursors), ROW)


def test_what_was_connected_before_a_fork_is_not_used_behind_it(sqlite_engine):
    with reading(sqlite_engine) as reader:
        before = reader.connection.dbapi_connection
    sqlite_engine.dispose(close=False)  # as each worker does when it begins
    with reading(sqlite_engine) as reader:
        assert reader.connection.dbapi_connection is not before
        assert count(reader) == 0


def test_a_forked_process_takes_no_connection_that_waits_in_the_other(sqlite_engine):
    def waiting() -> Any:
        return sqlite_engine.get_execution_options()[storage._READERS].take()

    with reading(sqlite_engine):
        pass
    child = os.fork()
    if child == 0:
        os._exit(0 if waiting() is None else 1)
    assert os.waitpid(child, 0)[1] == 0
    left = waiting()
    assert left is not None  # still there for us
    left.close()


def test_the_writer_finds_its_own_connection_again_and_no_readers(sqlite_engine):
    with transaction(sqlite_engine) as writer:
        first = writer.connection.dbapi_connection
    with reading(sqlite_engine) as reader:
        assert reader.connection.dbapi_connection is not first
    with transaction(sqlite_engine) as writer:
        assert writer.connection.dbapi_connection is first


def test_a_writers_connection_on_which_something_failed_goes_back_and_holds_nothing(sqlite_engine):
    def write_and_fail():
        with transaction(sqlite_engine) as writer:
            writer.execute(insert(schema.cursors), ROW)
            raise LookupError

    with pytest.raises(LookupError):
        write_and_fail()
    assert sqlite_engine.get_execution_options()[storage._WRITER].take() is None
    other = sqlite3.connect(sqlite_engine.url.database, timeout=0)
    other.execute("BEGIN IMMEDIATE")  # nobody holds the writer's place
    assert other.execute("SELECT count(*) FROM cursors").fetchone() == (0,)
    other.close()


def test_closing_an_engine_closes_what_waits_for_another_reading(sqlite_engine):
    with reading(sqlite_engine) as reader:
        driver: Any = reader.connection.dbapi_connection
    sqlite_engine.dispose()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        driver.execute("SELECT 1")
