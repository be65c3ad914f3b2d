"""Rows of what is true now: objects and the feed, over our own log and the mirrors alike."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import CTE, Connection, Select, and_, bindparam, insert, literal, select, update

from ledger.storage import schema
from ledger.storage.engine import forget
from ledger.storage.prepared import Prepared
from ledger.storage.schema import entries, feed, logs, numbers, objects, peers

Key = tuple[int, str]  # log id and handle

_o = objects.c


class LogRow(NamedTuple):
    """One log that we hold, and the department behind it."""

    id: int
    origin: str
    own: bool
    department: str | None  # None until its genesis is folded
    number_prefix: str | None
    first_cosigned: int | None


_LOGS = Prepared(
    select(logs.c.id, logs.c.origin, logs.c.own, logs.c.department, logs.c.number_prefix, logs.c.first_cosigned)
)
_PEER_NAMES = Prepared(select(peers.c.origin, peers.c.name, peers.c.number_prefix))


def read_logs(conn: Connection) -> list[LogRow]:
    """Every log that we hold: few."""
    return [LogRow(*row) for row in _LOGS.rows(conn)]


def read_peer_names(conn: Connection) -> list[tuple[str, str, str]]:
    """Origin, name and number prefix of each department that we ever followed."""
    return [(row[0], row[1], row[2]) for row in _PEER_NAMES.rows(conn)]


# --- objects ---


class ObjectRow(NamedTuple):
    """An object, its state not yet decoded."""

    log_id: int
    handle: str
    topic: str
    folded: str
    idx: int
    created: int
    first_idx: int
    ref_log: str | None
    ref_handle: str | None
    disputed: int | None
    citizen: str | None

    @property
    def key(self) -> Key:
        """What tells it apart."""
        return self.log_id, self.handle


_COLUMNS = (
    _o.log_id,
    _o.handle,
    _o.topic,
    _o.folded,
    _o.idx,
    _o.created,
    _o.first_idx,
    _o.ref_log,
    _o.ref_handle,
    _o.disputed,
)
_OWNER = and_(numbers.c.log_id == _o.log_id, numbers.c.handle == _o.handle)

_ONE = Prepared(
    select(_o.topic, _o.folded, _o.disputed).where(_o.log_id == bindparam("log_id"), _o.handle == bindparam("handle"))
)


def _below(seed: Select[tuple[int, str]]) -> CTE:
    """The seed and all that refers to it: awards of a case, payments of an award, words on a payment, in any log."""
    tree = seed.cte("tree", recursive=True)
    child = (
        select(_o.log_id, _o.handle)
        .join(tree, _o.ref_handle == tree.c.handle)
        .join(logs, and_(logs.c.id == tree.c.log_id, logs.c.origin == _o.ref_log))
    )
    return tree.union(child)


def _tree(seed: Select[tuple[int, str]]) -> Select[Any]:
    tree = _below(seed)
    return (
        select(*_COLUMNS, numbers.c.citizen)
        .select_from(tree)
        .join(objects, and_(_o.log_id == tree.c.log_id, _o.handle == tree.c.handle))
        .outerjoin(numbers, _OWNER)
    )


_TREE = Prepared(
    _tree(select(_o.log_id, _o.handle).where(_o.log_id == bindparam("log_id"), _o.handle == bindparam("handle")))
)
_TREE_OF_CITIZEN = Prepared(
    _tree(select(numbers.c.log_id, numbers.c.handle).where(numbers.c.citizen == bindparam("citizen")))
)


def read_object(conn: Connection, key: Key) -> tuple[str, str, int | None] | None:
    """Topic, folded text and disputed of one object, or None."""
    row = _ONE.first(conn, {"log_id": key[0], "handle": key[1]})
    return None if row is None else (row[0], row[1], row[2])


def read_departments(conn: Connection, log_id: int) -> list[str]:
    """The handles of all departments that a log names: its own, and those of membership records."""
    query = select(_o.handle).where(_o.log_id == log_id, _o.topic == "department").order_by(_o.first_idx)
    return list(conn.execute(query).scalars())


def read_tree(conn: Connection, key: Key) -> list[ObjectRow]:
    """An object and everything below it, in any log."""
    return [ObjectRow(*row) for row in _TREE.rows(conn, {"log_id": key[0], "handle": key[1]})]


def read_tree_of_citizen(conn: Connection, citizen: str) -> list[ObjectRow]:
    """Everything that belongs to a citizen, and everything below it."""
    return [ObjectRow(*row) for row in _TREE_OF_CITIZEN.rows(conn, {"citizen": citizen})]


_INSERT_OBJECT = Prepared(insert(objects))
_UPDATE_OBJECT = Prepared(
    update(objects)
    .where(_o.log_id == bindparam("in_log"), _o.handle == bindparam("of_handle"))
    # What an object refers to it has referred to from the beginning: its index is left alone.
    .values({name: bindparam(name) for name in ("status", "folded", "idx", "since", "payer")})
)
_DISPUTE = Prepared(
    update(objects)
    .where(_o.log_id == bindparam("in_log"), _o.handle == bindparam("of_handle"), _o.disputed.is_(None))
    .values(disputed=bindparam("at_idx"))
)


def insert_objects(conn: Connection, new: Sequence[Mapping[str, Any]]) -> None:
    """Store objects for the first time, each with all its columns."""
    if new:
        _INSERT_OBJECT.run(conn, *new)


def update_objects(conn: Connection, changed: Sequence[Mapping[str, Any]]) -> None:
    """Store what objects have become: each is `of_handle` `in_log`, with the columns that may change."""
    if changed:
        _UPDATE_OBJECT.run(conn, *changed)


def dispute(conn: Connection, key: Key, idx: int) -> None:
    """Remember the first entry about an object that was refused."""
    _DISPUTE.run(conn, {"in_log": key[0], "of_handle": key[1], "at_idx": idx})


_CHILDREN = Prepared(
    select(_o.log_id, _o.handle, _o.status)
    .where(_o.ref_handle == bindparam("ref_handle"), _o.ref_log == bindparam("ref_log"))
    .order_by(_o.created, _o.first_idx)
)


def read_children(conn: Connection, ref_log: str, ref_handle: str) -> list[tuple[int, str, str]]:
    """Log id, handle and status of the objects that refer to one, oldest first."""
    rows = _CHILDREN.rows(conn, {"ref_log": ref_log, "ref_handle": ref_handle})
    return [(row[0], row[1], row[2]) for row in rows]


_QUEUE = (
    select(_o.handle)
    .where(
        _o.log_id == bindparam("log_id"),
        _o.topic == bindparam("topic"),
        _o.status.in_(bindparam("statuses", expanding=True)),
    )
    .order_by(_o.since, _o.first_idx, _o.handle)
    .offset(bindparam("offset"))
    .limit(bindparam("limit"))
)


def read_queue(
    conn: Connection, log_id: int, topic: str, statuses: Sequence[str], *, offset: int, limit: int
) -> list[str]:
    """Handles of the objects of one log in one of these states, the longest waiting first."""
    found = conn.execute(
        _QUEUE, {"log_id": log_id, "topic": topic, "statuses": list(statuses), "offset": offset, "limit": limit}
    )
    return list(found.scalars())


_payment = objects.alias("payment")
_UNPAID = (
    select(_o.log_id, _o.handle)
    .where(
        _o.payer == bindparam("payer"),
        _o.topic == "award",
        _o.status == "APPROVED",
        ~select(literal(1))
        .where(
            _payment.c.ref_handle == _o.handle,
            _payment.c.log_id == bindparam("own"),
            _payment.c.status != "CANCELLED",
        )
        .exists(),
    )
    .order_by(_o.since, _o.log_id, _o.first_idx)
    .offset(bindparam("offset"))
    .limit(bindparam("limit"))
)


def read_unpaid_awards(conn: Connection, payer: str, own: int, *, offset: int, limit: int) -> list[Key]:
    """Approved awards that name this payer and that its own log has ordered nothing for, oldest first."""
    rows = conn.execute(_UNPAID, {"payer": payer, "own": own, "offset": offset, "limit": limit})
    return [(row[0], row[1]) for row in rows]


class Begun(NamedTuple):
    """An object's first record."""

    at: int  # `iat`
    watched: bool  # another department had cosigned its log before


# --- the feed ---

_INSERT_FEED = Prepared(insert(feed))


class Told(NamedTuple):
    """A record about an object, in the feed."""

    log_id: int
    handle: str
    idx: int
    at: int  # its `iat`
    kind: str
    entry: bytes


_STORY = Prepared(
    select(feed.c.log_id, feed.c.handle, feed.c.idx, feed.c.at, feed.c.kind, entries.c.entry)
    .join(entries, and_(entries.c.log_id == feed.c.log_id, entries.c.idx == feed.c.idx))
    .where(feed.c.handle.in_(bindparam("handles", expanding=True)))
    .order_by(feed.c.at, feed.c.pos)
)
_AT = select(feed.c.at).where(feed.c.log_id == bindparam("log_id"), feed.c.idx == bindparam("idx"))


# A record just folded, for whoever follows the feed; `at` is its `iat`.
_NEWS_COLUMNS = ("log_id", "idx", "handle", "kind", "at", "story")
News = tuple[int, int, str, str, int, bool]


def note_in_feed(conn: Connection, news: Sequence[News]) -> None:
    """Tell whoever follows the feed that these records were folded, in this order."""
    if news:
        _INSERT_FEED.run_rows(conn, _NEWS_COLUMNS, news)


def read_story(conn: Connection, handles: Sequence[str]) -> list[Told]:
    """Every record about these objects, in the order they were said."""
    return [Told(*row) for row in _STORY.rows(conn, {"handles": list(handles)})]


def read_record_time(conn: Connection, log_id: int, idx: int) -> int | None:
    """`iat` of a folded record."""
    found: int | None = conn.execute(_AT, {"log_id": log_id, "idx": idx}).scalar()
    return found


# --- what the network knows of a log ---

_GENESIS = (
    update(logs)
    .where(logs.c.id == bindparam("of_log"))
    .values(department=bindparam("name"), number_prefix=bindparam("prefix"))
)
_FIRST_COSIGNED = Prepared(
    update(logs)
    .where(logs.c.id == bindparam("of_log"), logs.c.first_cosigned.is_(None))
    .values(first_cosigned=bindparam("of_size"))
)
_MIRRORED = Prepared(
    select(
        schema.cosignatures.c.log_id,
        schema.cosignatures.c.name,
        schema.cosignatures.c.size,
        schema.cosignatures.c.time,
    ).where(schema.cosignatures.c.role == "mirror")
)


def name_log(conn: Connection, log_id: int, department: str, number_prefix: str) -> None:
    """Remember what a log's genesis says of its department."""
    forget(conn)
    conn.execute(_GENESIS, {"of_log": log_id, "name": department, "prefix": number_prefix})


def note_first_cosigned(conn: Connection, log_id: int, size: int) -> None:
    """Remember the size of the first head of a log that another department cosigned; later ones change nothing."""
    _FIRST_COSIGNED.run(conn, {"of_log": log_id, "of_size": size})


def read_mirrored(conn: Connection) -> list[tuple[int, str, int, int]]:
    """Log id, mirror's name, size and time of the newest cosignature of each mirror's key."""
    return [(row[0], row[1], row[2], row[3]) for row in _MIRRORED.rows(conn)]
