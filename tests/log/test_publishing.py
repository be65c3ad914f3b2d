"""A head is signed when something is new, shown when enough have looked, and no two can ever contradict each other."""

import shutil
import threading
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url

from ledger import keys as node_keys_module
from ledger.errors import Behind
from ledger.keys import HighWater
from ledger.log import SERVED_LINES_MAX, cosigned_note, may_publish, quorum_of
from ledger.merkle.checkpoint import Checkpoint
from ledger.merkle.cosignature import cosign, open_cosigned
from ledger.merkle.hashing import EMPTY_ROOT
from ledger.merkle.note import parse_note_unverified
from ledger.merkle.vkeys import SignatureKind, parse_vkey
from ledger.storage import entries, schema
from ledger.storage.engine import open_engine, reading, transaction
from ledger.storage.heads import MIRROR, WITNESS, Head, KeptCosignature
from tests.conftest import fresh_postgres
from tests.log.conftest import NOW, open_log


def opened(log, keys, signed):
    return open_cosigned(signed, [parse_vkey(vkey) for vkey in keys.log_vkeys])


# --- how many must have looked ---


@pytest.mark.parametrize(
    ("departments", "quorum"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 4), (6, 4), (7, 5), (10, 7), (100, 67)]
)
def test_a_quorum_of_so_many_departments(departments, quorum):
    assert quorum_of(departments) == quorum


@pytest.mark.parametrize("departments", range(1, 200))
def test_two_quorums_always_share_one_that_does_not_lie_and_the_honest_are_enough(departments):
    lying = (departments - 1) // 3
    assert 2 * quorum_of(departments) - departments > lying
    assert quorum_of(departments) <= departments - lying


def test_a_head_is_published_by_its_quorum_or_after_two_seconds_but_not_before_both():
    assert may_publish(cosigned=3, departments=4, waited_seconds=0)
    assert not may_publish(cosigned=2, departments=4, waited_seconds=1.9)
    assert may_publish(cosigned=0, departments=4, waited_seconds=2.0)


# --- signing ---


def test_a_head_carries_the_logs_two_signatures(log, append, node_keys):
    append(log, 5)
    head = log.sign_new_head()
    with reading(log.engine) as connection:
        root = entries.read_edge(connection, log.id).root()
    checked = opened(log, node_keys, head.signed)
    assert checked.checkpoint == Checkpoint(node_keys.origin, 5, root)
    assert [line.ref for line in checked.log_lines] == [parse_vkey(vkey).ref for vkey in node_keys.log_vkeys]


def test_nothing_is_signed_when_nothing_changed(log, append):
    assert log.sign_new_head() is None  # an empty log has said nothing
    append(log)
    assert log.sign_new_head() is not None
    assert log.sign_new_head() is None
    append(log)
    assert log.sign_new_head().size == 2


def test_the_mark_is_written_before_the_signature_exists(sqlite_log, append, high_water):
    append(sqlite_log, 2)
    seen = []

    class Watching:
        name = "x"

        def sign(self, _text):
            seen.append(high_water.log_head())
            raise InterruptedError  # the machine dies here

    _ed25519, mldsa44 = sqlite_log._signers()
    sqlite_log._signers = lambda: (Watching(), mldsa44)
    with pytest.raises(InterruptedError):
        sqlite_log.sign_new_head()
    assert [size for size, _ in seen] == [2]


def test_a_death_between_mark_and_head_is_healed_by_signing_the_same_head(log, append, high_water):
    append(log, 2)
    with reading(log.engine) as connection:
        root = entries.read_edge(connection, log.id).root()
    high_water.raise_log(2, root)
    head = log.sign_new_head()
    assert (head.size, head.root) == (2, root)


def test_two_publishers_at_once_sign_each_size_once(log, append, node_keys, high_water):
    second = open_log(log.engine, node_keys, high_water)
    barrier, signed = threading.Barrier(2), []

    def publish(one):
        for _ in range(5):
            barrier.wait()
            signed.append(one.sign_new_head())
            barrier.wait()

    threads = [threading.Thread(target=publish, args=(one,)) for one in (log, second)]
    append(log)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [head.size for head in signed if head is not None] == [1]


# --- a database that is behind ---


@pytest.fixture
def restored(sqlite_log, append, node_keys, high_water, tmp_path):
    """Yesterday's database, put back after the log had gone on."""
    append(sqlite_log, 3)
    sqlite_log.sign_new_head()
    with sqlite_log.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.rollback()
    yesterday = tmp_path / "yesterday.db"
    shutil.copy(Path(sqlite_log.engine.url.database), yesterday)
    append(sqlite_log, 2)
    sqlite_log.sign_new_head()
    engine = open_engine(f"sqlite:///{yesterday}")
    yield open_log(engine, node_keys, high_water)
    engine.dispose()


def test_yesterdays_database_signs_no_head_and_takes_no_record(restored, append):
    with pytest.raises(Behind):
        append(restored)
    assert restored.sign_new_head() is None  # its own newest head is there
    with reading(restored.engine) as connection, pytest.raises(Behind):
        restored.check_current(connection)


def test_yesterdays_database_that_went_another_way_signs_nothing_either(restored):
    for count in (1, 1, 3):  # below, at, and beyond the size that was signed
        with transaction(restored.engine) as connection:
            entries.append(connection, restored.id, [b"another history %d" % at for at in range(count)])
        with pytest.raises(Behind):
            restored.sign_new_head()


def test_yesterdays_database_that_has_caught_up_goes_on(restored, sqlite_log, append):
    with reading(sqlite_log.engine) as connection:
        lost = entries.read_entries(connection, sqlite_log.id, 3, 5)
    with transaction(restored.engine) as connection:
        entries.append(connection, restored.id, lost)
    assert restored.sign_new_head().size == 5
    assert append(restored)[0] == 5


def put_back(log, yesterday):
    """Another database takes the place of this one under a process that goes on running."""
    now = log.engine.url.database
    log.engine.dispose()  # as a server that is stopped closes every connection
    for end in ("-wal", "-shm"):
        Path(f"{now}{end}").unlink(missing_ok=True)
    shutil.copy(yesterday, now)


def test_a_database_put_back_under_a_running_worker_takes_no_record(sqlite_log, append, tmp_path):
    append(sqlite_log, 3)
    sqlite_log.sign_new_head()
    yesterday = tmp_path / "yesterday.db"
    with sqlite_log.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(Path(sqlite_log.engine.url.database), yesterday)
    append(sqlite_log, 2)
    sqlite_log.sign_new_head()
    put_back(sqlite_log, yesterday)
    with pytest.raises(Behind):
        append(sqlite_log)
    assert sqlite_log.sign_new_head() is None


def test_a_server_put_back_under_a_running_worker_takes_no_record(postgres, append, tmp_path, node_keys, high_water):
    """The worker's pool connects again by itself, and the worker never learns that it is another server's past."""
    url = make_url(fresh_postgres(postgres))
    admin = create_engine(postgres, isolation_level="AUTOCOMMIT")

    def copy(name, to):
        with admin.connect() as connection:
            connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                f" AND datname IN ('{name}', '{to}')"
            )
            connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {to}")
            connection.exec_driver_sql(f"CREATE DATABASE {to} TEMPLATE {name}")

    engine = open_engine(url)
    with transaction(engine) as connection:
        schema.metadata.create_all(connection)
        entries.create_log(connection, node_keys.origin, own=True)
    worker = open_log(engine, node_keys, high_water)
    append(worker, 3)
    worker.sign_new_head()
    copy(url.database, f"{url.database}_yesterday")
    append(worker, 2)
    worker.sign_new_head()
    copy(f"{url.database}_yesterday", url.database)
    with pytest.raises(Behind):
        append(worker)
    assert worker.sign_new_head() is None
    engine.dispose()
    admin.dispose()


def test_a_lost_mark_lets_nothing_be_signed(log, append, tmp_path, node_keys):
    append(log)
    (tmp_path / "node.high-water").unlink()
    with pytest.raises(Behind):
        log.sign_new_head()
    with pytest.raises(Behind):
        append(open_log(log.engine, node_keys, HighWater(tmp_path / "node.high-water")))


def test_a_mark_begun_anew_beside_a_log_that_signed_before_is_not_believed(log, append, tmp_path, node_keys):
    append(log)
    log.sign_new_head()
    fresh = HighWater(tmp_path / "fresh.high-water")
    fresh.create()
    reopened = open_log(log.engine, node_keys, fresh)
    with pytest.raises(Behind):
        append(reopened)
    append(log)
    with pytest.raises(Behind):
        reopened.sign_new_head()


# --- publishing ---


def test_nothing_is_shown_before_the_first_publication(log, append):
    append(log)
    assert log.published_checkpoint() is None
    assert not log.publish(1)  # nobody signed it
    log.sign_new_head()
    assert log.published_checkpoint() is None
    assert log.publish(1)
    assert log.published_checkpoint() == log.newest_head().signed


def test_the_shown_head_only_moves_forward(log, append, node_keys):
    for size in (1, 2, 3):
        append(log)
        log.sign_new_head()
        if size == 1:
            assert log.publish(1)
    assert log.publish(3)
    for late in (1, 2, 3):
        assert not log.publish(late)
    assert opened(log, node_keys, log.published_checkpoint()).checkpoint.size == 3


# --- who has looked ---


def others(count):
    return [node_keys_module.generate(f"n{number:02}.example/log") for number in range(count)]


def kept(role, pair, checkpoint, time=NOW):
    return [
        KeptCosignature(role, checkpoint.size, checkpoint.root, time, cosign(checkpoint.text(), time, key))
        for key in pair
    ]


def everyone(departments, checkpoint, time=NOW):
    lines = []
    for keys in departments:
        lines += kept(MIRROR, keys.mirror, checkpoint, time) + kept(WITNESS, keys.witness, checkpoint, time)
    return lines


@pytest.fixture
def head(sqlite_log, append):
    append(sqlite_log, 3)
    return sqlite_log.sign_new_head()


def line_names(note):
    long = 1_000  # an ML-DSA-44 signature has 2,420 bytes, an Ed25519 one 64
    return [(line.name, "mldsa" if len(line.blob) > long else "ed") for line in parse_note_unverified(note).unverified]


def test_the_lines_of_four_departments_are_sixteen_in_the_order_of_the_format(head, node_keys):
    peers = others(3)
    checkpoint = Checkpoint(node_keys.origin, head.size, head.root)
    own = kept(WITNESS, node_keys.witness, checkpoint)
    note = cosigned_note(head, everyone(peers, checkpoint) + own)
    names = [f"n{number:02}.example" for number in range(3)]
    witnesses = sorted(["minzheng.example/witness", *(f"{name}/witness" for name in names)])
    assert line_names(note) == [
        (node_keys.origin, "ed"),
        (node_keys.origin, "mldsa"),
        *((name, "mldsa") for name in witnesses),
        *((name, "ed") for name in witnesses),
        *((f"{name}/mirror", "mldsa") for name in names),
        *((f"{name}/mirror", "ed") for name in names),
    ]
    everything = [*node_keys.witness, *(key for peer in peers for key in (*peer.witness, *peer.mirror))]
    checked = open_cosigned(
        note, [parse_vkey(vkey) for vkey in node_keys.log_vkeys], [key.verifier for key in everything]
    )
    assert len(checked.cosignatures) == 14


def test_of_many_departments_never_more_than_sixteen_lines_are_served(head, node_keys):
    checkpoint = Checkpoint(node_keys.origin, head.size, head.root)
    note = cosigned_note(head, everyone(others(20), checkpoint))
    names = line_names(note)
    assert len(names) == SERVED_LINES_MAX
    assert names[:2] == [(node_keys.origin, "ed"), (node_keys.origin, "mldsa")]
    assert all(kind == "mldsa" and name.endswith("/witness") for name, kind in names[2:])


def test_what_was_said_of_another_head_is_not_shown_under_this_one(head, node_keys):
    (peer,) = others(1)
    other_root = Checkpoint(node_keys.origin, head.size, EMPTY_ROOT)
    other_size = Checkpoint(node_keys.origin, head.size + 1, head.root)
    note = cosigned_note(head, everyone([peer], other_root) + everyone([peer], other_size))
    assert note == head.signed


def test_a_peer_that_went_on_to_the_next_head_has_not_taken_its_word_back(head, node_keys):
    (peer,) = others(1)
    checkpoint = Checkpoint(node_keys.origin, head.size, head.root)
    shown = Head(head.size, head.root, head.signed, head.at, cosigned_note(head, everyone([peer], checkpoint)))
    following = Checkpoint(node_keys.origin, head.size + 1, EMPTY_ROOT)
    assert cosigned_note(shown, everyone([peer], following, NOW + 5)) == shown.served


def test_a_fresher_word_of_the_same_key_takes_the_place_of_the_older(head, node_keys):
    (peer,) = others(1)
    checkpoint = Checkpoint(node_keys.origin, head.size, head.root)
    shown = Head(head.size, head.root, head.signed, head.at, cosigned_note(head, everyone([peer], checkpoint)))
    note = cosigned_note(shown, everyone([peer], checkpoint, NOW + 60))
    cosigners = [key.verifier for key in (*peer.witness, *peer.mirror)]
    checked = open_cosigned(note, [parse_vkey(vkey) for vkey in node_keys.log_vkeys], cosigners)
    assert [one.time for one in checked.cosignatures] == [NOW + 60] * 4
    assert [parse_vkey(vkey).kind for vkey in node_keys.log_vkeys] == [SignatureKind.ED25519, SignatureKind.SUBTREE_V1]
