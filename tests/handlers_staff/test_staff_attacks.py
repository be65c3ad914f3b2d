"""Who is no officer, or no officer any more, moves nothing and learns nothing."""

import pytest

from handlers.locale import words_in
from handlers.staff.commands import LATER, WORDS
from ledger.errors import Busy
from tests.handlers_staff.office import AID

EVERY_WORD = (*WORDS.values(), *LATER, "#回盘")


@pytest.mark.parametrize("word", EVERY_WORD)
def test_a_staff_word_from_anyone_else_gets_the_text_of_nonsense(office, word):
    number = office.hand_in()
    nonsense = office.civil.say("路人", "#吃饭了没有啊")
    assert office.civil.say("路人", f"{word} {number}") == nonsense
    assert office.civil.say("路人", f"{word} 123456") == nonsense
    assert office.civil.say("路人", word.replace("#", "／")) == nonsense


@pytest.mark.parametrize("word", EVERY_WORD)
def test_before_the_sign_in_every_other_staff_word_asks_for_it(office, word):
    told = office.civil.say("林芳", f"{word} 1")
    assert told.startswith("请先登录：#登录 加6位动态码")


@pytest.mark.parametrize("written", ["#待辦", "＃歷史 1", "／疑點", "#節點", "#補正 1", "#銀行結果 1", "#複核支付 1"])
def test_a_staff_word_in_traditional_characters_is_the_same_word(office, written):
    assert office.civil.say("林芳", written).startswith("请先登录")
    assert "登录好了" in office.civil.say("林芳", f"#登錄 {office.civil.code('林芳')}")
    assert "我没看懂" not in office.civil.say("林芳", written)


@pytest.mark.parametrize("word", LATER)
def test_words_of_later_stages_say_so_with_the_help(office, word):
    office.civil.sign_in("林芳")
    told = office.civil.say("林芳", f"{word} x")
    assert "这个功能还没有开通" in told
    assert "#待办" in told


def test_an_unsealed_command_is_not_understood_and_confirms_nothing(office):
    number = office.hand_in()
    office.civil.sign_in("林芳")
    nonsense = office.civil.say("路人", "#吃饭了没有啊")
    assert office.civil.say("林芳", f"#受理 {number}", sealed=False) == nonsense
    office.civil.say("林芳", f"#受理 {number}")
    size = office.town.civil.size()
    for text in ("确认", "确认 1", office.civil.code("林芳")):
        office.civil.say("林芳", text, sealed=False)
    assert office.town.civil.size() == size
    assert "已签名" in office.civil.say("林芳", "确认 1")


def test_an_officer_revoked_between_draft_and_confirmation_signs_nothing(office):
    number = office.hand_in()
    office.civil.sign("林芳", f"#受理 {number}")
    office.civil.sign("林芳", f"#完成 {number}")
    office.civil.sign_in("高伟")
    office.civil.say("高伟", f"#批准 {number}")
    office.town.civil.desk.revoke(office.town.civil.staff["高伟"].handle)
    size = office.town.civil.size()
    stranger = office.civil.say("路人", "482915")
    assert office.civil.say("高伟", office.civil.code("高伟")) == stranger
    assert office.civil.say("高伟", "#待办") == office.civil.say("路人", "#待办")
    assert "已签名" not in office.civil.say("高伟", "确认 1") + office.civil.say("高伟", "确认")
    assert office.town.civil.size() == size


def test_an_officer_revoked_while_the_desk_was_asked_signs_nothing(office, monkeypatch):
    number = office.hand_in()
    office.civil.sign_in("林芳")
    office.civil.say("林芳", f"#受理 {number}")
    desk, submit = office.town.civil.desk, office.town.civil.desk.submit

    def revoke_first(*args, **kwargs):
        desk.revoke(office.town.civil.staff["林芳"].handle)
        return submit(*args, **kwargs)

    monkeypatch.setattr(desk, "submit", revoke_first)
    told = office.civil.say("林芳", "确认 1")
    assert told.startswith("不能受理")
    assert "什么都没有签名" in told
    assert office.case(number).state.status == "SUBMITTED"


def test_five_wrong_codes_lock_for_a_quarter_of_an_hour_even_a_right_one(office):
    number = office.hand_in()
    office.civil.sign("林芳", f"#受理 {number}")
    office.civil.sign("林芳", f"#完成 {number}")
    office.civil.sign_in("高伟")
    office.civil.say("高伟", f"#批准 {number}")
    right = office.civil.code("高伟")
    wrong = f"{(int(right) + 1) % 10**6:06}"
    told = [office.civil.say("高伟", wrong) for _ in range(5)]
    assert all("还可以试" in one for one in told[:4])
    assert "以后再试" in told[4]
    assert "以后再试" in office.civil.say("高伟", right)
    assert "以后再试" in office.civil.say("高伟", f"#登录 {right}")
    assert office.case(number).state.status == "IN_STEP"
    office.town.clock.wait(900)
    assert "登录好了" in office.civil.sign_in("高伟")


def test_a_name_that_is_a_link_to_an_approval_stays_words(office):
    name = '<a href="weixin://bizmsgmenu?msgmenucontent=＃批准 {}&msgmenuid=0">王</a>'
    number = office.hand_in(AID, name)
    office.civil.sign_in("林芳")
    office.civil.say("林芳", f"#不予受理 {number} <a href='weixin://bizmsgmenu?msgmenucontent=＃批准'>点</a>")
    told = [office.civil.say("林芳", text) for text in ("#待办", f"#查 {number}", f"#历史 {number}", f"#受理 {number}")]
    told.append(office.civil.say("林芳", f"#不予受理 {number} <a href='weixin://x'>点</a>"))
    assert all("msgmenucontent=＃批准" not in one and "<a href='" not in one for one in told)


def test_a_masked_name_shows_no_more_than_its_ends(office):
    number = office.hand_in(AID, "欧阳娜娜")
    office.civil.sign_in("林芳")
    told = office.civil.say("林芳", f"#查 {number}") + office.civil.say("林芳", "#待办")
    assert "欧**娜" in told
    assert "欧阳" not in told


def test_an_account_that_becomes_another_officers_is_not_signed_in_and_holds_no_draft(office):
    number = office.hand_in()
    office.civil.sign_in("林芳")
    office.civil.say("林芳", f"#受理 {number}")
    renewed = office.town.civil.desk.renew(office.town.civil.staff["高伟"].handle)
    office.town.civil.desk.bind("林芳", renewed.binding_code)
    assert "请先登录" in office.civil.say("林芳", "#待办")
    assert "已签名" not in office.civil.say("林芳", "确认 1")
    assert office.case(number).state.status == "SUBMITTED"


def test_a_citizens_yes_and_no_are_theirs_beside_an_officers_draft(office):
    words = words_in("zh")
    assert words("nothing-to-confirm") in office.civil.say("路人", "确认")
    assert "草稿" not in office.civil.say("路人", "0") + office.civil.say("路人", "取消")
    office.civil.sign_in("林芳")
    assert words("nothing-to-confirm") in office.civil.say("林芳", "确认")


@pytest.mark.parametrize(
    ("text", "like_an_officer"),
    [
        ("#批准 21", True),
        ("＃待办", True),
        ("／待办", True),
        ("482915", True),
        ("確認 3", True),
        ("确认3", True),
        ("进度", False),
        ("确认", False),
        ("钱收到了", False),
        ("12345678", False),
    ],
)
def test_when_nobody_can_be_looked_up_whoever_may_have_signed_reads_that_nothing_was(office, text, like_an_officer):
    told = office.civil.excuse("林芳", text)
    assert ("没有签名" in told) is like_an_officer
    assert "过一会儿" in told


def test_a_guard_that_finds_the_database_busy_leaves_the_answer_to_the_handler(office, monkeypatch):
    def busy():
        raise Busy

    monkeypatch.setattr(office.civil.services.node, "reading", busy)
    assert "没有签名" in office.civil.say("林芳", "#待办")


def money_of(office, award):
    with office.town.civil.facts() as facts:
        return facts.find(award).ref


def test_an_account_given_between_read_back_and_signature_is_not_signed_unread(office):
    """The tail was read back; the account that is signed is whatever the award has at that moment."""
    award = office.approved()
    office.town.round()
    office.finance.sign_in("吴倩")
    assert "尾号0836" in office.finance.say("吴倩", f"#支付 {award}")
    private = {"payee": "何秀英", "account": "6217000010009990001"}
    office.town.civil.act("林芳", "account-given", money_of(office, award).sub, {}, private)
    office.town.round()
    size = office.town.finance.size()
    told = office.finance.say("吴倩", office.finance.code("吴倩"))
    assert told.startswith("不能")
    assert "刚刚有别人办了一步" in told
    assert office.town.finance.size() == size
    assert "尾号0001" in office.finance.say("吴倩", f"#支付 {award}")
    assert "已签名" in office.finance.say("吴倩", office.finance.code("吴倩"))


def test_a_proposal_made_anew_between_read_back_and_approval_is_not_approved_unread(office):
    """It came back with another amount and another payer, and the draft was of the one before."""
    number = office.hand_in(AID)
    office.civil.sign("林芳", f"#受理 {number}")
    office.civil.sign("林芳", f"#完成 {number} 2万")
    award = money_of(office, office.award(number)).sub
    office.civil.sign_in("高伟")
    assert "20,000.00元" in office.civil.say("高伟", f"#批准 {number}")
    second = office.town.civil.enrol("孙立", "approver")
    office.town.civil.act("孙立", "award-returned", award, {}, {"reason": "再核"})
    office.town.propose(office.case(number).ref.sub, 1_000_000, award)
    size = office.town.civil.size()
    assert "刚刚有别人办了一步" in office.civil.say("高伟", office.civil.code("高伟"))
    assert office.town.civil.size() == size
    assert second


def test_a_case_corrected_between_read_back_and_acceptance_is_not_accepted_unread(office):
    number = office.hand_in()
    case = office.case(number).ref.sub
    office.civil.sign_in("林芳")
    office.civil.say("林芳", f"#受理 {number}")
    office.town.civil.enrol("孙立", "clerk")
    office.town.civil.act("孙立", "case-correction-due", case, {"until": "2026-12-01"}, {"what": "身份证"})
    office.town.civil.act("孙立", "case-correction-brought", case)
    assert "刚刚有别人办了一步" in office.civil.say("林芳", "确认 1")
    assert office.case(number).state.status == "SUBMITTED"


def test_what_happens_to_others_between_read_back_and_signature_holds_nobody_up(office):
    award = office.approved()
    office.town.round()
    office.finance.sign_in("吴倩")
    office.finance.say("吴倩", f"#支付 {award}")
    office.approved()
    office.hand_in()
    office.town.round()
    assert "已签名" in office.finance.say("吴倩", office.finance.code("吴倩"))
