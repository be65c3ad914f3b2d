"""The door, as WeChat and as those who pretend to be WeChat knock at it."""

import logging
from time import time

import pytest
from flask import Flask
from sqlalchemy import text as sql

from bot.bot import Bot, BotConfig
from bot.crypto import BODY_BYTES_MAX
from bot.webhook import create_blueprint
from tests.bot.conftest import KEY, NUMBER, busy
from tests.fakes.wechat_envelope import WeChatSide, event_xml, message_xml, text_xml

ID = "11010519491231002X"


def post(client, delivery, **changes):
    return client.post("/wechat", query_string={**delivery.params, **changes}, data=delivery.body)


def say(client, wechat, content, openid="citizen", **more):
    response = post(client, wechat.deliver(text_xml(openid, content, **more)))
    assert response.status_code == 200
    return wechat.open_reply(response.data).get("Content", "")


def stored(engine):
    with engine.connect() as connection:
        rows = [
            tuple(row)
            for table in ("bot_inbox", "bot_sessions", "bot_outbox")
            for row in connection.execute(sql(f"SELECT * FROM {table}"))
        ]
    return repr(rows)


def test_wechats_url_check_is_answered_with_its_own_word(client, wechat):
    response = client.get("/wechat", query_string=wechat.url_check("5837397520665436492"))
    assert (response.status_code, response.data) == (200, b"5837397520665436492")
    assert response.mimetype == "text/plain"  # an echo is no page


@pytest.mark.parametrize(
    "changes", [{"signature": "0" * 40}, {"nonce": "other"}, {"timestamp": "1"}, {"signature": ""}]
)
def test_a_strangers_url_check_is_refused_and_not_echoed(client, wechat, changes):
    response = client.get("/wechat", query_string={**wechat.url_check("<script>"), **changes})
    assert response.status_code == 403
    assert b"script" not in response.data


def test_a_stale_url_check_is_refused(client, wechat):
    assert client.get("/wechat", query_string=wechat.url_check("x", timestamp=int(time()) - 301)).status_code == 403


def test_a_sealed_question_gets_a_sealed_answer(client, wechat):
    delivery = wechat.deliver(text_xml("citizen", f"进度 {NUMBER}"))
    answer = wechat.open_reply(post(client, delivery).data)
    assert (answer["Content"], answer["ToUserName"], answer["FromUserName"]) == (
        f"progress|{NUMBER}",
        "citizen",
        "gh_1",
    )


def test_nothing_to_say_is_success(client, wechat):
    for xml in (
        event_xml("citizen", "unsubscribe"),
        event_xml("citizen", "VIEW", key="http://x"),
        event_xml("citizen", "no_such_event"),
    ):
        response = post(client, wechat.deliver(xml))
        assert (response.status_code, response.data) == (200, b"success")


def test_the_sender_is_who_the_sealed_part_says_not_the_url(client, wechat, deeds):
    assert (
        post(client, wechat.deliver(text_xml("citizen", "#待办"), openid="officer"), openid="officer").status_code
        == 200
    )
    assert deeds.calls["todo"] == 0


def test_compatible_mode_reads_only_the_sealed_part(client, wechat, deeds):
    delivery = wechat.deliver(text_xml("citizen", "进度"))
    plain = text_xml("officer", "#待办").removeprefix("<xml>").removesuffix("</xml>")
    both = type(delivery)(delivery.params, delivery.body.replace(b"</xml>", plain.encode() + b"</xml>"))
    assert wechat.open_reply(post(client, both).data)["ToUserName"] == "citizen"
    assert dict(deeds.calls) == {"progress": 1}


@pytest.mark.parametrize("encrypt_type", [None, "raw", "aes"])
def test_plain_mode_is_refused_by_default(client, wechat, deeds, encrypt_type):
    delivery = wechat.deliver_plain(text_xml("citizen", "进度"))
    changes = {} if encrypt_type is None else {"encrypt_type": encrypt_type}
    assert post(client, delivery, **changes).status_code == 403
    assert not deeds.calls


@pytest.fixture
def plain_client(router, engine):
    config = BotConfig(
        app_id="wx1234567890abcdef", token="spamtest", encoding_aes_key=KEY, app_secret="s", allow_plain=True
    )
    app = Flask(__name__)
    app.register_blueprint(create_blueprint(Bot(config, router, engine, busy=busy)))
    return app.test_client()


def test_plain_mode_answers_a_question_but_never_an_officer_and_never_acts(plain_client, wechat, deeds):
    def plain(openid, content):
        return post(plain_client, wechat.deliver_plain(text_xml(openid, content))).data.decode()

    assert f"progress|{NUMBER}" in plain("citizen", f"进度 {NUMBER}")
    for content in ("#待办", f"#批准 {NUMBER}", "123456", "确认 3", "钱收到了"):
        plain("officer", content)
    assert deeds.done == []
    assert not {"todo", "approve", "code"} & set(deeds.calls)


def test_plain_mode_still_wants_its_signature_and_its_time(plain_client, wechat):
    delivery = wechat.deliver_plain(text_xml("citizen", "进度"))
    assert post(plain_client, delivery, signature="0" * 40).status_code == 403
    assert (
        post(plain_client, wechat.deliver_plain(text_xml("citizen", "进度"), timestamp=int(time()) - 400)).status_code
        == 403
    )
    assert post(plain_client, delivery, encrypt_type="aes").status_code == 403


def hostile(wechat):
    good = wechat.deliver(text_xml("citizen", "密密麻麻的话"))
    foreign = WeChatSide(wechat.token, wechat.encoding_aes_key, "wx0000000000000000")
    laughs = '<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><xml><FromUserName>citizen</FromUserName><Content>&b;</Content></xml>'
    outside = '<!DOCTYPE l [<!ENTITY f SYSTEM "file:///etc/passwd">]><xml><Content>&f;</Content></xml>'
    sealed = wechat.seal_bytes(wechat.content(b"<xml>" + b" " * 60 + b"</xml>")[:64] + b"\x00" * 32)
    return {
        "signature": (type(good)({**good.params, "msg_signature": "f" * 40}, good.body), 403),
        "stale": (wechat.deliver(text_xml("citizen", "密密麻麻的话"), timestamp=int(time()) - 301), 403),
        "future": (wechat.deliver(text_xml("citizen", "密密麻麻的话"), timestamp=int(time()) + 301), 403),
        "app_id": (foreign.deliver(text_xml("citizen", "密密麻麻的话")), 403),
        "oversized": (type(good)(good.params, good.body + b" " * BODY_BYTES_MAX), 413),
        "padding": (wechat.deliver_sealed(sealed), 400),
        "laughs": (wechat.deliver(laughs), 400),
        "outside": (wechat.deliver(outside), 400),
        "no xml": (wechat.deliver("密密麻麻的话"), 400),
        "old inside": (wechat.deliver(text_xml("citizen", "密密麻麻的话", created=int(time()) - 3600)), 403),
        "empty": (type(good)(good.params, b""), 403),
        "no parameters": (type(good)({}, good.body), 403),
    }  # fmt: skip


@pytest.mark.parametrize(
    "attack",
    [
        "signature",
        "stale",
        "future",
        "app_id",
        "oversized",
        "padding",
        "laughs",
        "outside",
        "no xml",
        "old inside",
        "empty",
        "no parameters",
    ],
)
def test_a_hostile_delivery_is_refused_with_one_log_line_and_nothing_stored(
    client, wechat, engine, deeds, caplog, attack
):
    delivery, status = hostile(wechat)[attack]
    with caplog.at_level(logging.DEBUG):
        response = post(client, delivery)
    assert response.status_code == status
    assert len(caplog.records) == 1
    assert "密密麻麻" not in caplog.text + response.data.decode()
    assert stored(engine) == "[]"
    assert not deeds.calls


def test_an_oversized_body_is_not_read_to_its_end(client, wechat):
    delivery = wechat.deliver("<xml/>")
    assert client.post("/wechat", query_string=delivery.params, data=b"x" * (10 * BODY_BYTES_MAX)).status_code == 413


def test_an_answer_may_hold_the_end_of_cdata(client, wechat):
    assert say(client, wechat, "回执 a]]>b") == "receipt|a]]>b"


def test_an_id_number_is_neither_stored_nor_logged_nor_answered(client, wechat, engine, caplog):
    with caplog.at_level(logging.DEBUG):
        answers = [
            say(client, wechat, f"进度 {ID}"),
            say(client, wechat, "计数"),
            say(client, wechat, "我的身份证号是110105 19491231 002x"),
        ]
    assert answers[0] == "masked|"
    assert not any(
        run in stored(engine) + caplog.text + "".join(answers) for run in (ID, ID.lower(), ID[:-1], "19491231")
    )


def test_no_words_openid_or_secret_reach_a_log_line(client, wechat, caplog):
    with caplog.at_level(logging.DEBUG):
        say(client, wechat, "我叫王桂兰", openid="oSECRETopenid")
        post(client, wechat.deliver(text_xml("oSECRETopenid", "x")), msg_signature="0")
    for word in ("王桂兰", "oSECRETopenid", wechat.token, wechat.encoding_aes_key):
        assert word not in caplog.text


def test_a_broken_handler_is_told_kindly_and_logged_without_the_words(client, wechat, deeds, caplog):
    def fail(request):
        raise RuntimeError(request.text)

    deeds.before_answer = fail
    assert say(client, wechat, "进度 9999") == "failed"
    assert "RuntimeError" in caplog.text
    assert "进度 9999" not in caplog.text
    deeds.before_answer = lambda request: None
    assert say(client, wechat, "进度 9999") == "progress|9999"


def test_voice_pictures_and_menu_keys_find_their_way(client, wechat):
    def content(xml):
        return wechat.open_reply(post(client, wechat.deliver(xml)).data)["Content"]

    assert content(message_xml("citizen", "voice", MediaId="m", Recognition="我的补贴。")) == "my payments|"
    assert content(message_xml("citizen", "voice", MediaId="m", Recognition="")) == "deaf|"
    assert content(message_xml("citizen", "image", MediaId="m", PicUrl="http://x")) == "lost|"
    assert content(event_xml("citizen", "CLICK", key="菜单")) == "menu|"
    assert content(event_xml("citizen", "subscribe", key="")) == "welcome|"


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_other_methods_are_not_there(client, method):
    assert getattr(client, method)("/wechat").status_code == 405


def test_what_breaks_outside_a_handler_is_told_without_the_words_and_the_next_is_answered(
    client, bot, wechat, monkeypatch, caplog
):
    def fail(message, *, sealed):
        raise RuntimeError(message.content, sealed)

    monkeypatch.setattr(bot, "answer", fail)
    response = post(client, wechat.deliver(text_xml("citizen", "密密麻麻")))
    assert (response.status_code, response.data) == (500, b"")
    assert "RuntimeError" in caplog.text
    assert "密密麻麻" not in caplog.text
    monkeypatch.undo()
    assert say(client, wechat, f"进度 {NUMBER}") == f"progress|{NUMBER}"


def test_every_other_path_is_the_apps_own(client, wechat):
    @client.application.post("/<path:rest>")
    def rest(rest):
        return rest

    delivery = wechat.deliver(text_xml("citizen", "进度"))
    for path in ("wechat/", "wechat/x", "WECHAT", "xwechat"):
        response = client.post(f"/{path}", query_string=delivery.params, data=delivery.body)
        assert response.data.decode() == path
