"""钱收到了: the citizen's own word on a payment, read back with amount and day, and a record only after their yes.

Nothing in the form of a question comes here. The record is signed by the desk, because the citizen has no key; it
counts against the payer only because another department takes it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.replies import Reply
from bot.routing import Request
from bot.understanding import find_number
from handlers.citizen import payment_lines
from handlers.citizen.access import DAY_SECONDS, is_settled, may_act
from handlers.citizen.lists import Line, listed
from handlers.citizen.payment_lines import Money, open_for_word
from handlers.citizen.voice import Voice, record_name, voice
from handlers.dialogue import YES, Choice, answer, ask, asked, drop, lines, nothing_between, numbered
from handlers.locale import Own
from handlers.locale.formats import figures
from handlers.services import Services
from ledger.desk import DESK, new_handle
from ledger.errors import Refused
from ledger.facts import Facts
from ledger.records.funds import PaymentStatus, Ref
from ledger.records.jsonstrict import Json
from ledger.records.statement import Statement
from ledger.views import Binding, PaymentView

ACT = "word"
READ_BACK_SECONDS = 600  # so long a look does not take the place of a read-back that waits for its yes
LOOKED = 0  # instead of the moment of a read-back: the question stood below an answer to a look
SAID_ALSO = (
    "收到钱了",
    "我收到钱了",
    "钱我收到了",
    "我的钱收到了",
    "钱到了",
    "钱到账了",
    "到账了",
    "已到账",
    "已收到",
    "收到了",
    "我收到了",
    "received",
)

_DIGITS = re.compile(r"[0-9]+")
_HAS_LEFT = frozenset({PaymentStatus.ACCEPTED, PaymentStatus.CREDITED})


@dataclass(frozen=True, slots=True)
class Open:
    """A payment on which somebody may speak now, and as whom."""

    payment: PaymentView
    money: Money
    binding: Binding


def may_speak(payment: PaymentView, binding: Binding | None, now: int) -> bool:
    """Whether this person may say something about this payment now."""
    if binding is None or not open_for_word(payment):
        return False
    return bool(may_act([binding])) and is_settled(binding, now)


def to_do(say: Voice, money: Money, binding: Binding | None, *, disagrees: bool) -> Own | None:
    """What the person should do about money that has left: say that it came, or nothing. A finding says so itself."""
    if any(may_speak(payment, binding, say.now) for payment in money.payments):
        return say.say("notice.credited")
    live = payment_lines.live(money)
    has_left = bool(live) and all(payment.state.status in _HAS_LEFT for payment in live)
    return say.say("pay.nothing-to-do") if has_left and not disagrees else None


def received(request: Request, services: Services) -> Reply:
    """Read back the payment that is meant; of several, ask which."""
    say = voice(request, services)
    with services.node.reading() as facts:
        bindings = may_act(facts.citizens_of(request.sender))
        if not bindings:
            return answer(request, say.say("need-binding", how=say.say("bind.how")))
        if (young := _too_young(bindings, say.now)) is not None:
            at = young.since + DAY_SECONDS
            return answer(request, say.say("need-day", since=say.moment(at)))
        every = waiting(bindings, say.now, services, facts)
        meant = _meant(request.argument, every)
        if isinstance(meant, list):
            return _which(say, meant, every, request, facts)
        body = payment_lines.bank_line(say, meant.money, meant.payment)
        return ask_with(body, meant.payment, request, services)


def _too_young(bindings: Sequence[Binding], now: int) -> Binding | None:
    """The binding to wait for, when none is old enough."""
    return None if any(is_settled(one, now) for one in bindings) else min(bindings, key=lambda one: one.since)


def waiting(bindings: Sequence[Binding], now: int, services: Services, facts: Facts) -> list[Open]:
    """Every payment that waits for this person's word, oldest first."""
    return [
        Open(payment, money, binding)
        for binding in bindings
        for payment in facts.payments_of_citizen(binding.citizen)
        if may_speak(payment, binding, now) and (money := money_of(payment, services, facts)) is not None
    ]


def money_of(payment: PaymentView, services: Services, facts: Facts) -> Money | None:
    """The award that a payment pays, with its other payments."""
    award = facts.award(payment.state.award)
    if award is None:
        return None
    case = facts.case(award.case)
    return Money(award, facts.payments_of(award.ref), services.matters.get(case.state.matter) if case else None)


def _meant(argument: str, every: Sequence[Open]) -> Open | list[Open]:
    """The one payment that these digits mean: a number, its last four, a place in the list, or the amount."""
    number = find_number(argument).partition(" ")[0] or argument.replace(" ", "")
    if number == "":
        found = list(every)
    elif _DIGITS.fullmatch(number) and len(number) <= 2:
        found = list(every[int(number) - 1 : int(number)]) if int(number) else []
    else:
        found = [one for one in every if number in _names(one)]
    return found[0] if len(found) == 1 else found


def _names(one: Open) -> set[str]:
    """How a person may name a payment: any of its numbers, their last four digits, its amount."""
    numbers = [number for number in (one.payment.number, one.money.award.number) if number]
    amount = figures(one.payment.state.amount).replace(",", "")
    spoken = {amount, amount.removesuffix(".00")}
    return {*numbers, *(number[-4:] for number in numbers), *spoken, *(f"{each}元" for each in spoken)}


def _which(say: Voice, meant: Sequence[Open], every: Sequence[Open], request: Request, facts: Facts) -> Reply:
    """Nothing that fits, or several."""
    if meant or every:
        shown = [(at, one) for at, one in enumerate(every, 1) if not meant or one in meant]
        return listed(request, say, "word.list", "钱收到了", [_line(say, at, one) for at, one in shown], 1)
    said = _newest_word(request, facts)
    already = None if said is None else say.say("word.already", day=say.day(said))
    return answer(request, lines(say.say("word.none"), already))


def _newest_word(request: Request, facts: Facts) -> int | None:
    """When this person spoke last."""
    said = [
        payment.word.state.said
        for binding in facts.citizens_of(request.sender)
        for payment in facts.payments_of_citizen(binding.citizen)
        if payment.word is not None
    ]
    return max(said, default=None)


def _line(say: Voice, place: int, one: Open) -> Line:
    label = say.say(
        "word.line",
        day=payment_lines.happened(say, one.payment),
        what=payment_lines.what(say, one.money.award),
        amount=say.money(one.payment.state.amount),
    )
    return Line(label, f"钱收到了 {place}")


# --- the read-back, and its yes ---


def ask_with(body: Own, payment: PaymentView, request: Request, services: Services) -> Reply:
    """Say `body`, which names amount and day, and ask what the person received."""
    ask(request.session, ACT, {**payment.ref.claim(), "amount": payment.state.amount, "at": _seconds(request)})
    return _asking(body, payment, request, services)


def ask_below(body: Own, payment: PaymentView, request: Request, services: Services) -> Reply:
    """The same below an answer to a look.

    A look between a read-back and its yes stays a look: it does not stand for the read-back, and does not renew it.
    """
    about = asked(request.session) or {}
    fresh = _seconds(request) - about.get("at", LOOKED) <= READ_BACK_SECONDS
    if about.get("sub") != payment.ref.sub or not fresh:
        ask(request.session, ACT, {**payment.ref.claim(), "amount": payment.state.amount, "at": LOOKED})
    return _asking(body, payment, request, services)


def _seconds(request: Request) -> int:
    return int(request.now.timestamp())


def _asking(body: Own, payment: PaymentView, request: Request, services: Services) -> Reply:
    say = voice(request, services)
    choices = [
        Choice(say.say("ask.yes", amount=say.money(payment.state.amount)), YES),
        say.choice("ask.wrong", "数目不对"),
        say.choice("ask.no", "没收到"),
        say.choice("ask.later", "看看再说"),
    ]
    return answer(request, lines(body, say.say("ask", choices=numbered(choices))), choices)


def confirm(request: Request, services: Services, about: Ref, amount: int) -> Reply:
    """The yes to a read-back: a record, if nothing came between and nothing has changed."""
    say = voice(request, services)
    with services.node.reading() as facts:
        one = _spoken_of(about, request, say.now, services, facts)
    if one is not None and open_for_word(one.payment):
        body = payment_lines.bank_line(say, one.money, one.payment)
        if not nothing_between(request.session):
            return ask_with(body, one.payment, request, services)
        if one.payment.state.amount != amount:
            return ask_with(lines(say.say("word.changed"), body), one.payment, request, services)
    # Not open any more, and yet nothing between: a crash before the answer was stored lets the same deed come again.
    again = nothing_between(request.session)
    drop(request.session)
    if one is None or not again:
        return answer(request, say.say("word.gone"))
    return _record(say, one, request, services)


def _spoken_of(about: Ref, request: Request, now: int, services: Services, facts: Facts) -> Open | None:
    """The payment that was read back, if this person may still speak about it."""
    payment = facts.payment(about)
    bindings = may_act(facts.citizens_of(request.sender))
    binding = next((one for one in bindings if payment is not None and one.citizen == payment.citizen), None)
    if payment is None or binding is None or not is_settled(binding, now):
        return None
    money = money_of(payment, services, facts)
    return None if money is None else Open(payment, money, binding)


def _record(say: Voice, one: Open, request: Request, services: Services) -> Reply:
    said: dict[str, Json] = {"payment": dict(one.payment.ref.claim()), "word": "received"}
    statement = Statement("citizen-word", new_handle(), said)
    try:
        done = services.node.desk.submit(statement, by=DESK, once=request.delivery_key, citizen=one.binding.citizen)
    except Refused:  # said from another telephone, or the bank took it back, at the same moment
        return answer(request, say.say("word.gone"))
    thanks = say.say(
        "word.done",
        day=say.date(say.today),
        what=payment_lines.what(say, one.money.award),
        amount=say.money(one.payment.state.amount),
        record=record_name(done.record_id),
    )
    return answer(request, thanks)
