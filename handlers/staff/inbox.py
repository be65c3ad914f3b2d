"""#待办: what waits for this officer, then what waits for the citizen, each with what can be done about it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.replies import TEXT_BYTES_MAX, Reply
from handlers.dialogue import Choice, answer, lines
from handlers.locale import Own
from handlers.staff import calls, epochs
from handlers.staff.commands import choice, says
from handlers.staff.door import Turn
from handlers.staff.offers import Colleagues, blocked, decides, offers, releases
from handlers.staff.things import Thing, thing_at, title
from ledger.facts import Facts
from ledger.records.cases import CaseStatus
from ledger.records.funds import FAILED, AwardStatus, PaymentStatus, Ref

PAGE_ITEMS = 10
QUEUE_MAX = 300  # of each kind: whoever has more waiting begins with the oldest

_PAGE = re.compile(r"[1-9][0-9]?")


@dataclass(frozen=True, slots=True)
class Item:
    """Something that waits."""

    thing: Thing
    why: str  # key of what it waits for
    for_citizen: bool = False


def inbox(turn: Turn) -> Reply:
    """One page of it; a bare number opens an item, a link does what is offered."""
    wanted = turn.request.argument
    if wanted.startswith(calls.LIST_WORD):
        asked = wanted.removeprefix(calls.LIST_WORD).strip()
        return calls.page(turn, int(asked) if _PAGE.fullmatch(asked) else 1)
    page = int(wanted) if _PAGE.fullmatch(wanted) else 1
    with turn.services.node.reading() as facts:
        colleagues = Colleagues.of(facts)
        waiting = [*_waiting(turn, facts, colleagues)]
        items = [one for one in waiting if not one.for_citizen] + [one for one in waiting if one.for_citizen]
        first = (page - 1) * PAGE_ITEMS
        if first >= len(items):
            first, page = 0, 1
        shown = items[first : first + PAGE_ITEMS]
        offered = [offers(turn, one.thing, colleagues) for one in shown]
        findings = len(facts.findings())
    more = [Choice(turn.say.say("mine.more"), says("inbox", str(page + 1)))] if first + len(shown) < len(items) else []
    head = _head(turn, items, findings)
    below = calls.below(turn) if page == 1 else (Own(), Own())
    return _fitting(turn, head, _Page(first, shown, offered), below, more)


# --- what waits ---


def _waiting(turn: Turn, facts: Facts, colleagues: Colleagues) -> Iterator[Item]:
    roles = turn.officer.roles
    if "approver" in roles:
        yield from _to_decide(turn, facts, colleagues)
    if "clerk" in roles:
        yield from _queue(facts, "case", CaseStatus.SUBMITTED, "to-accept")
        yield from _queue(facts, "case", CaseStatus.ACCEPTED, "to-complete")
        yield from _queue(facts, "case", CaseStatus.CORRECTION_DUE, "correction", for_citizen=True)
    if "authoriser" in roles:
        for item in _queue(facts, "payment", PaymentStatus.CREATED, "to-release"):
            if item.thing.payment is not None and releases(turn, item.thing.payment.state, colleagues):
                yield item
    if "finance" in roles:
        yield from _to_pay(facts)
        yield from _queue(facts, "payment", PaymentStatus.SENT, "at-the-bank")
        yield from _queue(facts, "payment", PaymentStatus.HELD, "at-the-bank")
        for status in sorted(FAILED):
            yield from map(_failed, _queue(facts, "payment", status, "failed"))


def _queue(facts: Facts, topic: str, status: str, why: str, *, for_citizen: bool = False) -> Iterator[Item]:
    for ref in facts.queue(topic, [status], limit=QUEUE_MAX):
        yield Item(thing_at(facts, topic, ref), why, for_citizen)


def _to_decide(turn: Turn, facts: Facts, colleagues: Colleagues) -> Iterator[Item]:
    """Awards that were proposed, and cases without money whose step is done; never this officer's own step."""
    proposed = [facts.award(ref) for ref in facts.queue("award", [AwardStatus.PROPOSED], limit=QUEUE_MAX)]
    with_money = [award.case for award in proposed if award is not None]
    cases: dict[Ref, str] = dict.fromkeys(with_money, "to-decide-money")
    for ref in facts.queue("case", [CaseStatus.IN_STEP], limit=QUEUE_MAX):
        cases.setdefault(ref, "to-decide")
    for ref, why in cases.items():
        thing = thing_at(facts, "case", ref)
        if thing.case is not None and decides(turn, thing.case.state, colleagues):
            yield Item(thing, why)


def _to_pay(facts: Facts) -> Iterator[Item]:
    for ref in facts.awards_to_pay(limit=QUEUE_MAX):
        thing = thing_at(facts, "award", ref)
        here = thing.award is not None and thing.award.number is not None and thing.award.account_tail is not None
        yield Item(thing, "to-pay" if here else "payee-not-here")


def _failed(item: Item) -> Item:
    payment, award = item.thing.payment, item.thing.award
    assert payment is not None  # it comes from the queue of payments
    held = blocked(payment.state, award.state if award else None, payment.since)
    if held is None:
        return Item(item.thing, "to-reissue")
    return Item(item.thing, held, for_citizen=held == "refused.account-closed")


# --- in words ---


@dataclass(frozen=True, slots=True)
class _Page:
    first: int
    items: Sequence[Item]
    offered: Sequence[Sequence[Choice]]


def _head(turn: Turn, items: Sequence[Item], findings: int) -> Own:
    say = turn.say.say
    own = sum(not one.for_citizen for one in items)
    open_ones = say("inbox.findings", count=findings, link=choice(turn.say, "findings").link) if findings else None
    return lines(
        *_warnings(turn), open_ones, epochs.notice(turn), say("inbox.head", count=own) if own else say("inbox.nothing")
    )


def _warnings(turn: Turn) -> Iterator[Own]:
    """What every officer should know before anything else: nothing can be signed, or somebody else signs as us."""
    log = turn.services.node.desk.log
    if log.behind() is not None:
        yield turn.say.say("inbox.behind")
    if log.is_impersonated():
        yield turn.say.say("inbox.stolen")


def _fitting(turn: Turn, head: Own, page: _Page, below: tuple[Own, Own], more: Sequence[Choice]) -> Reply:
    """The page with all its links and what stands below, or with as much of it as a chat answer can carry."""
    onward = [one.link for one in more]
    for links, foot in ((9, below[0]), (2, below[0]), (2, below[1]), (1, below[1]), (0, below[1])):
        body = lines(head, *_page_lines(turn, page, links), *onward, foot)
        if len(body.encode()) <= TEXT_BYTES_MAX:
            break
    reply = answer(turn.request, body)
    numbered = enumerate(page.items, page.first + 1)
    opens = {str(at): says("look", item.thing.number) for at, item in numbered if item.thing.number}
    turn.request.session.choices = opens | {one.label: one.says for one in more}
    return reply


def _page_lines(turn: Turn, page: _Page, links: int) -> Iterator[Own]:
    was_for_citizen = False
    for at, (item, offered) in enumerate(zip(page.items, page.offered, strict=True), page.first + 1):
        if item.for_citizen and not was_for_citizen:
            yield turn.say.say("inbox.for-citizen")
        was_for_citizen = item.for_citizen
        tapped = "　".join(one.link for one in offered[:links])
        line = turn.say.say("inbox.line", at=at, title=title(turn.say, item.thing), why=_why(turn, item))
        yield Own(f"{line} {tapped}") if tapped else line


def _why(turn: Turn, item: Item) -> Own:
    say, thing = turn.say, item.thing
    if item.why.startswith("refused."):
        return say.say("inbox.held", why=say.say(item.why))
    fen = thing.payment.state.amount if thing.payment else thing.award.state.amount if thing.award else None
    until = thing.case.state.until if thing.case else None
    return say.say(
        f"inbox.{item.why}",
        day=say.day(thing.view.since),
        until=say.iso(until) if until else Own(),
        amount=say.money(fen) if fen is not None else Own(),
    )
