"""#节点: the departments that we follow, up to where each is checked, and how long ago."""

from collections.abc import Mapping, Sequence

from bot.replies import Reply, link
from handlers.dialogue import Choice, answer, lines
from handlers.locale import Own
from handlers.staff.commands import says
from handlers.staff.door import Turn
from ledger.desk import Purpose
from ledger.peers.checks import Check, read_checks
from ledger.peers.standing import Standing, read_standings
from ledger.storage.engine import reading
from ledger.storage.heads import MIRROR
from ledger.storage.network import Network

EXAMINE_WORD = "体检"
MINUTE, HOUR, DAY = 60, 3_600, 86_400


def nodes(turn: Turn) -> Reply:
    """One line a department, and who has looked at our own log: the same as /network.json tells everybody.

    `#节点 体检` gives a link to the doctor's page instead.
    """
    say = turn.say.say
    if turn.request.argument.strip() == EXAMINE_WORD:
        return _examination(turn)
    examine = Choice(say("nodes.examine"), says("nodes", EXAMINE_WORD))
    with reading(turn.services.node.engine) as connection:
        found = read_standings(connection)
        checks = [one for one in read_checks(connection, turn.say.now) if one.role == MIRROR]
        own = Network.read(connection).own.origin
    if not found:
        return answer(turn.request, lines(say("nodes.none"), examine.link), [examine])
    told = [_line(turn, one, [check for check in checks if check.of == one.origin]) for one in found]
    looked = _looked_at_us(turn, {one.origin: one.name for one in found}, [one for one in checks if one.of == own])
    return answer(turn.request, lines(say("nodes.head", count=len(found)), *told, looked, examine.link), [examine])


def _examination(turn: Turn) -> Reply:
    """A link for half an hour, as to the counter's forms; the page says where files lie, so it is for officers."""
    say, node = turn.say.say, turn.services.node
    given = node.desk.give_ticket(turn.officer.handle, Purpose.DOCTOR, "")
    language = f"?lang={say.language}" if turn.request.session.language else ""
    opened = Own(link(say("doctor.open"), f"{node.public_url}/doctor/{given.token}{language}"))
    return answer(turn.request, lines(opened, say("doctor.rules", time=turn.say.clock(given.expires))))


def _line(turn: Turn, one: Standing, checks: Sequence[Check]) -> Own:
    say = turn.say
    others = len(checks) - 1  # the first is our own
    return say.say(
        "nodes.line",
        department=say.name(one.name),
        count=one.checked,
        when=_when(turn, one.checked_at),
        state=say.say(f"nodes.state.{one.state}", count=one.left),
        others=say.say("nodes.others", count=others) if others > 0 else Own(),
    )


def _looked_at_us(turn: Turn, names: Mapping[str, str], checks: Sequence[Check]) -> Own:
    say = turn.say
    if not checks:
        return say.say("nodes.own.none")
    told = [
        say.say("nodes.own.one", department=say.name(names[one.by]), count=one.size, when=_when(turn, one.at))
        for one in checks
    ]
    return say.say("nodes.own", told=Own(say.say("and").join(told)))


def _when(turn: Turn, at: int | None) -> Own:
    return turn.say.say("nodes.never") if at is None else _ago(turn, at)


def _ago(turn: Turn, at: int) -> Own:
    say, seconds = turn.say.say, max(0, turn.say.now - at)
    if seconds < MINUTE:
        return say("nodes.seconds-ago", count=seconds)
    if seconds < HOUR:
        return say("age.minutes-ago", count=seconds // MINUTE)
    if seconds < DAY:
        return say("nodes.hours-ago", count=seconds // HOUR)
    return say("nodes.days-ago", count=seconds // DAY)
