"""Of several, the one that was named is meant, else a numbered list; and nothing is said to be missing that is there."""

from datetime import date
from types import SimpleNamespace
from typing import cast

import pytest

from handlers.citizen.named import named_money
from handlers.services import Services
from tests.handlers_citizen.chats import MATTERS, PROGRAMMES

TODAY = date(2026, 11, 24)


@pytest.fixture
def person(stage):
    """With 临时救助 credited, and 低保 of two months."""
    first = stage.hand_in()
    stage.result(stage.pay(stage.approve(first.submitted.sub)), "credited")
    second = stage.hand_in("最低生活保障", citizen=first.citizen)
    for at, period in enumerate(("2026-10", "2026-11")):
        award = stage.approve(second.submitted.sub, 156_000, matter="最低生活保障", period=period, accept=at == 0)
        stage.result(stage.pay(award, 156_000), "credited")
    return stage.bind(first.citizen)


@pytest.mark.parametrize(
    ("words", "shows"),
    [
        ("救助的钱到了没", "救助金 20,000.00元"),
        ("救助金到账没", "救助金 20,000.00元"),
        ("两万块到了没", "救助金 20,000.00元"),
        ("那个20000元的到了吗", "救助金 20,000.00元"),
        ("11月的低保到了没", "11月低保金 1,560.00元"),
        ("十月的钱发了没", "10月低保金 1,560.00元"),
        ("上个月的补贴呢", "10月低保金 1,560.00元"),
        ("这个月的低保金发了没", "11月低保金 1,560.00元"),
        ("补贴 10月", "10月低保金 1,560.00元"),
        ("补贴 两万元", "救助金 20,000.00元"),
    ],
)
def test_the_money_that_was_named_is_shown(person, words, shows):
    answer = person.reads(words)
    assert "您的补贴：" not in answer
    assert shows in answer


def test_with_nothing_named_or_several_named_a_list_and_a_digit_opens_one(person):
    answer = person.reads("我的钱到了没")
    assert [line[:2] for line in answer.split("\n")[2:5]] == ["1 ", "2 ", "3 "]
    assert "10月低保金" in person.reads("2")
    person.reads("低保的钱到了没")
    assert "救助金" not in person.reads("低保的钱到了没")
    assert "11月低保金" in person.reads("第一个")


def test_an_amount_or_a_month_of_nothing_hides_nothing(person):
    for words in ("9999元到了没", "3月的钱呢"):
        assert "您的补贴：" in person.reads(words)


def test_what_is_not_there_is_said_and_the_rest_is_listed(stage, person):
    answer = person.reads("居住证办好了没")
    assert "您名下没有您说的这种办件（居住证）。\n您的办件：" in answer
    assert "临时救助" in answer
    assert "您名下没有您说的这种补贴（高龄津贴）。\n您的补贴：" in person.reads("高龄津贴到账没")


def test_the_application_that_was_named_is_shown_by_exact_word_too(person):
    for words in ("进度 低保", "低保批了没", "最低生活保障办到哪了"):
        assert "最低生活保障（编号" in person.reads(words)
    assert "您的办件：" in person.reads("办到哪了")


def test_a_bare_four_digits_stay_the_end_of_a_number(stage, person):
    assert "查询码" in person.reads("补贴 2000")


SERVICES = cast("Services", SimpleNamespace(matters=MATTERS, programmes=PROGRAMMES))


@pytest.mark.parametrize(
    ("words", "months", "amounts"),
    [
        ("11月的", {"-11"}, set()),
        ("2025年3月", {"2025-03"}, set()),
        ("上个月", {"2026-10"}, set()),
        ("本月", {"2026-11"}, set()),
        ("十二月和1月", {"-12", "-01"}, set()),
        ("三百块", set(), {30_000}),
        ("2万", set(), {2_000_000}),
        ("1,560.00元", set(), {156_000}),
        ("两千五", set(), {250_000}),
        ("千万别", set(), set()),
        ("百", set(), set()),
        ("等了3个月", set(), set()),
        ("99999999999999999999元", set(), set()),
    ],
)
def test_months_and_amounts_in_peoples_words(words, months, amounts):
    named = named_money(words, SERVICES, TODAY)
    assert set(named.months) == months
    assert set(named.amounts) == amounts


def test_last_month_of_january_is_december():
    assert named_money("上个月", SERVICES, date(2027, 1, 5)).months == {"2026-12"}
