"""Runs the node's jobs at their intervals, in one process at a time.

Whoever holds the lease runs them; the others stand by, and one of them takes over when the holder is not seen any more.
A job that fails is logged and comes again: only the process' end stops it.
"""

import logging
import os
import secrets
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Event
from time import monotonic

from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import Engine

from ledger.errors import Busy, LedgerError
from ledger.node import Node
from ledger.storage import leases
from ledger.storage.engine import transaction

JITTER_SHARE = 0.1  # of the interval: so that the departments' rounds do not beat in time
SET_BACK_SECONDS = 2.0  # by less a clock is merely kept right

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do again and again."""

    name: str
    seconds: int
    call: Callable[[], object]


@dataclass(slots=True)
class Lease:
    """The scheduler's lease as one process sees it."""

    engine: Engine
    now: Callable[[], int]
    seconds: int = leases.SCHEDULER_SECONDS
    holder: str = field(default_factory=lambda: f"{socket.gethostname()[:32]}-{os.getpid()}-{secrets.token_hex(4)}")
    is_held: bool = False

    def beat(self) -> bool:
        """Take the lease or keep it, and be seen; returns whether it is ours until the next beat."""
        try:
            with transaction(self.engine, facts=False) as connection:
                held = leases.take(connection, leases.SCHEDULER, self.holder, self.now(), self.seconds)
        except Busy as error:
            _log.warning("the lease could not be looked at: %s", error)
            held = False  # it may end before the next beat: rather nobody than two
        if held != self.is_held:
            _log.info("%s the scheduler's lease", "holds" if held else "does not hold")
        self.is_held = held
        return held

    def give_back(self) -> None:
        """Let another process take over at once."""
        self.is_held = False
        with transaction(self.engine, facts=False) as connection:
            leases.give_back(connection, leases.SCHEDULER, self.holder)


def run(jobs: Sequence[Job], node: Node) -> None:
    """Run the node's jobs until this process is told to end (SIGTERM, Ctrl-C); for its main thread."""
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    run_until(stop, jobs, Lease(node.engine, node.now))


def run_until(stop: Event, jobs: Sequence[Job], lease: Lease, *, beat_seconds: float = leases.BEAT_SECONDS) -> None:
    """Run the jobs whenever the lease is ours; returns when `stop` is set, after the jobs that run have ended."""
    with _scheduled(jobs, lease) as scheduler:
        running, ahead = False, _wall_ahead()
        while not stop.is_set():
            before, ahead = ahead, _wall_ahead()
            if before - ahead > SET_BACK_SECONDS:
                _log.warning("the clock was put back by %.0f s: every job runs now", before - ahead)
                _run_all_now(scheduler)
            if lease.beat() != running:
                running = not running
                (scheduler.resume if running else scheduler.pause)()
            stop.wait(beat_seconds)


def _wall_ahead() -> float:
    """How far the clock on the wall is ahead of the one that nobody sets."""
    return datetime.now(UTC).timestamp() - monotonic()


def _run_all_now(scheduler: BackgroundScheduler) -> None:
    # Their next times were counted by the clock as it was: an hour put back would be an hour without publication.
    for job in scheduler.get_jobs():
        job.modify(next_run_time=datetime.now(UTC))


@contextmanager
def _scheduled(jobs: Sequence[Job], lease: Lease) -> Iterator[BackgroundScheduler]:
    scheduler = BackgroundScheduler(timezone=UTC)
    for job in jobs:
        scheduler.add_job(
            guarded(job, lease),
            "interval",
            id=job.name,
            seconds=job.seconds,
            jitter=max(1, round(job.seconds * JITTER_SHARE)) if job.seconds > 1 else None,
            max_instances=1,
            coalesce=True,
            misfire_grace_time=None,  # however late, once
            next_run_time=datetime.now(UTC),
        )
    scheduler.start(paused=True)
    try:
        yield scheduler
    finally:
        scheduler.shutdown(wait=True)
        lease.give_back()


def guarded(job: Job, lease: Lease) -> Callable[[], None]:
    """The job as the scheduler calls it: never without the lease, and never the end of the others."""

    def call() -> None:
        if not lease.is_held:
            return
        try:
            job.call()
        except LedgerError as error:
            _log.warning("%s: %s", job.name, error)
        except Exception:  # noqa: BLE001  a bug in one job must not end the others; the log line has all of it
            _log.exception("%s failed", job.name)

    return call
