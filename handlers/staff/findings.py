"""#疑点: what the departments' records do not agree on, for whom it concerns to explain. It accuses nobody."""

import re

from bot.replies import Reply
from handlers.citizen.trust import rewritten_line
from handlers.dialogue import Choice, answer, lines
from handlers.locale import Own
from handlers.rewritten import Rewritten
from handlers.staff.answering import rule_title, split_name
from handlers.staff.commands import says
from handlers.staff.door import Turn
from handlers.staff.things import thing_of
from ledger.exhibits import finding_url
from ledger.facts import Facts
from ledger.views import Finding, FindingStep

STEPS_SHOWN = 9  # the newest: with words they are as long as that
WORDS_SHOWN = 60
PAGE_FINDINGS = 5  # some 320 bytes each with its address, of the 2,048 that a chat answer has

_PAGE = re.compile(r"[1-9][0-9]?")
_AMOUNTS = ("approved", "ordered", "paid", "credited")


def listed(turn: Turn) -> Reply:
    """The open ones, the gravest first; then the others, as none is ever deleted. With a name: that one."""
    wanted = turn.request.argument
    name, _words = split_name(wanted)
    if name:
        return show_one(turn, name)
    page = int(wanted) if _PAGE.fullmatch(wanted) else 1
    with turn.services.node.reading() as facts:
        found = facts.findings(open_only=False)
        first = (page - 1) * PAGE_FINDINGS
        if first >= len(found):
            first, page = 0, 1
        shown = [_line(turn, facts, one) for one in found[first : first + PAGE_FINDINGS]]
    if not found:
        return answer(turn.request, turn.say.say("findings.none"))
    more = []
    if first + PAGE_FINDINGS < len(found):
        more.append(Choice(turn.say.say("mine.more"), says("findings", str(page + 1))))
    open_count = sum(one.is_open for one in found)
    head = turn.say.say("findings.head", count=open_count)
    reply = answer(turn.request, lines(head, *shown, *(one.link for one in more)))
    turn.request.session.choices = {one.label: one.says for one in more}
    return reply


def show_one(turn: Turn, name: str) -> Reply:
    """One finding, what became of it, and in which words our own department spoke of it."""
    with turn.services.node.reading() as facts:
        found = facts.finding(name)
        if found is None:
            return answer(turn.request, turn.say.say("findings.unknown", id=name))
        words = facts.finding_words(name)
        life = [_step(turn, step, words.get(step.record or "")) for step in facts.finding_life(name)[-STEPS_SHOWN:]]
        told = _line(turn, facts, found)
    return answer(turn.request, lines(told, *life))


def _step(turn: Turn, step: FindingStep, words: str | None) -> Own:
    say = turn.say
    who = say.name(step.department) if step.department is not None else Own()
    told = say.say("findings.words", words=shortened(words)) if words else Own()
    what = say.say(f"findings.step.{step.step}", department=who)
    return say.say("findings.step", day=say.day(step.at), time=say.clock(step.at), what=what, words=told)


def shortened(words: str) -> str:
    """An officer's words as far as they fit into a list."""
    return words if len(words) <= WORDS_SHOWN else words[: WORDS_SHOWN - 1] + "…"


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
        title=rule_title(turn, one),
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
    day = say.iso(one.answer_by) if one.state == "open" else say.day(one.ended_at or one.raised_at)
    return say.say(f"findings.{one.state}", day=day)
