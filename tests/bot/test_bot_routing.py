"""Which words reach which handler, and above all which never do."""

import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import routing
from bot.messages import Clicked, Image, LocationReported, Subscribed, UnknownKind, Unsubscribed, Viewed, Voice
from bot.replies import SILENCE
from bot.routing import Command, Request, Router, on_command, otherwise
from bot.sessions import Session
from tests.bot.conftest import NOW, NUMBER, OTHER_NUMBER, ROUTES, Deeds, ask, is_number, said

COMMON: dict[str, Any] = {"sender": "citizen", "account": "gh_1", "created": 0, "delivery_key": "k"}


def answer(router, message, session=None, sealed=True):
    return router.answer(Request(message, "citizen", "k", NOW, session or Session(), sealed))


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("进度", "progress|"),
        (f"进度 {NUMBER}", f"progress|{NUMBER}"),
        (f"进度{NUMBER} 12345678", f"progress|{NUMBER} 12345678"),
        (f"進度：{NUMBER}", f"progress|{NUMBER}"),
        ("进度 ２１２６１１２３００４７９８", f"progress|{NUMBER}"),
        ("进度 2126-1123-0047-98", f"progress|{NUMBER}"),
        ("进度 2126 1123 0047 98 1234 5678", f"progress|{NUMBER} 1234 5678"),
        (f"PROGRESS {NUMBER}", f"progress|{NUMBER}"),
        (f"progess {NUMBER}", f"progress|{NUMBER}"),  # a letter missing
        (f"进渡 {NUMBER}", f"progress|{NUMBER}"),  # one wrong character
        (f"度进{NUMBER}", f"progress|{NUMBER}"),  # swapped
        ("进度？", "progress|"),
        ("请问进度", "progress|"),
        ("帮我查一下我的补贴，谢谢", "my payments|"),
        (f"{NUMBER}的进度", f"progress|{NUMBER}"),
        ("我的案件", "mine|"),
        ("我的辦件。", "mine|"),
        ("My Cases", "mine|"),
        ("绑定 ABCD-EFGH-JKMN", "bind|ABCD-EFGH-JKMN"),
        ("绑定abcd2345", "bind|abcd2345"),
        ("人工！！", "human|"),
        ("凭证 9876", "receipt|9876"),
        ("0", "dropped|"),
        (NUMBER, f"number|{NUMBER}"),
        (f"{NUMBER} 12345678", f"number|{NUMBER} 12345678"),
        (f"{NUMBER}，查询码12345678", f"number|{NUMBER} 12345678"),
        (f"{NUMBER}-12345678", f"number|{NUMBER} 12345678"),
        ("2126 1123-0047 98 - 1234 5678", f"number|{NUMBER} 12345678"),
        ("21261123004799", "number|21261123004799"),  # mistyped: the handler says so
        ("2126 1123 0047 99", "number|21261123004799"),
        (f"麻烦看一下 {NUMBER} 谢谢", f"number|{NUMBER}"),
        ("你好", "hello|"),
        ("在吗？", "hello|"),
        ("我的钱到了没", "asked payment|"),
        (f"{NUMBER}的钱到了没", f"asked payment|{NUMBER}"),
        ("低保批了没", "asked progress|"),
        ("今天天气不错", "lost|"),
        ("回家", "lost|"),  # one character from 回执, and another word
        ("绑定", "lost|"),  # it needs its argument
        ("", "lost|"),
        ("\u200b\u202e", "lost|"),
    ],
)
def test_what_people_type_reaches_what_they_mean(router, typed, expected):
    assert ask(router, typed) == expected


@pytest.mark.parametrize("sign", ["#", "＃", "/", "／", "# ", " #"])
def test_a_staff_command_begins_with_any_of_its_signs(router, sign):
    assert ask(router, f"{sign}批准{NUMBER} 2万", "officer") == f"approve|{NUMBER} 2万"


def test_the_longer_staff_command_wins_and_keeps_the_officers_own_characters(router):
    assert ask(router, f"#不予批准 {NUMBER} 黃大山收入超標", "officer") == f"refuse|{NUMBER} 黃大山收入超標"
    assert ask(router, "#待辦", "officer") == "todo|"
    assert ask(router, "#登錄123456", "officer") == "sign in|123456"


@pytest.mark.parametrize("typed", ["#批准", f"#批准 {NUMBER}", f"＃批准{NUMBER}", "#待办", "/待办", "#登录 123456"])
def test_a_staff_command_of_a_stranger_is_answered_like_nonsense(router, deeds, typed):
    assert ask(router, typed) == ask(router, "#天书")
    assert set(deeds.calls) == {"lost"}


@pytest.mark.parametrize("typed", [f"#批淮 {NUMBER}", "#侍办", f"批准 {NUMBER}", "待办"])
def test_no_typo_and_no_missing_sign_makes_a_staff_command(router, deeds, typed):
    ask(router, typed, "officer")
    assert not {"approve", "todo", "refuse"} & set(deeds.calls)


@pytest.mark.parametrize("typed", [f"#批准 {NUMBER}", "#待办", "123456", "确认 3", "钱收到了", "1", "解绑"])
def test_unsealed_words_never_act_even_from_an_officers_name(router, deeds, typed):
    ask(router, typed, "officer", Session(choices={"1": "确认 3"}), sealed=False)
    assert deeds.done == []
    assert not {"approve", "todo", "code", "unbind"} & set(deeds.calls)


@pytest.mark.parametrize(
    "typed",
    [
        "钱收到了",
        "钱收到了。",
        "钱收到了，谢谢",
        "錢收到了呀",
        f"钱收到了 {NUMBER}",
        "received",
        "确认3",
        "确认 3",
        "確認 3！",
    ],
)
def test_what_states_may_act(router, deeds, typed):
    assert ask(router, typed).startswith("done|")
    assert len(deeds.done) == 1


@pytest.mark.parametrize(
    "typed",
    ["钱收到了吗", "钱收到了？", "钱收到了?", "钱收到了没", "钱收到了没有", f"钱收到了没 {NUMBER}", f"钱收到了 {NUMBER} 吗", "钱收到了呢", "钱收到了吧",
     "是不是钱收到了", "钱收到没收到", "不确认", "确认什么", "确认吗", "确认 3?", "我没说钱收到了", "钱收到了多少", "钱收了", "线收到了", "确人", "确认 三"],
)  # fmt: skip
def test_what_asks_or_says_something_else_never_acts(router, deeds, typed):
    ask(router, typed)
    assert deeds.done == []


@pytest.mark.parametrize("typed", ["解梆", "撒回申请", "请解绑", "解绑吧", "撤回申请吗", "withdra", "unbin"])
def test_an_exact_command_forgives_nothing(router, deeds, typed):
    ask(router, typed)
    assert not {"unbind", "withdraw"} & set(deeds.calls)


def test_not_received_is_a_statement(router):
    assert ask(router, "没收到") == "not received|"
    assert ask(router, f"没收到 {NUMBER}") == f"not received|{NUMBER}"
    assert ask(router, "没收到 300元") == "not received|300元"
    assert not ask(router, "没收到？").startswith("not received")


def test_a_digit_stands_for_the_choice_it_was_offered_for(router, deeds):
    session = Session()
    ask(router, "草拟", session=session)
    assert ask(router, "１。", session=session) == "done|3"
    assert deeds.done == ["act 3"]


def test_a_choice_can_be_a_staff_command_but_only_for_whom_it_exists(router):
    session = Session(choices={"1": f"#批准 {NUMBER}"})
    assert ask(router, "1", "officer", session) == f"approve|{NUMBER}"
    assert ask(router, "1", "citizen", session) == "lost|"


def test_a_digit_without_a_choice_is_not_understood(router):
    assert ask(router, "1") == "lost|"


def test_six_digits_are_a_code_only_for_whom_codes_exist(router):
    assert ask(router, "１２３ 456".replace(" ", ""), "officer") == "code|123456"
    assert ask(router, "123456") == "lost|"
    assert ask(router, "1234567", "officer") == "lost|"


def test_an_id_number_reaches_no_handler_and_no_session(router, deeds):
    seen: list[Request] = []
    deeds.before_answer = seen.append
    ask(router, "进度 11010519491231002X")
    assert set(deeds.calls) == {"masked"}
    assert (
        "11010519491231002X"
        not in repr(seen[0].message).split("content=")[1] + seen[0].text + seen[0].typed + seen[0].argument
    )


def test_kinds_go_to_their_rows_and_events_without_one_are_silent(router):
    assert answer(router, Subscribed(**COMMON)).content == "welcome|"
    assert answer(router, Voice(**COMMON, media_id="m", recognition="")).content == "deaf|"
    assert answer(router, Voice(**COMMON, media_id="m", recognition="我的补贴。")).content == "my payments|"
    assert answer(router, Image(**COMMON, media_id="m")).content == "lost|"
    assert answer(router, Clicked(**COMMON, key="菜单")).content == "menu|"
    for silent in (
        Viewed(**COMMON, url=""),
        Unsubscribed(**COMMON),
        LocationReported(**COMMON),
        UnknownKind(**COMMON, kind="x"),
    ):
        assert answer(router, silent) is SILENCE


def test_the_handler_learns_what_was_understood():
    seen: list[Request] = []

    def handler(request, _):
        seen.append(request)
        return SILENCE

    router = Router([on_command("进度", handler, also=("status",)), otherwise(handler)], None, is_number)
    answer(router, Voice(**COMMON, media_id="m", recognition=f"请问 status {OTHER_NUMBER} 吗"))
    assert (seen[0].understood, seen[0].argument, seen[0].asks) == ("进度", f"{OTHER_NUMBER} 吗", True)


def test_no_row_at_all_is_silence():
    assert ask(Router([], Deeds(), is_number), "进度") == ""


@given(st.text(max_size=300))
def test_no_text_breaks_the_router_or_acts_unasked(content):
    deeds = Deeds()
    reply = ask(Router(ROUTES, deeds, is_number), content)
    assert reply
    assert (
        deeds.done == [] or any(word in content.lower() for word in ("received",)) or any(c > "\x7f" for c in content)
    )


WORDS = [
    "钱收到了",
    "确认",
    "解绑",
    "撤回申请",
    "没收到",
    "进度",
    "#批准",
    "吗",
    "？",
    "没",
    "是不是",
    "1",
    "3",
    NUMBER,
    " ",
    "不",
    "谢谢",
    "了",
    "呀",
    *string.digits[:3],
]


@given(st.lists(st.sampled_from(WORDS), max_size=6).map("".join))
def test_only_the_plain_statement_ever_acts(content):
    deeds = Deeds()
    ask(Router(ROUTES, deeds, is_number), content)
    if deeds.done:
        assert content.lstrip().startswith(("钱收到了", "确认"))
        assert not any(word in content for word in ("吗", "？", "没", "是不是", "不"))


@given(st.text(alphabet="#＃/／批准待办登录 0123456789", max_size=20))
def test_no_stranger_ever_reaches_a_staff_handler(content):
    deeds = Deeds()
    ask(Router(ROUTES, deeds, is_number), content)
    assert not {"approve", "refuse", "todo", "sign in", "code"} & set(deeds.calls)


def test_every_command_of_the_table_survives_its_own_normalisation(router):
    for row in ROUTES:
        if isinstance(row, Command) and not row.word.startswith("#"):
            for word in (row.word, *row.also):
                assert not ask(router, f"{word} 12345678").startswith(("lost", "masked")) or row.argument == "none"


def test_two_rows_of_one_word_are_told_apart_by_their_guards():
    yes = lambda request, _: request.sender == "officer"  # noqa: E731 - shorter here than a def
    router = Router(
        [on_command("绑定", said("officers"), guard=yes), on_command("绑定", said("citizens"))], Deeds(), is_number
    )
    assert ask(router, "绑定 x", "officer") == "officers|x"
    assert ask(router, "绑定 x") == "citizens|x"


@given(st.text(st.characters(categories=["L"]), max_size=routing.SHORT_CHARACTERS_MAX))
def test_a_few_letters_are_spelt_alike_whatever_is_a_number(words):
    """They are remembered without asking which numbers there are: so no number may fit into them."""
    if words.isalpha():
        anything = routing._spell(words, lambda _digits: True)
        assert routing._spell_short(words) == anything == routing._spell(words, lambda _digits: False)
        assert not anything.hidden.found


@pytest.mark.parametrize("words", ["进度", "進度", "ｐｒｏｇｒｅｓｓ", "到账没", "零一二三四五六七", "ﷺﷺ"])
def test_what_is_remembered_of_a_few_letters_is_what_they_say(words):
    assert routing._spell_short(words) == routing._spell(words, is_number)
