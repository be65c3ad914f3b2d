"""Tells who has checked whose log, up to where and when, as far as this node knows.

Of its own rounds it knows whether they went well; of the others it knows what they have signed.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, select

from ledger.peers.standing import read_standings
from ledger.rules.logs import UNWATCHED_SECONDS
from ledger.storage import heads, schema
from ledger.storage.network import Network, mirror_name, read_urls, witness_name

GOOD, LATE = "good", "late"

_kept = schema.evidence.c


@dataclass(frozen=True, slots=True)
class Member:
    """A department and its log."""

    name: str
    origin: str
    url: str | None  # None: this node itself
    size: int  # what it has published, as far as we ever saw
    finding: str | None  # R36: it has signed two histories


@dataclass(frozen=True, slots=True)
class Check:
    """One department's word on another one's log."""

    by: str  # both by the origins of their logs
    of: str
    role: str  # heads.MIRROR: every record is stored and was checked; heads.WITNESS: it only grew
    size: int
    at: int | None  # seconds since 1970; None: never yet
    state: str  # of our own rounds as `Standing.state`; of others, whether they have looked within T1 (R37)


def read_members(conn: Connection) -> list[Member]:
    """This department, then all that it follows, in the order of their names."""
    network, urls = Network.read(conn), read_urls(conn)
    forked: dict[str, str] = {row.origin: row.finding for row in conn.execute(select(_kept.origin, _kept.finding))}
    own = heads.published_head(conn, network.own.id)
    members = [Member(network.name(network.own.origin), network.own.origin, None, 0 if own is None else own.size, None)]
    for one in read_standings(conn):
        log_id = network.log_id(one.origin)
        head = None if log_id is None else heads.newest_head(conn, log_id)
        size = one.checked if head is None else head.size
        members.append(Member(one.name, one.origin, urls[one.origin], size, forked.get(one.origin)))
    return members


def read_checks(conn: Connection, now: int) -> list[Check]:
    """Every check that is known: first our own, then by whose log it is and who has looked."""
    own = Network.read(conn).own.origin
    standings = read_standings(conn)
    ours = [Check(own, one.origin, heads.MIRROR, one.checked, one.checked_at, one.state) for one in standings]
    origins = [own, *(one.origin for one in standings)]
    signed = [check for of in origins for check in _signed(conn, of, origins, now)]
    # Of our own mirror the rounds tell more than its last signature.
    return [*ours, *(one for one in signed if (one.by, one.role) != (own, heads.MIRROR))]


def _signed(conn: Connection, of: str, origins: list[str], now: int) -> Iterator[Check]:
    log_id = Network.read(conn).log_id(of)
    if log_id is None:
        return
    newest: dict[str, tuple[int, int]] = {}
    for one in heads.read_cosignatures(conn, log_id):  # of a department's two keys, the one that says more
        newest[one.line.name] = max((one.size, one.time), newest.get(one.line.name, (0, 0)))
    for by in origins:
        for role, name in ((heads.MIRROR, mirror_name(by)), (heads.WITNESS, witness_name(by))):
            if by != of and name in newest:
                size, at = newest[name]
                yield Check(by, of, role, size, at, GOOD if now - at <= UNWATCHED_SECONDS else LATE)
