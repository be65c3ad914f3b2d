"""One holder at a time among all processes of a node: for the scheduler, and for each round of checks.

A lease ends by itself, so that nobody waits for a process that died.
"""

from sqlalchemy import Connection, delete, insert, select, update

from ledger.storage import schema

SCHEDULER = "scheduler"
ROUND = "round"
SCHEDULER_SECONDS = 15  # a dead holder is replaced after this long, at the latest one beat later
BEAT_SECONDS = 5

_leases = schema.leases.c


def take(connection: Connection, name: str, holder: str, now: int, seconds: int) -> bool:
    """Take a lease, or keep one that is ours, for this long from now; returns whether it is ours."""
    row = connection.execute(select(_leases.holder, _leases.until).where(_leases.name == name)).one_or_none()
    values = {"holder": holder, "until": now + seconds, "beat": now}
    if row is None:
        connection.execute(insert(schema.leases), {"name": name, **values})
    elif row.holder == holder or row.until <= now or row.until > now + 2 * seconds:
        # (Further ahead than any lease can be: from a clock that has been put right since.)
        connection.execute(update(schema.leases).where(_leases.name == name).values(**values))
    else:
        return False
    return True


def give_back(connection: Connection, name: str, holder: str) -> None:
    """Let somebody else have it at once; one that is not ours stays with its holder."""
    connection.execute(delete(schema.leases).where(_leases.name == name, _leases.holder == holder))


def last_beat(connection: Connection, name: str) -> int | None:
    """When its holder was last seen; None when it is free."""
    return connection.execute(select(_leases.beat).where(_leases.name == name)).scalar_one_or_none()
