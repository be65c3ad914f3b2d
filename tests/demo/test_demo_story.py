"""The story's table can be told on any day, and what it is told with belongs to nobody."""

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.demo import codes, county
from handlers.demo.story import ACTS, EVERYBODY, FOUNDED, MONTH_DAY, Act
from handlers.demo.telling import Clock, Storyteller, StoryWrong, month_of
from handlers.imports.layouts import load_banks, load_systems
from handlers.matters import load_matters
from ledger.times import CHINA
from tests.demo.network import ROOT

PEOPLE = {one.name for one in (*county.OFFICERS, *county.CITIZENS)}
days = st.dates(date(2020, 1, 1), date(2090, 1, 1))


@given(days)
def test_nothing_of_the_story_lies_in_the_future_and_all_of_it_is_in_order(today):
    clock, told = Clock(today), []
    for day, at in (FOUNDED, *((act.day, act.time) for act in ACTS)):
        clock.turn_to(day, at)
        told.append(clock())
    assert told == sorted(told)
    midnight = datetime.combine(today, time(), CHINA)
    assert told[-1] < midnight.timestamp()


def test_everybody_works_in_office_hours():
    for act in ACTS:
        assert time(9) <= time.fromisoformat(act.time) <= time(17)
        assert not time(12) < time.fromisoformat(act.time) < time(13, 30)


def test_everybody_in_the_story_lives_in_the_county():
    assert {act.who for act in ACTS} - {EVERYBODY} <= PEOPLE
    assert {act.whose for act in ACTS} - {""} == {citizen.name for citizen in county.CITIZENS}
    names = {matter.name for matter in load_matters(ROOT / "matters").values()}
    assert {act.details["matter"] for act in ACTS if "matter" in act.details} <= names


@given(days)
def test_the_two_months_of_a_benefit_are_two_months_one_after_the_other(today):
    day = today + timedelta(days=MONTH_DAY)
    first, second = month_of(day, -1), month_of(day, 0)
    assert second == f"{day:%Y-%m}"
    assert first == f"{day.replace(day=1) - timedelta(days=1):%Y-%m}"


def _teller() -> Storyteller:
    system, bank = load_systems(ROOT / "systems")["shenpi"], load_banks(ROOT / "banks")["qinghe-nongshang"]
    return Storyteller((), {}, Clock(date(2026, 11, 23)), {}, {}, ROOT, system, bank)


@pytest.mark.parametrize(
    "act",
    [
        Act(-1, "10:00", "没有这个人", "hand_in", "王桂兰", {"matter": "临时救助"}),
        Act(-1, "10:00", "林芳", "accept", "王桂兰"),
    ],
)
def test_a_row_that_names_what_is_not_there_stops_the_telling(act):
    with pytest.raises(StoryWrong):
        _teller().tell([act])


def _luhn(number: str) -> int:
    doubled = [sum(divmod(2 * int(digit), 10)) if place % 2 else int(digit) for place, digit in enumerate(number[::-1])]
    return sum(doubled) % 10


def _check_of_id(number: str) -> str:
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return "10X98765432"[sum(int(digit) * weight for digit, weight in zip(number, weights, strict=False)) % 11]


def test_numbers_have_good_check_digits_and_belong_to_ranges_that_nobody_is_given():
    ids = [one.id_number for one in (*county.OFFICERS, *county.CITIZENS)]
    accounts = [citizen.account for citizen in county.CITIZENS] + [county.NEW_ACCOUNT]
    phones = [citizen.phone for citizen in county.CITIZENS]
    assert all(number[-1] == _check_of_id(number) and number.startswith("330199") for number in ids)
    assert all(_luhn(number) == 0 and number.startswith("629999") for number in accounts)
    assert all(len(phone) == 11 and phone.startswith("160") for phone in phones)
    assert len(set(ids)) == len(ids)
    assert len(set(accounts)) == len(accounts)


def test_the_officers_codes_are_shown_with_how_long_they_last():
    officer = {"name": "林芳", "node": "民政局", "roles": ["clerk"], "totp_secret": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"}
    shown = codes.lines([officer], 59)  # RFC 6238, appendix B, six digits of 94287082
    assert "林芳" in shown[0]
    assert "287082" in shown[0]
    assert "1秒" in shown[-1]
