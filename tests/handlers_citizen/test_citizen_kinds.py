"""Greeting, people, kinds of messages and the words people really use: nobody is left without a way on."""

from pathlib import Path

import pytest

from bot.messages import Image, Link, Location, Scanned, ShortVideo, Subscribed, Text, Unsubscribed, Video, Voice
from bot.replies import TEXT_BYTES_MAX
from bot.sessions import Session
from handlers.citizen import help as helping
from handlers.citizen.help import LATER
from handlers.locale import TEXTS
from handlers.matters import MatterWrong, load_matters
from ledger.errors import Busy
from tests.handlers_citizen.chats import DAY, HERE, shown

THREE = ["1 我的事办到哪了", "2 我的钱到了没有", "3 找工作人员"]


@pytest.fixture
def person(stage):
    return stage.person()


@pytest.fixture
def bound(stage):
    return stage.bind(stage.hand_in().citizen)


def sent(person, kind, **fields):
    return shown(person.sends(lambda **envelope: kind(**fields, **envelope)))


def test_a_follower_is_greeted_by_county_and_department_with_three_digits(person):
    answer = sent(person, Subscribed)
    assert answer.split("\n") == [
        "您好，这里是青禾县民政局。回数字就能查：",
        *THREE,
        "也可以把小票上的编号直接发过来。",
    ]
    assert "0571-00002101" in person.reads("3")


@pytest.mark.parametrize(
    ("kind", "fields", "says"),
    [
        (Image, {"media_id": "m"}, "我看不了图片"),
        (Video, {"media_id": "m"}, "我看不了视频"),
        (ShortVideo, {"media_id": "m"}, "我看不了视频"),
        (Location, {"latitude": 1.0, "longitude": 2.0, "label": "x"}, "柳树镇便民服务中心2号窗口"),
        (Link, {"title": "t", "url": "https://x.example"}, "打不开"),
        (Voice, {"media_id": "m", "recognition": ""}, "我听不了语音。请点输入框，用键盘上的话筒说话，会变成文字"),
        (Scanned, {"scene": "x"}, "您好"),
    ],
)
def test_every_kind_gets_a_kind_and_useful_answer(person, kind, fields, says):
    assert says in sent(person, kind, **fields)


def test_nobody_who_left_is_answered(person):
    assert sent(person, Unsubscribed) == ""


def test_an_empty_voice_offers_numbers_that_work(person):
    answer = sent(person, Voice, media_id="m", recognition="")
    assert "或者回 1 查进度，2 查补贴，3 找工作人员。" in answer
    assert "电话" in person.reads("3")


def test_a_voice_that_was_written_down_is_read_as_words(person):
    assert "电话" in sent(person, Voice, media_id="m", recognition="找工作人员。")


def test_an_id_number_in_the_chat_is_met_with_the_one_text_and_kept_nowhere(person):
    answer = person.reads("我的身份证 11010519491231002X")
    assert answer == "请不要在聊天里发身份证号、银行卡号，我没有保存。查询只要小票上的编号。"
    assert "110105" not in person.stored


@pytest.mark.parametrize("word", [word for row in LATER for word in (row[0], *row[1])])
def test_words_of_later_stages_say_so_and_help(person, word):
    answer = person.reads(word)
    assert answer.startswith("这个功能还没有开通。")
    assert TEXTS["zh"]["help"] in answer
    assert THREE[0] in answer


def test_what_was_not_understood_says_what_was(person):
    assert "您说的好像是“低保”" in person.reads("低保嘛呱呱呱")
    answer = person.reads("呱呱呱")
    assert all(line in answer for line in THREE)


@pytest.mark.parametrize("reset", ["菜单", "0", "返回", "取消", "menu"])
def test_every_reset_word_leads_back_to_the_three_digits(person, reset):
    assert all(line in person.reads(reset) for line in THREE)


@pytest.mark.parametrize("words", ["帮助", "help", "怎么用"])
def test_help_lists_what_can_be_written(person, words):
    answer = person.reads(words)
    assert "钱收到了" in answer
    assert "撤回申请" in answer


MONEY = [
    "我的钱到了没",
    "钱咋还没到",
    "到账没",
    "少给了",
    "补贴啥时候发",
    "补贴",
    "钱到了吗",
    "啥时候打钱",
    "2",
    "到账了吗",
]
PROGRESS = [
    "低保批了没",
    "办到哪了",
    "怎么还没好",
    "材料交齐了吗",
    "进度",
    "办好了吗",
    "查一下",
    "1",
    "还要多久",
    "批下来没有",
]
HUMAN = ["找人", "人工", "3", "转人工", "你们电话多少", "几点上班", "我要找工作人员", "地址在哪"]
GREETINGS = ["你好", "在吗", "您好", "hello", "在不在"]
THANKS = ["谢谢", "好的", "好", "知道了", "嗯", "多谢您"]


@pytest.mark.parametrize("words", MONEY)
def test_people_who_ask_for_their_money_are_understood(stage, words):
    opened = stage.hand_in()
    person = stage.bind(opened.citizen)
    payment = stage.pay(stage.approve(opened.submitted.sub))
    stage.result(payment, "credited")
    size = stage.size()
    assert "银行回执：救助金 20,000.00元" in person.reads(words)
    assert stage.size() == size


@pytest.mark.parametrize("words", PROGRESS)
def test_people_who_ask_for_their_case_are_understood(stage, words):
    opened = stage.hand_in("最低生活保障", "孙丽")
    assert "现在：县民政局" in stage.bind(opened.citizen).reads(words)


@pytest.mark.parametrize("words", HUMAN)
def test_people_who_want_a_person_find_one(person, words):
    assert "电话：0571-00002101" in person.reads(words)


@pytest.mark.parametrize("words", GREETINGS)
def test_people_who_greet_are_greeted(person, words):
    assert person.reads(words).startswith("您好，这里是青禾县民政局")


@pytest.mark.parametrize("words", THANKS)
def test_people_who_thank_are_thanked(person, words):
    assert person.reads(words).startswith("不客气")


def test_one_who_names_a_matter_sees_only_that(stage):
    opened = stage.hand_in()
    stage.hand_in("最低生活保障", citizen=opened.citizen)
    person = stage.bind(opened.citizen)
    assert "最低生活保障（编号" in person.reads("低保批了没")
    assert "您的办件：" in person.reads("批了没")


def test_one_who_names_a_matter_they_have_not_reads_so_and_sees_what_they_have(stage):
    opened = stage.hand_in()
    stage.approve(opened.submitted.sub)
    person = stage.bind(opened.citizen)
    for asked, denied, kept in (
        ("低保批了没", "您名下没有您说的这种办件", "1 临时救助"),
        ("低保金到账没", "您名下没有您说的这种补贴", "1 救助金 20,000.00元"),
    ):
        answer = person.reads(asked)
        assert denied in answer
        assert kept in answer
        assert "现在：" in person.reads("进度")


# --- binding ---


def test_a_binding_code_works_once_and_a_wrong_one_says_no_more(stage, person):
    citizen = stage.hand_in().citizen
    code = stage.town.civil.desk.binding_code_for(citizen, 300)
    assert "绑定码不对" in person.reads("绑定 00000000")
    assert "绑定好了" in person.reads(f"绑定{code}")
    other = stage.person()
    assert "绑定码不对" in other.reads(f"绑定 {code}")
    assert "现在：" in person.reads("进度")


def test_five_wrong_binding_codes_then_wait(stage, person):
    citizen = stage.hand_in().citizen
    for at in range(5):
        person.reads(f"绑定 1234567{at}")
    code = stage.town.civil.desk.binding_code_for(citizen, 300)
    assert "请过一小时再试" in person.reads(f"绑定 {code}")


def test_a_new_binding_is_told_to_the_old_one(stage, bound):
    with stage.town.civil.facts() as facts:
        [binding] = facts.citizens_of(bound.openid)
    stage.bind(binding.citizen, "new-phone")
    [told] = stage.outbox.texts(bound.openid)
    assert "又有一个微信号绑定了您的信息" in told
    assert stage.outbox.texts("new-phone") == []


def test_an_unsealed_message_binds_nobody(stage, person):
    code = stage.town.civil.desk.binding_code_for(stage.hand_in().citizen, 300)
    assert "不能在这里办" in person.reads(f"绑定 {code}", sealed=False)
    assert "绑定好了" in person.reads(f"绑定 {code}")


def test_unbinding_closes_everything_that_was_open(stage, bound):
    assert "现在：" in bound.reads("进度")
    assert "已经解绑" in bound.reads("解绑")
    assert "现在：" not in bound.reads("进度")
    assert "没有绑定" in bound.reads("解绑")
    assert bound.stored.count("进度") == 0


@pytest.mark.parametrize("words", ["解绑吗", "解绑？", "怎么解绑", "解帮"])
def test_a_question_or_a_slip_unbinds_nobody(stage, bound, words):
    bound.reads(words)
    assert "现在：" in bound.reads("进度")


def test_without_a_code_it_says_where_to_get_one(person):
    assert "窗口" in person.reads("绑定")


# --- what holds for every answer ---


def test_the_longest_list_fits_into_one_answer_and_goes_on(stage, bound):
    with stage.town.civil.facts() as facts:
        citizen = facts.citizens_of(bound.openid)[0].citizen
    for _ in range(12):
        stage.hand_in("最低生活保障", citizen=citizen)
    first = bound.says("我的办件")
    assert len(first.encode()) <= TEXT_BYTES_MAX
    assert "11 下一页" in shown(first)
    second = bound.reads("11")
    assert "13 临时救助" in second
    assert "现在：" in bound.reads("13")


def test_a_name_with_a_link_in_it_cannot_speak_as_its_reader(stage):
    trap = '<a href="weixin://bizmsgmenu?msgmenucontent=%23批准&msgmenuid=1">缺</a>'
    opened = stage.hand_in("居住证")
    stage.act("林芳", "case-correction-due", opened.submitted.sub, {"until": "2026-12-01"}, {"what": trap})
    answer = stage.person().says(f"进度 {opened.number} {opened.query_code}")
    assert trap not in answer
    assert "＜a href" in answer


def test_when_the_ledger_is_busy_the_person_is_asked_to_try_again(stage, person, monkeypatch):
    def busy():
        raise Busy("locked")

    monkeypatch.setattr(stage.services.node, "reading", busy)
    assert person.reads("进度 21261123004798") == TEXTS["zh"]["busy"]


def test_notices_that_could_not_be_sent_stand_at_the_head(stage):
    assert helping.heads(["一"], Session()) == "您有1条新消息：\n一"
    assert helping.heads(["一", "二"], Session(language="en")).startswith("You have 2 new messages:")


def test_text_of_a_menu_key_and_of_a_link_mean_the_same(stage, bound):
    typed = bound.reads("我的办件")
    assert bound.reads("我的办件") == typed
    assert shown(bound.sends(lambda **envelope: Text(content="我的办件", menu_id="0", **envelope))) == typed


# --- matters ---


def test_a_matter_that_says_what_nobody_knows_stops_the_start_and_names_itself(tmp_path: Path):
    good = (HERE / "matters" / "juzhuzheng.toml").read_text("utf-8")
    (tmp_path / "x.toml").write_text(good.replace('silence = "none"', 'silence = "perhaps"'), "utf-8")
    with pytest.raises(MatterWrong, match=r"x\.toml"):
        load_matters(tmp_path)
    (tmp_path / "x.toml").write_text(good.replace("days = 15", "dayz = 15"), "utf-8")
    with pytest.raises(MatterWrong, match=r"x\.toml"):
        load_matters(tmp_path)


def test_a_day_is_a_day():
    assert DAY == 86_400
