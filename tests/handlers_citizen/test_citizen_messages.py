"""消息设置: how a person is told, turned off and on, and the subscription that only their own tap makes."""

from dataclasses import replace

import pytest

from bot.messages import Consent, Scanned, SubscribePopup, UnknownKind
from bot.outbox import Waiting
from bot.routing import Router
from bot.sandbox.notices import read_notice
from bot.sessions import parse_session
from handlers import MENU, ROUTES
from handlers.citizen import notices
from handlers.citizen.notice_fields import fill
from handlers.locale import TEXTS
from handlers.settings import NOTICE_FIELDS, SettingWrong, read_settings
from tests.handlers_citizen.chats import DAY, PROGRAMMES, SUBSCRIBE_URL, links, shown

OFFER = "钱到了要不要通知您？"
LAYOUT = tuple((pair.split("=")[0], pair.split("=")[1]) for pair in NOTICE_FIELDS.split(","))


@pytest.fixture
def opened(stage):
    return stage.hand_in()


@pytest.fixture
def person(stage, opened):
    bound = stage.bind(opened.citizen, "phone")
    notices.tick(stage.services)
    stage.outbox.sent.clear()
    return bound


def choices(answer):
    return list(links(answer).values())


def test_it_shows_how_this_person_is_told_and_what_can_be_changed(stage, person):
    answer = person.says("消息设置")
    assert "48小时" in answer
    assert "您现在没有订阅" in answer
    assert "您下次来消息时先给您看，也列进工作人员的电话名单" in answer
    assert choices(answer) == ["关闭消息", "订阅通知", "人工"]
    stage.outbox.subscribed.add("phone")
    assert "用您订阅的那条通知发给您" in person.reads("消息设置")


def test_whoever_is_not_bound_is_told_that_nothing_can_be_sent_yet(stage):
    assert "还没有绑定" in stage.person().reads("消息设置")


def test_turned_off_nothing_is_sent_and_the_next_answer_shows_it(stage, opened, person):
    answer = person.says("消息设置")
    assert "消息关掉了" in person.taps(answer, "关掉消息")
    assert parse_session(person.stored).quiet
    stage.outbox.quiet.add("phone")  # as the real outbox reads it from the session
    stage.act("林芳", "case-accepted", opened.submitted.sub)
    notices.tick(stage.services)
    assert stage.outbox.texts("phone") == []
    [(to, content, _)] = stage.outbox.kept.values()
    assert to == "phone"
    assert "受理" in content
    assert "消息打开了" in person.reads("打开消息")
    assert not parse_session(person.stored).quiet


def test_somebody_else_binding_the_same_person_is_told_all_the_same(stage, opened, person):
    person.reads("关闭消息")
    stage.outbox.quiet.add("phone")
    stage.bind(opened.citizen, "other-phone")
    assert "又有一个微信号绑定了您的信息" in stage.outbox.texts("phone")[0]


@pytest.mark.parametrize("words", ["关闭消息吗", "关闭消息？", "怎么关闭消息", "关闭消息吧", "关闭肖息"])
def test_a_question_or_a_slip_turns_nothing_off(person, words):
    person.reads(words)
    assert not parse_session(person.stored).quiet


def test_an_unsealed_message_turns_nothing_off(person):
    person.reads("关闭消息", sealed=False)
    assert not parse_session(person.stored).quiet


# --- when it matters ---


def test_money_on_its_way_asks_whether_to_tell_and_leads_to_the_tap(stage, opened, person):
    award = stage.approve(opened.submitted.sub)
    answer = person.says("补贴")
    assert OFFER in answer
    assert shown(answer).endswith("回 1 要通知我，回 2 看进度，回 3 找工作人员。")
    tap = person.says("1")
    assert f'<a href="{SUBSCRIBE_URL}">打开订阅</a>' in tap
    payment = stage.pay(award)
    assert OFFER in person.reads("补贴")
    stage.outbox.subscribed.add("phone")
    assert OFFER not in person.reads("补贴")
    stage.outbox.subscribed.clear()
    stage.result(payment, "credited")
    answer = person.reads("补贴")
    assert OFFER not in answer
    assert answer.endswith("4 我看看再说")


def test_a_failed_or_unapproved_payment_offers_nothing(stage, opened, person):
    stage.act("林芳", "case-accepted", opened.submitted.sub)
    stage.propose(opened.submitted.sub, 300_000)
    assert OFFER not in person.reads("补贴")
    second = stage.hand_in(citizen=opened.citizen)
    payment = stage.pay(stage.approve(second.submitted.sub))
    stage.result(payment, "rejected", "AC04")
    assert OFFER not in person.reads(f"补贴 {second.number}")


def test_the_family_with_a_slip_is_not_asked(stage, opened):
    stage.approve(opened.submitted.sub)
    assert OFFER not in stage.person().reads(f"补贴 {opened.number} {opened.query_code}")


@pytest.mark.parametrize("missing", ["url", "template"])
def test_where_nobody_can_subscribe_nothing_is_offered_and_that_is_said(stage, opened, person, missing):
    if missing == "url":
        services = replace(stage.services, subscribe_url="")
    else:
        services = stage.services
        stage.outbox.has_subscription = False
    person.router = Router(ROUTES, services, person.router._is_number)
    stage.approve(opened.submitted.sub)
    assert OFFER not in person.reads("补贴")
    assert "本部门还没有开通订阅通知" in person.reads("消息设置")
    assert "订阅通知" not in choices(person.says("消息设置"))
    assert "本部门还没有开通订阅通知" in person.reads("订阅通知")


def popup(*consents):
    return lambda **envelope: SubscribePopup(
        choices=tuple(Consent(template_id=t, accepted=a) for t, a in consents), **envelope
    )


def test_the_tap_itself_is_answered_for_our_template_alone(stage, person):
    stage.outbox.is_ours = lambda template: template == "ours"
    assert "订阅好了" in person.sends(popup(("ours", True)))
    assert "没有订阅" in person.sends(popup(("ours", False)))
    assert person.sends(popup(("other", True))) == ""
    assert person.sends(popup()) == ""


OFFICES_OWN = ("case-form.", "slip.", "import.", "doctor.")  # read by officers; there "at once" means together


def test_nothing_promises_at_once():
    promises = {
        "zh": ("第一时间", "立刻", "立即", "马上通知", "马上告诉", "实时"),
        "en": ("immediately", "at once", "instantly", "right away"),
    }
    for language, words in promises.items():
        for key, text in TEXTS[language].items():
            said = text.replace("come at once", "")  # what we ask of them, not what we promise
            assert key.startswith(OFFICES_OWN) or not any(word in said for word in words), key


# --- the fields of a subscription notice ---


def waiting(key, record="R" * 43):
    return Waiting(1, key, "phone", "…", record, 0.0, 0)


def fields(stage, layout=LAYOUT):
    """Of every notice that was put so far."""
    return [
        dict(fill(waiting(key, record), layout, stage.services)) for key, (_, _, record) in stage.outbox.sent.items()
    ]


def test_the_fields_say_what_happened_to_what_and_when(stage, opened, person):
    case = opened.submitted.sub
    stage.act("林芳", "case-accepted", case)
    payment = stage.pay(stage.approve(case, accept=False))
    stage.result(payment, "credited")
    notices.tick(stage.services)
    told = fields(stage)
    assert told[0] == {
        "thing1": "临时救助",
        "thing2": "受理",
        "date3": "2026年11月24日",
        "character_string4": opened.number,
    }
    assert told[-1]["thing1"] == "救助金 20,000.00元"
    assert told[-1]["thing2"] == "银行回执：已转入"
    assert {each["character_string4"] for each in told} == {opened.number}
    for each in told:
        read_notice({name: {"value": value} for name, value in each.items()})  # WeChat's own limits


def test_a_title_that_is_too_long_loses_its_amount_and_never_half_of_it(stage, opened, person, monkeypatch):
    code = next(code for code, one in PROGRAMMES.items() if one.money == "救助金")
    long = replace(PROGRAMMES[code], money="特别困难家庭一次性临时生活救助金")
    services = replace(stage.services, programmes={**PROGRAMMES, code: long})
    stage.approve(opened.submitted.sub)
    notices.tick(services)
    titles = {fill(waiting(key), LAYOUT, services)["thing1"] for key in stage.outbox.sent}
    assert titles == {"临时救助", "特别困难家庭一次性临时生活救助金"}


def test_every_field_fits_its_kind_whatever_the_language(stage, opened, person):
    stage.outbox.languages["phone"] = "en"
    payment = stage.pay(stage.approve(opened.submitted.sub))
    stage.result(payment, "accepted", by_bank=False)
    notices.tick(stage.services)
    layout = (
        ("thing1", "title"),
        ("phrase2", "what"),
        ("time3", "day"),
        ("character_string4", "number"),
        ("name5", "title"),
    )
    for each in fields(stage, layout):
        read_notice({name: {"value": value} for name, value in each.items()})


@pytest.mark.parametrize("key", ["bound:x:phone", "999999:phone", "x", "", "１:phone"])
def test_a_notice_of_no_record_still_fills_every_field(stage, key):
    told = dict(fill(waiting(key, ""), LAYOUT, stage.services))
    read_notice({name: {"value": value} for name, value in told.items()})


# --- settings, menu, kinds ---


ENV = {
    "ONETRIP_NODE_NAME": "民政局", "ONETRIP_PUBLIC_URL": "https://m.example", "WECHAT_TOKEN": "atoken", "WECHAT_APP_ID": "wx123",
    "WECHAT_ENCODING_AES_KEY": "a" * 43, "WECHAT_APP_SECRET": "s",
}  # fmt: skip


def wechat_of(env):
    wechat = read_settings(env).wechat
    assert wechat is not None
    return wechat


def test_the_fields_of_the_template_are_a_setting_with_a_default():
    assert wechat_of(ENV).notice_fields == LAYOUT
    chosen = {"WECHAT_NOTICE_FIELDS": "phrase1=what,date12=day", "WECHAT_SUBSCRIBE_URL": "https://mp.weixin.qq.com/s/x"}
    wechat = wechat_of({**ENV, **chosen})
    assert wechat.notice_fields == (("phrase1", "what"), ("date12", "day"))
    assert wechat.subscribe_url == "https://mp.weixin.qq.com/s/x"


@pytest.mark.parametrize(
    "layout", ["thing1", "thing1=amount", "thing1=what,", "amount1=what", "thing=what", "thing1=what;date2=day", " "]
)
def test_a_malformed_layout_stops_the_start_and_names_itself(layout):
    with pytest.raises(SettingWrong, match="WECHAT_NOTICE_FIELDS"):
        read_settings({**ENV, "WECHAT_NOTICE_FIELDS": layout})


def test_a_malformed_subscription_address_stops_the_start():
    with pytest.raises(SettingWrong, match="WECHAT_SUBSCRIBE_URL"):
        read_settings({**ENV, "WECHAT_SUBSCRIBE_URL": "mp.weixin.qq.com"})


def test_the_menu_is_as_it_is_to_be_and_every_key_is_understood(stage, person):
    first, second, more = MENU.buttons
    assert (first.name, first.key, second.name, second.key, more.name) == ("查进度", "进度", "查补贴", "补贴", "更多")
    assert [below.name for below in more.below] == ["我的回执", "消息设置", "绑定", "人工", "帮助"]
    lost = TEXTS["zh"]["not-understood"].split("{")[0]
    for button in (first, second, *more.below):
        assert not person.reads(button.key).startswith(lost)


@pytest.mark.parametrize(
    ("kind", "says"),
    [("file/file", "我打不开文件"), ("miniprogrampage/miniprogrampage", "这种消息我打不开"), ("event/new_event", "")],
)
def test_a_kind_that_we_do_not_know_is_answered_and_an_event_is_not(person, kind, says):
    answer = person.sends(lambda **envelope: UnknownKind(kind=kind, **envelope))
    assert answer.startswith(says) if says else answer == ""
    assert ("1 " in shown(answer)) is bool(says)


def test_wechats_own_words_for_what_it_keeps_are_answered(person):
    assert "这种消息我打不开" in person.reads("[收到不支持的消息类型，暂无法显示]")


def test_a_scan_greets(person):
    assert person.sends(lambda **envelope: Scanned(scene="x", **envelope))


def test_a_day_later_the_settings_still_hold(stage, person):
    person.reads("关闭消息")
    stage.town.clock.wait(DAY)
    assert "消息现在关着" in person.reads("消息设置")
