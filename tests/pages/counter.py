"""A counter: a real desk and database, the pages of its node, and a pretended WeChat that draws QR codes."""

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import cast

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from bot.errors import ApiUnreachable
from bot.outbox import Outbox
from bot.wechat_api import SceneQr
from handlers.pages import create_blueprint
from handlers.services import Services
from ledger.desk import Desk, Purpose
from ledger.node import Node
from tests.desk.world import ACCOUNT, Town, make_town
from tests.handlers_citizen.chats import CONTACT, MATTERS, NOON, PROGRAMMES, FakeNode, MemoryOutbox

GRANT, RESIDENCE, OLD_AGE = "05LSJZ0001", "07JZZ00001", "05GLJT0001"
PERSON = {
    "applicant": "何秀英",
    "id_number": "330199194401200022",
    "phone": "16000000005",
    "account": "6299 9900 0000 0073 308",
}
PRIVATE = ("何秀英", "330199194401200022", "16000000005", "6299990000000073308")
CARD = ACCOUNT  # of whom `Town.apply` hands in
PUBLIC_URL = "http://localhost"


@dataclass
class FakeQr:
    """WeChat's way to make a QR code; it can refuse."""

    made: list[tuple[str, int]] = field(default_factory=list)
    error: Exception | None = None

    def __call__(self, scene: str, seconds: int) -> SceneQr:
        if self.error is not None:
            raise self.error
        self.made.append((scene, seconds))
        return SceneQr(f"http://weixin.qq.com/q/{len(self.made)}", f"https://mp.weixin.qq.com/show/{len(self.made)}")

    def fail(self) -> None:
        self.error = ApiUnreachable("qrcode/create: away")


@dataclass
class Counter:
    """民政局's counter."""

    town: Town
    services: Services
    outbox: MemoryOutbox
    qr: FakeQr
    app: Flask

    @property
    def desk(self) -> Desk:
        return self.town.civil.desk

    @property
    def client(self) -> FlaskClient:
        return self.app.test_client()

    def officer(self, name: str = "林芳") -> str:
        return self.town.civil.staff[name].handle

    def link(self, about: str = OLD_AGE, purpose: Purpose = Purpose.CASE, name: str = "林芳") -> str:
        return f"/intake/{self.desk.give_ticket(self.officer(name), purpose, about).token}"

    def look(self, link: str, **how) -> TestResponse:
        return self.client.get(link, **how)

    def send(self, link: str, typed: dict[str, str] | None = None, **more) -> TestResponse:
        headers = more.pop("headers", {"Origin": PUBLIC_URL})
        return self.client.post(link, data=(PERSON if typed is None else typed) | more, headers=headers)

    def size(self) -> int:
        return self.town.civil.size()

    def case(self, number: str):
        with self.town.civil.facts() as facts:
            found = facts.find(number)
            assert found is not None
            view = facts.case(found.ref)
            assert view is not None
            return view

    def private(self, number: str, name: str):
        with self.town.civil.facts() as facts:
            return facts.private(self.case(number).ref, name)

    @contextmanager
    def served(self) -> Iterator[str]:
        """The same over real HTTP; the URL it is served at."""
        server = make_server("127.0.0.1", 0, self.app, threaded=True)
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join(5)
            server.server_close()


def make_counter(directory: Path, url: str | None = None) -> Counter:
    town = make_town(directory, url)
    for name, officer in town.civil.staff.items():
        town.civil.desk.bind(f"o-{name}", officer.binding_code)
    town.clock.at = NOON
    return counter_of(town)


def counter_of(town: Town) -> Counter:
    """The counter of a town's 民政局, as one worker process has it."""
    node, outbox, qr = FakeNode(town.civil), MemoryOutbox(), FakeQr()
    setattr(node, "public_url", PUBLIC_URL)  # noqa: B010 -- a door that only pages use
    services = Services(cast("Node", node), cast("Outbox", outbox), CONTACT, MATTERS, PROGRAMMES, qr=qr)
    app = Flask(__name__, static_folder=None)
    app.register_blueprint(create_blueprint(services))
    return Counter(town, services, outbox, qr, app)


def words_of(response: TestResponse) -> str:
    """What a person reads of a page."""
    text = re.sub(r"(?s)<(style|script|head)\b.*?</\1>", "", response.text)
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))).strip()


def number_on(response: TestResponse) -> str:
    return str(re.findall(r"编号 ([0-9]{12,20})", words_of(response))[0])
