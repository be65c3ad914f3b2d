"""One process runs the jobs; when it is seen no more, another does; and no job ends the others."""

import logging
import threading
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from ledger.audit.crosscheck import ROUND_LEASE_SECONDS, run_round
from ledger.errors import Busy, PeerUnreachable
from ledger.node import NodeSettings
from ledger.schedule import Job, Lease, guarded, run_until
from ledger.storage import leases
from ledger.storage.engine import reading, transaction
from tests.desk.world import Clock


@pytest.fixture
def clock():
    return Clock()


def lease(engine, clock, holder):
    return Lease(engine, clock, holder=holder)


def test_one_holds_and_the_other_takes_over_when_it_is_seen_no_more(engine, clock):
    first, second = lease(engine, clock, "first"), lease(engine, clock, "second")
    assert first.beat()
    assert not second.beat()
    for _ in range(10):
        clock.wait(leases.BEAT_SECONDS)
        assert first.beat()
        assert not second.beat()
    # From here on the first is dead: two periods at the most.
    clock.wait(leases.SCHEDULER_SECONDS)
    assert second.beat()
    assert not first.beat()
    assert not first.is_held
    assert leases.SCHEDULER_SECONDS + leases.BEAT_SECONDS <= 2 * leases.SCHEDULER_SECONDS


def test_a_lease_from_a_clock_that_ran_ahead_keeps_nobody_out(engine, clock):
    first, second = lease(engine, clock, "first"), lease(engine, clock, "second")
    clock.wait(24 * 3600)
    assert first.beat()
    clock.wait(-1)  # merely kept right
    assert not second.beat()
    clock.wait(-23 * 3600)
    assert second.beat()
    assert not first.beat()


def test_a_clock_put_back_by_an_hour_stops_no_job_for_an_hour(sqlite_engine, clock, monkeypatch):
    back = [timedelta(0)]

    class Wall(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) - back[0]

    monkeypatch.setattr("apscheduler.schedulers.base.datetime", Wall)
    monkeypatch.setattr("ledger.schedule.datetime", Wall)
    stop, ran = threading.Event(), threading.Semaphore(0)
    arguments = (stop, [Job("publish", 1, ran.release)], lease(sqlite_engine, clock, "first"))
    runner = threading.Thread(target=run_until, args=arguments, kwargs={"beat_seconds": 0.05})
    runner.start()
    try:
        assert ran.acquire(timeout=30)
        back[0] = timedelta(hours=1)
        for _ in range(3):
            assert ran.acquire(timeout=30)
    finally:
        stop.set()
        runner.join(30)
    assert not runner.is_alive()


def test_who_leaves_lets_another_in_at_once(engine, clock):
    first, second = lease(engine, clock, "first"), lease(engine, clock, "second")
    first.beat()
    second.give_back()  # not its own to give
    assert not second.beat()
    first.give_back()
    assert second.beat()


def test_of_many_at_once_one_holds(engine, clock):
    processes = [lease(engine, clock, f"process {at}") for at in range(8)]
    barrier = threading.Barrier(len(processes))

    def start(one):
        barrier.wait()
        one.beat()

    threads = [threading.Thread(target=start, args=(one,)) for one in processes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.is_held for one in processes].count(True) == 1


def test_the_holder_is_seen_by_whoever_asks(engine, clock):
    with reading(engine) as connection:
        assert leases.last_beat(connection, leases.SCHEDULER) is None
    lease(engine, clock, "first").beat()
    with reading(engine) as connection:
        assert leases.last_beat(connection, leases.SCHEDULER) == clock()


def test_a_lease_that_cannot_be_looked_at_is_not_held(sqlite_engine, clock, monkeypatch):
    one = lease(sqlite_engine, clock, "first")
    assert one.beat()

    def busy(*_args):
        raise Busy("locked")

    monkeypatch.setattr(leases, "take", busy)
    assert not one.beat()


def test_without_the_lease_no_job_runs(sqlite_engine, clock):
    one, ran = lease(sqlite_engine, clock, "first"), []
    job = guarded(Job("count", 1, lambda: ran.append(1)), one)
    job()
    one.beat()
    job()
    assert ran == [1]


@pytest.mark.parametrize(
    ("error", "level"), [(PeerUnreachable("away"), logging.WARNING), (KeyError("a bug"), logging.ERROR)]
)
def test_a_job_that_fails_is_logged_and_ends_nothing(sqlite_engine, clock, caplog, error, level):
    one = lease(sqlite_engine, clock, "first")
    one.beat()

    def fail():
        raise error

    guarded(Job("publish", 1, fail), one)()
    assert [(record.levelno, "publish" in record.getMessage()) for record in caplog.records][-1] == (level, True)


def test_jobs_run_again_and_again_until_told_to_stop_and_the_lease_is_given_back(sqlite_engine, clock):
    one, stop, often = lease(sqlite_engine, clock, "first"), threading.Event(), threading.Event()
    ran: list[str] = []

    def count():
        ran.append("count")
        if len(ran) >= 2:
            often.set()

    def fail():
        raise KeyError("a bug")

    jobs = [Job("count", 1, count), Job("fail", 1, fail)]
    runner = threading.Thread(target=run_until, args=(stop, jobs, one), kwargs={"beat_seconds": 0.05})
    runner.start()
    assert often.wait(30)
    stop.set()
    runner.join(30)
    assert not runner.is_alive()
    with transaction(sqlite_engine) as connection:
        assert connection.execute(text("SELECT count(*) FROM leases")).scalar() == 0


def test_who_waits_for_the_lease_runs_nothing_until_it_gets_it(sqlite_engine, clock):
    holder, second = lease(sqlite_engine, clock, "holder"), lease(sqlite_engine, clock, "second")
    holder.beat()
    stop, ran = threading.Event(), threading.Event()
    beaten = threading.Semaphore(0)
    original = second.beat

    class Watched:
        is_held = property(lambda _self: second.is_held)
        give_back = second.give_back

        def beat(self):
            held = original()
            beaten.release()
            return held

    runner = threading.Thread(
        target=run_until, args=(stop, [Job("run", 1, ran.set)], Watched()), kwargs={"beat_seconds": 0.01}
    )
    runner.start()
    for _ in range(5):
        assert beaten.acquire(timeout=30)
    assert not ran.is_set()
    holder.give_back()
    assert ran.wait(30)
    stop.set()
    runner.join(30)


def test_no_rounds_pile_up_behind_one_that_is_slow(sqlite_engine, clock):
    """While it runs none is started beside it; what it missed meanwhile comes once, and not as often as it was due."""
    begun, ticks, stop = threading.Semaphore(0), threading.Semaphore(0), threading.Event()
    go_on = [threading.Event() for _ in range(3)]
    rounds: list[int] = []

    def slow():
        rounds.append(len(rounds))
        begun.release()
        assert go_on[min(rounds[-1], 2)].wait(60)

    jobs = [Job("slow", 1, slow), Job("tick", 1, ticks.release)]
    arguments = (stop, jobs, lease(sqlite_engine, clock, "first"))
    runner = threading.Thread(target=run_until, args=arguments, kwargs={"beat_seconds": 0.05})
    runner.start()
    try:
        for due in (1, 2):
            assert begun.acquire(timeout=60)
            for _ in range(3):  # so often it was due meanwhile
                assert ticks.acquire(timeout=60)
            assert len(rounds) == due
            go_on[due - 1].set()
        assert begun.acquire(timeout=60)
        assert len(rounds) == 3
    finally:
        for event in go_on:
            event.set()
        stop.set()
        runner.join(60)
    assert not runner.is_alive()


def test_who_is_killed_in_the_middle_of_a_round_is_replaced_within_two_periods(either_county):
    """Two processes, perhaps on two machines, share one database; the one that worked is gone without a word."""
    node, clock = either_county.civil, either_county.clock
    period = NodeSettings("", "", "", "", Path()).crosscheck_seconds  # as a node is set up unless it says otherwise
    first, second = lease(node.engine, clock, "first"), lease(node.engine, clock, "second")
    assert first.beat()
    assert not second.beat()
    with transaction(node.engine) as connection:
        assert leases.take(connection, leases.ROUND, "first", clock(), ROUND_LEASE_SECONDS)
    killed = clock()
    while not second.beat():
        clock.wait(leases.BEAT_SECONDS)
    assert clock() - killed <= 2 * leases.SCHEDULER_SECONDS
    while True:
        try:
            report = run_round(node)
        except Busy:
            clock.wait(leases.BEAT_SECONDS)
            assert second.beat()
        else:
            break
    assert clock() - killed <= 2 * period
    assert all(row.is_verified for row in report.rows)
    assert not first.beat()
