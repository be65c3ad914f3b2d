"""An officer's own words that belong to where a case is: which papers are missing, or why it was not granted."""

from handlers.citizen.case_lines import WITH_REASON
from ledger.facts import Facts
from ledger.records.cases import CaseState, CaseStatus
from ledger.records.funds import AwardStatus, Ref
from ledger.views import CaseView


def officers_words(case: CaseView, facts: Facts) -> str | None:
    """What the officer wrote; None where nothing was, or it is not here."""
    name = _disclosed_as(case.state)
    told = None if name is None else facts.private(_where(case, facts), name)
    return told if isinstance(told, str) else None


def _disclosed_as(state: CaseState) -> str | None:
    if state.status is CaseStatus.CORRECTION_DUE:
        return "what"
    return "reason" if state.status in WITH_REASON else None


def _where(case: CaseView, facts: Facts) -> Ref:
    """The object that the words are about: money is refused at its award, and that moves the case."""
    award = None if case.state.award is None else facts.award(Ref(case.ref.log, case.state.award))
    return award.ref if award is not None and award.state.status is AwardStatus.REFUSED else case.ref
