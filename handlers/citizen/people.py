"""Where a person finds a person: window, hours, telephone, as far as the department has set them, and 12345."""

from datetime import datetime

from bot.replies import Reply
from bot.routing import Request
from handlers.citizen.voice import Voice, voice
from handlers.dialogue import answer, drop, lines
from handlers.locale import Own
from handlers.locale.formats import CHINA
from handlers.opening import parse_hours
from handlers.services import Services


def human(request: Request, services: Services) -> Reply:
    """The people at the window."""
    return answer(request, contact(voice(request, services)))


def urgent(request: Request, services: Services) -> Reply:
    """Somebody cannot go on: no list, no question, only people."""
    say = voice(request, services)
    return answer(request, lines(say.say("human.urgent"), contact(say)))


def contact(say: Voice) -> Own:
    """Each thing that is set; of each that is not, that it is not."""
    here = say.services.contact
    return lines(
        _window(say),
        _hours(say, here.hours) if here.hours else say.say("human.no-hours"),
        say.say("human.phone", phone=here.phone) if here.phone else say.say("human.no-phone"),
        say.say("human.12345"),
        say.say("human.family"),
    )


def _window(say: Voice) -> Own:
    here = say.services.contact
    if here.window:
        return say.say("human.window", window=here.window)
    return say.say("human.no-window", area=say.area(), department=say.name(say.services.node.name))


def _hours(say: Voice, hours: str) -> Own:
    return say.say("human.hours", hours=hours, now=_now(say, hours) or "")


def _now(say: Voice, hours: str) -> Own | None:
    """Whether it is open now; nothing where the hours cannot be read."""
    known = parse_hours(hours)
    if known is None:
        return None
    moment = datetime.fromtimestamp(say.now, CHINA)
    if (until := known.closes_at(moment)) is not None:
        return say.say("human.open", until=Own(f"{until:%H:%M}"))
    opens = known.opens_next(moment)
    return None if opens is None else say.say("human.closed", day=say.date(opens.date()), time=Own(f"{opens:%H:%M}"))


def not_received(request: Request, services: Services) -> Reply:
    """没收到 is heard by a person, until it can become a record."""
    return _to_human("human.why.not-received", request, services)


def wrong_amount(request: Request, services: Services) -> Reply:
    """数目不对 is heard by a person, until it can become a record."""
    return _to_human("human.why.wrong-amount", request, services)


def _to_human(why: str, request: Request, services: Services) -> Reply:
    say = voice(request, services)
    drop(request.session)
    return answer(request, lines(say.say(why), contact(say)))
