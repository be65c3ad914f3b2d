"""Calls to WeChat: one token for all, fetched again once, never shown."""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text as sql
from wechatpy.client import WeChatClient

from bot.errors import ApiUnreachable, BadSetting, NotSent
from bot.menu import Button, Menu
from bot.wechat_api import TOKEN_MARGIN_SECONDS, TokenShelf, WeChatApi, api_root
from tests.bot.fake_api import FakeApi


class Clock:
    def __init__(self) -> None:
        self.time = 1_800_000_000.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def wechat_api():
    api = FakeApi()
    yield api
    api.close()


def new_client(engine, clock, api, sleep=lambda seconds: None):
    return WeChatApi("wx1", "s3cret", TokenShelf(engine, "wx1", clock, sleep), api.url)


@pytest.fixture
def client(any_engine, clock, wechat_api):
    return new_client(any_engine, clock, wechat_api)


def test_a_message_arrives_as_it_was_written(client, wechat_api):
    client.send_text("citizen", "您的“低保”已批准 😀")
    assert wechat_api.calls[-1] == (
        "/cgi-bin/message/custom/send",
        {"touser": "citizen", "msgtype": "text", "text": {"content": "您的“低保”已批准 😀"}},
    )


def test_a_notice_and_a_menu_arrive(client, wechat_api):
    client.send_notice("citizen", "T", {"thing1": "低保"})
    assert wechat_api.calls[-1] == (
        "/cgi-bin/message/subscribe/bizsend",
        {"touser": "citizen", "template_id": "T", "data": {"thing1": {"value": "低保"}}},
    )
    client.create_menu(Menu((Button("查询", below=(Button("办到哪了", key="进度"),)), Button("网页", url="https://x"))))
    assert wechat_api.calls[-1][1]["button"][0]["sub_button"][0] == {"type": "click", "name": "办到哪了", "key": "进度"}


def test_another_process_uses_the_same_token(any_engine, clock, wechat_api):
    for _ in range(3):
        new_client(any_engine, clock, wechat_api).send_text("citizen", "x")
    assert wechat_api.tokens_given == 1


def test_a_token_is_fetched_anew_before_it_runs_out(client, clock, wechat_api):
    client.send_text("citizen", "x")
    clock.time += 7200 - TOKEN_MARGIN_SECONDS - 1
    client.send_text("citizen", "x")
    assert wechat_api.tokens_given == 1
    clock.time += 1
    client.send_text("citizen", "x")
    assert wechat_api.tokens_given == 2


def test_only_one_of_many_fetches(any_engine, clock, wechat_api):
    began = threading.Event()
    clients = [new_client(any_engine, clock, wechat_api, sleep=lambda seconds: began.wait(0.02)) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda client: client.send_text("citizen", "x"), clients))
    assert wechat_api.tokens_given == 1


@pytest.mark.parametrize("code", [40001, 40014, 42001])
def test_a_refused_token_is_fetched_again_once_and_the_call_repeated(client, wechat_api, code):
    client.send_text("citizen", "x")
    wechat_api.codes.append(code)
    client.send_text("citizen", "y")
    assert wechat_api.tokens_given == 2
    assert [body["text"]["content"] for path, body in wechat_api.calls if "send" in path] == ["x", "y", "y"]


def test_a_token_refused_twice_is_not_tried_for_ever(client, wechat_api):
    wechat_api.codes.extend([40001, 40001, 40001, 40001])
    with pytest.raises(NotSent) as caught:
        client.send_text("citizen", "x")
    assert caught.value.code == 40001
    assert wechat_api.tokens_given == 2


def test_a_token_that_another_process_has_renewed_is_not_thrown_away(any_engine, clock, wechat_api):
    shelf = TokenShelf(any_engine, "wx1", clock)
    assert shelf.token(lambda: ("new", 7200)) == "new"
    shelf.reject("old")
    assert shelf.token(lambda: pytest.fail("it was good")) == "new"


def test_why_nothing_was_fetched_is_told_though_the_database_fails_then(any_engine, clock):
    def fetch() -> tuple[str, int]:
        with any_engine.begin() as connection:
            connection.execute(sql("DROP TABLE bot_tokens"))
        raise ApiUnreachable("nobody there")

    with pytest.raises(ApiUnreachable, match="nobody there"):
        TokenShelf(any_engine, "wx1", clock).token(fetch)


@pytest.mark.parametrize("ahead", [5, 365 * 86_400], ids=["just now", "by a clock that ran ahead"])
def test_a_process_that_died_while_fetching_does_not_block_the_others_for_ever(any_engine, clock, ahead):
    shelf = TokenShelf(any_engine, "wx1", clock, sleep=lambda seconds: setattr(clock, "time", clock.time + seconds))
    with any_engine.begin() as connection:
        connection.execute(
            sql("INSERT INTO bot_tokens (app_id, token, expires_at, lease_until) VALUES ('wx1', '', 0, :until)"),
            {"until": clock.time + ahead},
        )
    assert shelf.token(lambda: ("new", 7200)) == "new"


@pytest.mark.parametrize("code", [45015, 45047, 43004, 48001, 45002, 45009, 43101, 40003])
def test_wechats_refusal_keeps_its_code(client, wechat_api, code):
    wechat_api.codes.append(code)
    with pytest.raises(NotSent) as caught:
        client.send_text("citizen", "x")
    assert caught.value.code == code
    assert sum("send" in path for path, _ in wechat_api.calls) == 1


def test_what_is_no_answer_of_wechats_is_unreachable(client, wechat_api):
    client.send_text("citizen", "x")
    for spoil in (
        lambda: wechat_api.statuses.append(502),
        lambda: wechat_api.bodies.append(b"<html>"),
        lambda: wechat_api.bodies.append(b"[]"),
        lambda: wechat_api.codes.append(-1),
    ):
        spoil()
        with pytest.raises(ApiUnreachable):
            client.send_text("citizen", "x")
    wechat_api.close()
    with pytest.raises(ApiUnreachable):
        client.send_text("citizen", "x")


@pytest.mark.parametrize(
    "answer",
    [b'{"expires_in": 7200}', b'{"access_token": 5, "expires_in": 7200}', b'{"access_token": "x"}', b"[]", b"x"],
)
def test_a_token_answer_without_a_token_is_unreachable_and_the_next_may_try(client, wechat_api, answer):
    wechat_api.bodies.append(answer)
    with pytest.raises(ApiUnreachable):
        client.send_text("citizen", "x")
    client.send_text("citizen", "x")


def test_a_wrong_secret_is_told_by_its_code(client, wechat_api):
    wechat_api.secret = "other"
    with pytest.raises(NotSent) as caught:
        client.send_text("citizen", "x")
    assert caught.value.code == 40125


def test_neither_token_nor_secret_is_ever_shown(client, wechat_api, caplog):
    with caplog.at_level(logging.INFO):
        wechat_api.codes.append(45015)
        errors = []
        for _ in range(2):
            try:
                client.send_text("citizen", "x")
            except NotSent as error:
                errors.append(error)
        wechat_api.close()
        with pytest.raises(ApiUnreachable) as caught:
            client.send_text("citizen", "x")
    shown = (
        caplog.text
        + repr(client)
        + "".join(f"{error!r}{error.__cause__}{error.__suppress_context__}" for error in [*errors, caught.value])
    )
    assert "token-1" not in shown
    assert "s3cret" not in shown
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_another_base_url_moves_only_this_client(client):
    assert WeChatClient.API_BASE_URL == "https://api.weixin.qq.com/cgi-bin/"
    assert client.API_BASE_URL.startswith("http://127.0.0.1")


@pytest.mark.parametrize("given", ["https://a", "https://a/", "https://a/cgi-bin", "https://a/cgi-bin/"])
def test_a_base_url_has_one_meaning(given):
    assert api_root(given) == "https://a/cgi-bin/"


@pytest.mark.parametrize(
    "build",
    [
        lambda: Menu(()),
        lambda: Menu((Button("一", key="1"),) * 4),
        lambda: Menu((Button("一二三四五", key="1"),)),
        lambda: Button("一"),
        lambda: Button("一", key="1", url="https://x"),
        lambda: Button("一", below=(Button("二", key="2"),) * 6),
        lambda: Button("一", below=(Button("一二三四五六七八九", key="2"),)),
        lambda: Button("一", below=(Button("二", below=(Button("三", key="3"),)),)),
        lambda: Button("一", key="键" * 43),
    ],
)
def test_a_menu_that_wechat_would_refuse_is_refused_where_it_is_built(build):
    with pytest.raises(BadSetting):
        build()


def test_the_largest_menu_is_built():
    below = tuple(Button("一二三四五六七八", key="键" * 42) for _ in range(5))
    Menu(tuple(Button("一二三四", below=below) for _ in range(3)))


# --- QR codes with a scene ---


def test_a_qr_code_is_asked_for_in_tencents_words(client, wechat_api):
    made = client.create_qr("bind_12345678", 300)
    assert wechat_api.calls[-1] == (
        "/cgi-bin/qrcode/create",
        {
            "expire_seconds": 300,
            "action_name": "QR_STR_SCENE",
            "action_info": {"scene": {"scene_str": "bind_12345678"}},
        },
    )
    assert made.says == "http://weixin.qq.com/q/1"
    assert made.picture_url == f"{wechat_api.url}/cgi-bin/showqrcode?ticket=ticket%2F%2B0%3D%3D"


@pytest.mark.parametrize(
    ("base", "pictures"),
    [
        ("https://api.weixin.qq.com", "https://mp.weixin.qq.com/cgi-bin/"),
        ("https://sh.api.weixin.qq.com/", "https://mp.weixin.qq.com/cgi-bin/"),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000/cgi-bin/"),
        ("https://weixin.qq.com.evil.test", "https://weixin.qq.com.evil.test/cgi-bin/"),
        ("https://notweixin.qq.com", "https://notweixin.qq.com/cgi-bin/"),
    ],
)
def test_the_picture_comes_from_whoever_made_the_code(engine, clock, base, pictures):
    api = WeChatApi("wx1", "s3cret", TokenShelf(engine, "wx1", clock), base)
    assert api._pictures_url() == pictures


@pytest.mark.parametrize("code", [48001, 45009, 40053])
def test_an_account_that_may_not_make_codes_says_so(client, wechat_api, code):
    wechat_api.codes.append(code)
    with pytest.raises(NotSent) as caught:
        client.create_qr("bind_12345678", 300)
    assert caught.value.code == code


def test_a_refused_token_is_renewed_for_a_qr_code_too(client, wechat_api):
    client.send_text("citizen", "x")
    wechat_api.expire()
    assert client.create_qr("bind_12345678", 300).says
    assert wechat_api.tokens_given == 2


@pytest.mark.parametrize(
    "answer",
    [b"{}", b"[]", b'{"ticket": "t"}', b'{"ticket": 1, "url": "u"}', b'{"ticket": "t", "url": ""}',
     b'{"ticket": "t", "url": "' + b"u" * 513 + b'"}'],
)  # fmt: skip
def test_an_answer_without_a_code_is_unreachable(client, wechat_api, answer):
    client.send_text("citizen", "x")
    wechat_api.bodies.append(answer)
    with pytest.raises(ApiUnreachable):
        client.create_qr("bind_12345678", 300)


def test_an_api_that_hangs_is_given_up_while_the_person_still_waits(client, wechat_api, monkeypatch):
    """Both when the token hangs and when the call does; the limit is for all of it together."""
    monkeypatch.setattr("bot.wechat_api.QR_SECONDS", 0.2)
    for warm in (False, True):
        if warm:
            client.send_text("citizen", "x")
        wechat_api.hold = threading.Event()
        with pytest.raises(ApiUnreachable):
            client.create_qr("bind_12345678", 300)
        wechat_api.hold.set()
        wechat_api.hold = None


def test_another_process_that_fetches_the_token_is_not_waited_for_long(any_engine, wechat_api, monkeypatch):
    monkeypatch.setattr("bot.wechat_api.QR_SECONDS", 0.3)
    clock = Clock()
    slept: list[float] = []
    with any_engine.begin() as connection:
        connection.execute(
            sql("INSERT INTO bot_tokens (app_id, token, expires_at, lease_until) VALUES ('wx1', '', 0, :until)"),
            {"until": clock.time + 5},
        )
    with pytest.raises(ApiUnreachable):
        new_client(any_engine, clock, wechat_api, slept.append).create_qr("bind_12345678", 300)
    assert sum(slept) <= 0.4 + 1e-9
    assert wechat_api.calls == []
