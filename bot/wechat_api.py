"""Calls WeChat's API: messages out, the menu, QR codes, and the one access token that all our processes share.

On wechatpy's client, with what it lacks: another base URL without touching the class, `stable_token`, the token in the
database, one refresher at a time, a time limit on every call, and one repeat (its own would never end).
"""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeGuard
from urllib.parse import quote, urlsplit

import requests
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from urllib3.util import Timeout
from wechatpy.client import WeChatClient
from wechatpy.exceptions import WeChatClientException

from bot.errors import ApiUnreachable, BadSetting, NotSent
from bot.menu import Menu, print_menu

API_BASE_URL = "https://api.weixin.qq.com"
TENCENT = "weixin.qq.com"  # with several API hosts below it
PICTURES_URL = "https://mp.weixin.qq.com/cgi-bin/"  # Tencent draws its QR codes on another host than its API's
TIMEOUT_SECONDS = 5.0
QR_SECONDS = 2.0  # for all of it: a person waits for the answer that will hold the code
QR_BYTES_MAX = 512
TOKEN_MARGIN_SECONDS = 300.0  # WeChat lets an old token live five minutes beside a new one
TOKEN_SECONDS_MAX = 7_200
FETCHING_SECONDS = 2 * TIMEOUT_SECONDS
POLL_SECONDS = 0.1
SYSTEM_BUSY = -1
TOKEN_REFUSED = frozenset({40001, 40014, 42001})

_READ = text("SELECT token, expires_at FROM bot_tokens WHERE app_id = :app_id")
_LEASE = text(  # only while there is no good token: it may have been fetched since we looked
    "INSERT INTO bot_tokens (app_id, token, expires_at, lease_until) VALUES (:app_id, '', 0, :until)"
    " ON CONFLICT (app_id) DO UPDATE SET lease_until = :until"
    " WHERE (bot_tokens.lease_until <= :now OR bot_tokens.lease_until > :beyond)"
    " AND bot_tokens.expires_at <= :needed_until RETURNING app_id"
)
_WRITE = text("UPDATE bot_tokens SET token = :token, expires_at = :expires_at, lease_until = 0 WHERE app_id = :app_id")
_RELEASE = text("UPDATE bot_tokens SET lease_until = 0 WHERE app_id = :app_id")
_REJECT = text("UPDATE bot_tokens SET expires_at = 0 WHERE app_id = :app_id AND token = :token")


class TokenShelf:
    """The access token where every process finds it; one fetches, the others wait for it."""

    def __init__(
        self,
        engine: Engine,
        app_id: str,
        now: Callable[[], float],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._engine = engine
        self._app_id = app_id
        self._now = now
        self._sleep = sleep

    def token(self, fetch: Callable[[], tuple[str, int]], patience_seconds: float = FETCHING_SECONDS) -> str:
        """The shared token; `fetch` brings a new one and its seconds when there is none or it is about to run out."""
        for _ in range(int(patience_seconds / POLL_SECONDS) + 1):
            token = self._read()
            if token:
                return token
            if self._lease():
                return self._fetch(fetch)
            self._sleep(POLL_SECONDS)
        raise ApiUnreachable("another process has been fetching the token for too long")

    def reject(self, token: str) -> None:
        """WeChat refused this token: it is not to be used again. A newer one that another process put there stays."""
        with self._engine.begin() as connection:
            connection.execute(_REJECT, {"app_id": self._app_id, "token": token})

    def _read(self) -> str:
        with self._engine.connect() as connection:
            row = connection.execute(_READ, {"app_id": self._app_id}).first()
        return "" if row is None or row[1] - TOKEN_MARGIN_SECONDS <= self._now() else str(row[0])

    def _lease(self) -> bool:
        now = self._now()
        values = {"app_id": self._app_id, "now": now, "until": now + FETCHING_SECONDS}
        values["needed_until"] = now + TOKEN_MARGIN_SECONDS
        values["beyond"] = now + 2 * FETCHING_SECONDS  # further ahead than any lease: by a clock put right since
        with self._engine.begin() as connection:
            return connection.execute(_LEASE, values).first() is not None

    def _fetch(self, fetch: Callable[[], tuple[str, int]]) -> str:
        try:
            token, seconds = fetch()
        except BaseException:
            with suppress(DBAPIError):  # the lease ends by itself, and why nothing was fetched is what counts
                self._run_release()
            raise
        # A token shorter than our margin would be fetched for every call.
        expires_at = self._now() + max(float(seconds), 2 * TOKEN_MARGIN_SECONDS)
        with self._engine.begin() as connection:
            connection.execute(_WRITE, {"app_id": self._app_id, "token": token, "expires_at": expires_at})
        return token

    def _run_release(self) -> None:
        with self._engine.begin() as connection:
            connection.execute(_RELEASE, {"app_id": self._app_id})


@dataclass(frozen=True, slots=True)
class SceneQr:
    """A QR code that opens the account and tells it which scene was scanned."""

    says: str  # what stands in the code: a short URL of WeChat's
    picture_url: str  # where WeChat draws it


class _Clock:
    """How long a call may still take, all its steps together."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self, endpoint: str) -> float:
        seconds = self._end - time.monotonic()
        if seconds <= 0:
            raise ApiUnreachable(f"{endpoint}: out of time")
        return seconds


class WeChatApi(WeChatClient):  # type: ignore[misc]  # wechatpy is untyped, so its classes are Any
    """WeChat's API for one account. Every call raises `NotSent` with WeChat's errcode, or `ApiUnreachable`."""

    def __init__(self, app_id: str, secret: str, tokens: TokenShelf, base_url: str = API_BASE_URL) -> None:
        # On the instance: the class attribute would move every other account of this process too.
        self.API_BASE_URL = api_root(base_url)
        self._tokens = tokens
        super().__init__(app_id, secret, timeout=TIMEOUT_SECONDS, auto_retry=False)
        self._http.trust_env = False  # only app.py reads the environment, proxies included

    def __repr__(self) -> str:
        return f"WeChatApi({self.appid!r})"

    @property
    def access_token(self) -> str:
        """The token that all our processes share."""
        return self._tokens.token(self._fetch_stable_token)

    def send_text(self, openid: str, content: str) -> None:
        """Send a customer-service message: within 48 hours of the person's last one."""
        self._call("message/custom/send", {"touser": openid, "msgtype": "text", "text": {"content": content}})

    def send_notice(self, openid: str, template_id: str, data: Mapping[str, str]) -> None:
        """Send a subscription notice that the person has asked for."""
        values = {name: {"value": value} for name, value in data.items()}
        self._call("message/subscribe/bizsend", {"touser": openid, "template_id": template_id, "data": values})

    def create_menu(self, menu: Menu) -> None:
        """Put the account's menu in place of the one before."""
        self._call("menu/create", print_menu(menu))

    def create_qr(self, scene: str, seconds: int) -> SceneQr:
        """Make a QR code with a scene (`scene_str`, at most 64 characters) that lives so long, within QR_SECONDS."""
        action = {"scene": {"scene_str": scene}}
        body = {"expire_seconds": seconds, "action_name": "QR_STR_SCENE", "action_info": action}
        made = self._call("qrcode/create", body, _Clock(QR_SECONDS))
        ticket, says = made.get("ticket"), made.get("url")
        if not (_is_short_text(ticket) and _is_short_text(says)):
            raise ApiUnreachable("qrcode/create: no ticket in the answer")
        return SceneQr(says, f"{self._pictures_url()}showqrcode?ticket={quote(ticket, safe='')}")

    def _pictures_url(self) -> str:
        host = urlsplit(self.API_BASE_URL).hostname or ""
        return PICTURES_URL if host == TENCENT or host.endswith(f".{TENCENT}") else self.API_BASE_URL

    def _call(self, endpoint: str, body: dict[str, Any], clock: _Clock | None = None) -> dict[str, Any]:
        """POST, and once more with a new token when WeChat no longer knows the old one."""
        token = self._token(endpoint, clock)
        try:
            return self._post_json(endpoint, body, token, clock)
        except NotSent as error:
            if error.code not in TOKEN_REFUSED:
                raise
            self._tokens.reject(token)
            return self._post_json(endpoint, body, self._token(endpoint, clock), clock)

    def _token(self, endpoint: str, clock: _Clock | None) -> str:
        if clock is None:
            return self.access_token
        return self._tokens.token(lambda: self._fetch_stable_token(clock), clock.left(endpoint))

    def _post_json(
        self, endpoint: str, body: dict[str, Any], token: str | None, clock: _Clock | None = None
    ) -> dict[str, Any]:
        """One POST by wechatpy's client. No error here repeats the URL, which holds the token."""
        limit = TIMEOUT_SECONDS if clock is None else Timeout(total=clock.left(endpoint))
        try:
            params = {"access_token": token} if token else ()
            result = self.post(endpoint, params=params, data=body, timeout=limit)
        except WeChatClientException as error:
            if error.errcode is None or error.errcode == SYSTEM_BUSY:
                raise ApiUnreachable(f"{endpoint}: HTTP failure or system busy") from None
            raise NotSent(int(error.errcode), endpoint) from None
        except requests.RequestException as error:
            raise ApiUnreachable(f"{endpoint}: {type(error).__name__}") from None
        if not isinstance(result, dict):
            raise ApiUnreachable(f"{endpoint}: no JSON object")
        return result

    def _fetch_stable_token(self, clock: _Clock | None = None) -> tuple[str, int]:
        body = {"grant_type": "client_credential", "appid": self.appid, "secret": self.secret}
        result = self._post_json("stable_token", body, None, clock)
        token, seconds = result.get("access_token"), result.get("expires_in")
        if not isinstance(token, str) or not token or not isinstance(seconds, int):
            raise ApiUnreachable("stable_token: no token in the answer")
        return token, min(seconds, TOKEN_SECONDS_MAX)


def _is_short_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and 0 < len(value.encode()) <= QR_BYTES_MAX


def api_root(base_url: str) -> str:
    """Where the API's endpoints begin; the base URL may be given with or without `/cgi-bin`."""
    parts = urlsplit(base_url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise BadSetting("api_base_url", f"must be a URL such as {API_BASE_URL}")
    return base_url.rstrip("/").removesuffix("/cgi-bin") + "/cgi-bin/"
