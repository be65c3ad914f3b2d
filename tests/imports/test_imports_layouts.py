"""The TOML of a bank or an approval system says each word once, and a mistake in it stops the command by name."""

from pathlib import Path

import pytest

from handlers.citizen.payment_lines import REASONS
from handlers.imports.layouts import LayoutWrong, find_layout, load_banks, load_systems
from tests.imports.office import BANKS, ROOT, SYSTEM

BANK = (ROOT / "banks" / "liushu-cunzhen.toml").read_text("utf-8")
OFFICE = (ROOT / "systems" / "shenpi.toml").read_text("utf-8")


def test_the_two_banks_have_different_habits():
    first, second = BANKS["qinghe-nongshang"], BANKS["liushu-cunzhen"]
    assert (first.encoding, second.encoding) == ("utf-8", "gb18030")
    assert (first.delimiter, second.delimiter) == (",", ";")
    assert (first.total, first.titles) == (None, None)
    assert second.total is not None
    assert second.titles is not None
    assert {second.reasons[word] for word in ("户名不符", "账户不存在", "已销户")} == {"BE01", "AC01", "AC04"}
    assert set(first.reasons.values()) | set(second.reasons.values()) <= set(REASONS)


def test_a_bank_is_found_by_its_own_name_or_its_files_and_never_by_a_path():
    assert find_layout(BANKS, "青禾农商银行") is find_layout(BANKS, "qinghe-nongshang")
    assert find_layout(BANKS, "../banks/qinghe-nongshang") is None


def load(folder: Path, text: str, of="banks"):
    (folder / of).mkdir()
    (folder / of / "one.toml").write_text(text, "utf-8")
    return (load_banks if of == "banks" else load_systems)(folder / of)


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('encoding = "gb18030"', 'encoding = "big5"', "encoding"),
        ('delimiter = ";"', 'delimiter = "|"', "delimiter"),
        ('amount = "yuan"', 'amount = "dollars"', "amount"),
        ('dates = ["%Y%m%d"]', 'dates = ["heute"]', "dates"),
        ('number = "业务参考号"', "", "number"),
        ('payee = "收款户名"', 'payee = "收款账号"', "收款账号"),
        ("BE01 = ", "XX99 = ", "XX99"),
        ('BE01 = ["户名不符"]', 'BE01 = ["成功"]', "成功"),
        ('BE01 = ["户名不符"]', 'BE01 = ["已销户"]', "已销户"),
        ('BE01 = ["户名不符"]', 'BE01 = "户名不符"', "BE01"),
        ('credited = ["成功"]', 'paid = ["成功"]', "paid"),
        ('"合计"\ncount = "收款账号"', '"合计"\ncount = "没有这列"', "没有这列"),
        ('label = "合计"', "", "label"),
        ('name = "柳树村镇银行"', "name = ", "line 3"),
        ("thousands = true", "thousands = true\ncolour = 1", "colour"),
    ],
)
def test_a_mistake_in_a_banks_toml_is_named(tmp_path: Path, old, new, named):
    assert old in BANK
    with pytest.raises(LayoutWrong, match=named) as caught:
        load(tmp_path, BANK.replace(old, new, 1))
    assert str(caught.value).startswith("banks/one.toml: ")


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('reference = ["办件编号"', 'reference = ["办件编号", "姓名"', "姓名"),
        ("refused = [", 'refused = ["通过", ', "通过"),
        ("not-accepted = ", "unaccepted = ", "unaccepted"),
        ("[columns]", "[columns]\ncolour = ['颜色']", "colour"),
    ],
)
def test_a_mistake_in_a_systems_toml_is_named(tmp_path: Path, old, new, named):
    assert old in OFFICE
    with pytest.raises(LayoutWrong, match=named):
        load(tmp_path, OFFICE.replace(old, new, 1), "systems")


def test_a_folder_without_any_is_named(tmp_path: Path):
    (tmp_path / "banks").mkdir()
    with pytest.raises(LayoutWrong, match="no TOML"):
        load_banks(tmp_path / "banks")


def test_the_systems_toml_knows_the_words_of_the_contract():
    words = {word for each in SYSTEM.columns.values() for word in each}
    assert {"办件编号", "事项", "姓名", "身份证号", "手机号", "账号", "收件日期", "受理日期"} <= words
    assert {"补正内容", "补正期限", "审核结果", "金额", "决定日期"} <= words
