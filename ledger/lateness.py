"""Looks at what only time changes, when it is due; and tells whether a case was decided by the day that was promised.

The promise is signed: the record of the acceptance names the day. Of a decision counts its own time, or the later one
at which a quorum had cosigned a log that did not hold it yet.
"""

from collections.abc import Callable, Iterable, Mapping

from sqlalchemy import Connection

from ledger import findings
from ledger.folding import read_folded
from ledger.records.cases import OPEN, CaseState, CaseStatus
from ledger.records.funds import Ref
from ledger.records.statement import Record, parse_record
from ledger.rules.logs import LogRef
from ledger.rules.mismatch import finding_id
from ledger.rules.times import Promise, late
from ledger.storage import facts as rows
from ledger.storage.due import Due, ensure_due, read_due, set_due
from ledger.storage.facts import Told
from ledger.storage.network import Network
from ledger.times import DAY_SECONDS, start_of_day

LATE = "R39"
# What begins a promise, and what ends it.
MOVES = frozenset(
    {
        "case-accepted",
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


def recheck_due(conn: Connection, now: int, *, wait_seconds: int) -> None:
    """Look at what only time has changed; once a round, and no more than is due."""
    for each in read_due(conn, now):
        set_due(conn, each.rule, each.log_id, each.handle, None)  # whoever looks says when to look again
        _LOOK[each.rule](conn, each, now, wait_seconds)


def evaluate_cases(conn: Connection, touched: Iterable[Ref], now: int, witnessed: Witnessed | None = None) -> None:
    """Ask about each case among these objects whether it keeps its promise (R39).

    `witnessed`: what a quorum had cosigned of its log before these records came.
    """
    for ref in dict.fromkeys(touched):
        log_id = Network.read(conn).log_id(ref.log)
        if log_id is not None:
            _evaluate_case(conn, log_id, ref, now, witnessed)


def _look_at_case(conn: Connection, due: Due, now: int, _wait_seconds: int) -> None:
    folded = read_folded(conn, due.log_id, due.handle)
    if folded is not None and isinstance(folded.state, CaseState) and folded.state.status in OPEN:
        _evaluate_case(conn, due.log_id, Ref(Network.read(conn).origin(due.log_id), due.handle), now, None)


_LOOK: Mapping[str, Callable[[Connection, Due, int, int], None]] = {
    findings.REFUSED_RECORD: findings.look_at_answer,
    findings.UNCREDITED: findings.look_at_award,
    LATE: _look_at_case,
}


def _evaluate_case(conn: Connection, log_id: int, ref: Ref, now: int, witnessed: Witnessed | None) -> None:
    folded = read_folded(conn, log_id, ref.sub)
    state = None if folded is None else folded.state
    if folded is None or not isinstance(state, CaseState) or state.status in _NOT_ACCEPTED:
        return
    story = _story(conn, log_id, ref)
    accepted = _promising(conn, log_id, story)
    if accepted is None:
        return
    promise = _promise(accepted)
    decided_at = None
    if state.status not in OPEN:
        decision = next((told for told in reversed(story) if told.at == folded.since), None)
        if decision is None or (witnessed is not None and decision.idx < witnessed[0]):
            return  # entered later, of another day; or looked at when it came
        decided_at = decision.at if witnessed is None else max(decision.at, witnessed[1])
    else:
        _look_again(conn, Due(LATE, log_id, ref.sub, 0), promise, now)
    log = LogRef(ref.log, Network.read(conn).name(ref.log))
    mismatch = late(log, accepted.leaf, ref.sub, promise, now if decided_at is None else decided_at)
    if mismatch is not None:
        findings.raise_finding(conn, mismatch, now)
    else:
        findings.end_finding(conn, finding_id(LATE, [accepted.leaf]), now)


def _story(conn: Connection, log_id: int, ref: Ref) -> list[Told]:
    """What its log said of the case and its awards, in the log's order."""
    below = [handle for child, handle, _status in rows.read_children(conn, ref.log, ref.sub) if child == log_id]
    told = [row for row in rows.read_story(conn, [ref.sub, *below]) if row.log_id == log_id]
    return sorted(told, key=lambda row: row.idx)


def _promising(conn: Connection, log_id: int, story: Iterable[Told]) -> Record | None:
    """The acceptance that counts, when it promises something and was not told before anybody looked."""
    first = Network.read(conn).log(log_id).first_cosigned
    accepted = [told for told in story if told.kind == "case-accepted"]
    if not accepted or first is None or accepted[-1].idx < first:
        return None
    record = parse_record(bytes(accepted[-1].entry))
    is_entered_later = {"on", "file"} & record.clear.keys()
    return None if is_entered_later or "promised" not in record.clear else record


def _promise(accepted: Record) -> Promise:
    clear = accepted.clear
    lawful = clear.get("lawful")
    return Promise(clear["promised"], _end_of(clear["promised"]), lawful, None if lawful is None else _end_of(lawful))


def _end_of(day: str) -> int:
    return start_of_day(day) + DAY_SECONDS


def _look_again(conn: Connection, due: Due, promise: Promise, now: int) -> None:
    ahead = [at for at in (promise.over, promise.law_over) if at is not None and at > now]
    if ahead:
        ensure_due(conn, due._replace(at=min(ahead)))
