"""ID and card numbers are hidden in every dress; our own numbers and mistyped ones are not."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.messages import Link, Location
from bot.sensitive import is_card, is_id, mask, without_private_labels
from bot.understanding import tidy
from tests.bot.conftest import NUMBER, OTHER_NUMBER, is_number

COMMON: dict[str, Any] = {"sender": "citizen", "account": "gh_1", "created": 0, "delivery_key": "k"}
ID = "11010519491231002X"  # the example of GB 11643-1999 itself
OLD_ID = "110105491231002"
CARD = "6222021234567890128"  # invented, with a good Luhn digit
VISA = "4111111111111111"


def card(body: str) -> str:
    """`body` with the Luhn digit that makes it good."""
    return next(body + digit for digit in "0123456789" if is_card(body + digit))


@pytest.mark.parametrize(
    "written",
    [ID, ID.lower(), "110105 19491231 002X", "110105-19491231-002x", "１１０１０５１９４９１２３１００２Ｘ", f"身份证{ID}的", f"sfz{ID}", OLD_ID,
     card("622202123456789012"), "4111 1111 1111 1111", "4111-1111-1111-1111", VISA, "４１１１１１１１１１１１１１１１", "4111.1111.1111.1111", "11010519491231002\u200bX",
     ID + "13800000000".replace("1", "1"), f"{NUMBER} {ID}", f"{VISA}，{ID}"],
)  # fmt: skip
def test_an_id_or_card_number_is_hidden_in_every_dress(written):
    masked = mask(tidy(written), is_number)
    assert masked.found
    kept = [
        run
        for run in (ID[:-2], OLD_ID[:-2], VISA[:-2])
        if run in masked.text.replace(" ", "").replace("-", "").replace(".", "")
    ]
    assert not kept


WIDE = [
    " - ",
    ",",
    "，",
    "、",
    "。",
    "：",
    "*",
    ")(",
    "~",
    "—",
    "−",
    "=",
    "|",
    "'",
    "\u3000",
    "\u200b",
    "\n\n",
    "\u0301",
    "+",
    "#",
    "💳",
    "…",
    "_",
    "</",
]
SCRIPTS = {"Arabic": 0x660, "Persian": 0x6F0, "Tibetan": 0xF20, "Mongolian": 0x1810, "mathematical": 0x1D7CE}
UNION = card("622202123456789012")


@pytest.mark.parametrize("gap", WIDE)
def test_what_stands_between_the_groups_hides_no_number_from_us(gap):
    for written, groups in ((ID, (6, 14)), (UNION, (4, 8, 12, 16))):
        parts = [written[start:end] for start, end in zip((0, *groups), (*groups, None), strict=True)]
        masked = mask(tidy(gap.join(parts)), is_number)
        assert masked.found
        assert not any(part in masked.text for part in parts)


@pytest.mark.parametrize("zero", SCRIPTS.values(), ids=SCRIPTS)
def test_digits_of_every_script_are_digits(zero):
    for written in (ID, UNION):
        masked = mask(tidy("".join(chr(zero + int(one)) if one.isdigit() else one for one in written)), is_number)
        assert masked.found
        assert not re.search(r"\d{4}", masked.text)


@pytest.mark.parametrize("dressed", [
    "".join(f"{one}\ufe0f\u20e3" for one in UNION), "".join(f"{one}\u0301" for one in ID), "".join("⓪①②③④⑤⑥⑦⑧⑨"[int(one)] for one in UNION),
    ID[:-1] + "Х", ID[:-1] + "Χ", ID[:-1] + "×",
])  # fmt: skip
def test_digits_in_costume_are_digits(dressed):
    assert mask(tidy(dressed), is_number).found


@pytest.mark.parametrize(
    "spoken", ["零一二三四五六七八九", "〇一二三四五六七八九", "零幺二三四五六七八九", "零壹贰叁肆伍陆柒捌玖"]
)
@pytest.mark.parametrize("gap", ["", " ", "，"])
def test_a_number_that_a_voice_spelled_out_is_hidden(spoken, gap):
    for written in (UNION, ID):
        said = gap.join(spoken[int(one)] if one.isdigit() else one for one in written)
        masked = mask(tidy(f"我的卡号是{said}谢谢"), is_number)
        assert masked.found
        assert masked.text.startswith("我的卡号是*")
        assert masked.text.endswith("谢谢")


@pytest.mark.parametrize("said", ["低保一百二十三元一角", "二〇二六年十一月二十三日", "第一二三四五六七八九条", "一二三四五六七八九十",
                                  "4000，5000，6000，7000", "13910000101，1200", "1,000,000.00元和2,000,000.00元", "2026.11.23 09:00，2026.11.24 10:00"])  # fmt: skip
def test_words_and_amounts_in_a_row_are_no_number(said):
    assert mask(tidy(said), is_number).text == tidy(said)


def test_the_last_two_characters_are_left_so_that_its_owner_knows_it():
    assert mask(f"卡号 {VISA} 对吗", is_number).text == "卡号 **************11 对吗"


def test_what_stands_beside_a_hidden_number_stays():
    assert mask(f"{NUMBER} {ID}", is_number).text == f"{NUMBER} ****************2X"


@pytest.mark.parametrize(
    "written",
    [NUMBER, OTHER_NUMBER, f"{NUMBER} 12345678", "2126 1123 0047 98", "21261123004799", "13800138000", "0571-88886666", "20000.00", f"#批准 {NUMBER} 20000",
     "110105194912310021", "110105194913310020", "110105491331002", "4111111111111112", "1111111111111117", "2026-11-23 09:00:00", "99999999999999"],
)  # fmt: skip
def test_what_is_neither_stays_as_it_is(written):
    assert mask(written, is_number).text == written


def test_our_own_number_is_never_hidden_even_when_it_is_an_id_too():
    in_digits = next(body for n in range(100) if is_id(body := f"110105194912310{n:03d}"))
    assert mask(in_digits, is_number).found
    assert not mask(in_digits, lambda run: run == in_digits).found
    assert mask(ID, lambda run: True).found  # ours are digits only


@given(st.integers(10**9, 10**13))
def test_no_good_number_of_ours_is_ever_hidden(body):
    digits = f"21{body}"
    number = digits + f"{98 - int(digits) * 100 % 97:02d}"
    assert is_number(number)
    assert mask(f"进度 {number} 12345678", is_number).text == f"进度 {number} 12345678"


@given(
    st.dates().filter(lambda day: 1900 <= day.year <= 2099),
    st.integers(0, 999),
    st.sampled_from(["", " ", "-"]),
    st.sampled_from(["", "我的", "x "]),
)
def test_every_resident_id_is_hidden(day, order, gap, before):
    body = f"330102{day:%Y%m%d}{order:03d}"
    written = next(body + check for check in "0123456789X" if is_id(body + check))
    dressed = f"{before}{written[:6]}{gap}{written[6:14]}{gap}{written[14:]}"
    masked = mask(tidy(dressed), is_number)
    assert masked.found
    assert written[:14] not in masked.text.replace(gap, "")


@given(st.text(alphabet="0123456789 -Xx.", max_size=80))
def test_hiding_keeps_the_length_and_is_done_once(text):
    masked = mask(text, is_number)
    assert len(masked.text) == len(text)
    assert masked.found == ("*" in masked.text)


def test_labels_and_titles_are_hidden_too():
    assert ID not in repr(without_private_labels(Link(**COMMON, title=f"证 {ID}", url=""), is_number))
    assert ID not in repr(without_private_labels(Location(**COMMON, latitude=0, longitude=0, label=ID), is_number))
