"""Writes what is true of an object as JSON text, and reads it back, exactly.

For our own database only: no outsider's bytes ever come here.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from ledger.records.answers import AnswerState, Outcome
from ledger.records.cases import CaseState, CaseStatus
from ledger.records.epochs import Change, EpochsState, Founding, Member, Vote
from ledger.records.fold import Before, Folded, Head, State
from ledger.records.funds import AwardState, AwardStatus, PaymentState, PaymentStatus, Ref, WordState
from ledger.records.governance import DepartmentState, OfficerState
from ledger.records.introduction import Introduced

Revive = Callable[[Any], Any]


def _ref(value: list[str]) -> Ref:
    return Ref(*value)


def _outcome(value: str | None) -> Outcome | None:
    return None if value is None else Outcome(value)


def _foundings(value: list[list[list[str]]]) -> tuple[Founding, ...]:
    return tuple(tuple(Member(*one) for one in members) for members in value)


def _votes(value: list[Any]) -> tuple[Vote, ...]:
    return tuple(
        Vote(ballot, Change(number, before, change, department, Member(*member)))
        for ballot, (number, before, change, department, member) in value
    )


def _introduced(value: list[str] | None) -> Introduced | None:
    return None if value is None else Introduced(*value)


_STATES: Mapping[str, tuple[type[State], Mapping[str, Revive]]] = {
    "department": (
        DepartmentState,
        {"log_keys": tuple, "witness_keys": tuple, "mirror_keys": tuple, "introduced": _introduced},
    ),
    "epochs": (EpochsState, {"foundings": _foundings, "votes": _votes}),
    "officer": (OfficerState, {"roles": tuple}),
    "case": (CaseState, {"status": CaseStatus}),
    "award": (AwardState, {"status": AwardStatus}),
    "payment": (PaymentState, {"award": _ref, "status": PaymentStatus}),
    "word": (WordState, {"payment": _ref}),
    "answer": (AnswerState, {"outcome": _outcome}),
}
_REVIVE = {
    topic: (made, [(at, revive[name]) for at, name in enumerate(made._fields) if name in revive])
    for topic, (made, revive) in _STATES.items()
}
_TOPICS = {row[0]: topic for topic, row in _STATES.items()}

_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False)


def topic_of(state: State) -> str:
    """Which kind of object has such a state."""
    return _TOPICS[type(state)]


def _load_state(topic: str, values: list[Any]) -> Any:
    made, revive = _REVIVE[topic]
    for at, how in revive:
        if at < len(values):  # what an older version wrote has fewer, and the rest is as if it had not been said
            values[at] = how(values[at])
    return made(*values)


def dump(folded: Folded) -> str:
    """Write an object as the records of its log have left it."""
    # Positions, not names: JSON writes a named tuple as a list. The text is read with every question, and half as long.
    return _encoder.encode(_of_a_department(folded) if isinstance(folded.state, DepartmentState) else folded)


def _of_a_department(folded: Folded) -> list[Any]:
    """As it was written before there were introductions: what lies there is compared with what is folded anew."""
    state, since, head, chain, before = folded
    return [_shortest(state), since, head, chain, before and [_shortest(before.state), before.since]]


def _shortest(state: State) -> State | tuple[Any, ...]:
    return state[:-1] if isinstance(state, DepartmentState) and state.introduced is None else state


def load(topic: str, text: str) -> Folded:
    """Read what `dump` wrote for an object of this topic."""
    state, since, head, chain, before = json.loads(text)
    return Folded(
        _load_state(topic, state),
        since,
        Head(*head),
        chain,
        None if before is None else Before(_load_state(topic, before[0]), before[1]),
    )
