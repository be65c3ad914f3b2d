"""Who is far behind lets other processes look ahead, comes to the same as alone, and loses nothing when one is killed."""

import json

import httpx
import pytest

from ledger.audit.crosscheck import run_round
from ledger.errors import PeerUnreachable
from ledger.examining import pool
from ledger.examining.examine import Examined, Task
from ledger.peers import catching_up, mirror, vouching, witness
from ledger.peers.fetching import fetch_bundles, fetching_ahead
from ledger.peers.home import read_peers
from ledger.records.statement import Statement
from ledger.scribe import new_handle
from ledger.storage.engine import reading, transaction
from tests.fakes.network import body, flip, status
from tests.peers.smuggling import forged, put, signed

ROWS = (
    "SELECT handle, topic, status, folded, idx, since, created, first_idx FROM objects WHERE log_id = {} ORDER BY 1",
    "SELECT handle, disputed FROM objects WHERE log_id = {} ORDER BY handle",
    "SELECT kid, handle, public_key, roles, from_index, to_index FROM signers WHERE log_id = {} ORDER BY kid",
    "SELECT idx, handle, kind, at FROM feed WHERE log_id = {} ORDER BY idx",
    "SELECT id, rule, severity, state, handle, facts FROM findings WHERE log_id = {} ORDER BY id",
    "SELECT idx, leaf FROM entries WHERE log_id = {} ORDER BY idx",
)


@pytest.fixture
def spread(monkeypatch):
    """Also a short log is worth processes of its own."""
    monkeypatch.setattr(pool, "SMALL_SIZE", 0)
    monkeypatch.setattr(catching_up, "WORKERS", 2)
    monkeypatch.setattr(catching_up, "ENTRIES_A_TRANSACTION", 40)
    monkeypatch.setattr(catching_up, "ENTRIES_A_SLOW_TRANSACTION", 40)


@pytest.fixture
def started(monkeypatch):
    """The pools that were started."""
    made = []

    class Watched(pool.Pool):
        def __init__(self, keys, workers):
            super().__init__(keys, workers)
            made.append(self)

    monkeypatch.setattr(pool, "Pool", Watched)
    return made


def known(node, origin):
    """All that a node makes of a log."""
    with reading(node.engine) as conn:
        log_id = conn.exec_driver_sql(f"SELECT id FROM logs WHERE origin = '{origin}'").scalar_one()
        return [[tuple(map(plain, row)) for row in conn.exec_driver_sql(query.format(log_id))] for query in ROWS]


def plain(value):
    """A column of JSON as SQLite has it; PostgreSQL's driver reads it."""
    return json.dumps(value) if isinstance(value, list | dict) else value


def peers_of(node):
    with reading(node.engine) as conn:
        return read_peers(conn)


def case(node, by, **changed):
    return signed(node, Statement("case-submitted", new_handle(), {"matter": "m"}), by=by, **changed)


def many(county, count):
    """Good records of the counter."""
    template = case(county.civil, county.town.civil.staff["林芳"].handle)
    return [forged(county.civil, template, jti=new_handle(), sub=new_handle()) for _ in range(count)]


def grow(county, count):
    """Many good records, and among them each kind that must not be there."""
    civil, clerk = county.civil, county.town.civil.staff["林芳"].handle
    put(civil, *many(county, count))
    good = [case(civil, clerk) for _ in range(count)]
    unsigned = good[3][:-4] + (b"AAAA" if good[3][-4:] != b"AAAA" else b"BBBA")
    stranger = case(civil, clerk, kid=county.police.keys.desk_kid, signer=county.police.keys.desk.sign)
    put(civil, *good[:50], unsigned, good[7], stranger, b"no record", b"", *good[50:])
    # A clerk who is enrolled in the middle signs from there on; one who has gone signs no more.
    late = case(civil, clerk)
    newcomer = county.town.civil.desk.enrol("陶然", ("clerk",), "id-tao").handle
    put(civil, *(case(civil, newcomer) for _ in range(50)))
    county.town.civil.desk.revoke(clerk)
    put(civil, late, *(case(civil, newcomer) for _ in range(50)))
    county.publish("民政局")


def test_processes_that_look_ahead_change_nothing_of_what_is_found(county, spread, started, monkeypatch):
    county.round()
    grow(county, 120)
    started.clear()
    [row] = run_round(county.police, "民政局").rows
    assert (row.error, row.checked) == (None, county.size(county.civil))
    assert row.refused == 6
    assert len(started) == 1
    monkeypatch.setattr(catching_up, "WORKERS", 1)
    run_round(county.finance, "民政局")
    assert len(started) == 1
    assert known(county.police, county.civil.origin) == known(county.finance, county.civil.origin)
    # Nothing of the police's was looked at by a process that is left behind.
    assert all(worker.process.returncode is not None for worker in started[0]._workers)


@pytest.mark.parametrize("change", [status(500), flip(-1)])
def test_what_led_to_the_signed_root_is_kept_when_the_rest_does_not_come(county, spread, change):
    county.round()
    put(county.civil, *many(county, 600))
    county.publish("民政局")
    county.wire.tamper("21.example", "/log/tile/entries/001", change)
    [row] = run_round(county.police, "民政局").rows
    assert row.error is not None
    assert county.held("公安局", county.civil) == 256
    county.wire.behave()
    [row] = run_round(county.police, "民政局").rows
    assert (row.error, row.checked) == (None, county.size(county.civil))
    run_round(county.finance, "民政局")
    assert known(county.police, county.civil.origin) == known(county.finance, county.civil.origin)


def test_the_desk_waits_no_longer_where_much_is_refused(county, spread, monkeypatch):
    """A record that is refused costs ten times as much: few are stored together at first, and from a refusal on."""
    monkeypatch.setattr(catching_up, "ENTRIES_A_TRANSACTION", 512)
    monkeypatch.setattr(catching_up, "ENTRIES_A_SLOW_TRANSACTION", 256)
    stored = []

    def watched(*arguments, **options):
        stored.append(len(arguments[3].some))
        return STORE(*arguments, **options)

    monkeypatch.setattr(catching_up, "_store", watched)
    county.round()
    stored.clear()
    have = county.size(county.civil)
    good = many(county, 2_048)
    put(county.civil, *good[: 1_024 - have], b"no record", *good[1_024 - have :])
    county.publish("民政局")
    [row] = run_round(county.police, "民政局").rows
    assert (row.error, row.refused) == (None, 1)
    assert stored[0] < 2 * 256  # whole bundles
    assert max(stored) > 256
    reached = [have + sum(stored[:at]) for at in range(len(stored))]
    after = [size for size, at in zip(stored, reached, strict=True) if at > 1_024]
    assert after
    assert max(after) == 256


def test_what_would_hold_up_the_desk_is_taken_back_and_done_in_small_transactions(county, spread, monkeypatch):
    """What costs much need not be refused: money without an award is found, and stands."""
    monkeypatch.setattr(catching_up, "ENTRIES_A_TRANSACTION", 2_048)
    monkeypatch.setattr(catching_up, "ENTRIES_A_SLOW_TRANSACTION", 256)
    monkeypatch.setattr(catching_up, "HELD_SECONDS", 600)
    county.round()
    put(county.civil, *many(county, 1_500))
    county.publish("民政局")
    run_round(county.finance, "民政局")
    monkeypatch.setattr(catching_up, "HELD_SECONDS_MAX", 0)
    stored = []

    def watched(*arguments, **options):
        refused = STORE(*arguments, **options)
        stored.append(len(arguments[3].some))  # it was kept
        return refused

    monkeypatch.setattr(catching_up, "_store", watched)
    [row] = run_round(county.police, "民政局").rows
    assert (row.error, row.checked) == (None, county.size(county.civil))
    assert max(stored) <= 256
    assert sum(stored) >= 1_500
    assert known(county.police, county.civil.origin) == known(county.finance, county.civil.origin)


def test_how_much_is_stored_together_follows_from_how_long_it_took_and_how_much_is_left():
    keys = pool.Keys()
    turn = catching_up._Turn(100_000, keys)
    assert turn.most() == 1  # until the log has named a key
    keys.add("kid", b"key")
    assert turn.most() == catching_up.ENTRIES_A_SLOW_TRANSACTION
    fast, slow = catching_up.HELD_SECONDS / 100_000, catching_up.HELD_SECONDS / 3_000
    turn.stored(256, 0, 256 * fast)
    assert turn.most() == catching_up.ENTRIES_A_TRANSACTION
    turn.stored(4_096, 0, 4_096 * slow)
    assert turn.most() == 3_000
    turn.stored(80_000, 0, 80_000 * fast)
    assert turn.most() == (100_000 - 84_352) // 3
    turn.stored(15_000, 0, 15_000 * fast)
    assert turn.most() == catching_up.ENTRIES_A_SLOW_TRANSACTION
    turn.stored(100, 1, 100 * fast)
    assert turn.most() == catching_up.ENTRIES_A_SLOW_TRANSACTION
    turn.stored(100, 0, 100 * fast)
    assert turn.most() == catching_up.ENTRIES_A_SLOW_TRANSACTION  # whoever was refused once is not hurried with


def test_long_entries_are_stored_sooner(monkeypatch):
    monkeypatch.setattr(catching_up, "BYTES_A_TRANSACTION", 3_000)
    tasks = [(Task(at, (), [bytes(1_000)]), Examined([], [], None)) for at in range(7)]
    assert [len(some) for some in catching_up._several(tasks, lambda: 100)] == [3, 3, 1]


def test_what_is_vouched_for_is_on_the_disk_before(county, spread, monkeypatch):
    """Batches need not wait for the disk; but a durable commit stands between the last of them and what is signed."""
    county.round()
    grow(county, 120)
    told = []

    def watched(engine, **options):
        if engine is county.police.engine:
            told.append("durable" if options.get("durable", True) else "batch")
        return transaction(engine, **options)

    def signs(*arguments):
        told.append("signs")
        return COSIGN(*arguments)

    monkeypatch.setattr(catching_up, "transaction", watched)
    monkeypatch.setattr(mirror, "transaction", watched)
    monkeypatch.setattr(witness, "cosign_next", signs)
    [row] = run_round(county.police, "民政局").rows
    assert row.error is None
    last = len(told) - 1 - told[::-1].index("batch")
    assert told.count("batch") > 1
    assert "durable" in told[last : told.index("signs")]


def test_on_either_database_the_far_behind_comes_to_the_same_as_who_goes_step_by_step(
    either_county, spread, monkeypatch
):
    county, police = either_county, either_county.police
    county.round()
    good = [signed(police, Statement("case-submitted", new_handle(), {"matter": "m"})) for _ in range(700)]
    put(police, *good[:400], b"no record", good[3], *good[400:])
    county.publish("公安局")
    [row] = run_round(county.civil, "公安局").rows
    assert (row.error, row.checked, row.refused) == (None, county.size(police), 2)
    monkeypatch.setattr(pool, "SMALL_SIZE", 10_000)
    run_round(county.finance, "公安局")
    assert known(county.civil, police.origin) == known(county.finance, police.origin)


def test_few_entries_are_durable_as_they_are_stored(county, monkeypatch):
    county.round()
    grow(county, 20)
    told = []

    def watched(engine, **options):
        told.append(options.get("durable", True))
        return transaction(engine, **options)

    monkeypatch.setattr(mirror, "transaction", watched)
    [row] = run_round(county.police, "民政局").rows
    assert row.error is None
    assert told
    assert all(told)


def test_what_is_fetched_ahead_is_asked_in_the_time_of_the_whole_turn(county, spread):
    county.round()
    put(county.civil, *many(county, 600))
    county.publish("民政局")
    client, peer = county.police.client, next(one for one in peers_of(county.police) if one.name == "民政局")
    size = county.size(county.civil)
    with client.within(60), fetching_ahead(client, fetch_bundles(client, peer, 0, size, count_max=size)) as bundles:
        assert sum(map(len, bundles)) == size
    with (
        client.within(-1),
        fetching_ahead(client, fetch_bundles(client, peer, 0, size, count_max=size)) as bundles,
        pytest.raises(PeerUnreachable),
    ):
        next(bundles)


def lose_all(pools, keys, workers):
    """Out of memory: the system ends them as soon as they are there."""
    START(pools, keys, workers)
    for worker in pools._workers:
        worker.process.kill()


def refuse(_pools, _keys, _workers):
    raise BlockingIOError(11, "Resource temporarily unavailable")  # a limit of tasks


START = pool.Pool.__init__
STORE = catching_up._store
COSIGN = witness.cosign_next


@pytest.mark.parametrize("fail", [lose_all, refuse])
def test_where_no_process_can_live_the_entries_are_looked_at_alone(county, spread, monkeypatch, caplog, fail):
    county.round()
    grow(county, 120)
    monkeypatch.setattr(pool.Pool, "__init__", fail)
    [row] = run_round(county.police, "民政局").rows
    assert (row.error, row.checked, row.refused) == (None, county.size(county.civil), 6)
    assert "民政局 is looked at by one process" in caplog.text
    assert pool._spread.acquire(blocking=False)  # and the next one may have the cores
    pool._spread.release()


def test_only_one_who_is_far_behind_takes_the_cores_at_a_time(county, spread, started):
    county.round()
    grow(county, 20)
    started.clear()
    assert pool._spread.acquire(blocking=False)
    try:
        [row] = run_round(county.police, "民政局").rows
    finally:
        pool._spread.release()
    assert (row.error, row.checked, started) == (None, county.size(county.civil), [])
    assert pool._spread.acquire(blocking=False)
    pool._spread.release()


def test_few_entries_are_worth_no_process(county, started):
    county.round()
    grow(county, 20)
    [row] = run_round(county.police, "民政局").rows
    assert (row.error, started) == (None, [])


def test_a_log_that_grows_all_the_time_is_vouched_for_in_each_round(county):
    """Its next head has been cosigned, and is not shown yet, when the round asks; a moment later it is."""
    county.round()
    before = county.civil.log.published_checkpoint()
    county.town.apply()
    county.publish("民政局")
    shown = iter([before])

    def shown_late(_request, answer):
        return httpx.Response(200, content=next(shown, answer.read()))

    county.wire.tamper("21.example", "/log/checkpoint", shown_late)
    [row] = run_round(county.police, "民政局").rows
    assert (row.error, row.checked, row.new) == (None, county.size(county.civil), 1)
    copy = vouching.latest(county.police, witness.hash_of_origin(county.civil.origin))
    assert copy is not None
    assert copy.size == county.size(county.civil)


def test_a_log_that_has_cosigned_what_it_never_shows_is_asked_once_more_and_no_oftener(county):
    county.round()
    before = county.civil.log.published_checkpoint()
    county.town.apply()
    county.publish("民政局")
    county.wire.tamper("21.example", "/log/checkpoint", body(before))
    county.wire.asked.clear()
    run_round(county.police, "民政局")
    assert county.wire.paths("21.example").count("/log/checkpoint") == 2
