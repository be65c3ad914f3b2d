"""One cell: what it may hold is read exactly, and nothing else is read as something."""

from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.amounts import FEN_MAX
from handlers.imports import cells
from handlers.imports.remarks import CellWrong
from handlers.locale import TEXTS
from tests.imports.office import SYSTEM, WANG

TODAY = date(2026, 11, 27)


def wrong(read, *args, **kwargs) -> str:
    with pytest.raises(CellWrong) as caught:
        read(*args, **kwargs)
    assert caught.value.key in TEXTS["zh"]
    return caught.value.key


@given(st.integers(1, FEN_MAX))
def test_every_amount_reads_back_in_each_way_of_writing_it(fen):
    yuan, rest = divmod(fen, 100)
    assert cells.yuan(f"{yuan}.{rest:02}", thousands=False) == fen
    assert cells.yuan(f"{yuan:,}.{rest:02}", thousands=True) == fen
    assert cells.yuan(f"{yuan}.{rest:02}", thousands=True) == fen
    assert cells.fen(str(fen)) == fen


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "0.00",
        "-1",
        "1.005",
        "1,5",
        "1,00,000",
        "12,34",
        "1e3",
        "二十",
        "1 000",
        "1_000",
        "٣",
        "=1+1",
        "１.２.３",
        "9" * 15,
    ],
)
def test_what_is_no_amount_is_refused(text):
    assert wrong(cells.yuan, text, thousands=True).startswith("import.cell.")


def test_commas_count_only_where_the_bank_writes_them():
    assert wrong(cells.yuan, "1,560.00", thousands=False) == "import.cell.yuan"
    assert cells.yuan("１５６０.００", thousands=False) == 156_000


@pytest.mark.parametrize("text", ["", "1.0", "1,000", "-5", "٣", "1_0", "0"])
def test_fen_are_whole(text):
    assert wrong(cells.fen, text) in {"import.cell.fen", "import.cell.amount-range"}


@given(st.dates(date(1980, 1, 1), TODAY), st.sampled_from(SYSTEM.dates))
def test_every_day_reads_back_in_each_way_of_writing_it(day, form):
    assert cells.day(day.strftime(form), SYSTEM.dates, TODAY) == day


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("2026-13-01", "import.cell.day"),
        ("2026-02-30", "import.cell.day"),
        ("2026113", "import.cell.day"),  # 11-3 or 1-13
        ("昨天", "import.cell.day"),
        ("26-11-03", "import.cell.day"),
        ("2026-11-28", "import.cell.day-to-come"),
        ("1970-01-01", "import.cell.day-long-ago"),
        ("46000", "import.cell.day"),  # how a spreadsheet counts days
        ("2026-11-0٣", "import.cell.day"),
    ],
)
def test_what_is_no_day_or_has_not_come_is_refused(text, key):
    assert wrong(cells.day, text, SYSTEM.dates, TODAY) == key


def test_a_last_day_may_be_to_come_and_single_digits_are_days():
    assert cells.day("2026-12-03", SYSTEM.dates, TODAY, to_come=True) == date(2026, 12, 3)
    assert cells.day("2026/1/3", SYSTEM.dates, TODAY) == date(2026, 1, 3)
    assert cells.day(" 2026年11月3日 ", SYSTEM.dates, TODAY) == date(2026, 11, 3)
    assert cells.day("2026-11-03 09:20:00", SYSTEM.dates, TODAY) == date(2026, 11, 3)


@pytest.mark.parametrize(
    "text",
    [WANG, f" {WANG} ", f"'{WANG}", f'="{WANG}"', f'"{WANG}"', "３３０１９９195902140026", WANG[:6] + " " + WANG[6:]],
)
def test_what_keeps_a_spreadsheet_from_rounding_a_number_is_taken_away(text):
    assert cells.id_number(text) == WANG


@pytest.mark.parametrize("text", [WANG[:-1] + "7", WANG[:-1], WANG + "1", "330199195913140026", "x" * 18, "٣" * 18])
def test_an_id_number_has_eighteen_characters_a_day_and_a_check(text):
    assert wrong(cells.id_number, text) == "import.cell.id-number"


def test_a_number_that_a_spreadsheet_has_rounded_is_named_as_that():
    for read in (cells.id_number, cells.account, cells.reference):
        assert wrong(read, "6.29999E+18") == "import.cell.rounded"


@pytest.mark.parametrize("text", ["=cmd|'/C calc'!A0", "+1", "-王", "@王", "=HYPERLINK(1)"])
def test_a_formula_is_no_name_and_no_words(text):
    assert wrong(cells.name, text) in {"import.cell.formula", "import.cell.name"}
    assert wrong(cells.words, text) == "import.cell.formula"


@pytest.mark.parametrize("text", ["王桂兰", "阿卜杜拉·买买提", "O'Neil", "青禾县第2中学", "王（小）", "𠮷田"])
def test_names_of_people_and_of_payees(text):
    assert cells.name(text) == text


@pytest.mark.parametrize("text", ["王\u202e兰", "王\x1b[31m", "<a>", "王;李", "王\u200b兰", "x" * 61, "  "])
def test_signs_that_no_name_has(text):
    assert wrong(cells.name, text)


@given(st.text(max_size=40))
def test_no_text_breaks_a_reader(text):
    readers = (
        cells.name,
        cells.words,
        cells.reference,
        cells.id_number,
        cells.phone,
        cells.account,
        cells.fen,
        cells.month,
        cells.count,
        lambda each: cells.yuan(each, thousands=True),
        lambda each: cells.day(each, SYSTEM.dates, TODAY),
    )
    for read in readers:
        with suppress(CellWrong):
            found = read(text)
            assert found or read is cells.words or read is cells.count


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [("王桂兰", " 王 桂兰", True), ("买买提·阿", "买买提•阿", True), ("ＬＩ", "li", True), ("王桂兰", "王桂", False)],
)
def test_two_systems_may_write_one_name_in_two_ways(one, other, same):
    assert cells.same_name(one, other) is same


def test_months():
    assert {cells.month(text) for text in ("2026-11", "2026年11月", "202611", "2026/11")} == {"2026-11"}
    for text in ("2026-13", "26-11", "十一月", ""):
        assert wrong(cells.month, text) == "import.cell.month"
