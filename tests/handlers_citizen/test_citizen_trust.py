"""Who else holds what is told, and what does not agree: one line, in the place where it is looked for."""

import re
from dataclasses import replace
from typing import cast

import pytest

from handlers.citizen import trust
from handlers.citizen.voice import voice_for
from handlers.locale import TEXTS
from ledger import findings as keeping
from ledger.desk import Desk
from ledger.facts import Facts
from ledger.records.funds import Ref
from ledger.rules.logs import LogRef, two_histories
from ledger.storage.engine import transaction
from ledger.views import Finding, Trust
from tests.handlers_citizen.chats import DAY, HOUR, NOON, trust_line

CITIZEN_KEYS = {
    key
    for key in TEXTS["zh"]
    if key.split(".")[0] in {"case", "pay", "award", "short", "history", "fail", "mine", "word"}
}


def a_voice(stage, language="zh"):
    stage.town.clock.at = NOON
    return voice_for(language, stage.services)


@pytest.mark.parametrize(
    ("departments", "age", "said"),
    [
        (("财政局", "公安局", "审计局"), 120, "财政局、公安局、审计局各存了一份，2分钟前核对一致，改动会被发现。"),
        (("财政局",), 20, "财政局存了一份，刚刚核对一致，改动会被发现。"),
        ((), 20, "刚登记，其他部门还没核对（一般1分钟内）。"),
        (("财政局",), 3 * HOUR, "其他部门已有3小时没核对上，我们在查，不影响您办事。"),
        ((), 2 * DAY, "其他部门已有2天没核对上，我们在查，不影响您办事。"),
        (("财政局",), 301, "其他部门已有5分钟没核对上，我们在查，不影响您办事。"),
    ],
)
def test_the_line_of_trust_is_as_good_as_the_oldest_cosignature(stage, departments, age, said):
    oldest = NOON - age if departments else None
    assert trust.trust_line(a_voice(stage), Trust(departments, oldest, NOON - age)) == said


def a_finding(rule, **facts):
    told = {"approver": "民政局", "payer": "财政局", "departments": ["民政局", "财政局"]} | facts
    return Finding("AB12CD34", rule, "S", "open", None, told, NOON, "2026-11-30")


def test_a_finding_names_amounts_who_found_it_and_who_explains_by_when(stage):
    found = a_finding("R19", approved=300_000, ordered=30_000, paid=30_000)
    assert trust.finding_line(a_voice(stage), found) == (
        "民政局批准 3,000.00元，财政局只支付了 300.00元，还差 2,700.00元。民政局核对时发现，已列为疑点，"
        "请财政局11月30日前说明，有结果会在这里告诉您。您不用再跑。"
    )


@pytest.mark.parametrize(
    ("rule", "facts", "says"),
    [
        ("R19", {"approved": 300_000, "ordered": 30_000, "paid": 0}, "只安排了 300.00元"),
        ("R01", {"approved": 300_000, "ordered": 300_000, "paid": 310_000}, "多了 100.00元"),
        ("R19", {"approved": 300_000, "ordered": 310_000, "paid": 0}, "支付了 3,100.00元，多了 100.00元"),
        ("R10", {}, "请民政局、财政局11月30日前说明"),
        ("R36", {"departments": ["财政局"]}, "⚠ 财政局现在给出的账"),
        ("R50", {"departments": ["财政局"], "reason": "x"}, "对不上的地方"),
    ],
)
def test_every_kind_of_finding_has_one_sentence_that_accuses_nobody(stage, rule, facts, says):
    said = trust.finding_line(a_voice(stage), a_finding(rule, **facts))
    assert says in said
    assert "疑点" in said
    assert "\n" not in said
    assert not re.search("骗|贪|违法|造假", said)


def test_a_finding_stands_in_the_place_of_the_line_of_trust(stage, opened):
    from ledger import findings as keeping
    from ledger.records.funds import Ref
    from ledger.storage.engine import transaction

    award = stage.approve(opened.submitted.sub, 300_000)
    finance = stage.town.finance
    around = Desk(finance.log, finance.keys, finance.clock, stop_rules=frozenset())
    payment = stage.town.order(award, 30_000, desk=around)
    finance.clock.wait(30)
    stage.town.round()
    civil = stage.town.civil
    with transaction(civil.engine) as conn:
        keeping.evaluate(conn, [Ref(civil.origin, award)], stage.town.clock(), wait_seconds=600)
    for word in ("进度", "补贴"):
        answer = stage.person().reads(f"{word} {opened.number} {opened.query_code}")
        line = trust_line(answer)
        assert "民政局批准 3,000.00元" in line
        assert "还差 2,700.00元" in line
        assert answer.count("疑点") == 1
        assert "批准了 3,000.00元" not in answer
    assert payment


def test_a_rewritten_log_warns_everybody_of_whom_it_holds_a_record_and_nobody_else(stage, opened):
    untouched = stage.hand_in(applicant="孙丽", account="6217000000000004471")
    stage.pay(stage.approve(opened.submitted.sub))
    civil, finance = stage.town.civil, stage.town.finance
    with transaction(civil.engine) as conn:
        rewritten = two_histories(LogRef(finance.origin, finance.name), "older", "newer")
        keeping.raise_finding(conn, rewritten, stage.town.clock())
    concerned = stage.person().reads(f"补贴 {opened.number} {opened.query_code}")
    assert trust_line(concerned).startswith("⚠ 财政局现在给出的账，和它以前签过名的不一样。")
    other = stage.person().reads(f"进度 {untouched.number} {untouched.query_code}")
    assert "⚠" not in other
    assert "疑点" not in other


def test_a_warning_for_staff_is_not_told_to_the_citizen(stage, opened):
    class Only:
        def findings(self, _about, *, open_only):
            assert not open_only  # what was decided is told for a while
            return [replace(a_finding("R49"), severity="W")]

    assert trust.findings_on(cast("Facts", Only()), Ref("21.example/log", "x")) == []


@pytest.mark.parametrize(("language", "word"), [("zh", "核对"), ("en", "cross-check")])
def test_only_trust_and_findings_speak_of_cross_checking(language, word):
    speaking = {key for key, text in TEXTS[language].items() if word in text}
    assert speaking
    assert not {key for key in speaking & CITIZEN_KEYS if not key.startswith(("trust", "finding."))}
