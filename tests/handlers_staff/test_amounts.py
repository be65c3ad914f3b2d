"""Amounts are what people type, exactly, or nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.amounts import FEN_MAX, in_capitals, parse_amount

FEN = st.integers(1, FEN_MAX)


@pytest.mark.parametrize(
    "text",
    ["2万", "20000元", "２００００", "20,000.00", "20000", "20000.0", "2.0万元", " 20000 元 ", "￥20,000", "0.0002亿"],
)
def test_the_ways_to_write_twenty_thousand(text):
    assert parse_amount(text) == 2_000_000


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "0.00",
        "-1",
        "+1",
        "1.005",
        "1e5",
        "2,0000",
        "20,00",
        "00020",
        "1..2",
        ".5",
        "5.",
        "二万",
        "2 0",
        "NaN",
        "inf",
        "0x10",
        "1_000",
        "٣",
        "100000000000.01",
        "9" * 400,
        "1.0000001万",
        "2万万",
        "20000元整吗",
        "2万5",
        "1,000,0",
    ],
)
def test_what_is_no_amount_is_none(text):
    assert parse_amount(text) is None


def test_the_most_just_passes_and_a_fen_more_fails():
    assert parse_amount("100000000000") == FEN_MAX
    assert parse_amount("100,000,000,000.01") is None


@given(FEN)
def test_every_amount_survives_being_printed(fen):
    yuan, rest = divmod(fen, 100)
    assert parse_amount(f"{yuan}.{rest:02}") == parse_amount(f"{yuan:,}.{rest:02}元") == fen


@given(st.text(max_size=30))
def test_no_text_makes_it_fail_or_give_less_than_a_fen(text):
    found = parse_amount(text)
    assert found is None or 0 < found <= FEN_MAX


@given(FEN, FEN)
def test_two_amounts_never_have_the_same_capitals(one, other):
    assert (in_capitals(one) == in_capitals(other)) == (one == other)


@pytest.mark.parametrize(
    ("fen", "capitals"),
    [
        (2_000_000, "贰万元整"),
        (10_000, "壹佰元整"),
        (1, "壹分"),
        (100_01, "壹佰元零壹分"),
        (156_000, "壹仟伍佰陆拾元整"),
    ],
)
def test_capitals_as_on_a_cheque(fen, capitals):
    assert in_capitals(fen) == capitals
