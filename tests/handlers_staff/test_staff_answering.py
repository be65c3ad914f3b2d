"""#说明 and #结论 in the chat: read back, confirmed, refused with the reason, and told to the citizen concerned."""

import re

import pytest
from sqlalchemy import update

from ledger import findings
from ledger.desk import new_handle
from ledger.records.statement import Statement
from ledger.storage import entries, schema
from ledger.storage import findings as rows
from ledger.storage.engine import reading, transaction
from ledger.storage.findings import read_findings
from tests.handlers_staff.office import OLD_AGE, at

WAIT = 600


@pytest.fixture
def found(office):
    """财政局 ordered 30 of 100 approved, round its desk; returns the finding's name and the case's number."""
    town = office.town
    case = office.hand_in(OLD_AGE)
    office.civil.sign("林芳", f"#受理 {case}")
    office.civil.sign("林芳", f"#完成 {case}")
    office.civil.sign("高伟", f"#批准 {case}")
    with town.civil.facts() as facts:
        award = facts.awards_of(at(facts, case))[-1].ref
    town.round()
    town.clock.wait(30)
    town.finance.desk.submit(
        Statement("payment-created", new_handle(), {"award": award.claim(), "amount": 3_000}),
        by=town.finance.staff["吴倩"].handle,
        once="round-the-desk",
        code=town.finance.code("吴倩"),
        stop=False,
    )
    hear(office)
    with reading(town.civil.engine) as conn:
        [each] = read_findings(conn)
    return each.id, case


def hear(office):
    """A round: what is new is carried over, folded, and asked about."""
    town = office.town
    before = {one.name: one.size() for one in (town.civil, town.finance)}
    town.round()
    for here, there in ((town.civil, town.finance), (town.finance, town.civil)):
        with transaction(here.engine) as conn:
            for record in there.records():
                findings.evaluate(conn, [there.ref(record.sub)], town.clock(), wait_seconds=WAIT)
                log_id = entries.find_log(conn, there.origin)
                assert log_id is not None
                findings.take_answer(conn, log_id, record, town.clock(), wait_seconds=WAIT)
    assert before == {one.name: one.size() for one in (town.civil, town.finance)}


def enrol_auditor(office, account, *roles):
    """An auditor at that department, whose account is bound."""
    officer = account.department.enrol("宋涛", *(roles or ("auditor",)))
    account.department.desk.bind("宋涛", officer.binding_code)
    account.sign_in("宋涛")


def as_if_not_concerned(office, name):
    """The office has two departments only: let the finding concern another one in place of 民政局."""
    table = schema.findings
    with transaction(office.town.civil.engine) as conn:
        kept = rows.read_finding(conn, name)
        assert kept is not None
        told = {**kept.facts, "departments": ["教育局", "财政局"]}
        conn.execute(update(table).where(table.c.id == name).values(facts=told))


def test_an_explanation_is_read_back_and_signed_by_confirming_it(office, found):
    name, _case = found
    office.finance.sign_in("吴倩")
    before = office.town.finance.size()
    told = office.finance.say("吴倩", f"#说明 {name.lower()} 打错了已经通知银行")
    assert re.match("请核对（草稿[1-9]）", told)
    for part in (name, "打错了已经通知银行", "安排支付的和批准的不一样", "民政局、财政局", "您是吴倩（财务）"):
        assert part in told
    assert office.town.finance.size() == before
    [number] = re.findall("草稿([0-9]+)", told)
    assert "已签名：说明 疑点" in office.finance.say("吴倩", f"确认 {number}")
    assert office.town.finance.size() == before + 1
    record = office.town.finance.records()[-1]
    assert (record.kind, record.clear["finding"], record.clear["rule"]) == ("finding-explained", name, "R19")
    assert "打错了".encode() not in record.entry
    looked = office.finance.say("吴倩", f"#疑点 {name}")
    assert "财政局作了说明：打错了已经通知银行" in looked
    assert "已说明，等结论" in looked
    assert office.finance.say("吴倩", f"#查 {name}") == looked
    assert "打错了" not in office.finance.say("吴倩", "#疑点")


def test_the_citizen_reads_that_it_was_explained_and_what_an_auditor_came_to(office, found):
    name, case = found
    with office.town.civil.facts() as facts:
        citizen = facts.find(case).citizen
    code = office.town.civil.desk.binding_code_for(citizen, 600)
    office.town.civil.desk.bind("王桂兰", code)
    asked = office.civil.say("王桂兰", f"进度 {case}")
    assert "已列为疑点，请财政局" in asked
    office.finance.sign("吴倩", f"#说明 {name} 打错了")
    hear(office)
    asked = office.civil.say("王桂兰", f"进度 {case}")
    assert re.search(
        "已列为疑点，财政局.+已经说明，还要由无关部门的审计人员看过，有结果会在这里告诉您。您不用再跑。", asked
    )
    assert "打错了" not in asked
    enrol_auditor(office, office.civil)
    as_if_not_concerned(office, name)
    office.civil.sign("宋涛", f"#结论 {name} 属实 少付了")
    assert re.search("民政局.+查过，情况属实，还没有改正", office.civil.say("王桂兰", f"补贴 {case}"))
    assert "少付了" not in office.civil.say("王桂兰", f"补贴 {case}")


@pytest.mark.parametrize(("word", "told"), [("已说明", "看过说明，已经了结"), ("误报", "是误报，记录没有问题")])
def test_the_citizen_reads_how_it_ended_beside_the_line_of_trust(office, found, word, told):
    name, case = found
    with office.town.civil.facts() as facts:
        citizen = facts.find(case).citizen
    office.town.civil.desk.bind("王桂兰", office.town.civil.desk.binding_code_for(citizen, 600))
    enrol_auditor(office, office.civil)
    as_if_not_concerned(office, name)
    office.civil.sign("宋涛", f"#结论 {name} {word} 看过了")
    answer = office.civil.say("王桂兰", f"进度 {case}")
    [line] = [line for line in answer.splitlines() if "疑点" in line]
    assert told in line
    assert "核对" not in line
    assert sum("核对" in line for line in answer.splitlines()) == 1
    assert "没有疑点" not in office.civil.say("宋涛", "#疑点")
    assert f"结论：{word}" in office.civil.say("宋涛", f"#疑点 {name}")


def test_who_may_not_say_it_reads_why_and_nothing_is_drafted(office, found):
    name, _case = found
    enrol_auditor(office, office.civil)
    office.finance.sign_in("吴倩")
    before = office.town.finance.size(), office.town.civil.size()
    told = {
        "role": office.finance.say("吴倩", f"#结论 {name} 误报 没有的事"),
        "concerned": office.civil.say("宋涛", f"#结论 {name} 误报 没有的事"),
        "unknown": office.civil.say("宋涛", "#结论 QQQQQQQQ 误报 没有的事"),
        "unknown to explain": office.finance.say("吴倩", "#说明 QQQQQQQQ 没有的事"),
    }
    assert told == {
        "role": "不能下结论：这一步要由审计岗位的人办，您的岗位是财务。",
        "concerned": "不能下结论：这个疑点和本部门有关，要由无关部门的审计人员下结论。",
        "unknown": "不能下结论：这里没有这个疑点，请再看一下疑点号。",
        "unknown to explain": "不能说明：这里没有这个疑点，请再看一下疑点号。",
    }
    as_if_not_concerned(office, name)
    assert "和本部门无关，要由有关的部门说明" in office.civil.say("宋涛", f"#说明 {name} 没有的事")
    office.civil.sign("宋涛", f"#结论 {name} 误报 没有的事")
    assert office.civil.say("宋涛", f"#结论 {name} 属实 还是有的") == "不能下结论：这个疑点已经有结论了。"
    assert office.civil.say("宋涛", f"#说明 {name} 又及").startswith("不能说明：")
    assert (office.town.finance.size(), office.town.civil.size() - 1) == before


@pytest.mark.parametrize(
    "text", ["#结论", "#结论 {name}", "#结论 {name} 胡说 理由", "#结论 {name} 误报", "#说明 {name}"]
)
def test_what_is_missing_is_asked_for_and_nothing_is_drafted(office, found, text):
    name, _case = found
    enrol_auditor(office, office.civil, "auditor", "clerk")
    as_if_not_concerned(office, name)
    told = office.civil.say("宋涛", text.format(name=name))
    assert told.startswith("请写上疑点号")
    assert "草稿" not in told


def test_words_too_long_for_the_read_back_are_refused(office, found):
    name, _case = found
    office.finance.sign_in("吴倩")
    assert "请在300个字以内" in office.finance.say("吴倩", f"#说明 {name} {'长' * 301}")


def test_for_everybody_else_these_words_are_not_understood(office, found):
    name, _case = found
    for text in (f"#说明 {name} 你好", f"#结论 {name} 误报 你好"):
        assert office.civil.say("somebody", text) == office.civil.say("somebody", "#没有这个词")
