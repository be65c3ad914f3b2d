"""Keeps what the rules found: raised when two signed sources do not agree, ended when they do again, never deleted.

A finding is derived. Whoever holds the same records finds the same under the same name, and a recomputation gives it
again; only the day by which an explanation is due is this node's own.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, bindparam, delete, exists, insert, select

from ledger import rules
from ledger.records.funds import Ref
from ledger.rules.mismatch import Mismatch
from ledger.snapshots import award_snapshot
from ledger.storage import findings as rows
from ledger.storage.schema import findings, logs, objects, waiting
from ledger.workdays import after_working_days

ANSWER_WORKING_DAYS = 5
HOLIDAYS_UNPUBLISHED = "holidays_unpublished"  # among the facts: the year for which the last day is only a guess
MONEY_RULES = ("R01", "R09", "R10", "R11", "R19")

_BEIJING = timedelta(hours=8)  # no daylight saving since 1991

_w, _o = waiting.c, objects.c
_OBJECT = (
    select(_o.topic, _o.ref_log, _o.ref_handle)
    .join(logs, logs.c.id == _o.log_id)
    .where(logs.c.origin == bindparam("origin"), _o.handle == bindparam("handle"))
)
_WAITS = (
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


def evaluate(conn: Connection, touched: Iterable[Ref], now: int, *, wait_seconds: int) -> list[Mismatch]:
    """Ask the rules of money about every award that these objects belong to; returns what does not agree.

    Called in the transaction that folded them. `wait_seconds` is T: how long a reference may wait for its object.
    """
    awards = dict.fromkeys(award for ref in touched for award in _awards_of(conn, ref))
    return [found for award in awards for found in _evaluate_award(conn, award, now, wait_seconds)]


def recheck_waiting(conn: Connection, now: int, *, wait_seconds: int) -> list[Mismatch]:
    """Ask again about what has waited for longer than T; once a round, as nothing else happens when time passes."""
    late = [Ref(*row) for row in conn.execute(_LATE, {"before": now - wait_seconds})]
    return [found for award in late for found in _evaluate_award(conn, award, now, wait_seconds)]


def _awards_of(conn: Connection, ref: Ref) -> list[Ref]:
    row = conn.execute(_OBJECT, {"origin": ref.log, "handle": ref.sub}).first()
    if row is None or row[0] not in {"award", "payment"}:
        return []
    return [ref] if row[0] == "award" else [Ref(row[1], row[2])]


def _evaluate_award(conn: Connection, award: Ref, now: int, wait_seconds: int) -> list[Mismatch]:
    snapshot = award_snapshot(conn, award)
    payments = [payment.ref for payment in snapshot.payments]
    found = _without_waiting(conn, award, payments, rules.money(snapshot), now, wait_seconds)
    was_open = {row.id for row in rows.read_findings(conn, [award, *payments]) if row.rule in MONEY_RULES}
    for mismatch in found:
        raise_finding(conn, mismatch, now)
    for gone in sorted(was_open - {mismatch.id for mismatch in found}):
        end_finding(conn, gone, now)
    return found


def _without_waiting(
    conn: Connection, award: Ref, payments: Iterable[Ref], found: list[Mismatch], now: int, wait_seconds: int
) -> list[Mismatch]:
    """Leave out each payment whose award may merely not have arrived: there is no order between two logs."""
    told = conn.execute(_WAITS, {"origin": award.log, "handle": award.sub})
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
    """Keep a mismatch as an open finding, and return its id.

    One that is open already keeps its last day to answer; one that had ended comes back with a new one.
    """
    known = rows.read_finding(conn, mismatch.id)
    facts = dict(mismatch.facts)
    if known is None:
        place = _place(conn, mismatch)
        rows.insert_finding(conn, mismatch.id, _opened(mismatch.severity, facts, now) | place)
    elif known.state != rows.OPEN:
        rows.update_finding(conn, mismatch.id, _opened(mismatch.severity, facts, now), now)
    elif (known.severity, _without_note(known.facts)) != (mismatch.severity, facts):
        kept = _opened(mismatch.severity, facts, known.raised_at)
        rows.update_finding(conn, mismatch.id, kept, now)
    return mismatch.id


def end_finding(conn: Connection, finding: str, now: int) -> bool:
    """The two sources agree again, or one of them has been taken back; returns whether it was open."""
    return rows.end_finding(conn, finding, now)


def settle_log(conn: Connection, rule: str, origin: str, found: Mismatch | None, now: int) -> None:
    """What a rule says about a log as a whole is now this, or nothing; what it said before ends (R37, R49's head)."""
    log_id = rows.find_log(conn, origin)
    if log_id is None:
        return
    for name in rows.read_open_about_log(conn, log_id, rule):
        if found is None or name != found.id:
            rows.end_finding(conn, name, now)
    if found is not None:
        raise_finding(conn, found, now)


def _place(conn: Connection, mismatch: Mismatch) -> dict[str, Any]:
    """Which object it is about, or which log as a whole."""
    if mismatch.about is not None:
        origin, handle = mismatch.about.log, mismatch.about.sub
    else:
        origin, handle = mismatch.facts["log"], None
    return {"rule": mismatch.rule, "log_id": rows.find_log(conn, origin), "handle": handle}


def _opened(severity: str, facts: Mapping[str, Any], raised_at: int) -> dict[str, Any]:
    day = (datetime.fromtimestamp(raised_at, UTC) + _BEIJING).date()
    due = after_working_days(day, ANSWER_WORKING_DAYS)
    noted = dict(facts) if due.unpublished is None else {**facts, HOLIDAYS_UNPUBLISHED: due.unpublished}
    return {
        "state": rows.OPEN,
        "severity": severity,
        "facts": noted,
        "raised_at": raised_at,
        "answer_by": due.day.isoformat(),
        "ended_at": None,
    }


def _without_note(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if name != HOLIDAYS_UNPUBLISHED}
