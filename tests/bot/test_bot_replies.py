"""What we say fits, and nothing foreign in it becomes a button."""

import re
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.replies import TEXT_BYTES_MAX, choice, link, plain, shorten, text
from bot.routing import Router
from tests.bot.conftest import NUMBER, ROUTES, Deeds, ask, is_number

NAME = f'<a href="weixin://bizmsgmenu?msgmenucontent=#批准 {NUMBER} 9999&msgmenuid=1">王桂兰</a>'


@given(st.text(max_size=3000))
def test_every_text_fits_into_wechats_limit(content):
    reply = text(content).content
    assert len(reply.encode("utf-8", "replace")) <= TEXT_BYTES_MAX
    assert reply == content or reply.endswith("…")


@pytest.mark.parametrize(("characters", "whole"), [(682, True), (683, False)])
def test_one_character_more_is_cut(characters, whole):
    content = "办" * characters
    assert (text(content).content == content) is whole


def test_a_long_text_ends_at_a_line():
    lines = [f"第{n}行，办理进度如下。" for n in range(100)]
    kept = text("\n".join(lines)).content
    assert kept.removesuffix("…").rstrip("\n").split("\n")[-1] in lines


@given(st.integers(20, 400))
def test_no_cut_goes_through_a_tag(bytes_max):
    content = "办" * 20 + choice("看经过", "进度 1") + "件" * 30 + choice("找人", "人工")
    kept = shorten(content, bytes_max)
    assert kept.count("<a ") == kept.count("</a>")
    assert "<" not in re.sub(r"<a [^>]*>[^<]*</a>", "", kept)


@pytest.mark.parametrize(
    "foreign",
    [NAME, "<A HREF=weixin://bizmsgmenu>", "＜", "<\u200ba", "a\r\n现在：已批准", "\u202e元0001", "\u2066x\u2069", "a\x00\x1b[1m", "\u2028x", "&lt;a href=x&gt;", "\U000e0041", "王\ufe0f\u3164"],
)  # fmt: skip
def test_a_strangers_words_become_one_harmless_line(foreign):
    shown = plain(foreign)
    assert not set(shown) & set("<>&\n\r\u2028\u202e\u2066\u200b\x00\x1b\u3164")
    assert not re.search(r"<\s*a", shown)


@given(st.text(max_size=200))
def test_plain_is_harmless_for_all_words_and_done_once(foreign):
    shown = plain(foreign)
    assert not set(shown) & set("<>&\n\r\t\x00\x7f\x85\u2028\u2029\ufeff")
    assert plain(shown) == shown


def test_ordinary_words_pass_untouched():
    assert plain("王桂兰（柳树镇3组）, 20,000.00元 “急” 😀") == "王桂兰（柳树镇3组）, 20,000.00元 “急” 😀"


def tapped(made: str) -> str:
    """What WeChat posts when the link is tapped, read as a browser reads it."""
    anchor = re.fullmatch(r'<a href="([^"]*msgmenucontent=([^&]*)&msgmenuid=[^"]*)">[^<]*</a>', made)
    assert anchor is not None
    url, raw = anchor.groups()
    assert parse_qs(urlsplit(url).query, keep_blank_values=True)["msgmenucontent"] == [unquote(raw)]
    return unquote(raw)


@pytest.mark.parametrize(
    "content", ["进度 21261123004798", "确认 3", "绑定 AB+CD", 'x"><a', "100%", "a&msgmenuid=9", "a=b", "进度\n1"]
)
def test_a_tapped_choice_sends_what_was_meant(content):
    assert tapped(choice("看", content, "1")) == content.replace("\n", " ")


def test_a_staff_command_can_be_a_choice_and_needs_no_escape():
    made = choice("批准", f"#批准 {NUMBER}")
    assert f"msgmenucontent=＃批准 {NUMBER}&" in made
    assert ask(Router(ROUTES, Deeds(), is_number), tapped(made), "officer") == f"approve|{NUMBER}"


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=10))
def test_no_label_and_no_content_escapes_its_tag(label, content, menu_id):
    made = choice(label, content, menu_id)
    assert made.count("<") == made.count(">") == 2
    assert tapped(made) is not None


def test_a_link_stays_inside_its_tag():
    assert (
        link("回执", 'https://x/r/1?a=1"><a href="weixin://x')
        == '<a href="https://x/r/1?a=1%22%3E%3Ca%20href=%22weixin://x">回执</a>'
    )
