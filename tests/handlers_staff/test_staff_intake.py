"""What the chat does for the counter: a link, a QR code, a code in words; and never anything personal."""

import re

import pytest

from bot.errors import ApiUnreachable, NotSent
from bot.replies import NewsReply
from bot.wechat_api import SceneQr
from handlers.staff.commands import LATER
from ledger.desk import Purpose
from tests.handlers_staff.office import AID, ALLOWANCE, OLD_AGE, known

LINK = re.compile(r'<a href="(http://[^"]*/intake/([A-Za-z0-9_-]{22,}))">([^<]*)</a>')


def ticket(office, told: str):
    [(_url, token, _label)] = LINK.findall(told)
    return office.town.civil.desk.ticket(token)


@pytest.fixture
def clerk(office):
    office.civil.sign_in("林芳")
    return office.civil


class Qr:
    def __init__(self, error: Exception | None = None):
        self.made: list[tuple[str, int]] = []
        self.error = error

    def __call__(self, scene: str, seconds: int) -> SceneQr:
        if self.error:
            raise self.error
        self.made.append((scene, seconds))
        return SceneQr("http://weixin.qq.com/q/1", "https://mp.weixin.qq.com/cgi-bin/showqrcode?ticket=1")


# --- #收件 ---


@pytest.mark.parametrize(
    "words", ["高龄津贴", "老年津贴", "05GLJT0001", "05gljt0001", "高齡津貼", "高龄", " 高龄津贴 "]
)
def test_a_matter_is_named_by_its_name_an_alias_its_code_or_a_part(office, clerk, words):
    told = clerk.say("林芳", f"#收件 {words}")
    found = known(ticket(office, told))
    assert (found.purpose, found.about) == (Purpose.CASE, OLD_AGE)
    assert found.officer == office.town.civil.staff["林芳"].handle
    assert "高龄津贴" in told
    assert "前有效，只能用一次" in told


def test_the_link_is_at_our_own_address_and_says_until_when(office, clerk):
    told = clerk.say("林芳", "#收件 高龄津贴")
    [(url, token, label)] = LINK.findall(told)
    assert url == f"http://21.example/intake/{token}"
    assert label == "打开页面"
    until = office.town.civil.desk.ticket(token).expires
    assert until == office.town.clock() + 1_800


@pytest.mark.parametrize("words", ["", "火星移民", "居住证", "津贴", "05", "金", "<a>", "长" * 300])
def test_no_matter_or_an_unknown_one_is_answered_with_the_list(office, clerk, words):
    told = clerk.say("林芳", f"#收件 {words}")
    if words == "津贴":
        assert known(ticket(office, told)).about == OLD_AGE
        return
    assert "收哪一件" in told
    assert "居住证" not in told
    for name in ("临时救助", "高龄津贴", "最低生活保障"):
        assert f"msgmenucontent=＃收件 {name}" in told
    digit = next(digit for digit, says in clerk.session("林芳").choices.items() if says == "#收件 高龄津贴")
    assert known(ticket(office, clerk.say("林芳", digit))).about == OLD_AGE


def test_words_that_fit_several_matters_list_those(clerk):
    told = clerk.say("林芳", "#收件 低保还有临时救助")
    assert "临时救助" in told
    assert "最低生活保障" in told
    assert "高龄津贴" not in told


def test_every_link_is_another_one(office, clerk):
    told = [clerk.say("林芳", "#收件 高龄津贴") for _ in range(5)]
    assert len({LINK.findall(each)[0][1] for each in told}) == 5


def test_a_department_without_matters_says_so(office):
    office.town.finance.enrol("周敏", "clerk")
    office.town.finance.desk.bind("周敏", office.town.finance.staff["周敏"].binding_code)
    office.finance.sign_in("周敏")
    assert "财政局没有可以收件的事项" in office.finance.say("周敏", "#收件 高龄津贴")


@pytest.mark.parametrize("word", ["#收件 高龄津贴", "#绑码 {number}", "#登记账户 {number}"])
def test_only_a_clerk_who_signed_in_just_now_may(office, word):
    number = office.hand_in()
    word = word.format(number=number)
    office.civil.sign_in("高伟")
    told = office.civil.say("高伟", word)
    assert told.startswith("不能")
    assert "要由受理岗位的人办" in told
    assert "请先登录" in office.civil.say("林芳", word)
    office.civil.sign_in("林芳")
    office.town.clock.wait(15 * 60)
    assert "请先登录" in office.civil.say("林芳", word)


def test_these_words_are_open_now_and_stand_in_the_help(clerk):
    told = clerk.say("林芳", "#帮帮我")
    for word in ("#收件", "#绑码", "#登记账户"):
        assert word not in LATER
        assert word in told


def test_in_english_the_page_opens_in_english(office, clerk):
    clerk.say("林芳", "English")
    assert "?lang=en" in clerk.say("林芳", "#收件 高龄津贴")


def test_nothing_is_recorded_by_giving_links_and_codes(office, clerk):
    number = office.hand_in()
    size = office.town.civil.size()
    for word in ("#收件", "#收件 高龄津贴", f"#绑码 {number}"):
        clerk.say("林芳", word)
    assert office.town.civil.size() == size


# --- #绑码 ---


def reply_to(account, who: str, text: str):
    return account.router.answer(account._request(who, text, sealed=True, key=None))


def with_qr(office, qr: Qr) -> None:
    object.__setattr__(office.civil.services, "qr", qr)


def test_the_qr_code_is_one_article_that_says_whose_in_masked_form(office, clerk):
    qr = Qr()
    with_qr(office, qr)
    number = office.hand_in(name="何秀英")
    reply = reply_to(clerk, "林芳", f"#绑码 {number}")
    assert isinstance(reply, NewsReply)
    [(scene, seconds)] = qr.made
    [code] = re.findall(r"^bind_([0-9]{8})$", scene)
    assert seconds == 300
    assert "何*英" in reply.title
    assert reply.picture_url == reply.url == "https://mp.weixin.qq.com/cgi-bin/showqrcode?ticket=1"
    assert f"绑定 {code}" in reply.description
    assert "何秀英" not in reply.title + reply.description
    bound = office.town.civil.desk.bind("c-1", code)
    assert (bound.citizen, bound.level) == (office.case(number).citizen, 1)


@pytest.mark.parametrize("error", [NotSent(48001, "qrcode/create"), NotSent(45009, "x"), ApiUnreachable("away")])
def test_without_a_qr_code_the_code_comes_in_words_with_its_end(office, clerk, error):
    with_qr(office, Qr(error))
    number = office.hand_in(name="何秀英")
    told = clerk.say("林芳", f"#绑码 {number}")
    [code] = re.findall(r"绑定 ([0-9]{8})", told)
    assert "何*英" in told
    assert "何秀英" not in told
    assert re.search(r"[0-9]{2}:[0-9]{2}前有效", told)
    assert office.town.civil.desk.bind("c-1", code).citizen == office.case(number).citizen


def test_a_choice_of_the_list_before_means_nothing_after_the_qr_code(office, clerk):
    number = office.hand_in()
    with_qr(office, Qr())
    clerk.say("林芳", "#待办")
    assert clerk.session("林芳").choices
    clerk.say("林芳", f"#绑码 {number}")
    assert clerk.session("林芳").choices == {}


def test_a_code_is_given_for_our_own_cases_only(office):
    award = office.approved()
    office.town.finance.enrol("周敏", "clerk")
    office.town.round()
    office.town.finance.desk.bind("周敏", office.town.finance.staff["周敏"].binding_code)
    office.finance.sign_in("周敏")
    told = office.finance.say("周敏", f"#绑码 {award}")
    assert told.startswith("不能出绑定码")
    assert "绑定 " not in told


@pytest.mark.parametrize("number", ["", "21261123004798", "21261123004799", "abc"])
def test_an_unknown_number_gets_no_code(clerk, number):
    assert not re.search(r"绑定 [0-9]{8}", clerk.say("林芳", f"#绑码 {number}"))


# --- #登记账户 ---


def failed(office, matter: str = AID, amount: str = "3000") -> tuple[str, str, str]:
    """A case whose payment came back; the numbers of case, award and payment."""
    award = office.approved(matter, amount)
    office.town.round()
    office.finance.sign("吴倩", f"#支付 {award}")
    payment = office.payment(award)
    office.finance.sign("马骏", f"#复核支付 {payment}")
    office.finance.sign("吴倩", f"#银行结果 {payment} 失败 AC04")
    office.town.round()
    with office.town.civil.facts() as facts:
        case = known(facts.case(facts.award(facts.find(award).ref).case)).number
    office.civil.sign_in("林芳")
    return known(case), award, payment


def test_an_account_is_registered_by_case_award_or_payment_number(office):
    numbers = failed(office)
    with office.town.civil.facts() as facts:
        award = facts.find(numbers[1]).ref.sub
    for number in numbers:
        told = office.civil.say("林芳", f"#登记账户 {number}")
        found = known(ticket(office, told))
        assert (found.purpose, found.about) == (Purpose.ACCOUNT, award)
        assert "救助金 3,000.00元" in told


def test_looking_at_it_offers_the_page_and_a_binding_code(office):
    case, award, _payment = failed(office)
    told = office.civil.say("林芳", f"#查 {case}")
    assert f"msgmenucontent=＃登记账户 {award}" in told
    assert f"msgmenucontent=＃绑码 {case}" in told
    assert "＃登记账户" not in office.civil.say("高伟", f"#查 {case}")


def test_whatever_cannot_use_another_account_is_refused_with_the_reason(office):
    number = office.hand_in(AID)
    office.civil.sign_in("林芳")
    assert "还没有核定的钱" in office.civil.say("林芳", f"#登记账户 {number}")
    office.civil.sign("林芳", f"#受理 {number}")
    office.civil.sign("林芳", f"#完成 {number} 3000")
    told = office.civil.say("林芳", f"#登记账户 {number}")
    assert told.startswith("不能登记账户")
    assert "已申报，等审批" in told
    assert LINK.findall(told) == []


def test_money_on_its_way_or_arrived_keeps_its_account(office):
    award = office.approved(AID, "3000")
    office.town.round()
    office.civil.sign_in("林芳")
    assert ticket(office, office.civil.say("林芳", f"#登记账户 {award}"))
    office.finance.sign("吴倩", f"#支付 {award}")
    office.town.round()
    assert "已经在付" in office.civil.say("林芳", f"#登记账户 {award}")
    payment = office.payment(award)
    office.finance.sign("马骏", f"#复核支付 {payment}")
    with office.town.finance.facts() as facts:
        sub = facts.find(payment).ref.sub
    office.town.result(sub, "credited", by_bank=True)
    office.town.round()
    office.civil.sign_in("林芳")
    assert "已经到账" in office.civil.say("林芳", f"#登记账户 {award}")


def test_a_monthly_benefit_may_get_another_account_at_any_time(office):
    award = office.approved(ALLOWANCE, "1560")
    office.town.round()
    office.finance.sign("吴倩", f"#支付 {award}")
    office.town.round()
    office.civil.sign_in("林芳")
    assert ticket(office, office.civil.say("林芳", f"#登记账户 {award}"))


def test_money_of_somebody_said_to_be_dead_waits_for_the_family_and_no_account(office):
    award = office.approved(AID, "3000")
    office.town.round()
    office.finance.sign("吴倩", f"#支付 {award}")
    payment = office.payment(award)
    office.finance.sign("马骏", f"#复核支付 {payment}")
    office.finance.sign("吴倩", f"#银行结果 {payment} 失败 MD07")
    office.town.round()
    office.civil.sign_in("林芳")
    assert "不能补发" in office.civil.say("林芳", f"#登记账户 {award}")
