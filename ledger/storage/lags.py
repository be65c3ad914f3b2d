"""Since when a mirror has vouched for less of a log than we hold."""

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from ledger.storage.prepared import Prepared
from ledger.storage.schema import lagging

_l = lagging.c
_KEY = (_l.log_id == bindparam("of_log"), _l.name == bindparam("of_name"))
_READ = select(_l.size, _l.since).where(*_KEY)
_LONG = Prepared(
    select(_l.log_id, _l.name).where(_l.since < bindparam("before")).order_by(_l.since, _l.log_id, _l.name)
)
_ADD = insert(lagging)
_CHANGE = update(lagging).where(*_KEY).values(size=bindparam("to_size"), since=bindparam("from_now"))
_FORGET = delete(lagging).where(*_KEY)
_FORGET_ALL = delete(lagging).where(_l.log_id == bindparam("of_log"))
_OF_LOG = Prepared(select(_l.name).where(_l.log_id == bindparam("of_log")))


def note_lag(conn: Connection, log_id: int, name: str, size: int, now: int) -> int:
    """Note that this mirror vouches for so much only, and return since when it is no more than that."""
    key = {"of_log": log_id, "of_name": name}
    row = conn.execute(_READ, key).first()
    if row is None:
        conn.execute(_ADD, {"log_id": log_id, "name": name, "size": size, "since": now})
        return now
    if row[0] != size:  # it goes on, if slowly
        conn.execute(_CHANGE, {**key, "to_size": size, "from_now": now})
        return now
    return int(row[1])


def count_anew(conn: Connection, log_id: int, name: str, size: int, now: int) -> None:
    """Let what is noted of this mirror begin now."""
    conn.execute(_CHANGE, {"of_log": log_id, "of_name": name, "to_size": size, "from_now": now})


def read_lags(conn: Connection, before: int) -> list[tuple[int, str]]:
    """The logs, and the mirrors that vouch for less of them than we hold, since before that moment: few or none."""
    return [(row[0], row[1]) for row in _LONG.rows(conn, {"before": before})]


def lagging_mirrors(conn: Connection, log_id: int) -> frozenset[str]:
    """The mirrors that are noted for this log: few or none."""
    return frozenset(row[0] for row in _OF_LOG.rows(conn, {"of_log": log_id}))


def forget_lag(conn: Connection, log_id: int, name: str) -> None:
    """It vouches for all that we hold."""
    conn.execute(_FORGET, {"of_log": log_id, "of_name": name})


def forget_lags(conn: Connection, log_id: int) -> None:
    """Nobody follows this log any more, or somebody begins to: what was counted before says nothing."""
    conn.execute(_FORGET_ALL, {"of_log": log_id})
