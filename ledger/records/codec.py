"""Writes what is true of an object as JSON text, and reads it back, exactly.

For our own database only: no outsider's bytes ever come here.
"""

from collections.abc import Mapping
from typing import Any

from msgspec.json import Decoder, Encoder

from ledger.records.answers import AnswerState
from ledger.records.cases import CaseState
from ledger.records.epochs import EpochsState
from ledger.records.fold import Before, Folded, Head, State
from ledger.records.funds import AwardState, PaymentState, WordState
from ledger.records.governance import DepartmentState, OfficerState

_STATES: Mapping[str, type[State]] = {
    "department": DepartmentState,
    "epochs": EpochsState,
    "officer": OfficerState,
    "case": CaseState,
    "award": AwardState,
    "payment": PaymentState,
    "word": WordState,
    "answer": AnswerState,
}
_TOPICS = {made: topic for topic, made in _STATES.items()}

# Positions, not names: JSON writes a named tuple as a list. The text is read with every question, and half as long.
# What an older version wrote has fewer positions, and the rest is as if it had not been said.
_encoder = Encoder()
_decoders: Mapping[str, Decoder[Any]] = {
    topic: Decoder(tuple[made, int, Head, str, tuple[made, int] | None])  # type: ignore[valid-type]  # to mypy it is a value
    for topic, made in _STATES.items()
}


def topic_of(state: State) -> str:
    """Which kind of object has such a state."""
    return _TOPICS[type(state)]


def dump(folded: Folded) -> str:
    """Write an object as the records of its log have left it."""
    return _encoder.encode(_of_a_department(folded) if isinstance(folded.state, DepartmentState) else folded).decode()


def _of_a_department(folded: Folded) -> list[Any]:
    """As it was written before there were introductions: what lies there is compared with what is folded anew."""
    state, since, head, chain, before = folded
    return [_shortest(state), since, head, chain, before and [_shortest(before.state), before.since]]


def _shortest(state: State) -> State | tuple[Any, ...]:
    return state[:-1] if isinstance(state, DepartmentState) and state.introduced is None else state


def load(topic: str, text: str) -> Folded:
    """Read what `dump` wrote for an object of this topic; raises ValueError for anything else."""
    state, since, head, chain, before = _decoders[topic].decode(text)
    return Folded(state, since, head, chain, None if before is None else Before(*before))
