"""One visit to a one-time page: with which link, sent from where, in which language.

Whatever cannot be opened, used, ended, revoked or guessed, gets one page that says how to get a new link.
"""

import re
from dataclasses import dataclass, field, replace
from typing import Self
from urllib.parse import urlsplit

from flask import Response, make_response, render_template, request
from werkzeug.datastructures import MultiDict

from handlers.citizen.voice import Voice, voice_for
from handlers.locale import DEFAULT, TEXTS
from handlers.services import Services
from ledger.desk import Ticket

FORM_BYTES_MAX = 256 * 1024  # ten thousand characters in a field are told to be too many, not cut off
FORM_PARTS_MAX = 100

_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,64}")


class Gone(Exception):
    """This link opens nothing, or nothing any more."""


class ForeignForm(Exception):
    """The form was sent from a page that is not ours."""


@dataclass(frozen=True, slots=True)
class Visit:
    """What the answer to one request is made from."""

    services: Services
    token: str = field(repr=False)
    ticket: Ticket
    say: Voice
    typed: MultiDict[str, str] = field(repr=False)

    @property
    def path(self) -> str:
        """Where this page is."""
        return f"/intake/{self.token}"

    def value(self, name: str) -> str:
        """What was typed into a field."""
        return self.typed.get(name, "")

    def switched(self) -> Self:
        """The same in the language that was asked for."""
        return replace(self, say=_voice(self.services, self.value("switch")))

    def again(self) -> Self:
        """The same after its deed; raises Gone."""
        ticket = self.services.node.desk.ticket(self.token)
        if ticket is None:
            raise Gone
        return replace(self, ticket=ticket)

    def officers_account(self) -> str | None:
        """The chat that the link was given in."""
        with self.services.node.reading() as facts:
            return facts.account_of_officer(self.ticket.officer)

    def shown(self, template: str, *, status: int = 200, **values: object) -> Response:
        """A page of this visit."""
        values |= {"path": self.path, "value": self.value, "typed": self.typed}
        return page(self.say, template, status=status, **values)


def arrive(services: Services, token: str) -> Visit:
    """The visit of whoever holds this token; raises Gone."""
    ticket = services.node.desk.ticket(token) if _TOKEN.fullmatch(token) else None
    if ticket is None:
        raise Gone
    typed: MultiDict[str, str] = request.form if request.method == "POST" else MultiDict()
    return Visit(services, token, ticket, visitors_voice(services), typed)


def visitors_voice(services: Services) -> Voice:
    """The language that the address asks for."""
    return _voice(services, request.args.get("lang", ""))


def _voice(services: Services, language: str) -> Voice:
    return voice_for(language if language in TEXTS else DEFAULT, services)


def limit_form() -> None:
    """Bound what a form may hold, before it is read."""
    request.max_content_length = FORM_BYTES_MAX
    request.max_form_memory_size = FORM_BYTES_MAX
    request.max_form_parts = FORM_PARTS_MAX


def check_origin(services: Services) -> None:
    """Check that a form comes from a page of ours, as far as the browser says; raises ForeignForm.

    The token in the path cannot be guessed; this stands behind it, for a link that was seen.
    """
    sent_from = request.headers.get("Origin")
    if sent_from is None:
        if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
            raise ForeignForm
    elif urlsplit(sent_from).netloc not in {request.host, urlsplit(services.node.public_url).netloc}:
        raise ForeignForm


def page(say: Voice, template: str, *, status: int = 200, **values: object) -> Response:
    """A page in one language."""
    other = next(language for language in TEXTS if language != say.say.language)
    body = render_template(template, t=say.say, language=say.say.language, other_language=other, **values)
    return make_response(body, status)
