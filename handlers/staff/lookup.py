"""#查 and #历史: all that is known of one thing, and every record of its story."""

from collections.abc import Callable, Iterator

from bot.replies import Reply
from handlers.citizen.officers_words import officers_words
from handlers.citizen.trust import trust_or_finding
from handlers.citizen.voice import record_name
from handlers.dialogue import Choice, answer, lines
from handlers.locale import Own
from handlers.staff import findings
from handlers.staff.answering import split_name
from handlers.staff.commands import WORDS, choice, says
from handlers.staff.door import Turn
from handlers.staff.offers import Colleagues, blocked, counter_offers, offers
from handlers.staff.refusals import Impossible
from handlers.staff.sayings import what_was_said
from handlers.staff.things import Thing, find_thing, masked, split_number, title
from ledger.facts import Facts
from ledger.records.funds import FAILED
from ledger.views import AwardView, CaseView, HistoryLine, PaymentView

HISTORY_LINES = 9  # a page: a chat answer has 2,048 bytes, and a line with all its notes nearly 200
FILE_CHARACTERS = 8  # of a file's SHA-256: enough to tell it from the others in a drawer
AWARDS_SHOWN = 2  # of a monthly benefit, the newest: more would not fit into a chat answer

Show = Callable[[Turn, Facts, Thing, str], Reply]


def look(turn: Turn) -> Reply:
    """Everything about one thing, and what this officer may do with it; or about one finding."""
    name, words = split_name(turn.request.argument)
    if name and not words:
        return findings.show_one(turn, name)
    return _on_thing(turn, "look", _shown)


def history(turn: Turn) -> Reply:
    """Every record about a thing and what hangs on it, in order."""
    return _on_thing(turn, "history", _told)


def _on_thing(turn: Turn, key: str, show: Show) -> Reply:
    number, words = split_number(turn.request.argument)
    if not number:
        return answer(turn.request, turn.say.say("staff.ask.number", command=WORDS[key]))
    with turn.services.node.reading() as facts:
        try:
            return show(turn, facts, find_thing(turn, facts, number), words)
        except Impossible as error:
            return answer(turn.request, turn.say.say(error.key, **error.values))


# --- #查 ---


def _shown(turn: Turn, facts: Facts, thing: Thing, _words: str) -> Reply:
    say = turn.say
    awards = _awards(facts, thing)
    paid = {award.ref: facts.payments_of(award.ref) for award in awards}
    alone = [thing.payment] if thing.payment is not None and not awards else []
    payments = [*alone, *(payment for each in paid.values() for payment in each)]
    views: list[CaseView | AwardView | PaymentView] = [*([thing.case] if thing.case else []), *awards, *payments]
    root = thing.case or thing.award or thing.view
    trust, _disagrees = trust_or_finding(say, facts, root.ref, views)
    onward = [
        *offers(turn, thing, Colleagues.of(facts)),
        *counter_offers(turn, thing.case, [(award, paid[award.ref]) for award in awards]),
        choice(say, "history", thing.number or ""),
    ]
    body = lines(
        title(say, thing),
        _case_line(turn, facts, thing.case) if thing.case else None,
        *(line for award in awards for line in _award_lines(turn, award, paid[award.ref])),
        *(_payment_line(turn, payment) for payment in alone),
        say.say("staff.disputed") if any(view.disputed for view in views) else None,
        trust,
        _links(onward),
    )
    return answer(turn.request, body)


def _links(onward: list[Choice]) -> Own:
    return Own("　".join(one.link for one in onward))


def _awards(facts: Facts, thing: Thing) -> list[AwardView]:
    """The award that was named or paid; of a case, the newest."""
    if thing.award is not None:
        return [thing.award]
    return facts.awards_of(thing.case.ref)[-AWARDS_SHOWN:] if thing.case else []


def _case_line(turn: Turn, facts: Facts, case: CaseView) -> Own:
    say = turn.say
    words = officers_words(case, facts)
    return say.say(
        "staff.case",
        department=say.name(case.department),
        state=say.say(f"state.case.{case.state.status}"),
        day=say.day(case.since),
        submitted=say.day(case.state.submitted),
        words=say.say("staff.case.words", words=words) if words else Own(),
        until=say.say("staff.case.until", day=say.iso(case.state.until)) if case.state.until else Own(),
    )


def _award_lines(turn: Turn, award: AwardView, payments: list[PaymentView]) -> Iterator[Own]:
    say = turn.say
    yield say.say(
        "staff.award",
        what=say.what(award.state.programme, award.state.period),
        amount=say.money(award.state.amount),
        state=say.say(f"state.award.{award.state.status}"),
        day=say.day(award.since),
        number=award.number or say.say("staff.no-number"),
        payee=masked(award.payee) or say.say("staff.payee-not-here"),
        account=say.say("line.account", tail=award.account_tail) if award.account_tail else Own(),
    )
    for payment in payments:
        yield _payment_line(turn, payment, award)


def _payment_line(turn: Turn, payment: PaymentView, award: AwardView | None = None) -> Own:
    say, state = turn.say, payment.state
    line = say.say(
        "staff.payment-line",
        department=say.name(payment.department),
        amount=say.money(state.amount),
        state=say.say(f"state.payment.{state.status}"),
        source=say.say(f"source.{state.source}") if state.status not in {"CREATED", "SENT"} else Own(),
        day=say.day(payment.since),
        number=payment.number or say.say("staff.no-number"),
        account=say.say("line.account", tail=payment.account_tail) if payment.account_tail else Own(),
    )
    return Own(line + _failure(turn, payment, award) + _word(turn, payment))


def _failure(turn: Turn, payment: PaymentView, award: AwardView | None) -> Own:
    say, code = turn.say, payment.state.reason
    if payment.state.status not in FAILED or code is None:
        return Own()
    reason = say.say(f"iso.{code}") if say.say.has(f"iso.{code}") else Own()
    held = blocked(payment.state, award.state if award else None, payment.since)
    then = say.say(held) if held else say.say("staff.may-be-reissued")
    return say.say("staff.failure", code=code, reason=reason, then=then)


def _word(turn: Turn, payment: PaymentView) -> Own:
    if payment.word is None:
        return Own()
    said = turn.say.say(f"said.citizen-word.{payment.word.state.word}", reason=Own())
    return turn.say.say("staff.word", day=turn.say.day(payment.word.state.said), said=said)


# --- #历史 ---


def _told(turn: Turn, facts: Facts, thing: Thing, words: str) -> Reply:
    say = turn.say
    root = thing.case or thing.award or thing.view
    story = facts.history(root.ref)
    page = int(words) if words.isascii() and words.isdecimal() and 0 < len(words) < 4 else 1
    first = (page - 1) * HISTORY_LINES
    if first < 0 or first >= len(story):
        first, page = 0, 1
    onward = []
    if first + HISTORY_LINES < len(story):
        onward.append(Choice(say.say("mine.more"), says("history", thing.number or "", str(page + 1))))
    body = lines(
        say.say("staff.history", title=title(say, thing), count=len(story)),
        *(_story_line(turn, at, line) for at, line in enumerate(story[first : first + HISTORY_LINES], first + 1)),
        _links(onward),
    )
    reply = answer(turn.request, body)
    for one in onward:
        turn.request.session.choices[one.label] = one.says
    return reply


def _story_line(turn: Turn, at: int, line: HistoryLine) -> Own:
    say = turn.say
    notes = [
        say.say("staff.history.late", day=say.iso(line.on)) if line.on else None,
        _file_note(turn, line),
        say.say("staff.history.before-network") if line.before_network else None,
    ]
    return say.say(
        "staff.history.line",
        at=at,
        day=say.day(line.at),
        time=say.clock(line.at),
        department=say.name(line.department),
        officer=line.officer_name or "",
        said=what_was_said(say, line),
        notes=Own("".join(note for note in notes if note)),
        record=record_name(line.record_id),
    )


def _file_note(turn: Turn, line: HistoryLine) -> Own | None:
    """Which line of which file it came from."""
    file, row = line.clear.get("file"), line.clear.get("line")
    if not isinstance(file, str) or not isinstance(row, int):
        return None
    return turn.say.say("staff.history.file", file=file[:FILE_CHARACTERS], line=row)
