"""绑定 and 解绑: a chat account is tied to a person by a code from the counter, and untied by one word.

The code comes by scanning the counter's QR code, or is typed.
"""

from bot.replies import Reply
from bot.routing import Request
from bot.understanding import find_number
from handlers.citizen.access import DAY_SECONDS
from handlers.citizen.voice import Voice, voice, voice_for
from handlers.dialogue import answer, forget, lines, tail
from handlers.locale import Own
from handlers.services import Services
from ledger.desk import Bound
from ledger.errors import Refused
from ledger.records import numbers

# Why a code is not taken, in the desk's words and in ours.
_REFUSED = {"wait-an-hour": "bind.wait"}


def bind(request: Request, services: Services) -> Reply:
    """绑定 with the code that was read out at the counter."""
    say = voice(request, services)
    if not request.argument:
        return answer(request, say.say("bind.how"))
    if numbers.holds(find_number(request.argument).partition(" ")[0]):
        # What stands on the slip opens one case and binds nobody: name and number are known to half the village.
        return answer(request, lines(say.say("bind.is-slip"), say.say("bind.how")))
    return _bind(request, services, request.argument, wrong="bind.wrong")


def scanned(request: Request, services: Services, code: str) -> Reply:
    """The counter's QR code was scanned."""
    return _bind(request, services, code, wrong="bind.scan-wrong")


def _bind(request: Request, services: Services, code: str, *, wrong: str) -> Reply:
    """Tie this account to whom the code was given for, and tell the account that this person had before."""
    say = voice(request, services)
    if not request.sealed:
        return answer(request, say.say("not-sealed"))
    try:
        bound = services.node.desk.bind(request.sender, code)
    except Refused as error:
        return answer(request, say.say(_REFUSED.get(error.reason, wrong)))
    _tell(bound, request, services)
    if bound.officer is not None:
        return answer(request, say.say("bind.officer", name=_officer_name(request, services)))
    return _bound(request, say, bound, services)


def _bound(request: Request, say: Voice, bound: Bound, services: Services) -> Reply:
    """What the person can do now, and from when on they may speak about money."""
    with services.node.reading() as facts:
        found = (one.since for one in facts.citizens_of(request.sender) if one.citizen == bound.citizen)
        since = next(found, say.now)
    at = since + DAY_SECONDS
    told = say.say("bind.already") if at <= say.now else say.say("bind.done", since=say.moment(at))
    onward = [say.choice("label.my-cases", "进度"), say.choice("label.my-payments", "补贴")]
    return answer(request, lines(told, tail(say.say, onward)), onward)


def _officer_name(request: Request, services: Services) -> str:
    with services.node.reading() as facts:
        officer = facts.officer_of(request.sender)
    return (officer.name or "") if officer is not None else ""


def _tell(bound: Bound, request: Request, services: Services) -> None:
    """Whoever had this person's binding before learns of the new one: it may not have been theirs."""
    for openid in bound.told:
        say = voice_for(services.outbox.language_of(openid), services)
        services.outbox.put(f"bound:{request.delivery_key}:{openid}", openid, _told(say), "")


def _told(say: Voice) -> Own:
    contact = say.services.contact
    return say.say(
        "bind.told",
        day=say.date(say.today),
        time=say.clock(say.now),
        window=contact.window or say.say("window"),
        phone=contact.phone,
    )


def unbind(request: Request, services: Services) -> Reply:
    """Untie this account from everybody."""
    say = voice(request, services)
    gone = services.node.desk.unbind(request.sender)
    forget(request.session)
    return answer(request, say.say("unbind.done" if gone.citizens or gone.officer else "unbind.none"))
