"""Says whether this node can do its work now: its database takes writes, its keys may sign, its scheduler is alive."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import delete

from ledger.errors import Unavailable
from ledger.node import Node
from ledger.storage import leases, schema
from ledger.storage.engine import reading, transaction

SCHEDULER_SEEN_SECONDS = 3 * leases.BEAT_SECONDS

# Writes nothing, and asks for all that a write needs: the lock, and a database that is not read-only.
_WRITE_NOTHING = delete(schema.leases).where(schema.leases.c.name == "")


@dataclass(frozen=True, slots=True)
class Readiness:
    """What was looked at, and whether it was good."""

    checks: Mapping[str, bool]
    behind: str | None = None  # why nothing is signed, if nothing is

    @property
    def ok(self) -> bool:
        """Whether all of it was."""
        return all(self.checks.values())


@dataclass(slots=True)
class ReadyCheck:
    """Looks at most once a second: whoever asks more often would only take the writers' turn."""

    node: Node
    _seen_at: int | None = field(default=None, init=False)
    _seen: Readiness = field(default_factory=lambda: Readiness({}), init=False)

    def look(self) -> Readiness:
        """Look, or say again what was seen in this second."""
        now = self.node.now()
        if self._seen_at != now:
            self._seen, self._seen_at = _look(self.node, now), now
        return self._seen


def _look(node: Node, now: int) -> Readiness:
    checks = {
        "database": _holds(lambda: _takes_writes(node)),
        "keys": _holds(lambda: _may_sign(node)),
        "scheduler": _holds(lambda: _has_scheduler(node, now)),
    }
    return Readiness(checks, None if checks["keys"] else _why_not(node))


def _holds(check: Callable[[], bool]) -> bool:
    try:
        return check()
    except Unavailable:
        return False


def _takes_writes(node: Node) -> bool:
    with transaction(node.engine, facts=False) as conn:
        conn.execute(_WRITE_NOTHING)
    return True


def _may_sign(node: Node) -> bool:
    """Raises Behind when the database lacks what these keys have signed: then nothing is signed."""
    with reading(node.engine) as conn:
        node.log.check_current(conn)
    return True


def _why_not(node: Node) -> str | None:
    try:
        behind = node.log.behind()
    except Unavailable:
        return None
    return None if behind is None else str(behind)


def _has_scheduler(node: Node, now: int) -> bool:
    with reading(node.engine) as conn:
        beat = leases.last_beat(conn, leases.SCHEDULER)
    return beat is not None and abs(now - beat) <= SCHEDULER_SEEN_SECONDS
