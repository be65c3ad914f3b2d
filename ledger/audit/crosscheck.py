"""One round of checking each other: follow every peer, join the logs, fetch what is private, cosign, say what is open.

Cost follows what is new. One round at a time, whichever process starts it.
"""

import logging
import secrets
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event
from time import monotonic
from typing import TypeVar

from sqlalchemy import Connection, bindparam, func, select, update

from ledger import findings
from ledger.audit.watch import watch_logs
from ledger.errors import Busy, ForkFound, LedgerError, Misconfigured
from ledger.lateness import recheck_due
from ledger.peers import publish, witness
from ledger.peers.address_book import AddressBook
from ledger.peers.difference import note_difference
from ledger.peers.evidence import keep_evidence
from ledger.peers.exchange import fetch_private
from ledger.peers.home import Home, Peer, read_peers
from ledger.peers.lagging import ask_lagging
from ledger.peers.mirror import fetch_signed, follow, open_mirror
from ledger.peers.promises import judge
from ledger.peers.repeating import cosign_again
from ledger.peers.split_views import compare_views
from ledger.rules.logs import ROUNDS_UNTIL_LATE
from ledger.storage import entries, heads, leases, schema
from ledger.storage import findings as found
from ledger.storage.engine import reading, transaction
from ledger.storage.leftovers import note_left
from ledger.storage.prepared import Prepared
from ledger.views import Finding

ROUND_LEASE_SECONDS = 30  # kept up while peers answer; after a crash another round may start then
LEASE_RENEWED_SECONDS = 5  # and no more often
WAIT_STEP_SECONDS = 0.5
PARALLEL_MAX = 16
TOGETHER_SECONDS = 0.2  # no longer does whoever has answered wait for the others
TURN_SECONDS_MAX = 60.0  # of one peer in a round: whoever answers everything, slowly, holds up the others no longer
BACKOFF_DOUBLINGS_MAX = 3  # a peer that does not answer is asked every 8th round at the least
CALLED_ROUNDS = 1  # … and in the next one after it has called us about something new
ERROR_CHARS_MAX = 200
TWO_HISTORIES = "has shown two histories, and is not cosigned"

_log = logging.getLogger(__name__)

_Came = TypeVar("_Came")

_peers = schema.peers.c
_waiting = schema.waiting.c

_OF_PEER = update(schema.peers).where(_peers.origin == bindparam("of_origin"))
_WENT_WELL = Prepared(_OF_PEER.values(failures=0, checked_at=bindparam("now"), last_error=None))
_FAILED = Prepared(_OF_PEER.values(failures=bindparam("times"), last_error=bindparam("said")))
_STANDS = Prepared(select(_peers.checked_at, _peers.last_error).where(_peers.origin == bindparam("of_origin")))
_MISSING = Prepared(select(func.count()).where(_waiting.log_id == bindparam("of_log"), _waiting.private))


@dataclass(frozen=True, slots=True)
class PeerRow:
    """What the round came to with one peer."""

    name: str
    origin: str
    size: int  # what the peer has signed, as far as we ever saw
    checked: int  # up to where we hold and have checked its records
    new: int  # records checked in this round
    refused: int  # of these, how many became findings
    missing: int  # objects whose private part is needed here and has not come
    error: str | None  # why the round with this peer stopped
    checked_at: int | None  # when a round with it last went well

    @property
    def is_verified(self) -> bool:
        """Whether the round with it went well."""
        return self.error is None


@dataclass(frozen=True, slots=True)
class Report:
    """What one round came to."""

    rows: tuple[PeerRow, ...]
    findings: tuple[Finding, ...]  # open or explained, and not decided: stops first, then alarms, then warnings

    @property
    def exit_code(self) -> int:
        """1 while a finding to act on is open, which outranks an unreachable peer; 3 when nothing could be checked."""
        if any(finding.severity in {"S", "A"} for finding in self.findings):
            return 1
        return 0 if any(row.is_verified for row in self.rows) else 3


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What came of one peer's turn."""

    new: int = 0
    refused: int = 0
    left: int = 0  # entries that were more than a round takes
    error: str | None = None


def run_round(
    home: Home, peer: str | None = None, *, cosign: bool = True, wait_seconds: float = 0, patient: bool = True
) -> Report:
    """Check all peers, or the one of this name, once; returns what came of it.

    `cosign` False: the story before the network began is told; all is fetched, folded and exchanged, and nothing
    cosigned. `wait_seconds`: how long to wait for a round that runs already. `patient` False: a peer that has not
    answered lately is asked less and less often. Raises Busy, Misconfigured or Behind.
    """
    home.log.check_whole()  # a node that may have lost something looks for that first
    with _alone(home, wait_seconds) as still_alone:
        with reading(home.engine) as connection:
            peers = read_peers(connection)
        followed = _chosen(peers, peer)
        _keep_addresses(home, peers)
        due = [one for one in followed if patient or _is_due(one, home)]
        with ThreadPoolExecutor(PARALLEL_MAX) as pool:
            outcomes = _check_peers(home, pool, due, cosign=cosign, after_each=still_alone)
            if cosign:
                publish.offer_again(home, pool)
                publish.collect_mirrors(home, pool)
                # After all have been followed: what we hold by now is rarely less than what they have seen.
                compare_views(home, pool, _went_well(outcomes), while_waiting=still_alone)
        if cosign:
            ask_lagging(home)
        return _conclude(home, followed, outcomes, watched=cosign)


def _keep_addresses(home: Home, peers: Sequence[Peer]) -> None:
    """A round goes on without: only a node that loses its database would want them."""
    try:
        book = AddressBook.beside(home.high_water.path)
        book.keep({**_not_yet_followed(home, book), **{peer.origin: peer.url for peer in peers}})
    except Busy as error:
        _log.warning("where the other departments are is not written down: %s", error)


def _not_yet_followed(home: Home, book: AddressBook) -> dict[str, str]:
    """Where those are that nobody has followed again since this node was rebuilt; whoever was removed is left out."""
    with reading(home.engine) as connection:
        known = {peer.origin for peer in read_peers(connection, with_removed=True)}
    try:
        return {origin: url for origin, url in book.read().items() if origin not in known}
    except Misconfigured:
        return {}  # damaged: it is written anew


def finding_line(finding: Finding) -> str:
    """A finding as the line that people and programs read: id, rule, state, departments, amounts in fen."""
    departments = ",".join(finding.facts.get("departments", ()))
    amounts = [f"{name}={finding.facts[name]}" for name in ("approved", "ordered", "paid") if name in finding.facts]
    return " ".join(word for word in (finding.id, finding.rule, finding.state, departments, *amounts) if word)


# --- one round at a time ---


@contextmanager
def _alone(home: Home, wait_seconds: float) -> Iterator[Callable[[], bool]]:
    """Hold the round's lease; what is yielded keeps it up."""
    holder = secrets.token_hex(8)
    deadline, pause = monotonic() + wait_seconds, Event()
    while not _take(home, holder):
        if monotonic() >= deadline:
            raise Busy("another round is running")
        pause.wait(WAIT_STEP_SECONDS)
    taken_at = home.now()

    def keep_up() -> bool:
        nonlocal taken_at
        if abs(home.now() - taken_at) < LEASE_RENEWED_SECONDS:
            return True
        taken_at = home.now()
        return _take(home, holder)

    try:
        yield keep_up
    finally:
        with transaction(home.engine, facts=False) as connection:
            leases.give_back(connection, leases.ROUND, holder)


def _take(home: Home, holder: str) -> bool:
    with transaction(home.engine, facts=False) as connection:
        return leases.take(connection, leases.ROUND, holder, home.now(), ROUND_LEASE_SECONDS)


# --- each peer's turn ---


def _chosen(peers: Sequence[Peer], name: str | None) -> list[Peer]:
    chosen = [peer for peer in peers if name is None or name in {peer.name, peer.origin}]
    if name is not None and not chosen:
        raise Misconfigured(f"{name}: no department of this name is followed; `peers list` shows them")
    return chosen


def _is_due(peer: Peer, home: Home) -> bool:
    every = 1 << min(peer.failures, BACKOFF_DOUBLINGS_MAX)
    return home.now() // home.round_seconds % every == 0 or _has_just_called(peer, home)


def _has_just_called(peer: Peer, home: Home) -> bool:
    """Whether a peer that did not answer has offered us a head since, of more than we hold: it is back.

    Others see how far we hold it, by our mirror's word; an old head may have come from anybody.
    """
    with reading(home.engine) as connection:
        seen = witness.last_seen(connection, peer.origin)
        log_id = entries.find_log(connection, peer.origin)
        held = 0 if log_id is None else entries.read_edge(connection, log_id).size
    return seen.size > held and home.now() - seen.time <= CALLED_ROUNDS * home.round_seconds


def _check_peers(
    home: Home, pool: Executor, peers: Sequence[Peer], *, cosign: bool, after_each: Callable[[], object]
) -> dict[str, _Outcome]:
    outcomes: dict[str, _Outcome] = {}
    # All are asked at once, so that one that does not answer holds up nobody else.
    awaited: dict[Future[bytes | _Outcome], Peer] = {pool.submit(_ask, home, peer): peer for peer in peers}
    while awaited:
        # Nearly always all have answered in a moment, and are dealt with together.
        answered = wait(awaited, timeout=TOGETHER_SECONDS).done or wait(awaited, return_when=FIRST_COMPLETED).done
        came = [(awaited.pop(one), one.result()) for one in answered]
        shown = {peer.origin: said for peer, said in came if isinstance(said, bytes)}
        again = _cosign_again(home, shown) if cosign and shown else ()
        for peer, said in came:
            if isinstance(said, _Outcome) or peer.origin in again:
                outcomes[peer.origin] = said if isinstance(said, _Outcome) else _Outcome()
                after_each()
            else:
                awaited[pool.submit(_follow, home, peer, said, cosign=cosign)] = peer
    _remember(home, peers, outcomes)
    return outcomes


def _ask(home: Home, peer: Peer) -> bytes | _Outcome:
    """What a peer shows."""
    if peer.forked:
        return _refused(home, peer)
    return _in_turn(home, peer, lambda: fetch_signed(home, peer))


def _cosign_again(home: Home, shown: Mapping[str, bytes]) -> Collection[str]:
    """Those of these logs that show what they showed last, and have been cosigned again."""
    try:
        return cosign_again(home, shown)
    except LedgerError as error:
        _log.info("each is followed by itself: %s", error)
    except Exception:  # noqa: BLE001  likewise: what one of them has met must not end the round with all others
        _log.exception("cosigning again what is the same failed; each is followed by itself")
    return ()


def _follow(home: Home, peer: Peer, signed: bytes, *, cosign: bool) -> _Outcome:
    """All of a peer's turn, when it shows something new."""

    def deed() -> _Outcome:
        progress = follow(home, peer, signed, cosign_it=cosign)
        fetch_private(home, peer, open_mirror(home, peer))
        return _Outcome(progress.new, progress.refused, progress.size - progress.checked)

    return _in_turn(home, peer, deed)


def _in_turn(home: Home, peer: Peer, deed: Callable[[], _Came]) -> _Came | _Outcome:
    """What came of it, or why nothing did."""
    try:
        with home.client.within(TURN_SECONDS_MAX):
            return deed()
    except ForkFound as fork:
        with transaction(home.engine) as connection:
            keep_evidence(connection, fork, home.now())
        return _refused(home, peer)
    except LedgerError as error:
        return _Outcome(error=str(error)[:ERROR_CHARS_MAX])
    except Exception as error:  # noqa: BLE001  a bug that one peer has found must not end the round with all others
        _log.exception("the round with %s failed", peer.name)
        return _Outcome(error=f"internal error: {type(error).__name__}")


def _went_well(outcomes: dict[str, _Outcome]) -> list[str]:
    return [origin for origin, outcome in outcomes.items() if outcome.error is None]


def _refused(home: Home, peer: Peer) -> _Outcome:
    """A log of two histories: nothing of it is taken in; what it shows otherwise now is noted, as soon as it shows."""
    try:
        note_difference(home, peer)
    except LedgerError as error:
        _log.info("%s: what it changed is not known yet: %s", peer.name, error)
    return _Outcome(error=TWO_HISTORIES)


def _remember(home: Home, peers: Sequence[Peer], outcomes: Mapping[str, _Outcome]) -> None:
    """How it went with each, written once for all of them."""
    now = home.now()
    with transaction(home.engine, facts=False) as connection:
        for peer in peers:
            outcome = outcomes[peer.origin]
            if outcome.error is not None:
                _FAILED.run(connection, {"of_origin": peer.origin, "said": outcome.error, "times": peer.failures + 1})
                continue
            _WENT_WELL.run(connection, {"of_origin": peer.origin, "now": now})
            log_id = entries.find_log(connection, peer.origin)
            if log_id is not None:
                note_left(connection, log_id, outcome.left)
    for peer in peers:
        if left := outcomes[peer.origin].left:
            _log.warning("%s: %d entries are more than a round takes, and are left to the next", peer.name, left)


# --- what the round came to ---


def _conclude(home: Home, peers: Sequence[Peer], outcomes: dict[str, _Outcome], *, watched: bool) -> Report:
    with transaction(home.engine) as connection:
        now = home.now()
        wait = ROUNDS_UNTIL_LATE * home.round_seconds
        findings.recheck_waiting(connection, now, wait_seconds=wait)
        if watched:
            recheck_due(connection, now, wait_seconds=wait)  # of days gone by nothing is late before all is told
            watch_logs(connection, home)
        for peer in peers:
            judge(connection, home, peer)
        rows = tuple(_row(connection, peer, outcomes.get(peer.origin)) for peer in peers)
        return Report(rows, tuple(found.read_findings(connection)))


def _row(connection: Connection, peer: Peer, outcome: _Outcome | None) -> PeerRow:
    log_id = entries.find_log(connection, peer.origin)
    head = None if log_id is None else heads.newest_head(connection, log_id)
    checked = 0 if log_id is None else entries.read_edge(connection, log_id).size
    [(checked_at, last_error)] = _STANDS.rows(connection, {"of_origin": peer.origin})
    turn = outcome or _Outcome(error=last_error)  # not its turn: what the last one came to
    return PeerRow(
        peer.name,
        peer.origin,
        size=checked if head is None else head.size,
        checked=checked,
        new=turn.new,
        refused=turn.refused,
        missing=0 if log_id is None else _MISSING.scalar(connection, {"of_log": log_id}),
        error=turn.error,
        checked_at=checked_at,
    )
