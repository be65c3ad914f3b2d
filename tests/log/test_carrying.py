"""What need not be durable at once is so behind the next commit that is, and is carried over beside whoever writes."""

import shutil
import sqlite3
import threading

import pytest
from sqlalchemy import insert, text

from ledger.storage import carrying as module
from ledger.storage import engine as engine_module
from ledger.storage import schema
from ledger.storage.carrying import carrying
from ledger.storage.engine import CHECKPOINT_PAGES, reading, transaction
from ledger.storage.prepared import run_raw

PAGES = 60  # that each of these transactions writes


def fill(engine, name, **options):
    with transaction(engine, **options) as connection:
        rows = [{"name": f"{name} {at}", "pos": at} for at in range(PAGES * 60)]
        connection.execute(insert(schema.cursors), rows)


def settings(engine):
    """How the connection that is used next waits for the disk: SQLite's numbers, or PostgreSQL's word."""
    with transaction(engine) as connection:
        if engine.dialect.name == "postgresql":
            return connection.execute(text("SHOW synchronous_commit")).scalar()
        return [run_raw(connection, f"PRAGMA {name}").fetchone()[0] for name in ("synchronous", "wal_autocheckpoint")]


def in_the_file(engine, tmp_path):
    """How many rows somebody has who takes the database file and nothing beside it."""
    copy = shutil.copy(engine.url.database, tmp_path / "without.db")
    connection = sqlite3.connect(copy)
    try:
        return connection.execute("SELECT count(*) FROM cursors").fetchone()[0]
    finally:
        connection.close()


def test_only_this_one_transaction_does_not_wait_for_the_disk(engine):
    before = settings(engine)
    assert before == ("on" if engine.dialect.name == "postgresql" else [2, CHECKPOINT_PAGES])
    with transaction(engine, durable=False) as connection:
        if engine.dialect.name == "postgresql":
            assert connection.execute(text("SHOW synchronous_commit")).scalar() == "off"
        else:
            assert run_raw(connection, "PRAGMA synchronous").fetchone()[0] == 1
    assert settings(engine) == before


def test_so_does_one_that_fails(engine):
    before = settings(engine)

    def fail():
        with transaction(engine, durable=False):
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert settings(engine) == before


def test_the_next_writer_waits_for_the_disk_though_this_one_could_not_even_begin(sqlite_engine, monkeypatch):
    before = settings(sqlite_engine)

    def fails(connection, statement, *values):
        if statement == "PRAGMA wal_autocheckpoint = 0":
            raise LookupError
        return run_raw(connection, statement, *values)

    monkeypatch.setattr(engine_module, "run_raw", fails)
    with pytest.raises(LookupError), transaction(sqlite_engine, durable=False):
        pass
    assert settings(sqlite_engine) == before


def test_what_is_carried_over_is_all_there_and_all_in_the_file(engine, tmp_path):
    with carrying(engine) as carry:
        for at in range(5):
            fill(engine, at, durable=False)
            carry()
    with reading(engine) as connection:
        assert connection.execute(text("SELECT count(*) FROM cursors")).scalar() == 5 * PAGES * 60
    if engine.dialect.name == "sqlite":
        assert in_the_file(engine, tmp_path) == 5 * PAGES * 60


def test_nothing_is_left_to_carry_over_where_the_block_fails(sqlite_engine, tmp_path):
    def fail():
        with carrying(sqlite_engine):
            fill(sqlite_engine, "a", durable=False)
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert in_the_file(sqlite_engine, tmp_path) == PAGES * 60


def test_whoever_writes_waits_for_nobody_who_carries_over(sqlite_engine, monkeypatch):
    """Not even for a disk that has stopped, for a while; and there are never two who carry over at once."""
    goes_on, begun = threading.Event(), []
    carry_over = module._carry

    def slow(connection):
        begun.append(threading.current_thread())
        goes_on.wait()
        return carry_over(connection)

    monkeypatch.setattr(module, "_carry", slow)
    with carrying(sqlite_engine) as carry:
        for at in range(3):
            fill(sqlite_engine, at, durable=False)
            carry()
        assert len(begun) <= 1
        goes_on.set()
    assert threading.current_thread() not in begun


def test_the_log_of_changes_begins_anew_before_it_becomes_too_long(sqlite_engine, tmp_path):
    lengths = []
    with carrying(sqlite_engine) as carry:
        for at in range(4 * module.TRANSACTIONS_MAX):
            fill(sqlite_engine, at, durable=False)
            carry()
            lengths.append((tmp_path / "node.db-wal").stat().st_size)
    # The file never shrinks: it grows as long as the first round of transactions lasts, and then is written anew.
    assert lengths[module.TRANSACTIONS_MAX - 1] > lengths[0]
    assert lengths[-1] < 2 * lengths[module.TRANSACTIONS_MAX]


def test_an_old_moment_that_somebody_looks_at_keeps_what_it_sees(sqlite_engine):
    fill(sqlite_engine, "before")
    with reading(sqlite_engine) as reader:
        seen = reader.execute(text("SELECT count(*) FROM cursors")).scalar()
        with carrying(sqlite_engine) as carry:
            fill(sqlite_engine, "after", durable=False)
            carry()
        assert reader.execute(text("SELECT count(*) FROM cursors")).scalar() == seen


def test_whatever_a_power_cut_leaves_are_the_first_of_them_and_each_is_whole(sqlite_engine, tmp_path):
    with carrying(sqlite_engine):
        pass  # the tables themselves
    for at in range(4):
        fill(sqlite_engine, at, durable=False)
    log = (tmp_path / "node.db-wal").read_bytes()
    left = []
    for length in (*range(0, len(log), len(log) // 97), len(log)):
        shutil.copy(tmp_path / "node.db", tmp_path / "cut.db")
        (tmp_path / "cut.db-wal").write_bytes(log[:length])
        (tmp_path / "cut.db-shm").unlink(missing_ok=True)
        connection = sqlite3.connect(tmp_path / "cut.db")
        left.append(connection.execute("SELECT count(*) FROM cursors").fetchone()[0])
        connection.close()
    assert left == sorted(left)
    assert set(left) == {at * PAGES * 60 for at in range(5)}
