"""What this officer may do now with a thing: offered as links, and checked again when they are tapped."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from handlers.dialogue import Choice
from handlers.services import Services
from handlers.staff.commands import choice
from handlers.staff.door import Turn
from handlers.staff.funds import FAILED, SUCCEEDED
from handlers.staff.things import Thing
from ledger.facts import Facts
from ledger.records.cases import CaseState, CaseStatus
from ledger.records.funds import (
    NEEDS_ANOTHER_ACCOUNT,
    NEVER_REISSUED,
    AwardState,
    AwardStatus,
    PaymentState,
    PaymentStatus,
)
from ledger.views import AwardView, CaseView, PaymentView

_CLERK = {
    CaseStatus.SUBMITTED: ("accept", "correct", "not-accept"),
    CaseStatus.CORRECTION_DUE: ("brought",),
    CaseStatus.ACCEPTED: ("complete",),
}
_OVER = frozenset({PaymentStatus.CANCELLED, PaymentStatus.REISSUED})
_AT_THE_BANK = frozenset({PaymentStatus.SENT, PaymentStatus.HELD})


@dataclass(frozen=True, slots=True)
class Colleagues:
    """Who is the same person as whom among our own officers."""

    persons: Mapping[str, str]  # kid -> digest

    @classmethod
    def of(cls, facts: Facts) -> "Colleagues":
        """Everybody who was ever enrolled here."""
        return cls({officer.kid: officer.person for officer, _in_force in facts.officers()})

    def was(self, turn: Turn, kid: str | None) -> bool:
        """Whether this officer did what that key signed."""
        return kid is not None and self.persons.get(kid) == turn.officer.person


def offers(turn: Turn, thing: Thing, colleagues: Colleagues) -> list[Choice]:
    """The links below a thing; none without a number to name it by."""
    number = thing.number
    if number is None or (thing.view.ref.log != turn.origin and not _is_to_pay(turn, thing)):
        return []
    if thing.payment is not None:
        return [*_for_payment(turn, thing.payment.state, thing, number, colleagues)]
    if thing.award is not None and thing.award.ref.log != turn.origin:
        return [choice(turn.say, "pay", number)] if "finance" in turn.officer.roles else []
    state = thing.case.state if thing.case else None
    return [] if state is None else [choice(turn.say, key, number) for key in _for_case(turn, state, colleagues)]


def counter_offers(
    turn: Turn, case: CaseView | None, paid: Sequence[tuple[AwardView, Sequence[PaymentView]]]
) -> Iterator[Choice]:
    """What a clerk may do for the person who stands there."""
    if "clerk" not in turn.officer.roles or case is None or case.ref.log != turn.origin or case.number is None:
        return
    for award, payments in paid:
        waits = any(blocked(each.state, award.state, each.since) == "refused.account-closed" for each in payments)
        if waits and award.number is not None:
            yield choice(turn.say, "account", award.number)
    if case.citizen is not None:
        yield choice(turn.say, "bind-code", case.number)


def _is_to_pay(turn: Turn, thing: Thing) -> bool:
    return (
        thing.award is not None
        and thing.payment is None
        and not thing.is_ordered
        and thing.award.state.payer == turn.origin
        and thing.award.state.status is AwardStatus.APPROVED
    )


def _for_case(turn: Turn, state: CaseState, colleagues: Colleagues) -> Iterator[str]:
    if "clerk" in turn.officer.roles:
        yield from _CLERK.get(state.status, ())
    if decides(turn, state, colleagues):
        yield from ("approve", "return", "refuse")


def decides(turn: Turn, state: CaseState, colleagues: Colleagues) -> bool:
    """Whether the decision waits for this officer: never for the one who did the step before."""
    waits = state.award_open or state.status is CaseStatus.IN_STEP
    return waits and "approver" in turn.officer.roles and not colleagues.was(turn, state.step_by)


def _for_payment(
    turn: Turn, state: PaymentState, thing: Thing, number: str, colleagues: Colleagues
) -> Iterator[Choice]:
    if releases(turn, state, colleagues):
        yield choice(turn.say, "release", number)
    if "finance" not in turn.officer.roles:
        return
    if state.status in _AT_THE_BANK:
        yield Choice(turn.say.say("do.bank-accepted"), choice(turn.say, "bank-result", number, SUCCEEDED[0]).says)
        yield Choice(turn.say.say("do.bank-rejected"), choice(turn.say, "bank-result", number, FAILED[0]).says)
    if state.has_failed and blocked(state, thing.award.state if thing.award else None, thing.view.since) is None:
        yield choice(turn.say, "reissue", number)


def releases(turn: Turn, state: PaymentState, colleagues: Colleagues) -> bool:
    """Whether the second signature waits for this officer."""
    is_first = colleagues.was(turn, state.ordered_by)
    return state.status is PaymentStatus.CREATED and "authoriser" in turn.officer.roles and not is_first


def account_useless(services: Services, award: AwardState, payments: Sequence[PaymentView]) -> str | None:
    """Why another account would change nothing for this award: a key of the catalogue; None when it would.

    A monthly benefit goes on, and its next month is paid to the newest account.
    """
    programme = services.programmes.get(award.programme)
    live = [each.state for each in payments if each.state.status not in _OVER]
    if not live or (programme is not None and programme.monthly):
        return None
    newest = live[-1]
    if newest.reason in NEVER_REISSUED:
        return "refused.never-reissued"
    if newest.has_failed:
        return None
    return "account.arrived" if newest.status is PaymentStatus.CREDITED else "account.on-its-way"


def blocked(state: PaymentState, award: AwardState | None, failed_at: int) -> str | None:
    """Why a failed payment cannot be issued again yet: a key of the catalogue; None when it can."""
    if state.reason in NEVER_REISSUED:
        return "refused.never-reissued"
    if state.reason not in NEEDS_ANOTHER_ACCOUNT:
        return None
    given = award.account_given if award else None
    return None if given is not None and given >= failed_at else "refused.account-closed"
