"""进度, 补贴 and their lists: shape and facts of the answers, over two real departments."""

import re
from datetime import date

import pytest

from handlers.citizen.payment_lines import REASONS
from handlers.locale import TEXTS, formats
from ledger.desk import Desk
from ledger.records.cases import CaseStatus
from ledger.records.funds import FAILED, AwardStatus, PaymentStatus
from ledger.records.kinds import BY_NAME
from tests.desk.world import mirror
from tests.handlers_citizen.chats import DAY, NOON, lines_of, now_line, shown

OLD_NUMBER = "21251123004798"


def test_a_new_case_says_where_it_is_what_comes_next_and_by_when(stage, opened):
    answer = stage.person().reads(f"进度 {opened.number} {opened.query_code}")
    assert lines_of(answer) == [
        f"临时救助（编号{opened.number}）",
        "现在：县民政局收到了您的材料，11月23日交的，等着受理。",
        "下一步：看材料齐不齐，齐了就受理。",
        "11月30日前告诉您是不是受理。您现在不用做什么。",
        "刚登记，其他部门还没核对（一般1分钟内）。",
        "回 1 看经过，回 2 找工作人员。",
    ]


def test_an_accepted_case_is_answered_by_a_day_that_counts_working_days(stage, opened):
    stage.act("林芳", "case-accepted", opened.submitted.sub)
    answer = stage.person().reads(f"进度 {opened.number} {opened.query_code}")
    assert now_line(answer) == "现在：县民政局正在审核，11月23日开始。"
    assert "下一步：通过后在村里公示7天。" in answer
    assert "12月14日前答复您。您现在不用做什么。" in answer


def test_a_day_beyond_the_published_holidays_says_so(stage, opened):
    stage.town.clock.at = NOON + 30 * DAY
    stage.act("林芳", "case-accepted", opened.submitted.sub)
    answer = stage.person().reads(f"进度 {opened.number} {opened.query_code}")
    assert "2027年1月" in answer
    assert "（2027年放假安排尚未公布）前答复您" in answer


def test_a_promise_that_has_passed_is_told_as_such(stage, opened):
    stage.act("林芳", "case-accepted", opened.submitted.sub)
    stage.town.clock.wait(40 * DAY)
    answer = stage.person().reads(f"进度 {opened.number} {opened.query_code}")
    assert "已超过承诺时间，正在催办。" in answer
    assert "现在：县民政局正在审核，2026年11月23日开始。" in answer  # another year now


def test_what_is_missing_stands_behind_its_own_word_with_place_and_day(stage):
    opened = stage.hand_in("居住证", "陈志强")
    private = {"what": "租房合同（原来的已过期）。"}
    stage.act("林芳", "case-correction-due", opened.submitted.sub, {"until": "2026-12-01"}, private)
    answer = stage.person().reads(f"进度 {opened.number} {opened.query_code}")
    assert now_line(answer) == "现在：等您补材料，11月23日通知的。"
    assert "下一步：请把材料交到柳树镇便民服务中心2号窗口，12月1日前。" in lines_of(answer)
    assert "缺：租房合同（原来的已过期）。" in lines_of(answer)
    stage.town.clock.wait(20 * DAY)
    late = stage.person().reads(f"进度 {opened.number} {opened.query_code}")
    assert "补材料的日子（12月1日）已经过了" in now_line(late)
    stage.act("林芳", "case-correction-brought", opened.submitted.sub)
    brought = stage.person().reads(f"进度 {opened.number} {opened.query_code}")
    assert "收到了您补的材料，12月13日交的" in now_line(brought)
    assert "缺：" not in brought
    assert "12月18日前告诉您是不是受理。您现在不用做什么。" in lines_of(brought)  # five working days, from now


def test_a_refusal_says_why_and_how_to_appeal(stage, opened):
    stage.act("林芳", "case-accepted", opened.submitted.sub)
    award = stage.propose(opened.submitted.sub, 300_000)
    stage.act("高伟", "award-refused", award, None, {"reason": "家庭收入超过标准"})
    answer = stage.person().reads(f"进度 {opened.number} {opened.query_code}")
    assert now_line(answer) == "现在：没有批准，11月23日。"
    assert "原因：家庭收入超过标准。" in lines_of(answer)
    assert "60日内申请行政复议" in answer


def test_a_case_not_accepted_tells_the_reason(stage, opened):
    stage.act("林芳", "case-not-accepted", opened.submitted.sub, None, {"reason": "不是本县户籍"})
    answer = stage.person().reads(f"进度 {opened.number} {opened.query_code}")
    assert now_line(answer) == "现在：没有受理，11月23日。"
    assert "原因：不是本县户籍。" in lines_of(answer)


def test_one_step_back_and_then_forward_again(stage, opened):
    case = opened.submitted.sub
    stage.act("林芳", "case-accepted", case)
    award = stage.propose(case, 300_000)
    ask = f"进度 {opened.number} {opened.query_code}"
    assert "正在作决定" in now_line(stage.person().reads(ask))
    assert "下一步：批准以后，由财政局把钱打到您卡上。" in stage.person().reads(ask)
    stage.act("高伟", "award-returned", award, None, {"reason": "金额写错"})
    assert "正在重新审核" in now_line(stage.person().reads(ask))


@pytest.mark.parametrize("status", ["SUBMITTED", "ACCEPTED", "IN_STEP", "APPROVED"])
def test_asked_twice_with_nothing_new_all_lines_but_trust_are_equal(stage, opened, status):
    person, case = stage.bind(opened.citizen), opened.submitted.sub
    if status != "SUBMITTED":
        stage.act("林芳", "case-accepted", case)
    if status in {"IN_STEP", "APPROVED"}:
        award = stage.propose(case, 300_000)
    if status == "APPROVED":
        stage.act("高伟", "award-approved", award, {"amount": 300_000})
    first = person.says("进度")
    stage.town.clock.wait(600)
    second = person.says("进度")
    ours = [[line for line in lines_of(answer) if "核对" not in line] for answer in (first, second)]
    assert ours[0] == ours[1]
    assert first.count("核对") == second.count("核对") == 1


# --- money ---


def test_money_approved_ordered_sent_and_credited_is_told_with_its_source(stage, opened):
    person, case = stage.bind(opened.citizen), opened.submitted.sub
    assert "还没有核定" in person.reads("补贴")
    award = stage.approve(case)
    assert lines_of(person.reads("补贴"))[:4] == [
        f"救助金（编号{stage.number('award', award)}）",
        "民政局11月24日批准 20,000.00元。",
        "财政局还没有付款。",
        "12月15日前打到您卡上。您现在不用做什么。",
    ]
    payment = stage.town.order(award)
    stage.town.round()
    assert "财政局：救助金 20,000.00元，名单已确定，还没有送银行。" in person.reads("补贴")
    stage.act("马骏", "payment-released", payment)
    stage.town.round()
    assert "救助金 20,000.00元 已送银行，银行还没处理。" in person.reads("补贴")
    stage.result(payment, "accepted", by_bank=False)
    typed = person.reads("补贴")
    assert "财政局登记：11月24日银行已转账 20,000.00元（尚未附银行回执）。" in typed
    assert "银行回执：" not in typed
    for told in (typed, person.reads("进度")):
        assert "看到钱以后，请回“钱收到了”。" in lines_of(told)
    stage.result(payment, "credited")
    assert "看到钱以后，请回“钱收到了”。" in lines_of(person.reads("进度"))
    answer = person.reads("补贴")
    assert "看到钱以后" not in answer
    assert "11月24日，银行回执：救助金 20,000.00元 已转入您尾号0836的卡。" in lines_of(answer)
    assert lines_of(answer)[-5:] == [
        "您收到多少？",
        "1 收到了，20,000.00元",
        "2 收到了，数目不对",
        "3 没收到",
        "4 我看看再说",
    ]


def test_once_the_money_has_left_whoever_has_nothing_to_do_reads_so(stage, opened):
    person, award = stage.bind(opened.citizen), stage.approve(opened.submitted.sub)
    payment = stage.pay(award)
    stage.result(payment, "credited")
    family = stage.person()
    for word in ("进度", "补贴"):  # the family may ask, and never speaks for her
        assert "您现在不用做什么。" in lines_of(family.reads(f"{word} {opened.number} {opened.query_code}"))
    person.reads("钱收到了")
    person.reads("1")
    for word in ("进度", "补贴"):
        assert "您现在不用做什么。" in lines_of(person.reads(word))


def test_a_case_an_award_and_a_payment_number_all_lead_to_the_money(stage, opened):
    award = stage.approve(opened.submitted.sub)
    payment = stage.pay(award)
    for number in (opened.number, stage.number("award", award), stage.number("payment", payment)):
        for services in (stage.services, stage.finance_services):
            if services is stage.finance_services and number == opened.number:
                continue  # the payer is never told the case's number
            person = stage.person(at=services)
            assert "已送银行" in person.reads(f"补贴 {number} {opened.query_code}")
            assert "已批准 20,000.00元" in now_line(person.reads(f"进度 {number}，查询码{opened.query_code}"))


def test_a_bare_number_opens_a_case_as_progress_and_money_as_money(stage, opened):
    award = stage.approve(opened.submitted.sub)
    person = stage.person()
    assert "现在：" in person.reads(f"{opened.number} {opened.query_code}")
    assert "还没有付款" in person.reads(f"{stage.number('award', award)}{opened.query_code[:0]} {opened.query_code}")


def test_the_family_with_a_slip_is_never_asked_whether_money_arrived(stage, opened):
    payment = stage.pay(stage.approve(opened.submitted.sub))
    stage.result(payment, "credited")
    answer = stage.person().reads(f"补贴 {opened.number} {opened.query_code}")
    assert "银行回执：" in answer
    assert "您收到多少" not in answer


def test_the_card_tail_comes_from_the_payment_and_is_left_out_until_it_is_here(stage, opened):
    award = stage.approve(opened.submitted.sub)
    payment = stage.town.order(award)
    stage.act("马骏", "payment-released", payment)
    stage.town.result(payment, "credited", by_bank=True)
    mirror(stage.town.finance, stage.town.civil)  # the records are here, their private part not yet
    answer = stage.person().reads(f"补贴 {opened.number} {opened.query_code}")
    assert "已转入您的卡。" in answer
    assert "尾号" not in answer


@pytest.mark.parametrize("code", sorted(REASONS))
def test_a_failed_payment_says_why_what_to_do_and_what_we_do(stage, opened, code):
    payment = stage.pay(stage.approve(opened.submitted.sub))
    stage.result(payment, "rejected", code)
    answer = stage.person().reads(f"补贴 {opened.number} {opened.query_code}")
    assert "救助金 20,000.00元，没能打进您的卡" in answer
    assert "\n原因：" in answer
    assert "\n您要做：" in answer or "\n您现在不用做什么。" in answer
    assert "\n我们会做：" in answer


def test_a_wrong_number_and_a_closed_account_never_share_a_sentence():
    assert REASONS["AC01"] != REASONS["AC04"]
    assert "销户" in TEXTS["zh"]["fail.closed"]
    assert "销户" not in TEXTS["zh"]["fail.number"]


@pytest.mark.parametrize("key", [key for key in TEXTS["zh"] if key.startswith("fail.")])
def test_where_money_may_have_moved_nobody_is_told_that_it_is_tried_again(key):
    if key.removeprefix("fail.") in {"twice", "amount", "dead", "other", "inquiry"}:
        assert not re.search("补发|再付|重发", TEXTS["zh"][key])


def test_an_unknown_reason_code_is_told_as_one_that_the_bank_did_not_explain(stage, opened):
    payment = stage.pay(stage.approve(opened.submitted.sub))
    stage.result(payment, "rejected", "ZZ99")
    assert "银行没有说清楚" in stage.person().reads(f"补贴 {opened.number} {opened.query_code}")


def test_a_monthly_benefit_whose_account_was_closed_and_given_again(stage):
    opened = stage.hand_in("最低生活保障", "孙丽", "6217000000000004471")
    person, case = stage.bind(opened.citizen), opened.submitted.sub
    october = stage.approve(case, 156_000, matter="最低生活保障", period="2026-10")
    stage.result(stage.pay(october, 156_000), "credited")
    november = stage.approve(case, 156_000, accept=False, matter="最低生活保障", period="2026-11")
    payment = stage.pay(november, 156_000)
    stage.result(payment, "rejected", "AC04")
    mine = person.says("我的补贴")
    assert lines_of(shown(mine))[1:3] == [
        "1 11月低保金 1,560.00元，没能打进您的卡，11月24日",
        "2 10月低保金 1,560.00元，银行回执已转入，11月24日",
    ]
    failed = person.reads("1")
    assert "11月低保金 1,560.00元，没能打进您的卡，11月24日。" in failed
    assert "原因：尾号4471的旧卡账户已销户。" in failed
    assert "您要做：带身份证和新社保卡，到柳树镇便民服务中心2号窗口登记新卡号。" in failed
    assert "我们会做：登记后5个工作日内补发，不用重新申请，钱不会少。" in failed
    stage.act("林芳", "account-given", november, None, {"payee": "孙丽", "account": "6217000000000009025"})
    stage.town.round()
    again = person.reads(f"补贴 {stage.number('award', november)}")
    assert "新卡号11月24日已登记，12月1日前补发。您现在不用做什么。" in again
    assert "销户" not in again
    new = stage.town.order(november, 156_000, reissues=payment)
    stage.act("马骏", "payment-released", new)
    stage.town.round()
    reissued = person.reads(f"补贴 {stage.number('award', november)}")
    assert "已重新发放" in reissued
    assert "已送银行" in reissued
    by_case = lines_of(shown(person.says(f"补贴 {opened.number}")))
    # Each choice stands below what it answers.
    assert by_case[by_case.index("钱到了要不要通知您？") :] == [
        "钱到了要不要通知您？",
        "1 要通知我",
        "以前的：",
        "2 10月低保金 1,560.00元，银行回执已转入，11月24日",
        "3 看进度",
        "4 找工作人员",
    ]
    assert "10月低保金" in person.reads("2")


def test_less_ordered_than_approved_is_told_in_three_amounts(stage, opened):
    award = stage.approve(opened.submitted.sub)
    finance = stage.town.finance
    around = Desk(finance.log, finance.keys, finance.clock, stop_rules=frozenset())
    stage.town.order(award, 200, desk=around)
    stage.town.round()
    answer = stage.person().reads(f"补贴 {opened.number} {opened.query_code}")
    assert "批准了 20,000.00元，只支付了 2.00元，还差 19,998.00元。" in answer


def test_every_state_of_a_case_and_a_payment_has_its_words():
    status: str
    for status in CaseStatus:
        assert f"case.now.{status}" in TEXTS["zh"]
        assert f"case.next.{status}" in TEXTS["zh"]
        assert f"short.{status}" in TEXTS["zh"]
    for status in AwardStatus:
        assert f"award.{status}" in TEXTS["zh"]
        assert f"short.award.{status}" in TEXTS["zh"]
    for status in set(PaymentStatus) - {PaymentStatus.ACCEPTED}:
        assert f"short.pay.{status}" in TEXTS["zh"]
    for status in set(PaymentStatus) - FAILED - {PaymentStatus.ACCEPTED}:
        assert f"pay.{status}" in TEXTS["zh"]


def test_every_kind_of_record_has_words_in_the_story_of_a_case():
    for kind in BY_NAME.values():
        if kind.topic in {"case", "award", "payment", "word", "any"}:
            assert any(key == f"history.{kind.name}" or key.startswith(f"history.{kind.name}.") for key in TEXTS["zh"])


def test_english_says_the_same(stage, opened):
    person = stage.bind(opened.citizen)
    assert "English" in person.reads("English")
    answer = person.reads(f"progress {opened.number}")
    assert "Now: County 民政局 has your papers, handed in on 23 November" in answer
    payment = stage.pay(stage.approve(opened.submitted.sub))
    stage.result(payment, "credited")
    assert "credited to your card ending in 0836" in person.reads("payment")
    assert "1 Received, 20,000.00 yuan" in person.reads("received")
    assert "中文" in person.reads("中文")
    assert "现在：" in person.reads("进度")


def test_days_of_another_year_carry_it():
    assert formats.day("zh", date(2026, 11, 29), date(2026, 1, 1)) == "11月29日"
    assert formats.day("zh", date(2027, 1, 5), date(2026, 12, 1)) == "2027年1月5日"
    assert formats.money("zh", 300_000) == "3,000.00元"
