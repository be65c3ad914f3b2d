"""Spreads the looking over processes, and hands back what they found in the order of the log.

The processes are programs of their own and not copies of this one: they start with a small memory, and with nothing
that is open here. One that dies is an error of the whole: nobody waits for it, and nothing is taken for looked at.
"""

import gc
import os
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import islice
from queue import SimpleQueue
from threading import Lock
from typing import Protocol

from ledger.errors import Unavailable
from ledger.examining.examine import Examined, Task, examine
from ledger.examining.worker import answer, ask

# Of our environment, where passphrases may stand: what entries are is up to strangers.
_INHERITED = ("PATH", "LD_LIBRARY_PATH", "PYTHONHOME")
TASKS_AT_HAND = 2  # of a process: the one that it looks at, and the next
AHEAD = 8  # tasks a process, so that none waits for the one who folds
BYTES_AHEAD = 32 * 1024 * 1024  # of entries, all processes together: they lie in memory
COLLECTED_AFTER = 500_000  # objects more than went
SMALL_SIZE = 1_024  # entries that are looked at before other processes would have started
_RUN = "runpy.run_module('ledger.examining.worker', run_name='__main__')"
_START = f"import runpy, sys; sys.path[:] = sys.argv[1:]; {_RUN}"


_spread = Lock()  # one who looks takes all cores: the next one of this program does with its own


class WorkerDied(Unavailable):
    """A process that was looking at entries has ended: killed, or out of memory."""


class Keys:
    """Public keys by `kid`, as the log names them one after another."""

    def __init__(self) -> None:
        self.by_kid: dict[str, bytes] = {}
        self.in_order: list[tuple[str, bytes]] = []

    def add(self, kid: str, public_key: bytes) -> None:
        """From now on tasks are looked at with this one too."""
        self.by_kid[kid] = public_key
        self.in_order.append((kid, public_key))


class Examiner(Protocol):
    """Looks at tasks, in this process or in others."""

    def each(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, Examined]]:
        """Each task with what is good of it, in their order. Raises WorkerDied."""
        ...


class Alone:
    """Looks at one task after another, here."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def each(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, Examined]]:
        """Each task with what is good of it."""
        for task in tasks:
            yield task, examine(task, self._keys.by_kid)


class _Worker:
    """One process, which has been told the first `_told` keys."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._told = 0
        self._asking, self._answering = Lock(), Lock()
        self.process = subprocess.Popen(  # noqa: S603  this program's own module, by this very interpreter
            [sys.executable, "-S", "-c", _START, *sys.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={name: os.environ[name] for name in _INHERITED if name in os.environ},
        )

    def ask(self, task: Task) -> Examined:
        """Two at once may ask: the process has the second task at hand when it is done with the first."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            with self._asking:
                news = self._keys.in_order[self._told :]
                ask(self.process.stdin, news, task)
                self._told += len(news)
                self._answering.acquire()  # in the order of the questions
            try:
                return answer(self.process.stdout)
            finally:
                self._answering.release()
        except (EOFError, OSError) as error:
            told = f"process {self.process.pid}, which looked at entries, has ended; start it again"
            raise WorkerDied(told) from error
        except BaseException:  # an answer may be half read: nobody shall read on there
            self.kill()
            raise

    def kill(self) -> None:
        self.process.kill()  # it holds nothing that could be lost

    def close(self) -> None:
        with suppress(OSError), self.process:  # what was not yet written to it reaches nobody
            pass


class Pool:
    """Looks at several tasks at once."""

    def __init__(self, keys: Keys, workers: int) -> None:
        self._keys = keys
        self._threads = ThreadPoolExecutor(TASKS_AT_HAND * workers)  # each waits for the answer to one task
        self._workers = [_Worker(keys) for _ in range(workers)]
        self._free: SimpleQueue[_Worker] = SimpleQueue()
        for worker in self._workers * TASKS_AT_HAND:
            self._free.put(worker)

    def each(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, Examined]]:
        """Each task with what is good of it, in their order; the first one here, as long as no key is known."""
        waiting: deque[tuple[Task, Future[Examined]]] = deque()
        ahead = AHEAD * len(self._workers)
        weight = 0
        left = iter(tasks)
        if not self._keys.in_order:
            for first in islice(left, 1):  # it names the keys: until then little can be said of the others
                yield first, examine(first, self._keys.by_kid)
        for task in left:
            waiting.append((task, self._threads.submit(self._ask, task)))
            weight += task.weight
            while len(waiting) >= ahead or (waiting and weight >= BYTES_AHEAD):
                weight -= waiting[0][0].weight
                yield _first(waiting)
        while waiting:
            yield _first(waiting)

    def _ask(self, task: Task) -> Examined:
        worker = self._free.get()
        try:
            return worker.ask(task)
        finally:
            self._free.put(worker)

    def end(self) -> None:
        """End all of them, whatever they are doing."""
        for worker in self._workers:
            worker.kill()
        self._threads.shutdown(cancel_futures=True)
        for worker in self._workers:
            worker.close()


def _first(waiting: deque[tuple[Task, Future[Examined]]]) -> tuple[Task, Examined]:
    task, found = waiting.popleft()
    return task, found.result()


@contextmanager
def examining(keys: Keys, workers: int) -> Iterator[Examiner]:
    """So many processes, ended at the end; none for one worker, who is this process."""
    if workers == 1:
        yield Alone(keys)
        return
    pool = Pool(keys, workers)
    try:
        yield pool
    finally:
        pool.end()


@contextmanager
def rarely_collected() -> Iterator[None]:
    """Records come by the thousand and go without a collector's help: looking for circles among them costs a tenth.

    The collector is the whole program's: one block of this kind at a time.
    """
    before = gc.get_threshold()
    gc.set_threshold(COLLECTED_AFTER, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def is_worth_processes(count: int) -> bool:
    """Whether so many entries are looked at no sooner by this process alone."""
    return count > SMALL_SIZE


@contextmanager
def examining_in_turn(keys: Keys, count: int, workers: int) -> Iterator[Examiner]:
    """The same for about so many entries, beside others of this program: no processes for few, nor twice at once."""
    if not is_worth_processes(count) or not _spread.acquire(blocking=False):
        yield Alone(keys)
        return
    try:
        with rarely_collected(), examining(keys, workers) as examiner:
            yield examiner
    finally:
        _spread.release()
