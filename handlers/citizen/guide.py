"""What stands around a question: slip, binding, another card, applying, taking back. Words only; nothing is done."""

from collections.abc import Iterable

from bot.replies import Reply
from bot.routing import Request
from handlers.citizen.named import named_matters
from handlers.citizen.voice import Voice, voice
from handlers.dialogue import Choice, answer, lines, numbered
from handlers.locale import Own
from handlers.matters import Matter
from handlers.services import Services

CITIZEN = "citizen"  # the source of a paper that people bring themselves


def binding(request: Request, services: Services) -> Reply:
    """How an account is tied to a person, and untied."""
    say = voice(request, services)
    return _with(request, say, say.say("guide.bind"), [say.choice("menu.human", "人工")])


def slip(request: Request, services: Services) -> Reply:
    """Where number and query code stand, and what to do without them."""
    say = voice(request, services)
    onward = [say.choice("guide.mine", "我的办件"), say.choice("menu.human", "人工")]
    return _with(request, say, say.say("guide.slip"), onward)


def account(request: Request, services: Services) -> Reply:
    """Another card is registered at the counter, never in the chat."""
    say = voice(request, services)
    onward = [say.choice("menu.payment", "补贴"), say.choice("menu.human", "人工")]
    return _with(request, say, say.say("guide.account", place=say.place(_first(services))), onward)


def withdrawing(request: Request, services: Services) -> Reply:
    """What taking back means. Only the command itself begins it."""
    say = voice(request, services)
    onward = [say.choice("guide.withdraw.begin", "撤回申请"), say.choice("withdraw.no", "取消")]
    return _with(request, say, say.say("guide.withdraw"), onward)


def applying(request: Request, services: Services) -> Reply:
    """Where people apply, and with which papers: those that other departments have are never asked for."""
    say = voice(request, services)
    ours = _ours(services)
    named = [services.matters[code] for code in named_matters(request.text, services)]
    if len(named) == 1 or (not named and len(ours) == 1):
        return _papers_of(request, say, (named or ours)[0])
    choices = [_choice(say, one) for one in named or ours]
    return _with(request, say, say.say("guide.apply"), [*choices, say.choice("menu.human", "人工")])


def elsewhere(request: Request, services: Services) -> Reply:
    """A matter that no department here offers: who knows whose it is, and what can be applied for here."""
    say, ours = voice(request, services), _ours(services)
    theirs = [one for one in services.matters.values() if one not in ours]
    body = lines(
        say.say("guide.elsewhere"),
        say.say("guide.elsewhere.theirs", matters=_listed(say, [_whose(say, one) for one in theirs]))
        if theirs
        else None,
        say.say("guide.elsewhere.ours", department=say.name(services.node.name)) if ours else None,
    )
    return _with(request, say, body, [*(_choice(say, one) for one in ours), say.choice("menu.human", "人工")])


def _ours(services: Services) -> list[Matter]:
    return [one for one in services.matters.values() if one.department == services.node.name]


def _choice(say: Voice, matter: Matter) -> Choice:
    return Choice(say.matter(matter.code), f"怎么申请{matter.name}")


def _whose(say: Voice, matter: Matter) -> Own:
    return say.say("guide.elsewhere.whose", matter=say.matter(matter.code), department=say.name(matter.department))


def _papers_of(request: Request, say: Voice, matter: Matter) -> Reply:
    bring = [paper.name for paper in matter.papers if paper.source == CITIZEN]
    fetched = [paper.name for paper in matter.papers if paper.source != CITIZEN]
    is_ours = matter.department == say.services.node.name
    body = lines(
        None if is_ours else say.say("guide.apply.theirs", department=say.name(matter.department)),
        say.say("guide.apply.where", matter=say.matter(matter.code), place=say.place(matter)),
        say.say("guide.apply.bring", papers=_listed(say, map(say.name, bring))) if bring else None,
        say.say("guide.apply.fetched", papers=_listed(say, map(say.name, fetched))) if fetched else None,
    )
    return _with(request, say, body, [say.choice("menu.human", "人工")])


def _listed(say: Voice, names: Iterable[Own]) -> Own:
    return Own(say.say("and").join(names))


def _first(services: Services) -> Matter | None:
    return next((one for one in services.matters.values() if one.department == services.node.name), None)


def _with(request: Request, say: Voice, body: Own, onward: list[Choice]) -> Reply:
    return answer(request, say.say("guide", body=body, choices=numbered(onward)), onward)
