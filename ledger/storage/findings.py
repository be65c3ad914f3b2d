"""Rows of what did not agree. A finding is never deleted: it ends, and may come back under the same name."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, bindparam, insert, or_, select, update

from ledger.records.funds import Ref
from ledger.storage.prepared import Prepared
from ledger.storage.schema import finding_steps, findings, logs
from ledger.views import Finding

OPEN, ENDED = "open", "ended"
PAGE_MAX = 200

_f = findings.c
_COLUMNS = (
    _f.id,
    _f.rule,
    _f.severity,
    _f.state,
    logs.c.origin,
    _f.handle,
    _f.facts,
    _f.raised_at,
    _f.answer_by,
    _f.ended_at,
)
_ALL = select(*_COLUMNS).outerjoin(logs, logs.c.id == _f.log_id)
_ONE = _ALL.where(_f.id == bindparam("id"))
_STATE = select(_f.state, _f.severity, _f.facts).where(_f.id == bindparam("id"))
_LOG = select(logs.c.id).where(logs.c.origin == bindparam("origin"))
_ABOUT_LOG = select(_f.id).where(
    _f.state == OPEN, _f.log_id == bindparam("log_id"), _f.handle.is_(None), _f.rule == bindparam("rule")
)
_IN_ORDER = (  # stops first, then alarms, then by age
    _ALL.where(_f.state.in_(bindparam("states", expanding=True)))
    .order_by(_f.severity != "S", _f.severity, _f.raised_at, _f.id)
    .limit(bindparam("limit"))
)
_EVERY = Prepared(_IN_ORDER)
_SOME = Prepared(
    _IN_ORDER.where(
        logs.c.origin.in_(bindparam("origins", expanding=True)),
        or_(
            _f.handle.in_(bindparam("handles", expanding=True)),
            # A log that was rewritten concerns everybody of whom it holds a record.
            and_(_f.rule == "R36", _f.handle.is_(None)),
        ),
    )
)
_INSERT = insert(findings)
_UPDATE = (
    update(findings)
    .where(_f.id == bindparam("of_id"))
    .values({name: bindparam(name) for name in ("state", "severity", "facts", "raised_at", "answer_by", "ended_at")})
)
_END = (
    update(findings).where(_f.id == bindparam("of_id"), _f.state == OPEN).values(state=ENDED, ended_at=bindparam("at"))
)
_ADD_STEP = insert(finding_steps)
_s = finding_steps.c
_STEPS = select(_s.at, _s.state, _s.severity, _s.facts).where(_s.finding == bindparam("finding")).order_by(_s.pos)


class Step(NamedTuple):
    """What a finding became, and when."""

    at: int
    state: str
    severity: str
    facts: Mapping[str, Any]


def find_log(conn: Connection, origin: str) -> int | None:
    """The id of a log in this database, None when it is not kept here."""
    found: int | None = conn.execute(_LOG, {"origin": origin}).scalar()
    return found


def read_state(conn: Connection, finding: str) -> tuple[str, str, Mapping[str, Any]] | None:
    """State, severity and facts of one finding, None when there never was one of that name."""
    row = conn.execute(_STATE, {"id": finding}).first()
    return None if row is None else (row[0], row[1], row[2])


def insert_finding(conn: Connection, finding: str, values: Mapping[str, Any]) -> None:
    """Keep a finding for the first time."""
    conn.execute(_INSERT, {"id": finding, "ended_at": None, **values})
    _note_step(conn, finding, values, values["raised_at"])


def update_finding(conn: Connection, finding: str, values: Mapping[str, Any], at: int) -> None:
    """Keep what a finding has become; `values` are state, severity, facts, raised_at, answer_by and ended_at."""
    conn.execute(_UPDATE, {"of_id": finding, **values})
    _note_step(conn, finding, values, at)


def end_finding(conn: Connection, finding: str, at: int) -> bool:
    """Close a finding; returns whether it was open."""
    found = read_state(conn, finding)
    if found is None or found[0] != OPEN:
        return False
    conn.execute(_END, {"of_id": finding, "at": at})
    _note_step(conn, finding, {"state": ENDED, "severity": found[1], "facts": found[2]}, at)
    return True


def _note_step(conn: Connection, finding: str, values: Mapping[str, Any], at: int) -> None:
    step = {name: values[name] for name in ("state", "severity", "facts")}
    conn.execute(_ADD_STEP, {"finding": finding, "at": at, **step})


def read_steps(conn: Connection, finding: str) -> list[Step]:
    """What a finding has been, oldest first."""
    return [Step(*row) for row in conn.execute(_STEPS, {"finding": finding})]


def read_finding(conn: Connection, finding: str) -> Finding | None:
    """One finding, open or ended."""
    row = conn.execute(_ONE, {"id": finding}).first()
    return None if row is None else _view(row)


def read_findings(
    conn: Connection, about: Sequence[Ref] | None = None, *, open_only: bool = True, limit: int = PAGE_MAX
) -> list[Finding]:
    """Findings about any of these objects, or all of them; stops first, then alarms, then by age."""
    wanted: dict[str, Any] = {"states": [OPEN] if open_only else [OPEN, ENDED], "limit": limit}
    if about is None:
        return [_view(row) for row in _EVERY.rows(conn, wanted)]
    wanted |= {"handles": [ref.sub for ref in about], "origins": sorted({ref.log for ref in about})}
    return [_view(row) for row in _SOME.rows(conn, wanted)] if about else []


def read_open_about_log(conn: Connection, log_id: int, rule: str) -> list[str]:
    """Names of the open findings of one rule about a log as a whole."""
    return list(conn.execute(_ABOUT_LOG, {"log_id": log_id, "rule": rule}).scalars())


def _view(row: tuple[Any, ...]) -> Finding:
    name, rule, severity, state, origin, handle, facts, raised_at, answer_by, ended_at = row
    about = None if origin is None or handle is None else Ref(origin, handle)
    return Finding(name, rule, severity, state, about, facts, raised_at, answer_by, ended_at)
