"""The call list: news that reached nobody, told to officers without a whole name, and crossed off without a record."""

import re
from dataclasses import replace

import pytest

from bot import storage
from bot.inbox import Claim, Inbox
from bot.messages import Text
from bot.outbox import Outbox
from bot.replies import SILENCE, TEXT_BYTES_MAX
from bot.routing import Router
from handlers import ROUTES
from handlers.citizen import notices
from ledger.records import numbers
from tests.handlers_staff.office import RESIDENCE

PHONE = "o-wang"


class Unreachable:
    """WeChat's API; nobody here may be written to, so it is never asked."""

    def send_text(self, openid, content):
        raise AssertionError

    def send_notice(self, openid, template_id, data):
        raise AssertionError


@pytest.fixture
def outbox(office, tmp_path):
    engine = storage.open_engine(f"sqlite:///{tmp_path}/bot.db")
    storage.metadata.create_all(engine)
    box = Outbox(engine, Unreachable(), office.town.clock)
    office.civil.services = replace(office.civil.services, outbox=box)
    office.civil.router = Router(ROUTES, office.civil.services, numbers.holds)
    yield box
    engine.dispose()


def news(office, outbox, name="王桂兰", matter=RESIDENCE, openid=PHONE):
    """Somebody is bound, their application moves, and they have not written for long."""
    number = office.hand_in(matter, name)
    case = office.case(number)
    office.civil.department.desk.bind(openid, office.civil.department.desk.binding_code_for(case.citizen, 300))
    office.civil.sign("林芳", f"#受理 {number}")
    notices.tick(office.civil.services)
    outbox.send_due()
    return number


def taps(told):
    return [text.replace("＃", "#") for text in re.findall(r"msgmenucontent=([^&]+)&", told)]


def test_who_to_call_about_what_and_since_when(office, outbox):
    number = news(office, outbox)
    told = office.civil.say("林芳", "#待办")
    [line] = [line for line in told.split("\n") if "王*兰" in line and "受理" in line and "打过了" in line]
    assert number in line
    assert "居住证：受理（一共2条）" in line
    assert re.match(r"\d+月\d+日起 ", line)
    assert "王桂兰" not in told
    assert "有1人的消息没有送到，请打电话：" in told


def test_crossing_off_is_a_look_and_can_be_taken_back(office, outbox):
    news(office, outbox)
    size = office.town.civil.size()
    [done] = [text for text in taps(office.civil.say("林芳", "#待办")) if text.startswith("#已电话")]
    told = office.civil.say("林芳", done)
    assert "已经打过电话" in told
    assert "王*兰" not in office.civil.say("林芳", "#待办 电话")
    assert "名单里没有这一条" in office.civil.say("林芳", done)
    assert "放回名单了" in office.civil.say("林芳", f"{done} 放回")
    assert "王*兰" in office.civil.say("林芳", "#待办 电话")
    assert office.town.civil.size() == size


def test_the_person_reads_it_above_their_next_answer_though_somebody_says_to_have_called(office, outbox):
    news(office, outbox)
    [done] = [text for text in taps(office.civil.say("林芳", "#待办")) if text.startswith("#已电话")]
    office.civil.say("林芳", done)
    inbox = Inbox(outbox._engine, office.town.clock)
    lease = inbox.claim(Text(sender=PHONE, account="g", created=0, delivery_key="k", content="x"), lambda: False)
    assert isinstance(lease, Claim)
    assert len(lease.heads) == 2
    assert all("有新进展" in head.text for head in lease.heads)
    inbox.finish(lease, SILENCE, lease.heads)


def test_a_long_list_has_pages_and_never_cuts_an_answer(office, outbox):
    for at in range(11):
        news(office, outbox, openid=f"o-{at}")
    told = office.civil.say("林芳", "#待办")
    assert len(told.encode()) <= TEXT_BYTES_MAX
    assert not told.endswith("…")
    assert "有11人的消息没有送到" in told
    first = office.civil.say("林芳", "#待办 电话")
    assert len(first.encode()) <= TEXT_BYTES_MAX
    assert first.count("打过了") == 6
    assert office.civil.say("林芳", "下一页").count("打过了") == 5
    assert office.civil.say("林芳", "#待办 电话 99").count("打过了") == 6


@pytest.mark.parametrize("said", ["#已电话", "#已电话 x", "#已电话 99999999999999999999", "#已电话 -1", "#已电话 ７个"])
def test_a_number_that_is_none_changes_nothing_and_says_how(office, outbox, said):
    news(office, outbox)
    assert "打过电话" not in office.civil.say("林芳", said)
    assert outbox.count_undelivered() == 1


def test_a_number_of_nobodys_changes_nothing(office, outbox):
    news(office, outbox)
    assert "名单里没有这一条" in office.civil.say("林芳", "#已电话 77")
    assert outbox.count_undelivered() == 1


def test_only_an_officer_who_signed_in_sees_or_changes_it(office, outbox):
    news(office, outbox)
    office.civil.say("林芳", "#退出")
    assert "请先登录" in office.civil.say("林芳", "#待办 电话")
    assert "请先登录" in office.civil.say("林芳", "#已电话 1")
    assert office.civil.say("o-stranger", "#已电话 1") == office.civil.say("o-stranger", "#天书")
    assert outbox.count_undelivered() == 1


def test_news_without_a_record_is_listed_without_a_name(office, outbox):
    office.civil.sign_in("林芳")
    outbox.put("bound:x:o-1", "o-1", "又有一个微信号绑定了您的信息", "")
    outbox.send_due()
    assert "没有编号的消息" in office.civil.say("林芳", "#待办")


def test_with_nothing_to_call_nothing_is_said(office, outbox):
    office.civil.sign_in("林芳")
    assert "电话" not in office.civil.say("林芳", "#待办")
    assert "现在没有要打的电话" in office.civil.say("林芳", "#待办 电话")
