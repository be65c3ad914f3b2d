from typing import Any

import pytest

from bot.sandbox.quotas import CALLS_A_DAY_MAX
from tests.sandbox.fake_account import APP_ID
from tests.sandbox.rig import NODE, SECRET, Rig

MENU: dict[str, Any] = {
    "button": [
        {"type": "click", "name": "查进度", "key": "progress"},
        {"name": "更多", "sub_button": [{"type": "view", "name": "帮助", "url": "https://x.test/"}]},
    ]
}
NOTICE: dict[str, Any] = {"touser": "wang", "template_id": "a-template", "data": {"thing1": {"value": "临时救助"}}}


def stable(rig: Rig, **change: object) -> Any:
    body = {"grant_type": "client_credential", "appid": APP_ID, "secret": SECRET} | change
    return rig.http.post("/cgi-bin/stable_token", json=body).get_json()


def info_code(rig: Rig, token: str) -> Any:
    query = {"access_token": token, "openid": "wang"}
    return rig.http.get("/cgi-bin/user/info", query_string=query).get_json().get("errcode", 0)


def test_a_pushed_message_is_a_notice_in_the_chat(rig: Rig):
    assert rig.push(content="钱到了") == 0
    (line,) = rig.lines()
    assert (line["from"], line["kind"], line["text"]) == (NODE, "notice", "钱到了")
    assert rig.account.heard == []


def test_a_missing_token_is_41001_and_a_wrong_one_40001(rig: Rig):
    assert rig.push(token="") == 41001
    assert rig.push(token="x" * 86) == 40001
    assert rig.push(token="é") == 40001


def test_a_new_token_kills_the_one_before(rig: Rig):
    old = rig.token()
    new = rig.token()
    assert info_code(rig, old) == 40001
    assert info_code(rig, new) == 0


def test_a_token_ends_after_7200_seconds(rig: Rig):
    token = rig.token()
    rig.clock.pass_(seconds=7199)
    assert info_code(rig, token) == 0
    rig.clock.pass_(seconds=1)
    assert info_code(rig, token) == 42001


def test_the_stable_token_stays_the_same_with_less_time_left(rig: Rig):
    first = stable(rig)
    rig.clock.pass_(seconds=6899)
    again = stable(rig)
    assert (first["expires_in"], again["expires_in"]) == (7200, 301)
    assert first["access_token"] == again["access_token"]


def test_in_the_last_five_minutes_the_old_and_the_new_stable_token_are_both_good(rig: Rig):
    old = stable(rig)["access_token"]
    rig.clock.pass_(seconds=6900)
    new = stable(rig)["access_token"]
    assert old != new
    assert (info_code(rig, old), info_code(rig, new)) == (0, 0)
    assert stable(rig)["access_token"] == new
    rig.clock.pass_(seconds=300)
    assert (info_code(rig, old), info_code(rig, new)) == (42001, 0)


def test_a_forced_stable_token_kills_the_others_and_leaves_the_plain_one(rig: Rig):
    plain, old = rig.token(), stable(rig)["access_token"]
    new = stable(rig, force_refresh=True)["access_token"]
    assert (info_code(rig, plain), info_code(rig, old), info_code(rig, new)) == (0, 40001, 0)


@pytest.mark.parametrize(
    ("change", "errcode"),
    [
        ({"grant_type": "password"}, 40002),
        ({"appid": ""}, 41002),
        ({"secret": ""}, 41004),
        ({"appid": "wx-nobody"}, 40013),
        ({"secret": "wrong"}, 40125),
        ({"secret": 7}, 40125),
    ],
)
def test_wrong_credentials_get_their_own_code(rig: Rig, change, errcode):
    assert stable(rig, **change)["errcode"] == errcode


def test_one_accounts_token_does_not_speak_for_another(rig: Rig):
    query = {"grant_type": "client_credential", "appid": "wx-other", "secret": "another-secret"}
    other = rig.http.get("/cgi-bin/token", query_string=query).get_json()["access_token"]
    rig.push(token=other)
    assert rig.lines() == []


def test_the_48_hours_end_with_45015_and_a_message_opens_them_again(rig: Rig):
    rig.clock.pass_(hours=48)
    assert rig.push() == 0
    rig.clock.pass_(seconds=1)
    assert rig.push() == 45015
    rig.send(text="在吗")
    assert rig.push() == 0


def test_twenty_messages_in_a_row_and_no_more(rig: Rig):
    assert [rig.push() for _ in range(21)] == [0] * 20 + [45047]
    rig.send(text="在吗")
    assert rig.push() == 0


@pytest.mark.parametrize(
    "event", [{"event": "CLICK", "key": "k"}, {"event": "subscribe"}, {"event": "SCAN", "scene": "s"}]
)
def test_a_tap_opens_three_messages_for_a_minute(rig: Rig, event):
    rig.clock.pass_(hours=49)
    rig.send(**event)
    rig.clock.pass_(seconds=60)
    assert [rig.push() for _ in range(4)] == [0, 0, 0, 45047]
    rig.send(**event)
    rig.clock.pass_(seconds=61)
    assert rig.push() == 45015


def test_who_left_is_43004_and_who_never_came_40003(rig: Rig):
    rig.send(event="unsubscribe")
    assert rig.push() == 43004
    assert rig.push("nobody") == 40003
    assert (
        rig.call("message/custom/send", {"touser": 5, "msgtype": "text", "text": {"content": "x"}})["errcode"] == 40003
    )


def test_a_text_of_2048_bytes_is_pushed_and_one_of_2049_is_45002(rig: Rig):
    assert rig.push(content="字" * 682 + "ab") == 0
    assert rig.push(content="字" * 683) == 45002


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        (b"", 44002),
        (b"{", 47001),
        (b"[]", 47001),
        (b'{"touser": "wang", "msgtype": "text", "text": {"content": "\\ud800"}}', 47001),
        (b'{"touser": "wang", "msgtype": "wxcard"}', 40008),
        (b'{"touser": "wang", "msgtype": "text"}', 44004),
        (b'{"touser": "wang", "msgtype": "text", "text": {"content": ""}}', 44004),
    ],
)
def test_a_malformed_call_gets_its_own_code(rig: Rig, body, errcode):
    response = rig.http.post("/cgi-bin/message/custom/send", query_string={"access_token": rig.token()}, data=body)
    assert response.status_code == 200
    assert response.get_json()["errcode"] == errcode
    assert rig.lines() == []


def test_the_wrong_method_gets_its_own_code(rig: Rig):
    assert rig.call("message/custom/send", method="GET")["errcode"] == 43002
    assert rig.call("menu/get", {})["errcode"] == 43001


def test_the_daily_quota_ends_with_45009_and_comes_back_at_midnight_in_beijing(rig: Rig):
    quota = rig.sandbox.world.states[APP_ID].quota
    token = rig.token()
    assert rig.push(token=token) == 0
    quota.calls["custom/send"] = CALLS_A_DAY_MAX["custom/send"] - 1
    assert [rig.push(token=token) for _ in range(2)] == [0, 45009]
    rig.clock.pass_(hours=7)  # it was 17:00 in Beijing
    assert rig.push() == 0


def test_the_2001st_token_of_a_day_is_45009(rig: Rig):
    quota = rig.sandbox.world.states[APP_ID].quota
    rig.token()
    quota.calls["token"] = 2000
    query = {"grant_type": "client_credential", "appid": APP_ID, "secret": SECRET}
    assert rig.http.get("/cgi-bin/token", query_string=query).get_json()["errcode"] == 45009


def test_a_notice_needs_one_tap_each_and_the_account_hears_that_it_was_sent(rig: Rig):
    assert rig.call("message/subscribe/bizsend", NOTICE)["errcode"] == 43101
    rig.send(event="subscribe_msg_popup_event", key="a-template")
    rig.clock.pass_(hours=100)  # no 48 hours for these
    assert [rig.call("message/subscribe/bizsend", NOTICE)["errcode"] for _ in range(2)] == [0, 43101]
    rig.settle()
    assert [line["text"] for line in rig.lines() if line["kind"] == "notice"] == ["临时救助"]
    popup, sent = (heard.message for heard in rig.account.heard)
    choice = popup["SubscribeMsgPopupEvent"]["List"]
    assert (choice["TemplateId"], choice["SubscribeStatusString"]) == ("a-template", "accept")
    assert sent["Event"] == "subscribe_msg_sent_event"
    assert sent["SubscribeMsgSentEvent"]["List"]["ErrorStatus"] == "success"


def test_leaving_takes_the_agreed_notices_along(rig: Rig):
    rig.send(event="subscribe_msg_popup_event", key="a-template")
    rig.send(event="unsubscribe")
    assert rig.call("message/subscribe/bizsend", NOTICE)["errcode"] == 43004
    rig.send(event="subscribe")
    assert rig.call("message/subscribe/bizsend", NOTICE)["errcode"] == 43101


@pytest.mark.parametrize(
    ("change", "errcode"),
    [
        ({"template_id": "another"}, 40037),
        ({"template_id": None}, 40037),
        ({"touser": "nobody"}, 40003),
        ({"data": None}, 47003),
        ({"data": {}}, 47003),
        ({"data": {"thing1": {"value": "字" * 21}}}, 47003),
        ({"data": {"thing1": {"value": ""}}}, 47003),
        ({"data": {"thing1": "x"}}, 47003),
        ({"data": {"secret1": {"value": "x"}}}, 47003),
        ({"data": {"phrase3": {"value": "已经到账了"}}}, 0),
        ({"data": {"phrase3": {"value": "已经到账了吗"}}}, 47003),
        ({"data": {"character_string2": {"value": 21261030004787}}}, 0),
    ],
)
def test_a_notice_is_checked_as_tencent_checks_it(rig: Rig, change, errcode):
    rig.send(event="subscribe_msg_popup_event", key="a-template")
    assert rig.call("message/subscribe/bizsend", NOTICE | change)["errcode"] == errcode


def test_a_menu_is_put_up_read_and_taken_down(rig: Rig):
    assert rig.call("menu/get", method="GET")["errcode"] == 46003
    assert rig.call("menu/create", MENU)["errcode"] == 0
    assert rig.call("menu/get", method="GET") == {"menu": MENU}
    chat = rig.http.get("/api/chat", query_string={"openid": "wang", "node": NODE}).get_json()
    assert chat["menu"] == MENU["button"]
    assert rig.call("menu/delete", method="GET")["errcode"] == 0
    assert rig.call("menu/get", method="GET")["errcode"] == 46003


def button(**change: object) -> dict[str, Any]:
    return {"button": [{"type": "click", "name": "查", "key": "k"} | change]}


@pytest.mark.parametrize(
    ("menu", "errcode"),
    [
        ([], 47001),
        ({}, 40016),
        ({"button": []}, 40016),
        ({"button": button()["button"] * 3}, 0),
        ({"button": button()["button"] * 4}, 40016),
        ({"button": ["x"]}, 40016),
        (button(name=""), 40018),
        (button(name="查" * 5), 0),
        (button(name="查" * 6), 40018),
        (button(key=""), 40019),
        (button(key="k" * 129), 40019),
        (button(type="launch"), 40015),
        (button(type="view"), 40020),
        (button(type="view", url="javascript:alert(1)"), 40054),
        (button(type="view", url="https://" + "x" * 1017), 40020),
        (button(sub_button=button()["button"] * 5), 0),
        (button(sub_button=button()["button"] * 6), 40023),
        (button(sub_button=button(name="查" * 21)["button"]), 40025),
    ],
)
def test_a_menu_is_held_to_tencents_sizes(rig: Rig, menu, errcode):
    assert rig.call("menu/create", menu)["errcode"] == errcode


def test_a_followers_record_says_since_when(rig: Rig):
    query = {"access_token": rig.token(), "openid": "wang"}
    info = rig.http.get("/cgi-bin/user/info", query_string=query).get_json()
    assert (info["subscribe"], info["subscribe_time"]) == (1, int(rig.clock.time.timestamp()))
    rig.send(event="unsubscribe")
    assert rig.http.get("/cgi-bin/user/info", query_string=query).get_json() == {"subscribe": 0, "openid": "wang"}
