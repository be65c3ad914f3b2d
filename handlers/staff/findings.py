"""#疑点: what the departments' records do not agree on, for whom it concerns to explain. It accuses nobody."""

import re

from bot.replies import Reply
from handlers.citizen.trust import rewritten_line
from handlers.dialogue import Choice, answer, lines
from handlers.locale import Own
from handlers.rewritten import Rewritten
from handlers.staff.commands import says
from handlers.staff.door import Turn
from handlers.staff.things import thing_of
from ledger.exhibits import finding_url
from ledger.facts import Facts
from ledger.views import Finding

PAGE_FINDINGS = 5  # some 320 bytes each with its address, of the 2,048 that a chat answer has
OPEN = "open"

_PAGE = re.compile(r"[1-9][0-9]?")
_AMOUNTS = ("approved", "ordered", "paid")


def listed(turn: Turn) -> Reply:
    """The open ones, the gravest first; then those that have ended, as none is ever deleted."""
    wanted = turn.request.argument
    page = int(wanted) if _PAGE.fullmatch(wanted) else 1
    with turn.services.node.reading() as facts:
        found = sorted(facts.findings(open_only=False), key=lambda one: one.state != OPEN)
        first = (page - 1) * PAGE_FINDINGS
        if first >= len(found):
            first, page = 0, 1
        shown = [_line(turn, facts, one) for one in found[first : first + PAGE_FINDINGS]]
    if not found:
        return answer(turn.request, turn.say.say("findings.none"))
    more = []
    if first + PAGE_FINDINGS < len(found):
        more.append(Choice(turn.say.say("mine.more"), says("findings", str(page + 1))))
    open_count = sum(one.state == OPEN for one in found)
    head = turn.say.say("findings.head", count=open_count)
    reply = answer(turn.request, lines(head, *shown, *(one.link for one in more)))
    turn.request.session.choices = {one.label: one.says for one in more}
    return reply


def _line(turn: Turn, facts: Facts, one: Finding) -> Own:
    say = turn.say
    told = Rewritten.of(facts, one)
    if told is not None:
        return say.say(
            "findings.rewritten",
            id=one.id,
            rule=one.rule,
            told=rewritten_line(say, told),
            state=_state(turn, one),
            page=_page(turn, one),
        )
    thing = None if one.about is None else thing_of(facts, one.about)
    return say.say(
        "findings.line",
        id=one.id,
        rule=one.rule,
        title=say.say(f"rule.{one.rule}") if say.say.has(f"rule.{one.rule}") else Own(),
        departments=say.departments(tuple(str(name) for name in one.facts.get("departments", ()))),
        number=say.say("findings.number", number=thing.number) if thing is not None and thing.number else Own(),
        amounts=_amounts(turn, one),
        state=_state(turn, one),
        page=_page(turn, one),
    )


def _page(turn: Turn, one: Finding) -> Own:
    return Own(finding_url(turn.services.node.public_url, one.id))


def _amounts(turn: Turn, one: Finding) -> Own:
    say = turn.say
    told = [(name, one.facts[name]) for name in _AMOUNTS if isinstance(one.facts.get(name), int)]
    return Own("".join(say.say(f"findings.{name}", amount=say.money(fen)) for name, fen in told))


def _state(turn: Turn, one: Finding) -> Own:
    say = turn.say
    if one.state == OPEN:
        return say.say("findings.open", day=say.iso(one.answer_by))
    return say.say("findings.ended", day=say.day(one.ended_at or one.raised_at))
