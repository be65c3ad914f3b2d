"""The ladder of a notice against the pretended WeChat and its limits, over HTTP, with a clock that the test turns."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from flask import Flask
from sqlalchemy import Engine

from bot import storage
from bot.bot import Bot, BotConfig, plain_heads
from bot.outbox import GIVE_UP_SECONDS, SENDING_SECONDS, Outbox, Subscription
from bot.replies import text
from bot.routing import Request, Router, otherwise
from bot.sandbox.accounts import Account
from bot.sandbox.app import create_sandbox
from bot.sandbox.cast import SandboxConfig
from bot.sandbox.people import Person
from bot.sandbox.reading import Said
from bot.webhook import create_blueprint
from bot.wechat_api import TokenShelf, WeChatApi
from tests.sandbox.fake_account import AES_KEY
from tests.sandbox.rig import NODE, Clock, serving, until

APP_ID, TOKEN, SECRET, TEMPLATE = "wx0123456789abcdef", "atoken", "asecret", "a-template"
POPUP = "subscribe_msg_popup_event"


class Crash(BaseException):
    """The process ended here."""


def echo(request: Request, _: None):
    return text(f"答 {request.text}")


@dataclass
class Stage:
    """One follower's phone, and the scheduler that brings notices to it."""

    app: Flask
    clock: Clock
    outbox: Outbox
    api: WeChatApi
    engine: Engine

    def does(self, **what: object) -> list[str]:
        """The person does something; what then stands in the chat."""
        body = {"openid": "wang", "node": NODE, **what}
        sent = self.app.test_client().post("/api/messages", json=body).get_json()["id"]
        world = self.app.extensions["sandbox"].world
        until(lambda: not world.is_answering("wang", NODE))
        return [line.text for line in world.lines("wang", NODE, sent)]

    def notices(self) -> list[str]:
        lines = self.app.extensions["sandbox"].world.lines("wang", NODE, 0)
        return [line.text for line in lines if line.kind == "notice"]

    def tell(self, key: str) -> int:
        self.outbox.put(key, "wang", f"消息{key}", f"R{key}")
        return self.outbox.send_due()

    def settle(self) -> None:
        world = self.app.extensions["sandbox"].world
        until(lambda: not world.is_answering("wang", NODE))


@pytest.fixture
def stage(tmp_path) -> Iterator[Stage]:
    clock = Clock()
    engine = storage.open_engine(f"sqlite:///{tmp_path / 'bot.db'}")
    storage.metadata.create_all(engine)
    node = Flask("node")

    def seconds() -> float:
        return clock().timestamp()

    with serving(node) as node_url:
        account = Account(NODE, node_url, TOKEN, AES_KEY, APP_ID, SECRET, TEMPLATE)
        app = create_sandbox(SandboxConfig((account,), (Person("wang", Said("王桂兰")),)), clock=clock)
        with serving(app) as sandbox_url:
            config = BotConfig(APP_ID, TOKEN, AES_KEY, SECRET, api_base_url=sandbox_url, template_id=TEMPLATE)
            router = Router([otherwise(echo)], None, lambda _: False)
            bot = Bot(config, router, engine, busy=echo, heads=plain_heads, now=seconds)
            node.register_blueprint(create_blueprint(bot))
            api = WeChatApi(APP_ID, SECRET, TokenShelf(engine, APP_ID, seconds), sandbox_url)
            subscription = Subscription(TEMPLATE, lambda notice: {"thing1": notice.text})
            yield Stage(app, clock, Outbox(engine, api, seconds, subscription), api, engine)
        app.extensions["sandbox"].close()
    engine.dispose()


def test_first_the_chat_then_the_subscription_then_the_next_answer_and_the_call_list(stage):
    stage.does(text="你好")
    stage.does(event=POPUP, key=TEMPLATE)
    assert stage.tell("1") == 1
    assert stage.notices() == ["消息1"]
    stage.clock.pass_(hours=49)
    assert stage.tell("2") == 1  # by the one notice that was tapped for
    stage.settle()
    assert stage.notices() == ["消息1", "消息2"]
    assert stage.tell("3") == 0  # 43101: it is spent
    assert [one.record for one in stage.outbox.undelivered()] == ["R3"]
    assert stage.does(text="在吗") == ["消息3\n\n答 在吗"]
    assert stage.outbox.undelivered() == []
    assert stage.tell("4") == 1  # the chat is open again
    assert stage.notices() == ["消息1", "消息2", "消息4"]


def test_45015_a_menu_tap_opens_one_minute_and_what_comes_later_takes_the_next_step(stage):
    stage.clock.pass_(hours=49)  # what the cast wrote before the test is over
    assert stage.does(event="CLICK", key="进度")
    assert stage.tell("1") == 1
    stage.clock.pass_(minutes=2)
    assert stage.tell("2") == 0  # we took a tap for a message; WeChat says that it is none
    assert stage.outbox.undelivered()[0].reason == "errcode 45015"
    stage.does(event=POPUP, key=TEMPLATE)
    assert stage.tell("3") == 1
    assert stage.notices() == ["消息1", "消息3"]


def test_45047_after_twenty_messages_the_subscription_carries_on(stage):
    stage.does(text="你好")
    stage.does(event=POPUP, key=TEMPLATE)
    assert [stage.tell(f"{at}") for at in range(20)] == [1] * 20
    assert stage.tell("20") == 1
    assert stage.tell("21") == 0
    assert stage.notices() == [f"消息{at}" for at in range(21)]
    assert stage.does(text="再问") == ["消息21\n\n答 再问"]
    assert stage.tell("22") == 1


def test_43004_who_left_is_written_to_no_more_and_reads_it_when_they_come_back(stage):
    stage.does(text="你好")
    stage.does(event="unsubscribe")
    assert stage.tell("1") == 0
    assert [one.record for one in stage.outbox.undelivered()] == ["R1"]
    assert stage.does(event="subscribe") == []  # nothing is answered to it here, so nothing can carry the notice
    assert stage.does(text="我回来了") == ["消息1\n\n答 我回来了"]


def test_43004_told_only_by_wechat_is_remembered(stage):
    stage.does(text="你好")
    world = stage.app.extensions["sandbox"].world
    with world.lock:
        chat = world.follower(world.account(NODE), "wang")
        chat.follow = chat.follow.LEFT  # the event was lost on its way
    assert stage.tell("1") == 0
    assert stage.outbox.undelivered()[0].reason == "errcode 43004"
    with stage.engine.connect() as connection:
        [followed] = connection.exec_driver_sql("SELECT followed FROM bot_sessions").scalars()
    assert followed == 0


@pytest.mark.parametrize("way", ["send_text", "send_notice"])
def test_a_crash_after_wechat_took_it_may_repeat_it_and_a_crash_before_loses_nothing(stage, monkeypatch, way):
    stage.does(text="你好")
    stage.does(event=POPUP, key=TEMPLATE)
    stage.does(event=POPUP, key=TEMPLATE)
    if way == "send_notice":
        stage.clock.pass_(hours=49)
    real = getattr(stage.api, way)

    def crash_before(*_given):
        raise Crash

    def crash_after(*given):
        real(*given)
        raise Crash

    for crash in (crash_before, crash_after):
        monkeypatch.setattr(stage.api, way, crash)
        with pytest.raises(Crash):
            stage.tell("1")
        stage.clock.pass_(seconds=SENDING_SECONDS)
    monkeypatch.setattr(stage.api, way, real)
    assert stage.outbox.send_due() == 1
    stage.settle()
    assert stage.notices() == ["消息1", "消息1"]  # it carries its record number: the person sees that it is one
    assert stage.outbox.send_due() == 0
    assert stage.outbox.undelivered() == []


def test_a_wechat_that_is_away_for_a_day_leaves_it_for_the_next_answer(stage, monkeypatch):
    stage.does(text="你好")
    monkeypatch.setattr(stage.api, "API_BASE_URL", "http://127.0.0.1:9/cgi-bin/")
    assert stage.tell("1") == 0
    assert stage.outbox.undelivered() == []
    stage.clock.pass_(seconds=GIVE_UP_SECONDS)
    assert stage.outbox.send_due() == 0
    assert [one.reason for one in stage.outbox.undelivered()] == ["unreachable"]
    assert stage.does(text="在吗") == ["消息1\n\n答 在吗"]
