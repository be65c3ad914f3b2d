"""Money at the desk: ordered by one person, released by another, and what an officer has heard from the bank."""

import re

from handlers.citizen.payment_lines import REASONS
from handlers.locale import Own
from handlers.staff.acts import Act, Asked, Unfinished, you, you_after
from handlers.staff.drafts import Draft
from handlers.staff.refusals import Impossible
from ledger.desk import new_handle
from ledger.records.jsonstrict import Json
from ledger.records.statement import Statement
from ledger.views import AwardView, PaymentView

SUCCEEDED = ("成功", "success")
FAILED = ("失败", "failure")

_RESULT = re.compile(r"(\S+?)\s*([A-Za-z]{2,4}[0-9]{0,2})?")


def _award(asked: Asked) -> AwardView:
    if asked.thing.award is None or asked.thing.payment is not None:
        raise Impossible("staff.want-award")
    return asked.thing.award


def _payment(asked: Asked) -> PaymentView:
    payment = asked.thing.payment
    if payment is None:
        raise Impossible("staff.want-payment")
    if payment.ref.log != asked.turn.origin:
        raise Impossible("staff.elsewhere", department=asked.turn.say.name(payment.department))
    return payment


def _account(asked: Asked, tail: str | None) -> Own:
    return asked.turn.say.say("line.account", tail=tail) if tail else Own()


def _approved_by(asked: Asked, award: AwardView | None) -> Own:
    """Who orders, and which department approved: its officers' names are never learnt here."""
    if award is None:
        return you(asked.turn, "payment-created")
    return you_after(asked.turn, "payment-created", "approved", award.department)


def _pay(asked: Asked) -> Draft:
    award = _award(asked)
    amount = award.state.amount
    statement = Statement("payment-created", new_handle(), {"award": award.ref.claim(), "amount": amount})
    account = _account(asked, award.account_tail)
    return asked.draft(statement, _approved_by(asked, award), amount=asked.amount(amount), account=account)


def _release(asked: Asked) -> Draft:
    payment = _payment(asked)
    statement = Statement("payment-released", payment.ref.sub)
    before = payment.state.ordered_by
    name = None if before is None else asked.facts.officer_name(payment.ref.log, before)
    who = you_after(asked.turn, statement.kind, "ordered", name)
    account = _account(asked, payment.account_tail)
    return asked.draft(statement, who, amount=asked.amount(payment.state.amount), account=account)


def _bank_result(asked: Asked) -> Draft:
    """An officer's word for what the bank did: never more than that, and never the bank's own."""
    payment, say = _payment(asked), asked.turn.say
    reason = _reason(asked)
    outcome: dict[str, Json] = {"outcome": "accepted"} if reason is None else {"outcome": "rejected", "reason": reason}
    statement = Statement("payment-reported", payment.ref.sub, outcome)
    if reason is None:
        result = say.say("line.bank.accepted")
    else:
        result = say.say("line.bank.rejected", code=reason, reason=say.say(f"iso.{reason}"))
    who = you(asked.turn, statement.kind)
    return asked.draft(statement, who, amount=asked.amount(payment.state.amount), result=result)


def _reason(asked: Asked) -> str | None:
    """The reason code of a failure; None for a success."""
    match = _RESULT.fullmatch(asked.words)
    word, code = (match[1].lower(), (match[2] or "").upper()) if match else ("", "")
    number, codes = asked.thing.number or "", "、".join(REASONS)
    if word in SUCCEEDED and not code:
        return None
    if word not in FAILED:
        raise Unfinished("staff.ask.bank-result", number=number)
    if not code:
        raise Unfinished("staff.ask.bank-reason", number=number, codes=codes)
    if code not in REASONS:
        raise Impossible("staff.bank-reason-unknown", code=code, codes=codes)
    return code


def _reissue(asked: Asked) -> Draft:
    """A new payment in the place of one that failed, to the account that the award has now."""
    payment, award = _payment(asked), asked.thing.award
    amount = payment.state.amount
    clear: dict[str, Json] = {
        "award": payment.state.award.claim(),
        "amount": amount,
        "reissues": payment.ref.sub,
    }
    account = _account(asked, award.account_tail if award else None)
    statement = Statement("payment-created", new_handle(), clear)
    return asked.draft(statement, _approved_by(asked, award), amount=asked.amount(amount), account=account)


ACTS = (
    Act("pay", "payment-created", _pay),
    Act("release", "payment-released", _release),
    Act("bank-result", "payment-reported", _bank_result),
    Act("reissue", "payment-created", _reissue),
)
