"""The door that WeChat knocks at: one path, one check, one answer."""

import logging
import traceback
from http import HTTPStatus
from typing import TypeVar

from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException

from bot.bot import Bot
from bot.crypto import BODY_BYTES_MAX, Signed, check_fresh, check_signature, is_sealed, open_delivery, seal_reply
from bot.errors import (
    AnswerNotStored,
    BadSignature,
    DeliveryRefused,
    ForeignAppId,
    MalformedDelivery,
    OversizedDelivery,
    PlainRefused,
    StaleDelivery,
)
from bot.messages import Message
from bot.parsing import parse_delivery, print_reply

S = TypeVar("S")

ECHO_CHARACTERS_MAX = 128

STATUSES: dict[type[DeliveryRefused], HTTPStatus] = {
    BadSignature: HTTPStatus.FORBIDDEN,
    StaleDelivery: HTTPStatus.FORBIDDEN,
    ForeignAppId: HTTPStatus.FORBIDDEN,
    PlainRefused: HTTPStatus.FORBIDDEN,
    MalformedDelivery: HTTPStatus.BAD_REQUEST,
    OversizedDelivery: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
}

log = logging.getLogger(__name__)


def create_blueprint(bot: Bot[S]) -> Blueprint:
    """`GET /wechat` for WeChat's URL check, `POST /wechat` for its deliveries."""
    blueprint = Blueprint("wechat", __name__)

    @blueprint.get("/wechat")
    def check_url() -> Response:
        signed = Signed(_parameter("signature"), _parameter("timestamp"), _parameter("nonce"))
        check_signature(bot.account.token, signed)
        check_fresh(signed, bot.now())
        return Response(_parameter("echostr")[:ECHO_CHARACTERS_MAX], mimetype="text/plain")

    @blueprint.post("/wechat")
    def receive() -> Response:
        body = _body()
        return _answer_sealed(bot, body) if is_sealed(body) else _answer_plain(bot, body)

    blueprint.register_error_handler(DeliveryRefused, _refuse)
    blueprint.register_error_handler(AnswerNotStored, _ask_for_repeat)
    blueprint.register_error_handler(Exception, _fail)
    return blueprint


def _parameter(name: str) -> str:
    return request.args.get(name, "")


def _body() -> bytes:
    """The body, or `OversizedDelivery` before more than one byte too many has been read."""
    body = request.stream.read(BODY_BYTES_MAX + 1)
    if len(body) > BODY_BYTES_MAX:
        raise OversizedDelivery(f"more than {BODY_BYTES_MAX} bytes")
    return body


def _answer_sealed(bot: Bot[S], body: bytes) -> Response:
    signed = Signed(_parameter("msg_signature"), _parameter("timestamp"), _parameter("nonce"))
    now = bot.now()
    message = parse_delivery(open_delivery(bot.account, signed, body, now), now)
    xml = _xml(bot, message, sealed=True)
    return _respond(seal_reply(bot.account, xml, bot.now()) if xml else b"")


def _answer_plain(bot: Bot[S], body: bytes) -> Response:
    """Plain mode, for a trial at one's own risk: the body is signed by nobody, so nothing in it may act."""
    if not bot.config.allow_plain or _parameter("encrypt_type") not in {"", "raw"}:
        raise PlainRefused("no sealed part")
    signed = Signed(_parameter("signature"), _parameter("timestamp"), _parameter("nonce"))
    check_signature(bot.account.token, signed)
    now = bot.now()
    check_fresh(signed, now)
    return _respond(_xml(bot, parse_delivery(body, now), sealed=False))


def _xml(bot: Bot[S], message: Message, *, sealed: bool) -> bytes:
    reply = bot.answer(message, sealed=sealed)
    log.debug("delivery answered: %s with %s", type(message).__name__, type(reply).__name__)
    return print_reply(reply, message, bot.now())


def _respond(xml: bytes) -> Response:
    if xml:
        return Response(xml, mimetype="application/xml")
    return Response(b"success", mimetype="text/plain")  # nothing to show, nothing to repeat


def _refuse(error: Exception) -> Response:
    reason = error.reason if isinstance(error, DeliveryRefused) else "refused"
    status = next((status for kind, status in STATUSES.items() if isinstance(error, kind)), HTTPStatus.BAD_REQUEST)
    log.warning("delivery refused: %s (%s)", error, status.value)
    return Response(f"{reason}\n", status, mimetype="text/plain")


def _ask_for_repeat(error: Exception) -> Response:
    """No answer, and a status that makes WeChat deliver again."""
    log.error("answer not stored: %s", error)
    return Response(b"", HTTPStatus.SERVICE_UNAVAILABLE, mimetype="text/plain")


def _fail(error: Exception) -> Response | HTTPException:
    """A bug: where it is, without a word of what was said."""
    if isinstance(error, HTTPException):
        return error
    log.error("delivery failed with %s\n%s", type(error).__name__, "".join(traceback.format_tb(error.__traceback__)))
    return Response(b"", HTTPStatus.INTERNAL_SERVER_ERROR, mimetype="text/plain")
