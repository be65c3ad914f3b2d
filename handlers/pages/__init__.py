"""What does not fit into a chat: pages for people, one file a page.

They load nothing from anywhere else, keep nothing in the browser, and show nothing private under a public address.
"""

from collections.abc import Callable

from flask import Blueprint, Response

from handlers.locale import words_in
from handlers.pages import doctor, finding, intake, network, receipt
from handlers.pages.public import asked_language
from handlers.services import Known, Services
from ledger.records.claims import is_test

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}

PUBLIC: tuple[Callable[[Blueprint, Known], None], ...] = (receipt.add, finding.add, network.add)
BY_LINK: tuple[Callable[[Blueprint, Services], None], ...] = (intake.add, doctor.add)  # that the chat gives


def create_blueprint(services: Services) -> Blueprint:
    """All pages of a node with a chat."""
    blueprint = create_public(services)
    for add in BY_LINK:
        add(blueprint, services)
    return blueprint


def create_public(services: Known) -> Blueprint:
    """The pages for everybody, which every node has."""
    blueprint = Blueprint("pages", __name__, template_folder="templates", static_folder="static", static_url_path="/s")
    blueprint.after_request(_harden)
    blueprint.context_processor(lambda: {"test_mark": _test_mark(services)})
    for add in PUBLIC:
        add(blueprint, services)
    return blueprint


def _test_mark(services: Known) -> str:
    """What stands above every page of a node of invented people; nothing for real ones."""
    return words_in(asked_language())("test.mark") if is_test(services.node.origin) else ""


def _harden(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response
