"""A node of invented people says so below every answer, in its language, and a real one never does."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from bot.replies import SILENCE, TEXT_BYTES_MAX, NewsReply, Reply, text
from bot.routing import on_command
from handlers.dialogue import marked
from handlers.locale import TEXTS, words_in

REAL, TEST = "mz.example/log", "mz.example/test/log"


def answered(reply: Reply, origin: str, language: str = "zh") -> Reply:
    services = SimpleNamespace(node=SimpleNamespace(origin=origin), words=lambda _request: words_in(language))
    row = marked(on_command("x", lambda _request, _services: reply))
    return row.handler(cast("Any", None), cast("Any", services))


@pytest.mark.parametrize("language", TEXTS)
def test_a_text_ends_with_it(language):
    assert answered(text("您好。"), TEST, language) == text(f"您好。\n{TEXTS[language]['test.mark']}")


def test_an_answer_that_would_be_too_long_is_cut_and_the_mark_is_not():
    said = cast("Any", answered(text("长" * 2_000), TEST)).content
    assert said.endswith(TEXTS["zh"]["test.mark"])
    assert TEXT_BYTES_MAX - 8 < len(said.encode()) <= TEXT_BYTES_MAX


def test_an_article_bears_it_in_both_its_lines_and_silence_stays_silent():
    marked_news = cast("Any", answered(NewsReply("扫一扫", "给王*兰", "https://x"), TEST))
    assert marked_news.title.startswith("【测试】")
    assert marked_news.description.startswith("给王*兰\n【测试】")
    assert answered(SILENCE, TEST) is SILENCE


@pytest.mark.parametrize("reply", [text("您好。"), NewsReply("扫一扫", "给王*兰", "https://x"), SILENCE])
def test_a_real_node_adds_nothing(reply):
    assert answered(reply, REAL) is reply
