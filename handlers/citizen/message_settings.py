"""消息设置: how this person is told of news, and how they turn it off, on, or subscribe to it.

Nothing is promised that WeChat may refuse: a message within 48 hours of their own, else a subscription that they tapped
for, else above their next answer, and meanwhile on the list of whom the office telephones.
"""

from bot.messages import SubscribePopup
from bot.replies import SILENCE, Reply, link
from bot.routing import Request
from handlers.citizen.voice import Voice, voice
from handlers.dialogue import Choice, answer, lines, numbered
from handlers.locale import Own
from handlers.services import Services

ON, OFF, SUBSCRIBE = "打开消息", "关闭消息", "订阅通知"


def show(request: Request, services: Services) -> Reply:
    """How it is now, and what can be changed."""
    say = voice(request, services)
    return _shown(None, say, request, services)


def turn_off(request: Request, services: Services) -> Reply:
    """From now on nothing is sent unasked."""
    request.session.quiet = True
    say = voice(request, services)
    return _shown(say.say("messages.turned-off"), say, request, services)


def turn_on(request: Request, services: Services) -> Reply:
    """From now on news is sent again."""
    request.session.quiet = False
    say = voice(request, services)
    return _shown(say.say("messages.turned-on"), say, request, services)


def _shown(first: Own | None, say: Voice, request: Request, services: Services) -> Reply:
    with services.node.reading() as facts:
        bound = bool(facts.citizens_of(request.sender))
    unbound = None if bound else say.say("messages.unbound", how=say.say("bind.how"))
    choices = _choices(say, request, services)
    if request.session.quiet:
        body = say.say("messages.off")
    else:
        body = lines(say.say("messages.on"), _beyond(say, request, services), say.say("messages.last"))
    return answer(request, lines(first, unbound, body, numbered(choices)), choices)


def _beyond(say: Voice, request: Request, services: Services) -> Own:
    """What happens when the 48 hours are over."""
    if not can_subscribe(services):
        return say.say("messages.no-subscription")
    subscribed = services.outbox.is_subscribed(request.sender)
    return say.say("messages.subscribed" if subscribed else "messages.not-subscribed")


def _choices(say: Voice, request: Request, services: Services) -> list[Choice]:
    quiet = request.session.quiet
    turn = say.choice("messages.turn-on", ON) if quiet else say.choice("messages.turn-off", OFF)
    more = [say.choice("messages.subscribe", SUBSCRIBE)] if can_subscribe(services) and not quiet else []
    return [turn, *more, say.choice("menu.human", "人工")]


def can_subscribe(services: Services) -> bool:
    """Whether this account has a subscription notice, and a place where people tap for it."""
    return bool(services.subscribe_url) and services.outbox.has_subscription


def offer(request: Request, services: Services) -> bool:
    """Whether to ask a person, whose money is on its way, if they want to hear of it."""
    quiet = request.session.quiet
    return not quiet and can_subscribe(services) and not services.outbox.is_subscribed(request.sender)


def subscribe(request: Request, services: Services) -> Reply:
    """Where to tap: WeChat takes nobody's word for it, ours neither."""
    say = voice(request, services)
    if not can_subscribe(services):
        return answer(request, say.say("messages.no-subscription"))
    request.session.quiet = False
    there = Own(link(say.say("messages.tap"), services.subscribe_url))
    onward = [say.choice("menu.payment", "补贴"), say.choice("menu.human", "人工")]
    return answer(request, say.say("messages.how-to-tap", link=there, choices=numbered(onward)), onward)


def tapped(request: Request, services: Services) -> Reply:
    """The person answered WeChat's own question."""
    message, say = request.message, voice(request, services)
    assert isinstance(message, SubscribePopup)  # as the table says
    ours = [one.accepted for one in message.choices if services.outbox.is_ours(one.template_id)]
    if not ours:
        return SILENCE
    return answer(request, say.say("messages.tapped" if ours[-1] else "messages.not-tapped"))
