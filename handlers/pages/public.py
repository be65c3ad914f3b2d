"""What the public pages have in common: two languages, caches, and one way to say that something is not here."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from functools import wraps

from flask import Response, request
from werkzeug.http import HTTP_STATUS_CODES

from handlers.citizen.voice import Voice, voice_for
from handlers.services import Known
from ledger.errors import Unavailable

FRESH = "public, max-age=10"  # cosignatures are renewed with each round, and findings are raised by one
NEVER = "no-store"
BUSY_SECONDS = 1
TEXT = "text/plain; charset=utf-8"
JSON = "application/json"
PROBLEM = "application/problem+json"  # RFC 9457
LANGUAGES = ("zh", "en")
OTHER = {"zh": "en", "en": "zh"}

View = Callable[..., Response]


def guarded(view: View, services: Known) -> View:
    """The same view; when the database answers nothing now, whoever asks is told to come back."""

    @wraps(view, assigned=())
    def guard(**path: str) -> Response:
        try:
            return view(**path)
        except Unavailable:
            headers = {"Retry-After": str(BUSY_SECONDS), "Cache-Control": NEVER}
            if request.path.endswith(".json") or not wants_a_page():
                return problem("the database answers nothing now", {}, headers, status=503)
            return answer(voice_for(asked_language(), services).say("receipt.busy"), TEXT, 503, headers)

    return guard


def public_voice(services: Known) -> Voice:
    """Every day with its year: such a page may be printed, and read in another one."""
    return replace(voice_for(asked_language(), services), today=date.min)


def asked_language() -> str:
    """The language that the address asks for; Chinese when it asks for none that we speak."""
    wanted = request.args.get("lang", "")
    return wanted if wanted in LANGUAGES else LANGUAGES[0]


def wants_a_page() -> bool:
    """Whether a browser asks: it names HTML, where a program takes anything or wants JSON."""
    accepted = request.accept_mimetypes
    return "text/html" in accepted.values() and accepted["text/html"] >= accepted["application/json"]


def not_kept() -> dict[str, str]:
    """The headers of what is not here (yet): nobody keeps that."""
    return {"Cache-Control": NEVER, "Vary": "Accept"}


def problem(
    detail: str, more: Mapping[str, object], headers: Mapping[str, str] | None = None, *, status: int = 404
) -> Response:
    """A refusal for programs (RFC 9457)."""
    said = {"type": "about:blank", "title": HTTP_STATUS_CODES[status], "status": status, "detail": detail, **more}
    return answer(json.dumps(said, ensure_ascii=False), PROBLEM, status, headers or not_kept())


def answer(body: str | bytes, kind: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A response of this kind."""
    response = Response(body, status, headers)
    response.content_type = f"{kind}; charset=utf-8" if kind == "text/html" else kind
    return response


def fresh(response: Response) -> Response:
    """With a name for these very bytes: whoever has them already is told so, and gets none."""
    response.headers["Cache-Control"] = FRESH
    response.add_etag()
    response.make_conditional(request)
    return response
