"""#节点: the departments that we follow, up to where each is checked, and how long ago."""

from bot.replies import Reply
from handlers.dialogue import answer, lines
from handlers.locale import Own
from handlers.staff.door import Turn
from ledger.peers.standing import Standing, read_standings
from ledger.storage.engine import reading

MINUTE, HOUR, DAY = 60, 3_600, 86_400
LATE_ROUNDS = 3  # so many missed in a row are no hiccup


def nodes(turn: Turn) -> Reply:
    """One line a department."""
    with reading(turn.services.node.engine) as connection:
        found = read_standings(connection)
    say = turn.say.say
    if not found:
        return answer(turn.request, say("nodes.none"))
    return answer(turn.request, lines(say("nodes.head", count=len(found)), *(_line(turn, one) for one in found)))


def _line(turn: Turn, one: Standing) -> Own:
    say = turn.say
    when = say.say("nodes.never") if one.checked_at is None else _ago(turn, one.checked_at)
    return say.say(
        "nodes.line",
        department=say.name(one.name),
        count=one.checked,
        when=when,
        state=say.say(f"nodes.state.{_state(one)}"),
    )


def _state(one: Standing) -> str:
    if one.forked:
        return "forked"
    if one.checked_at is None:
        return "new"
    if one.failures >= LATE_ROUNDS:
        return "unreachable"
    return "good" if one.failures == 0 else "missed"


def _ago(turn: Turn, at: int) -> Own:
    say, seconds = turn.say.say, max(0, turn.say.now - at)
    if seconds < MINUTE:
        return say("nodes.seconds-ago", count=seconds)
    if seconds < HOUR:
        return say("age.minutes-ago", count=seconds // MINUTE)
    if seconds < DAY:
        return say("nodes.hours-ago", count=seconds // HOUR)
    return say("nodes.days-ago", count=seconds // DAY)
