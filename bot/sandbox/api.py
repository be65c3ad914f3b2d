"""Tencent's API for accounts, as far as a node uses it: tokens, pushed messages, menu, QR codes, a follower's record.

Every answer is HTTP 200 with `errcode` and `errmsg`, in Tencent's own numbers, because that is what clients must read.
"""

import hmac
import json
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, abort, jsonify, request

from bot.sandbox.accounts import Account
from bot.sandbox.answers import TEXT_BYTES_MAX
from bot.sandbox.delivery import Courier
from bot.sandbox.errors import ApiRefused
from bot.sandbox.menus import check_menu
from bot.sandbox.notices import read_notice
from bot.sandbox.tokens import Token
from bot.sandbox.world import AccountState, World

DONE = {"errcode": 0, "errmsg": "ok"}


class Api:
    """One method a path; each returns the JSON object of its answer or raises `ApiRefused`."""

    def __init__(self, world: World, courier: Courier) -> None:
        self._world = world
        self._courier = courier

    def token(self) -> dict[str, Any]:
        """`GET token`: always a new one, and the one before dies."""
        state = self._credentials(request.args)
        state.quota.spend("token", self._world.clock())
        return self._granted(state.tokens.renew_plain(self._world.clock()))

    def stable_token(self) -> dict[str, Any]:
        """`POST stable_token`: the same token to everyone who asks while it lasts."""
        body = _body()
        state = self._credentials(body)
        state.quota.spend("stable_token", self._world.clock())
        force = body.get("force_refresh") is True
        return self._granted(state.tokens.renew_stable(self._world.clock(), force=force))

    def send_custom(self) -> dict[str, Any]:
        """`POST message/custom/send`: a customer-service message; the sandbox carries text."""
        account, _ = self._caller("custom/send")
        body = _body()
        if body.get("msgtype") != "text":
            raise ApiRefused(40008, "invalid message type: the sandbox carries text")
        text = body.get("text")
        content = text.get("content") if isinstance(text, dict) else None
        if not isinstance(content, str) or not content:
            raise ApiRefused(44004, "empty content")
        if len(content.encode(errors="replace")) > TEXT_BYTES_MAX:
            raise ApiRefused(45002, "content size out of limit")
        self._world.push_customer(account, _person(body), content)
        return DONE

    def send_subscription(self) -> dict[str, Any]:
        """`POST message/subscribe/bizsend`: one notice for each time the person agreed."""
        account, _ = self._caller("subscribe/bizsend")
        body = _body()
        template_id = body.get("template_id")
        if not isinstance(template_id, str) or template_id != (account.template_id or template_id):
            raise ApiRefused(40037, "invalid template_id")
        openid, text = _person(body), read_notice(body.get("data"))
        if self._world.push_subscription(account, openid, template_id, text).wake:
            self._courier.wake(openid, account.name)
        return DONE

    def create_menu(self) -> dict[str, Any]:
        """`POST menu/create`: takes the place of the menu before."""
        _, state = self._caller("menu/create")
        state.menu = check_menu(_body())
        return DONE

    def get_menu(self) -> dict[str, Any]:
        """`GET menu/get`."""
        _, state = self._caller("menu/get")
        if state.menu is None:
            raise ApiRefused(46003, "menu no exist")
        return {"menu": {"button": state.menu}}

    def delete_menu(self) -> dict[str, Any]:
        """`GET menu/delete`."""
        _, state = self._caller("menu/delete")
        state.menu = None
        return DONE

    def create_code(self) -> dict[str, Any]:
        """`POST qrcode/create`: a QR code with a scene."""
        account, _ = self._caller("qrcode/create")
        return self._world.codes.create(account.name, _body(), self._world.clock())

    def user_info(self) -> dict[str, Any]:
        """`GET user/info`: whether somebody follows, and since when."""
        account, _ = self._caller("user/info")
        openid = request.args.get("openid", "")
        try:
            chat = self._world.follower(account, openid)
        except ApiRefused as error:
            if error.errcode != 43004:
                raise
            return {"subscribe": 0, "openid": openid}
        since = int(chat.since.timestamp())
        return {"subscribe": 1, "openid": openid, "language": "zh_CN", "subscribe_time": since}

    def _credentials(self, given: Any) -> AccountState:
        """Who asks for a token, by AppID and AppSecret."""
        grant, app_id, secret = (str(given.get(name) or "") for name in ("grant_type", "appid", "secret"))
        if grant != "client_credential":
            raise ApiRefused(40002, "invalid grant_type")
        if not app_id:
            raise ApiRefused(41002, "appid missing")
        if not secret:
            raise ApiRefused(41004, "appsecret missing")
        account = next((each for each in self._world.config.accounts if each.app_id == app_id), None)
        if account is None:
            raise ApiRefused(40013, "invalid appid")
        if not hmac.compare_digest(account.app_secret.encode(), secret.encode(errors="replace")):
            raise ApiRefused(40125, "invalid appsecret")
        return self._world.states[app_id]

    def _granted(self, token: Token) -> dict[str, Any]:
        return {"access_token": token.value, "expires_in": token.seconds_left(self._world.clock())}

    def _caller(self, api: str) -> tuple[Account, AccountState]:
        """Whose access token it is; counts the call."""
        value = request.args.get("access_token", "")
        if not value:
            raise ApiRefused(41001, "access_token missing")
        now = self._world.clock()
        for account in self._world.config.accounts:
            state = self._world.states[account.app_id]
            if state.tokens.check(value, now):
                state.quota.spend(api, now)
                return account, state
        raise ApiRefused(40001, "invalid credential, access_token is invalid or not latest")


def create_api(world: World, courier: Courier) -> Blueprint:
    """The API under `/cgi-bin`."""
    api = Api(world, courier)
    blueprint = Blueprint("tencent", __name__, url_prefix="/cgi-bin")
    blueprint.register_error_handler(ApiRefused, lambda error: jsonify(errcode=error.errcode, errmsg=error.errmsg))
    for path, method, answer in (
        ("token", "GET", api.token),
        ("stable_token", "POST", api.stable_token),
        ("message/custom/send", "POST", api.send_custom),
        ("message/subscribe/bizsend", "POST", api.send_subscription),
        ("menu/create", "POST", api.create_menu),
        ("menu/get", "GET", api.get_menu),
        ("menu/delete", "GET", api.delete_menu),
        ("user/info", "GET", api.user_info),
        ("qrcode/create", "POST", api.create_code),
    ):
        blueprint.add_url_rule(
            f"/{path}", path.replace("/", "_"), _view(world, method, answer), methods=["GET", "POST"]
        )
    blueprint.add_url_rule("/showqrcode", "showqrcode", lambda: _picture(world), methods=["GET"])
    return blueprint


def _picture(world: World) -> Response:
    """`GET showqrcode?ticket=`: the picture, for anyone; 404 for a ticket that nobody was given."""
    with world.lock:
        code = world.codes.by_ticket(request.args.get("ticket", ""))
    return abort(404) if code is None else Response(code.picture(), mimetype="image/png")


def _view(world: World, method: str, answer: Callable[[], dict[str, Any]]) -> Callable[[], Response]:
    def view() -> Response:
        if request.method != method:
            raise ApiRefused(43001 if method == "GET" else 43002, f"require {method} method")
        with world.lock:  # tokens, quotas and menus change as one with the chats
            return jsonify(answer())

    return view


def _body() -> dict[str, Any]:
    raw = request.get_data(cache=True)
    if not raw:
        raise ApiRefused(44002, "empty post data")
    try:
        data = json.loads(raw)
        json.dumps(data, ensure_ascii=False).encode()  # a lone surrogate could be kept, but never shown
    except (ValueError, RecursionError) as error:
        raise ApiRefused(47001, "data format error") from error
    if not isinstance(data, dict):
        raise ApiRefused(47001, "data format error")
    return data


def _person(body: dict[str, Any]) -> str:
    openid = body.get("touser")
    if not isinstance(openid, str):
        raise ApiRefused(40003, "invalid openid")
    return openid
