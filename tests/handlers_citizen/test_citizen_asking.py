"""How people ask reaches what they mean: measured over what chance composes, and printed."""

import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.messages import Text, Voice
from bot.replies import TextReply
from bot.routing import Command, Kind, Request, Router, Sense, Shape, Words
from bot.sessions import Session
from handlers import CITIZEN_ROUTES
from handlers.citizen.phrases import LAST_FOUR, NOT_PASSED_ON, STICKER
from ledger.records import numbers
from tests.handlers_citizen.chats import shown
from tests.handlers_citizen.utterances import KINDS, Utterance, english, unseen, utterances

ASKED = Path(__file__).with_name("asked.txt")
REACHED = 0.95
# What an exact word leads to, by the names of the topics.
COMMANDS = {
    "进度": "progress", "我的办件": "progress", "经过": "progress", "补贴": "money", "我的补贴": "money", "钱收到了": "money",
    "没收到": "money", "数目不对": "money", "人工": "human", "菜单": "menu", "帮助": "help", "绑定": "bind", "解绑": "bind",
    "消息设置": "notices", "订阅通知": "notices", "打开消息": "notices", "关闭消息": "notices", "取消": "no", "确认": "yes",
    "回执": "receipt", "投诉": "human", "撤回申请": "withdraw", "English": "english", "中文": "chinese",
}  # fmt: skip
PHRASES = ((STICKER, "sticker"), (NOT_PASSED_ON, "unsupported"), (LAST_FOUR, "number"))


def topic_of(row):
    match row:
        case Sense(sense=sense):
            return str(sense)
        case Command(word=word):
            return COMMANDS.get(word, word)
        case Words(phrases=phrases):
            return next((name for each, name in PHRASES if each == phrases), "digit")
        case Kind(kind=kind):
            return kind.__name__
        case Shape(shape=shape):
            return shape


def naming(row):
    """The same row; instead of answering it says where it leads."""
    name = topic_of(row)
    return replace(row, handler=lambda _request, _services: TextReply(name))


ROUTER = Router([naming(row) for row in CITIZEN_ROUTES], None, lambda run: numbers.is_number(run, ("21", "22")))


def reached(words, session=None, message=None):
    now = datetime(2026, 11, 24, 9, tzinfo=UTC)
    message = message or Text(sender="p", account="g", created=0, delivery_key="k", content=words)
    reply = ROUTER.answer(Request(message, "p", "k", now, session or Session()))
    return getattr(reply, "content", "")


def measured(name: str, asked: Iterable[Utterance], capsys) -> float:
    every = list(asked)
    missed = [(each, found) for each in every if (found := reached(each.text)) not in each.means]
    share = 1 - len(missed) / len(every)
    worst = Counter(each.kind for each, _ in missed).most_common(5)
    with capsys.disabled():
        sys.stdout.write(f"\n{name}: {share:.1%} of {len(every)} reach what they mean; most missed: {worst}\n")
    return share


@pytest.mark.parametrize("seed", range(1, 5))
def test_three_hundred_utterances_of_sixty_kinds_reach_their_topic(capsys, seed):
    assert len(KINDS) >= 60
    assert measured(f"sixty kinds, seed {seed}", utterances(seed, 300), capsys) >= REACHED


@pytest.mark.parametrize("seed", range(1, 4))
def test_three_hundred_that_the_table_was_never_held_against_reach_it_too(capsys, seed):
    assert measured(f"never seen, seed {seed}", unseen(seed, 300), capsys) >= REACHED


def test_what_was_asked_once_and_learned_stays_understood(capsys):
    rows = (line.split("\t") for line in ASKED.read_text("utf-8").splitlines())
    asked = [Utterance(words, means, frozenset(means.split())) for means, words in rows]
    assert len(asked) > 600
    assert measured("learned", asked, capsys) >= 0.98


def test_english_questions_reach_their_topic(capsys):
    assert measured("English", english(1), capsys) >= REACHED


OFF_TOPIC = [
    "今天天气不错",
    "讲个笑话",
    "你吃了吗",
    "股票涨了吗",
    "我爱你",
    "春节快乐",
    "阿巴阿巴",
    "呱呱呱",
    "我叫王桂兰",
    "张三",
    "柳树镇",
    "随便",
    "哈哈哈",
    "测试",
    "test",
    "asdf",
    "下雨了",
    "没意思",
    "回家",
    "lorem",
    "路灯坏了",
    "我家漏水了",
    "饿了",
    "青禾县",
    "明天去赶集",
    "吃饭了",
    "电影",
]


def test_what_is_about_something_else_is_not_taken_for_ours():
    taken = {words: found for words in OFF_TOPIC if (found := reached(words)) != "otherwise"}
    assert not taken


NOBODY_OFFERS = [
    "我想办准生证", "准生证怎么办", "办准生证去哪", "我想结婚登记", "医保怎么报销", "公积金怎么提取", "营业执照在哪办", "我要办护照", "想落户",
    "户口怎么迁", "身份证丢了去哪补办", "怎么办离婚", "残疾证怎么办", "申请廉租房", "给孩子上户口", "无犯罪记录证明怎么开", "办社保卡",
    "社保卡怎么办", "请问新农合在哪交", "想辦個護照", "俺想整个准生证", "I want a birth permit", "how do I get a passport",
]  # fmt: skip


@pytest.mark.parametrize("words", NOBODY_OFFERS)
def test_a_matter_that_nobody_offers_is_known_as_one(words):
    assert reached(words) == "elsewhere"


@pytest.mark.parametrize(
    ("words", "topic"),
    [
        ("办居住证要身份证吗", "progress"), ("用身份证能查吗", "slip"), ("户口本要带吗", "papers"), ("失业了怎么申请低保", "apply"),
        ("离婚了钱怎么没发", "money"), ("我要办暂住证", "apply"), ("社保卡丢了怎么办", "account"), ("我想办低保", "apply"),
        ("身份证复印件要交吗", "papers"), ("生育津贴到账了吗", "money"), ("办好了没", "progress"),
    ],
)  # fmt: skip
def test_what_is_offered_or_only_names_another_paper_is_not_sent_away(words, topic):
    assert reached(words) == topic


def test_whoever_wants_what_nobody_offers_hears_whom_to_call_and_what_can_be_had_here(stage):
    answer = stage.person().reads("我想办准生证")
    assert answer.startswith("您想办的这件事，这里好像办不了。")
    for told in ("12345", "居住证（公安局）", "1 高龄津贴", "临时救助", "最低生活保障", "找工作人员"):
        assert told in answer
    assert "准生证" not in answer
    person = stage.person()
    person.reads("我想办准生证")
    assert "您要带：身份证、社会保障卡" in person.reads("1")


def test_whoever_wants_what_another_department_does_hears_which_one_and_what_to_bring(stage):
    answer = stage.person().reads("怎么申请居住证")
    assert "这件事由公安局办。" in answer
    assert "租房合同或其他居住证明" in answer


@pytest.mark.parametrize(
    ("words", "topic"),
    [
        ("１", "digit"), ("第二个", "otherwise"), ("6217", "number"), ("[收到不支持的消息类型，暂无法显示]", "unsupported"), ("返回", "no"), ("0", "no"),
        ("菜单", "menu"), ("jindu", "progress"), ("qian dao le ma", "money"), ("QIANDAOLEMA", "money"), ("我的qian到了没", "money"),
        ("钱到咗未", "money"), ("錢到賬了嗎", "money"), ("俺的钱咋还没到嘞", "money"), ("事儿整得咋样了", "progress"), ("弄得劲没", "progress"),
        ("救命", "urgent"), ("没钱看病了", "urgent"), ("13812345678", "slip"), ("12345678", "slip"), ("领导，低保批了没", "progress"),
        ("同志你好", "greeting"), ("你好，我的钱到了没", "money"), ("[微笑]我的钱到了没[微笑]", "money"), ("钱" * 500, "money"),
    ],
)  # fmt: skip
def test_near_forms_are_understood(words, topic):
    assert reached(words) == topic


@pytest.mark.parametrize("said", ["第二个", "选2", "2号", "二", "两", "回2", "按 2".replace(" ", ""), "②", "２。"])
def test_a_choice_is_followed_however_its_digit_is_said(said):
    assert reached(said, Session(choices={"1": "进度", "2": "补贴"})) == "money"


@pytest.mark.parametrize("said", ["第一个", "选1", "一", "回1"])
def test_a_choice_that_does_something_is_taken_by_its_own_digit_alone(said):
    choices = {"1": "确认", "2": "没收到"}
    assert reached(said, Session(choices=dict(choices))) != "yes"
    assert reached("1", Session(choices=dict(choices))) == "yes"


def test_a_voice_is_read_as_words_are():
    spoken = Voice(sender="p", account="g", created=0, delivery_key="k", media_id="m", recognition="我的钱到了没有。")
    assert reached("", message=spoken) == "money"


HOSTILE = ["钱" * 2000, "没" * 2000, "谢谢" * 900, "a" * 2000, "qian" * 500, "[微笑]" * 600, "到哪" * 900, "1" * 11, "。" * 2000, "的我" * 999,
           "什么时候" * 500, "(" * 2000, "不" * 2000, "x钱" * 900, "\u200d" * 2000, "😀" * 900]  # fmt: skip


@pytest.mark.parametrize("words", HOSTILE)
def test_long_rows_of_one_thing_are_read_at_once(words):
    """No pattern takes steps that grow with a power of the length; with one, this would not end."""
    assert reached(words)


# --- what is said about it ---


@pytest.fixture
def person(stage):
    return stage.bind(stage.hand_in().citizen)


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("我的钱到了没", "您问的是补贴。"),
        ("救助批了没", "您问的是进度（临时救助）。"),
        ("材料交齐了吗", "您问的是材料。"),
        ("几点上班", "您问的是窗口、时间和电话。"),
        ("找人", "您要找工作人员。"),
        ("怎么绑定", "您问的是绑定。"),
        ("小票丢了", "您问的是编号和查询码。"),
        ("换卡了怎么办", "您说的是银行卡、卡号。"),
        ("怎么撤回申请", "您说的是撤回申请。"),
        ("怎么申请低保", "您问的是怎么申请（最低生活保障）。"),
        ("钱到了通知我", "您说的是消息通知。"),
        ("jindu", "您问的是进度。"),
        ("progess", "您说的是“progress”。"),
        ("请问我的办件", "您说的是“我的办件”。"),
    ],
)
def test_each_answer_says_what_it_took_the_question_for(person, words, first):
    assert person.reads(words).split("\n")[0] == first


@pytest.mark.parametrize(
    "words",
    ["进度", "补贴", "人工", "1", "2", "3", "0", "菜单", "帮助", "你好", "谢谢", "我的办件", "绑定", "消息设置"],
)
def test_an_exact_word_is_answered_without_ado(person, words):
    assert not person.reads(words).startswith(("您问的是", "您说的是", "您要找"))


def test_a_number_among_words_is_answered_as_the_number_is(stage, person):
    number = stage.hand_in().number
    for words in (f"{number}的钱到了没", f"帮我看下{number}批了没", f"进渡 {number}", "低保批了没 2026"):
        assert not stage.person().reads(words).startswith(("您问的是", "您说的是"))


def test_asked_twice_in_ones_own_words_the_lines_are_equal(stage, person):
    first = person.reads("我的事办到哪了").split("\n")
    stage.town.clock.wait(60)
    second = person.reads("我的事办到哪了").split("\n")
    assert [line for line in first if "核对" not in line] == [line for line in second if "核对" not in line]


def test_a_voice_reads_what_was_heard_and_no_digit_of_it(person):
    def spoken(words):
        return shown(person.sends(lambda **envelope: Voice(media_id="m", recognition=words, **envelope)))

    assert spoken("我的钱到了没有。").startswith("我听到的是“我的钱到了没有”。\n您问的是补贴。\n")
    assert "我听到的是" not in spoken("进度 21261030004787")
    trap = '<a href="weixin://bizmsgmenu?msgmenucontent=确认&msgmenuid=0">钱到了没</a>'
    assert "<a href" not in spoken(trap).split("\n")[0]


def test_whoever_writes_english_is_told_how_to_be_answered_in_it(person):
    answer = person.reads("has my money arrived?")
    assert answer.startswith("您问的是补贴。\nFor English, please write: English\n")
    assert "For English, please write: English" in person.reads("lorem ipsum dolor")
    person.reads("English")
    assert person.reads("has my money arrived?").startswith("You ask about a payment.")
    assert "For English" not in person.reads("lorem ipsum dolor")
    assert "For English" not in person.reads("wo de qian dao le ma")


def test_what_was_understood_of_the_rest_is_said_in_our_own_words(stage, person):
    answer = person.reads("低保呱呱呱<a>")
    assert "您说的好像是“低保”" in answer
    assert "<a>" not in answer
    assert "您说的好像是“财政局”" in person.reads("财政局呱呱")
    for way in ("1 我的事办到哪了", "2 我的钱到了没有", "3 找工作人员"):
        assert way in answer


@pytest.mark.parametrize("words", ["好的", "是的", "对", "可以", "嗯", "OK", "确定"])
def test_a_yes_in_other_words_confirms_nothing_and_hears_how_to(stage, words):
    opened = stage.hand_in()
    person = stage.bind(opened.citizen)
    payment = stage.pay(stage.approve(opened.submitted.sub))
    stage.result(payment, "credited")
    size = stage.size()
    person.reads("钱收到了")
    assert "您收到多少？" in person.reads(words)
    assert stage.size() == size
    person.reads("算了吧")
    assert "没有等您确认" in person.reads("确认")
    assert person.reads(words).startswith("不客气")
