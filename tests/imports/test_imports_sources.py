"""Whoever reads an answer reads whose word it rests on: entered later, and from which line of which file."""

import hashlib
import re
from pathlib import Path

import pytest

from bot.replies import TEXT_BYTES_MAX
from handlers.locale import TEXTS
from tests.handlers_citizen.chats import Stage, make_stage
from tests.handlers_staff.office import Office, make_office
from tests.imports.office import Bureau, write
from tests.imports.test_imports_payments import line, nongshang, number_of


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return make_stage(tmp_path)


def slip(bureau: Bureau) -> tuple[str, str]:
    case = bureau.only_case()
    with bureau.town.civil.facts() as facts:
        return str(case.number), str(facts.private(case.ref, "query_code"))


def test_the_citizen_reads_what_was_entered_later_and_from_where(stage: Stage):
    bureau = Bureau(stage.town)
    bureau.take(write([bureau.row(收件日期=bureau.day(20), 受理日期=bureau.day(0))]))
    number, code = slip(bureau)
    person = stage.person()
    answer = person.reads(f"进度 {number} {code}")
    assert "现在：县民政局正在审核，11月23日开始。" in answer
    story = person.reads("看经过")
    assert "11月3日 民政局：收到申请（11月23日据办事系统补录）" in story
    assert "11月23日 民政局：受理（据办事系统）" in story
    person.says("English")
    assert "from the office's own system" in person.reads(f"经过 {number} {code}")


def test_the_answer_is_due_from_the_day_it_was_accepted_not_from_the_day_of_the_file(stage: Stage):
    bureau = Bureau(stage.town)
    bureau.take(write([bureau.row(收件日期=bureau.day(20), 受理日期=bureau.day(18))]))
    number, code = slip(bureau)
    answer = stage.person().reads(f"进度 {number} {code}")
    assert "11月5日开始" in answer
    assert "11月26日前答复您" in answer  # fifteen working days from 5 November


def test_the_banks_own_file_is_told_as_the_banks_word(stage: Stage):
    case, _award, payment = stage.town.paid()
    bureau = Bureau(stage.town)
    bureau.take_bank(nongshang(line(number_of(bureau, payment))))
    stage.town.round()
    with stage.town.civil.facts() as facts:
        ref = stage.town.civil.ref(case)
        number, code = facts.private(ref, "number"), facts.private(ref, "query_code")
    person = stage.person()
    assert "银行回执：" in person.reads(f"补贴 {number} {code}")
    story = person.reads(f"经过 {number} {code}")
    assert "银行回执：已转入" in story
    assert "据办事系统" not in story


def test_an_officer_reads_the_file_and_the_line(bureau: Bureau):
    office: Office = make_office(bureau.town)
    raw = write([bureau.row(), bureau.decided(办件编号="SP-2")])
    bureau.take(raw)
    case = max(bureau.cases(), key=lambda one: one.index)
    office.civil.sign_in("林芳")
    told = office.civil.say("林芳", f"#历史 {case.number}")
    digest = hashlib.sha256(raw).hexdigest()[:8]
    lines = told.split("\n")[1:4]
    assert all(f"（文件{digest}第3行）" in each for each in lines)
    assert all("的事，补录）" in each for each in lines)


def test_a_page_of_history_with_every_note_fits_into_an_answer(bureau: Bureau):
    office: Office = make_office(bureau.town)
    cells = {"补正内容": "租房合同", "补正期限": bureau.day(3)}
    raw = write([bureau.row(收件日期=bureau.day(9), **cells)])
    bureau.take(raw)
    number = bureau.only_case().number
    for _ in range(8):
        office.civil.sign("林芳", f"#收补正 {number} 都齐了")
        office.civil.sign("林芳", f"#补正 {number} 发票")
    told = office.civil.say("林芳", f"#历史 {number}")
    assert len(told.encode()) <= TEXT_BYTES_MAX
    assert "…" not in told
    assert re.search(r"下一页", told)


def keys_used() -> set[str]:
    found = set()
    for file in (Path(__file__).parents[2] / "handlers" / "imports").glob("*.py"):
        found |= set(re.findall(r'"(import\.[a-zA-Z.-]+)"', file.read_text("utf-8")))
    return found


@pytest.mark.parametrize("language", TEXTS)
def test_there_is_a_sentence_for_everything_that_can_be_wrong(language):
    assert len(keys_used()) > 50
    assert keys_used() - set(TEXTS[language]) == set()
    built = {f"import.what.{one}" for one in ("new", "moved", "unchanged", "unchanged.state", "refused")}
    built |= {f"import.payment.{one}" for one in ("CREATED", "CANCELLED")}
    built |= {f"import.cell.wanting.{one}" for one in ("accepted", "decided", "reason", "amount", "missing", "result")}
    built |= {f"import.note.waits.{one}" for one in ("approved", "refused")} | {"import.payment.account.same-tail"}
    built |= {"import.declared.count", "import.declared.sum"}
    assert built - set(TEXTS[language]) == set()
