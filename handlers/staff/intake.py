"""#收件, #绑码 and #登记账户: what the counter does for the person before it.

What is personal is typed into a page of its own, reached by a link that works once. The chat carries the link alone.
"""

from collections.abc import Callable, Iterator

from bot.errors import ApiUnreachable, NotSent
from bot.replies import NewsReply, Reply, link
from bot.understanding import simplify
from handlers.citizen.lists import Line, listed, page_of
from handlers.citizen.scanning import bind_scene
from handlers.dialogue import answer, lines
from handlers.locale import Own
from handlers.matters import Matter
from handlers.staff.acts import check_role
from handlers.staff.commands import WORDS, says
from handlers.staff.door import Turn
from handlers.staff.offers import account_useless
from handlers.staff.refusals import Impossible, impossible
from handlers.staff.things import Thing, find_thing, masked, split_number, title
from ledger.desk import Purpose
from ledger.errors import Refused
from ledger.facts import Facts
from ledger.records.funds import AwardStatus
from ledger.records.statement import Statement
from ledger.views import AwardView, CaseView

BIND_SECONDS = 300
NAME_CHARACTERS_MIN = 2  # of a part of a matter's name

_CLERKS_ONLY = "case-accepted"  # a kind of record that clerks sign and nobody else
_SUBMITTED, _ACCOUNT_GIVEN = "case-submitted", "account-given"


# --- #收件 ---


def take_in(turn: Turn) -> Reply:
    """A link to the form of one matter; the list of matters when none was named."""
    return _refusing(turn, "take-in", _SUBMITTED, lambda: _form(turn))


def _form(turn: Turn) -> Reply:
    own = sorted(_own_matters(turn), key=lambda matter: matter.code)
    if not own:
        raise Impossible("take-in.no-matters", department=turn.services.node.name)
    named = _named(own, simplify(turn.request.argument))
    if len(named) != 1:
        return _matters_listed(turn, named or own)
    return _link(turn, "take-in.page", Purpose.CASE, named[0].code, what=turn.say.matter(named[0].code))


def _own_matters(turn: Turn) -> Iterator[Matter]:
    name = turn.services.node.name
    return (matter for matter in turn.services.matters.values() if matter.department == name)


def _named(own: list[Matter], words: str) -> list[Matter]:
    """The matters that somebody's words may mean: by code or name exactly, else by a part of a name."""
    exact = [matter for matter in own if words.casefold() == matter.code.casefold() or words in _names(matter)]
    if exact or len(words) < NAME_CHARACTERS_MIN:
        return exact
    return [one for one in own if one.is_named_in(words) or any(words in name for name in _names(one))]


def _names(matter: Matter) -> tuple[str, ...]:
    return matter.name, *matter.also


def _matters_listed(turn: Turn, matters: list[Matter]) -> Reply:
    every = [Line(turn.say.matter(one.code), says("take-in", one.name)) for one in matters]
    page = page_of(turn.request.argument)
    return listed(turn.request, turn.say, "take-in.list", WORDS["take-in"], every, page)


# --- #绑码 ---


def bind_code(turn: Turn) -> Reply:
    """A QR code of five minutes, for the person who stands there with their ID card; the code in words without one."""

    def make(_facts: Facts, thing: Thing) -> Callable[[], Reply]:
        case = _own_case(turn, thing)
        if case.citizen is None:
            raise Impossible("bind-code.nobody")
        citizen, name = case.citizen, masked(thing.name)
        return lambda: _qr(turn, citizen, name, title(turn.say, thing))

    return _on_thing(turn, "bind-code", _CLERKS_ONLY, make)


def _own_case(turn: Turn, thing: Thing) -> CaseView:
    if thing.case is None or thing.case.ref.log != turn.origin:
        raise Impossible("staff.elsewhere", department=turn.say.name(thing.view.department))
    return thing.case


def _qr(turn: Turn, citizen: str, name: str, whose: Own) -> Reply:
    say, until = turn.say.say, turn.say.clock(turn.say.now + BIND_SECONDS)
    code = turn.services.node.desk.binding_code_for(citizen, BIND_SECONDS)
    try:
        qr = turn.services.qr(bind_scene(code), BIND_SECONDS)
    except (NotSent, ApiUnreachable):
        return answer(turn.request, say("bind-code.words", title=whose, code=code, time=until))
    turn.request.session.choices = {}
    heading, told = say("bind-code.title", name=name), say("bind-code.told", title=whose, code=code, time=until)
    return NewsReply(heading, told, qr.picture_url, qr.picture_url)


# --- #登记账户 ---


def account(turn: Turn) -> Reply:
    """A link to the form for another account, when the award can use one."""

    def make(facts: Facts, thing: Thing) -> Callable[[], Reply]:
        award = _award(turn, facts, thing)
        turn.services.node.desk.check(Statement(_ACCOUNT_GIVEN, award.ref.sub), turn.officer.handle)
        useless = account_useless(turn.services, award.state, facts.payments_of(award.ref))
        if useless is not None:
            raise Impossible(useless)
        what = Own(f"{turn.say.what(award.state.programme, award.state.period)} {turn.say.money(award.state.amount)}")
        return lambda: _link(turn, "account.page", Purpose.ACCOUNT, award.ref.sub, what=what)

    return _on_thing(turn, "account", _ACCOUNT_GIVEN, make)


def _award(turn: Turn, facts: Facts, thing: Thing) -> AwardView:
    """The award that was named, or paid; of a case the newest whose money failed, else the newest."""
    award = thing.award
    if award is None and thing.case is not None:
        awards = facts.awards_of(thing.case.ref)
        failed = [one for one in awards if _has_failed(facts, one)]
        award = next(reversed(failed or awards), None)
    if award is None:
        raise Impossible("account.no-award")
    if award.ref.log != turn.origin:
        raise Impossible("staff.elsewhere", department=turn.say.name(award.department))
    return award


def _has_failed(facts: Facts, award: AwardView) -> bool:
    approved = award.state.status is AwardStatus.APPROVED
    return approved and any(payment.state.has_failed for payment in facts.payments_of(award.ref))


# --- what they share ---


def _on_thing(turn: Turn, act: str, kind: str, make: Callable[[Facts, Thing], Callable[[], Reply]]) -> Reply:
    """Find what the number stands for and make sure of it; what is given out is written after the reading has ended."""
    number, _words = split_number(turn.request.argument)
    if not number:
        return answer(turn.request, turn.say.say("staff.ask.number", command=WORDS[act]))

    def given() -> Reply:
        with turn.services.node.reading() as facts:
            then = make(facts, find_thing(turn, facts, number))
        return then()

    return _refusing(turn, act, kind, given)


def _refusing(turn: Turn, act: str, kind: str, reply: Callable[[], Reply]) -> Reply:
    try:
        check_role(turn, kind)
        return reply()
    except (Impossible, Refused) as error:
        return answer(turn.request, impossible(turn.say, act, error))


def _link(turn: Turn, key: str, purpose: Purpose, about: str, *, what: Own) -> Reply:
    say, node = turn.say.say, turn.services.node
    given = node.desk.give_ticket(turn.officer.handle, purpose, about)
    language = f"?lang={say.language}" if turn.request.session.language else ""
    opened = Own(link(say("page.open"), f"{node.public_url}/intake/{given.token}{language}"))
    rules = say("page.rules", time=turn.say.clock(given.expires))
    return answer(turn.request, lines(say(key, what=what), opened, rules))
