"""One holder at a time among all processes of a node: for the scheduler, and for each round of checks.

A lease ends by itself, so that nobody waits for a process that died.
"""

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from ledger.storage import schema
from ledger.storage.prepared import Prepared

SCHEDULER = "scheduler"
ROUND = "round"
SCHEDULER_SECONDS = 15  # a dead holder is replaced after this long, at the latest one beat later
BEAT_SECONDS = 5

_leases = schema.leases.c

_READ = Prepared(select(_leases.holder, _leases.until).where(_leases.name == bindparam("of_name")))
_HOLD = Prepared(
    update(schema.leases)
    .where(_leases.name == bindparam("of_name"))
    .values({name: bindparam(name) for name in ("holder", "until", "beat")})
)
_BEGIN = Prepared(insert(schema.leases))
_GIVE_BACK = Prepared(
    delete(schema.leases).where(_leases.name == bindparam("of_name"), _leases.holder == bindparam("of_holder"))
)


def take(connection: Connection, name: str, holder: str, now: int, seconds: int) -> bool:
    """Take a lease, or keep one that is ours, for this long from now; returns whether it is ours."""
    row = _READ.first(connection, {"of_name": name})
    values = {"holder": holder, "until": now + seconds, "beat": now}
    if row is None:
        _BEGIN.run(connection, {"name": name, **values})
    elif row[0] == holder or row[1] <= now or row[1] > now + 2 * seconds:
        # (Further ahead than any lease can be: from a clock that has been put right since.)
        _HOLD.run(connection, {"of_name": name, **values})
    else:
        return False
    return True


def give_back(connection: Connection, name: str, holder: str) -> None:
    """Let somebody else have it at once; one that is not ours stays with its holder."""
    _GIVE_BACK.run(connection, {"of_name": name, "of_holder": holder})


def last_beat(connection: Connection, name: str) -> int | None:
    """When its holder was last seen; None when it is free."""
    return connection.execute(select(_leases.beat).where(_leases.name == name)).scalar_one_or_none()
