"""/intake/<token>: the one-time pages of the counter, from the link in an officer's chat to the slip.

Looking changes nothing: links are opened by scanners too. A form that is sent twice does its deed once and shows the
same slip. Nothing that was typed stands in an address, a log line, or the ticket.
"""

import hmac
import logging
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from handlers.pages import account_form, case_form, slip
from handlers.pages.visits import (
    ForeignForm,
    Gone,
    Visit,
    arrive,
    check_origin,
    limit_form,
    page,
    visitors_voice,
)
from handlers.services import Services
from ledger.desk import Purpose
from ledger.errors import OfficerUnknown, Unavailable
from ledger.tickets import SHOWN_SECONDS

HEADERS = {
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex",
    # Says where the form comes from, and never the path, which holds the token.
    "Referrer-Policy": "strict-origin",
}

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Form:
    """What a ticket of one purpose shows."""

    show: Callable[[Visit], Response]
    submit: Callable[[Visit], Response]
    done: Callable[[Visit], Response]
    again: Callable[[Visit], Response]  # the same for a look: nothing is kept


FORMS = {
    Purpose.CASE: Form(case_form.show, case_form.submit, case_form.done, slip.shown_again),
    Purpose.ACCOUNT: Form(account_form.show, account_form.submit, account_form.done, account_form.done),
}
SENT_HERE = "sent-here"  # the cookie of the browser that sent the form, for this page alone

# What is raised, the status, and the page that says so.
_PAGES: tuple[tuple[type[Exception], int, str], ...] = (
    (Gone, 404, "counter/gone.html"),
    (OfficerUnknown, 404, "counter/gone.html"),  # revoked since the ticket was read
    (ForeignForm, 403, "counter/foreign.html"),
    (RequestEntityTooLarge, 413, "counter/too_long.html"),
    (Unavailable, 503, "counter/busy.html"),
)


def add(pages: Blueprint, services: Services) -> None:
    """Add the one-time pages of a node."""
    doors = behind_a_link("intake", services)
    doors.before_request(limit_form)
    doors.add_url_rule("/intake/<token>", "look", partial(_look, services), methods=["GET"])
    doors.add_url_rule("/intake/<token>", "send", partial(_send, services), methods=["POST"])
    doors.add_url_rule("/intake/<token>/slip", "slip", partial(_slip, services), methods=["GET"])
    doors.add_url_rule("/intake/<token>/slip.svg", "picture", partial(_picture, services), methods=["GET"])
    pages.register_blueprint(doors)


def behind_a_link(name: str, services: Services) -> Blueprint:
    """Doors that open by a link alone: what is no such link, or fails, is told by one page, and nobody keeps any."""
    doors = Blueprint(name, __name__)
    for kind, status, template in _PAGES:
        doors.register_error_handler(kind, partial(_told, services, status, template))
    doors.register_error_handler(Exception, partial(_failed, services))
    doors.after_request(_harden)
    return doors


def _look(services: Services, token: str) -> Response:
    """The form; after its deed what came of it, for a short time and in the browser that sent it.

    The link stays in a chat, and scanners open it: to anybody else it is a link that was used.
    """
    visit = arrive(services, token)
    form = _form(visit)
    if visit.ticket.became is None:
        return form.show(visit)
    if not hmac.compare_digest(request.cookies.get(SENT_HERE, "").encode(), _mark(visit)):
        raise Gone
    return form.again(visit)


def _send(services: Services, token: str) -> Response:
    check_origin(services)
    visit = arrive(services, token)
    form = _form(visit)
    if visit.ticket.became is not None:
        return _remembered(visit, form.done(visit))
    if "switch" in visit.typed:
        return form.show(visit.switched())
    response = form.submit(visit)
    after = services.node.desk.ticket(token)
    is_done = after is not None and after.became is not None
    return _remembered(visit, response) if is_done else response


def _form(visit: Visit) -> Form:
    """What its link is for; raises Gone for a link that only looks at something else."""
    form = FORMS.get(visit.ticket.purpose)
    if form is None:
        raise Gone
    return form


def _remembered(visit: Visit, response: Response) -> Response:
    """The same answer; its browser may open the link again."""
    mark, is_https = _mark(visit).decode(), visit.services.node.public_url.startswith("https:")
    response.set_cookie(SENT_HERE, mark, SHOWN_SECONDS, path=visit.path, secure=is_https, httponly=True, samesite="Lax")
    return response


def _mark(visit: Visit) -> bytes:
    """What only we can make of a token, and no holder of the link."""
    return hmac.new(visit.ticket.mac, SENT_HERE.encode(), "sha256").hexdigest().encode()


def _slip(services: Services, token: str) -> Response:
    """The slip once more, for whoever holds the link and for a short time."""
    return slip.shown_again(_used(services, token))


def _picture(services: Services, token: str) -> Response:
    """The slip as an image."""
    return slip.drawn(_used(services, token))


def _used(services: Services, token: str) -> Visit:
    visit = arrive(services, token)
    if visit.ticket.became is None or visit.ticket.purpose is not Purpose.CASE:
        raise Gone
    return visit


def _harden(response: Response) -> Response:
    response.headers.update(HEADERS)
    return response


def _told(services: Services, status: int, template: str, _error: Exception) -> Response:
    return page(visitors_voice(services), template, status=status)


def _failed(services: Services, error: Exception) -> Response | HTTPException:
    """A bug: logged without a word of what was typed, and without the path, which holds the token."""
    if isinstance(error, HTTPException):
        return error
    frames = "".join(traceback.format_tb(error.__traceback__))
    _log.error("a one-time page failed with %s\n%s", type(error).__name__, frames)
    return page(visitors_voice(services), "counter/failed.html", status=500)
