"""Knows of which logs nothing is left to store, to check or to cosign: nearly all, nearly always.

A head that such a log shows again needs no proof and leads to no entry. Whatever else is shown is looked at by those
who know what it may be: `mirror.follow`, `split_views`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from ledger.merkle.checkpoint import Checkpoint
from ledger.merkle.hashing import Hash
from ledger.peers.evidence import Head
from ledger.peers.growth import Seen
from ledger.storage import schema
from ledger.storage.findings import forked
from ledger.storage.prepared import Prepared

_logs, _heads, _seen, _waiting = schema.logs.c, schema.heads.c, schema.witnessed.c, schema.waiting.c
_larger = schema.heads.alias().c

_SETTLED = Prepared(
    select(_logs.origin, _logs.id, _seen.size, _seen.root, _seen.time, _seen.signed)
    .join(schema.heads, _heads.log_id == _logs.id)
    # What our witness cosigned last is the newest head that we accepted …
    .join(schema.witnessed, (_seen.origin == _logs.origin) & (_seen.size == _heads.size) & (_seen.root == _heads.root))
    .where(
        ~_logs.own,
        _heads.size == select(func.max(_larger.size)).where(_larger.log_id == _logs.id).scalar_subquery(),
        # … all of it is stored and checked here …
        _heads.size == _logs.size,
        # … with what is private of it; and nothing says that the log has another history as well.
        ~select(_waiting.handle).where(_waiting.log_id == _logs.id, _waiting.private).exists(),
        ~forked(_logs.origin),
    )
)


@dataclass(frozen=True, slots=True)
class Settled:
    """A log of which all is done that can be done."""

    log_id: int
    seen: Seen  # its newest head, as our witness cosigned it last

    def is_head(self, shown: Checkpoint | Head) -> bool:
        """Whether this is that very head."""
        return self.is_fixed((shown.size, shown.root))

    def is_fixed(self, mark: tuple[int, Hash] | None) -> bool:
        """Whether that very head stands beside the keys."""
        return mark == (self.seen.size, self.seen.root)


def read_settled(connection: Connection) -> Mapping[str, Settled]:
    """The logs that are settled, by their origins."""
    return {
        origin: Settled(log_id, Seen(size, Hash(root), time, signed))
        for origin, log_id, size, root, time, signed in _SETTLED.rows(connection)
        if signed  # else the database has lost the note: it is the witness's to say what follows
    }
