"""Folds the records of one log, in its order, into what is true of each object.

One record is about one object (`sub`) and may move a second one: an award moves its case, a re-issue the payment
whose place it takes.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ledger.errors import IllegalStep
from ledger.records import answers, cases, epochs, funds, governance
from ledger.records.answers import AnswerState
from ledger.records.cases import CaseState
from ledger.records.epochs import EpochsState
from ledger.records.funds import AwardState, PaymentState, WordState
from ledger.records.governance import DepartmentState, OfficerState
from ledger.records.statement import Record
from ledger.times import start_of_day

State = DepartmentState | EpochsState | OfficerState | CaseState | AwardState | PaymentState | WordState | AnswerState

EARLIEST_DAY = "1980-01-01"  # that anything told here may have happened on

# What an officer may take back before anyone built on it. Never what moved money or what a bank or citizen said.
AMENDABLE = frozenset(
    {
        "case-submitted",
        "case-accepted",
        "case-not-accepted",
        "case-correction-due",
        "case-correction-brought",
        "case-completed",
        "case-returned",
        "case-approved",
        "case-refused",
        "award-proposed",
        "award-approved",
        "award-returned",
        "award-refused",
        "payment-created",
        "payment-reported",
    }
)


class Head(NamedTuple):
    """The last record that touched an object."""

    record_id: str
    kind: str
    kid: str
    at: int  # `iat`


class Before(NamedTuple):
    """An object as it was before its last record: what an amendment brings back."""

    state: State
    since: int


class Folded(NamedTuple):
    """An object as the records of its log have left it."""

    state: State
    since: int  # when it came into its status: `iat`, or the day it happened when that was entered later
    head: Head
    chain: str  # id of the last record whose `sub` it is: what the next one names in `prev`
    before: Before | None = None  # None after an amendment, and for what was just entered


Read = Callable[[str], Folded | None]  # an object of this log, by handle


def apply(read: Read, record: Record) -> dict[str, Folded]:
    """Every object that the record changes, as it is afterwards; raises IllegalStep, with nothing changed.

    A record of a kind nobody here knows changes nothing.
    """
    kind = record.known
    if kind is None:
        return {}
    current = read(record.sub)
    _check_prev(current, record)
    _check_day(record)
    if record.kind == "amendment":
        return _amend(read, current, record)
    state = _apply_one(None if current is None else current.state, record, kind.topic)
    head = _head(record)
    changed = {record.sub: _advance(current, state, record, head, own=True)}
    second = _second(state, record)
    if second is not None:
        other = read(second)
        if other is None:
            raise IllegalStep(record.kind, "none", "refers-to-nothing")
        changed[second] = _advance(other, _apply_second(other.state, record, second), record, head, own=False)
    return changed


def _check_prev(current: Folded | None, record: Record) -> None:
    # So that no record in the middle of an object's story can be left out.
    expected = None if current is None else current.chain
    if record.prev != expected:
        raise IllegalStep(record.kind, "none" if current is None else "changed", "prev-mismatch")


def _check_day(record: Record) -> None:
    # `on` says what was entered later, never what is still to come. Days are days in China, for whoever folds it.
    on = record.clear.get("on")
    if on is not None and (on < EARLIEST_DAY or start_of_day(on) > record.iat):
        raise IllegalStep(record.kind, "none", "day-impossible")


def _apply_one(state: State | None, record: Record, topic: str) -> State:
    made, then = _TOPICS[topic]
    if state is not None and not isinstance(state, made):
        raise IllegalStep(record.kind, type(state).__name__, "another-object")
    return then(state, record)


_TOPICS: Mapping[str, tuple[Any, Callable[[Any, Record], State]]] = {
    "department": (DepartmentState, governance.apply_department),
    "epochs": (EpochsState, epochs.apply_epochs),
    "officer": (OfficerState, governance.apply_officer),
    "case": (CaseState, cases.apply),
    "award": (AwardState, funds.apply_award),
    "payment": (PaymentState, lambda state, record: funds.apply_payment(state, record, handle=record.sub)),
    "word": (WordState, funds.apply_word),
    "answer": (AnswerState, answers.apply_answer),
}


def _second(state: State, record: Record) -> str | None:
    if isinstance(state, AwardState):
        return state.case
    if isinstance(state, PaymentState) and record.kind == "payment-created":
        return state.reissues
    return None


def _apply_second(state: State, record: Record, handle: str) -> State:
    if isinstance(state, CaseState) and record.known is not None and record.known.topic == "award":
        return cases.apply(state, record)
    if isinstance(state, PaymentState):
        return funds.apply_payment(state, record, handle=handle)
    raise IllegalStep(record.kind, type(state).__name__, "another-object")


def _head(record: Record) -> Head:
    return Head(record.record_id, record.kind, record.kid, record.iat)


def _advance(current: Folded | None, state: State, record: Record, head: Head, *, own: bool) -> Folded:
    if current is None:
        return Folded(state, record.happened, head, head.record_id)
    since = current.since if _status(current.state) == _status(state) else record.happened
    chain = head.record_id if own else current.chain
    return Folded(state, since, head, chain, Before(current.state, current.since))


_WITH_STATUS = (CaseState, AwardState, PaymentState)  # a tuple: `|` would be a new type with each question


def _status(state: State) -> str | None:
    return state.status if isinstance(state, _WITH_STATUS) else None


def _amend(read: Read, current: Folded | None, record: Record) -> dict[str, Folded]:
    if current is None:
        raise IllegalStep(record.kind, "none", "refers-to-nothing")
    # What is taken back is about this object itself: the record that moved a case as well is amended at its award.
    if current.chain != record.clear["amends"]:
        raise IllegalStep(record.kind, "changed", "already-built-upon")
    touched = {record.sub: current}
    second = _amended_second(current)
    if second is not None and (other := read(second)) is not None:
        touched[second] = other
    return {handle: _taken_back(folded, record, own=handle == record.sub) for handle, folded in touched.items()}


def _taken_back(folded: Folded, record: Record, *, own: bool) -> Folded:
    # Before anyone built on it: it is still the last word on each object it touched.
    if folded.head.record_id != record.clear["amends"]:
        raise IllegalStep(record.kind, "changed", "already-built-upon")
    if folded.head.kid != record.kid:
        raise IllegalStep(record.kind, "changed", "not-the-signer")
    if folded.head.kind not in AMENDABLE:
        raise IllegalStep(record.kind, "changed", "not-amendable")
    back = folded.before or Before(_void(folded.state), record.iat)
    moved = _advance(folded, back.state, record, _head(record), own=own)
    return moved._replace(since=back.since, before=None)


def _amended_second(current: Folded) -> str | None:
    if isinstance(current.state, AwardState):
        return current.state.case
    if isinstance(current.state, PaymentState) and current.head.kind == "payment-created":
        return current.state.reissues
    return None


def _void(state: State) -> State:
    match state:
        case CaseState():
            return cases.void(state)
        case AwardState():
            return funds.void_award(state)
        case PaymentState():
            return funds.void_payment(state)
    raise IllegalStep("amendment", type(state).__name__, "not-amendable")
