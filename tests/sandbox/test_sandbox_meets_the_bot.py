"""Our bot and our WeChat, each with its own envelope, over HTTP: neither could be wrong in the same way by accident."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask

from bot import storage
from bot.bot import Bot, BotConfig
from bot.errors import NotSent
from bot.menu import Button, Menu
from bot.messages import Clicked, Subscribed
from bot.replies import Reply, choice, text
from bot.routing import Request, Router, on, on_command, otherwise
from bot.sandbox.accounts import Account
from bot.sandbox.app import create_sandbox
from bot.sandbox.cast import SandboxConfig
from bot.sandbox.people import Person
from bot.sandbox.reading import Said
from bot.webhook import create_blueprint
from bot.wechat_api import TokenShelf, WeChatApi
from tests.sandbox.fake_account import AES_KEY
from tests.sandbox.rig import NODE, serving, until

APP_ID, TOKEN, SECRET = "wx0123456789abcdef", "atoken", "asecret"


def welcome(request: Request, _: None) -> Reply:
    return text(f"您好 {request.sender}")


def progress(_: Request, __: None) -> Reply:
    return text("正在审核 ]]> & <b>\n" + choice("看经过", "经过 100%", "7"))


def history(_: Request, __: None) -> Reply:
    return text("11月18日开始")


def unclear(_: Request, __: None) -> Reply:
    return text("没听懂")


ROUTES = [
    on(Subscribed, welcome),
    on(Clicked, history),
    on_command("进度", progress),
    on_command("经过", history, argument="optional"),
    otherwise(unclear),
]


@dataclass
class Meeting:
    """A person's phone, and the account's way to WeChat's API."""

    app: Flask
    api: WeChatApi

    def say(self, **what: object) -> list[str]:
        body = {"openid": "wang", "node": NODE, **what}
        http = self.app.test_client()
        sent = http.post("/api/messages", json=body).get_json()["id"]
        world = self.app.extensions["sandbox"].world
        until(lambda: not world.is_answering("wang", NODE))
        return [line.text for line in world.lines("wang", NODE, sent)]


@pytest.fixture
def meeting(tmp_path: Path) -> Iterator[Meeting]:
    engine = storage.open_engine(f"sqlite:///{tmp_path / 'bot.db'}")
    storage.metadata.create_all(engine)
    node = Flask("node")
    with serving(node) as node_url:
        config = SandboxConfig(
            (Account(NODE, node_url, TOKEN, AES_KEY, APP_ID, SECRET),), (Person("wang", Said("王桂兰")),)
        )
        app = create_sandbox(config)
        with serving(app) as sandbox_url:
            router = Router(ROUTES, None, lambda _: False)
            bot_config = BotConfig(APP_ID, TOKEN, AES_KEY, SECRET, api_base_url=sandbox_url)
            node.register_blueprint(create_blueprint(Bot(bot_config, router, engine, busy=unclear)))
            shelf = TokenShelf(engine, APP_ID, lambda: datetime.now(UTC).timestamp())
            yield Meeting(app, WeChatApi(APP_ID, SECRET, shelf, bot_config.api_base_url))
        app.extensions["sandbox"].close()
    engine.dispose()


def test_a_whole_conversation_passes_both_envelopes(meeting: Meeting):
    assert meeting.say(event="subscribe") == ["您好 wang"]
    assert meeting.say(event="CLICK", key="k") == ["11月18日开始"]
    (answer,) = meeting.say(text="进度")
    assert answer.startswith("正在审核 ]]> & <b>\n<a href=")
    assert meeting.say(text="经过 100%", bizmsgmenuid="7") == ["11月18日开始"]
    assert meeting.say(text="]]>") == ["没听懂"]


def test_the_bots_client_pushes_and_puts_up_a_menu(meeting: Meeting):
    meeting.api.send_text("wang", "钱到了")
    more = Button("更多", below=(Button("我的回执", key="回执"), Button("帮助", url="https://x.test/")))
    meeting.api.create_menu(Menu((Button("查进度", key="进度"), more)))
    chat = meeting.app.test_client().get("/api/chat", query_string={"openid": "wang", "node": NODE}).get_json()
    assert [(line["kind"], line["text"]) for line in chat["lines"]] == [("notice", "钱到了")]
    assert [button["name"] for button in chat["menu"]] == ["查进度", "更多"]


def test_the_bots_client_fetches_again_when_its_token_was_killed(meeting: Meeting):
    meeting.api.send_text("wang", "一")
    body = {"grant_type": "client_credential", "appid": APP_ID, "secret": SECRET, "force_refresh": True}
    assert "access_token" in meeting.app.test_client().post("/cgi-bin/stable_token", json=body).get_json()
    meeting.api.send_text("wang", "二")
    assert [line.text for line in meeting.app.extensions["sandbox"].world.lines("wang", NODE, 0)] == ["一", "二"]


@pytest.mark.parametrize(
    ("openid", "content", "errcode"), [("wang", "字" * 683, 45002), ("nobody", "x", 40003), ("left", "x", 43004)]
)
def test_the_bots_client_reads_tencents_numbers(meeting: Meeting, openid, content, errcode):
    meeting.app.test_client().post("/api/messages", json={"openid": "left", "node": NODE, "event": "unsubscribe"})
    with pytest.raises(NotSent) as caught:
        meeting.api.send_text(openid, content)
    assert caught.value.code == errcode
