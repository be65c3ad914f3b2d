"""The catalogue says the same things in both languages, and nothing foreign becomes a button in it."""

import re
from string import Formatter

import pytest

from handlers.locale import TEXTS, Own, words_in

KEYS = sorted(TEXTS["zh"])


def placeholders(template):
    return sorted({name for _, name, _, _ in Formatter().parse(template) if name is not None})


def test_every_key_exists_in_both_languages():
    assert set(TEXTS["zh"]) == set(TEXTS["en"])


@pytest.mark.parametrize("key", KEYS)
def test_all_placeholders_agree_and_have_names(key):
    names = placeholders(TEXTS["zh"][key])
    assert names == placeholders(TEXTS["en"][key])
    assert all(name.isidentifier() for name in names)


# What is fixed for Chinese answers has one counterpart in English, in the same places and in no others.
COUNTERPARTS = [
    (r"^现在：", r"^Now: "),
    (r"^下一步：", r"^Next: "),
    (r"^缺：", r"^Missing: "),
    (r"^原因：", r"^(Reason|Why): "),
    (r"⚠", r"⚠"),
    (r"^不能", r"^Not possible to "),
    (r"您收到多少？", r"^How much did you receive\?"),
    (r"请过一小时再试", r"try again in an hour"),
    (r"还没有开通。$", r"not available yet\.$"),
]
IN_THE_CHAT = [key for key in KEYS if not key.startswith(("import.", "slip.", "demo.", "receipt."))]


@pytest.mark.parametrize(("chinese", "english"), COUNTERPARTS)
def test_what_is_fixed_for_chinese_answers_has_one_counterpart_in_english(chinese, english):
    fixed = {key for key in IN_THE_CHAT if re.search(chinese, TEXTS["zh"][key])}
    assert fixed
    assert fixed == {key for key in IN_THE_CHAT if re.search(english, TEXTS["en"][key])}


@pytest.mark.parametrize("key", [key for key in KEYS if key.startswith(("trust", "finding."))])
def test_the_line_of_trust_and_the_findings_say_cross_check_in_english_where_chinese_says_it(key):
    assert ("核对" in TEXTS["zh"][key]) == ("cross-check" in TEXTS["en"][key])


# Chinese is what somebody types or taps there, or the switch to the other language.
TYPED = {"help", "page.other-language", "receipt.language", "import.cell.relation", "messages.how-to-tap"}
TYPED |= {"staff.ask.amount", "staff.ask.bank-result", "staff.ask.bank-reason", "staff.amount-wrong"}


@pytest.mark.parametrize("key", [key for key in KEYS if key not in TYPED and not key.startswith("demo.")])
def test_an_english_sentence_has_no_chinese_word_but_commands(key):
    assert re.findall("[\u4e00-\u9fff]+", re.sub(r"#[\u4e00-\u9fff]+( 电话)?", "", TEXTS["en"][key])) == []


def test_an_unknown_language_reads_chinese():
    assert words_in("").language == "zh"
    assert words_in("fr").language == "zh"


def test_own_words_keep_their_links_and_foreign_ones_lose_them(monkeypatch):
    monkeypatch.setitem(TEXTS["zh"], "test.name", "您好，{name}。")
    link = '<a href="weixin://bizmsgmenu?msgmenucontent=x&msgmenuid=0">王</a>'
    assert "<" not in words_in("zh")("test.name", name=link)
    assert link in words_in("zh")("test.name", name=Own(link))


def test_a_foreign_value_is_never_read_as_a_template(monkeypatch):
    monkeypatch.setitem(TEXTS["zh"], "test.name", "您好，{name}。")
    assert words_in("zh")("test.name", name="{name.__class__}") == "您好，{name.__class__}。"
