"""The case, award or payment that an officer names by its number, with all that hangs together with it."""

import re
from dataclasses import dataclass, replace

from bot.replies import plain
from handlers.citizen.voice import Voice
from handlers.locale import Own
from handlers.staff.door import Turn
from handlers.staff.refusals import Impossible
from ledger.facts import Facts
from ledger.records import numbers
from ledger.records.cases import CaseState
from ledger.records.funds import AwardState, PaymentState, PaymentStatus, Ref
from ledger.views import AwardView, CaseView, PaymentView

MASK = "*"
_NUMBER_AND_WORDS = re.compile(r"([0-9]{12,20})(?![0-9])[\s,，:：、]*(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Thing:
    """One of the three, and what it belongs to as far as that is known here."""

    number: str | None
    case: CaseView | None
    award: AwardView | None = None
    payment: PaymentView | None = None
    name: str | None = None  # of who applied, or who is paid
    is_ordered: bool = False  # somebody has ordered a payment of this award already

    @property
    def view(self) -> CaseView | AwardView | PaymentView:
        """The one that was named."""
        found = self.payment or self.award or self.case
        assert found is not None  # that is how it is made
        return found

    @property
    def state(self) -> CaseState | AwardState | PaymentState:
        """What is true of the one that was named."""
        return self.view.state


def split_number(argument: str) -> tuple[str, str]:
    """The number at the beginning, and the words behind it; "" when there is no number."""
    match = _NUMBER_AND_WORDS.fullmatch(argument)
    return (match[1], match[2].strip()) if match else ("", argument.strip())


def find_thing(turn: Turn, facts: Facts, number: str) -> Thing:
    """What a number stands for here; raises Impossible when it stands for nothing."""
    if not numbers.holds(number):
        raise Impossible("number.mistyped")
    found = facts.find(number)
    if found is None:
        raise _unknown(turn, facts, number)
    return thing_at(facts, found.topic, found.ref, number)


def _unknown(turn: Turn, facts: Facts, number: str) -> Impossible:
    whose = next((name for prefix, name in facts.prefixes().items() if number.startswith(prefix)), None)
    if whose is None or number.startswith(turn.services.node.number_prefix):
        return Impossible("staff.number.unknown")
    return Impossible("staff.number.elsewhere", department=turn.say.name(whose))


def thing_at(facts: Facts, topic: str, ref: Ref, number: str | None = None) -> Thing:
    """The thing at this place; raises Impossible when nothing of it is here."""
    match topic:
        case "case":
            found = _case(facts, ref)
        case "award":
            found = _award(facts, ref)
        case _:
            found = _payment(facts, ref)
    if found is None:
        raise Impossible("staff.number.unknown")
    return replace(found, number=number or found.number)


def _case(facts: Facts, ref: Ref) -> Thing | None:
    case = facts.case(ref)
    return None if case is None else Thing(case.number, case, name=_text(case.applicant))


def _award(facts: Facts, ref: Ref) -> Thing | None:
    award = facts.award(ref)
    if award is None:
        return None
    case = facts.case(award.case)
    name = _text(award.payee) or (_text(case.applicant) if case else None)
    ordered = any(one.state.status is not PaymentStatus.CANCELLED for one in facts.payments_of(ref))
    return Thing(award.number, case, award, name=name, is_ordered=ordered)


def _payment(facts: Facts, ref: Ref) -> Thing | None:
    payment = facts.payment(ref)
    if payment is None:
        return None
    award = _award(facts, payment.state.award)
    payee = _text(facts.private(ref, "payee")) or (award.name if award else None)
    return Thing(
        payment.number, award.case if award else None, award.award if award else None, payment=payment, name=payee
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def masked(name: str | None) -> str:
    """A name as officers see it in a list: 王*兰."""
    shown = (name or "").strip()
    if len(shown) <= 2:
        return shown[:1] + MASK * (len(shown) - 1)
    return f"{shown[0]}{MASK * (1 if len(shown) == 3 else 2)}{shown[-1]}"


def title(say: Voice, thing: Thing) -> Own:
    """Its number, whose it is, and what it is about."""
    number = thing.number or say.say("staff.no-number")
    return Own(" ".join(filter(None, (number, plain(masked(thing.name)), about(say, thing)))))


def about(say: Voice, thing: Thing) -> Own:
    """What it is about: the matter of a case, what people call a sum of money."""
    if thing.award is not None and thing.view is not thing.case:
        return say.what(thing.award.state.programme, thing.award.state.period)
    if thing.case is not None:
        return say.matter(thing.case.state.matter)
    return say.say("staff.payment")


def thing_of(facts: Facts, ref: Ref) -> Thing | None:
    """The thing at this place, whichever of the three it is."""
    return _case(facts, ref) or _award(facts, ref) or _payment(facts, ref)
