"""Keeps what the rules found: raised when two signed sources do not agree, ended when they do again, never deleted.

A finding is derived. Whoever holds the same records finds the same under the same name, and a recomputation gives it
again; only the day by which an explanation is due is this node's own.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, and_, bindparam, delete, exists, insert, select

from ledger import answers, rules
from ledger.folding import read_folded
from ledger.records import base64url
from ledger.records.answers import ANSWERS, AnswerState
from ledger.records.fold import Folded
from ledger.records.funds import AwardState, PaymentState, Ref
from ledger.records.statement import Record
from ledger.rules.answers import REASONS, Answer, refused_answer
from ledger.rules.logs import LogRef
from ledger.rules.mismatch import Mismatch, finding_id
from ledger.rules.snapshot import AwardSnapshot
from ledger.rules.times import before_reference
from ledger.snapshots import NOTHING, Dossier, by_log, read_some
from ledger.storage import findings as rows
from ledger.storage.due import Due, ensure_due, set_due
from ledger.storage.engine import check_held
from ledger.storage.entries import find_log
from ledger.storage.network import Network
from ledger.storage.prepared import Prepared
from ledger.storage.schema import findings, logs, waiting
from ledger.times import DAY_SECONDS, day_in_china, start_of_day
from ledger.views import Finding
from ledger.workdays import after_working_days

ANSWER_WORKING_DAYS = 5
HOLIDAYS_UNPUBLISHED = "holidays_unpublished"  # among the facts: the year for which the last day is only a guess
REFUSED_RECORD, TWO_HISTORIES = "R50", "R36"
UNCREDITED = "R44"
MONEY_RULES = ("R01", "R09", "R10", "R11", "R19", UNCREDITED)
AWARDS_AT_ONCE = 256
CREDITED_WORKING_DAYS = 15  # N of R44: everybody must count the same, so it is no programme's own

_BEIJING = timedelta(hours=8)  # no daylight saving since 1991

_w = waiting.c
_WAITS = Prepared(
    select(_w.ref_handle, logs.c.origin, _w.handle, _w.since)
    .join(logs, logs.c.id == _w.log_id)
    .where(
        _w.ref_log == bindparam("origin"),
        _w.ref_handle.in_(bindparam("handles", expanding=True)),
        _w.private.is_(False),
    )
)
_WAIT = insert(waiting)
_ARRIVED = delete(waiting).where(
    _w.log_id == bindparam("in_log"), _w.handle == bindparam("of_handle"), _w.private.is_(False)
)
_LATE = Prepared(
    select(_w.ref_log, _w.ref_handle)
    .where(
        _w.private.is_(False),
        _w.since < bindparam("before"),
        ~exists().where(
            and_(
                findings.c.log_id == _w.log_id,
                findings.c.handle == _w.handle,
                findings.c.rule == "R09",
                findings.c.state == rows.OPEN,
            )
        ),
    )
    .distinct()
)


def evaluate(
    conn: Connection,
    touched: Iterable[Ref],
    now: int,
    *,
    wait_seconds: int,
    story: bool = False,
    known: Mapping[Ref, Folded] = NOTHING,
) -> list[Mismatch]:
    """Ask the rules of money about every award that these objects belong to; returns what does not agree.

    Called in the transaction that folded them. `wait_seconds` is T: how long a reference may wait for its object.
    `story`: it is told of days gone by, so what is late is asked only when all is told. `known`: objects as they are
    stored by now, which need not be decoded again.
    """
    return _Evaluation(conn, now, wait_seconds, story, known).run(_awards_of(conn, dict.fromkeys(touched), known))


def recheck_waiting(conn: Connection, now: int, *, wait_seconds: int) -> list[Mismatch]:
    """Ask again about what has waited for longer than T; once a round, as nothing else happens when time passes."""
    late = [Ref(*row) for row in _LATE.rows(conn, {"before": now - wait_seconds})]
    return _Evaluation(conn, now, wait_seconds, story=False, known=NOTHING).run(late)


def _awards_of(conn: Connection, touched: Iterable[Ref], known: Mapping[Ref, Folded]) -> list[Ref]:
    states = {ref: known[ref].state if ref in known else None for ref in touched}
    unread = [ref for ref, state in states.items() if state is None]
    states |= {ref: folded.state for ref, folded in read_some(conn, unread).items()}
    awards: dict[Ref, None] = {}
    for ref, state in states.items():
        if isinstance(state, AwardState):
            awards[ref] = None
        elif isinstance(state, PaymentState):
            awards[state.award] = None
    return list(awards)


@dataclass(frozen=True, slots=True)
class _Evaluation:
    """Asks the rules of money about awards, as of one moment."""

    conn: Connection
    now: int
    wait_seconds: int
    story: bool
    known: Mapping[Ref, Folded]

    def run(self, awards: Sequence[Ref]) -> list[Mismatch]:
        """Keep what does not agree, and return it. All that is known of the awards is read at once."""
        found: list[Mismatch] = []
        for at in range(0, len(awards), AWARDS_AT_ONCE):
            some = awards[at : at + AWARDS_AT_ONCE]
            dossiers = Dossier.read_some(self.conn, some, self.known)
            waits, standing = _read_waits(self.conn, some), _read_standing(self.conn, dossiers)
            due: list[Due] = []
            for dossier in dossiers:
                found += self._evaluate(dossier, waits.get(dossier.ref, {}), standing, due)
            ensure_due(self.conn, due)
        return found

    def _evaluate(
        self, dossier: Dossier, waits: dict[Ref, int], standing: Mapping[Ref, Sequence[Finding]], due: list[Due]
    ) -> list[Mismatch]:
        snapshot = dossier.snapshot()
        found = self._without_waiting(snapshot, rules.money(snapshot), waits)
        found += self._uncredited(snapshot, due)
        for mismatch in (*found, *_out_of_order(dossier, snapshot)):
            raise_finding(self.conn, mismatch, self.now)
        was_open = {row.id for ref in (dossier.ref, *dossier.payments) for row in standing.get(ref, ())}
        for gone in sorted(was_open - {mismatch.id for mismatch in found}):
            end_finding(self.conn, gone, self.now)
        return found

    def _uncredited(self, snapshot: AwardSnapshot, due: list[Due]) -> list[Mismatch]:
        """Money that has not arrived in its days; as long as those run, it is looked at when they are over."""
        award = snapshot.award
        if award is None or award.state.approved is None or not rules.waits_for_money(snapshot):
            return []
        late_from = _late_from(day_in_china(award.state.approved))
        log_id = Network.read(self.conn).log_id(snapshot.ref.log)
        if (self.story or self.now < late_from) and log_id is not None:
            due.append(Due(UNCREDITED, log_id, snapshot.ref.sub, late_from))
        return [] if self.story else list(rules.not_credited(snapshot, late_from, self.now))

    def _without_waiting(self, snapshot: AwardSnapshot, found: list[Mismatch], waits: dict[Ref, int]) -> list[Mismatch]:
        """Leave out each payment whose award may merely not have arrived: there is no order between two logs."""
        unfounded = {mismatch.about for mismatch in found if mismatch.rule == "R09"}
        for payment in (one.ref for one in snapshot.payments):
            if payment in unfounded and payment not in waits:
                waits[payment] = self.now
                _wait(self.conn, payment, snapshot.ref, self.now)
            elif payment in waits and payment not in unfounded:
                self.conn.execute(_ARRIVED, {"in_log": find_log(self.conn, payment.log), "of_handle": payment.sub})
        early = {payment for payment, since in waits.items() if self.now - since <= self.wait_seconds}
        return [mismatch for mismatch in found if mismatch.rule != "R09" or mismatch.about not in early]


@lru_cache(1_000)
def _late_from(approved: date) -> int:
    last = after_working_days(approved, CREDITED_WORKING_DAYS)
    return start_of_day(last.day.isoformat()) + DAY_SECONDS


def _read_waits(conn: Connection, awards: Iterable[Ref]) -> dict[Ref, dict[Ref, int]]:
    """By award: the payments that wait for it, and since when."""
    waits: dict[Ref, dict[Ref, int]] = {}
    for log, handles in by_log(awards).items():
        for handle, origin, payment, since in _WAITS.rows_among(conn, "handles", handles, {"origin": log}):
            waits.setdefault(Ref(log, handle), {})[Ref(origin, payment)] = since
    return waits


def _read_standing(conn: Connection, dossiers: Iterable[Dossier]) -> dict[Ref, list[Finding]]:
    """By object: what stands about it and is of money."""
    standing: dict[Ref, list[Finding]] = {}
    for row in rows.read_standing(conn, [ref for one in dossiers for ref in (one.ref, *one.payments)]):
        if row.rule in MONEY_RULES and row.about is not None:
            standing.setdefault(row.about, []).append(row)
    return standing


def _out_of_order(dossier: Dossier, snapshot: AwardSnapshot) -> list[Mismatch]:
    """Payments that say they are older than the award that they pay (R38); what was told before anybody looked is left.

    Neither record ever changes: such a finding does not end by itself.
    """
    award, begun = snapshot.award, dossier.begun
    if award is None:
        return []
    found = []
    for payment in snapshot.payments:
        first = begun[payment.ref]
        if first.watched:
            log = LogRef(payment.ref.log, payment.department)
            compared = (payment.ordered.leaf, payment.ref.sub, first.at, award.proposed.leaf, begun[dossier.ref].at)
            found.append(before_reference(log, *compared))
    return [mismatch for mismatch in found if mismatch is not None]


def _wait(conn: Connection, payment: Ref, award: Ref, now: int) -> None:
    place = {"log_id": find_log(conn, payment.log), "handle": payment.sub, "since": now, "private": False}
    conn.execute(_WAIT, {**place, "ref_log": award.log, "ref_handle": award.sub})


def raise_finding(conn: Connection, mismatch: Mismatch, now: int) -> str:
    """Keep a mismatch as a finding, and return its id.

    One that stands already keeps its last day to answer; one that had ended comes back with a new one. What was said of
    it counts all the while: it may have arrived before.
    """
    check_held(conn)  # to keep it takes twenty times what it takes to find nothing
    known = rows.read_finding(conn, mismatch.id)
    if known is None:
        rows.insert_finding(conn, mismatch.id, _opened(mismatch, now) | _place(conn, mismatch))
    elif known.ended_at is not None:
        rows.update_finding(conn, mismatch.id, _opened(mismatch, now), now)
    elif (known.severity, _without_note(known.facts)) != (mismatch.severity, dict(mismatch.facts)):
        rows.update_finding(conn, mismatch.id, _opened(mismatch, known.raised_at), now)
    else:
        return mismatch.id
    settle_answers(conn, mismatch.id, now)
    return mismatch.id


def end_finding(conn: Connection, finding: str, now: int) -> bool:
    """The two sources agree again, or one of them has been taken back; returns whether it stood."""
    return rows.end_finding(conn, finding, now)


# --- what departments say of it ---


def take_answer(conn: Connection, log_id: int, record: Record, now: int, *, wait_seconds: int) -> None:
    """A record just folded may explain or decide a finding, of whichever log. What it names is waited for until T."""
    if record.kind not in ANSWERS:
        return
    name = record.clear["finding"]
    if rows.read_finding(conn, name) is None:
        set_due(conn, REFUSED_RECORD, log_id, record.sub, now + wait_seconds + 1)
    else:
        settle_answers(conn, name, now)


def settle_answers(conn: Connection, name: str, now: int) -> bool:
    """Let a finding be what was said of it, and refuse what was not its department's to say (R50).

    Returns whether all that was said of it counts.
    """
    judged = answers.judge(conn, name)
    found = rows.read_finding(conn, name)
    if found is not None:
        rows.answer_finding(conn, name, judged.said)
    if found is not None and found.rule == TWO_HISTORIES:
        rows.freeze_forked(conn, str(found.facts["log"]))
    for answer, reason in judged.refused:
        raise_finding(conn, refused_answer(answer, reason), now)
    for answer in (*judged.counted, *judged.waiting):
        _excuse(conn, answer, now)
    return not judged.refused


def look_at_answer(conn: Connection, due: Due, now: int, wait_seconds: int) -> None:
    """What it names had time to arrive, and may still come."""
    folded = read_folded(conn, due.log_id, due.handle)
    if folded is None or not isinstance(folded.state, AnswerState):
        return
    name = folded.state.finding
    if not settle_answers(conn, name, now) and rows.read_finding(conn, name) is None:
        set_due(conn, due.rule, due.log_id, due.handle, now + wait_seconds)


def look_at_award(conn: Connection, due: Due, now: int, wait_seconds: int) -> None:
    """The days in which its money had to arrive are over."""
    _Evaluation(conn, now, wait_seconds, story=False, known=NOTHING).run(
        [Ref(Network.read(conn).origin(due.log_id), due.handle)]
    )


def _excuse(conn: Connection, answer: Answer, now: int) -> None:
    """It was refused for what was not known yet."""
    refused = rows.read_finding(conn, finding_id(REFUSED_RECORD, [answer.leaf]))
    if refused is not None and refused.facts.get("reason") in REASONS:
        end_finding(conn, refused.id, now)


def settle_log(conn: Connection, rule: str, origin: str, found: Mismatch | None, now: int) -> None:
    """What a rule says about a log as a whole is now this, or nothing; what it said before ends (R37, R49's head)."""
    settle_logs(conn, rule, origin, [] if found is None else [found], now)


def settle_logs(conn: Connection, rule: str, origin: str, found: Sequence[Mismatch], now: int) -> None:
    """The same of a rule that may say several things about one log (R35)."""
    log_id = find_log(conn, origin)
    if log_id is None:
        return
    for name in rows.read_open_about_log(conn, log_id, rule):
        if name not in {each.id for each in found}:
            end_finding(conn, name, now)
    for mismatch in found:
        raise_finding(conn, mismatch, now)


def _place(conn: Connection, mismatch: Mismatch) -> dict[str, Any]:
    """Which object it is about, or which log as a whole."""
    if mismatch.about is not None:
        origin, handle = mismatch.about.log, mismatch.about.sub
    else:
        origin, handle = mismatch.facts["log"], None
    return {"rule": mismatch.rule, "log_id": find_log(conn, origin), "handle": handle}


def _opened(mismatch: Mismatch, raised_at: int) -> dict[str, Any]:
    facts = dict(mismatch.facts)
    day = (datetime.fromtimestamp(raised_at, UTC) + _BEIJING).date()
    due = after_working_days(day, ANSWER_WORKING_DAYS)
    noted = dict(facts) if due.unpublished is None else {**facts, HOLIDAYS_UNPUBLISHED: due.unpublished}
    return {
        "state": rows.OPEN,
        "severity": mismatch.severity,
        "facts": noted,
        "compared": sorted({base64url.encode(one) for one in mismatch.compared}),
        "raised_at": raised_at,
        "answer_by": due.day.isoformat(),
        "ended_at": None,
    }


def _without_note(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if name != HOLIDAYS_UNPUBLISHED}
