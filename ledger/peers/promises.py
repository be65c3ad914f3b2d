"""Takes other departments' promises from whoever holds them, and says aloud when one was not kept (R48).

A promise is a desk's signed word that a record will stand at an index of its log. Anybody may leave one here; it is
held against that log as it is mirrored here, and forgotten once it is kept. Only a department's own signatures fill
this shelf, and it has an end.
"""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, func, insert, or_, select, update

from ledger import findings
from ledger.errors import BadSignature, MalformedRecord
from ledger.merkle.hashing import leaf_hash
from ledger.peers.errors import MalformedQuestion, NotOurs, TooMany, UnknownLog, Untrusted
from ledger.peers.home import Home, Peer, read_peer
from ledger.records.kinds import DESK
from ledger.records.promise import Promise, check_promise, parse_promise
from ledger.rules.logs import UNWATCHED_LONG_SECONDS, LogRef, broken_promise
from ledger.rules.mismatch import Mismatch
from ledger.storage import entries, heads, schema
from ledger.storage.engine import reading, transaction
from ledger.storage.prepared import Prepared
from ledger.storage.signers import SignerRow, read_signer

PATH = "/promises"
KEPT_WITHIN_SECONDS = UNWATCHED_LONG_SECONDS  # T2: a record that is not in the log by then was not said
AHEAD_SECONDS_MAX = 300  # by which another department's clock may be ahead of ours
A_LOG_MAX = 10_000  # promises of one department that wait here or were broken
A_MINUTE_MAX = 600  # of one department
JUDGED_A_ROUND_MAX = 1_000

KEPT, WAITING, BROKEN = "kept", "waiting", "broken"
ANOTHER, NOTHING = "another-record", "nothing-yet"  # what is found in its place

_p = schema.promises.c

_DUE = Prepared(
    select(_p.promise, _p.finding)
    .where(
        _p.log_id == bindparam("log"),
        or_(_p.idx < bindparam("size"), and_(_p.at < bindparam("before"), _p.finding.is_(None))),
        ~_p.settled,
    )
    .limit(JUDGED_A_ROUND_MAX)
)


@dataclass(frozen=True, slots=True)
class Taken:
    """A promise that was left here, and how it stands."""

    promise: Promise
    state: str  # KEPT, WAITING or BROKEN


def take_promise(home: Home, body: bytes) -> Taken:
    """Take the promise in this body.

    Raises MalformedQuestion, UnknownLog, NotOurs, Untrusted, TooMany or Busy. The same one again changes nothing.
    """
    # 1. It is a promise of a department that we follow.
    promise = _parse(body, home.now())
    with reading(home.engine) as connection:
        if promise.origin == home.origin:
            raise NotOurs("a promise of this very department: leave it with another one")
        peer = read_peer(connection, promise.origin)
        log_id = entries.find_log(connection, promise.origin)
        if peer is None or log_id is None:
            raise UnknownLog("no department of this log is followed here")
        # 2. Its desk has signed it, with the key that counts at that index as far as its log is known here.
        _check_signer(connection, log_id, promise)
    # 3. It is kept, broken, or has to be waited for.
    with transaction(home.engine) as connection:
        state = _state(connection, log_id, promise, home.now())
        if state != KEPT and not _is_held(connection, log_id, promise):
            _check_room(connection, log_id, home.now())
            _hold(connection, log_id, promise, home.now())
        if state == BROKEN:
            judge(connection, home, peer)
    return Taken(promise, state)


def judge(connection: Connection, home: Home, peer: Peer) -> None:
    """Hold every promise of a department against its log as it is stored here."""
    log_id = entries.find_log(connection, peer.origin)
    if log_id is None:
        return
    log, now = LogRef(peer.origin, peer.name), home.now()
    size = entries.read_edge(connection, log_id).size
    for text, finding in _DUE.rows(connection, {"log": log_id, "size": size, "before": now - KEPT_WITHIN_SECONDS}):
        promise = parse_promise(text)
        state = _state(connection, log_id, promise, now)
        if state == KEPT:
            _forget(connection, log_id, promise, finding, now)
        elif state == BROKEN:
            found = ANOTHER if promise.index < size else NOTHING
            mismatch = broken_promise(log, promise.leaf, promise.index, promise.text, found)
            _note(connection, log_id, promise, mismatch, found, now)


def _parse(body: bytes, now: int) -> Promise:
    try:
        promise = parse_promise(body.decode("ascii").strip())
    except (MalformedRecord, UnicodeDecodeError) as error:
        raise MalformedQuestion(f"not a promise: {error}") from error
    if promise.at > now + AHEAD_SECONDS_MAX:
        raise MalformedQuestion("a promise from a moment that has not come")
    return promise


def _check_signer(connection: Connection, log_id: int, promise: Promise) -> None:
    signer = read_signer(connection, log_id, promise.kid)
    # A later key may repeat what was promised before it counted: after a rotation it is shown again, signed anew.
    if signer is None or DESK not in signer.roles or _is_retired(signer, promise.index):
        raise Untrusted("no desk's key that counts at this index of its log, as far as it is known here")
    try:
        check_promise(promise, signer.public_key)
    except BadSignature as error:
        raise Untrusted("this desk has not signed it") from error


def _is_retired(signer: SignerRow, index: int) -> bool:
    return signer.to_index is not None and index >= signer.to_index


def _state(connection: Connection, log_id: int, promise: Promise, now: int) -> str:
    size = entries.read_edge(connection, log_id).size
    if promise.index < size:
        [entry] = entries.read_entries(connection, log_id, promise.index, promise.index + 1)
        return KEPT if leaf_hash(bytes(entry)) == promise.leaf else BROKEN
    head = heads.newest_head(connection, log_id)
    # While we are behind what it has shown, nobody can say that a record is missing.
    is_all_here = head is None or head.size <= size
    return BROKEN if is_all_here and now - promise.at > KEPT_WITHIN_SECONDS else WAITING


def _place(log_id: int, promise: Promise) -> ColumnElement[bool]:
    return and_(_p.log_id == log_id, _p.idx == promise.index, _p.leaf == promise.leaf)


def _is_held(connection: Connection, log_id: int, promise: Promise) -> bool:
    return connection.execute(select(_p.at).where(_place(log_id, promise))).first() is not None


def _check_room(connection: Connection, log_id: int, now: int) -> None:
    held = select(func.count()).where(_p.log_id == log_id)
    if connection.execute(held).scalar_one() >= A_LOG_MAX:
        raise TooMany("so many promises of this department are held here that no more are taken")
    if connection.execute(held.where(_p.taken_at > now - 60)).scalar_one() >= A_MINUTE_MAX:
        raise TooMany("too many promises of this department within a minute; come again in the next")


def _hold(connection: Connection, log_id: int, promise: Promise, now: int) -> None:
    row = {"log_id": log_id, "idx": promise.index, "leaf": promise.leaf, "promise": promise.text}
    connection.execute(insert(schema.promises), {**row, "at": promise.at, "taken_at": now, "settled": False})


def _forget(connection: Connection, log_id: int, promise: Promise, finding: str | None, now: int) -> None:
    connection.execute(delete(schema.promises).where(_place(log_id, promise)))
    if finding is not None:  # late, and kept
        findings.end_finding(connection, finding, now)


def _note(connection: Connection, log_id: int, promise: Promise, mismatch: Mismatch, found: str, now: int) -> None:
    name = findings.raise_finding(connection, mismatch, now)
    changed = {"finding": name, "settled": found == ANOTHER}
    connection.execute(update(schema.promises).where(_place(log_id, promise)).values(**changed))
