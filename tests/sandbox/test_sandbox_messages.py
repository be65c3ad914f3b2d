import json
from datetime import datetime

import pytest

from tests.sandbox.fake_account import text_answer
from tests.sandbox.rig import NODE, OTHER, Rig


def test_a_text_goes_out_sealed_and_its_answer_comes_back_above_its_id(rig: Rig):
    sent = rig.send(text="进度")
    assert rig.answers(sent) == ["echo 进度"]
    mine, theirs = rig.lines()
    assert set(mine) == set(theirs) == {"id", "from", "text", "time", "kind"}
    assert (mine["id"], mine["from"], mine["text"], mine["kind"]) == (sent, "me", "进度", "text")
    assert (theirs["from"], theirs["kind"]) == (NODE, "text")
    assert theirs["id"] > sent
    assert datetime.fromisoformat(mine["time"]) == rig.clock.time


def test_after_leaves_out_what_was_seen(rig: Rig):
    sent = rig.send(text="一")
    rig.settle()
    assert [line["id"] for line in rig.lines(after=sent)] == [line["id"] for line in rig.lines()][1:]
    assert rig.lines(after=rig.lines()[-1]["id"]) == []


def test_one_persons_chats_are_apart(rig: Rig):
    rig.send(text="一")
    rig.settle()
    assert rig.lines("wang", OTHER) == rig.lines("lin") == []


def test_the_delivery_says_who_when_and_what_in_wechats_words(rig: Rig):
    rig.send(text="你好 ]]> <b>&amp;")
    rig.settle()
    heard = rig.account.heard[0]
    assert heard.message["FromUserName"] == heard.query["openid"] == "wang"
    assert heard.message["ToUserName"].startswith("gh_")
    assert heard.message["CreateTime"] == heard.query["timestamp"] == str(int(rig.clock.time.timestamp()))
    assert (heard.message["MsgType"], heard.message["Content"]) == ("text", "你好 ]]> <b>&amp;")
    assert heard.query["encrypt_type"] == "aes"
    assert "bizmsgmenuid" not in heard.message


def test_a_tapped_link_carries_its_menu_id_and_shows_the_anchors_as_they_came(rig: Rig):
    anchor = '<a href="weixin://bizmsgmenu?msgmenucontent=进度&msgmenuid=7">看</a>'
    rig.account.answer = lambda message: text_answer(message, anchor)
    sent = rig.send(text="进度", bizmsgmenuid="7")
    assert rig.answers(sent) == [anchor]
    rig.send(text="进度", msgmenuid=8)
    rig.settle()
    assert [heard.message["bizmsgmenuid"] for heard in rig.account.heard] == ["7", "8"]


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ({"event": "subscribe"}, {"Event": "subscribe", "EventKey": None}),
        ({"event": "subscribe", "scene": "s1"}, {"Event": "subscribe", "EventKey": "qrscene_s1"}),
        ({"event": "unsubscribe"}, {"Event": "unsubscribe", "EventKey": None}),
        ({"event": "SCAN", "scene": "s1"}, {"Event": "SCAN", "EventKey": "s1"}),
        ({"event": "SCAN", "scene": 17}, {"Event": "SCAN", "EventKey": "17"}),
        ({"event": "CLICK", "key": "progress"}, {"Event": "CLICK", "EventKey": "progress"}),
        ({"event": "VIEW", "key": "http://x.test/"}, {"Event": "VIEW", "EventKey": "http://x.test/"}),
    ],
)
def test_an_event_is_told_as_wechat_tells_it(rig: Rig, what, expected):
    sent = rig.send(**what)
    rig.settle()
    message = rig.account.heard[0].message
    assert {name: message[name] for name in expected} == expected
    assert message["MsgType"] == "event"
    assert "MsgId" not in message
    assert (rig.lines()[0]["id"], rig.lines()[0]["kind"], rig.lines()[0]["from"]) == (sent, "event", "me")


def test_a_stranger_follows_by_writing_and_hears_only_the_answer(rig: Rig):
    sent = rig.send("a-stranger_1", text="在吗")
    assert rig.answers(sent, "a-stranger_1") == ["echo 在吗"]
    assert rig.push("a-stranger_1") == 0


@pytest.mark.parametrize("before", [[], ["unsubscribe"]])
def test_a_scan_by_someone_who_does_not_follow_is_a_new_follower(rig: Rig, before):
    for event in before:
        rig.send("a-stranger", event=event)
    rig.send("a-stranger", event="SCAN", scene="desk")
    rig.settle("a-stranger")
    message = rig.account.heard[-1].message
    assert (message["Event"], message["EventKey"]) == ("subscribe", "qrscene_desk")


def test_who_left_hears_nothing_more_and_must_follow_before_writing(rig: Rig):
    left = rig.send(event="unsubscribe")
    assert rig.answers(left) == []
    refused = rig.post(text="还在吗")
    assert refused.status_code == 400
    assert "subscribe" in refused.get_json()["detail"]
    assert rig.post(event="CLICK", key="k").status_code == 400
    back = rig.send(event="subscribe")
    assert rig.answers(back) == ["echo subscribe"]
    rig.send(text="在的")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b"[" * 60_000,
        json.dumps({"node": NODE, "text": "x"}).encode(),
        json.dumps({"openid": 5, "node": NODE, "text": "x"}).encode(),
        json.dumps({"openid": "", "node": NODE, "text": "x"}).encode(),
        json.dumps({"openid": "a b", "node": NODE, "text": "x"}).encode(),
        json.dumps({"openid": "x" * 65, "node": NODE, "text": "x"}).encode(),
        json.dumps({"openid": "wang", "text": "x"}).encode(),
        json.dumps({"openid": "wang", "node": "教育局", "text": "x"}).encode(),
        json.dumps({"openid": "wang", "node": NODE}).encode(),
        json.dumps({"openid": "wang", "node": NODE, "text": "x", "event": "CLICK"}).encode(),
        json.dumps({"openid": "wang", "node": NODE, "text": None}).encode(),
        json.dumps({"openid": "wang", "node": NODE, "text": " \n"}).encode(),
        json.dumps({"openid": "wang", "node": NODE, "text": "x" * 4097}).encode(),
        json.dumps({"openid": "wang", "node": NODE, "text": "\x00"}).encode(),
        json.dumps({"openid": "wang", "node": NODE, "text": "\ud800"}).encode(),
        json.dumps({"openid": "wang", "node": NODE, "text": "x", "bizmsgmenuid": []}).encode(),
        json.dumps({"openid": "wang", "node": NODE, "event": "LAUNCH"}).encode(),
        json.dumps({"openid": "wang", "node": NODE, "event": "CLICK"}).encode(),
        json.dumps({"openid": "wang", "node": NODE, "event": "CLICK", "key": ""}).encode(),
        json.dumps({"openid": "wang", "node": NODE, "event": "SCAN", "key": "x"}).encode(),
    ],
)
def test_a_bad_post_is_refused_with_the_mend_and_changes_nothing(rig: Rig, body):
    response = rig.http.post("/api/messages", data=body)
    assert response.status_code == 400
    assert response.content_type == "application/problem+json"
    assert response.get_json()["detail"]
    assert rig.lines() == []
    assert rig.account.heard == []


def test_the_longest_text_is_just_taken(rig: Rig):
    rig.send(text="字" * 4096)


def test_a_body_beyond_the_limit_is_not_read(rig: Rig):
    assert rig.http.post("/api/messages", data=b"x" * 65_537).status_code == 413


@pytest.mark.parametrize(
    "query", [{}, {"openid": "wang"}, {"openid": "wang", "node": "教育局"}, {"openid": "a b", "node": NODE}]
)
def test_a_reader_must_say_who_and_where(rig: Rig, query):
    assert rig.http.get("/api/messages", query_string=query).status_code == 400


@pytest.mark.parametrize("after", ["x", "-1", "1.5", "９", "1" * 19])
def test_after_is_a_whole_number(rig: Rig, after):
    query = {"openid": "wang", "node": NODE, "after": after}
    assert rig.http.get("/api/messages", query_string=query).status_code == 400


def test_reading_a_strangers_chat_makes_nobody(rig: Rig):
    assert rig.lines("never-seen") == []
    assert rig.push("never-seen") == 40003


@pytest.mark.parametrize("host", ["evil.test", "127.0.0.1.evil.test", "10.0.0.1", "[2001:db8::1]", "a b", "[::1", ""])
def test_another_host_name_is_refused(rig: Rig, host):
    assert rig.http.get("/", headers={"Host": host}).status_code == 403


def test_another_machine_and_another_site_are_refused(rig: Rig):
    assert rig.http.get("/healthz", environ_base={"REMOTE_ADDR": "10.0.0.2"}).status_code == 403
    assert rig.http.get("/healthz", environ_base={"REMOTE_ADDR": "::1"}).status_code == 200
    assert rig.http.get("/healthz", headers={"Origin": "http://evil.test"}).status_code == 403
    assert rig.http.get("/healthz", headers={"Origin": "null"}).status_code == 403
    assert rig.http.get("/healthz", headers={"Origin": "http://localhost"}).status_code == 200
