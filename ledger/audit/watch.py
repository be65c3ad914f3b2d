"""Asks of every log whether others still look at it, and whether somebody holds what was cosigned (R37, R49).

Nothing happens when nobody looks any more, so this is asked once a round.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, func, select

from ledger import findings
from ledger.merkle.checkpoint import Checkpoint
from ledger.merkle.hashing import EMPTY_ROOT
from ledger.peers import witness
from ledger.peers.cosignatures import Cosigners
from ledger.peers.growth import Seen
from ledger.peers.home import Home, read_peers
from ledger.rules import logs as rules
from ledger.storage import cursors, entries, heads, schema
from ledger.storage.heads import KeptCosignature
from ledger.storage.lags import count_anew, forget_lag, lagging_mirrors, note_lag, read_lags
from ledger.storage.network import witness_name
from ledger.storage.prepared import Prepared

WATCHING_SINCE = "watching-since"  # a cursor: when our own rounds began to cosign
WATCHED_AT = "watched-at"  # a cursor: our last round

_heads = schema.heads.c

_BEYOND = Prepared(
    select(func.min(_heads.at), func.min(_heads.size)).where(
        _heads.log_id == bindparam("log"), _heads.size > bindparam("covered")
    )
)


@dataclass(frozen=True, slots=True)
class _Watched:
    """One log, and what other departments said of it last."""

    log: rules.LogRef
    log_id: int
    by_witnesses: Sequence[KeptCosignature]
    by_mirrors: Sequence[KeptCosignature]
    lagging: frozenset[str]  # the mirrors that are noted as behind, and our witness when no mirror has what it saw


def watch_logs(connection: Connection, home: Home) -> None:
    """Raise or end what R37 and R49 say of each log as a whole."""
    everybody = read_peers(connection)
    peers = [peer for peer in everybody if not peer.forked]
    if not peers:
        return  # a department alone: there is nobody who could look
    cosigners = Cosigners.read(connection, home)
    since = _watching_since(connection, home.now())
    if _was_away(connection, home):  # whom we could not hear meanwhile has kept nothing from us
        for lagging_log, name in read_lags(connection, home.now()):
            if name == witness_name(home.origin):
                forget_lag(connection, lagging_log, name)
    names = {peer.origin: peer.name for peer in everybody} | {home.origin: home.name}
    seen = witness.all_seen(connection)
    for log in (rules.LogRef(origin, names[origin]) for origin in (home.origin, *(peer.origin for peer in peers))):
        log_id = entries.find_log(connection, log.origin)
        if log_id is None:
            continue
        foreign = cosigners.foreign(heads.read_cosignatures(connection, log_id), log.origin)
        looked, stored = ([one for one in foreign if one.role == role] for role in (heads.WITNESS, heads.MIRROR))
        watched = _Watched(log, log_id, looked, stored, lagging_mirrors(connection, log_id))
        _check_watched(connection, home, watched, since)
        _check_taken_in(connection, home, watched, cosigners, names)
        if log.origin != home.origin:
            _check_mirrored(connection, home, watched, since, seen.get(log.origin, Seen()))


def _watching_since(connection: Connection, now: int) -> int:
    """Before our first round nobody could have looked: the story is older than the network."""
    known = cursors.read(connection, WATCHING_SINCE)
    if known is None:
        cursors.keep(connection, {WATCHING_SINCE: now})
    return now if known is None else known


def _was_away(connection: Connection, home: Home) -> bool:
    """Whether we ourselves have missed several rounds."""
    last, now = cursors.read(connection, WATCHED_AT), home.now()
    cursors.keep(connection, {WATCHED_AT: now})
    return last is not None and now - last > rules.ROUNDS_UNTIL_AWAY * home.round_seconds


def _check_watched(connection: Connection, home: Home, watched: _Watched, since: int) -> None:
    log = watched.log
    newest = max(watched.by_witnesses, key=lambda one: one.time, default=None)
    head = heads.newest_head(connection, watched.log_id)
    if head is None:
        return
    text = _text(log, newest) if newest is not None else Checkpoint(log.origin, head.size, head.root).text()
    seen_at = newest.time if newest is not None else max(head.at, since)
    findings.settle_log(connection, "R37", log.origin, rules.unwatched(log, text, seen_at, home.now()), home.now())


def _check_mirrored(connection: Connection, home: Home, watched: _Watched, since: int, seen: Seen) -> None:
    """What has been cosigned of a log, against what any mirror vouches for (R49)."""
    log, log_id = watched.log, watched.log_id
    newest = max(watched.by_mirrors, key=lambda one: one.size, default=None)
    covered = 0 if newest is None else newest.size
    [(begun, size)] = _BEYOND.rows(connection, {"log": log_id, "covered": covered})
    mismatch = None
    if begun is not None and (head := heads.head_at(connection, log_id, size)) is not None:
        text = Checkpoint(log.origin, head.size, head.root).text()
        mismatch = rules.unchecked_head(log, text, max(begun, since), home.now(), home.round_seconds)
    elif seen.size > covered:
        # Not even its hashes were shown to us. One that is merely down asks our witness for nothing meanwhile.
        begun = note_lag(connection, log_id, witness_name(home.origin), covered, home.now())
        text = Checkpoint(log.origin, 0, EMPTY_ROOT).text() if newest is None else _text(log, newest)
        asked_at = min(seen.time, home.now())
        mismatch = rules.unchecked_head(log, text, begun, asked_at, home.round_seconds)
    elif witness_name(home.origin) in watched.lagging:
        forget_lag(connection, log_id, witness_name(home.origin))
    findings.settle_log(connection, "R49", log.origin, mismatch, home.now())


def _check_taken_in(
    connection: Connection, home: Home, watched: _Watched, cosigners: Cosigners, names: Mapping[str, str]
) -> None:
    """What each other department's mirror vouches for, against what we hold (R35)."""
    log, log_id = watched.log, watched.log_id
    now, held = home.now(), entries.read_edge(connection, log_id).size
    if log.origin == home.origin:  # what nobody was shown yet, nobody can hold
        shown = heads.published_head(connection, log_id)
        held = 0 if shown is None else shown.size
    looked = _by_department(cosigners, watched.by_witnesses)
    found = []
    for origin, one in _by_department(cosigners, watched.by_mirrors).items():
        if one.size >= held:
            if one.line.name in watched.lagging:
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
