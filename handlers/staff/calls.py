"""The call list: news that no way brought to its person, for somebody to telephone. A look; no record comes of it."""

from bot.outbox import Undelivered
from bot.replies import Reply
from handlers.citizen.notices import brief
from handlers.dialogue import Choice, answer, lines
from handlers.locale import Own
from handlers.staff.commands import WORDS, choice, says
from handlers.staff.door import Turn
from handlers.staff.things import masked

PAGE_CALLS = 6  # each with its link, in the 2,048 bytes of a chat answer
SHOWN_BELOW = 3  # of them below #待办
LIST_WORD = "电话"  # #待办 电话
BACK = "放回"

_ID_DIGITS_MAX = 18


def page(turn: Turn, number: int) -> Reply:
    """One page of the list, the oldest first."""
    count = turn.services.outbox.count_undelivered()
    first = (number - 1) * PAGE_CALLS
    if first >= count:
        first, number = 0, 1
    shown = turn.services.outbox.undelivered(PAGE_CALLS, first)
    more = [_page_choice(turn, number + 1)] if first + len(shown) < count else []
    head = turn.say.say("calls.head", count=count) if count else turn.say.say("calls.none")
    reply = answer(turn.request, lines(head, *(_line(turn, one) for one in shown), *(one.link for one in more)))
    turn.request.session.choices = {one.label: one.says for one in more}
    return reply


def below(turn: Turn) -> tuple[Own, Own]:
    """What stands below #待办: the oldest of them, or where that is too long, how many there are."""
    count = turn.services.outbox.count_undelivered()
    if not count:
        return Own(), Own()
    head, every = turn.say.say("calls.head", count=count), Choice(turn.say.say("calls.all"), says("inbox", LIST_WORD))
    oldest = [_line(turn, one) for one in turn.services.outbox.undelivered(SHOWN_BELOW)]
    more = every.link if count > SHOWN_BELOW else None
    return lines(head, *oldest, more), lines(head, every.link)


def _page_choice(turn: Turn, number: int) -> Choice:
    return Choice(turn.say.say("mine.more"), says("inbox", LIST_WORD, str(number)))


def _line(turn: Turn, one: Undelivered) -> Own:
    """Whom to call, about what, since when."""
    say = turn.say.say
    told = brief(one.key, say.language, turn.services)
    done = choice(turn.say, "called", str(one.id)).link
    day = turn.say.day(int(one.since))
    if told is None:
        return Own(f"{say('calls.line.security', day=day)} {done}")
    about = say(
        "calls.line",
        day=day,
        name=masked(told.applicant) or say("staff.nameless-person"),
        number=told.number or say("staff.no-number"),
        about=Own(f"{told.name} {told.amount}".strip()),
        what=told.what,
        news=say("calls.line.news", count=one.news) if one.news > 1 else Own(),
    )
    return Own(f"{about} {done}")


def called(turn: Turn) -> Reply:
    """`#已电话 7`: off the list; the person still reads it above their next answer. `#已电话 7 放回` takes it back."""
    number, _, back = turn.request.argument.partition(" ")
    if not (number.isascii() and number.isdecimal() and len(number) <= _ID_DIGITS_MAX):
        return answer(turn.request, turn.say.say("calls.which", word=WORDS["called"]))
    if back.strip() == BACK:
        found = turn.services.outbox.note_not_called(int(number))
        return _answered(turn, "calls.back" if found else "calls.unknown", [])
    if not turn.services.outbox.note_called(int(number)):
        return _answered(turn, "calls.unknown", [])
    return _answered(turn, "calls.noted", [Choice(turn.say.say("calls.undo"), says("called", number, BACK))])


def _answered(turn: Turn, key: str, choices: list[Choice]) -> Reply:
    onward = [*choices, Choice(turn.say.say("calls.all"), says("inbox", LIST_WORD))]
    return answer(turn.request, lines(turn.say.say(key), *(one.link for one in onward)), onward)
