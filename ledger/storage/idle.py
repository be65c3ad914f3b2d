"""Connections that wait beside the pool: to take one from it and give it back costs as much as a whole reading.

The bot has its own (`bot/storage.py`): neither of the two knows the other.
"""

import os
from collections import deque
from weakref import WeakSet

from sqlalchemy import Connection, Engine


class Idle:
    """Connections of this process that wait for another use, until the engine is disposed of."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._waiting: deque[Connection] = deque()
        self._of_others: list[Connection] = []  # opened before a fork: not ours to close, here
        _idles.add(self)

    def take(self) -> Connection | None:
        """One of them; None when none waits."""
        try:
            return self._waiting.pop()
        except IndexError:
            return None

    def put(self, connection: Connection) -> bool:
        """Let it wait; False when enough are waiting."""
        if len(self._waiting) >= self._most:
            return False
        self._waiting.append(connection)
        return True

    def close(self, _engine: Engine) -> None:
        """Close what waits."""
        while (connection := self.take()) is not None:
            connection.invalidate()
            connection.close()

    def leave(self) -> None:
        """In a process that was forked: what waits here is the other one's, which uses it."""
        self._of_others += self._waiting
        self._waiting.clear()


_idles: WeakSet[Idle] = WeakSet()


def _leave_all() -> None:
    for idle in _idles:
        idle.leave()


# Told by the fork, and not looked for in each reading: to ask which process this is costs more than the rest of it.
os.register_at_fork(after_in_child=_leave_all)
