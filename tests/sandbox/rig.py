"""A sandbox under test: its people, its clock that a test turns, and one account that answers."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from bot.sandbox.accounts import Account
from bot.sandbox.app import Sandbox, create_sandbox
from bot.sandbox.cast import SandboxConfig
from bot.sandbox.delivery import Pace
from bot.sandbox.people import OFFICER, Person, Slip
from bot.sandbox.reading import Said
from tests.sandbox.fake_account import AES_KEY, APP_ID, TOKEN, FakeAccount

NODE = "民政局"
OTHER = "财政局"
SECRET = "an-app-secret"
TOTP_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # RFC 6238, appendix B
SLIP = "slip_21261030004787_12345678"
PATIENT = Pace(answer_seconds=5.0, pause_seconds=0.0)
HASTY = Pace(answer_seconds=0.25, pause_seconds=0.0)


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def pass_(self, **what: float) -> None:
        self.time += timedelta(**what)


def cast(url: str, other: str = "http://127.0.0.1:9") -> SandboxConfig:
    return SandboxConfig(
        accounts=(
            Account(NODE, url, TOKEN, AES_KEY, APP_ID, SECRET, "a-template", Said(NODE, "Civil Affairs")),
            Account(OTHER, other, TOKEN, AES_KEY, "wx-other", "another-secret", label=Said(OTHER, "Finance")),
        ),
        people=(
            Person(
                "wang",
                Said("王桂兰", "Wang Guilan"),
                Said("67岁，农民", "67, farmer"),
                Said("想知道救助金到了没有，发「进度」。", "Wants to know whether the money came: 「progress」"),
                NODE,
                slips=(Slip(NODE, SLIP, Said("小票 21261030004787", "Slip 21261030004787")),),
            ),
            Person("zhou", Said("周大山", "Zhou Dashan"), node=NODE),
            Person(
                "lin", Said("林芳", "Lin Fang"), Said("受理", "clerk"), node=NODE, side=OFFICER, totp_secret=TOTP_SECRET
            ),
        ),
        tongues=Said("中文", "English"),
    )


@dataclass
class Rig:
    """A sandbox, its clock, and one account that answers it."""

    app: Flask
    http: FlaskClient
    clock: Clock
    account: FakeAccount

    @property
    def sandbox(self) -> Sandbox:
        sandbox: Sandbox = self.app.extensions["sandbox"]
        return sandbox

    def post(self, openid: str = "wang", node: str = NODE, **what: object):
        return self.http.post("/api/messages", json={"openid": openid, "node": node, **what})

    def send(self, openid: str = "wang", node: str = NODE, **what: object) -> Any:
        response = self.post(openid, node, **what)
        assert response.status_code == 200, response.get_json()
        return response.get_json()["id"]

    def lines(self, openid: str = "wang", node: str = NODE, after: int = 0) -> Any:
        response = self.http.get("/api/messages", query_string={"openid": openid, "node": node, "after": after})
        assert response.status_code == 200, response.get_json()
        return response.get_json()

    def settle(self, openid: str = "wang", node: str = NODE) -> None:
        until(lambda: not self.sandbox.world.is_answering(openid, node))

    def answers(self, after: int, openid: str = "wang", node: str = NODE) -> list[str]:
        """What the account said after a line, once it owes nothing more."""
        self.settle(openid, node)
        return [line["text"] for line in self.lines(openid, node, after) if line["from"] != "me"]

    def token(self) -> Any:
        query = {"grant_type": "client_credential", "appid": APP_ID, "secret": SECRET}
        return self.http.get("/cgi-bin/token", query_string=query).get_json()["access_token"]

    def call(self, path: str, body: object = None, token: str | None = None, method: str = "POST") -> Any:
        query = {"access_token": self.token() if token is None else token}
        return self.http.open(f"/cgi-bin/{path}", method=method, query_string=query, json=body).get_json()

    def push(self, openid: str = "wang", content: str = "钱到了", token: str | None = None) -> Any:
        body = {"touser": openid, "msgtype": "text", "text": {"content": content}}
        return self.call("message/custom/send", body, token)["errcode"]


def until(holds, seconds: float = 20.0) -> None:
    """Wait for something that must come; the limit only ends a hung test."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.005)


def free_port() -> Any:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def rig_of(account: FakeAccount, pace: Pace) -> Iterator[Rig]:
    clock = Clock()
    app = create_sandbox(cast(account.url, f"http://127.0.0.1:{free_port()}"), clock=clock, pace=pace)
    yield Rig(app, app.test_client(), clock, account)
    app.extensions["sandbox"].close()


@contextmanager
def serving(app: Flask) -> Iterator[str]:
    """The app behind a real port of its own; gives its URL."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
