"""The form of #登记账户: another account is typed, read back, and only then signed."""

from collections.abc import Mapping

from flask import Response

from handlers.citizen.voice import record_name, voice_for
from handlers.locale import Own
from handlers.pages import fields
from handlers.pages.forms import Checked, check_fields, relation_checks, relations, words
from handlers.pages.visits import Gone, Visit
from handlers.staff.refusals import impossible
from handlers.staff.things import masked
from ledger.errors import OfficerUnknown, Refused, Unavailable
from ledger.records.funds import Ref
from ledger.records.statement import Statement
from ledger.views import AwardView

TAIL_DIGITS = 4


def show(
    visit: Visit, *, status: int = 200, wrong: Mapping[str, Own] | None = None, banner: Own | None = None
) -> Response:
    """The form, with what was typed already."""
    award = _award(visit)
    return visit.shown(
        "counter/account_form.html",
        status=status,
        what=_what(visit, award),
        number=award.number or "",
        usual=masked(award.payee),
        old_tail=award.account_tail or "",
        relations=relations(visit),
        until=visit.say.clock(visit.ticket.expires),
        wrong=wrong or {},
        banner=banner,
        words=words(visit),
    )


def submit(visit: Visit) -> Response:
    """Read back what was typed; sign it when that was confirmed."""
    award = _award(visit)
    checked = _check(visit, award)
    if checked.wrong:
        return show(visit, wrong=checked.wrong)
    match visit.value("step"):
        case "confirm":
            return _sign(visit, award, checked)
        case "change":
            return show(visit)
    account = str(checked.private["account"])
    return visit.shown(
        "counter/account_check.html",
        what=_what(visit, award),
        number=award.number or "",
        payee=checked.private["payee"],
        relation=visit.say.say(f"relation.{checked.private['relation']}") if "relation" in checked.private else "",
        account=grouped(account),
        until=visit.say.clock(visit.ticket.expires),
    )


def done(visit: Visit) -> Response:
    """What was registered."""
    award, say = _award(visit), visit.say
    programme = say.programme(award.state.programme)
    given = award.state.account_given
    by = say.by(say.deadline(given, programme.reissue_days)) if programme and given is not None else ""
    return visit.shown(
        "counter/account_done.html",
        what=_what(visit, award),
        number=award.number or "",
        tail=award.account_tail or "",
        payer=say.name(award.payer),
        by=by,
        record=record_name(visit.ticket.record_id) if visit.ticket.record_id else "",
    )


def grouped(account: str) -> str:
    """A card's number in fours, as it stands on the card."""
    return " ".join(account[at : at + 4] for at in range(0, len(account), 4))


def _award(visit: Visit) -> AwardView:
    node = visit.services.node
    with node.reading() as facts:
        award = facts.award(Ref(node.origin, visit.ticket.about))
    if award is None:
        raise Gone
    return award


def _what(visit: Visit, award: AwardView) -> Own:
    say = visit.say
    return Own(f"{say.what(award.state.programme, award.state.period)} {say.money(award.state.amount)}")


def _check(visit: Visit, award: AwardView) -> Checked:
    return check_fields(
        visit, [("payee", fields.name), *relation_checks(visit, award.payee or ""), ("account", fields.card)]
    )


def _sign(visit: Visit, award: AwardView, checked: Checked) -> Response:
    desk, ticket = visit.services.node.desk, visit.ticket
    try:
        statement = Statement("account-given", award.ref.sub, {}, checked.private)
        signed = desk.submit(statement, by=ticket.officer, once=ticket.once)
    except OfficerUnknown:
        raise
    except Unavailable:
        return show(visit, status=503, banner=visit.say.say("form.busy"))
    except Refused as error:
        return show(visit, status=409, banner=impossible(visit.say, "account", error))
    _tell_officer(visit, award, str(checked.private["account"]), signed.record_id)
    return done(visit.again())


def _tell_officer(visit: Visit, award: AwardView, account: str, record_id: str) -> None:
    services, openid = visit.services, visit.officers_account()
    if openid is None:
        return
    say = voice_for(services.outbox.language_of(openid), services)
    told = say.say(
        "notice.account-given",
        what=say.what(award.state.programme, award.state.period),
        name=masked(award.payee),
        tail=account[-TAIL_DIGITS:],
        number=award.number or "",
        record=record_name(record_id),
    )
    services.outbox.put(visit.ticket.once, openid, told, record_id)
