"""进度 and 我的办件: where an application is, since when, what comes next, and how well that is checked."""

from collections.abc import Sequence
from functools import lru_cache

from bot.replies import Reply
from bot.routing import Request
from handlers.citizen import case_lines, payment_lines, received
from handlers.citizen.access import Seen, Withheld, by_slip, look
from handlers.citizen.history_lines import history_lines
from handlers.citizen.lists import Line, listed, page_of
from handlers.citizen.named import named_matters
from handlers.citizen.officers_words import officers_words
from handlers.citizen.payment_lines import Money
from handlers.citizen.trust import trust_or_finding
from handlers.citizen.voice import Voice, voice
from handlers.dialogue import Choice, answer, lines, tail
from handlers.locale import Own, Words
from handlers.services import Services
from ledger.facts import Facts
from ledger.records.funds import Ref
from ledger.views import CaseView

ONWARD_KEPT = 2_048  # applications, in each process


def progress(request: Request, services: Services) -> Reply:
    """One case: by its number, by the last four digits of an own one, or the only one there is."""
    with services.node.reading() as facts:
        if not request.argument or named_matters(request.argument, services):
            return _own(request, services, facts)
        return show(look(request.argument, request, services, facts), request, services, facts)


def again(request: Request, services: Services) -> Reply:
    """The case that a slip opened just now."""
    with services.node.reading() as facts:
        return show(by_slip(request) or Withheld.ASK, request, services, facts)


def mine(request: Request, services: Services) -> Reply:
    """All of one's own cases, numbered."""
    with services.node.reading() as facts:
        return _list(request, services, facts, own_cases(request, facts))


def story(request: Request, services: Services) -> Reply:
    """经过: what happened to a case so far."""
    say = voice(request, services)
    with services.node.reading() as facts:
        found = look(request.argument, request, services, facts) if request.argument else by_slip(request)
        if not isinstance(found, Seen):
            return answer(request, say.say(found if isinstance(found, Withheld) else Withheld.ASK))
        case = _case_of(found, facts)
        if case is None:
            return answer(request, say.say("case.elsewhere"))
        told = history_lines(say, say.matter(case.state.matter), facts.history(case.ref))
    onward = [say.choice("label.progress", found.says("进度", request)), say.choice("label.human", "人工")]
    return answer(request, lines(told, tail(say.say, onward)), onward)


def own_cases(request: Request, facts: Facts) -> list[Seen]:
    """The cases of the citizens this account is bound to, the newest first."""
    found = [
        (case.state.submitted, Seen("case", case.ref, case.number or "", binding))
        for binding in facts.citizens_of(request.sender)
        for case in facts.cases_of(binding.citizen)
    ]
    return [seen for _, seen in sorted(found, key=lambda pair: -pair[0])]


def _own(request: Request, services: Services, facts: Facts) -> Reply:
    """The one that was named, the only one, or a list to choose from."""
    cases, named = own_cases(request, facts), named_matters(request.text, services)
    meant = [seen for seen in cases if not named or _matter_of(seen.ref, facts) in named]
    if len(meant) == 1:
        return show(meant[0], request, services, facts)
    return _list(request, services, facts, meant or cases, named if not meant else ())


def _matter_of(case: Ref, facts: Facts) -> str | None:
    view = facts.case(case)
    return None if view is None else view.state.matter


def _list(
    request: Request, services: Services, facts: Facts, cases: Sequence[Seen], missed: Sequence[str] = ()
) -> Reply:
    """`missed`: matters that were asked for and are not among them."""
    say = voice(request, services)
    if not facts.citizens_of(request.sender):
        return answer(request, lines(say.say(Withheld.ASK), say.say("bind.how")))
    if not cases:
        return answer(request, say.say("mine.cases.none"))
    every = [_line(say, seen, view) for seen in cases if (view := facts.case(seen.ref)) is not None]
    above = say.say("mine.cases.other", names=_named(say, missed)) if missed else None
    return listed(request, say, "mine.cases", "我的办件", every, page_of(request.argument), above=above)


def _named(say: Voice, matters: Sequence[str]) -> Own:
    return Own(say.say("and").join(map(say.matter, matters)))


def _line(say: Voice, seen: Seen, case: CaseView) -> Line:
    status = say.say(f"short.{case.state.status}")
    label = say.say("mine.case", matter=say.matter(case.state.matter), status=status, day=say.day(case.since))
    return Line(label, f"进度 {seen.typed}" if seen.typed else "")


def show(found: Seen | Withheld | list[Seen], request: Request, services: Services, facts: Facts) -> Reply:
    """The case that a number leads to: its own, its award's or its payment's."""
    if isinstance(found, Withheld):
        return answer(request, voice(request, services).say(found))
    if isinstance(found, list):
        cases = {case.ref: (one, case) for one in found if (case := _case_of(one, facts)) is not None}
        own = [Seen("case", ref, case.number or "", one.binding) for ref, (one, case) in cases.items()]
        return _list(request, services, facts, own)
    case = _case_of(found, facts)
    if case is None:  # a payment whose award has not been mirrored yet
        return answer(request, voice(request, services).say("case.elsewhere"))
    return _shown(found, case, request, services, facts)


def _case_of(seen: Seen, facts: Facts) -> CaseView | None:
    ref = seen.ref
    if seen.topic == "payment":
        payment = facts.payment(ref)
        if payment is None:
            return None
        ref = payment.state.award
    if seen.topic in {"payment", "award"}:
        award = facts.award(ref)
        if award is None:
            return None
        ref = award.case
    return facts.case(ref)


def _shown(seen: Seen, case: CaseView, request: Request, services: Services, facts: Facts) -> Reply:
    say = voice(request, services)
    matter = services.matters.get(case.state.matter)
    money = [Money(award, facts.payments_of(award.ref), matter) for award in facts.awards_of(case.ref)]
    newest = money[-1] if money else None
    trust, disagrees = trust_or_finding(say, facts, case.ref, [case, *(view for one in money for view in one.views)])
    number, language = case.number or seen.typed or None, say.say.language
    payment = None if newest is None else seen.says("补贴", request)
    onward, below = _onward(say.say, seen.says("经过", request), payment)
    body = lines(
        facts.remembered(
            ("where it is", case.ref, number, language, say.today, disagrees),
            lambda: _where_it_is(say, case, number, newest, facts, disagrees=disagrees),
        ),
        received.to_do(say, newest, seen.binding, disagrees=disagrees) if newest else None,
        trust,
        below,
    )
    return answer(request, body, onward)


@lru_cache(ONWARD_KEPT)
def _onward(say: Words, history: str, payment: str | None) -> tuple[Sequence[Choice], Own]:
    """The ways on from an application, and the sentence that offers them."""
    choices = [Choice(say("label.history"), history), Choice(say("label.human"), "人工")]
    if payment is not None:
        choices.insert(1, Choice(say("label.payment"), payment))
    return choices, tail(say, choices)


def _where_it_is(
    say: Voice, case: CaseView, number: str | None, money: Money | None, facts: Facts, *, disagrees: bool
) -> Own:
    """The application in sentences, and what became of the money: the same all day, while no fact changes."""
    return lines(
        case_lines.title(say, case, number),
        case_lines.status_lines(say, case, money.award if money else None, officers_words(case, facts)),
        payment_lines.payment_lines(say, money, disagrees=disagrees) if money else None,
    )
