"""Group commit: what several threads of one process write at the same time becomes durable with one commit.

Whoever comes while nobody writes leads: begins the transaction, does what it came for, then what others have brought
meanwhile, each behind a savepoint, and commits for all of them. Nobody waits for others to come: the commit before is
what they wait for anyway. No thread of its own is needed.
"""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine

from ledger.errors import Busy
from ledger.storage import engine as engine_module
from ledger.storage.engine import forget, is_unavailable, transaction
from ledger.storage.prepared import run_raw

ACTS_MAX = 64  # in one transaction: so long the first waits for the last

T = TypeVar("T")


def _locked() -> threading.Lock:
    lock = threading.Lock()
    lock.acquire()
    return lock


@dataclass(slots=True, eq=False)
class _Act:
    work: Callable[[Connection], Any]
    woken: threading.Lock = field(default_factory=_locked)  # released when there is a result, or to lead
    is_done: bool = False
    result: Any = None
    error: BaseException | None = None


class GroupCommit:
    """The acts of one process on one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._waiting: deque[_Act] = deque()
        self._leader: _Act | None = None

    def run(self, work: Callable[[Connection], T]) -> T:
        """Do this work in a transaction that others may share; what it wrote is durable when this returns.

        It sees what was done before it in the same transaction. When it raises, nothing of it stays, and everybody
        else's does. It may run in another thread. Raises Busy: then nothing was done, unless the connection broke in
        the middle of the commit.
        """
        act = _Act(work)
        with self._lock:
            self._waiting.append(act)
            if leads := self._leader is None:
                self._leader = act
        if not leads:
            self._wait(act)
        if not act.is_done:
            self._lead()
        if act.error is not None:
            raise act.error
        result: T = act.result
        return result

    def _wait(self, act: _Act) -> None:
        """Wait until it is done, or is to lead. Raises Busy when neither has come in time."""
        try:
            woken = act.woken.acquire(timeout=engine_module.BUSY_MILLISECONDS / 1000)
        except BaseException:
            self._leave(act)  # nobody must wait for a leader that is gone
            raise
        if not woken:
            if self._leave(act):
                raise Busy("another writer of this process has not ended")
            act.woken.acquire()  # somebody is at it

    def _leave(self, act: _Act) -> bool:
        """Leave the row; False when it is too late for that."""
        with self._lock:
            if act not in self._waiting:
                return False
            self._waiting.remove(act)
            if self._leader is act:
                self._follow()
        return True

    def _follow(self) -> None:
        """Let the first that waits lead from now on; the lock is held."""
        self._leader = self._waiting[0] if self._waiting else None
        if self._leader is not None:
            self._leader.woken.release()

    def _lead(self) -> None:
        """Do the first that waits, the leader's own, and those behind it."""
        taken: list[_Act] = []
        try:
            with transaction(self._engine, keep=True) as connection:
                while len(taken) < ACTS_MAX and (act := self._next()) is not None:
                    taken.append(act)
                    if len(taken) == 1:
                        act.result = act.work(connection)  # if it fails there is nothing else to save
                    else:
                        _try(connection, act)
        except BaseException as error:
            if not taken:  # the transaction could not begin: so it is for everybody who is here
                taken = self._all()
            _fail(taken, error)
            if not isinstance(error, Exception):
                raise
        finally:
            self._end(taken)

    def _next(self) -> _Act | None:
        with self._lock:
            return self._waiting.popleft() if self._waiting else None

    def _all(self) -> list[_Act]:
        with self._lock:
            everybody = list(self._waiting)
            self._waiting.clear()
        return everybody

    def _end(self, taken: list[_Act]) -> None:
        with self._lock:
            self._follow()
        for act in taken:
            act.is_done = True
            act.woken.release()


def _try(connection: Connection, act: _Act) -> None:
    """Do one act so that, if it fails, those before it stay. Raises Busy when nothing can stay."""
    run_raw(connection, "SAVEPOINT act")
    try:
        act.result = act.work(connection)
    except Exception as error:
        if isinstance(error, Busy) or is_unavailable(error):
            raise Busy("the database is locked, full or away") from error  # it may have undone everything by itself
        act.error = error
        run_raw(connection, "ROLLBACK TO SAVEPOINT act")
        forget(connection)
    run_raw(connection, "RELEASE SAVEPOINT act")


def _fail(taken: list[_Act], error: BaseException) -> None:
    """Nothing that was taken is there: each is told so, the one who led with what happened."""
    first, *others = taken
    first.error = error
    for act in others:
        act.error = Busy("the transaction that it shared with others was not committed")
        act.error.__cause__ = error
