"""补贴 and 我的补贴: approved by whom, how much, paid or failed and why, and what the person must do."""

from collections.abc import Collection, Sequence

from bot.replies import Reply
from bot.routing import Request
from bot.understanding import find_number
from handlers.citizen import message_settings, payment_lines, received
from handlers.citizen.access import Seen, Withheld, by_slip, look
from handlers.citizen.lists import Line, listed, page_of, printed
from handlers.citizen.named import fitting, named_money
from handlers.citizen.payment_lines import Money
from handlers.citizen.trust import trust_or_finding
from handlers.citizen.voice import Voice, voice
from handlers.dialogue import Choice, answer, lines, tail
from handlers.locale import Own
from handlers.services import Services
from ledger.facts import Facts
from ledger.records.funds import AwardStatus, PaymentStatus
from ledger.views import AwardView, PaymentView

_ON_ITS_WAY = frozenset({PaymentStatus.CREATED, PaymentStatus.SENT, PaymentStatus.ACCEPTED, PaymentStatus.HELD})
EARLIER_MAX = 5  # of a monthly benefit, below the newest month


def progress(request: Request, services: Services) -> Reply:
    """One sum of money: by a case, award or payment number, or the only one there is."""
    with services.node.reading() as facts:
        if not request.argument or _names_money(request, services):
            return _own(request, services, facts)
        return show(look(request.argument, request, services, facts), request, services, facts)


def again(request: Request, services: Services) -> Reply:
    """The money that a slip opened just now."""
    with services.node.reading() as facts:
        return show(by_slip(request) or Withheld.ASK, request, services, facts)


def mine(request: Request, services: Services) -> Reply:
    """All that one was awarded, numbered."""
    with services.node.reading() as facts:
        return _list(request, services, facts, own_awards(request, facts))


def own_awards(request: Request, facts: Facts) -> list[Seen]:
    """The awards of the citizens this account is bound to, the newest first."""
    found = [
        Seen("award", award.ref, award.number or "", binding)
        for binding in facts.citizens_of(request.sender)
        for award in facts.awards_of_citizen(binding.citizen)
    ]
    return found[::-1]


def _names_money(request: Request, services: Services) -> bool:
    """Whether the argument names one's own money by matter, month or amount, and not by a number."""
    if find_number(request.argument) or request.argument.isdecimal():
        return False
    return bool(named_money(request.argument, services, voice(request, services).today))


def _own(request: Request, services: Services, facts: Facts) -> Reply:
    """The one that was named, the only one, or a list to choose from."""
    every = own_awards(request, facts)
    views = {view.ref: view for seen in every if (view := facts.award(seen.ref)) is not None}
    named = named_money(request.text, services, voice(request, services).today)
    meant = every
    if named:
        fits = {award.ref for award in fitting(named, [(one, facts.payments_of(one.ref)) for one in views.values()])}
        meant = [seen for seen in every if seen.ref in fits]
    if len(meant) == 1:
        return show(meant[0], request, services, facts)
    return _list(request, services, facts, meant or every, named.programmes if not meant else ())


def _list(
    request: Request, services: Services, facts: Facts, awards: Sequence[Seen], missed: Collection[str] = ()
) -> Reply:
    """`missed`: programmes that were asked for and are not among them."""
    say = voice(request, services)
    if not facts.citizens_of(request.sender):
        return answer(request, lines(say.say(Withheld.ASK), say.say("bind.how")))
    if not awards:
        return answer(request, say.say("mine.payments.none"))
    every = [_line(say, seen, _money(view, services, facts)) for seen in awards if (view := facts.award(seen.ref))]
    above = say.say("mine.payments.other", names=_named(say, missed)) if missed else None
    return listed(request, say, "mine.payments", "我的补贴", every, page_of(request.argument), above=above)


def _named(say: Voice, programmes: Collection[str]) -> Own:
    return Own(say.say("and").join(say.what(code, None) for code in sorted(programmes)))


def _line(say: Voice, seen: Seen, money: Money) -> Line:
    label = say.say(
        "mine.payment",
        what=payment_lines.what(say, money.award),
        amount=say.money(money.award.state.amount),
        status=payment_lines.short_status(say, money),
        day=payment_lines.newest_day(say, money),
    )
    return Line(label, f"补贴 {seen.typed}" if seen.typed else "")


def _money(award: AwardView, services: Services, facts: Facts) -> Money:
    case = facts.case(award.case)
    matter = services.matters.get(case.state.matter) if case else None
    return Money(award, facts.payments_of(award.ref), matter)


def show(found: Seen | Withheld | list[Seen], request: Request, services: Services, facts: Facts) -> Reply:
    """The money that a number leads to: of its case the newest, with the earlier ones below."""
    say = voice(request, services)
    if isinstance(found, Withheld):
        return answer(request, say.say(found))
    if isinstance(found, list):
        awards = {award.ref: (one, award) for one in found for award in _awards_of(one, facts)}
        own = [Seen("award", ref, award.number or "", one.binding) for ref, (one, award) in awards.items()]
        return _list(request, services, facts, own)
    awards_below = _awards_of(found, facts)
    if not awards_below:
        onward = [say.choice("label.progress", found.says("进度", request)), say.choice("label.human", "人工")]
        return answer(request, lines(say.say("award.none"), tail(say.say, onward)), onward)
    return _shown(found, awards_below, request, services, facts)


def _awards_of(seen: Seen, facts: Facts) -> list[AwardView]:
    """The awards that a number leads to, oldest first."""
    if seen.topic == "case":
        return facts.awards_of(seen.ref)
    ref = seen.ref
    if seen.topic == "payment":
        payment = facts.payment(ref)
        if payment is None:
            return []
        ref = payment.state.award
    award = facts.award(ref)
    return [] if award is None else [award]


def _shown(seen: Seen, awards: Sequence[AwardView], request: Request, services: Services, facts: Facts) -> Reply:
    say, money = voice(request, services), _money(awards[-1], services, facts)
    trust, disagrees = trust_or_finding(say, facts, money.award.ref, money.views)
    credited = next((one for one in money.payments if _is_asked_about(one, seen, say.now)), None)
    asks = credited is not None and request.sealed
    body = lines(
        _title(say, money, seen),
        payment_lines.award_line(say, money),
        payment_lines.payment_lines(say, money, disagrees=disagrees),
        None if asks else received.to_do(say, money, seen.binding, disagrees=disagrees),
        trust,
    )
    if credited is not None and asks:
        return received.ask_below(body, credited, request, services)
    onward, wanted = _onward(say, seen, request), list[Choice]()
    if seen.binding is not None and _on_its_way(money) and message_settings.offer(request, services):
        body = lines(body, say.say("messages.offer"))
        wanted = [say.choice("messages.want", message_settings.SUBSCRIBE)]
    earlier = _earlier(say, awards[:-1], services, facts)
    every = [*wanted, *earlier, *onward]
    if not earlier:
        return answer(request, lines(body, tail(say.say, every)), every)
    below = len(wanted) + 1
    listed_below = say.say("pay.earlier", lines=printed(earlier, first=below))
    ways = printed(onward, first=below + len(earlier))
    return answer(request, lines(body, printed(wanted), listed_below, ways), every)


def _is_asked_about(payment: PaymentView, seen: Seen, now: int) -> bool:
    """Whether the bank says that it came, and this person may say so too; an officer's word is told, not asked."""
    return payment.state.status is PaymentStatus.CREDITED and received.may_speak(payment, seen.binding, now)


def _on_its_way(money: Money) -> bool:
    """Approved, and the bank has not said yet that it is there, or that it cannot be."""
    states = [payment.state.status for payment in money.payments]
    live = [status for status in states if status not in {PaymentStatus.CANCELLED, PaymentStatus.REISSUED}]
    return money.award.state.status is AwardStatus.APPROVED and (not live or bool(_ON_ITS_WAY.intersection(live)))


def _title(say: Voice, money: Money, seen: Seen) -> Own:
    name, number = payment_lines.what(say, money.award), money.award.number or seen.typed
    return say.say("pay.title", what=name, number=number) if number else say.say("pay.title.no-number", what=name)


def _earlier(say: Voice, awards: Sequence[AwardView], services: Services, facts: Facts) -> list[Choice]:
    newest_first = [_money(award, services, facts) for award in awards[::-1][:EARLIER_MAX]]
    every = [_line(say, Seen("award", one.award.ref, one.award.number or "", None), one) for one in newest_first]
    return [Choice(line.label, line.says) for line in every]


def _onward(say: Voice, seen: Seen, request: Request) -> list[Choice]:
    return [say.choice("label.progress", seen.says("进度", request)), say.choice("label.human", "人工")]
