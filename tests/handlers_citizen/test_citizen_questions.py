"""What asks never confirms: ten thousand questions, right behind a read-back, none of which does anything."""

import random
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bot.messages import Text, Voice
from bot.replies import TextReply
from bot.routing import Command, Request, Router
from bot.sessions import Session
from bot.understanding import is_question
from handlers import CITIZEN_ROUTES
from handlers.citizen.received import SAID_ALSO
from ledger.records import numbers
from tests.handlers_citizen.utterances import DRESSES, KINDS, fill

NUMBER = "21261123004798"
NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
# The words that would do something if they did not ask.
DEEDS = [
    "钱收到了", *SAID_ALSO, "确认", "confirm", "1", "１", "没收到", "钱没收到", "没有收到", "数目不对", "金额不对", "撤回申请", "撤回",
    "解绑", "解除绑定", "打开消息", "关闭消息", "withdraw", "unbind", "not received", "wrong amount",
]  # fmt: skip
# words.md: a text asks if it contains one of these …
ANYWHERE = ["？", "?", "吗", "是不是", "有没有", "咋", "怎么", "什么时候", "多少"]
# … or ends in one of these, with 呀, 啊 and 谢谢 set aside.
AT_END = ["没", "没有", "了没", "呢", "吧"]
ASIDE = ["", "呀", "啊", "谢谢", "啊谢谢", " 谢谢", "呀，谢谢", "。", " ", "！谢谢啊"]
BEHIND = [f" {NUMBER}", " 300元", " 20000", " 4787", "20000元"]
BEFORE = ["请问", "我", "你好，", "麻烦问下 "]
READ_BACK = {"1": "确认", "2": "数目不对", "3": "没收到", "4": "看看再说"}
SAMPLE, ALL = 400, 10_000

DRESSED = [(share, dress) for share, dress in DRESSES if dress.__name__ in {"_traditional", "_wide", "_gaps"}]


def question(chance: random.Random) -> str:
    """A deed's words or anybody's, made into a question as the rule says one is made."""
    said = (
        chance.choice(DEEDS) if chance.random() < 0.7 else fill(chance.choice(chance.choice(KINDS).templates), chance)
    )
    if chance.random() < 0.3:
        said += chance.choice(BEHIND)
    if chance.random() < 0.5:
        said += chance.choice(AT_END) + chance.choice(ASIDE)
    else:
        mark, at = chance.choice(ANYWHERE), chance.choice((0, len(said), chance.randrange(len(said) + 1)))
        said = said[:at] + mark + said[at:] + chance.choice(ASIDE)
    if chance.random() < 0.3:
        said = chance.choice(BEFORE) + said
    for share, dress in DRESSED:
        if chance.random() < share:
            said = dress(said, chance)
    return said


def questions(seed: int, count: int) -> list[str]:
    chance = random.Random(seed)
    return [question(chance) for _ in range(count)]


class Marking:
    """The table of the conversation, in which every row that does something only says that it was reached."""

    def __init__(self):
        self.reached: list[str] = []
        self._router = Router([self._marked(row) for row in CITIZEN_ROUTES], None, self._is_number)

    def _is_number(self, run):
        return numbers.is_number(run, ("21", "22"))

    def _marked(self, row):
        deed = row.word if isinstance(row, Command) and row.exact else ""

        def handle(_request, _services):
            if deed:
                self.reached.append(deed)
            return TextReply("x")

        return replace(row, handler=handle)

    def deeds_of(self, words, *, choices=READ_BACK, sealed=True, kind=Text):
        self.reached.clear()
        said = {"content": words} if kind is Text else {"media_id": "m", "recognition": words}
        message = kind(sender="p", account="g", created=0, delivery_key="k", **said)
        self._router.answer(Request(message, "p", "k", NOW, Session(choices=dict(choices)), sealed))
        return list(self.reached)


MARKING = Marking()


def test_the_marking_sees_deeds():
    assert MARKING.deeds_of("钱收到了") == ["钱收到了"]
    assert MARKING.deeds_of("1") == ["确认"]
    assert MARKING.deeds_of("3") == ["没收到"]
    assert MARKING.deeds_of("没收到 300元") == ["没收到"]
    assert MARKING.deeds_of("关闭消息") == ["关闭消息"]
    assert MARKING.deeds_of("进度") == []


@pytest.mark.parametrize("seed", range(1, 4))
def test_ten_thousand_questions_reach_no_row_that_does_something(seed):
    asked = questions(seed, ALL)
    assert len(set(asked)) > ALL // 2
    missed = [words for words in asked if not is_question(words)]
    assert not missed
    done = {words: deeds for words in asked if (deeds := MARKING.deeds_of(words))}
    assert not done


MIXED = [*DEEDS, *ANYWHERE, *AT_END, *ASIDE[1:], *BEHIND, "我", "不", "，", "第一个", "选1", "一", "好的", "是的"]


@given(words=st.lists(st.sampled_from(MIXED), max_size=5).map("".join), spoken=st.booleans())
@example("1？", False)
@example("１ ？", False)
@example("一吧", True)
@example("确认吧", False)
@example("确认 没 有", False)
@example("钱收到了甚麼時候", False)
@settings(max_examples=800, deadline=None)
def test_no_mixture_that_asks_does_anything(words, spoken):
    if is_question(words):
        assert MARKING.deeds_of(words, kind=Voice if spoken else Text) == []


@given(words=st.text(alphabet="确认钱收到了没有吗呢吧？?1１是不咋怎么什么时候多少 。呀啊谢", max_size=12))
@settings(max_examples=600, deadline=None)
def test_no_text_of_these_characters_asks_and_acts(words):
    deeds = MARKING.deeds_of(words)
    assert not (deeds and is_question(words))
    # And what acts is one of the words of the table, with nothing but courtesy, marks or an amount around it.
    assert not deeds or any(deed.replace("１", "1") in words.replace("１", "1").replace(" ", "") for deed in DEEDS)


@pytest.mark.parametrize(
    "words", [*DEEDS, "没收到 300元", f"没收到 {NUMBER}", "没收到20000元", "没收到呀", "钱收到了，谢谢", "钱收到了啊"]
)
def test_a_statement_is_no_question_and_is_heard(words):
    assert not is_question(words)
    assert len(MARKING.deeds_of(words)) == 1


@pytest.mark.parametrize("words", [*DEEDS])
def test_nothing_unsealed_does_anything(words):
    assert MARKING.deeds_of(words, sealed=False) == []


# --- and over real departments ---


@pytest.fixture
def asker(stage):
    opened = stage.hand_in()
    person = stage.bind(opened.citizen)
    payment = stage.pay(stage.approve(opened.submitted.sub))
    stage.result(payment, "credited")
    return person


def ask_all(stage, person, asked):
    """Each right behind a read-back that waits for its yes."""
    size = stage.size()
    person.reads("钱收到了")
    before = person.stored
    for words in asked:
        person.stored = before
        person.says(words)
        assert stage.size() == size, words
    person.stored = before
    assert "记录号" in person.reads("1")  # the read-back did wait
    assert stage.size() == size + 1


def test_a_sample_of_them_makes_no_record(stage, asker):
    ask_all(stage, asker, questions(7, SAMPLE))


@pytest.mark.attack
def test_ten_thousand_of_them_make_no_record(stage, asker):
    ask_all(stage, asker, questions(8, ALL))


def test_one_behind_the_other_they_confirm_nothing_either(stage, asker):
    size = stage.size()
    asker.reads("钱收到了")
    for words in questions(9, SAMPLE // 4):
        asker.says(words)
        assert stage.size() == size, words


@given(words=st.text(max_size=60))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_written_and_asks_makes_no_record(stage, asker, words):
    size = stage.size()
    asker.reads("钱收到了")
    asker.says(f"{words}？")
    assert stage.size() == size
