"""A case at the desk: taken in, completed, and decided by somebody else."""

from datetime import date

from handlers import deadlines
from handlers.amounts import parse_amount
from handlers.citizen.voice import Voice
from handlers.locale import Own
from handlers.matters import Matter, Programme
from handlers.staff.acts import Act, Asked, Unfinished, you, you_after
from handlers.staff.commands import WORDS
from handlers.staff.drafts import Draft
from handlers.staff.refusals import Impossible
from ledger.desk import new_handle
from ledger.errors import IllegalStep
from ledger.facts import Facts
from ledger.records.cases import CaseStatus
from ledger.records.funds import AwardStatus, Ref
from ledger.records.jsonstrict import Json
from ledger.records.statement import Statement
from ledger.views import AwardView, CaseView


def _case(asked: Asked) -> CaseView:
    """The case that is meant, by its own number or by its award's; raises Impossible unless it is our own."""
    case = asked.thing.case
    if case is None or case.ref.log != asked.turn.origin:
        raise Impossible("staff.elsewhere", department=asked.turn.say.name(asked.thing.view.department))
    return case


def _note(asked: Asked) -> dict[str, Json]:
    return {"note": asked.reason()} if asked.words else {}


def _noted(asked: Asked) -> Own:
    return asked.turn.say.say("line.note", note=asked.reason()) if asked.words else Own()


# --- the clerk ---


def _accept(asked: Asked) -> Draft:
    case, say = _case(asked), asked.turn.say
    matter = asked.turn.services.matters.get(case.state.matter)
    clear, by = ({}, Own()) if matter is None else _promise(say, matter)
    statement = Statement("case-accepted", case.ref.sub, clear, _note(asked))
    return asked.draft(statement, you(asked.turn, statement.kind), by=by, note=_noted(asked))


def _promise(say: Voice, matter: Matter) -> tuple[dict[str, Json], Own]:
    """The day by which the citizen has an answer: it is signed with the acceptance, and told."""
    last = deadlines.after(say.today, matter.days, matter.unit)
    clear: dict[str, Json] = {"promised": last.day.isoformat()}
    if matter.law_days is not None:
        clear["lawful"] = deadlines.after(say.today, matter.law_days, matter.unit).day.isoformat()
    return clear, say.say("line.accept.by", day=say.by(last))


def _not_accept(asked: Asked) -> Draft:
    statement = Statement("case-not-accepted", _case(asked).ref.sub, {}, {"reason": asked.reason()})
    return asked.draft(statement, you(asked.turn, statement.kind), reason=asked.reason())


def _correct(asked: Asked) -> Draft:
    case, say = _case(asked), asked.turn.say
    matter = _matter(asked, case)
    last = deadlines.after(say.today, matter.correction_days, matter.unit)
    statement = Statement(
        "case-correction-due", case.ref.sub, {"until": last.day.isoformat()}, {"what": asked.reason()}
    )
    who = you(asked.turn, statement.kind)
    return asked.draft(statement, who, what=asked.reason(), day=say.by(last), place=say.place(matter))


def _brought(asked: Asked) -> Draft:
    statement = Statement("case-correction-brought", _case(asked).ref.sub, {}, _note(asked))
    return asked.draft(statement, you(asked.turn, statement.kind), note=_noted(asked))


def _matter(asked: Asked, case: CaseView) -> Matter:
    matter = asked.turn.services.matters.get(case.state.matter)
    if matter is None:
        raise Impossible("staff.matter-unknown", matter=case.state.matter)
    return matter


def _complete(asked: Asked) -> Draft:
    """The officers' step is done: with money, that is to propose an award."""
    case = _case(asked)
    programme = asked.turn.services.programmes.get(_matter(asked, case).programme or "")
    if programme is None:
        statement = Statement("case-completed", case.ref.sub, {"step": case.state.step}, _note(asked))
        return asked.draft(statement, you(asked.turn, statement.kind), more=_noted(asked))
    return _proposal(asked, case, programme)


def _proposal(asked: Asked, case: CaseView, programme: Programme) -> Draft:
    payer = asked.facts.origin_named(programme.payer)
    if payer is None:
        raise Impossible("staff.payer-unknown", department=programme.payer)
    earlier = asked.facts.awards_of(case.ref)
    again = next((one for one in earlier if one.state.status is AwardStatus.RETURNED), None)
    _check_once(case, programme, earlier, again, asked.turn.say.today)
    amount = _amount(asked, again.state.amount if again and not programme.amount else programme.amount)
    clear: dict[str, Json] = {
        "case": case.ref.sub,
        "programme": programme.code,
        "amount": amount,
        "payer": payer,
    }
    if programme.monthly:
        clear["period"] = (again and again.state.period) or f"{asked.turn.say.today:%Y-%m}"
    statement = Statement("award-proposed", again.ref.sub if again else new_handle(), clear)
    more = asked.turn.say.say("line.complete.amount", amount=asked.amount(amount), payer=programme.payer)
    draft = asked.draft(statement, you(asked.turn, statement.kind), more=Own(more + _unusual(asked, amount, None)))
    return Draft(draft.act, statement, draft.line, draft.who, earlier[-1].ref.sub if earlier else None)


def _check_once(
    case: CaseView, programme: Programme, earlier: list[AwardView], again: AwardView | None, today: date
) -> None:
    """A grant pays once; a monthly one once a month."""
    if case.state.status is not CaseStatus.APPROVED or again is not None:
        return
    if not programme.monthly:
        raise IllegalStep("award-proposed", str(case.state.status))
    standing = {AwardStatus.PROPOSED, AwardStatus.APPROVED}
    if any(one.state.period == f"{today:%Y-%m}" and one.state.status in standing for one in earlier):
        raise Impossible("staff.month-done")


def _amount(asked: Asked, usual: int | None) -> int:
    """The amount behind the number, or else the usual one."""
    if not asked.words:
        if usual is None:
            raise Unfinished("staff.ask.amount", number=asked.thing.number or "", command=WORDS[asked.act])
        return usual
    amount = parse_amount(asked.words)
    if amount is None:
        raise Impossible("staff.amount-wrong")
    return amount


def _unusual(asked: Asked, amount: int, proposed: int | None) -> Own:
    """What an officer should see before signing an amount; nothing forbids it."""
    say, case = asked.turn.say, asked.thing.case
    matter = asked.turn.services.matters.get(case.state.matter) if case else None
    programme = asked.turn.services.programmes.get(matter.programme or "") if matter else None
    told = []
    if proposed is not None and amount != proposed:
        told.append(say.say("line.other-than-proposed", amount=say.money(proposed)))
    if programme is not None and programme.amount is not None and amount != programme.amount:
        told.append(say.say("line.other-than-standard", amount=say.money(programme.amount)))
    if programme is not None and amount > programme.most:
        told.append(say.say("line.more-than-most", amount=say.money(programme.most)))
    return Own("".join(told))


# --- the approver ---


def _open_award(asked: Asked, case: CaseView) -> AwardView | None:
    """The award that waits for the decision, when it is about money."""
    if case.state.award is None or not case.state.award_open:
        return None
    return asked.facts.award(Ref(case.ref.log, case.state.award))


def _approve(asked: Asked) -> Draft:
    case = _case(asked)
    award = _open_award(asked, case)
    if award is None:
        if asked.words:
            raise Impossible("staff.no-award")
        statement = Statement("case-approved", case.ref.sub)
        return asked.draft(statement, _after(asked, case, statement.kind), more=Own())
    amount = _amount(asked, award.state.amount)
    statement = Statement("award-approved", award.ref.sub, {"amount": amount})
    more = asked.turn.say.say("line.approve.amount", amount=asked.amount(amount))
    who = _after(asked, case, statement.kind)
    return asked.draft(statement, who, more=Own(more + _unusual(asked, amount, award.state.amount)))


def _refuse(asked: Asked) -> Draft:
    case = _case(asked)
    award = _open_award(asked, case)
    kind, sub = ("case-refused", case.ref.sub) if award is None else ("award-refused", award.ref.sub)
    statement = Statement(kind, sub, {}, {"reason": asked.reason()})
    return asked.draft(statement, _after(asked, case, kind), reason=asked.reason())


def _return(asked: Asked) -> Draft:
    """One step back."""
    case = _case(asked)
    award = _open_award(asked, case)
    if award is None:
        clear: dict[str, Json] = {"step": max(case.state.step - 1, 0)}
        statement = Statement("case-returned", case.ref.sub, clear, {"reason": asked.reason()})
    else:
        statement = Statement("award-returned", award.ref.sub, {}, {"reason": asked.reason()})
    return asked.draft(statement, _after(asked, case, statement.kind), reason=asked.reason())


def _after(asked: Asked, case: CaseView, kind: str) -> Own:
    """Who signs, and who accepted or examined before."""
    before = case.state.step_by
    name = None if before is None else asked.facts.officer_name(case.ref.log, before)
    accepted = _accepted_by(asked.facts, case)
    return you_after(asked.turn, kind, "accepted" if name == accepted else "examined", name)


def _accepted_by(facts: Facts, case: CaseView) -> str | None:
    told = [line.officer_name for line in facts.history(case.ref) if line.kind == "case-accepted"]
    return told[-1] if told else None


ACTS = (
    Act("accept", "case-accepted", _accept),
    Act("not-accept", "case-not-accepted", _not_accept),
    Act("correct", "case-correction-due", _correct),
    Act("brought", "case-correction-brought", _brought),
    Act("complete", "case-completed", _complete),
    Act("approve", "case-approved", _approve),
    Act("refuse", "case-refused", _refuse),
    Act("return", "case-returned", _return),
)
