"""A number by itself, as it stands on the slip: it opens what it is the number of."""

from bot.replies import Reply
from bot.routing import Request
from handlers.citizen import cases, payments
from handlers.citizen.access import Seen, look
from handlers.services import Services


def opened(request: Request, services: Services) -> Reply:
    """A case is shown as 进度 shows it, an award or payment as 补贴 does."""
    return _open(request.argument, request, services)


def last_four(request: Request, services: Services) -> Reply:
    """The end of one of one's own numbers; anything else gets what a stranger gets."""
    return _open(request.text.strip(), request, services)


def _open(typed: str, request: Request, services: Services) -> Reply:
    with services.node.reading() as facts:
        found = look(typed, request, services, facts)
        if isinstance(found, Seen) and found.topic in {"award", "payment"}:
            return payments.show(found, request, services, facts)
        return cases.show(found, request, services, facts)
