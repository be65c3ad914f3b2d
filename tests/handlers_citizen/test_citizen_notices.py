"""Notices: one message for each record that moves a case or a payment, whatever crashes."""

import pytest

from handlers.citizen import notices


@pytest.fixture
def person(stage, opened):
    bound = stage.bind(opened.citizen, "phone")
    notices.tick(stage.services)
    stage.outbox.sent.clear()
    return bound


def told(stage):
    notices.tick(stage.services)
    texts = stage.outbox.texts("phone")
    stage.outbox.sent.clear()
    return texts


def test_each_record_in_whichever_department_is_told_once(stage, opened, person):
    case = opened.submitted.sub
    stage.act("林芳", "case-accepted", case)
    [accepted] = told(stage)
    assert accepted.startswith(f"临时救助（编号{opened.number}）有新进展。\n11月24日，民政局：受理。\n")
    assert f"回“进度 {opened.number}”看详细的。" in accepted
    assert "记录号 " in accepted
    assert told(stage) == []
    award = stage.approve(case, accept=False)
    assert [line.split("\n")[1] for line in told(stage)] == [
        "11月24日，民政局：审核好了，提出 20,000.00元。",
        "11月24日，民政局：批准 20,000.00元。",
    ]
    payment = stage.pay(award)
    assert [line.split("\n")[1] for line in told(stage)] == [
        "11月24日，财政局：列入付款名单 20,000.00元。",
        "11月24日，财政局：送银行。",
    ]
    stage.result(payment, "credited")
    [credited] = told(stage)
    assert "银行回执：救助金 20,000.00元 已转入您尾号0836的卡。" in credited
    assert "看到钱以后，请回“钱收到了”。" in credited


def test_a_failed_payment_is_told_with_what_to_do(stage, opened, person):
    payment = stage.pay(stage.approve(opened.submitted.sub))
    told(stage)
    stage.result(payment, "rejected", "AC01")
    [failed] = told(stage)
    assert "原因：登记的卡号不对。" in failed
    assert "您要做：带身份证和银行卡" in failed


def test_missing_papers_are_told_with_place_and_day(stage, opened, person):
    private = {"what": "租房合同"}
    stage.act("林芳", "case-correction-due", opened.submitted.sub, {"until": "2026-12-01"}, private)
    [asked] = told(stage)
    assert "缺：租房合同。" in asked
    assert "12月1日前" in asked


def test_an_own_act_is_not_told_again(stage, opened, person):
    person.reads("撤回申请")
    assert "已撤回" in person.reads("1")
    assert told(stage) == []


def test_two_telephones_of_one_person_are_both_told(stage, opened, person):
    stage.bind(opened.citizen, "second-phone")
    stage.outbox.sent.clear()
    stage.act("林芳", "case-accepted", opened.submitted.sub)
    notices.tick(stage.services)
    assert len(stage.outbox.texts("phone")) == len(stage.outbox.texts("second-phone")) == 1


def test_nobody_bound_nobody_told_and_nothing_kept_for_later(stage, opened):
    stage.act("林芳", "case-accepted", opened.submitted.sub)
    assert notices.tick(stage.services) == 0
    stage.bind(opened.citizen, "phone")
    assert told(stage) == []


def test_the_story_is_not_told_to_telephones(stage, opened, person):
    from ledger.desk import Desk
    from ledger.records.statement import Statement

    civil = stage.town.civil
    story = Desk(civil.log, civil.keys, civil.clock, story=True)
    statement = Statement("case-accepted", opened.submitted.sub)
    story.submit(statement, by=civil.staff["林芳"].handle, once="story")
    assert told(stage) == []


def test_a_crash_before_the_outbox_or_after_it_repeats_nothing_and_loses_nothing(stage, opened, person):
    stage.act("林芳", "case-accepted", opened.submitted.sub)
    stage.outbox.lost = True
    with pytest.raises(OSError, match="died"):
        notices.tick(stage.services)
    assert stage.outbox.texts("phone") == []

    class Dies(Exception):
        pass

    def dies(*_args):
        raise Dies

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(notices, "move_cursor", dies)
        with pytest.raises(Dies):
            notices.tick(stage.services)
    notices.tick(stage.services)
    assert len(stage.outbox.texts("phone")) == 1


def test_a_payment_is_told_before_its_number_is_here(stage, opened, person):
    from tests.desk.world import mirror

    award = stage.approve(opened.submitted.sub)
    told(stage)
    stage.town.order(award)
    mirror(stage.town.finance, stage.town.civil)
    [ordered] = told(stage)
    assert "列入付款名单 20,000.00元" in ordered
    assert f"回“补贴 {stage.number('award', award)}”看详细的。" in ordered


def test_a_notice_is_written_in_the_persons_language(stage, opened, person):
    stage.outbox.languages["phone"] = "en"
    stage.act("林芳", "case-accepted", opened.submitted.sub)
    [accepted] = told(stage)
    assert "accepted" in accepted
    assert "News about" in accepted


def test_a_record_that_no_sentence_can_be_made_of_is_told_plainly_and_holds_up_nobody(stage, opened, person, caplog):
    payment = stage.town.order(stage.approve(opened.submitted.sub))
    stage.town.round()
    told(stage)
    finance = stage.town.finance.desk._scribe
    finance.now = lambda: 2**53 - 1  # what a peer's desk could sign, and its mirrors have to refuse
    stage.act("马骏", "payment-released", payment)
    finance.now = stage.town.clock
    stage.hand_in("高龄津贴", citizen=opened.citizen)
    stage.town.round()
    bare, behind = sorted(told(stage), key=len)
    assert bare.startswith("您的事情有新进展。\n回“我的办件”")
    assert "收到申请" in behind
    assert "ValueError" in caplog.text
    assert opened.number not in caplog.text
    assert told(stage) == []
