"""What is signed was read back just before, once, and by whom it says."""

import re
from contextlib import contextmanager
from dataclasses import replace

import pytest
from sqlalchemy import Engine

from ledger.errors import Busy
from tests.handlers_staff.office import AID

READ_ONLY = ("#待办", "#疑点", "#节点", "进度", "我的办件", "菜单", "帮助", "到账没", "谢谢")


def test_a_read_back_says_who_what_amounts_in_both_ways_and_who_did_the_step_before(office):
    number = office.hand_in(AID, "王桂兰")
    office.civil.sign("林芳", f"#受理 {number}")
    office.civil.sign("林芳", f"#完成 {number} 2万")
    office.civil.sign_in("高伟")
    told = office.civil.say("高伟", f"#批准 {number}")
    assert told.startswith("请核对（草稿1），签名后只能更正、不能删除：")
    assert f"批准 {number} 王*兰 临时救助，20,000.00元（贰万元整）。" in told
    assert "您是高伟（审批），受理人林芳，不是同一人。" in told
    assert told.endswith("回6位动态码确认，回0取消，5分钟内有效。")


def test_a_confirmed_act_appends_exactly_one_record_and_promises_its_place(office):
    number = office.hand_in()
    office.civil.sign_in("林芳")
    office.civil.say("林芳", f"#受理 {number}")
    before = office.town.civil.size()
    told = office.civil.say("林芳", "确认 1")
    assert office.town.civil.size() == before + 1
    assert told.startswith("已签名：受理")
    assert f"排第{before}号" in told


def test_reading_signing_in_refused_and_dropped_acts_append_none(office):
    number = office.hand_in()
    before = office.town.civil.size()
    office.civil.sign_in("林芳")
    for text in (*READ_ONLY, f"#查 {number}", f"#历史 {number}", f"#批准 {number}", f"#完成 {number}"):
        office.civil.say("林芳", text)
    office.civil.say("林芳", f"#受理 {number}")
    office.civil.say("林芳", "取消")
    office.civil.say("林芳", f"#受理 {number}")
    office.civil.say("林芳", "0")
    office.civil.say("林芳", "#退出")
    assert office.town.civil.size() == before


def test_two_drafts_and_one_stale_confirmation_sign_nothing(office):
    one, other = office.hand_in(), office.hand_in()
    office.civil.sign_in("林芳")
    office.civil.say("林芳", f"#受理 {one}")
    office.civil.say("林芳", f"#受理 {other}")
    before = office.town.civil.size()
    told = office.civil.say("林芳", "确认 1")
    assert "草稿1已经不能签名" in told
    assert "草稿2" in told
    assert office.town.civil.size() == before
    assert f"已签名：受理 {other}" in office.civil.say("林芳", "确认 2")
    assert office.case(one).state.status == "SUBMITTED"


def test_a_bare_yes_signs_only_the_message_after_the_read_back(office):
    number = office.hand_in()
    office.civil.sign_in("林芳")
    office.civil.say("林芳", f"#受理 {number}")
    office.civil.say("林芳", "#待办")
    before = office.town.civil.size()
    assert "请核对（草稿1）" in office.civil.say("林芳", "确认")
    assert office.town.civil.size() == before
    assert "已签名" in office.civil.say("林芳", "确认")


@pytest.mark.parametrize("between", READ_ONLY)
def test_a_question_or_a_look_leaves_the_draft_open(office, between):
    number = office.hand_in()
    office.civil.sign_in("林芳")
    office.civil.say("林芳", f"#受理 {number}")
    office.civil.say("林芳", between)
    assert "已签名" in office.civil.say("林芳", "确认 1")


@pytest.mark.parametrize("word", ["取消", "0", "０", "算了"])
def test_a_dropped_draft_cannot_be_signed(office, word):
    number = office.hand_in()
    office.civil.sign_in("林芳")
    office.civil.say("林芳", f"#受理 {number}")
    assert "草稿1已取消" in office.civil.say("林芳", word)
    assert "不能签名" in office.civil.say("林芳", "确认 1")
    assert office.case(number).state.status == "SUBMITTED"


@pytest.mark.parametrize(("seconds", "signed"), [(299, True), (300, False)])
def test_a_draft_lives_five_minutes(office, seconds, signed):
    number = office.hand_in()
    office.civil.sign_in("林芳")
    office.civil.say("林芳", f"#受理 {number}")
    office.town.clock.wait(seconds)
    assert ("已签名" in office.civil.say("林芳", "确认 1")) is signed


@pytest.mark.parametrize(("seconds", "open_for_signing"), [(899, True), (900, False)])
def test_a_sign_in_lasts_fifteen_minutes_for_signing(office, seconds, open_for_signing):
    number = office.hand_in()
    office.civil.sign_in("林芳")
    office.town.clock.wait(seconds)
    told = office.civil.say("林芳", f"#受理 {number}")
    assert ("请核对" in told) is open_for_signing
    assert ("请先登录：#登录 加6位动态码" in told) is not open_for_signing
    assert "等您办的" in office.civil.say("林芳", "#待办")


@pytest.mark.parametrize(("seconds", "can_read"), [(8 * 3600 - 1, True), (8 * 3600, False)])
def test_a_sign_in_lasts_a_shift_for_reading(office, seconds, can_read):
    office.civil.sign_in("林芳")
    office.town.clock.wait(seconds)
    assert ("请先登录" not in office.civil.say("林芳", "#待办")) is can_read


def test_a_yes_after_the_sign_in_ran_out_signs_nothing_until_the_next(office):
    number = office.hand_in()
    office.civil.sign_in("林芳")
    office.town.clock.wait(890)
    office.civil.say("林芳", f"#受理 {number}")
    office.town.clock.wait(20)
    assert "请先登录" in office.civil.say("林芳", "确认 1")
    office.civil.sign_in("林芳")
    assert "已签名" in office.civil.say("林芳", "确认 1")


def test_a_code_after_the_sign_in_ran_out_signs_nothing_and_is_not_spent(office):
    number = office.hand_in()
    office.civil.sign("林芳", f"#受理 {number}")
    office.civil.sign("林芳", f"#完成 {number}")
    office.civil.sign_in("高伟")
    office.town.clock.wait(840)
    assert "请核对（草稿1）" in office.civil.say("高伟", f"#批准 {number}")
    office.town.clock.wait(60)
    size = office.town.civil.size()
    code = office.civil.code("高伟")
    assert "请先登录" in office.civil.say("高伟", code)
    assert office.town.civil.size() == size
    assert "登录好了" in office.civil.say("高伟", f"#登录 {code}")
    assert "已签名" in office.civil.say("高伟", office.civil.code("高伟"))
    assert office.town.civil.size() == size + 1


def test_a_yes_never_signs_what_needs_a_code_and_a_code_is_not_spent_on_what_needs_none(office):
    number = office.hand_in()
    office.civil.sign_in("林芳")
    office.civil.say("林芳", f"#受理 {number}")
    code = office.civil.code("林芳")
    assert "请核对（草稿1）" in office.civil.say("林芳", code)
    assert office.case(number).state.status == "SUBMITTED"
    office.civil.say("林芳", "确认 1")
    office.civil.sign("林芳", f"#完成 {number}")
    office.civil.sign_in("高伟")
    office.civil.say("高伟", f"#批准 {number}")
    assert "请核对" in office.civil.say("高伟", "确认 1")
    assert "请核对" in office.civil.say("高伟", "确认")
    assert office.case(number).state.status == "IN_STEP"


def test_the_code_spent_on_signing_in_cannot_sign_and_is_told_the_next(office):
    number = office.hand_in()
    office.civil.sign("林芳", f"#受理 {number}")
    office.civil.sign("林芳", f"#完成 {number}")
    code = office.civil.code("高伟")
    office.civil.say("高伟", f"#登录 {code}")
    office.civil.say("高伟", f"#批准 {number}")
    told = office.civil.say("高伟", code)
    assert "已经用过" in told
    assert re.search(r"\d\d:\d\d:\d\d", told)
    assert "草稿1还在" in told
    assert "已签名" in office.civil.say("高伟", office.civil.code("高伟"))


def test_six_digits_with_no_draft_open_spend_nothing(office):
    office.civil.sign_in("高伟")
    code = office.civil.code("高伟")
    assert "没有等您签名的草稿" in office.civil.say("高伟", code)
    assert "登录好了" in office.civil.say("高伟", f"#登录 {code}")


def test_draft_numbers_are_unique_for_a_sender_on_a_day(office):
    number = office.hand_in()
    office.civil.sign_in("林芳")
    seen = []
    for _ in range(4):
        told = office.civil.say("林芳", f"#受理 {number}")
        seen += re.findall(r"草稿(\d+)", told)
        office.civil.say("林芳", "0")
        office.civil.say("林芳", "#退出")
        office.civil.sign_in("林芳")
    assert seen == ["1", "2", "3", "4"]


def test_an_account_untied_and_tied_again_gives_no_draft_number_twice(office):
    """Else the link to this morning's draft 1, still in the chat, would sign another draft 1."""
    number = office.hand_in()
    office.civil.sign_in("林芳")
    assert "草稿1）" in office.civil.say("林芳", f"#受理 {number}")
    assert "已经解绑" in office.civil.say("林芳", "解绑")
    access = office.town.civil.desk.renew(office.town.civil.staff["林芳"].handle)
    office.town.civil.staff["林芳"] = replace(office.town.civil.staff["林芳"], access=access)
    office.civil.say("林芳", f"绑定 {access.binding_code}")
    office.civil.sign_in("林芳")
    assert "草稿2）" in office.civil.say("林芳", f"#不予受理 {number} 不在范围内")
    assert "已签名" not in office.civil.say("林芳", "确认 1")


def test_a_crash_after_the_signature_and_before_the_answer_signs_once(office):
    number = office.hand_in()
    office.civil.sign("林芳", f"#受理 {number}")
    office.civil.sign("林芳", f"#完成 {number}")
    office.civil.sign_in("高伟")
    office.civil.say("高伟", f"#批准 {number}")
    code = office.civil.code("高伟")
    first = office.civil.say_and_crash("高伟", code, "the-same-delivery")
    size = office.town.civil.size()
    assert office.civil.say("高伟", code, key="the-same-delivery") == first
    assert office.town.civil.size() == size


def test_a_busy_database_signs_nothing_and_says_so(office, monkeypatch):
    number = office.hand_in()
    office.civil.sign_in("林芳")
    office.civil.say("林芳", f"#受理 {number}")

    @contextmanager
    def busy(_engine: Engine, **_how: bool):
        raise Busy
        yield

    with monkeypatch.context() as patched:
        patched.setattr("ledger.storage.group.transaction", busy)
        assert "没有签名" in office.civil.say("林芳", "确认 1")
    assert office.case(number).state.status == "SUBMITTED"
    assert "已签名" in office.civil.say("林芳", "确认 1")
