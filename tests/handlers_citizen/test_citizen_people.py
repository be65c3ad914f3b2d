"""人工: what the department has set, honestly what it has not, and whether anybody is there now."""

from dataclasses import replace
from datetime import date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.citizen.people import contact
from handlers.citizen.voice import voice_for
from handlers.locale.formats import CHINA
from handlers.opening import parse_hours
from handlers.settings import Contact

WORKING = "工作日 9:00-12:00，13:30-17:00"


def at(day, clock):
    return datetime.combine(date.fromisoformat(day), time.fromisoformat(clock), CHINA)


@pytest.mark.parametrize(
    ("moment", "closes"),
    [
        (at("2026-11-23", "09:00"), time(12)),
        (at("2026-11-23", "08:59"), None),
        (at("2026-11-23", "11:59"), time(12)),
        (at("2026-11-23", "12:00"), None),
        (at("2026-11-23", "13:30"), time(17)),
        (at("2026-11-22", "10:00"), None),  # a Sunday
        (at("2026-10-01", "10:00"), None),  # National Day, a Thursday
        (at("2026-10-10", "10:00"), time(12)),  # a Saturday that is worked instead
        (at("2031-11-24", "10:00"), time(12)),  # no list yet: a Monday
        (at("2031-11-23", "10:00"), None),
    ],
)
def test_open_on_working_days_as_the_state_moves_them(moment, closes):
    hours = parse_hours(WORKING)
    assert hours is not None
    assert hours.closes_at(moment) == closes


@pytest.mark.parametrize(
    ("moment", "opens"),
    [
        (at("2026-11-23", "07:00"), at("2026-11-23", "09:00")),
        (at("2026-11-23", "12:30"), at("2026-11-23", "13:30")),
        (at("2026-11-23", "18:00"), at("2026-11-24", "09:00")),
        (at("2026-11-27", "18:00"), at("2026-11-30", "09:00")),  # Friday evening
        (at("2026-09-30", "18:00"), at("2026-10-08", "09:00")),  # before the holidays
    ],
)
def test_when_it_opens_next(moment, opens):
    hours = parse_hours(WORKING)
    assert hours is not None
    assert hours.opens_next(moment) == opens


@pytest.mark.parametrize(
    ("written", "weekdays", "spans"),
    [
        ("周一至周五 8:30-12:00 14:00-17:30", 5, [(time(8, 30), time(12)), (time(14), time(17, 30))]),
        ("周一到周六 上午8点半到11点半，下午2点到5点", 6, [(time(8, 30), time(11, 30)), (time(14), time(17))]),
        ("星期一—星期五（法定节假日除外）９：００～１７：００", 5, [(time(9), time(17))]),
        ("办公时间：周一至周五，上午9:00-12:00、下午1:30-5:00", 5, [(time(9), time(12)), (time(13, 30), time(17))]),
        ("每天 9:00-17:00", 7, [(time(9), time(17))]),
        ("周六至周二 9:00-10:00", 4, [(time(9), time(10))]),
    ],
)
def test_hours_as_offices_write_them(written, weekdays, spans):
    hours = parse_hours(written)
    assert hours is not None
    assert len(hours.weekdays) == weekdays
    assert list(hours.spans) == spans


@pytest.mark.parametrize(
    "written",
    [
        "",
        "看情况",
        "9:00-17:00",
        "工作日",
        "工作日 9:00-25:00",
        "工作日 17:00-9:00",
        "工作日 9:00-12:00，周三下午学习",
        "24小时",
        "Mon-Fri 9-5",
        "工作日9:0",
    ],
)
def test_what_cannot_be_read_wholly_is_not_guessed_at(written):
    assert parse_hours(written) is None


@given(st.text(alphabet="周一二三五六日至到工作日每天上下午0123456789:：-～点半时，、 （）", max_size=40))
def test_no_hours_break_it(written):
    hours = parse_hours(written)
    if hours is not None:
        moment = at("2026-11-23", "09:30")
        closes = hours.closes_at(moment)
        assert closes is None or closes > moment.time()
        opens = hours.opens_next(moment)
        assert opens is None or opens > moment


def told(stage, contact_set):
    return contact(voice_for("zh", replace(stage.services, contact=contact_set))).split("\n")


def test_everything_that_is_set_and_whether_it_is_open_now(stage):
    stage.town.clock.at = int(at("2026-11-23", "10:00").timestamp())
    assert told(stage, Contact("2号窗口", WORKING, "0571-1")) == [
        "工作人员在这里等您：2号窗口。",
        f"时间：{WORKING}。现在开着，12:00关。",
        "电话：0571-1。",
        "也可以打 12345，政务服务便民热线。",
        "您也可以请家人带上小票来问。",
    ]
    stage.town.clock.at = int(at("2026-11-23", "18:00").timestamp())
    assert told(stage, Contact("2号窗口", WORKING, ""))[1:3] == [
        f"时间：{WORKING}。现在没开，11月24日09:00开。",
        "电话还没有登记在这里。",
    ]


def test_what_is_not_set_is_said_so_and_12345_is_always_there(stage):
    lines = told(stage, Contact("", "", ""))
    assert "请到青禾县民政局的办事窗口" in lines[0]
    assert "时间还没有登记" in lines[1]
    assert "电话还没有登记" in lines[2]
    assert "12345" in lines[3]


def test_hours_that_cannot_be_read_are_shown_and_nothing_is_said_about_now(stage):
    assert told(stage, Contact("2号窗口", "看天气", "1"))[1] == "时间：看天气。"


def test_a_setting_cannot_speak_as_whoever_reads_it(stage):
    trap = '<a href="weixin://bizmsgmenu?msgmenucontent=确认&msgmenuid=0">x</a>'
    assert "<a" not in "".join(told(stage, Contact(trap, trap, trap)))


@pytest.mark.parametrize("words", ["救命", "活不下去了", "家里断粮了", "没钱看病"])
def test_whoever_cannot_go_on_is_led_to_people(stage, words):
    answer = stage.person().reads(words)
    assert answer.startswith("有人有危险的话，请马上打 110 或 120。")
    assert "电话：0571-00002101" in answer
