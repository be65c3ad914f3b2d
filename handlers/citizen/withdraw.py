"""撤回申请: a citizen takes an application back, after it was read back and confirmed.

Only at the department whose case it is: a record about a case stands in that case's own log.
"""

from collections.abc import Sequence

from bot.replies import Reply
from bot.routing import Request
from bot.understanding import find_number
from handlers.citizen.access import may_act
from handlers.citizen.lists import Line, listed
from handlers.citizen.voice import Voice, record_name, voice
from handlers.dialogue import YES, Choice, answer, ask, drop, nothing_between, numbered
from handlers.services import Services
from ledger.desk import DESK
from ledger.errors import Refused
from ledger.facts import Facts
from ledger.records.funds import Ref
from ledger.records.statement import Statement
from ledger.views import CaseView

ACT = "withdraw"


def withdraw(request: Request, services: Services) -> Reply:
    """Read back the application that is meant; of several, ask which."""
    say = voice(request, services)
    with services.node.reading() as facts:
        if not may_act(facts.citizens_of(request.sender)):
            return answer(request, say.say("need-binding", how=say.say("bind.how")))
        every = _open(request, facts)
    meant = _meant(request.argument, every)
    if len(meant) == 1:
        return _read_back(say, meant[0], request, services)
    if not every:
        return answer(request, say.say("withdraw.none"))
    shown = [_line(say, case) for case in meant or every]
    return listed(request, say, "withdraw.list", "撤回申请", shown, 1)


def _open(request: Request, facts: Facts) -> list[CaseView]:
    """What this person could still take back, oldest first."""
    bindings = may_act(facts.citizens_of(request.sender))
    cases = [case for binding in bindings for case in facts.cases_of(binding.citizen)]
    return [case for case in cases if case.state.is_open]


def _meant(argument: str, every: Sequence[CaseView]) -> list[CaseView]:
    number = find_number(argument).partition(" ")[0] or argument.replace(" ", "")
    return [case for case in every if case.number is not None and case.number.endswith(number)] if number else [*every]


def _line(say: Voice, case: CaseView) -> Line:
    status = say.say(f"short.{case.state.status}")
    label = say.say("mine.case", matter=say.matter(case.state.matter), status=status, day=say.day(case.state.submitted))
    return Line(label, f"撤回申请 {case.number}" if case.number else "")


def _read_back(say: Voice, case: CaseView, request: Request, services: Services) -> Reply:
    if case.ref.log != services.node.origin:
        return answer(request, say.say("withdraw.elsewhere", department=say.name(case.department)))
    ask(request.session, ACT, case.ref.claim())
    choices = [Choice(say.say("withdraw.yes"), YES), say.choice("withdraw.no", "取消")]
    question = say.say(
        "withdraw.ask",
        day=say.day(case.state.submitted),
        matter=say.matter(case.state.matter),
        number=case.number or "",
        choices=numbered(choices),
    )
    return answer(request, question, choices)


def confirm(request: Request, services: Services, about: Ref) -> Reply:
    """The yes to a read-back: a record, if nothing came between and the case is still open."""
    say = voice(request, services)
    with services.node.reading() as facts:
        case = facts.case(about)
        bound = {binding.citizen for binding in may_act(facts.citizens_of(request.sender))}
    mine = case is not None and case.citizen in bound
    if case is not None and mine and case.state.is_open and not nothing_between(request.session):
        return _read_back(say, case, request, services)
    # Not open any more, and yet nothing between: a crash before the answer was stored lets the same deed come again.
    again = nothing_between(request.session)
    drop(request.session)
    if case is None or not mine or not again:
        return answer(request, say.say("withdraw.changed"))
    return _record(say, case, request, services)


def _record(say: Voice, case: CaseView, request: Request, services: Services) -> Reply:
    statement = Statement("case-withdrawn", case.ref.sub)
    try:
        done = services.node.desk.submit(statement, by=DESK, once=request.delivery_key, citizen=case.citizen)
    except Refused:  # an officer decided it at the same moment
        return answer(request, say.say("withdraw.changed"))
    said = say.say(
        "withdraw.done",
        matter=say.matter(case.state.matter),
        number=case.number or "",
        day=say.date(say.today),
        record=record_name(done.record_id),
    )
    return answer(request, said)
