"""Whatever bytes come: a table with line numbers, or one clear refusal that names the mend."""

import csv
import io
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.imports.remarks import FileWrong, shown
from handlers.imports.tables import (
    CELL_CHARACTERS_MAX,
    COLUMNS_MAX,
    FILE_BYTES_MAX,
    LINE_CHARACTERS_MAX,
    ROWS_MAX,
    Shape,
    read_table,
)
from handlers.locale import TEXTS
from tests.imports.office import COLUMNS, CUNZHEN, SYSTEM, write

SHAPE = Shape({"no": ("编号", "number"), "name": ("姓名",), "sum": ("金额",)}, frozenset({"no", "name"}))
TOTALLED = Shape(SHAPE.columns, SHAPE.required, total="合计")


def refused(raw: bytes, shape: Shape = SHAPE) -> tuple[str, int | None]:
    with pytest.raises(FileWrong) as caught:
        read_table(raw, shape)
    assert caught.value.remark.key in TEXTS["zh"]
    return caught.value.remark.key, caught.value.line


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_encoding_delimiter_and_line_ends_are_found_out(encoding, delimiter, end):
    raw = end.join(delimiter.join(row) for row in (("姓名", "编号"), ("王桂兰", "1"), ("周大山", "2"))).encode(encoding)
    table = read_table(raw, SHAPE)
    assert [(row.line, row.cells) for row in table.rows] == [
        (2, {"name": "王桂兰", "no": "1"}),
        (3, {"name": "周大山", "no": "2"}),
    ]


cells = st.text(
    st.characters(exclude_categories=["Cs", "Cc"]), max_size=40
)  # what a cell may hold: delimiters, quotes and spaces among it


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(cells, cells, cells).filter(lambda row: any(cell.strip() for cell in row)), min_size=1, max_size=8
    ),
    st.sampled_from([",", "\t", ";"]),
    st.sampled_from(["utf-8", "utf-8-sig", "gb18030"]),
)
def test_what_a_program_wrote_is_read_back_exactly(rows, delimiter, encoding):
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerow(("编号", "姓名", "金额"))
    writer.writerows(rows)
    table = read_table(text.getvalue().encode(encoding), SHAPE)
    assert [tuple(row.cells[name] for name in ("no", "name", "sum")) for row in table.rows] == rows


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_a_table_or_a_refusal(raw):
    for shape in (SHAPE, TOTALLED, SYSTEM.shape, CUNZHEN.shape):
        with suppress(FileWrong):
            assert read_table(raw, shape).rows


@pytest.mark.parametrize(
    ("raw", "key", "line"),
    [
        (b"", "import.file.empty", None),
        (b" \n\n", "import.file.empty", None),
        (b"PK\x03\x04 a workbook", "import.file.workbook", None),
        (b"\xd0\xcf\x11\xe0 an old one", "import.file.workbook", None),
        ("编号,姓名\n1,王".encode("utf-16"), "import.file.not-text", 1),
        ("编号,姓名\n1,王\n2,\0".encode(), "import.file.not-text", 3),
        ("编号,姓名\n1,王\n2,".encode() + b"\xe7\x8e", "import.file.encoding", 3),
        ("编号,姓名\n1,王\n2,".encode("gb18030") + b"\xff\xff\n", "import.file.encoding", 3),
        ('编号,姓名\n1,"王\n2,李\n'.encode(), "import.file.quotes", 2),
        ('编号,姓名\n1,"王"x\n'.encode(), "import.file.quotes", 2),
        ("姓名,金额\n王,1\n".encode(), "import.file.header", 1),
        ("没有\n列名\n".encode(), "import.file.header", 1),
        ("编号,姓名,number\n1,王,2\n".encode(), "import.file.column-twice", 1),
        ("编号,姓名,姓名\n1,王,王\n".encode(), "import.file.column-twice", 1),
        ("编号,姓名\n".encode(), "import.file.no-rows", None),
        ("编号,姓名\n,\n \t, \n".encode(), "import.file.no-rows", None),
        (("编号,姓名\n" + "1," + "王" * LINE_CHARACTERS_MAX).encode(), "import.file.long-line", 2),
        (("编号,姓名\n" + "," * COLUMNS_MAX + "x\n").encode(), "import.file.wide", 2),
        (("编号,姓名\n" + "1,王\n" * (ROWS_MAX + 1)).encode(), "import.file.rows", ROWS_MAX + 2),
        (b"x" * (FILE_BYTES_MAX + 1), "import.file.too-large", None),
    ],
)
def test_a_file_that_is_no_table_is_refused_with_its_line(raw, key, line):
    assert refused(raw) == (key, line)


def test_as_many_lines_and_as_long_as_the_bounds_say_are_read():
    assert len(read_table(("编号,姓名\n" + "1,王\n" * ROWS_MAX).encode(), SHAPE).rows) == ROWS_MAX
    row = read_table(("编号,姓名\n1," + "王" * CELL_CHARACTERS_MAX).encode(), SHAPE).rows[0]
    assert row.broken is None
    row = read_table(("编号,姓名\n1," + "王" * (CELL_CHARACTERS_MAX + 1)).encode(), SHAPE).rows[0]
    assert row.broken is not None
    assert row.broken.key == "import.cell.long"


def test_a_broken_byte_in_a_chinese_file_is_not_taken_for_another_encoding():
    raw = write([{"办件编号": "1", "姓名": "王桂兰"}, {"办件编号": "2", "姓名": "周大山"}], columns=COLUMNS)
    broken = raw.replace("周".encode(), b"\xe5\x91")
    assert refused(broken, SYSTEM.shape) == ("import.file.encoding", 3)


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("1", "import.row.ragged"),
        ("1,王,3,多", "import.row.ragged"),
        ('1,"王\n李",3', "import.cell.line-end"),
        ("1,王,3", None),
        ("1,王,3,,", None),  # a program that ends every line with a delimiter
    ],
)
def test_a_row_that_does_not_fit_its_header_is_broken_alone(line, key):
    table = read_table(f"编号,姓名,金额\n{line}\n7,王,8\n".encode(), SHAPE)
    assert [row.broken and row.broken.key for row in table.rows] == [key, None]
    assert table.rows[1].line == (4 if "\n" in line else 3)


def test_columns_may_be_called_and_ordered_otherwise_and_others_may_stand_between():
    table = read_table("备注, 姓 名 ,NUMBER\n=cmd,王,1\n".encode(), SHAPE)
    assert table.rows[0].cells == {"name": "王", "no": "1"}
    assert table.headers == {"name": "姓 名", "no": "NUMBER"}


def test_titles_stand_above_and_a_total_below():
    raw = "代付回单,,\n总笔数：1,,\n编号,姓名,金额\n1,王,2\n合计,,2\n".encode()
    table = read_table(raw, TOTALLED)
    assert [list(title) for title in table.titles] == [["代付回单", "", ""], ["总笔数：1", "", ""]]
    assert (len(table.rows), table.total and table.total.cells["sum"]) == (1, "2")
    assert refused(raw[: raw.rindex("合计".encode())], TOTALLED)[0] == "import.file.no-total"
    assert refused(raw + "9,王,2\n".encode(), TOTALLED) == ("import.file.after-total", 6)


def test_the_header_is_looked_for_in_the_first_rows_only():
    assert refused(("标题\n" * 30 + "编号,姓名\n1,王\n").encode())[0] == "import.file.header"


@given(st.text(max_size=80))
def test_a_word_that_is_shown_is_short_and_holds_no_number_of_anybody(text):
    word = shown(text)
    assert len(word) <= 21
    assert not any(word[at : at + 5].isdecimal() and word[at : at + 5].isascii() for at in range(len(word) - 4))
