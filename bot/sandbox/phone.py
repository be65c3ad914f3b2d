"""What a telephone asks the sandbox: the chat lines and the sending of `contract.md`, and what its screen needs."""

import json
from typing import Any

from flask import Blueprint, Response, jsonify, request

from bot.sandbox.acts import Wrote, check_openid, parse_posted
from bot.sandbox.authenticator import Authenticator
from bot.sandbox.delivery import Courier
from bot.sandbox.errors import PostRefused
from bot.sandbox.quotas import BEIJING
from bot.sandbox.world import Line, World


def create_phone(world: World, courier: Courier, authenticator: Authenticator) -> Blueprint:
    """`/api/messages` for every client, `/api/chat` for the page."""
    blueprint = Blueprint("phone", __name__, url_prefix="/api")

    @blueprint.get("/messages")
    def read_messages() -> Response:
        return jsonify(_lines(world, *_which()))

    @blueprint.post("/messages")
    def post_message() -> Response:
        posted = parse_posted(json_body())
        sent = world.send(posted)
        if isinstance(posted.act, Wrote):
            authenticator.note(posted.openid, posted.act.text, world.clock())
        if sent.wake:
            courier.wake(posted.openid, posted.node)
        return jsonify({"id": sent.id})

    @blueprint.get("/chat")
    def read_chat() -> Response:
        openid, node = _which()
        account = world.account(node)
        return jsonify(
            lines=_lines(world, openid, node),
            following=world.is_following(openid, node),
            answering=world.is_answering(openid, node),
            menu=world.states[account.app_id].menu or [],
            template_id=account.template_id,
            totp=authenticator.shown(openid, world.clock()),
        )

    return blueprint


def _which() -> tuple[str, str]:
    openid, node = request.args.get("openid", ""), request.args.get("node", "")
    check_openid(openid)
    return openid, node


def _lines(world: World, openid: str, node: str) -> list[dict[str, Any]]:
    after = request.args.get("after", "0") or "0"
    if not (after.isascii() and after.isdigit() and len(after) <= 18):
        raise PostRefused("'after' must be the id of a message, a whole number")
    return [as_json(line) for line in world.lines(openid, node, int(after))]


def as_json(line: Line) -> dict[str, Any]:
    """A line of a chat in the form of `contract.md`."""
    time = line.time.astimezone(BEIJING).isoformat(timespec="milliseconds")
    return {"id": line.id, "from": line.sender, "text": line.text, "time": time, "kind": line.kind.value}


def json_body() -> object:
    """The body of this request; raises PostRefused when it is no JSON."""
    try:
        return json.loads(request.get_data(cache=False))
    except (ValueError, RecursionError) as error:
        raise PostRefused("the body is not JSON in UTF-8") from error
