"""A slip of the finger never finds somebody else's number."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.iso7064 import mod_97_10

from ledger.records.numbers import check_digits, holds, is_number, make_number

PREFIXES = st.from_regex(r"[1-9][0-9]{1,3}", fullmatch=True)
NUMBERS = st.builds(make_number, PREFIXES, st.dates(date(2000, 1, 1), date(2099, 12, 31)), st.integers(1, 99_999))


def test_the_example_of_the_contract():
    assert make_number("21", date(2026, 11, 23), 47) == "21261123004798"
    assert is_number("21261123004798", ["21", "22"])
    assert not is_number("21261123004798", ["22"])
    assert not is_number("21261123004798", [])


@given(NUMBERS)
def test_every_number_holds_and_its_check_is_from_02_to_98(number):
    assert holds(number)
    assert 2 <= int(number[-2:]) <= 98
    assert len(number) <= 20


@given(NUMBERS)
def test_another_program_finds_the_same_check_digits(number):
    assert mod_97_10.is_valid(number)


@given(NUMBERS, st.data())
def test_one_wrong_digit_is_always_seen(number, data):
    at = data.draw(st.integers(0, len(number) - 1))
    digit = data.draw(st.sampled_from([each for each in "0123456789" if each != number[at]]))
    assert not holds(number[:at] + digit + number[at + 1 :])


@given(NUMBERS, st.data())
def test_two_neighbours_swapped_are_always_seen(number, data):
    at = data.draw(st.integers(0, len(number) - 2))
    swapped = number[:at] + number[at + 1] + number[at] + number[at + 2 :]
    assert swapped == number or not holds(swapped)


@given(st.text(max_size=24))
def test_any_text_is_answered(text):
    assert holds(text) in {True, False}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2126112300479８",
        "21261123004798 ",
        "+21261123004798",
        "２１２６１１２３００４７９８",
        "00000000097",
        "1" * 21,
    ],
)
def test_what_is_not_plain_digits_of_the_right_length_is_no_number(text):
    assert not holds(text)


@pytest.mark.parametrize(
    ("prefix", "sequence"), [("2", 1), ("01", 1), ("12345", 1), ("21", 0), ("21", -3), ("２１", 1)]
)
def test_no_number_is_made_that_could_not_be_read_again(prefix, sequence):
    with pytest.raises(ValueError, match="no number"):
        make_number(prefix, date(2026, 11, 23), sequence)


def test_more_than_9999_a_day_get_one_digit_more():
    assert make_number("21", date(2026, 11, 23), 10_000).startswith("2126112310000")


def test_check_digits_have_two_digits():
    assert {len(check_digits(str(body))) for body in range(1000, 3000)} == {2}
