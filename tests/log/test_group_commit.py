"""Acts of several threads share a commit: each sees the one before, one refused leaves the others, all are durable."""

import sqlite3
import threading
from contextlib import closing

import pytest
from sqlalchemy import event, insert, select, text

from ledger.errors import Busy
from ledger.storage import engine as storage
from ledger.storage import schema
from ledger.storage.engine import open_engine, reading, transaction
from ledger.storage.group import ACTS_MAX, GroupCommit
from tests.fakes.failing import Breakdown

WAIT_SECONDS = 30


class Crowd:
    """Threads of which the first holds the transaction open until all the others have queued behind it."""

    def __init__(self, engine):
        self.engine = engine
        self.group = GroupCommit(engine)
        self.commits = 0
        self.outcomes: dict[str, object] = {}
        event.listen(engine, "commit", self._count)

    def _count(self, _connection):
        self.commits += 1

    def do(self, first, *others):
        """Do these works, each `(name, work)`, the others while the first is at it, in this order."""
        inside, go_on = threading.Event(), threading.Event()

        def held(connection):
            inside.set()
            assert go_on.wait(WAIT_SECONDS)
            return first[1](connection)

        threads = [self._start(first[0], held)]
        while threads[0].is_alive() and not inside.wait(0.01):
            pass
        for place, (name, work) in enumerate(others, 1):
            threads.append(self._start(name, work))
            while threads[0].is_alive() and len(self.group._waiting) < place:
                pass
        go_on.set()
        for thread in threads:
            thread.join(WAIT_SECONDS)
            assert not thread.is_alive()
        return self.outcomes

    def _start(self, name, work):
        def run():
            try:
                self.outcomes[name] = self.group.run(work)
            except BaseException as error:  # noqa: BLE001 -- it is looked at
                self.outcomes[name] = error

        thread = threading.Thread(target=run)
        thread.start()
        return thread


@pytest.fixture
def crowd(engine):
    return Crowd(engine)


def put(name):
    def work(connection):
        before = names(connection)
        connection.execute(insert(schema.cursors), {"name": name, "pos": len(before)})
        return before

    return name, work


def names(connection):
    return list(connection.execute(select(schema.cursors.c.name).order_by(schema.cursors.c.pos)).scalars())


def stored(engine):
    with reading(engine) as connection:
        return names(connection)


def failing(name, error):
    _, work = put(name)

    def fail(connection):
        work(connection)
        raise error

    return name, fail


def test_acts_that_come_while_one_is_at_it_share_its_commit_and_see_what_was_done_before(crowd):
    told = crowd.do(put("a"), put("b"), put("c"), put("d"))
    assert told == {"a": [], "b": ["a"], "c": ["a", "b"], "d": ["a", "b", "c"]}
    assert crowd.commits == 1
    assert stored(crowd.engine) == ["a", "b", "c", "d"]


def test_one_that_is_refused_leaves_the_others(crowd):
    refusal = LookupError("not this one")
    told = crowd.do(put("a"), failing("b", refusal), put("c"))
    assert told == {"a": [], "b": refusal, "c": ["a"]}
    assert crowd.commits == 1
    assert stored(crowd.engine) == ["a", "c"]


def test_one_whose_row_the_database_refuses_leaves_the_others(crowd):
    told = crowd.do(put("a"), put("a"), put("c"))
    assert stored(crowd.engine) == ["a", "c"]
    assert told["c"] == ["a"]


def test_when_the_first_is_refused_the_next_one_leads(crowd):
    refusal = LookupError("not this one")
    told = crowd.do(failing("a", refusal), put("b"), put("c"))
    assert told == {"a": refusal, "b": [], "c": ["b"]}
    assert crowd.commits == 1
    assert stored(crowd.engine) == ["b", "c"]


def test_what_a_refused_act_had_read_is_not_believed_any_more(crowd):
    def spoil(connection):
        storage.kept(connection)["edge"] = "as it would have become"
        raise LookupError

    seen = crowd.do(put("a"), ("b", spoil), ("c", lambda connection: dict(storage.kept(connection))))
    assert seen["c"] == {}


def test_what_is_kept_is_forgotten_when_somebody_else_has_written(engine):
    group = GroupCommit(engine)

    def look(connection):
        return storage.kept(connection).setdefault("seen", []).append(1) or len(storage.kept(connection)["seen"])

    assert [group.run(look), group.run(look)] == [1, 2]
    other = open_engine(engine.url)
    with transaction(other) as connection:
        connection.execute(text("SELECT 1"))
    other.dispose()
    assert [group.run(look), group.run(look)] == [1, 2]
    with reading(engine) as connection:
        assert storage.kept(connection) == {}
    with transaction(engine) as connection:
        assert storage.kept(connection) == {}


@pytest.mark.parametrize("after", [False, True], ids=["not done", "done and not told"])
def test_a_commit_that_fails_is_told_to_everybody_who_shared_it(engine, after):
    breakdown = Breakdown(engine)
    crowd = Crowd(engine)

    def both():
        with transaction(engine) as connection:
            connection.execute(text("DELETE FROM cursors"))
        return crowd.do(put("a"), put("b"))

    both()  # it connects as well
    breakdown.fail_at(10_000)
    both()
    breakdown.fail_at(len(breakdown.calls), after=after)
    told = both()
    assert breakdown.mend()
    assert breakdown.calls[-1] == "COMMIT"
    assert [type(told[name]) for name in "ab"] == [Busy, Busy]
    assert stored(engine) == (["a", "b"] if after else [])


def test_each_call_that_fails_in_a_shared_transaction_leaves_all_of_an_act_or_nothing(engine):
    breakdown = Breakdown(engine)
    for call in range(1, 1_000):
        with transaction(engine) as connection:
            connection.execute(text("DELETE FROM cursors"))
        crowd = Crowd(engine)
        breakdown.fail_at(call)
        told = crowd.do(put("a"), put("b"), put("c"))
        failed = breakdown.mend()
        there = stored(engine)
        assert {name for name, outcome in told.items() if not isinstance(outcome, Busy)} == set(there)
        if not failed:
            assert there == ["a", "b", "c"]
            break
    assert call > 10


def test_a_leader_that_dies_wakes_those_who_wait(crowd):
    class Death(BaseException):
        pass

    def die(_connection):
        raise Death

    told = crowd.do(("a", die), put("b"))
    assert isinstance(told["a"], Death)
    assert told["b"] == []
    told = crowd.do(put("c"), ("d", die), put("e"))
    assert isinstance(told["c"], Death)
    assert isinstance(told["d"], Busy)
    assert told["e"] == ["b"]
    assert stored(crowd.engine) == ["b", "e"]


def test_who_waits_too_long_is_told_so_and_nothing_of_theirs_is_done_later(crowd, monkeypatch):
    monkeypatch.setattr(storage, "BUSY_MILLISECONDS", 50)
    gone = threading.Event()

    def slow(connection):
        assert gone.wait(WAIT_SECONDS)
        return put("a")[1](connection)

    leader = crowd._start("a", slow)
    while crowd.group._leader is None or crowd.group._waiting:
        pass
    with pytest.raises(Busy):
        crowd.group.run(put("b")[1])
    gone.set()
    leader.join(WAIT_SECONDS)
    assert stored(crowd.engine) == ["a"]


def test_when_the_database_is_locked_everybody_who_waits_is_told_and_the_next_one_succeeds(crowd, monkeypatch):
    monkeypatch.setattr(storage, "BUSY_MILLISECONDS", 50)
    with transaction(crowd.engine), pytest.raises(Busy):
        crowd.group.run(put("a")[1])
    assert crowd.group.run(put("b")[1]) == []


def test_more_acts_than_one_transaction_takes_are_all_done_in_their_order(sqlite_engine):
    crowd = Crowd(sqlite_engine)
    expected = [f"{number:03}" for number in range(ACTS_MAX + 10)]
    crowd.do(*(put(name) for name in expected))
    assert stored(sqlite_engine) == expected
    assert crowd.commits == 2


def test_what_is_kept_of_a_database_is_not_believed_of_one_that_was_put_back(tmp_path, sqlite_engine):
    group = GroupCommit(sqlite_engine)
    group.run(put("a")[1])
    with closing(sqlite3.connect(tmp_path / "node.db")) as now, closing(sqlite3.connect(tmp_path / "then.db")) as then:
        now.backup(then)

        def keep(connection):
            put("b")[1](connection)
            storage.kept(connection)["known"] = "b is there"

        group.run(keep)
        group.run(lambda connection: storage.kept(connection)["known"])
        then.backup(now)
    # Another process writes as many transactions as there had been on the other way.
    other = open_engine(sqlite_engine.url)
    for name in "cd":
        with transaction(other) as connection:
            put(name)[1](connection)
    other.dispose()
    assert group.run(lambda connection: dict(storage.kept(connection))) == {}
    assert stored(sqlite_engine) == ["a", "c", "d"]
