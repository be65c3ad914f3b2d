"""#同意加入 and #同意退出: an administrator's word on who belongs to the network, and what waits for it."""

from collections import Counter
from collections.abc import Sequence

from bot.replies import Reply
from handlers.dialogue import Choice, answer, lines
from handlers.locale import Own
from handlers.staff.acts import propose, you
from handlers.staff.commands import WORDS, says
from handlers.staff.door import Turn
from handlers.staff.drafts import Draft
from handlers.staff.refusals import Impossible
from ledger.epochs import agreement, read_view
from ledger.facts import Facts
from ledger.peers.introduced import why_not_followed
from ledger.peers.members import Waiting, find_changes, read_waiting
from ledger.records.epochs import AGREED, JOINED, LEFT
from ledger.records.kinds import BY_NAME
from ledger.storage.engine import reading

ADMIN = BY_NAME[AGREED].signers[0]
LISTED_MAX = 5  # with who has agreed, and a link, as many as a chat answer has room for

_COMMANDS = {JOINED: "agree-join", LEFT: "agree-leave"}


def agree_join(turn: Turn) -> Reply:
    """Read back that a department joins, with the words to compare; without a name: list what waits."""
    return _agree(turn, JOINED)


def agree_leave(turn: Turn) -> Reply:
    """Read back that a department leaves."""
    return _agree(turn, LEFT)


def _agree(turn: Turn, change: str) -> Reply:
    name = turn.request.argument.strip()
    if not name:
        return _listed(turn)

    def build(_facts: Facts) -> Draft:
        with reading(turn.services.node.engine) as connection:
            some, view = find_changes(connection, change, name), read_view(connection)
        if not some:
            raise Impossible(f"refused.{_COMMANDS[change]}-unknown", name=name, waiting=_waiting(turn))
        if len(some) > 1:
            raise _several(turn, some)
        [found] = some
        if change == JOINED and found.words is None and found.member != view.own:
            slug = "refused.introduced-unlike" if found.by else "refused.not-compared"
            raise Impossible(slug, name=turn.say.name(found.department), departments=turn.say.departments(found.by))
        obstacle = None if found.url is None else why_not_followed(turn.services.node, found.member)
        if obstacle is not None:
            raise Impossible("refused.cannot-follow", name=turn.say.name(found.department), why=obstacle)
        said = agreement(view, change, found.department, found.member)
        return Draft(_COMMANDS[change], said, _line(turn, found), you(turn, AGREED), done=_done(turn, found))

    return propose(turn, _COMMANDS[change], AGREED, build)


def _several(turn: Turn, some: Sequence[Waiting]) -> Impossible:
    """A name that fits several: which is meant, an administrator says by its log's name."""
    name, origins = turn.say.name(some[0].department), sorted({one.member.origin for one in some})
    if len(origins) == 1:
        by = tuple(sorted({department for one in some for department in one.by}))
        return Impossible("refused.introduced-unlike", name=name, departments=turn.say.departments(by))
    listed = "、".join(origins[:LISTED_MAX])
    return Impossible("refused.several-joining", name=name, count=len(origins), origins=listed, example=origins[0])


def _line(turn: Turn, found: Waiting) -> Own:
    say = turn.say
    words = say.say("epochs.words", words=found.words) if found.words else Own()
    if found.words and found.url is not None:
        by = say.departments(found.by)
        words = say.say("epochs.introduced", departments=by, url=found.url, words=found.words)
    return _said(turn, found, words, found.agreed)


def _done(turn: Turn, found: Waiting) -> Own:
    """What was signed: nobody need telephone any more, and one more has agreed."""
    own = turn.services.node.name
    return _said(turn, found, Own("\n"), found.agreed if own in found.agreed else (*found.agreed, own))


def _said(turn: Turn, found: Waiting, words: Own, agreed: tuple[str, ...]) -> Own:
    say = turn.say
    return say.say(
        f"line.{_COMMANDS[found.change]}",
        name=say.name(found.department),
        origin=found.member.origin,
        words=words,
        so_far=_so_far(turn, agreed, found.needed),
    )


def _so_far(turn: Turn, agreed: tuple[str, ...], needed: int) -> Own:
    say = turn.say
    if not agreed:
        return say.say("epochs.first", needed=needed)
    return say.say("epochs.so-far", departments=say.departments(agreed), needed=needed)


def _listed(turn: Turn) -> Reply:
    say = turn.say.say
    with reading(turn.services.node.engine) as connection:
        waiting, view = read_waiting(connection), read_view(connection)
    if view.epoch is None:
        head = say("epochs.no-network")
    else:
        members = say("epochs.members", number=view.epoch.number, count=len(view.epoch.members))
        head = lines(members, say("epochs.head" if waiting else "epochs.nothing"))
    same = Counter(one.department for one in waiting if one.change == JOINED)
    choices = [_choice(turn, one, with_origin=same[one.department] > 1) for one in waiting[:LISTED_MAX]]
    told = [
        Own(f"{at} {_entry(turn, one)}" + (f" {choice.link}" if choice else ""))
        for at, (one, choice) in enumerate(zip(waiting, choices, strict=False), 1)
    ]
    more = say("epochs.more", count=len(waiting) - LISTED_MAX) if len(waiting) > LISTED_MAX else None
    reply = answer(turn.request, lines(head, *told, more))
    turn.request.session.choices = {str(at): choice.says for at, choice in enumerate(choices, 1) if choice}
    return reply


def _choice(turn: Turn, one: Waiting, *, with_origin: bool) -> Choice | None:
    """What an administrator of ours can tap; nothing when it is not ours to say, or the words were not compared."""
    if not one.is_ours or ADMIN not in turn.officer.roles or (one.change == JOINED and one.words is None):
        return None
    command = _COMMANDS[one.change]
    return Choice(turn.say.say(f"do.{command}"), says(command, one.member.origin if with_origin else one.department))


def _entry(turn: Turn, one: Waiting) -> Own:
    say = turn.say.say
    own = say("epochs.again" if one.is_ours else "epochs.by-us") if one.by_us else Own()
    if one.change == JOINED and one.words is None and one.member.origin != turn.origin:
        own = say("epochs.introduced-unlike" if one.by else "epochs.not-compared")
    elif one.url is not None and not one.by_us:
        own = say("epochs.introduced-by", departments=turn.say.departments(one.by))
    return say(
        f"epochs.entry.{one.change}",
        name=turn.say.name(one.department),
        so_far=_so_far(turn, one.agreed, one.needed),
        own=own,
    )


def _waiting(turn: Turn) -> Own:
    """The names of what waits, to say instead of one that does not."""
    with reading(turn.services.node.engine) as connection:
        names = tuple(one.department for one in read_waiting(connection) if one.change == JOINED)
    say = turn.say
    if not names:
        return say.say("epochs.nothing")
    more = say.say("epochs.more", count=len(names) - LISTED_MAX) if len(names) > LISTED_MAX else None
    return lines(say.say("epochs.waiting", departments=say.departments(names[:LISTED_MAX])), more)


def notice(turn: Turn) -> Own | None:
    """For an administrator's 待办: how many changes wait for our word."""
    if ADMIN not in turn.officer.roles:
        return None
    with reading(turn.services.node.engine) as connection:
        count = sum(one.is_ours for one in read_waiting(connection))
    link = Choice(turn.say.say("do.agree-list"), WORDS["agree-join"]).link
    return turn.say.say("inbox.epochs", count=count, link=link) if count else None
