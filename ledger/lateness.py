"""Looks at what only time changes, when it is due; and tells whether a case was decided by the day that was promised.

The promise is signed: the record of the acceptance names the day. Of a decision counts its own time, or the later one
at which a quorum had cosigned a log that did not hold it yet.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from sqlalchemy import Connection

from ledger import findings
from ledger.folding import read_folded, status_of
from ledger.records.cases import OPEN, CaseState, CaseStatus
from ledger.records.fold import Folded
from ledger.records.funds import Ref
from ledger.records.statement import Record, parse_record
from ledger.rules.logs import LogRef
from ledger.rules.mismatch import finding_id
from ledger.rules.times import Promise, late
from ledger.snapshots import NOTHING, by_log, read_some
from ledger.storage import many as rows
from ledger.storage.due import Due, ensure_due, read_due, set_due
from ledger.storage.many import Line
from ledger.storage.network import Network
from ledger.times import DAY_SECONDS, start_of_day

LATE = "R39"
ACCEPTED = "case-accepted"
# What begins a promise, and what ends it.
MOVES = frozenset(
    {
        ACCEPTED,
        "case-approved",
        "case-refused",
        "case-withdrawn",
        "award-approved",
        "award-refused",
        "amendment",
    }
)
_NOT_ACCEPTED = frozenset({CaseStatus.SUBMITTED, CaseStatus.CORRECTION_DUE, CaseStatus.NOT_ACCEPTED})

Witnessed = tuple[int, int]  # how much of a log a quorum had cosigned, and when
Heard = tuple[int, Record]  # a record just folded, and its index
UNHEARD: Mapping[str, Heard] = MappingProxyType({})


def recheck_due(conn: Connection, now: int, *, wait_seconds: int) -> None:
    """Look at what only time has changed; once a round, and no more than is due."""
    for each in read_due(conn, now):
        set_due(conn, each.rule, each.log_id, each.handle, None)  # whoever looks says when to look again
        _LOOK[each.rule](conn, each, now, wait_seconds)


def evaluate_cases(
    conn: Connection,
    touched: Iterable[Ref],
    now: int,
    witnessed: Witnessed | None = None,
    known: Mapping[Ref, Folded] = NOTHING,
    heard: Mapping[str, Heard] = UNHEARD,
) -> None:
    """Ask about each case among these objects whether it keeps its promise (R39).

    `witnessed`: what a quorum had cosigned of its log before these records came. `known`: objects as they are stored by
    now, which need not be decoded again. `heard`: records that need not be read again, by their ids.
    """
    network = Network.read(conn)
    # What was told before anybody looked has promised nothing.
    watched = [ref for ref in dict.fromkeys(touched) if network.is_watched(ref.log)]
    folded = {ref: known[ref] for ref in watched if ref in known}
    folded |= read_some(conn, [ref for ref in watched if ref not in folded])
    accepted = _accepted(conn, network, {ref: one for ref, one in folded.items() if _is_accepted(one)}, heard)
    promising = {ref: record for ref, record in accepted.items() if _promises(record)}
    stories = _stories(conn, network, [ref for ref in promising if status_of(folded[ref].state) not in OPEN])
    due: list[Due] = []
    for ref, record in promising.items():
        _evaluate_case(conn, _Case(ref, folded[ref], stories.get(ref, ()), record), now, witnessed, due)
    ensure_due(conn, due)


def _promises(accepted: Record) -> bool:
    return "promised" in accepted.clear and not {"on", "file"} & accepted.clear.keys()  # nor was entered later


def _is_accepted(folded: Folded) -> bool:
    return isinstance(folded.state, CaseState) and folded.state.status not in _NOT_ACCEPTED


def _look_at_case(conn: Connection, due: Due, now: int, _wait_seconds: int) -> None:
    folded = read_folded(conn, due.log_id, due.handle)
    if folded is not None and isinstance(folded.state, CaseState) and folded.state.status in OPEN:
        ref = Ref(Network.read(conn).origin(due.log_id), due.handle)
        evaluate_cases(conn, [ref], now, known={ref: folded})


_LOOK: Mapping[str, Callable[[Connection, Due, int, int], None]] = {
    findings.REFUSED_RECORD: findings.look_at_answer,
    findings.UNCREDITED: findings.look_at_award,
    LATE: _look_at_case,
}


def _stories(conn: Connection, network: Network, cases: Iterable[Ref]) -> dict[Ref, list[Line]]:
    """What its log said of each case and its awards, in the log's order."""
    stories: dict[Ref, list[Line]] = {ref: [] for ref in cases}
    for origin, handles in by_log(stories).items():
        log_id = network.id_of(origin)
        case_of = {**rows.read_handles_below(conn, log_id, origin, handles), **{handle: handle for handle in handles}}
        for line in sorted(rows.read_lines(conn, log_id, case_of)):
            stories[Ref(origin, case_of[line.handle])].append(line)
    return stories


def _accepted(
    conn: Connection, network: Network, cases: Mapping[Ref, Folded], heard: Mapping[str, Heard]
) -> dict[Ref, Record]:
    """By case: the acceptance that counts, unless it was told before anybody looked."""
    found: dict[Ref, Heard] = {}
    for ref, folded in cases.items():
        if folded.head.kind == ACCEPTED and folded.head.record_id in heard:
            found[ref] = heard[folded.head.record_id]
    for origin, handles in by_log(ref for ref in cases if ref not in found).items():
        log_id = network.id_of(origin)
        lines = sorted(line for line in rows.read_lines(conn, log_id, handles) if line.kind == ACCEPTED)
        last = {line.handle: line.idx for line in lines}
        places = {idx: Ref(origin, handle) for handle, idx in last.items() if network.watches(origin, idx)}
        for idx, entry in rows.read_entries_at(conn, log_id, places):
            found[places[idx]] = (idx, parse_record(entry))
    return {ref: record for ref, (idx, record) in found.items() if network.watches(ref.log, idx)}


@dataclass(frozen=True, slots=True)
class _Case:
    """A case that was accepted with a promise."""

    ref: Ref
    folded: Folded
    story: Sequence[Line]  # once it is decided
    accepted: Record


def _evaluate_case(conn: Connection, case: _Case, now: int, witnessed: Witnessed | None, due: list[Due]) -> None:
    promise = _promise(case.accepted)
    network = Network.read(conn)
    decided_at = None
    if status_of(case.folded.state) not in OPEN:
        decision = next((line for line in reversed(case.story) if line.at == case.folded.since), None)
        if decision is None or (witnessed is not None and decision.idx < witnessed[0]):
            return  # entered later, of another day; or looked at when it came
        decided_at = decision.at if witnessed is None else max(decision.at, witnessed[1])
    elif ahead := [at for at in (promise.over, promise.law_over) if at is not None and at > now]:
        due.append(Due(LATE, network.id_of(case.ref.log), case.ref.sub, min(ahead)))
    log = LogRef(case.ref.log, network.name(case.ref.log))
    mismatch = late(log, case.accepted.leaf, case.ref.sub, promise, now if decided_at is None else decided_at)
    if mismatch is not None:
        findings.raise_finding(conn, mismatch, now)
    else:
        findings.end_finding(conn, finding_id(LATE, [case.accepted.leaf]), now)


def _promise(accepted: Record) -> Promise:
    clear = accepted.clear
    lawful = clear.get("lawful")
    return Promise(clear["promised"], _end_of(clear["promised"]), lawful, None if lawful is None else _end_of(lawful))


def _end_of(day: str) -> int:
    return start_of_day(day) + DAY_SECONDS
