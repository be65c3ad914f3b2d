"""Asks of every log whether others still look at it, and whether somebody holds what was cosigned (R37, R49).

Nothing happens when nobody looks any more, so this is asked once a round.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, func, insert, select

from ledger import findings
from ledger.merkle.checkpoint import Checkpoint
from ledger.peers.cosignatures import Cosigners
from ledger.peers.home import Home, read_peers
from ledger.rules import logs as rules
from ledger.storage import entries, heads, schema
from ledger.storage.heads import KeptCosignature
from ledger.storage.lags import count_anew, forget_lag, note_lag

WATCHING_SINCE = "watching-since"  # a cursor: when our own rounds began to cosign

_heads, _cursors = schema.heads.c, schema.cursors.c


def watch_logs(connection: Connection, home: Home) -> None:
    """Raise or end what R37 and R49 say of each log as a whole."""
    peers = [peer for peer in read_peers(connection) if not peer.forked]
    if not peers:
        return  # a department alone: there is nobody who could look
    cosigners = Cosigners.read(connection, home)
    since = _watching_since(connection, home.now())
    own = rules.LogRef(home.origin, home.name)
    for log in (own, *(rules.LogRef(peer.origin, peer.name) for peer in peers)):
        log_id = entries.find_log(connection, log.origin)
        if log_id is not None:
            _check_watched(connection, home, log, log_id, cosigners, since)
            _check_taken_in(connection, home, log, log_id, cosigners)
            if log is not own:
                _check_mirrored(connection, home, log, log_id, cosigners, since)


def _watching_since(connection: Connection, now: int) -> int:
    """Before our first round nobody could have looked: the story is older than the network."""
    query = select(_cursors.pos).where(_cursors.name == WATCHING_SINCE)
    known: int | None = connection.execute(query).scalar_one_or_none()
    if known is None:
        connection.execute(insert(schema.cursors), {"name": WATCHING_SINCE, "pos": now})
    return now if known is None else known


def _check_watched(
    connection: Connection, home: Home, log: rules.LogRef, log_id: int, cosigners: Cosigners, since: int
) -> None:
    looked = cosigners.foreign_over(connection, log_id, log.origin, heads.WITNESS)
    newest = max(looked, key=lambda one: one.time, default=None)
    head = heads.newest_head(connection, log_id)
    if head is None:
        return
    text = _text(log, newest) if newest is not None else Checkpoint(log.origin, head.size, head.root).text()
    seen_at = newest.time if newest is not None else max(head.at, since)
    findings.settle_log(connection, "R37", log.origin, rules.unwatched(log, text, seen_at, home.now()), home.now())


def _check_mirrored(
    connection: Connection, home: Home, log: rules.LogRef, log_id: int, cosigners: Cosigners, since: int
) -> None:
    held = cosigners.foreign_over(connection, log_id, log.origin, heads.MIRROR)
    covered = max((one.size for one in held), default=0)
    beyond = connection.execute(
        select(func.min(_heads.at), func.min(_heads.size)).where(_heads.log_id == log_id, _heads.size > covered)
    ).one()
    mismatch = None
    if beyond[0] is not None and (head := heads.head_at(connection, log_id, beyond[1])) is not None:
        text = Checkpoint(log.origin, head.size, head.root).text()
        mismatch = rules.unchecked_head(log, text, max(beyond[0], since), home.now(), home.round_seconds)
    findings.settle_log(connection, "R49", log.origin, mismatch, home.now())


def _check_taken_in(connection: Connection, home: Home, log: rules.LogRef, log_id: int, cosigners: Cosigners) -> None:
    """What each other department's mirror vouches for, against what we hold (R35)."""
    now, held = home.now(), entries.read_edge(connection, log_id).size
    if log.origin == home.origin:  # what nobody was shown yet, nobody can hold
        shown = heads.published_head(connection, log_id)
        held = 0 if shown is None else shown.size
    looked = _by_department(cosigners, cosigners.foreign_over(connection, log_id, log.origin, heads.WITNESS))
    vouched = _by_department(cosigners, cosigners.foreign_over(connection, log_id, log.origin, heads.MIRROR))
    names, found = {peer.origin: peer.name for peer in read_peers(connection)} | {home.origin: home.name}, []
    for origin, one in vouched.items():
        if one.size >= held:
            forget_lag(connection, log_id, one.line.name)
            continue
        # Its witness goes on by itself when the log asks it; its mirror says nothing of what it could not store.
        spoke_at = min(max(one.time, looked[origin].time if origin in looked else 0), now)
        since = note_lag(connection, log_id, one.line.name, one.size, now)
        said = rules.missing_at_peer(log, names[origin], _text(log, one), since, spoke_at, home.round_seconds)
        if said is not None:
            found.append(said)
        elif now - spoke_at > rules.ROUNDS_UNTIL_AWAY * home.round_seconds:
            # Who is away gets the whole wait when it is back: its witness answers at once, its mirror a round later.
            count_anew(connection, log_id, one.line.name, one.size, now)
    findings.settle_logs(connection, "R35", log.origin, found, now)


def _by_department(cosigners: Cosigners, said: Sequence[KeptCosignature]) -> dict[str, KeptCosignature]:
    """The newest of each department, by its log's origin."""
    return {cosigners.members[one.line.ref].origin: one for one in sorted(said, key=lambda one: one.time)}


def _text(log: rules.LogRef, cosigned: KeptCosignature) -> str:
    return Checkpoint(log.origin, cosigned.size, cosigned.root).text()
