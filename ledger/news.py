"""The change feed, for whoever tells people about it: what was folded, record by record, since they last looked.

The ledger never waits for them and never knows them; each keeps a cursor of its own, by name.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, Row, and_, bindparam, insert, select, update

from ledger.records.funds import Ref
from ledger.records.statement import Record, parse_record
from ledger.storage.engine import reading, transaction
from ledger.storage.schema import cursors, entries, feed, logs

NEWS_MAX = 200  # at once: the rest comes the next time

_CURSOR = select(cursors.c.pos).where(cursors.c.name == bindparam("of_name"))
_MOVE = (
    update(cursors)
    .where(cursors.c.name == bindparam("of_name"), cursors.c.pos < bindparam("to"))
    .values(pos=bindparam("to"))
)
_ALL_NEWS = (
    select(feed.c.pos, feed.c.handle, feed.c.idx, feed.c.story, logs.c.origin, entries.c.entry)
    .join(logs, logs.c.id == feed.c.log_id)
    .join(entries, and_(entries.c.log_id == feed.c.log_id, entries.c.idx == feed.c.idx))
)
_NEWS = _ALL_NEWS.where(feed.c.pos > bindparam("after")).order_by(feed.c.pos).limit(NEWS_MAX)
_NEWS_AT = _ALL_NEWS.where(feed.c.pos == bindparam("at"))


@dataclass(frozen=True, slots=True)
class News:
    """A record that was folded, ours or a mirrored one."""

    pos: int  # in the order of folding
    ref: Ref  # the object it is about
    index: int  # in its log
    record: Record
    story: bool  # told before the network began: nobody is notified


def read_news(engine: Engine, cursor: str) -> list[News]:
    """What was folded since this cursor was moved last; raises Busy."""
    with reading(engine) as conn:
        after = conn.execute(_CURSOR, {"of_name": cursor}).scalar() or 0
        return [_news(row) for row in conn.execute(_NEWS, {"after": after})]


def read_news_at(engine: Engine, pos: int) -> News | None:
    """What was folded at this position; raises Busy."""
    with reading(engine) as conn:
        found = conn.execute(_NEWS_AT, {"at": pos}).first()
    return None if found is None else _news(found)


def _news(row: Row[Any, Any, Any, Any, Any, Any]) -> News:
    return News(row.pos, Ref(row.origin, row.handle), row.idx, parse_record(bytes(row.entry)), row.story)


def move_cursor(engine: Engine, cursor: str, pos: int) -> None:
    """Everything up to here has been told; never back. Raises Busy."""
    with transaction(engine, facts=False) as conn:
        if conn.execute(_CURSOR, {"of_name": cursor}).first() is None:
            conn.execute(insert(cursors), {"name": cursor, "pos": pos})
        else:
            conn.execute(_MOVE, {"of_name": cursor, "to": pos})
