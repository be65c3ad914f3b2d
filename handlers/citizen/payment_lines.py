"""Money in sentences: approved by whom, ordered, paid or failed and why, and when it will be tried again.

Pure: views in, sentences out. Each sentence says whose word it rests on: an officer's entry is never told as the
bank's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from handlers.citizen.voice import Voice
from handlers.dialogue import lines
from handlers.locale import Own
from handlers.locale.formats import day_of
from handlers.matters import Matter, Programme
from ledger.records.funds import FAILED, AwardStatus, PaymentStatus
from ledger.views import AwardView, PaymentView

# ISO 20022 reason codes by who must act. AC01 and AC04 never share a sentence: a wrong number is no closed account.
REASONS: Mapping[str, str] = MappingProxyType(
    {
        "AC01": "number",
        "AC04": "closed",
        "AC07": "closed",
        "AC06": "frozen",
        "AG01": "type",
        "AM05": "twice",
        "DUPL": "twice",
        "AM09": "amount",
        "AM10": "amount",
        "BE01": "name",
        "BE06": "bank-code",
        "RC04": "bank-code",
        "MD07": "dead",
        "MS02": "other",
        "MS03": "other",
        "NARR": "other",
        "FR01": "inquiry",
        "FOCR": "inquiry",
        "CUST": "inquiry",
        "ED05": "bank",
        "TM01": "bank",
    }
)
# Where another account mends it.
_MENDED_BY_ACCOUNT = frozenset({"number", "closed", "type", "name"})
_NOT_ORDERED = frozenset({PaymentStatus.CANCELLED, PaymentStatus.REISSUED})


@dataclass(frozen=True, slots=True)
class Money:
    """An award with its payments, oldest first, and the matter it came from."""

    award: AwardView
    payments: Sequence[PaymentView]
    matter: Matter | None

    @property
    def views(self) -> tuple[AwardView | PaymentView, ...]:
        """Everything that it is computed from."""
        return self.award, *self.payments


def open_for_word(payment: PaymentView) -> bool:
    """Whether it is the citizen's turn: the bank credited it, or an officer says so, and they have not spoken."""
    state = payment.state
    told = state.status is PaymentStatus.ACCEPTED and state.source == "officer"
    return payment.word is None and (told or state.status is PaymentStatus.CREDITED)


def live(money: Money) -> list[PaymentView]:
    """The payments that stand: neither taken back nor replaced by another."""
    return [payment for payment in money.payments if payment.state.status not in _NOT_ORDERED]


def what(voice: Voice, award: AwardView) -> Own:
    """What this money is called."""
    return voice.what(award.state.programme, award.state.period)


def award_line(voice: Voice, money: Money) -> Own:
    """Who approved how much, and when."""
    view = money.award
    return voice.say(
        f"award.{view.state.status}",
        department=voice.name(view.department),
        day=voice.day(view.state.approved if view.state.approved is not None else view.since),
        amount=voice.money(view.state.amount),
    )


def payment_lines(voice: Voice, money: Money, *, disagrees: bool) -> Own | None:
    """What became of an approved award's money; `disagrees`: a finding speaks of the amounts already."""
    if money.award.state.status is not AwardStatus.APPROVED:
        return None
    told = [payment for payment in money.payments if payment.state.status is not PaymentStatus.CANCELLED]
    if not told:
        nobody = voice.say("pay.none", payer=voice.name(money.award.payer))
        return lines(nobody, _by(voice, money))
    said = [one_payment(voice, money, payment) for payment in told]
    return lines(*said, None if disagrees else _short(voice, money))


def one_payment(voice: Voice, money: Money, payment: PaymentView) -> Own:
    """One payment: where it is, whose word that is, and what follows from it."""
    status = payment.state.status
    if status in FAILED:
        return lines(_sentence(voice, money, payment, "failed"), _mend(voice, money, payment))
    more = _by(voice, money) if status in {PaymentStatus.CREATED, PaymentStatus.SENT} else None
    return lines(bank_line(voice, money, payment), more, word_line(voice, payment))


def bank_line(voice: Voice, money: Money, payment: PaymentView) -> Own:
    """The one sentence about where a payment is."""
    match payment.state.status:
        case PaymentStatus.ACCEPTED:
            return _sentence(voice, money, payment, f"ACCEPTED.{payment.state.source}")
        case PaymentStatus.CREDITED if payment.account_tail is None:
            return _sentence(voice, money, payment, "CREDITED.no-tail")
        case PaymentStatus.REJECTED | PaymentStatus.RETURNED:
            return _sentence(voice, money, payment, "failed")
    return _sentence(voice, money, payment, str(payment.state.status))


def _sentence(voice: Voice, money: Money, payment: PaymentView, variant: str) -> Own:
    return voice.say(
        f"pay.{variant}",
        day=happened(voice, payment),
        payer=voice.name(payment.department),
        what=what(voice, money.award),
        amount=voice.money(payment.state.amount),
        tail=payment.account_tail or "",
    )


def happened(voice: Voice, payment: PaymentView) -> Own:
    """The day of the bank's deed when a record says it, else the day of the record."""
    on = payment.state.happened_on
    return voice.iso(on) if on else voice.day(payment.since)


def _by(voice: Voice, money: Money) -> Own | None:
    """By when the money should have arrived."""
    programme, approved = voice.programme(money.award.state.programme), money.award.state.approved
    if programme is None or approved is None:
        return None
    deadline = voice.deadline(approved, programme.pay_days)
    return voice.say("pay.late") if voice.is_late(deadline) else voice.say("pay.by", day=voice.by(deadline))


def _short(voice: Voice, money: Money) -> Own | None:
    """Less was ordered than approved, whoever has noticed it."""
    approved = money.award.state.amount
    ordered = sum(payment.state.amount for payment in live(money))
    if ordered >= approved:
        return None
    amounts = {"approved": approved, "paid": ordered, "missing": approved - ordered}
    return voice.say("pay.short", **{name: voice.money(fen) for name, fen in amounts.items()})


def word_line(voice: Voice, payment: PaymentView) -> Own | None:
    """What the citizen has said about it, and when."""
    if payment.word is None:
        return None
    said = payment.word.state
    amount = voice.money(payment.state.amount if said.amount is None else said.amount)
    return voice.say(f"word.said.{said.word}", day=voice.day(said.said), amount=amount)


def _mend(voice: Voice, money: Money, payment: PaymentView) -> Own:
    """Why it failed, what the person must do, what we do."""
    reason = REASONS.get(payment.state.reason or "", "other")
    given = money.award.state.account_given
    programme = voice.programme(money.award.state.programme)
    if reason in _MENDED_BY_ACCOUNT and given is not None and given >= payment.since:
        return _given_again(voice, given, programme)
    tail = payment.account_tail
    card = voice.say("fail.card.no-tail") if tail is None else voice.say("fail.card", tail=tail)
    return voice.say(
        f"fail.{reason}",
        place=voice.place(money.matter),
        payer=voice.name(payment.department),
        card=card,
        reissue=programme.reissue_days if programme else "",
        retry=programme.retry_days if programme else "",
    )


def _given_again(voice: Voice, given: int, programme: Programme | None) -> Own:
    deadline = voice.deadline(given, programme.reissue_days if programme else 0)
    if voice.is_late(deadline):
        return voice.say("pay.account-again.late", day=voice.day(given))
    return voice.say("pay.account-again", day=voice.day(given), by=voice.by(deadline))


def short_status(voice: Voice, money: Money) -> Own:
    """Where the money is, in a few words for a list."""
    standing = live(money)
    if not standing:
        return voice.say(f"short.award.{money.award.state.status}")
    newest = standing[-1]
    source = f".{newest.state.source}" if newest.state.status is PaymentStatus.ACCEPTED else ""
    return voice.say(f"short.pay.{newest.state.status}{source}", payer=voice.name(newest.department))


def newest_day(voice: Voice, money: Money) -> Own:
    """The day of the newest thing that happened to it."""
    if not money.payments:
        return voice.day(money.award.since)
    last = max(money.payments, key=lambda payment: payment.since)
    return happened(voice, last) if last.since >= money.award.since else voice.date(day_of(money.award.since))
