"""A case: which record may follow which, from the counter to the decision.

Pure: the same function holds back our own officer before signing and finds a peer's mistake afterwards.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from ledger.errors import IllegalStep
from ledger.records.statement import Record


class CaseStatus(StrEnum):
    """The states of a case."""

    SUBMITTED = "SUBMITTED"
    CORRECTION_DUE = "CORRECTION_DUE"
    ACCEPTED = "ACCEPTED"  # accepted, the officers' step is running
    IN_STEP = "IN_STEP"  # that step is done, the decision is being made
    APPROVED = "APPROVED"
    REFUSED = "REFUSED"
    NOT_ACCEPTED = "NOT_ACCEPTED"
    WITHDRAWN = "WITHDRAWN"
    CANCELLED = "CANCELLED"  # entered by mistake and taken back


OPEN = frozenset({CaseStatus.SUBMITTED, CaseStatus.CORRECTION_DUE, CaseStatus.ACCEPTED, CaseStatus.IN_STEP})


class CaseState(NamedTuple):
    """What is true of a case after some records."""

    matter: str
    status: CaseStatus
    submitted: int  # seconds since 1970; the beginning of the day when it was entered later
    accepted: int | None = None
    step: int = 0  # how many steps are done
    until: str | None = None  # the last day to bring what is missing, while CORRECTION_DUE
    corrected: bool = False  # what was missing has been brought
    returned: bool = False  # sent back one step, and running again
    award: str | None = None  # handle of the newest award
    award_open: bool = False  # it is proposed and not decided: until then nothing else decides the case
    step_by: str | None = None  # kid of who did the step before: never who decides

    @property
    def is_open(self) -> bool:
        """Whether an officer or the citizen still has something to do."""
        return self.status in OPEN


def apply(state: CaseState | None, record: Record) -> CaseState:
    """The case after one more record, its own or one of its award; raises IllegalStep."""
    if state is None:
        if record.kind != "case-submitted":
            raise IllegalStep(record.kind, "none")
        return CaseState(record.clear["matter"], CaseStatus.SUBMITTED, record.happened)
    after, then = _STEPS.get(record.kind, (frozenset(), _settled(state.status)))
    if state.status not in after:
        raise IllegalStep(record.kind, state.status)
    if state.award_open and record.kind in _NOT_BESIDE_AN_AWARD:
        raise IllegalStep(record.kind, state.status, "award-waiting")
    return then(state, record)


Then = Callable[[CaseState, Record], CaseState]


# Two decisions at once, one on the award and one on the case, could contradict each other.
_NOT_BESIDE_AN_AWARD = frozenset({"case-approved", "case-refused", "case-returned", "award-proposed"})


def _settled(status: CaseStatus) -> Then:
    return lambda state, _record: state._replace(status=status, until=None, returned=False)


def _accepted(state: CaseState, record: Record) -> CaseState:
    return state._replace(status=CaseStatus.ACCEPTED, accepted=record.happened, until=None, step_by=record.kid)


def _correction_due(state: CaseState, record: Record) -> CaseState:
    return state._replace(status=CaseStatus.CORRECTION_DUE, until=record.clear["until"])


def _correction_brought(state: CaseState, _record: Record) -> CaseState:
    return state._replace(status=CaseStatus.SUBMITTED, until=None, corrected=True)


def _completed(state: CaseState, record: Record) -> CaseState:
    if record.clear["step"] != state.step:  # steps in sequence start when the one before is recorded
        raise IllegalStep(record.kind, state.status, "wrong-step")
    return state._replace(status=CaseStatus.IN_STEP, step=state.step + 1, returned=False, step_by=record.kid)


def _returned(state: CaseState, record: Record) -> CaseState:
    if record.clear["step"] != state.step - 1:
        raise IllegalStep(record.kind, state.status, "wrong-step")
    return _one_step_back(state)


def _one_step_back(state: CaseState) -> CaseState:
    return state._replace(status=CaseStatus.ACCEPTED, step=state.step - 1, returned=True)


def _proposed(state: CaseState, record: Record) -> CaseState:
    if state.status is CaseStatus.APPROVED:
        # A monthly benefit: each month is one more award under the case that was granted.
        return state._replace(award=record.sub, award_open=True, step_by=record.kid)
    return state._replace(
        status=CaseStatus.IN_STEP,
        step=state.step + 1,
        returned=False,
        award=record.sub,
        award_open=True,
        step_by=record.kid,
    )


def _award_decided(status: CaseStatus) -> Then:
    def then(state: CaseState, record: Record) -> CaseState:
        if state.award != record.sub:
            raise IllegalStep(record.kind, state.status, "another-award")
        decided = state._replace(award_open=False)
        if state.status is CaseStatus.APPROVED:  # a later month's award says nothing new about the case
            return decided
        if status is CaseStatus.ACCEPTED:
            return _one_step_back(decided)
        return decided._replace(status=status)

    return then


_Decided = frozenset({CaseStatus.IN_STEP, CaseStatus.APPROVED})

_STEPS: dict[str, tuple[frozenset[CaseStatus], Then]] = {
    "case-accepted": (frozenset({CaseStatus.SUBMITTED}), _accepted),
    "case-not-accepted": (frozenset({CaseStatus.SUBMITTED}), _settled(CaseStatus.NOT_ACCEPTED)),
    "case-correction-due": (frozenset({CaseStatus.SUBMITTED}), _correction_due),
    "case-correction-brought": (frozenset({CaseStatus.CORRECTION_DUE}), _correction_brought),
    "case-completed": (frozenset({CaseStatus.ACCEPTED}), _completed),
    "case-returned": (frozenset({CaseStatus.IN_STEP}), _returned),
    "case-approved": (frozenset({CaseStatus.IN_STEP}), _settled(CaseStatus.APPROVED)),
    "case-refused": (frozenset({CaseStatus.IN_STEP}), _settled(CaseStatus.REFUSED)),
    "case-withdrawn": (OPEN, _settled(CaseStatus.WITHDRAWN)),
    "award-proposed": (frozenset({CaseStatus.ACCEPTED, CaseStatus.APPROVED}), _proposed),
    "award-approved": (_Decided, _award_decided(CaseStatus.APPROVED)),
    "award-returned": (_Decided, _award_decided(CaseStatus.ACCEPTED)),
    "award-refused": (_Decided, _award_decided(CaseStatus.REFUSED)),
    "account-given": (frozenset(CaseStatus), lambda state, _record: state),
}


def void(state: CaseState) -> CaseState:
    """The case when its first record was a mistake."""
    return state._replace(status=CaseStatus.CANCELLED)
