"""An application in sentences: where it is, what comes next, what is missing, by when somebody answers.

Pure: a view in, sentences out. What only time does (a day that has passed) is worked out here, when it is read.
"""

from datetime import date

from handlers.citizen.voice import Voice
from handlers.dialogue import lines
from handlers.locale import Own
from handlers.matters import Matter
from ledger.records.cases import CaseState, CaseStatus
from ledger.views import AwardView, CaseView

_DECIDING = frozenset({CaseStatus.ACCEPTED, CaseStatus.IN_STEP})  # an answer is waited for
WITH_REASON = frozenset({CaseStatus.REFUSED, CaseStatus.NOT_ACCEPTED})


def title(voice: Voice, view: CaseView, number: str | None) -> Own:
    """The matter, and the number that stands on the slip."""
    matter = voice.matter(view.state.matter)
    if number is None:
        return voice.say("case.title.no-number", matter=matter)
    return voice.say("case.title", matter=matter, number=number)


def status_lines(voice: Voice, view: CaseView, award: AwardView | None, told: str | None) -> Own:
    """Where it is, what comes next, what is missing and by when.

    `award` is the newest one under it, `told` the officer's words that belong to its state: papers, or a reason.
    """
    matter = voice.services.matters.get(view.state.matter)
    return lines(
        _now(voice, view, matter, award),
        _reason(voice, view.state, told),
        _next(voice, view.state, matter),
        _missing(voice, view.state, told),
        _by(voice, view, matter),
    )


def _variant(voice: Voice, state: CaseState, matter: Matter | None) -> str:
    """The state, as finely as it makes a difference to a person."""
    match state.status:
        case CaseStatus.SUBMITTED if state.corrected:
            return "SUBMITTED.corrected"
        case CaseStatus.ACCEPTED if state.returned:
            return "ACCEPTED.returned"
        case CaseStatus.CORRECTION_DUE if state.until and date.fromisoformat(state.until) < voice.today:
            return f"CORRECTION_DUE.{matter.overdue_correction if matter else 'paused'}"
    return str(state.status)


def _now(voice: Voice, view: CaseView, matter: Matter | None, award: AwardView | None) -> Own:
    state = view.state
    if state.status is CaseStatus.APPROVED and award is not None and award.state.approved is not None:
        amount = voice.money(award.state.amount)
        return voice.say("case.now.APPROVED.money", amount=amount, day=voice.day(award.state.approved))
    return voice.say(
        f"case.now.{_variant(voice, state, matter)}",
        office=voice.office(view.department, matter),
        day=voice.day(state.submitted if state.status is CaseStatus.SUBMITTED and not state.corrected else view.since),
        until=voice.iso(state.until) if state.until else "",
    )


def _next(voice: Voice, state: CaseState, matter: Matter | None) -> Own | None:
    programme = voice.programme(matter.programme) if matter and matter.programme else None
    if state.status is CaseStatus.APPROVED and programme is not None:
        return None  # the money speaks for itself
    key = f"case.next.{state.status}"
    variant = f"case.next.{_variant(voice, state, matter)}"
    if state.status is CaseStatus.IN_STEP and programme is not None:
        return voice.say("case.next.IN_STEP.money", payer=voice.name(programme.payer))
    if state.status is CaseStatus.ACCEPTED and programme is not None and programme.notice_days:
        return voice.say("case.next.ACCEPTED.notice", days=programme.notice_days)
    until = voice.iso(state.until) if state.until else ""
    return voice.say(variant if voice.say.has(variant) else key, place=voice.place(matter), until=until)


def _reason(voice: Voice, state: CaseState, told: str | None) -> Own | None:
    return voice.say("case.reason", reason=_clean(told)) if told and state.status in WITH_REASON else None


def _missing(voice: Voice, state: CaseState, told: str | None) -> Own | None:
    if state.status is not CaseStatus.CORRECTION_DUE:
        return None
    return voice.say("case.missing", what=_clean(told)) if told else voice.say("case.missing.unknown")


def _clean(told: str) -> str:
    """An officer's words without the full stop that our sentence has already."""
    return told.strip().rstrip("。.")


def _by(voice: Voice, view: CaseView, matter: Matter | None) -> Own | None:
    state = view.state
    if matter is None:
        return None
    if state.status is CaseStatus.SUBMITTED:
        # What was missing came in just now: the days to look at it begin anew.
        handed_in = view.since if state.corrected else state.submitted
        key, deadline = "case.by.accept", voice.deadline(handed_in, matter.accept_days)
    elif state.status in _DECIDING and state.accepted is not None:
        key, deadline = "case.by", voice.deadline(state.accepted, matter.days, matter.unit)
    else:
        return None
    return voice.say("case.by.late") if voice.is_late(deadline) else voice.say(key, day=voice.by(deadline))


def papers_lines(voice: Voice, view: CaseView, told: str | None) -> Own:
    """Where to bring which papers, and by when."""
    matter = voice.services.matters.get(view.state.matter)
    return lines(_next(voice, view.state, matter), _missing(voice, view.state, told))
