"""Lets the threads of one process take turns at one person: only processes ask the database whose turn it is."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from bot.errors import Busy


@dataclass(slots=True)
class _Turn:
    lock: threading.Lock = field(default_factory=threading.Lock)
    wanted_by: int = 0  # threads that hold it or wait


class Turns:
    """One turn a person; nobody's is kept longer than somebody wants it."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._turns: dict[str, _Turn] = {}

    @contextmanager
    def of(self, openid: str, until: float) -> Iterator[None]:
        """Hold this person's turn; raises `Busy` when it does not come before `until` (monotonic seconds)."""
        with self._guard:
            turn = self._turns.setdefault(openid, _Turn())
            turn.wanted_by += 1
        try:
            if not turn.lock.acquire(timeout=max(0.0, until - time.monotonic())):
                raise Busy("another message of the same person is still being answered")
            try:
                yield
            finally:
                turn.lock.release()
        finally:
            with self._guard:
                turn.wanted_by -= 1
                if turn.wanted_by == 0:
                    del self._turns[openid]
