"""Kind answers to what holds no words: voices, pictures, places, pages, files. None of it is fetched or kept."""

from bot.messages import UnknownKind
from bot.replies import Reply
from bot.routing import Request
from handlers.citizen.help import with_choices
from handlers.citizen.people import contact
from handlers.citizen.voice import voice
from handlers.dialogue import answer
from handlers.services import Services


def voice_unheard(request: Request, services: Services) -> Reply:
    """A voice message that WeChat wrote no words for."""
    say = voice(request, services)
    labels = ("voice.progress", "voice.payment", "menu.human")
    onward = [say.choice(label, word) for label, word in zip(labels, ("进度", "补贴", "人工"), strict=True)]
    progress, payment, person = (one.link for one in onward)
    return answer(request, say.say("voice.empty", progress=progress, payment=payment, human=person), onward)


def image(request: Request, services: Services) -> Reply:
    """A picture: often of a slip, or of a paper that is missing."""
    return with_choices("image", request, services, place=voice(request, services).place(None))


def video(request: Request, services: Services) -> Reply:
    """A video, long or short."""
    return with_choices("video", request, services)


def sticker(request: Request, services: Services) -> Reply:
    """An emoji by itself."""
    return with_choices("sticker", request, services)


def link(request: Request, services: Services) -> Reply:
    """A forwarded page."""
    return with_choices("link", request, services)


def location(request: Request, services: Services) -> Reply:
    """A place sent on purpose."""
    say = voice(request, services)
    return answer(request, say.say("location", human=contact(say)))


def is_sent(request: Request, _services: Services) -> bool:
    """Guard: something that a person sent, of a kind that we do not know; no event."""
    message = request.message
    return isinstance(message, UnknownKind) and not message.kind.startswith("event/")


def unknown(request: Request, services: Services) -> Reply:
    """A file, or whatever WeChat lets people send next."""
    message = request.message
    if isinstance(message, UnknownKind) and message.kind.startswith("file/"):
        return with_choices("file", request, services, place=voice(request, services).place(None))
    return with_choices("unsupported", request, services)


def unsupported(request: Request, services: Services) -> Reply:
    """WeChat's own words in place of a message that it does not pass on."""
    return with_choices("unsupported", request, services)
