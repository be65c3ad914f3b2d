"""Many processes say what one says; one that is killed is an error, and nobody waits for it."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ledger.audit.verify import SIGNATURES_SKIPPED, Way
from ledger.examining import pool, worker
from ledger.examining.examine import Task, examine
from ledger.examining.pool import Keys, Pool, WorkerDied
from ledger.merkle.hashing import leaf_hash
from ledger.storage import entries
from ledger.storage.engine import reading

ROOT = Path(__file__).parents[2]


@pytest.fixture
def spread(monkeypatch):
    """Also a small log is worth processes of its own."""
    monkeypatch.setattr(pool, "SMALL_SIZE", 0)


def told(report):
    return report.size, report.found, [str(fault) for fault in report.faults], report.notes


def test_two_processes_find_what_one_finds(stored, spread):
    assert told(stored.verify(way=Way(workers=2))) == told(stored.verify(way=Way(workers=1)))
    stored.attack("UPDATE entries SET entry = x'00' || entry WHERE log_id = 1 AND idx IN (3, 260)")
    stored.attack("UPDATE entries SET entry = replace(entry, '.', '_') WHERE log_id = 1 AND idx = 7")
    stored.attack("DELETE FROM entries WHERE log_id = 1 AND idx = 8")
    stored.attack("UPDATE objects SET status = 'PAID' WHERE log_id = 1 AND topic = 'award'")
    alone = stored.verify(way=Way(workers=1))
    assert {fault.at for fault in alone.faults if fault.part == "entry"} >= {"3", "7", "8", "260"}
    assert told(stored.verify(way=Way(workers=2))) == told(alone)


def test_a_signature_by_another_key_is_found_in_any_process(stored, spread):
    """The worker that cannot prove a signature says nothing; whoever folds names it."""
    ((entry,),) = stored.read("SELECT entry FROM entries WHERE log_id = 1 AND idx = 12")
    ((other,),) = stored.read("SELECT entry FROM entries WHERE log_id = 1 AND idx = 13")
    forged = bytes(entry).rpartition(b".")[0] + b"." + bytes(other).rpartition(b".")[2]
    stored.attack("UPDATE entries SET entry = ?, leaf = ? WHERE log_id = 1 AND idx = 12", forged, leaf_hash(forged))
    for workers in (1, 2):
        said = [str(fault) for fault in stored.verify(way=Way(workers=workers)).faults]
        assert any(one.startswith("entry 12: BadSignature") for one in said), said


def test_since_skips_older_signatures_and_nothing_else(stored):
    ((entry,),) = stored.read("SELECT entry FROM entries WHERE log_id = 1 AND idx = 12")
    ((other,),) = stored.read("SELECT entry FROM entries WHERE log_id = 1 AND idx = 13")
    forged = bytes(entry).rpartition(b".")[0] + b"." + bytes(other).rpartition(b".")[2]
    stored.attack("UPDATE entries SET entry = ?, leaf = ? WHERE log_id = 1 AND idx = 12", forged, leaf_hash(forged))
    since = {index: stored.verify(way=Way(since=index)) for index in (12, 13)}
    assert any("BadSignature" in fault.reason for fault in since[12].faults)
    assert not any("BadSignature" in fault.reason for fault in since[13].faults)
    assert {"checkpoint", "tile"} <= {fault.part for fault in since[13].faults}  # the tree is looked at from 0
    assert SIGNATURES_SKIPPED in since[13].notes


def test_since_folds_from_the_first_entry(stored):
    report = stored.verify(way=Way(since=200))
    assert [str(fault) for fault in report.faults] == []  # facts, feed and signers were all compared
    assert report.size > 200


def tasks(stored, count):
    engine = stored.engine()
    with reading(engine) as conn:
        some = entries.read_entries(conn, 1, 0, 256)
    engine.dispose()
    return (Task(0, [leaf_hash(one) for one in some], some) for _ in range(count))


def some_keys():
    keys = Keys()
    keys.add("kid", bytes(32))
    return keys


def test_each_answer_is_that_to_its_own_task_while_two_lie_with_each_process(stored):
    [whole] = tasks(stored, 1)
    made = Pool(some_keys(), 2)
    asked = [Task(at, [], whole.entries[at : at + 1 + at % 7]) for at in range(200)]
    try:
        found = [*made.each(iter(asked))]
    finally:
        made.end()
    assert [task for task, _ in found] == asked
    for task, examined in found:
        assert [values and values[0] for values in examined.records] == [leaf_hash(one) for one in task.entries if one]


def test_nobody_reads_on_behind_an_answer_that_was_read_by_half(stored, monkeypatch):
    """Whoever runs out of memory over one answer: the other who asks that process hears of it, and waits no more."""
    receive = worker._receive
    [task] = tasks(stored, 1)
    made = Pool(some_keys(), 1)
    [asked] = made._workers

    def breaks(stream):
        stream.read(4)
        raise MemoryError

    try:
        monkeypatch.setattr(worker, "_receive", breaks)
        with pytest.raises(MemoryError):
            asked.ask(task)
        monkeypatch.setattr(worker, "_receive", receive)
        with ThreadPoolExecutor(1) as other:
            again = other.submit(asked.ask, task)
            try:
                with pytest.raises(WorkerDied):
                    again.result(timeout=60)
            finally:
                made.end()  # so that a test that fails ends, too
    finally:
        made.end()


def test_the_first_before_any_key_is_looked_at_here_and_the_rest_by_the_processes(stored, monkeypatch):
    keys, here = Keys(), []

    def watched(task, known):
        here.append(task.start)
        return examine(task, known)

    monkeypatch.setattr(pool, "examine", watched)
    [whole] = tasks(stored, 1)
    made = Pool(keys, 2)
    try:
        for task, found in made.each(whole._replace(start=at) for at in range(6)):
            assert len(found.records) == len(task.entries)
            if task.start == 0:
                keys.add("kid", bytes(32))
    finally:
        made.end()
    assert here == [0]


def test_a_killed_worker_is_an_error_and_no_hang(stored):
    made = Pool(some_keys(), 2)
    try:
        answers = made.each(tasks(stored, 500))
        next(answers)
        os.kill(made._workers[0].process.pid, signal.SIGKILL)
        with pytest.raises(WorkerDied):
            for _ in answers:
                pass
    finally:
        made.end()
    assert all(worker.process.returncode is not None for worker in made._workers)


def test_of_long_entries_fewer_lie_in_memory(stored, monkeypatch):
    asked = []

    def counted(some):
        for task in some:
            asked.append(task)
            yield task

    [one] = tasks(stored, 1)
    made = Pool(some_keys(), 2)
    try:
        next(made.each(counted(tasks(stored, 100))))
        assert len(asked) == 2 * pool.AHEAD
        asked.clear()
        monkeypatch.setattr(pool, "BYTES_AHEAD", 3 * one.weight)
        answers = made.each(counted(tasks(stored, 100)))
        next(answers)
        assert len(asked) == 3
        assert len([*answers]) == 99
    finally:
        made.end()


def test_the_verification_ends_with_that_error_and_leaves_no_process_behind(stored, spread, monkeypatch):
    seen = []

    class Watched(Pool):
        def __init__(self, keys, workers):
            super().__init__(keys, workers)
            seen.extend(self._workers)
            seen[0].process.kill()

    monkeypatch.setattr(pool, "Pool", Watched)
    with pytest.raises(WorkerDied):
        stored.verify(way=Way(workers=2))
    assert len(seen) == 2
    assert all(worker.process.returncode is not None for worker in seen)


def test_a_worker_ends_when_whoever_asked_has_gone():
    worker = subprocess.Popen(
        [sys.executable, "-m", "ledger.examining.worker"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with worker:
        assert worker.stdin is not None
        worker.stdin.close()
        assert worker.wait(60) == 0


def test_interrupted_it_leaves_no_process_behind(stored, spread, monkeypatch):
    """Ctrl-C reaches the one who folds; the workers end with it."""
    made = []

    class Watched(Pool):
        def __init__(self, keys, workers):
            super().__init__(keys, workers)
            made.append(self)

    monkeypatch.setattr(pool, "Pool", Watched)

    def interrupt(_done, _size):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stored.verify(way=Way(workers=2, progress=interrupt))
    assert all(worker.process.returncode is not None for worker in made[0]._workers)


def test_a_worker_needs_no_database_and_little_memory():
    """What it imports is what it costs for each core."""
    code = "import sys, ledger.examining.worker; print(*sorted(name.partition('.')[0] for name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"sqlalchemy", "flask", "httpx", "click"} & set(done.stdout.split())
