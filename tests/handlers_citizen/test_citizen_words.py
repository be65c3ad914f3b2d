"""The citizen's own word: read back, confirmed only while nothing came between, and one record or none."""

import pytest

from tests.handlers_citizen.chats import DAY, MATTERS, links, shown

ASKED = "您收到多少？"


@pytest.fixture
def payment(stage, opened):
    paid = stage.pay(stage.approve(opened.submitted.sub))
    stage.result(paid, "credited")
    return paid


@pytest.fixture
def person(stage, opened):
    return stage.bind(opened.citizen)


def words(stage):
    return [record for record in stage.town.civil.records() if record.kind == "citizen-word"]


@pytest.mark.parametrize("yes", ["1", "确认", "１", "确认。", "confirm"])
def test_read_back_with_amount_and_day_then_one_record(stage, person, payment, yes):
    size = stage.size()
    read_back = person.reads("钱收到了")
    assert "银行回执：救助金 20,000.00元 已转入您尾号0836的卡。" in read_back
    assert "11月24日" in read_back
    assert ASKED in read_back
    assert stage.size() == size
    done = person.reads(yes)
    assert "说收到了救助金 20,000.00元" in done
    assert "记录号" in done
    assert stage.size() == size + 1
    [said] = words(stage)
    assert said.clear["word"] == "received"
    assert said.clear["payment"] == {"log": stage.town.finance.origin, "sub": payment}
    assert said.kid == stage.town.civil.keys.desk_kid
    for again in ("1", "确认", "钱收到了"):
        person.reads(again)
    assert stage.size() == size + 1


def test_the_question_below_the_money_is_a_read_back_too(stage, person, payment):
    answer = person.says("补贴")
    assert shown(answer).endswith("4 我看看再说")
    assert "记录号" in person.taps(answer, "收到了，20,000.00元")
    later = person.reads("补贴")
    assert "您11月24日说：收到了 20,000.00元。" in later
    assert ASKED not in later
    assert len(words(stage)) == 1


@pytest.mark.parametrize("between", ["进度", "补贴啥时候发", "谢谢", "阿巴阿巴", "人工", "#待办", "帮助", "菜单"])
@pytest.mark.parametrize("yes", ["确认", "1"])
def test_when_anything_came_between_a_yes_only_repeats_the_read_back(stage, person, payment, between, yes):
    size = stage.size()
    person.reads("钱收到了")
    person.reads(between)
    again = person.reads(yes)
    assert stage.size() == size
    if yes == "确认":
        assert ASKED in again
        assert "记录号" in person.reads(yes)
        assert stage.size() == size + 1


SLIPS = [
    "5",
    "6",
    "9",
    "５",
    "01",
    "11",
    "1元",
    "+1",
    "一",
    "是",
    "yes",
    "好的",
    "嗯",
    "确认 2",
    "确认吗",
    "#确认",
    "1？",
    "1收到了",
]


@pytest.mark.parametrize("slip", SLIPS)
def test_nothing_but_the_one_and_the_word_is_a_yes(stage, person, payment, slip):
    size = stage.size()
    person.reads("钱收到了")
    assert "记录号" not in person.reads(slip)
    assert stage.size() == size


def test_a_digit_that_no_list_offers_repeats_the_read_back(stage, person, payment):
    first = person.reads("钱收到了")
    assert person.reads("7") == first
    assert "记录号" in person.reads("1")
    assert len(words(stage)) == 1


def test_a_one_belongs_to_the_newest_list(stage, person, payment):
    size = stage.size()
    person.reads("钱收到了")
    person.reads("我的办件")
    assert "现在：" in person.reads("1")
    assert stage.size() == size


@pytest.mark.parametrize("no", ["0", "取消", "返回", "4", "看看再说", "算了"])
def test_dropping_it_leaves_nothing_to_confirm(stage, person, payment, no):
    size = stage.size()
    person.reads("钱收到了")
    person.reads(no)
    assert "没有等您确认" in person.reads("确认")
    assert "记录号" not in person.reads("1")
    assert stage.size() == size


@pytest.mark.parametrize("words_", ["没收到", "数目不对", "没收到 300元", "2", "3"])
def test_not_received_and_wrong_amount_lead_to_a_person(stage, person, payment, words_):
    size = stage.size()
    person.reads("钱收到了")
    assert "0571-00002101" in person.reads(words_)
    assert "没有等您确认" in person.reads("确认")
    assert stage.size() == size


QUESTIONS = [
    f"{said}{asks}"
    for said in ("钱收到了", "到账", "钱到了", "收到了", "我的钱收到", "钱到账了", "已到账", "钱收到", "钱到账")
    for asks in ("没", "吗", "没有", "了没", "？", "?", "吗谢谢", "没呀", "呢", "吧", "吗啊")
] + [
    "是不是钱收到了",
    "有没有收到钱",
    "钱咋收到了",
    "怎么钱收到了",
    "什么时候收到钱",
    "收到了多少",
    "钱收到了 吗",
    "钱收到了 20000元 吗",
    "收到了没谢谢",
    "確認收到錢了嗎",
]


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_never_becomes_a_record(stage, person, payment, question):
    size = stage.size()
    person.reads("钱收到了")
    person.reads(question)
    person.reads(question)
    assert stage.size() == size


@pytest.mark.parametrize("digit", ["5", "9", "６", "1?", "１？", "2？", "4 ?", "0？", "取消？", "确认？", "确认吗"])
def test_a_digit_that_asks_or_that_nothing_offered_confirms_nothing_and_drops_nothing(stage, person, payment, digit):
    size = stage.size()
    person.reads("钱收到了")
    assert "记录号" not in person.reads(digit)
    assert stage.size() == size
    assert "没有等您确认" not in person.reads("确认")  # the read-back stands
    person.reads("确认")
    assert stage.size() == size + 1


@pytest.mark.parametrize("digit", ["1", "5", "1？", "确认"])
def test_an_unsealed_digit_confirms_nothing(stage, person, payment, digit):
    size = stage.size()
    person.reads("钱收到了")
    assert ASKED not in person.reads(digit, sealed=False)
    assert stage.size() == size


def test_with_nothing_open_it_says_so(stage, person):
    assert "没有等您确认的钱" in person.reads("钱收到了")


def test_somebody_not_bound_is_told_how_to_bind(stage, payment):
    assert "绑定" in stage.person().reads("钱收到了")


def test_a_new_binding_waits_a_day(stage, opened, payment):
    size = stage.size()
    person = stage.bind(opened.citizen, settled=False)
    assert "要等一天" in person.reads("钱收到了")
    assert ASKED not in person.reads("补贴")
    stage.town.clock.wait(DAY - 1)
    assert "要等一天" in person.reads("钱收到了")
    stage.town.clock.wait(1)
    assert ASKED in person.reads("钱收到了")
    assert stage.size() == size


def test_an_officers_word_may_be_confirmed_and_is_told_as_an_officers(stage, opened, person):
    paid = stage.pay(stage.approve(opened.submitted.sub))
    stage.result(paid, "accepted", by_bank=False)
    read_back = person.reads("钱收到了")
    assert "财政局登记：" in read_back
    assert "尚未附银行回执" in read_back
    person.reads("1")
    assert len(words(stage)) == 1


def test_of_several_a_numbered_list_comes_first(stage, person, opened, payment):
    second = stage.hand_in(citizen=opened.citizen)
    other = stage.pay(stage.approve(second.submitted.sub, 300_000), 300_000)
    stage.result(other, "credited")
    size = stage.size()
    first = person.says("钱收到了")
    assert "1 11月24日，救助金 20,000.00元" in shown(first)
    assert "2 11月24日，救助金 3,000.00元" in shown(first)
    assert "3,000.00元" in person.reads("2")
    assert stage.size() == size
    assert "3,000.00元" in person.reads("1")
    assert stage.size() == size + 1
    [said] = words(stage)
    assert said.clear["payment"]["sub"] == other
    assert "20,000.00元" in person.reads("钱收到了")  # one is left


def test_a_number_its_last_digits_or_an_amount_say_which(stage, person, opened, payment):
    second = stage.hand_in(citizen=opened.citizen)
    other = stage.pay(stage.approve(second.submitted.sub, 300_000), 300_000)
    stage.result(other, "credited")
    number = stage.number("payment", other)
    for which in (number, number[-4:], "3000元", "3000"):
        answer = person.reads(f"钱收到了 {which}")
        assert "3,000.00元 已转入" in answer
    assert "您说的是哪一笔" in person.reads("钱收到了 5000元")


def test_a_changed_payment_is_read_back_again_or_refused(stage, person, payment):
    size = stage.size()
    person.reads("钱收到了")
    stage.result(payment, "returned", "AC04")
    assert "不用您确认" in person.reads("1")
    assert stage.size() == size + 1  # the bank's own record


def test_said_from_two_telephones_at_once_is_one_record(stage, opened, person, payment):
    other = stage.bind(opened.citizen, "other-phone")
    person.reads("钱收到了")
    other.reads("钱收到了")
    assert "记录号" in person.reads("1")
    assert "不用您确认" in other.reads("1")
    assert len(words(stage)) == 1


def test_a_crash_before_the_answer_is_stored_repeats_the_answer_and_not_the_record(stage, person, payment):
    person.reads("钱收到了")
    lost = person.reads("1", key="same-delivery", forget=True)
    again = person.reads("1", key="same-delivery")
    assert again == lost
    assert "记录号" in again
    assert len(words(stage)) == 1


def test_an_unsealed_yes_confirms_nothing(stage, person, payment):
    size = stage.size()
    assert ASKED not in person.reads("钱收到了", sealed=False)
    person.reads("钱收到了")
    person.reads("1", sealed=False)
    person.reads("确认", sealed=False)
    assert stage.size() == size


def test_unbound_in_between_no_word_is_taken(stage, person, payment):
    size = stage.size()
    person.reads("钱收到了")
    stage.town.civil.desk.unbind(person.openid)
    assert "不用您确认" in person.reads("1")
    assert stage.size() == size


# --- withdrawing ---


def test_an_application_is_withdrawn_after_it_was_read_back(stage, opened, person):
    size = stage.size()
    answer = person.says("撤回申请")
    assert opened.number in answer
    assert "临时救助" in answer
    assert stage.size() == size
    assert "已撤回" in person.taps(answer, "撤回")
    assert stage.size() == size + 1
    assert "现在：申请已撤回" in person.reads("进度")
    assert "没有可以撤回" in person.reads("撤回申请")


def test_of_several_applications_one_is_chosen_first(stage, opened, person):
    second = stage.hand_in("高龄津贴", citizen=opened.citizen)
    first = person.says("撤回申请")
    assert len(links(first)) == 2
    assert second.number in person.reads("2")
    person.reads("1")
    with stage.town.civil.facts() as facts:
        states = [str(case.state.status) for case in facts.cases_of(opened.citizen)]
    assert states == ["SUBMITTED", "WITHDRAWN"]


@pytest.mark.parametrize("slip", ["3", "7", "９", "11", "好的", "是"])
def test_a_slip_of_the_finger_withdraws_nothing(stage, opened, person, slip):
    size = stage.size()
    person.reads("撤回申请")
    assert "已撤回" not in person.reads(slip)
    assert stage.size() == size


def test_a_yes_to_a_withdrawal_counts_only_at_once(stage, opened, person):
    size = stage.size()
    person.reads("撤回申请")
    person.reads("进度")
    assert opened.number in person.reads("确认")
    assert stage.size() == size
    assert "什么都没有改" in person.reads("0")
    person.reads("撤回申请吗")
    person.reads("1")
    assert stage.size() == size


def test_what_was_decided_meanwhile_is_not_withdrawn(stage, opened, person):
    person.reads("撤回申请")
    stage.act("林芳", "case-not-accepted", opened.submitted.sub)
    size = stage.size()
    assert "没有撤回" in person.reads("1")
    assert stage.size() == size


def test_a_crash_in_a_withdrawal_repeats_the_answer(stage, person):
    person.reads("撤回申请")
    lost = person.reads("1", key="same", forget=True)
    assert person.reads("1", key="same") == lost
    assert "已撤回" in lost


def test_somebody_not_bound_withdraws_nothing(stage, opened):
    person = stage.person()
    person.reads(f"进度 {opened.number} {opened.query_code}")
    assert "绑定" in person.reads(f"撤回申请 {opened.number}")
    assert MATTERS
