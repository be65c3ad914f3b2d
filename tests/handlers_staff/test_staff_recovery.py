"""A department that may have lost something says so to its officers, and lets none of them believe that they signed."""

import pytest

from handlers.locale import TEXTS


def lose_something(department):
    """What was signed goes beyond what the database holds."""
    department.log._high_water.raise_log(department.size() + 2, bytes(32))


@pytest.mark.parametrize("command", ["#受理 {}", "#完成 {}", "#批准 {}", "#收件 老年津贴", "#更正 abc 写错了"])
def test_an_act_is_refused_at_the_command_in_a_plain_sentence(office, command):
    number = office.hand_in()
    office.civil.sign_in("林芳")
    before = office.civil.department.size()
    lose_something(office.civil.department)
    told = office.civil.say("林芳", command.format(number))
    assert told == TEXTS["zh"]["staff.behind"]
    assert "草稿" not in told
    assert office.civil.department.size() == before


def test_a_draft_that_was_open_is_not_signed_and_the_officer_reads_that(office):
    number = office.hand_in()
    office.civil.sign_in("林芳")
    draft = office.civil.say("林芳", f"#受理 {number}").split("草稿")[1].split("）")[0]
    before = office.civil.department.size()
    lose_something(office.civil.department)
    assert office.civil.say("林芳", f"确认 {draft}") == TEXTS["zh"]["staff.behind"]
    assert office.civil.department.size() == before


def test_the_head_of_the_list_says_that_nothing_can_be_signed_and_looking_goes_on(office):
    number = office.hand_in()
    office.civil.sign_in("林芳")
    assert "不能签名" not in office.civil.say("林芳", "#待办")
    lose_something(office.civil.department)
    told = office.civil.say("林芳", "#待办").split("\n")
    assert told[0] == TEXTS["zh"]["inbox.behind"]
    assert "已提交" in office.civil.say("林芳", f"#查 {number}")


def test_the_head_of_the_list_says_that_somebody_else_signs_as_us(office):
    office.civil.sign_in("林芳")
    department = office.civil.department
    department.log._high_water.note_strange(department.size() + 9, bytes(32))
    assert office.civil.say("林芳", "#待办").split("\n")[0] == TEXTS["zh"]["inbox.stolen"]


def test_on_a_log_that_has_ended_an_officer_reads_that_nothing_can_be_signed(office):
    number = office.hand_in()
    office.civil.sign_in("林芳")
    draft = office.civil.say("林芳", f"#受理 {number}").split("草稿")[1].split("）")[0]
    before = office.civil.department.size()
    office.civil.department.log.freeze()
    assert office.civil.say("林芳", f"确认 {draft}") == TEXTS["zh"]["staff.frozen"]
    assert office.civil.department.size() == before
