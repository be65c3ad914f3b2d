"""Rows of what did not agree. A finding is never deleted: it ends, and may come back under the same name."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, bindparam, exists, insert, not_, or_, select, update

from ledger.records.funds import Ref
from ledger.storage.prepared import Prepared
from ledger.storage.schema import evidence, finding_steps, findings, logs, peers
from ledger.views import Finding

OPEN, ENDED = "open", "ended"  # by the rule alone
EXPLAINED = "explained"
DECIDED = ("settled", "confirmed", "false-alarm")
LIFTED = ("settled", "false-alarm")  # decisions after which a log that seemed to fork is cosigned again
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
    _f.answered,
    _f.compared,
)
_UNDECIDED = or_(_f.answered.is_(None), _f.answered == EXPLAINED)
_IS_OPEN = and_(_f.state == OPEN, _UNDECIDED)
_ALL = select(*_COLUMNS).outerjoin(logs, logs.c.id == _f.log_id)
_ONE = _ALL.where(_f.id == bindparam("id"))
_STATE = Prepared(select(_f.state, _f.severity, _f.facts).where(_f.id == bindparam("id")))
_ABOUT_LOG = Prepared(
    select(_f.id).where(
        _f.state == OPEN, _f.log_id == bindparam("log_id"), _f.handle.is_(None), _f.rule == bindparam("rule")
    )
)
# Open ones first; of them stops, then alarms, then by age.
_IN_ORDER = _ALL.order_by(not_(_IS_OPEN), _f.severity != "S", _f.severity, _f.raised_at, _f.id).limit(
    bindparam("limit")
)
_ABOUT = and_(
    logs.c.origin.in_(bindparam("origins", expanding=True)),
    or_(
        _f.handle.in_(bindparam("handles", expanding=True)),
        # A log that was rewritten concerns everybody of whom it holds a record.
        and_(_f.rule == "R36", _f.handle.is_(None)),
    ),
)
_EVERY = {True: Prepared(_IN_ORDER.where(_IS_OPEN)), False: Prepared(_IN_ORDER)}
_SOME = {True: Prepared(_IN_ORDER.where(_IS_OPEN, _ABOUT)), False: Prepared(_IN_ORDER.where(_ABOUT))}
# By their objects alone shall they be found: whatever is open would be read for each record.
_STANDING = Prepared(
    _ALL.where(
        _f.log_id.in_(select(logs.c.id).where(logs.c.origin.in_(bindparam("origins", expanding=True)))),
        _f.handle.in_(bindparam("handles", expanding=True)),
        _f.state.concat("") == OPEN,
    )
)
_INSERT = insert(findings)
_CHANGES = ("state", "severity", "facts", "compared", "raised_at", "answer_by", "ended_at")
_UPDATE = update(findings).where(_f.id == bindparam("of_id")).values({name: bindparam(name) for name in _CHANGES})
_ANSWER = update(findings).where(_f.id == bindparam("of_id")).values(answered=bindparam("said"))
_END = (
    update(findings).where(_f.id == bindparam("of_id"), _f.state == OPEN).values(state=ENDED, ended_at=bindparam("at"))
)
_ADD_STEP = insert(finding_steps)
_s = finding_steps.c
_e = evidence.c


def forked(origin: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether we hold evidence against the log of this origin, member's or stranger's, that no decision has lifted."""
    undecided = or_(_f.answered.is_(None), _f.answered.not_in(LIFTED))
    return exists().where(_e.finding == _f.id, _e.origin == origin, undecided)


_FROZEN = forked(bindparam("of_origin"))
_HAS_FORKED = Prepared(select(_FROZEN))
_FREEZE = update(peers).where(peers.c.origin == bindparam("of_origin")).values(forked=_FROZEN)
_STEPS = select(_s.at, _s.state, _s.severity, _s.facts).where(_s.finding == bindparam("finding")).order_by(_s.pos)


class Step(NamedTuple):
    """What a finding became, and when."""

    at: int
    state: str
    severity: str
    facts: Mapping[str, Any]


def read_state(conn: Connection, finding: str) -> tuple[str, str, Mapping[str, Any]] | None:
    """State, severity and facts of one finding, None when there never was one of that name."""
    row = _STATE.first(conn, {"id": finding})
    return None if row is None else (row[0], row[1], row[2])


def insert_finding(conn: Connection, finding: str, values: Mapping[str, Any]) -> None:
    """Keep a finding for the first time."""
    conn.execute(_INSERT, {"id": finding, "ended_at": None, **values})
    _note_step(conn, finding, values, values["raised_at"])


def update_finding(conn: Connection, finding: str, values: Mapping[str, Any], at: int) -> None:
    """Keep what a finding has become; `values` are what `_CHANGES` names."""
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


def answer_finding(conn: Connection, finding: str, said: str | None) -> None:
    """Keep what departments have said of it, as a whole."""
    conn.execute(_ANSWER, {"of_id": finding, "said": said})


def has_forked(conn: Connection, origin: str) -> bool:
    """Whether we hold evidence against this log, member's or stranger's, that no decision has lifted."""
    return bool(_HAS_FORKED.scalar(conn, {"of_origin": origin}))


def freeze_forked(conn: Connection, origin: str) -> None:
    """Cosign a log no more while there is evidence against it, and again when a decision has lifted all of it."""
    conn.execute(_FREEZE, {"of_origin": origin})


def _note_step(conn: Connection, finding: str, values: Mapping[str, Any], at: int) -> None:
    step = {name: values[name] for name in ("state", "severity", "facts")}
    conn.execute(_ADD_STEP, {"finding": finding, "at": at, **step})


def read_steps(conn: Connection, finding: str) -> list[Step]:
    """What a finding has been, oldest first."""
    return [Step(*row) for row in conn.execute(_STEPS, {"finding": finding})]


def read_finding(conn: Connection, finding: str) -> Finding | None:
    """One finding, whatever became of it."""
    row = conn.execute(_ONE, {"id": finding}).first()
    return None if row is None else _view(row)


def read_findings(
    conn: Connection, about: Sequence[Ref] | None = None, *, open_only: bool = True, limit: int = PAGE_MAX
) -> list[Finding]:
    """Findings about any of these objects, or all of them; open ones first, of them stops, then alarms, then by age."""
    if about is None:
        return [_view(row) for row in _EVERY[open_only].rows(conn, {"limit": limit})]
    return [_view(row) for row in _SOME[open_only].rows(conn, {"limit": limit, **_named(about)})] if about else []


def read_standing(conn: Connection, about: Sequence[Ref]) -> list[Finding]:
    """The findings about these objects whose sources do not agree, whatever was decided of them."""
    named = _named(about)
    return [_view(row) for row in _STANDING.rows_among(conn, "handles", named.pop("handles"), named)]


def _named(about: Sequence[Ref]) -> dict[str, Any]:
    return {"handles": [ref.sub for ref in about], "origins": sorted({ref.log for ref in about})}


def read_open_about_log(conn: Connection, log_id: int, rule: str) -> list[str]:
    """Names of the open findings of one rule about a log as a whole."""
    return [row[0] for row in _ABOUT_LOG.rows(conn, {"log_id": log_id, "rule": rule})]


def _view(row: tuple[Any, ...]) -> Finding:
    name, rule, severity, state, origin, handle, facts, raised_at, answer_by, ended_at, answered, compared = row
    about = None if origin is None or handle is None else Ref(origin, handle)
    told = (name, rule, severity, _state(state, answered), about, facts, raised_at, answer_by, ended_at)
    return Finding(*told, tuple(compared or ()))


def _state(state: str, answered: str | None) -> str:
    """What it is as a whole: a decision stands, whatever the sources say by now."""
    if answered in DECIDED or (answered is not None and state == OPEN):
        return answered
    return state
