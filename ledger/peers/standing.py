"""How far we have checked each department that we follow, and when that last went well."""

from dataclasses import dataclass

from sqlalchemy import Connection, and_, select

from ledger.storage import schema
from ledger.storage.leftovers import read_left

LATE_ROUNDS = 3  # so many missed in a row are no hiccup

_peers = schema.peers.c
_logs = schema.logs.c

_STANDINGS = (
    select(_peers.name, _peers.origin, _logs.id, _logs.folded, _peers.checked_at, _peers.failures, _peers.forked)
    .outerjoin(schema.logs, and_(_logs.origin == _peers.origin, ~_logs.own))
    .where(~_peers.removed)
    .order_by(_peers.name, _peers.origin)
)


@dataclass(frozen=True, slots=True)
class Standing:
    """One department that we follow."""

    name: str
    origin: str
    checked: int  # entries of its log that we stored, checked and folded
    checked_at: int | None  # the last round that went well, seconds since 1970
    failures: int  # rounds in a row that did not
    forked: bool  # it has shown two histories, and is cosigned no more
    left: int = 0  # entries that the last round left to the next: its share of a round was used up

    @property
    def state(self) -> str:
        """How it goes with it: forked, new, unreachable, missed (the last round or two), slowed or good."""
        if self.forked:
            return "forked"
        if self.checked_at is None:
            return "new"
        if self.failures >= LATE_ROUNDS:
            return "unreachable"
        if self.failures > 0:
            return "missed"
        return "slowed" if self.left else "good"


def read_standings(conn: Connection) -> list[Standing]:
    """Every department that we follow, in the order of their names."""
    left = read_left(conn)
    return [
        Standing(
            row.name, row.origin, row.folded or 0, row.checked_at, row.failures, row.forked, left.get(row.id or 0, 0)
        )
        for row in conn.execute(_STANDINGS)
    ]
