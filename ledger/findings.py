"""Keeps what the rules found: raised when two signed sources do not agree, ended when they do again, never deleted.

A finding is derived. Whoever holds the same records finds the same under the same name, and a recomputation gives it
again; only the day by which an explanation is due is this node's own.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, bindparam, delete, exists, insert, select

from ledger import answers, rules
from ledger.folding import read_folded
from ledger.records import base64url
from ledger.records.answers import ANSWERS, AnswerState
from ledger.records.funds import Ref
from ledger.records.statement import Record
from ledger.rules.answers import REASONS, Answer, refused_answer
from ledger.rules.logs import LogRef
from ledger.rules.mismatch import Mismatch, finding_id
from ledger.rules.snapshot import AwardSnapshot
from ledger.rules.times import before_reference
from ledger.snapshots import award_snapshot
from ledger.storage import findings as rows
from ledger.storage.due import Due, ensure_due, set_due
from ledger.storage.facts import read_begun
from ledger.storage.network import Network
from ledger.storage.prepared import Prepared
from ledger.storage.schema import findings, logs, objects, waiting
from ledger.times import DAY_SECONDS, day_in_china, start_of_day
from ledger.workdays import after_working_days

ANSWER_WORKING_DAYS = 5
HOLIDAYS_UNPUBLISHED = "holidays_unpublished"  # among the facts: the year for which the last day is only a guess
REFUSED_RECORD, TWO_HISTORIES = "R50", "R36"
UNCREDITED = "R44"
MONEY_RULES = ("R01", "R09", "R10", "R11", "R19", UNCREDITED)
CREDITED_WORKING_DAYS = 15  # N of R44: everybody must count the same, so it is no programme's own

_BEIJING = timedelta(hours=8)  # no daylight saving since 1991

_w, _o = waiting.c, objects.c
_OBJECT = Prepared(
    select(_o.topic, _o.ref_log, _o.ref_handle)
    .join(logs, logs.c.id == _o.log_id)
    .where(logs.c.origin == bindparam("origin"), _o.handle == bindparam("handle"))
)
_WAITS = Prepared(
    select(logs.c.origin, _w.handle, _w.since)
    .join(logs, logs.c.id == _w.log_id)
    .where(_w.ref_log == bindparam("origin"), _w.ref_handle == bindparam("handle"), _w.private.is_(False))
)
_WAIT = insert(waiting)
_ARRIVED = delete(waiting).where(
    _w.log_id == bindparam("in_log"), _w.handle == bindparam("of_handle"), _w.private.is_(False)
)
_LATE = (
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
    conn: Connection, touched: Iterable[Ref], now: int, *, wait_seconds: int, story: bool = False
) -> list[Mismatch]:
    """Ask the rules of money about every award that these objects belong to; returns what does not agree.

    Called in the transaction that folded them. `wait_seconds` is T: how long a reference may wait for its object.
    `story`: it is told of days gone by, so what is late is asked only when all is told.
    """
    awards = dict.fromkeys(award for ref in touched for award in _awards_of(conn, ref))
    return [found for award in awards for found in _evaluate_award(conn, award, now, wait_seconds, story=story)]


def recheck_waiting(conn: Connection, now: int, *, wait_seconds: int) -> list[Mismatch]:
    """Ask again about what has waited for longer than T; once a round, as nothing else happens when time passes."""
    late = [Ref(*row) for row in conn.execute(_LATE, {"before": now - wait_seconds})]
    return [found for award in late for found in _evaluate_award(conn, award, now, wait_seconds)]


def _awards_of(conn: Connection, ref: Ref) -> list[Ref]:
    row = _OBJECT.first(conn, {"origin": ref.log, "handle": ref.sub})
    if row is None or row[0] not in {"award", "payment"}:
        return []
    return [ref] if row[0] == "award" else [Ref(row[1], row[2])]


def _evaluate_award(
    conn: Connection, award: Ref, now: int, wait_seconds: int, *, story: bool = False
) -> list[Mismatch]:
    snapshot = award_snapshot(conn, award)
    payments = [payment.ref for payment in snapshot.payments]
    found = _without_waiting(conn, award, payments, rules.money(snapshot), now, wait_seconds)
    found += _uncredited(conn, snapshot, now, story=story)
    was_open = {row.id for row in rows.read_standing(conn, [award, *payments]) if row.rule in MONEY_RULES}
    for mismatch in (*found, *_out_of_order(conn, snapshot)):
        raise_finding(conn, mismatch, now)
    for gone in sorted(was_open - {mismatch.id for mismatch in found}):
        end_finding(conn, gone, now)
    return found


def _out_of_order(conn: Connection, snapshot: AwardSnapshot) -> list[Mismatch]:
    """Payments that say they are older than the award that they pay (R38); what was told before anybody looked is left.

    Neither record ever changes: such a finding does not end by itself.
    """
    award = snapshot.award
    begun = None if award is None else read_begun(conn, snapshot.ref)
    if award is None or begun is None:
        return []
    found = []
    for payment in snapshot.payments:
        first = read_begun(conn, payment.ref)
        if first is not None and first.watched:
            log = LogRef(payment.ref.log, payment.department)
            compared = (payment.ordered.leaf, payment.ref.sub, first.at, award.proposed.leaf, begun.at)
            found.append(before_reference(log, *compared))
    return [mismatch for mismatch in found if mismatch is not None]


def _uncredited(conn: Connection, snapshot: AwardSnapshot, now: int, *, story: bool) -> list[Mismatch]:
    """Money that has not arrived in its days; as long as those run, it is looked at when they are over."""
    award = snapshot.award
    if award is None or award.state.approved is None or not rules.waits_for_money(snapshot):
        return []
    last = after_working_days(day_in_china(award.state.approved), CREDITED_WORKING_DAYS)
    late_from = start_of_day(last.day.isoformat()) + DAY_SECONDS
    log_id = Network.read(conn).log_id(snapshot.ref.log)
    if (story or now < late_from) and log_id is not None:
        ensure_due(conn, Due(UNCREDITED, log_id, snapshot.ref.sub, late_from))
    return [] if story else list(rules.not_credited(snapshot, late_from, now))


def _without_waiting(
    conn: Connection, award: Ref, payments: Iterable[Ref], found: list[Mismatch], now: int, wait_seconds: int
) -> list[Mismatch]:
    """Leave out each payment whose award may merely not have arrived: there is no order between two logs."""
    told = _WAITS.rows(conn, {"origin": award.log, "handle": award.sub})
    waits = {Ref(origin, handle): since for origin, handle, since in told}
    unfounded = {mismatch.about for mismatch in found if mismatch.rule == "R09"}
    for payment in payments:
        if payment in unfounded and payment not in waits:
            waits[payment] = now
            _wait(conn, payment, award, now)
        elif payment in waits and payment not in unfounded:
            conn.execute(_ARRIVED, {"in_log": rows.find_log(conn, payment.log), "of_handle": payment.sub})
    early = {payment for payment, since in waits.items() if now - since <= wait_seconds}
    return [mismatch for mismatch in found if mismatch.rule != "R09" or mismatch.about not in early]


def _wait(conn: Connection, payment: Ref, award: Ref, now: int) -> None:
    place = {"log_id": rows.find_log(conn, payment.log), "handle": payment.sub, "since": now, "private": False}
    conn.execute(_WAIT, {**place, "ref_log": award.log, "ref_handle": award.sub})


def raise_finding(conn: Connection, mismatch: Mismatch, now: int) -> str:
    """Keep a mismatch as a finding, and return its id.

    One that stands already keeps its last day to answer; one that had ended comes back with a new one. What was said of
    it counts all the while: it may have arrived before.
    """
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
    _evaluate_award(conn, Ref(Network.read(conn).origin(due.log_id), due.handle), now, wait_seconds)


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
    log_id = rows.find_log(conn, origin)
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
    return {"rule": mismatch.rule, "log_id": rows.find_log(conn, origin), "handle": handle}


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
