"""The slip as an image: everything that stands on the page, one QR code that says what it should, and no markup."""

from xml.etree import ElementTree as ET

import pytest
import segno

from handlers.locale import Own
from handlers.pages.slip import WIDTH, Beside, Line, Slip, draw, parse_beside, print_beside
from tests.pages.counter import GRANT, words_of

SVG = "{http://www.w3.org/2000/svg}"


def drawn(*lines: str, says: str = "进度 21261123004798 12345678") -> ET.Element:
    return ET.fromstring(draw(Slip(Own("民政局"), tuple(Line(Own(line)) for line in lines), says, "21261123004798")))


def texts(root: ET.Element) -> list[str]:
    return [each.text or "" for each in root.iter(f"{SVG}text")]


def test_the_image_says_what_the_page_says(counter):
    link = counter.link(GRANT)
    page = counter.send(link, papers=["0"])
    image = counter.look(f"{link}/slip.svg")
    assert image.mimetype == "image/svg+xml"
    shown = "".join(texts(ET.fromstring(image.data)))
    assert "".join(shown.split()) == "".join(words_of(page).split("存成图片 ")[1].split())


def test_the_image_has_no_script_no_link_and_nothing_from_elsewhere(counter):
    link = counter.link()
    counter.send(link)
    root = ET.fromstring(counter.look(f"{link}/slip.svg").data)
    assert {each.tag for each in root.iter()} <= {f"{SVG}{tag}" for tag in ("svg", "title", "rect", "text", "path")}
    names = {name for each in root.iter() for name in each.attrib}
    assert not any("href" in name or name.startswith("on") for name in names)


@pytest.mark.parametrize("hostile", ["</text><script>alert(1)</script>", "]]>", '"&<>', "\u202e木兰", "长" * 500])
def test_hostile_words_stay_text_and_inside(hostile):
    root = drawn(hostile)
    assert "".join(texts(root)[1:]) == hostile
    assert list(root.iter(f"{SVG}script")) == []
    height = float(root.attrib["height"])
    assert all(0 < float(each.attrib["y"]) < height for each in root.iter(f"{SVG}text"))


def test_rows_fit_and_no_row_begins_with_a_closing_mark():
    rows = texts(drawn("还缺：医疗费用票据或遭遇急难的证明。" * 5))[1:]
    assert len(rows) > 1
    assert all(len(row) <= WIDTH // 20 for row in rows)
    assert all(row[0] not in "，。；：、" for row in rows)
    long_title = draw(Slip(Own("局" * 80), (), "x", "1"))
    assert max(map(len, texts(ET.fromstring(long_title)))) < 20


def test_the_dots_are_those_of_the_code():
    says = "http://weixin.qq.com/q/1"
    path = drawn("一", says=says).find(f"{SVG}path")
    assert path is not None
    dots = path.attrib["d"].count("M")
    assert dots == sum(sum(row) for row in segno.make(says, error="m").matrix)


def test_what_is_kept_beside_the_case_reads_back_as_it_was():
    for beside in (Beside(None, ()), Beside("http://x", ("身份证", '"\\'))):
        assert parse_beside(print_beside(beside)) == beside
    assert parse_beside(None) is None
