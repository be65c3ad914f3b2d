"""回执 and 核验: the way from what a person may see to its receipt page, and from a check code to what it stands for.

What a code stands for is public: everybody may ask about any. Which records are somebody's is not: 回执 asks who wants
to know, as 进度 does.
"""

from collections.abc import Sequence

from bot.replies import Reply, link
from bot.routing import Request
from handlers.citizen.access import Seen, Withheld, look
from handlers.citizen.history_lines import what_happened
from handlers.citizen.lists import PAGE_LINES, Line, listed, page_of, printed
from handlers.citizen.receipt_lines import kept, later, moment, wait_seconds, what_it_says
from handlers.citizen.voice import Voice, record_name, voice
from handlers.dialogue import Choice, answer, lines
from handlers.locale import DEFAULT, Own
from handlers.services import Services
from ledger.errors import MalformedRecord
from ledger.facts import Facts
from ledger.merkle.hashing import HASH_BYTES
from ledger.receipts import Told, promise_for, read_by_code, read_receipt
from ledger.records import base64url
from ledger.records.check_code import in_groups, parse_check_code
from ledger.views import AwardView, CaseView, HistoryLine, PaymentView

EARLIER_MAX = 8  # below the newest; with the promise a chat answer has room for no more
FILE_ENDING = ".tlog-proof"


def receipt(request: Request, services: Services) -> Reply:
    """The receipts of one thing: the newest record's page, and the earlier ones to tap."""
    if not request.argument:
        return mine(request, services)
    say = voice(request, services)
    with services.node.reading() as facts:
        found = look(request.argument, request, services, facts)
        if isinstance(found, Withheld):
            return answer(request, say.say(found))
        if isinstance(found, list):
            return _which(request, say, found, facts)
        title, history = _title(say, found, facts), facts.history(found.ref)
    return _shown(request, say, title, history)


def mine(request: Request, services: Services) -> Reply:
    """Every record about what is one's own, the newest first."""
    say = voice(request, services)
    with services.node.reading() as facts:
        if not facts.citizens_of(request.sender):
            return answer(request, lines(say.say(Withheld.ASK), say.say("bind.how")))
        history = _own_history(request, facts)
    if not history:
        return answer(request, say.say("mine.receipts.none"))
    return listed(request, say, "mine.receipts", "我的回执", _lines(say, history), page_of(request.argument))


def check(request: Request, services: Services) -> Reply:
    """What a check code stands for, at whichever department it was said."""
    say = voice(request, services)
    if not request.argument:
        return answer(request, say.say("code.ask"))
    found = _find(request.argument, services)
    if found is None:
        return answer(request, say.say("code.wrong"))
    if not found:
        return answer(request, say.say("code.unknown", here=say.name(services.node.name)))
    twice = say.say("code.twice", count=len(found)) if len(found) > 1 else None
    return answer(request, lines(*(_checked(say, services, told) for told in found), twice))


# --- one's own ---


def _own_history(request: Request, facts: Facts) -> list[HistoryLine]:
    """The stories of all that this account is bound to, the newest first, each record once."""
    told: dict[str, HistoryLine] = {}
    for binding in facts.citizens_of(request.sender):
        # Cases first: their stories hold the awards and payments below them already.
        own: list[CaseView | AwardView | PaymentView] = [*facts.cases_of(binding.citizen)]
        own += facts.awards_of_citizen(binding.citizen)
        own += facts.payments_of_citizen(binding.citizen)
        for one in own:
            if one.record_id not in told:
                told |= {line.record_id: line for line in facts.history(one.ref)}
    return sorted(told.values(), key=lambda line: -line.at)


def _which(request: Request, say: Voice, found: Sequence[Seen], facts: Facts) -> Reply:
    every = [Line(_title(say, one, facts), f"回执 {one.typed}") for one in found]
    return listed(request, say, "slip.which", "回执", every[:PAGE_LINES], 1)


def _title(say: Voice, seen: Seen, facts: Facts) -> Own:
    if seen.topic == "case":
        case = facts.case(seen.ref)
        return say.say("slip.title.case", matter=say.matter(case.state.matter) if case else Own())
    payment = facts.payment(seen.ref) if seen.topic == "payment" else None
    award = facts.award(payment.state.award if payment else seen.ref)
    what = say.what(award.state.programme, award.state.period) if award else say.say("record.money")
    return say.say("slip.title.money", what=what)


def _lines(say: Voice, history: Sequence[HistoryLine]) -> list[Line]:
    return [Line(_line(say, one), f"核验 {record_name(one.record_id)}") for one in history]


def _line(say: Voice, one: HistoryLine) -> Own:
    return say.say("slip.line", day=_day(say, one), department=say.name(one.department), what=what_happened(say, one))


def _day(say: Voice, one: HistoryLine) -> Own:
    return say.iso(one.on) if one.on is not None else say.day(one.at)


def _shown(request: Request, say: Voice, title: Own, history: Sequence[HistoryLine]) -> Reply:
    told = read_receipt(say.services.node.engine, history[-1].record_id) if history else None
    if told is None:
        return answer(request, lines(title, say.say("slip.none")))
    earlier = history[-2::-1][:EARLIER_MAX]
    choices = [Choice(line.label, line.says) for line in _lines(say, earlier)]
    below = say.say("slip.earlier", lines=printed(choices)) if choices else None
    return answer(request, lines(_newest(say, title, history[-1], told), below), choices)


def _newest(say: Voice, title: Own, line: HistoryLine, told: Told) -> Own:
    services = say.services
    said = {
        "title": title,
        "day": _day(say, line),
        "department": say.name(line.department),
        "what": what_happened(say, line),
        "page": _page(say, told),
        "code": _code(told),
    }
    if told.proven:
        before = say.say("slip.before") if told.before_network else None
        return lines(say.say("slip.receipt", kept=kept(say, told, "slip.kept"), **said), before)
    waiting = say.say("slip.wait", time=later(say, wait_seconds(services.node, told, say.now)), **said)
    promise = promise_for(told, services.node.keys)
    return lines(
        waiting,
        None if promise is None else say.say("slip.promise", department=said["department"], promise=promise),
    )


# --- anybody's ---


def _find(typed: str, services: Services) -> list[Told] | None:
    """The records that a code stands for, or that a receipt's address names; None when it is neither."""
    code = parse_check_code(typed)
    if code is not None:
        return read_by_code(services.node.engine, code)
    named = typed.rstrip("/").rpartition("/")[2].partition("?")[0].removesuffix(FILE_ENDING)
    try:
        is_record = len(base64url.decode(named)) == HASH_BYTES
    except MalformedRecord:
        return None
    if not is_record:
        return None
    told = read_receipt(services.node.engine, named)
    return [] if told is None else [told]


def _checked(say: Voice, services: Services, told: Told) -> Own:
    said = {
        "code": _code(told),
        "what": what_it_says(say, told),
        "department": say.name(told.department),
        "index": told.index,
    }
    record = told.record
    if not told.folded:
        return moment(say, "code.unchecked", record.iat, here=say.name(services.node.name), **said)
    if not told.proven:
        return moment(
            say, "code.wait", record.iat, later=later(say, wait_seconds(services.node, told, say.now)), **said
        )
    return moment(say, "code.good", record.iat, kept=kept(say, told, "code.kept"), page=_page(say, told), **said)


def _code(told: Told) -> Own:
    return Own(in_groups(record_name(told.record_id)))


def _page(say: Voice, told: Told) -> Own:
    """The page here, in this person's language: whoever asks at this department need not ask the one that said it."""
    query = "" if say.say.language == DEFAULT else f"?lang={say.say.language}"
    return Own(link(say.say("slip.open"), f"{say.services.node.public_url}/receipts/{told.record_id}{query}"))
