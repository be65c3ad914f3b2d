"""Tells the bound citizen of each record that moves a case or a payment of theirs, in whichever department.

Reads the change feed by a cursor and fills the outbox. A row of the outbox is unique by position and account, so a
crash between the two repeats nothing and loses nothing.
"""

import logging
from dataclasses import dataclass
from datetime import date

from handlers.citizen import case_lines, payment_lines
from handlers.citizen.history_lines import what_happened
from handlers.citizen.officers_words import officers_words
from handlers.citizen.payment_lines import Money, open_for_word
from handlers.citizen.received import money_of
from handlers.citizen.voice import Voice, record_name, voice_for
from handlers.dialogue import lines
from handlers.locale import Own
from handlers.locale.formats import day_of
from handlers.services import Services
from ledger.errors import Unavailable
from ledger.facts import Facts
from ledger.news import News, move_cursor, read_news, read_news_at
from ledger.records.cases import CaseStatus
from ledger.records.funds import FAILED
from ledger.records.kinds import DESK
from ledger.storage.engine import reading
from ledger.storage.signers import read_signer
from ledger.views import AwardView, CaseView, HistoryLine, PaymentView

CURSOR = "notices"

log = logging.getLogger(__name__)

_TOLD_BY_THE_ANSWER = frozenset({"citizen-word"})  # it was their own act, and they have read the answer to it


def tick(services: Services) -> int:
    """Put every new notice into the outbox; how many there were. Runs as a job of the scheduler; raises Busy."""
    news = read_news(services.node.engine, CURSOR)
    told = sum(_tell(each, services) for each in news if not each.story)
    if news:
        move_cursor(services.node.engine, CURSOR, news[-1].pos)
    return told


def _tell(news: News, services: Services) -> int:
    if not _concerns_people(news, services):
        return 0
    with services.node.reading() as facts:
        view = _view_of(news, facts)
        accounts = [] if view is None or view.citizen is None else facts.accounts_of(view.citizen)
        texts = {openid: _told(news, view, openid, services, facts) for openid in accounts if view is not None}
    for openid, content in texts.items():
        put = services.outbox.keep if services.outbox.is_quiet(openid) else services.outbox.put
        put(f"{news.pos}:{openid}", openid, content, news.record.record_id)
    return len(texts)


def _told(news: News, view: CaseView | AwardView | PaymentView, openid: str, services: Services, facts: Facts) -> Own:
    """The notice in words; where none can be made, that there is news: one record must not hold up all behind it."""
    try:
        return _text(news, view, openid, services, facts)
    except Unavailable:
        raise
    except Exception as error:  # noqa: BLE001  another department may sign what nobody has thought of
        log.error("record %s has no words: %s", news.record.record_id, type(error).__name__)  # noqa: TRY400  no content
        say = voice_for(services.outbox.language_of(openid), services)
        return say.say("notice.bare", record=record_name(news.record.record_id))


def _concerns_people(news: News, services: Services) -> bool:
    kind = news.record.known
    if kind is None or kind.topic not in {"case", "award", "payment", "any"} or kind.name in _TOLD_BY_THE_ANSWER:
        return False
    # They did it themselves, in the chat.
    return not (kind.name == "case-withdrawn" and _is_ours(news.record.kid, services))


def _is_ours(kid: str, services: Services) -> bool:
    """Whether our own desk has signed, with the key of today or one that was replaced since."""
    with reading(services.node.engine) as conn:
        signer = read_signer(conn, services.node.log.id, kid)
    return signer is not None and DESK in signer.roles


def _view_of(news: News, facts: Facts) -> CaseView | AwardView | PaymentView | None:
    return facts.case(news.ref) or facts.award(news.ref) or facts.payment(news.ref)


def _text(news: News, view: CaseView | AwardView | PaymentView, openid: str, services: Services, facts: Facts) -> Own:
    say = voice_for(services.outbox.language_of(openid), services)
    title, more = _case(say, view, facts) if isinstance(view, CaseView) else _money(say, view, services, facts)
    return say.say(
        "notice",
        title=title,
        day=say.date(_happened(news, view, facts)),
        department=say.name(view.department),
        what=_what(say, news, view, facts),
        more=more,
        record=record_name(news.record.record_id),
    )


def _line_of(news: News, view: CaseView | AwardView | PaymentView, facts: Facts) -> HistoryLine | None:
    return next((line for line in facts.history(view.ref) if line.record_id == news.record.record_id), None)


def _happened(news: News, view: CaseView | AwardView | PaymentView, facts: Facts) -> date:
    line = _line_of(news, view, facts)
    return date.fromisoformat(line.on) if line is not None and line.on else day_of(news.record.iat)


def _what(say: Voice, news: News, view: CaseView | AwardView | PaymentView, facts: Facts) -> Own:
    line = _line_of(news, view, facts)
    return say.say("history.other") if line is None else what_happened(say, line)


def _case(say: Voice, case: CaseView, facts: Facts) -> tuple[Own, Own]:
    look = say.say("notice.look", number=case.number) if case.number else say.say("notice.look.no-number")
    is_urgent = case.state.status is CaseStatus.CORRECTION_DUE
    urgent = case_lines.papers_lines(say, case, officers_words(case, facts)) if is_urgent else None
    return case_lines.title(say, case, case.number), lines(urgent, look)


def _money(say: Voice, view: AwardView | PaymentView, services: Services, facts: Facts) -> tuple[Own, Own]:
    """An award or one of its payments; what the person should do is told for the payment as it stands now."""
    payment = view if isinstance(view, PaymentView) else None
    money = _money_of(view, services, facts)
    if money is None:
        return say.say("notice.some-money"), say.say("notice.look-money.no-number")
    number = money.award.number
    look = say.say("notice.look-money", number=number) if number is not None else say.say("notice.look-money.no-number")
    title = say.say(
        "notice.money-title",
        what=payment_lines.what(say, money.award),
        amount=say.money(view.state.amount),
    )
    return title, lines(_to_do(say, money, payment), look)


def _money_of(view: AwardView | PaymentView, services: Services, facts: Facts) -> Money | None:
    if isinstance(view, PaymentView):
        return money_of(view, services, facts)
    case = facts.case(view.case)
    matter = services.matters.get(case.state.matter) if case else None
    return Money(view, facts.payments_of(view.ref), matter)


def _to_do(say: Voice, money: Money, payment: PaymentView | None) -> Own | None:
    if payment is None:
        return None
    if payment.state.status in FAILED:
        return payment_lines.one_payment(say, money, payment)
    if open_for_word(payment):
        return lines(payment_lines.bank_line(say, money, payment), say.say("notice.credited"))
    return payment_lines.bank_line(say, money, payment)


# --- the same in a few words, for a template's fields and for whoever telephones ---


@dataclass(frozen=True, slots=True)
class Brief:
    """What a notice tells, without the sentence around it."""

    name: Own  # the application, or what people call the money
    amount: Own  # "" for an application
    what: Own
    day: date
    number: str | None
    applicant: str | None


def brief(key: str, language: str, services: Services) -> Brief | None:
    """The notice that was put under this key; None for one that tells of no record."""
    place = key.partition(":")[0]
    news = read_news_at(services.node.engine, int(place)) if place.isascii() and place.isdecimal() else None
    if news is None:
        return None
    say = voice_for(language, services)
    with services.node.reading() as facts:
        view = _view_of(news, facts)
        if view is None:
            return None
        what, day = _what(say, news, view, facts), _happened(news, view, facts)
        if isinstance(view, CaseView):
            return Brief(say.matter(view.state.matter), Own(), what, day, view.number, view.applicant)
        money = _money_of(view, services, facts)
        name = say.say("notice.some-money") if money is None else payment_lines.what(say, money.award)
        case = None if money is None else facts.case(money.award.case)
        number = case.number if case is not None else view.number
        return Brief(name, say.money(view.state.amount), what, day, number, case.applicant if case else None)
