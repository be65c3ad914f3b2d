"""What asks, what is a number, and that one spelling is reached from all of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import understanding
from bot.understanding import (
    SPARE_CHARACTERS,
    TEXT_CHARACTERS_MAX,
    as_written,
    find_number,
    is_question,
    is_typo,
    join_numbers,
    simplify,
    tidy,
    without_courtesy,
    without_number,
    without_preamble,
)
from tests.bot.conftest import NUMBER, OTHER_NUMBER, ROUTES, Deeds, is_number
from tests.bot.conftest import ask as ask_router


def spelt(typed):
    """A message in the spelling that the router compares."""
    return without_courtesy(simplify(join_numbers(tidy(typed), is_number)))


BASES = ["钱", "低保", "补贴", "救助金", "我的钱", "这笔钱", "11月的", "我妈的钱", "款", "卡里的钱"]
ENDINGS = [
    "到账没",
    "到账了没",
    "到账没有",
    "到账了吗",
    "到了没呀",
    "到了没啊",
    "收到了没",
    "收到了吧",
    "收到了呢",
    "到账了？",
    "收到了?",
    "咋没收到",
    "怎么没收到",
    "什么时候收到",
    "收到了多少",
    "是不是收到了",
    "有没有收到",
    "收到了没 谢谢",
    f"收到了没 {NUMBER}",
    "收到沒有",
]


@pytest.mark.parametrize("text", [base + ending for base in BASES for ending in ENDINGS])
def test_two_hundred_questions_are_questions(text):
    assert is_question(text)


@pytest.mark.parametrize(
    "text",
    [
        "到账没",
        "到账了吗",
        "到賬了嗎",
        "钱收到了嗎",
        "钱收到了吗?",
        "你收到了吗 谢谢啊",
        "还没到吧",
        "收到了没。",
        "钱收到了没有 谢谢您！",
        "没收到？",
        "没收到吗",
    ],
)
def test_a_question_in_any_dress_is_a_question(text):
    assert is_question(text)


@pytest.mark.parametrize(
    "text",
    [
        "没收到",
        f"没收到 {NUMBER}",
        "没收到 300元",
        "没收到 300.00 元。",
        "没收到钱",
        "钱收到了",
        "收到了，20,000.00元",
        "确认",
        "1",
        "数目不对",
        "谢谢",
        "好的",
        "没收到呀",
    ],
)
def test_a_statement_is_no_question(text):
    assert not is_question(text)


@pytest.mark.parametrize("words", ["钱收到了", "没收到", "数目不对", "确认", "解绑", "撤回申请"])
@given(
    question=st.sampled_from(
        ["吗", "？", "?", "没", "没有", "了没", "呢", "吧", "是不是", "有没有", "咋", "怎么", "什么时候", "多少"]
    ),
    tail=st.sampled_from(["", "呀", "啊", "谢谢", "。", " ！", "啊谢谢"]),
    head=st.sampled_from(["", "我", "请问", " "]),
)
def test_no_confirming_word_made_a_question_ever_acts(words, question, tail, head):
    deeds = Deeds()
    for text in (
        f"{head}{words}{question}{tail}",
        f"{head}{question}{words}{tail}"
        if question not in {"没", "没有", "了没", "呢", "吧"}
        else f"{words}{question}",
    ):
        assert is_question(text)
        ask_router(_router(deeds), text)
    assert deeds.done == []
    assert not {"not received", "unbind", "withdraw"} & set(deeds.calls)


def _router(deeds):
    from bot.routing import Router

    return Router(ROUTES, deeds, is_number)


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("进度 2126 1123 0047 98", NUMBER),
        ("２１２６１１２３００４７９８", NUMBER),
        ("2126-1123-0047-98 12345678", f"{NUMBER} 12345678"),
        ("2126-1123-0047-98 1234-5678", f"{NUMBER} 12345678"),
        (f"#批准 {NUMBER} 20000", NUMBER),
        ("#批准 2126 1123 0047 98 20000", NUMBER),
        (f"{NUMBER} 和 {OTHER_NUMBER}", NUMBER),
        ("2\u200b1261123004798", NUMBER),
        ("2126 1123 0047 99", "21261123004799"),
        ("12345678901", ""),  # eleven digits are a telephone number
        ("123456789012345678901", ""),  # 21 are nothing
        ("没有编号", ""),
    ],
)
def test_numbers_are_found_in_every_spelling(typed, number):
    assert find_number(spelt(typed)) == number


def test_an_amount_beside_a_number_stays_apart():
    assert join_numbers("#批准 2126 1123 0047 98 20000", is_number) == f"#批准 {NUMBER} 20000"
    assert join_numbers("电话 0571-88886666 编号 2126-1123-0047-98", is_number) == f"电话 0571-88886666 编号 {NUMBER}"


def test_without_its_number_a_sentence_keeps_its_words():
    assert without_number(f"我的低保 {NUMBER} 12345678 办到哪了") == "我的低保   办到哪了"


@pytest.mark.parametrize("text", ["谢谢", "请", "查", "。。。", "呀"])
def test_courtesy_alone_stays_a_message(text):
    assert spelt(text) != ""
    assert without_preamble(text) != ""


@pytest.mark.parametrize(
    ("typed", "word", "near"),
    [("进渡", "进度", True), ("度进", "进度", True), ("进进度", "进度", True), ("进", "进度", False), ("进度了", "进度", False), ("我的办伴", "我的办件", True),
     ("我的件", "我的办件", True), ("progess", "progress", True), ("进度", "进度", False), ("回扎", "进度", False), ("", "进度", False)],
)  # fmt: skip
def test_a_typo_is_one_slip(typed, word, near):
    assert is_typo(typed, word) is near


@given(st.text(max_size=200))
def test_tidying_twice_changes_nothing_more(text):
    once = tidy(text)
    assert tidy(once) == once


@given(st.text(alphabet="0123456789 -", max_size=120))
def test_joining_never_changes_the_digits(text):
    joined = join_numbers(text, is_number)
    assert [c for c in joined if c.isdigit()] == [c for c in text if c.isdigit()]


@pytest.mark.parametrize(
    "text",
    [
        "1" * 2048,
        "。" * 2048 + "x",
        "1 " * 1024,
        "谢谢" * 1000 + "x",
        "没" * 2000,
        "请" * 2000,
        "0-" * 1000,
        ("1" * 12 + " ") * 150,
    ],
)
def test_long_rows_of_one_thing_are_read_at_once(text):
    """No regular expression here takes steps that grow with a power of the length; with one, this would not end."""
    spelt(text)
    is_question(text)
    without_preamble(text)


@pytest.mark.parametrize(
    ("raw", "words", "written"),
    [
        ("＃退回 2126 金额不对，请改。谢谢", "金额不对,请改", "金额不对，请改"),
        ("#说明 0000 （系统）迟了　一天；已改！", "(系统)迟了 一天;已改!", "（系统）迟了 一天；已改！"),
        ("#退回 2126 ok", "ok", "ok"),
        ("选1", "金额不对", "金额不对"),
        ("#退回 好，\u202e好，\u200b好", "好,好", "好，好"),
        ("", "好", "好"),
        ("好", "", ""),
    ],
)
def test_words_for_a_record_are_as_they_were_written(raw, words, written):
    assert as_written(raw, words) == written


def test_words_behind_which_a_text_goes_on_without_end_are_as_they_were_written(monkeypatch):
    """No more is looked at than was read, however long the delivery."""
    looked = []

    def count(text):
        looked.append(len(text))
        return tidy(text)

    monkeypatch.setattr(understanding, "tidy", count)
    words = "金额不对,请改" + "改" * 200
    raw = f"#退回 2126 {words.replace(',', '，')} " + "金额" * 30_000
    assert as_written(raw, words) == words.replace(",", "，")
    assert len(looked) <= 2 * TEXT_CHARACTERS_MAX * SPARE_CHARACTERS


@given(st.text(max_size=60), st.text(max_size=60))
def test_what_was_written_reads_as_the_words_or_is_the_words(before, said):
    words = tidy(said)
    assert tidy(as_written(f"{before} {said}", words)) == tidy(words)
