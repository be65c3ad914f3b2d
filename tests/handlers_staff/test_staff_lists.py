"""What waits, what is known and what does not agree, for whoever may see it."""

import functools
import operator
import re

from sqlalchemy import select

from bot.replies import TEXT_BYTES_MAX
from ledger import findings
from ledger.rules import Mismatch
from ledger.storage import schema
from ledger.storage.engine import transaction
from ledger.storage.leftovers import note_left
from tests.desk.world import exchange, mirror
from tests.handlers_staff.office import AID, ALLOWANCE, RESIDENCE


def tapped(told: str) -> list[str]:
    return [text.replace("＃", "#") for text in re.findall(r"msgmenucontent=([^&]+)&", told)]


def test_each_item_offers_what_can_be_done_with_it(office):
    number = office.hand_in()
    office.civil.sign_in("林芳")
    assert f"#受理 {number}" in tapped(office.civil.say("林芳", "#待办"))
    office.civil.sign("林芳", f"#受理 {number}")
    assert tapped(office.civil.say("林芳", "#待办")) == [f"#完成 {number}"]
    office.civil.sign("林芳", f"#完成 {number}")
    assert "现在没有等您办的事" in office.civil.say("林芳", "#待办")
    office.civil.sign_in("高伟")
    offered = tapped(office.civil.say("高伟", "#待办"))
    assert offered == [f"#批准 {number}", f"#退回 {number}", f"#不予批准 {number}"]
    assert "请核对" in office.civil.say("高伟", offered[0])


def test_what_waits_for_the_citizen_stands_below(office):
    waits, number = office.hand_in(RESIDENCE, "陈志强"), office.hand_in()
    office.civil.sign("林芳", f"#补正 {waits} 租房合同")
    told = office.civil.say("林芳", "#待办")
    assert told.index(number) < told.index("等群众的：") < told.index(waits)
    assert "等您办的有1件" in told


def test_ten_a_page_with_full_numbers_and_within_a_chat_answer(office):
    numbers = [office.hand_in(AID, "王桂兰") for _ in range(23)]
    office.civil.sign_in("林芳")
    shown = []
    told = office.civil.say("林芳", "#待办")
    for page in range(3):
        assert len(told.encode()) <= TEXT_BYTES_MAX
        assert not told.endswith("…")
        shown.append([number for number in numbers if re.search(rf"^\d+ {number} ", told, re.MULTILINE)])
        assert ("下一页" in told) is (page < 2)
        told = office.civil.say("林芳", "下一页") if page < 2 else told
    assert [len(page) for page in shown] == [10, 10, 3]
    assert functools.reduce(operator.iadd, shown, []) == numbers
    assert numbers[22] in office.civil.say("林芳", "23")


def test_a_bare_number_opens_an_item_and_a_look_signs_nothing(office):
    number = office.hand_in()
    office.civil.sign_in("林芳")
    office.civil.say("林芳", "#待办")
    assert office.civil.say("林芳", "1").startswith(f"{number} 何*英 高龄津贴")


def test_an_award_whose_payee_is_not_here_says_so(office):
    office.approved()
    town = office.town
    mirror(town.civil, town.finance)
    office.finance.sign_in("吴倩")
    told = office.finance.say("吴倩", "#待办")
    assert "收款信息还没取到" in told
    assert tapped(told) == []
    exchange(town.civil, town.finance)
    assert tapped(office.finance.say("吴倩", "#待办"))[0].startswith("#支付 ")


def test_a_case_is_told_with_all_that_hangs_on_it(office):
    payment = office.sent()
    office.town.round()
    with office.town.civil.facts() as facts:
        award = facts.award(facts.payment(facts.find(payment).ref).state.award)
    told = office.civil.say("高伟", f"#查 {award.number}")
    for part in ("何*英", "已批准", "100.00元", award.number, payment, "财政局：已送银行", "尾号0836"):
        assert part in told
    assert "何秀英" not in told


def test_a_story_names_day_department_officer_and_record_in_order(office):
    payment = office.sent()
    office.town.round()
    with office.town.civil.facts() as facts:
        case = facts.case(facts.award(facts.payment(facts.find(payment).ref).state.award).case).number
    told = office.civil.say("高伟", f"#历史 {case}")
    lines = told.split("\n")[1:]
    assert len(lines) == 6
    assert all(re.search(r"(联网见证之前) ?.*[0-9A-Z]{12}$", line) for line in lines)
    assert ["林芳" in line for line in lines] == [True, True, True, False, False, False]
    assert "高伟" in lines[3]
    assert "吴倩" not in told


def test_a_late_entry_says_so(office):
    number = office.hand_in()
    with office.town.civil.facts() as facts:
        sub = facts.find(number).ref.sub
    office.town.civil.act("林芳", "case-accepted", sub, {"on": "2026-09-01"})
    office.civil.sign_in("林芳")
    assert "9月1日的事，补录" in office.civil.say("林芳", f"#历史 {number}")


def test_a_long_story_has_pages(office):
    number = office.hand_in()
    for _ in range(7):
        office.civil.sign("林芳", f"#补正 {number} 发票")
        office.civil.sign("林芳", f"#收补正 {number}")
    told = office.civil.say("林芳", f"#历史 {number}")
    assert "共15条" in told
    assert len(told.encode()) <= TEXT_BYTES_MAX
    assert office.civil.say("林芳", "下一页").split("\n")[1].startswith("10 ")


def test_a_finding_shows_id_rule_departments_amounts_state_and_last_day(office):
    payment = office.sent()
    with office.town.finance.facts() as facts:
        award = facts.payment(facts.find(payment).ref).state.award
    told = {"departments": ["民政局", "财政局"], "approved": 300_000, "ordered": 30_000, "paid": 30_000}
    found = Mismatch("R19", "S", (b"a" * 32, b"b" * 32), award, told)
    office.finance.sign_in("马骏")
    assert "没有疑点" in office.finance.say("马骏", "#疑点")
    with transaction(office.town.finance.engine) as conn:
        findings.raise_finding(conn, found, office.town.clock())
    line, page = office.finance.say("马骏", "#疑点").split("\n")[1:3]
    for part in (found.id, "R19", "民政局、财政局", "3,000.00元", "300.00元", "待说明", "9月29日前"):
        assert part in line
    assert page == f"{office.finance.services.node.public_url}/findings/{found.id}"
    first, heading, item = office.finance.say("马骏", "#待办").split("\n")[:3]
    assert first.startswith("有1个疑点")
    assert heading.endswith("回数字看一件：")
    assert item.startswith("1 ")
    with transaction(office.town.finance.engine) as conn:
        findings.end_finding(conn, found.id, office.town.clock())
    assert "已经一致" in office.finance.say("马骏", "#疑点")
    assert "疑点" not in office.finance.say("马骏", "#待办")


def test_peers_are_shown_with_how_far_and_how_long_ago(office):
    peer = {
        "origin": office.town.finance.origin,
        "name": "财政局",
        "url": "https://22.example",
        "number_prefix": "22",
        "desk_key": bytes(32),
        "log_vkeys": [],
        "witness_vkeys": [],
        "mirror_vkeys": [],
        "handle": "A" * 22,
        "removed": False,
        "forked": False,
        "failures": 0,
        "checked_at": office.town.clock() - 120,
    }
    office.civil.sign_in("林芳")
    assert "没有和别的部门连上" in office.civil.say("林芳", "#节点")
    with transaction(office.town.civil.engine) as conn:
        conn.execute(schema.peers.insert(), peer)
        conn.execute(schema.logs.update().where(schema.logs.c.origin == peer["origin"]).values(folded=3))
    assert "财政局：核对了3条，2分钟前，正常" in office.civil.say("林芳", "#节点")
    assert "还没有部门核对过本部门" in office.civil.say("林芳", "#节点")
    with transaction(office.town.civil.engine) as conn:
        ours = conn.execute(select(schema.logs.c.id).where(schema.logs.c.own)).scalar_one()
        theirs = conn.execute(select(schema.logs.c.id).where(schema.logs.c.origin == peer["origin"])).scalar_one()
        line = "— 22.example/mirror AAAAAAE=\n"
        row = {
            "name": "22.example/mirror",
            "key_id": b"1",
            "role": "mirror",
            "size": 5,
            "root": bytes(32),
            "line": line,
        }
        row |= {"time": office.town.clock() - 180}
        conn.execute(schema.cosignatures.insert(), [row | {"log_id": ours}, row | {"log_id": theirs}])
    assert "核对本部门的：财政局（5条，3分钟前）" in office.civil.say("林芳", "#节点")
    assert "另有" not in office.civil.say("林芳", "#节点")  # nobody vouches for their own log
    with transaction(office.town.civil.engine) as conn:
        conn.execute(schema.peers.insert(), peer | {"origin": "23.example/log", "name": "公安局"})
        conn.execute(
            schema.cosignatures.insert(),
            row | {"log_id": theirs, "name": "23.example/mirror", "line": line.replace("22", "23")},
        )
    assert "财政局：核对了3条，2分钟前，正常，另有1个部门也在核对" in office.civil.say("林芳", "#节点")
    with transaction(office.town.civil.engine) as conn:
        note_left(conn, theirs, 1500)
    assert "财政局：核对了3条，2分钟前，⚠ 写得比一轮能核对的多，还剩1500条" in office.civil.say("林芳", "#节点")
    with transaction(office.town.civil.engine) as conn:
        conn.execute(schema.peers.update().values(forked=True))
    assert "两种历史" in office.civil.say("林芳", "#节点")


def test_an_officer_who_asked_for_english_reads_english(office):
    number = office.hand_in()
    office.civil.say("林芳", "English")
    assert "sign in first" in office.civil.say("林芳", "#待办")
    office.civil.sign_in("林芳")
    assert "Please check (draft 1)" in office.civil.say("林芳", f"#受理 {number}")
    assert "Signed: Accept" in office.civil.say("林芳", "确认 1")


def test_many_findings_have_pages_that_are_never_cut(office):
    told = {
        "departments": ["民政局", "财政局"],
        "approved": 10**13,
        "ordered": 10**13 - 1,
        "paid": 10**13 - 1,
        "log": "",
    }
    with transaction(office.town.civil.engine) as conn:
        for at in range(13):
            told["log"] = office.town.finance.origin
            findings.raise_finding(conn, Mismatch("R19", "S", (bytes([at]) * 32,), None, told), office.town.clock())
    office.civil.sign_in("林芳")
    page = office.civil.say("林芳", "#疑点")
    seen = []
    for _ in range(3):
        assert len(page.encode()) <= TEXT_BYTES_MAX
        assert not page.endswith("…")
        seen += re.findall(r"^([0-9A-Z]{8}) R19", page, re.MULTILINE)
        page = office.civil.say("林芳", "下一页")
    assert len(set(seen)) == len(seen) == 13


def test_a_long_grant_is_told_within_a_chat_answer(office):
    number = office.hand_in(ALLOWANCE, "孙丽")
    office.civil.sign("林芳", f"#受理 {number}")
    for _ in range(4):
        office.civil.sign("林芳", f"#完成 {number} 1560")
        office.civil.sign("高伟", f"#批准 {number}")
        office.town.round()
        payment_of = office.award(number)
        office.finance.sign("吴倩", f"#支付 {payment_of}")
        payment = office.payment(payment_of)
        office.finance.sign("马骏", f"#复核支付 {payment}")
        office.finance.sign("吴倩", f"#银行结果 {payment} 失败 AC04")
        office.town.clock.wait(31 * 86_400)
    office.town.round()
    told = office.civil.say("高伟", f"#查 {number}")
    if "请先登录" in told:
        office.civil.sign_in("高伟")
        told = office.civil.say("高伟", f"#查 {number}")
    assert len(told.encode()) <= TEXT_BYTES_MAX
    assert tapped(told)[-1] == f"#历史 {number}"


def test_an_officer_who_has_signed_in_gets_a_link_to_the_doctors_page_and_nobody_else_does(office):
    size = office.town.civil.size()
    assert "请先登录" in office.civil.say("林芳", "#节点 体检")
    office.civil.sign_in("林芳")
    assert "体检" in office.civil.say("林芳", "#节点")
    told = office.civil.say("林芳", "#节点 体检")
    assert "/doctor/" in told
    assert "请不要转发" in told
    assert office.town.civil.size() == size
