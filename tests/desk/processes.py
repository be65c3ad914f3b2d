"""Lets several processes do something at the same moment, each with its own connection to one database."""

import multiprocessing
import os
from collections.abc import Callable, Sequence
from multiprocessing.queues import SimpleQueue

from ledger.desk import Desk
from ledger.errors import LedgerError, Refused
from ledger.log import OwnLog
from ledger.storage.engine import open_engine
from tests.desk.world import Department

_fork = multiprocessing.get_context("fork")
WAIT_SECONDS = 30

Deed = Callable[[Desk], object]


def reopened(department: Department) -> Desk:
    """The desk as another worker process has it."""
    department.engine.dispose(close=False)  # the parent's connections are the parent's
    engine = open_engine(department.engine.url)
    log = OwnLog(engine, department.origin, department.keys.log, department.log._high_water, department.clock)
    return Desk(log, department.keys, department.clock)


def outcome(deed: Deed, desk: Desk) -> str:
    try:
        deed(desk)
    except Refused as refusal:
        return refusal.reason
    except LedgerError as error:
        return type(error).__name__
    return "done"


def _work(department: Department, deed: Deed, start, answers: "SimpleQueue[str]") -> None:
    desk = reopened(department)
    start.wait(WAIT_SECONDS)
    answers.put(outcome(deed, desk))


def at_once(department: Department, deeds: Sequence[Deed]) -> list[str]:
    """Do all of these at one moment, each in a process of its own; returns what came of them, sorted."""
    department.engine.dispose()
    start, answers = _fork.Barrier(len(deeds)), _fork.SimpleQueue()
    workers = [_fork.Process(target=_work, args=(department, deed, start, answers)) for deed in deeds]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(WAIT_SECONDS)
    assert all(worker.exitcode == 0 for worker in workers)
    return sorted(answers.get() for _ in deeds)


def _die_during(department: Department, deed: Deed, survive: Callable[[Desk], None]) -> None:
    desk = reopened(department)
    survive(desk)
    deed(desk)
    os._exit(9)  # the deed is done and durable; nobody hears of it


def killed(department: Department, deed: Deed, prepare: Callable[[Desk], None] = lambda _desk: None) -> None:
    """Let a worker do it, and die before it can say so, or wherever `prepare` put the blow."""
    department.engine.dispose()
    worker = _fork.Process(target=_die_during, args=(department, deed, prepare))
    worker.start()
    worker.join(WAIT_SECONDS)
    assert worker.exitcode == 9
