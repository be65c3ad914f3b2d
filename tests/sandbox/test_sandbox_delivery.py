import logging
import threading

import pytest

from bot.sandbox.delivery import UNAVAILABLE
from bot.sandbox.world import LINES_A_CHAT_MAX, WAITING_A_CHAT_MAX, Kind
from tests.sandbox.fake_account import echo, seal, text_answer
from tests.sandbox.rig import NODE, OTHER, Rig, until


def test_a_late_account_is_asked_three_times_with_one_message_id(hasty: Rig):
    never = threading.Event()
    hasty.account.answer = lambda message: echo(message) if never.wait(30) else ""
    sent = hasty.send(text="进度")
    try:
        until(lambda: len(hasty.lines()) == 2)
    finally:
        never.set()
    tries = hasty.account.heard
    assert len(tries) == 3
    assert len({heard.message["MsgId"] for heard in tries}) == 1
    assert len({heard.query["nonce"] for heard in tries}) == 3
    assert len({heard.body for heard in tries}) == 3
    shown = hasty.lines(after=sent)
    assert [(line["text"], line["kind"], line["from"]) for line in shown] == [(UNAVAILABLE, "event", NODE)]


def test_a_late_event_is_repeated_to_the_letter(hasty: Rig):
    never = threading.Event()
    hasty.account.answer = lambda message: echo(message) if never.wait(30) else ""
    hasty.send(event="CLICK", key="k")
    try:
        until(lambda: len(hasty.lines()) == 2)
    finally:
        never.set()
    first, *others = [heard.message for heard in hasty.account.heard]
    assert others == [first, first]


def test_the_second_try_answers_and_the_first_answer_is_thrown_away(hasty: Rig):
    first = threading.Event()

    def answer(message):
        if len(hasty.account.heard) == 1:
            first.wait(30)
            return text_answer(message, "too late")
        return text_answer(message, "in time")

    hasty.account.answer = answer
    sent = hasty.send(text="进度")
    until(lambda: len(hasty.lines()) == 2)
    first.set()
    assert hasty.answers(sent) == ["in time"]
    assert len(hasty.account.heard) == 2


def test_each_try_is_stamped_with_its_own_time(rig: Rig):
    def answer(message):
        rig.account.status = 500 if len(rig.account.heard) < 3 else 200
        rig.clock.pass_(seconds=5)
        return echo(message)

    rig.account.answer = answer
    sent = rig.send(text="进度")
    assert rig.answers(sent) == ["echo 进度"]
    times = [int(heard.query["timestamp"]) for heard in rig.account.heard]
    assert times == [times[0], times[0] + 5, times[0] + 10]
    assert len({heard.message["CreateTime"] for heard in rig.account.heard}) == 1


@pytest.mark.parametrize("status", [302, 400, 403, 404, 500, 503])
def test_a_failing_account_is_asked_three_times(rig: Rig, status):
    rig.account.status = status
    sent = rig.send(text="进度")
    assert rig.answers(sent) == [UNAVAILABLE]
    assert len(rig.account.heard) == 3


def test_an_unreachable_account_is_out_of_service(rig: Rig):
    sent = rig.send(node=OTHER, text="进度")
    assert rig.answers(sent, node=OTHER) == [UNAVAILABLE]


@pytest.mark.parametrize(
    "reply",
    [b"<xml>", b"{}", b"ok", b"x" * 70_000, seal("<xml/>"), seal("<xml>", token="other")],
    ids=["torn", "json", "words", "long", "empty", "foreign"],
)
def test_a_malformed_answer_shows_that_the_account_is_out_of_service(rig: Rig, reply):
    rig.account.answer = lambda _: reply
    sent = rig.send(text="进度")
    assert rig.answers(sent) == [UNAVAILABLE]
    assert len(rig.account.heard) == (3 if len(reply) > 65_536 else 1)


@pytest.mark.parametrize("reply", [b"", b"success"])
def test_an_account_with_nothing_to_say_shows_nothing_and_is_not_asked_again(rig: Rig, reply):
    rig.account.answer = lambda _: reply
    sent = rig.send(text="进度")
    assert rig.answers(sent) == []
    assert len(rig.account.heard) == 1


def test_a_chats_messages_arrive_in_order_and_each_once(rig: Rig):
    for number in range(50):
        rig.send(text=str(number))
    rig.settle()
    assert [heard.message["Content"] for heard in rig.account.heard] == [str(number) for number in range(50)]
    ids = [heard.message["MsgId"] for heard in rig.account.heard]
    assert ids == sorted(set(ids), key=int)
    assert [line["text"] for line in rig.lines() if line["from"] == NODE] == [f"echo {n}" for n in range(50)]


def test_a_slow_chat_does_not_hold_up_another(rig: Rig):
    stuck = threading.Event()
    rig.account.answer = lambda message: echo(message) if message["FromUserName"] != "wang" or stuck.wait(30) else ""
    rig.send("wang", text="慢")
    sent = rig.send("lin", text="快")
    try:
        assert rig.answers(sent, "lin") == ["echo 快"]
        assert rig.sandbox.world.is_answering("wang", NODE)
    finally:
        stuck.set()


def test_what_many_people_send_at_once_has_increasing_ids_and_nothing_is_lost(rig: Rig):
    def talk(openid):
        for number in range(10):
            rig.app.test_client().post("/api/messages", json={"openid": openid, "node": NODE, "text": str(number)})

    people = [f"p{number}" for number in range(8)]
    threads = [threading.Thread(target=talk, args=(openid,)) for openid in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for openid in people:
        rig.settle(openid)
        ids = [line["id"] for line in rig.lines(openid)]
        assert len(ids) == 20
        assert ids == sorted(set(ids))
        assert [heard.message["Content"] for heard in rig.account.heard if heard.query["openid"] == openid] == [
            str(number) for number in range(10)
        ]


def test_a_queue_has_an_end(rig: Rig):
    stuck = threading.Event()
    rig.account.answer = lambda message: echo(message) if stuck.wait(30) else ""
    try:
        rig.send(text="first")
        until(lambda: rig.account.heard)
        statuses = [rig.post(text="x").status_code for _ in range(WAITING_A_CHAT_MAX + 1)]
    finally:
        rig.app.extensions["sandbox"].courier._closing.set()
        stuck.set()
    assert statuses == [200] * WAITING_A_CHAT_MAX + [429]


def test_no_log_line_holds_content_or_a_signature(rig: Rig, caplog):
    caplog.set_level(logging.DEBUG)
    rig.account.status = 500
    rig.send(text="我的身份证号")
    rig.settle()
    own = [record.getMessage() for record in caplog.records if record.name.startswith("bot.sandbox")]
    assert len(own) == 3
    for line in own:
        assert "身份证" not in line
        assert rig.account.heard[0].query["msg_signature"] not in line


def test_an_answer_that_dribbles_in_beyond_the_deadline_is_late(hasty: Rig):
    hasty.account.dribble_seconds = 0.05  # each byte in time, the whole never
    sent = hasty.send(text="进度")
    assert hasty.answers(sent) == [UNAVAILABLE]
    assert len(hasty.account.heard) == 3


def test_a_courier_that_breaks_down_does_not_silence_the_chat(rig: Rig, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(rig.sandbox.world, "show", lambda *_: 1 / 0)
        rig.send(text="一")
        rig.settle()
    sent = rig.send(text="二")
    assert rig.answers(sent) == ["echo 二"]


def test_strangers_are_bounded(rig: Rig, monkeypatch):
    monkeypatch.setattr("bot.sandbox.world.CHATS_MAX", 7)  # three people at two accounts are six
    assert [rig.post(openid, text="x").status_code for openid in ("a", "b", "a", "wang")] == [200, 429, 200, 200]


def test_a_history_is_bounded_and_loses_the_oldest(rig: Rig):
    for number in range(LINES_A_CHAT_MAX + 5):
        rig.sandbox.world.show(("wang", NODE), str(number), Kind.TEXT)
    lines = rig.lines()
    assert (len(lines), lines[0]["text"]) == (LINES_A_CHAT_MAX, "5")
