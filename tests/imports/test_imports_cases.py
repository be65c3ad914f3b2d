"""A case comes in from the office's own system as far as its line says, once, and with its days and its source."""

import hashlib

import pytest

from handlers.imports.plan import Outcome
from ledger.errors import CodeUsed, CodeWrong
from ledger.records.cases import CaseStatus
from tests.imports.office import (
    ALLOWANCE,
    COLUMNS,
    LI,
    OLD_AGE,
    RESIDENCE,
    WANG,
    Bureau,
    everything,
    keys,
    outcomes,
    write,
)


def test_a_new_line_is_a_case_with_its_day_its_file_and_its_line(bureau: Bureau):
    raw = write([bureau.row(收件日期=bureau.day(3), 受理日期=bureau.day(2))])
    plan = bureau.take(raw)
    assert outcomes(plan) == [Outcome.NEW]
    assert bureau.kinds() == ["case-submitted", "case-accepted"]
    submitted, accepted = bureau.town.civil.records()[-2:]
    source = {"file": hashlib.sha256(raw).hexdigest(), "line": 2}
    assert submitted.clear == {"matter": "05LSJZ0001", "on": bureau.day(3), **source}
    assert accepted.clear == {"on": bureau.day(2), **source}
    case = bureau.only_case()
    assert (case.state.status, case.applicant) == (CaseStatus.ACCEPTED, "王桂兰")


def test_what_happened_today_is_not_told_as_entered_later(bureau: Bureau):
    bureau.take(write([bureau.row(受理日期=bureau.day(0))]))
    assert all("on" not in record.clear for record in bureau.town.civil.records())
    assert "补录" not in bureau.tell(bureau.look(write([bureau.row(办件编号="SP-2")])))


def test_days_count_from_when_it_happened(bureau: Bureau):
    bureau.take(write([bureau.row(收件日期=bureau.day(20), 受理日期=bureau.day(18))]))
    case = bureau.only_case()
    now = bureau.town.clock()
    assert 17 * 86_400 < now - case.state.accepted < 19 * 86_400
    assert case.since == case.state.accepted
    assert 19 * 86_400 < now - case.state.submitted < 21 * 86_400


def test_looking_changes_nothing_not_even_a_sequence(either_bureau: Bureau):
    before = everything(either_bureau.town.civil)
    either_bureau.look(write([either_bureau.decided(), either_bureau.row(办件编号="SP-2")]))
    assert everything(either_bureau.town.civil) == before


def test_money_arrives_as_a_proposal_and_another_person_approves_it(bureau: Bureau):
    plan = bureau.take(write([bureau.decided()]))
    assert "等另一个人 #批准" in bureau.tell(plan)
    assert bureau.kinds() == ["case-submitted", "case-accepted", "award-proposed"]
    [award] = bureau.awards(bureau.only_case().ref)
    assert (award.state.status, award.state.amount, award.state.payer) == (
        "PROPOSED",
        300_000,
        bureau.town.finance.origin,
    )
    assert award.account_tail == "0836"
    bureau.town.civil.act("高伟", "award-approved", award.ref.sub, {"amount": 300_000})
    assert bureau.only_case().state.status is CaseStatus.APPROVED


def test_an_approver_who_takes_in_the_same_file_does_not_approve_money_with_it(bureau: Bureau):
    raw = write([bureau.decided()])
    bureau.take(raw)
    plan = bureau.look(raw, "高伟")
    assert outcomes(plan) == [Outcome.UNCHANGED]
    assert plan.deeds == []


def test_a_decision_without_money_is_signed_by_an_approver_who_did_not_examine_it(bureau: Bureau):
    row = bureau.decided(审核结果="不通过", 金额="", 理由="收入超过标准")
    raw = write([row])
    bureau.take(raw)
    assert bureau.kinds()[-1] == "case-completed"
    assert bureau.look(raw).deeds == []
    bureau.take(raw, "高伟")
    assert bureau.kinds()[-1] == "case-refused"
    case = bureau.only_case()
    with bureau.town.civil.facts() as facts:
        assert facts.private(case.ref, "reason") == "收入超过标准"
    assert case.state.status is CaseStatus.REFUSED


def test_four_eyes_hold_for_one_person_with_two_keys(bureau: Bureau):
    bureau.town.civil.enrol("林小芳", "approver", id_number="id-21-林芳")
    raw = write([bureau.decided(审核结果="不通过", 金额="", 理由="收入超过标准")])
    bureau.take(raw)
    plan = bureau.look(raw, "林小芳")
    assert keys(plan) >= {"refused.four-eyes"}
    assert "R10" in bureau.tell(plan)


def test_who_examined_and_may_decide_too_leaves_the_decision_to_another(bureau: Bureau):
    bureau.town.civil.enrol("钱多", "clerk", "approver")
    raw = write([bureau.decided(审核结果="不通过", 金额="", 理由="收入超过标准")])
    bureau.take(raw, "钱多")
    assert bureau.kinds()[-1] == "case-completed"
    assert outcomes(bureau.look(raw, "钱多")) == [Outcome.UNCHANGED]


def test_who_is_no_clerk_takes_in_no_new_case(bureau: Bureau):
    plan = bureau.look(write([bureau.row()]), "高伟")
    assert keys(plan) == {"refused.role-missing"}
    assert not plan.is_good


def test_the_same_file_twice_changes_nothing(either_bureau: Bureau):
    raw = write([either_bureau.decided(), either_bureau.row(办件编号="SP-2", 姓名="孙丽", 身份证号=LI)])
    either_bureau.take(raw)
    before = everything(either_bureau.town.civil)
    again = either_bureau.look(raw)
    assert outcomes(again) == [Outcome.UNCHANGED] * 2
    assert again.is_good
    assert again.deeds == []
    assert everything(either_bureau.town.civil) == before


def test_the_same_file_brings_nothing_back_that_was_sent_back_since(bureau: Bureau):
    raw = write([bureau.decided()])
    bureau.take(raw)
    [award] = bureau.awards(bureau.only_case().ref)
    bureau.town.civil.act("高伟", "award-returned", award.ref.sub, {}, {"reason": "请再核一下"})
    again = bureau.look(raw)
    assert outcomes(again) == [Outcome.UNCHANGED]
    assert "以前导入过" in bureau.tell(again)
    newer = bureau.take(write([bureau.decided(金额="2800.00")]))
    assert outcomes(newer) == [Outcome.MOVED]
    [award] = bureau.awards(bureau.only_case().ref)
    assert (award.state.status, award.state.amount, award.account_tail) == ("PROPOSED", 280_000, "0836")


def test_a_file_of_the_next_day_moves_the_case_on(bureau: Bureau):
    bureau.take(write([bureau.row(收件日期=bureau.day(9))]))
    plan = bureau.take(write([bureau.row(收件日期=bureau.day(9), 受理日期=bureau.day(1))]))
    assert outcomes(plan) == [Outcome.MOVED]
    assert (plan.lines[0].before, plan.lines[0].after) == ("state.case.SUBMITTED", "state.case.ACCEPTED")
    plan = bureau.take(write([bureau.decided()]))
    assert bureau.kinds() == ["case-submitted", "case-accepted", "award-proposed"]
    assert "从“已受理，正在审核”到“审核完成，等审批”" in bureau.tell(plan)


def test_an_older_file_takes_nothing_back(bureau: Bureau):
    bureau.take(write([bureau.decided()]))
    plan = bureau.look(write([bureau.row(收件日期=bureau.day(9))]))
    assert outcomes(plan) == [Outcome.UNCHANGED]


def test_what_was_missing_is_told_brought_and_accepted(bureau: Bureau):
    told = {"补正内容": "租房合同（原来的已过期）", "补正期限": bureau.day(-6)}
    bureau.take(write([bureau.row(收件日期=bureau.day(5), **told)]))
    case = bureau.only_case()
    assert (case.state.status, case.state.until) == (CaseStatus.CORRECTION_DUE, bureau.day(-6))
    with bureau.town.civil.facts() as facts:
        assert facts.private(case.ref, "what") == "租房合同（原来的已过期）"
    bureau.take(write([bureau.row(收件日期=bureau.day(5), **told, 受理日期=bureau.day(0))]))
    assert bureau.kinds() == ["case-submitted", "case-correction-due", "case-correction-brought", "case-accepted"]


def test_without_a_last_day_the_matters_own_law_says_it(bureau: Bureau):
    bureau.take(write([bureau.row(补正内容="医疗费用票据")]))
    assert bureau.only_case().state.until > bureau.day(-9)


@pytest.mark.parametrize(
    ("result", "kind", "status"),
    [("不予受理", "case-not-accepted", "NOT_ACCEPTED"), ("申请人撤回", "case-withdrawn", "WITHDRAWN")],
)
def test_not_accepted_and_withdrawn(bureau: Bureau, result, kind, status):
    bureau.take(write([bureau.row(收件日期=bureau.day(4), 审核结果=result, 理由="不在本县", 决定日期=bureau.day(1))]))
    assert bureau.kinds()[-1] == kind
    assert bureau.only_case().state.status == status


def test_a_standard_needs_no_amount_and_a_monthly_one_has_its_month(bureau: Bureau):
    rows = [
        bureau.decided(办件编号="A", 事项=OLD_AGE, 金额=""),
        bureau.decided(办件编号="B", 事项=ALLOWANCE, 姓名="孙丽", 身份证号=LI, 金额="1,560.00元"),
    ]
    bureau.take(write(rows))
    proposed = [record.clear for record in bureau.town.civil.records() if record.kind == "award-proposed"]
    assert [clear["amount"] for clear in proposed] == [10_000, 156_000]
    assert "period" not in proposed[0]
    assert proposed[1]["period"] == bureau.day(1)[:7]


def test_the_same_person_twice_in_one_file_is_one_citizen(bureau: Bureau):
    bureau.take(write([bureau.row(办件编号="A"), bureau.row(办件编号="B", 事项=OLD_AGE)]))
    assert len({case.citizen for case in bureau.cases()}) == 1


def test_a_matter_of_another_department_is_none_of_ours(bureau: Bureau):
    plan = bureau.look(write([bureau.row(事项=RESIDENCE)]))
    assert keys(plan) == {"import.case.elsewhere"}


def test_one_case_number_is_one_person_and_one_matter(bureau: Bureau):
    bureau.take(write([bureau.row()]))
    other = bureau.look(write([bureau.row(姓名="孙丽", 身份证号=LI)]))
    assert keys(other) == {"import.case.other-person"}
    assert keys(bureau.look(write([bureau.row(事项=OLD_AGE)]))) == {"import.case.other-matter"}
    # Another width, and a space, are no other name.
    assert bureau.look(write([bureau.row(姓名="王 桂兰")])).is_good


def test_two_systems_that_disagree_about_the_end_or_the_amount_are_stopped(bureau: Bureau):
    bureau.take(write([bureau.decided()]))
    assert keys(bureau.look(write([bureau.decided(金额="5000.00")]))) == {"import.case.amount"}
    [award] = bureau.awards(bureau.only_case().ref)
    bureau.town.civil.act("高伟", "award-refused", award.ref.sub, {}, {"reason": "已有其他救助"})
    assert keys(bureau.look(write([bureau.decided(手机号="")]))) == {"import.case.decided-otherwise"}


def test_another_account_in_the_file_is_told_and_changes_nothing(bureau: Bureau):
    bureau.take(write([bureau.decided()]))
    plan = bureau.look(write([bureau.decided(账号="6299990000000064471")]))
    assert outcomes(plan) == [Outcome.UNCHANGED]
    told = bureau.tell(plan)
    assert "0836" in told
    assert "4471" in told
    assert "629999" not in told


def test_what_was_entered_by_mistake_and_taken_back_can_come_again(bureau: Bureau):
    bureau.take(write([bureau.row()]))
    case = bureau.only_case()
    bureau.town.civil.act("林芳", "amendment", case.ref.sub, {"amends": case.record_id}, {"reason": "录错了人"})
    plan = bureau.take(write([bureau.row(姓名="孙丽", 身份证号=LI)]))
    assert outcomes(plan) == [Outcome.NEW]
    assert sorted(one.state.status for one in bureau.cases()) == ["CANCELLED", "SUBMITTED"]
    assert bureau.look(write([bureau.row(姓名="孙丽", 身份证号=LI)])).deeds == []


def test_a_wrong_code_signs_nothing_and_stays_counted(bureau: Bureau):
    plan = bureau.look(write([bureau.decided()]))
    size = bureau.town.civil.size()
    with pytest.raises(CodeWrong) as first:
        bureau.sign(plan, "林芳", "000000")
    with pytest.raises(CodeWrong) as second:
        bureau.sign(plan, "林芳", "000000")
    assert second.value.tries_left == first.value.tries_left - 1
    assert bureau.town.civil.size() == size


def test_one_code_takes_in_one_file(bureau: Bureau):
    bureau.town.clock.wait(30)
    code = bureau.town.civil.code("林芳")
    first, second = write([bureau.row()]), write([bureau.row(办件编号="SP-2")])
    bureau.town.clock.wait(-30)
    bureau.sign(bureau.look(first), "林芳", code)
    bureau.town.clock.wait(-30)
    with pytest.raises(CodeUsed):
        bureau.sign(bureau.look(second), "林芳", code)
    assert len(bureau.cases()) == 1


def test_a_refusal_on_one_line_refuses_all_and_names_the_line(bureau: Bureau):
    plan = bureau.look(write([bureau.row(), bureau.row(办件编号="SP-2", 事项=RESIDENCE), bureau.row(办件编号="SP-3")]))
    assert outcomes(plan) == [Outcome.NEW, Outcome.REFUSED, Outcome.NEW]
    assert "第3行 王*兰 居住证：不能导入" in bureau.tell(plan)


def test_every_line_is_accounted_for_and_the_sums_hold(bureau: Bureau):
    bureau.take(write([bureau.decided()]))
    rows = [
        bureau.decided(),
        bureau.decided(办件编号="SP-2", 金额="500"),
        bureau.row(办件编号="SP-3"),
        bureau.row(办件编号="SP-4", 身份证号="330199195902140027"),
    ]
    plan = bureau.look(write(rows))
    assert len(plan.lines) == 4
    told = bureau.tell(plan)
    assert "一共4行：新收2行，变动0行，没有变化1行，不能导入1行。" in told
    assert "新收和变动的金额合计 500.00元，全部 3,500.00元。" in told


def test_a_refusal_that_is_signed_states_its_reason(bureau: Bureau):
    raw = write([bureau.decided(审核结果="不通过", 金额="")])
    bureau.take(raw)
    assert bureau.kinds()[-1] == "case-completed"
    plan = bureau.look(raw, "高伟")
    assert keys(plan) == {"import.cell.wanting.reason"}
    assert not plan.is_good


def test_money_without_an_account_is_proposed_and_waits_for_one(bureau: Bureau):
    plan = bureau.take(write([bureau.decided(账号="")]))
    assert "请本人到窗口登记" in bureau.tell(plan)
    [award] = bureau.awards(bureau.only_case().ref)
    assert award.account_tail is None


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ({"受理日期": ""}, "受理日期"),
        ({"决定日期": ""}, "决定日期"),
        ({"金额": ""}, "金额"),
        ({"审核结果": ""}, "审核结果"),
        ({"审核结果": "不予受理"}, "理由"),
        ({"补正期限": "2026-09-30"}, "补正内容"),
    ],
)
def test_a_cell_that_another_calls_for_is_asked_for(bureau: Bureau, cells, column):
    plan = bureau.look(write([bureau.decided(**cells)]))
    [remark] = plan.lines[0].remarks
    assert remark.key.startswith("import.cell.wanting.")
    assert remark.column == column


def test_a_name_that_stands_where_a_result_should_is_not_told(bureau: Bureau):
    rows = [bureau.decided(审核结果="孙丽"), bureau.row(办件编号="SP-2", 姓名="孙丽", 身份证号=LI)]
    plan = bureau.look(write(rows))
    assert "import.cell.result" in keys(plan)
    assert "孙丽" not in bureau.tell(plan)
    assert "搞定了" in bureau.tell(bureau.look(write([bureau.decided(审核结果="搞定了")])))


def test_days_go_forward(bureau: Bureau):
    assert keys(bureau.look(write([bureau.decided(受理日期=bureau.day(10))]))) == {"import.cell.day-order"}
    assert keys(bureau.look(write([bureau.decided(决定日期=bureau.day(8))]))) == {"import.cell.day-order"}


def test_a_file_with_more_records_than_are_signed_at_once_is_refused(bureau: Bureau, monkeypatch):
    raw = write([bureau.row(办件编号=f"SP-{at}") for at in range(4)])
    monkeypatch.setattr("handlers.imports.plan.RECORDS_MAX", 4)
    assert bureau.look(raw).is_good
    monkeypatch.setattr("handlers.imports.plan.RECORDS_MAX", 3)
    assert keys(bureau.look(raw)) == {"import.file.records"}


def test_somebody_known_at_this_node_by_their_id_number_is_joined(bureau: Bureau):
    told = {"applicant": "王桂兰", "id_number": WANG}
    officer = bureau.town.civil.staff["林芳"].handle
    opened = bureau.town.civil.desk.open_case("05GLJT0001", told, by=officer, once="at the counter")
    bureau.take(write([bureau.row()]))
    assert {case.citizen for case in bureau.cases()} == {opened.citizen}


def test_an_id_number_that_has_another_name_here_is_looked_at_first(bureau: Bureau):
    bureau.take(write([bureau.row()]))
    other = write([bureau.row(办件编号="SP-2", 姓名="王桂芳")])
    assert keys(bureau.look(other)) == {"import.case.other-name"}


def test_who_is_paid_in_anothers_place_belongs_to_them_somehow(bureau: Bureau):
    columns = (*COLUMNS, "户名", "与申请人关系")
    row = bureau.decided(户名="王小明")
    assert keys(bureau.look(write([row], columns=columns))) == {"import.cell.wanting.relation"}
    assert keys(bureau.look(write([row | {"与申请人关系": "邻居"}], columns=columns))) == {"import.cell.relation"}
    bureau.take(write([row | {"与申请人关系": "儿子"}], columns=columns))
    case = bureau.only_case()
    with bureau.town.civil.facts() as facts:
        assert (facts.private(case.ref, "payee"), facts.private(case.ref, "relation")) == ("王小明", "child")
