"""Each act does what it says, and what is not allowed is refused at the command, before any draft."""

import re
from datetime import date

import pytest

from ledger.records.numbers import make_number
from tests.handlers_staff.office import AID, ALLOWANCE, RESIDENCE


def refused(told: str) -> bool:
    return told.startswith("不能") and "草稿" not in told


def test_the_whole_way_of_an_allowance(office):
    payment = office.sent()
    assert "已签名" in office.finance.sign("吴倩", f"#银行结果 {payment} 成功")
    told = office.finance.say("吴倩", f"#查 {payment}")
    assert "银行已转账（工作人员登记，尚未附银行回执）" in told
    with office.town.finance.facts() as facts:
        state = facts.payment(facts.find(payment).ref).state
    assert (state.status, state.source) == ("ACCEPTED", "officer")


def test_a_matter_without_money_is_completed_and_approved_by_two(office):
    number = office.hand_in(RESIDENCE)
    office.civil.sign("林芳", f"#受理 {number} 材料齐")
    told = office.civil.sign("林芳", f"#完成 {number}")
    assert "申报" not in told
    assert office.case(number).state.status == "IN_STEP"
    office.civil.sign_in("高伟")
    assert refused(office.civil.say("高伟", f"#批准 {number} 2万"))
    office.civil.sign("高伟", f"#批准 {number}")
    assert office.case(number).state.status == "APPROVED"


def test_a_correction_names_its_last_day_and_is_brought(office):
    number = office.hand_in(RESIDENCE)
    told = office.civil.sign("林芳", f"#补正 {number} 租房合同（原来的已过期）")
    assert "缺：租房合同（原来的已过期）" in told  # as it was written
    assert "10月1日前" in told
    assert office.case(number).state.until == "2026-10-01"
    office.civil.sign("林芳", f"#收补正 {number}")
    assert office.case(number).state.status == "SUBMITTED"


def test_a_step_back_and_forward_again_keeps_the_award(office):
    number = office.hand_in(AID)
    office.civil.sign("林芳", f"#受理 {number}")
    office.civil.sign("林芳", f"#完成 {number} 3000")
    award = office.award(number)
    office.civil.sign("高伟", f"#退回 {number} 请写明原因")
    assert office.case(number).state.status == "ACCEPTED"
    office.civil.sign("林芳", f"#完成 {number}")
    assert office.award(number) == award
    office.civil.sign("高伟", f"#不予批准 {number} 不符合条件")
    assert office.case(number).state.status == "REFUSED"


def test_a_programme_without_a_standard_asks_for_the_amount(office):
    number = office.hand_in(AID)
    office.civil.sign("林芳", f"#受理 {number}")
    told = office.civil.say("林芳", f"#完成 {number}")
    assert "请写上金额" in told
    assert "草稿" not in told
    for wrong in ("0", "一点点", "1.005"):
        assert refused(office.civil.say("林芳", f"#完成 {number} {wrong}"))
    assert "3,000.00元（叁仟元整）" in office.civil.say("林芳", f"#完成 {number} ３０００元")


@pytest.mark.parametrize("written", ["2万", "20000元", "２００００", "20,000.00"])
def test_amounts_are_the_same_however_written_and_another_than_proposed_is_pointed_out(office, written):
    number = office.hand_in()
    office.civil.sign("林芳", f"#受理 {number}")
    office.civil.sign("林芳", f"#完成 {number}")
    office.civil.sign_in("高伟")
    told = office.civil.say("高伟", f"#批准 {number} {written}")
    assert "20,000.00元（贰万元整）" in told
    for pointed_out in ("申报的是 100.00元", "标准是 100.00元", "最多 1,000.00元"):
        assert pointed_out in told


def test_a_monthly_grant_is_awarded_once_a_month_and_to_the_newest_account(office):
    number = office.hand_in(ALLOWANCE)
    office.civil.sign("林芳", f"#受理 {number}")
    office.civil.sign("林芳", f"#完成 {number} 1560")
    office.civil.sign("高伟", f"#批准 {number}")
    assert refused(office.civil.say("林芳", f"#完成 {number} 1560"))
    with office.town.civil.facts() as facts:
        award = facts.awards_of(facts.find(number).ref)[-1]
    office.town.civil.act(
        "林芳", "account-given", award.ref.sub, {}, {"payee": "孙丽", "account": "6217000010009990001"}
    )
    office.town.clock.wait(31 * 86_400)
    assert "1,560.00元（壹仟伍佰陆拾元整）" in office.civil.sign("林芳", f"#完成 {number} 1560")
    with office.town.civil.facts() as facts:
        newest = facts.awards_of(facts.find(number).ref)[-1]
    assert (newest.state.period, newest.account_tail) == ("2026-10", "0001")
    assert "6217000010009990001" not in office.civil.sessions["林芳"]


def test_the_same_person_never_does_two_steps(office):
    town = office.town
    town.civil.enrol("赵一", "clerk", "approver")
    town.civil.desk.bind("赵一", town.civil.staff["赵一"].binding_code)
    number = office.hand_in()
    office.civil.sign("赵一", f"#受理 {number}")
    office.civil.sign("赵一", f"#完成 {number}")
    told = office.civil.say("赵一", f"#批准 {number}")
    assert refused(told)
    assert "（规则 R10）" in told
    assert f"#批准 {number}" not in office.civil.say("赵一", "#待办").replace("＃", "#")


def test_ordering_and_releasing_are_two_persons(office):
    award = office.approved()
    office.town.round()
    office.finance.sign("马骏", f"#支付 {award}")
    payment = office.payment(award)
    told = office.finance.say("马骏", f"#复核支付 {payment}")
    assert refused(told)
    assert "R10" in told
    office.finance.sign_in("马骏")
    assert "等复核支付" not in office.finance.say("马骏", "#待办")


def test_an_award_is_not_paid_twice_nor_before_its_payee_is_here(office):
    award = office.approved()
    office.finance.sign_in("吴倩")
    assert refused(office.finance.say("吴倩", f"#支付 {award}"))
    office.town.round()
    office.finance.sign("吴倩", f"#支付 {award}")
    told = office.finance.say("吴倩", f"#支付 {award}")
    assert refused(told)
    assert "（规则 R" in told


def test_a_closed_account_blocks_the_reissue_until_another_is_here(office):
    payment = office.sent()
    office.finance.sign("吴倩", f"#银行结果 {payment} 失败 ac04")
    told = office.finance.say("吴倩", f"#补发 {payment}")
    assert refused(told)
    assert "销户" in told
    with office.town.finance.facts() as facts:
        award = facts.payment(facts.find(payment).ref).state.award
    office.town.civil.act("林芳", "account-given", award.sub, {}, {"payee": "何秀英", "account": "6217000010009994321"})
    office.town.round()
    office.finance.sign_in("吴倩")
    assert "可以补发" in office.finance.say("吴倩", "#待办")
    told = office.finance.say("吴倩", f"#补发 {payment}")
    assert "尾号4321" in told
    assert "代替" in told
    assert "已签名" in office.finance.say("吴倩", office.finance.code("吴倩"))


@pytest.mark.parametrize("reason", ["AM05", "DUPL", "MD07"])
def test_what_may_have_been_paid_twice_or_to_a_living_person_is_never_reissued(office, reason):
    payment = office.sent()
    office.finance.sign("吴倩", f"#回盘 {payment} 失败 {reason}")
    assert refused(office.finance.say("吴倩", f"#补发 {payment}"))
    assert "不能补发" in office.finance.say("吴倩", "#待办")


@pytest.mark.parametrize("words", ["", "失败", "也许", "失败 XX99", "成功 AC04", "失败 AC0", "失败 <a>"])
def test_a_bank_result_is_success_or_a_failure_with_a_code_of_the_standard(office, words):
    payment = office.sent()
    office.finance.sign_in("吴倩")
    told = office.finance.say("吴倩", f"#银行结果 {payment} {words}")
    assert "草稿" not in told


def test_a_record_is_taken_back_by_its_name_or_number_by_who_signed_it(office):
    number = office.hand_in()
    signed = office.civil.sign("林芳", f"#受理 {number}")
    record = signed.split("记录号 ")[1][:12]
    office.civil.sign_in("高伟")
    assert refused(office.civil.say("高伟", f"#更正 {record} 不是我的"))
    assert f"更正 记录 {record}" in office.civil.sign("林芳", f"#更正 {record.lower()} 录错了")
    assert office.case(number).state.status == "SUBMITTED"
    assert f"更正了记录 {record}" in office.civil.say("林芳", f"#历史 {number}")
    office.civil.sign("林芳", f"#受理 {number}")
    office.civil.sign("林芳", f"#更正 {number} 又录错了")
    assert office.case(number).state.status == "SUBMITTED"


@pytest.mark.parametrize("named", ["ZZZZZZZZZZZZ", "x", "2126092100016", "A" * 43, "U" * 12])
def test_a_record_that_is_not_ours_cannot_be_taken_back(office, named):
    office.civil.sign_in("林芳")
    assert refused(office.civil.say("林芳", f"#更正 {named} 录错了"))


def test_what_somebody_built_on_is_not_taken_back(office):
    number = office.hand_in()
    signed = office.civil.sign("林芳", f"#受理 {number}")
    office.civil.sign("林芳", f"#完成 {number}")
    assert refused(office.civil.say("林芳", f"#更正 {signed.split('记录号 ')[1][:12]} 录错了"))


@pytest.mark.parametrize(
    ("who", "command"),
    [
        ("林芳", "批准"),
        ("林芳", "支付"),
        ("林芳", "复核支付"),
        ("高伟", "受理"),
        ("高伟", "完成"),
        ("林芳", "完成"),
        ("林芳", "收补正"),
        ("高伟", "批准"),
        ("高伟", "退回 {} 原因"),
        ("高伟", "不予批准 {} 原因"),
    ],
)
def test_what_the_role_or_the_state_forbids_is_refused_before_any_draft(office, who, command):
    number = office.hand_in()
    office.civil.sign_in(who)
    text = f"#{command.format(number)}" if "{}" in command else f"#{command} {number}"
    assert refused(office.civil.say(who, text))
    assert "draft" not in office.civil.session(who).data


@pytest.mark.parametrize("number", ["21261123004799", "21261123004798", "99261123004711", "22261123004733"])
def test_a_number_that_stands_for_nothing_here_is_refused(office, number):
    office.civil.sign_in("林芳")
    assert refused(office.civil.say("林芳", f"#受理 {number}"))
    assert "草稿" not in office.civil.say("林芳", f"#查 {number}")


def test_a_number_of_another_department_names_it_and_says_what_may_still_come(office):
    number = make_number("22", date(2026, 11, 23), 1)
    office.civil.sign_in("林芳")
    told = office.civil.say("林芳", f"#受理 {number}")
    assert refused(told)
    assert "财政局的编号" in told
    assert "收款信息还没取到" in told


@pytest.mark.parametrize("command", ["#不予受理", "#补正"])
def test_what_needs_a_reason_asks_for_it(office, command):
    number = office.hand_in()
    office.civil.sign_in("林芳")
    told = office.civil.say("林芳", f"{command} {number}")
    assert told.startswith("请写")
    assert number in told
    assert refused(office.civil.say("林芳", f"{command} {number} {'长' * 301}"))
    assert "草稿" in office.civil.say("林芳", f"{command} {number} {'长' * 300}")


def test_the_day_that_is_promised_is_read_back_and_signed_with_the_acceptance(office):
    number = office.hand_in(RESIDENCE)
    office.civil.sign_in("林芳")
    told = office.civil.say("林芳", f"#受理 {number}")
    said = re.search("，([0-9]+)月([0-9]+)日前答复", told)
    assert said is not None
    office.civil.say("林芳", "确认 1")
    clear = office.town.civil.records()[-1].clear
    assert clear["promised"] == clear["lawful"]  # 15 days, by the regulation on residence permits
    assert clear["promised"].endswith(f"{int(said[1]):02}-{int(said[2]):02}")


def test_a_reason_with_an_id_number_is_no_draft_in_whatever_width_it_is_written(office):
    number = office.hand_in()
    told = office.civil.say("林芳", f"#不予受理 {number} 身份证１１０１０５１９４９１２３１００２Ｘ，不是本人。")
    assert "草稿" not in told
    assert "1949" not in told
    assert "１９４９" not in told
