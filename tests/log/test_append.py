"""Entries get the next indices, in one order, all of a transaction or none, whoever else is writing."""

import itertools
import random
import secrets
import subprocess
import sys
import threading
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, select, text

from ledger.errors import AlreadyLogged, Busy
from ledger.merkle.errors import EntryTooLong, OutOfRange
from ledger.merkle.hashing import EMPTY_ROOT, leaf_hash, root_of
from ledger.merkle.proofs import check_consistency, check_inclusion, prove_consistency, prove_inclusion, root_at
from ledger.merkle.tiles import TILE_WIDTH, Bundle, Leaves, Tile, encode_bundle, grow_tiles, parse_bundle, tiles_of
from ledger.storage import entries, schema
from ledger.storage.engine import reading, transaction
from tests.fakes.failing import Breakdown
from tests.log.appender import append_some, describe
from tests.log.conftest import make_record


def check_whole(engine, log_id, expected=None):
    """What is stored is one log: every index once, every hash above the leaves right, the edge where it ends."""
    with reading(engine) as connection:
        edge = entries.read_edge(connection, log_id)
        stored = entries.read_entries(connection, log_id, 0, edge.size)
        beyond = connection.execute(
            select(schema.entries.c.idx).where(schema.entries.c.log_id == log_id, schema.entries.c.idx >= edge.size)
        ).all()
        leaves = [leaf_hash(entry) for entry in stored]
        tiles = grow_tiles(0, leaves, lambda tile: pytest.fail(f"{tile} fetched"))
        for tile in tiles_of(edge.size):
            assert entries.read_tile(connection, log_id, tile) == tiles[tile]
        above = connection.execute(select(schema.tile_hashes.c.level, schema.tile_hashes.c.idx)).all()
    assert not beyond
    assert edge.root() == root_of(leaves)
    assert sorted(above) == sorted(
        (tile.level, tile.index * 256 + at) for tile in tiles if tile.level for at in range(tile.width)
    )
    if expected is not None:
        assert stored == expected


@pytest.fixture
def empty_log(engine):
    with transaction(engine) as connection:
        return entries.create_log(connection, "a.example/log", own=True)


def add(engine, log_id, batch):
    with transaction(engine) as connection:
        return entries.append(connection, log_id, batch)


def test_an_empty_log_has_the_root_of_the_empty_tree(engine, empty_log):
    with reading(engine) as connection:
        assert entries.read_edge(connection, empty_log).root() == EMPTY_ROOT
    assert add(engine, empty_log, []) == 0
    check_whole(engine, empty_log, [])


def test_indices_follow_each_other_whatever_the_batches(engine, empty_log):
    expected: list[bytes] = []
    for width in (1, 2, 252, 1, 1, 255, 256, 257, 600):  # ends before, at and after full tiles
        batch = [b"%d" % (len(expected) + at) for at in range(width)]
        assert add(engine, empty_log, batch) == len(expected)
        expected += batch
    check_whole(engine, empty_log, expected)


def test_a_tile_of_the_second_level_becomes_full(sqlite_engine):
    with transaction(sqlite_engine) as connection:
        log_id = entries.create_log(connection, "a.example/log", own=True)
    expected = [b"%d" % number for number in range(65_536 + 300)]
    for start in range(0, len(expected), 5_000):
        add(sqlite_engine, log_id, expected[start : start + 5_000])
    check_whole(sqlite_engine, log_id, expected)


def test_full_tiles_may_be_told_by_their_roots(sqlite_engine):
    """Whoever has hashed them already says so; what is stored is the same."""
    with transaction(sqlite_engine) as connection:
        log_id = entries.create_log(connection, "a.example/log", own=False)
    for first, count in ((0, 1), (1, 3), (4, 252), (256, 2)):
        batch = [b"%d" % index for index in range(first * TILE_WIDTH, (first + count) * TILE_WIDTH)]
        hashes = [leaf_hash(entry) for entry in batch]
        roots = [root_of(hashes[at : at + TILE_WIDTH]) for at in range(0, len(hashes), TILE_WIDTH)]
        with transaction(sqlite_engine) as connection:
            entries.append(connection, log_id, batch, Leaves(hashes, roots))
    check_whole(sqlite_engine, log_id, [b"%d" % index for index in range(258 * TILE_WIDTH)])


def test_two_logs_in_one_database_do_not_touch_each_other(engine, empty_log):
    with transaction(engine) as connection:
        other = entries.create_log(connection, "b.example/log", own=False)
        entries.append(connection, empty_log, [b"x"] * 3)
        assert entries.append(connection, other, [b"x"]) == 0
    with reading(engine) as connection:
        assert entries.read_edge(connection, empty_log).size == 3
        assert sorted(entries.find_leaf(connection, leaf_hash(b"x"))) == [
            (empty_log, 0),
            (empty_log, 1),
            (empty_log, 2),
            (other, 0),
        ]
        assert (entries.find_log(connection, "b.example/log"), entries.find_log(connection, "c/log")) == (other, None)


@pytest.mark.parametrize("size", [0, 1, 65_535])
def test_an_entry_of_any_length_that_a_bundle_can_write_comes_back(engine, empty_log, size):
    add(engine, empty_log, [bytes(size)])
    with reading(engine) as connection:
        assert parse_bundle(entries.read_bundle(connection, empty_log, Bundle(0, 1)), 1) == [bytes(size)]


def test_an_entry_too_long_for_a_bundle_stores_nothing_of_its_batch(engine, empty_log):
    with pytest.raises(EntryTooLong):
        add(engine, empty_log, [b"good", bytes(65_536)])
    check_whole(engine, empty_log, [])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.lists(st.binary(max_size=40), max_size=300), max_size=4), data=st.data())
def test_every_proof_made_from_what_is_stored_holds(sqlite_engine, batches, data):
    with transaction(sqlite_engine) as connection:
        log_id = entries.create_log(connection, f"{secrets.token_hex(8)}.example/log", own=True)
        for batch in batches:
            entries.append(connection, log_id, batch)
    stored = [entry for batch in batches for entry in batch]
    if not stored:
        return
    size = data.draw(st.integers(1, len(stored)))
    index = data.draw(st.integers(0, size - 1))
    with reading(sqlite_engine) as connection:
        read = entries.node_reader(connection, log_id, size)
        root = root_at(size, read)
        leaves = [leaf_hash(entry) for entry in stored[:size]]
        assert root == root_of(leaves)
        check_inclusion(index, size, leaves[index], prove_inclusion(index, size, read), root)
        check_consistency(index, size, root_of(leaves[:index]), root, prove_consistency(index, size, read))


def test_nothing_beyond_the_end_is_ever_given_out(engine, empty_log):
    add(engine, empty_log, [b"%d" % number for number in range(300)])
    with reading(engine) as connection:
        for ask in (
            lambda: entries.read_tile(connection, empty_log, Tile(0, 1, 45)),
            lambda: entries.read_tile(connection, empty_log, Tile(1, 0, 2)),
            lambda: entries.read_tile(connection, empty_log, Tile(2, 0, 1)),
            lambda: entries.read_bundle(connection, empty_log, Bundle(1, 45)),
            lambda: entries.read_entries(connection, empty_log, 299, 301),
        ):
            with pytest.raises(OutOfRange):
                ask()
        assert entries.read_bundle(connection, empty_log, Bundle(1, 44)) == encode_bundle(
            [b"%d" % number for number in range(256, 300)]
        )


# --- our own log takes records ---


def test_one_signed_record_appended_twice_is_refused(log, append):
    _, (record,) = append(log)
    for batch in ([record], [record, record]):
        with pytest.raises(AlreadyLogged), transaction(log.engine) as connection:
            log.append(connection, batch)
    check_whole(log.engine, log.id, [record.entry])


def test_a_record_twice_in_one_batch_is_refused(log, node_keys):
    record = make_record(node_keys)
    with pytest.raises(AlreadyLogged), transaction(log.engine) as connection:
        log.append(connection, [record, record])
    check_whole(log.engine, log.id, [])


def test_a_record_copied_into_another_departments_log_is_refused(log, node_keys):
    copied = make_record(node_keys, iss="caizheng.example/log")
    with pytest.raises(AlreadyLogged), transaction(log.engine) as connection:
        log.append(connection, [copied])
    check_whole(log.engine, log.id, [])


def test_what_is_in_a_mirror_may_stand_in_our_own_log_for_the_first_time(log, node_keys):
    record = make_record(node_keys)
    with transaction(log.engine) as connection:
        mirror = entries.create_log(connection, "liar.example/log", own=False)
        entries.append(connection, mirror, [record.entry])
        assert log.append(connection, [record]) == 0


# --- when the world is not well ---


def test_a_refused_transaction_leaves_the_log_as_it_was(log, append, node_keys):
    append(log, 255)

    def append_and_fail():
        with transaction(log.engine) as connection:
            log.append(connection, [make_record(node_keys)])  # fills a tile
            raise LookupError

    with pytest.raises(LookupError):
        append_and_fail()
    check_whole(log.engine, log.id)
    assert append(log)[0] == 255


def test_a_disk_that_is_full_in_mid_append_is_busy_and_nothing_is_half_done(sqlite_log, append):
    log = sqlite_log
    append(log, 250)
    with reading(log.engine) as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    limit = [pages + 2]

    @event.listens_for(log.engine, "begin")
    def shrink_disk(connection):
        connection.connection.driver_connection.execute(f"PRAGMA max_page_count = {limit[0]}")

    def append_until_full():
        for _ in range(1_000):
            append(log, 3)
            acknowledged.append(3)

    acknowledged = [250]
    with pytest.raises(Busy):
        append_until_full()
    check_whole(log.engine, log.id)
    with reading(log.engine) as connection:
        assert entries.read_edge(connection, log.id).size == sum(acknowledged)
    limit[0] = pages + 1_000  # somebody made room
    assert append(log, 3)[0] == sum(acknowledged)
    check_whole(log.engine, log.id)


@pytest.mark.parametrize("after", [False, True], ids=["not done", "done and not told"])
def test_each_database_call_that_fails_leaves_the_log_whole(log, append, node_keys, after):
    _, padding = append(log, 255)  # the next one fills a tile, so that every kind of row is written
    expected = [record.entry for record in padding]
    breakdown = Breakdown(log.engine)
    for call in itertools.count(1):
        record = make_record(node_keys)
        breakdown.fail_at(call, after=after)
        try:
            told = log.add([record])
        except Busy:
            assert breakdown.mend()
            if after and breakdown.calls[-1] == "COMMIT":
                # It was done; whoever asks again is told that it stands there.
                with pytest.raises(AlreadyLogged):
                    log.add([record])
                expected += [record.entry, *(record.entry for record in append(log, 255)[1])]
            check_whole(log.engine, log.id, expected)
        else:
            breakdown.mend()
            assert told == len(expected)
            break
    assert len(breakdown.calls) == call - 1 >= 8
    check_whole(log.engine, log.id, [*expected, record.entry])


@pytest.mark.parametrize("after", [False, True], ids=["not done", "done and not told"])
def test_each_database_call_that_fails_in_signing_and_publishing_leaves_one_history(log, append, after):
    append(log, 3)
    breakdown = Breakdown(log.engine)
    for call in itertools.count(1):
        append(log, 1)
        breakdown.fail_at(call, after=after)
        try:
            head = log.sign_new_head()
            assert head is not None
            log.publish(head.size)
        except Busy:
            assert breakdown.mend()
        else:
            breakdown.mend()
            break
        publish_all(log)
    assert len(breakdown.calls) == call - 1 >= 12
    check_heads(log)


def publish_all(log):
    """As the job does it in its next round: what is signed and not shown is shown."""
    log.sign_new_head()
    head = log.newest_head()
    assert head is not None
    shown = log.published_head()
    if shown is None or shown.size < head.size:
        assert log.publish(head.size)
    with reading(log.engine) as connection:
        assert head.size == entries.read_edge(connection, log.id).size


def check_heads(log):
    """Every head that was ever signed is one of the log as it is: nothing was signed twice."""
    with reading(log.engine) as connection:
        size = entries.read_edge(connection, log.id).size
        read = entries.node_reader(connection, log.id, size)
        heads = connection.execute(select(schema.heads.c.size, schema.heads.c.root)).all()
        assert heads
        assert all(root_at(at, read) == root for at, root in heads)


THREADS = 16  # of each process


def start_appender(log, keys, high_water_path, **how):
    told = describe(log, keys, high_water_path, **how)
    return subprocess.Popen([sys.executable, "-m", "tests.log.appender", told], stdout=subprocess.PIPE, text=True)


def parse_acknowledged(lines):
    """What a process printed; a last line cut off by its death was not yet said."""
    whole = [line.split() for line in lines.splitlines(keepends=True) if line.endswith("\n")]
    return [(int(index), bytes.fromhex(entry)) for index, entry in whole]


def write_from_two_processes(log, keys, high_water_path, total):
    """So many records, by 16 threads here and 16 in another process; what each was told of its own."""
    each, rest = divmod(total, 2 * THREADS)
    mine: list[tuple[int, bytes]] = []
    with start_appender(log, keys, high_water_path, threads=THREADS, each=each) as other:
        counts = [each + 1] * rest + [each] * (THREADS - rest)
        threads = [
            threading.Thread(target=append_some, args=(log, keys, count, lambda *said: mine.append(said)))
            for count in counts
        ]
        for thread in threads:
            thread.start()
        theirs, _ = other.communicate(timeout=1_200)
        for thread in threads:
            thread.join()
    assert other.returncode == 0
    acknowledged = sorted(mine + parse_acknowledged(theirs))
    assert [index for index, _ in acknowledged] == list(range(total))
    check_whole(log.engine, log.id, [entry for _, entry in acknowledged])


@pytest.mark.slow
def test_a_thousand_appends_of_32_threads_in_two_processes_make_one_order(log, node_keys, tmp_path):
    write_from_two_processes(log, node_keys, tmp_path / "node.high-water", 1_000)


@pytest.mark.attack
def test_ten_thousand_appends_of_32_threads_in_two_processes_make_one_order(log, node_keys, tmp_path):
    write_from_two_processes(log, node_keys, tmp_path / "node.high-water", 10_000)


def kill_at_moments(log, keys, high_water_path, moments):
    """Kill -9 a process that appends, signs and publishes, at each of these moments after its first record."""
    acknowledged: list[tuple[int, bytes]] = []
    for seconds in moments:
        with start_appender(log, keys, high_water_path, threads=2) as writer:
            assert writer.stdout is not None
            first = writer.stdout.readline()
            time.sleep(seconds)
            writer.kill()
            acknowledged += parse_acknowledged(first + writer.stdout.read())
        # Nothing that was acknowledged is missing, doubled or moved; nothing is half there.
        check_whole(log.engine, log.id)
        with reading(log.engine) as connection:
            size = entries.read_edge(connection, log.id).size
            stored = entries.read_entries(connection, log.id, 0, size)
        assert len(set(stored)) == size
        assert all(stored[index] == entry for index, entry in acknowledged)
        # And the log goes on: what was signed before the death is what the database holds.
        log.sign_new_head()
        head = log.newest_head()
        assert head is not None
        assert head.size == size
    assert len(acknowledged) >= len(moments)


@pytest.mark.slow
def test_a_writer_killed_at_any_moment_loses_nothing_it_had_acknowledged(log, node_keys, tmp_path):
    moments = random.Random(20261123)
    kill_at_moments(log, node_keys, tmp_path / "node.high-water", [moments.uniform(0, 0.05) for _ in range(10)])


@pytest.mark.attack
def test_a_writer_killed_at_two_hundred_moments_loses_nothing_it_had_acknowledged(log, node_keys, tmp_path):
    moments = random.Random(20261124)
    kill_at_moments(log, node_keys, tmp_path / "node.high-water", [moments.uniform(0, 0.05) for _ in range(200)])


def test_two_writers_of_one_transaction_each_cannot_get_one_index(engine, empty_log):
    barrier, got = threading.Barrier(4), []

    def write():
        barrier.wait()
        got.append(add(engine, empty_log, [b"x"]))

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == [0, 1, 2, 3]


def test_erased_bytes_do_not_linger_in_the_file(tmp_path, sqlite_engine):
    secret = b"the name of a citizen, long enough to be found again"
    with transaction(sqlite_engine) as connection:
        connection.execute(text("INSERT INTO citizens (id, wrapped_key) VALUES ('c', :key)"), {"key": secret})
    with transaction(sqlite_engine) as connection:
        connection.execute(text("DELETE FROM citizens"))
        sqlite_engine.dispose()
    with reading(sqlite_engine) as connection:
        connection.exec_driver_sql("SELECT 1")
    with sqlite_engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.rollback()
    assert secret not in (tmp_path / "node.db").read_bytes()
