"""What a citizen reads when a log was rewritten, and when a department has not looked lately: all of it, and no more."""

from dataclasses import replace
from typing import cast

import pytest

from handlers.citizen import trust
from handlers.citizen.voice import voice_for
from handlers.rewritten import Rewritten
from ledger import findings as keeping
from ledger.facts import Facts
from ledger.records.funds import Ref
from ledger.rules.logs import LogRef, two_histories
from ledger.storage.engine import transaction
from ledger.views import Finding, Trust
from tests.handlers_citizen.chats import NOON, FakeNode

FORTNIGHT = 14 * 86_400


def a_voice(stage, language="zh", round_seconds=60):
    node = FakeNode(stage.town.civil)
    node.round_seconds = round_seconds
    return voice_for(language, replace(stage.services, node=node))


@pytest.fixture
def opened(stage):
    return stage.hand_in()


@pytest.fixture
def rewritten(stage, opened):
    """财政局 shows 2.00 yuan now, where it signed 20,000.00 a fortnight ago; another person is paid from the same log."""
    payment = stage.pay(stage.approve(opened.submitted.sub))
    other = stage.hand_in(applicant="孙丽", account="6217000000000004471")
    stage.pay(stage.approve(other.submitted.sub, 156_000), 156_000)
    civil, finance = stage.town.civil, stage.town.finance
    told = {"kind": "payment-created", "sub": payment, "at": NOON - FORTNIGHT}
    differs = {"index": 3, "signed": told | {"amount": 2_000_000}, "served": told | {"amount": 200}}
    found = two_histories(LogRef(finance.origin, finance.name), "older", "newer")
    with transaction(civil.engine) as conn:
        keeping.raise_finding(conn, replace(found, facts={**found.facts, "differs": differs}), stage.town.clock())
    return other


@pytest.mark.parametrize("word", ["进度", "补贴"])
def test_whose_payment_was_rewritten_reads_both_signed_figures_and_the_day(stage, opened, rewritten, word):
    answer = stage.person().reads(f"{word} {opened.number} {opened.query_code}")
    [line] = [line for line in answer.splitlines() if "⚠" in line]
    assert line == (
        "⚠ 财政局现在给出的账，和它11月9日签过名的不一样：当时签的是 20,000.00元，现在是 2.00元。"
        "民政局存有当时的副本，可以作证据。您不用再跑。"
    )
    assert "改动会被发现" not in answer


def test_whose_payment_it_is_not_is_warned_without_another_persons_figures(stage, rewritten):
    answer = stage.person().reads(f"补贴 {rewritten.number} {rewritten.query_code}")
    assert "⚠ 财政局现在给出的账，和它以前签过名的不一样" in answer
    assert "20,000.00" not in answer
    assert " 2.00元" not in answer


def test_it_is_told_in_english_too(stage, opened, rewritten):
    person = stage.person()
    person.reads("English")
    answer = person.reads(f"payment {opened.number} {opened.query_code}")
    assert "it signed 20,000.00 yuan then, and shows 2.00 yuan now" in answer
    assert "9 November" in answer


class Held:
    """Facts of a node whose peers hold copies."""

    def __init__(self, *departments):
        self.names = departments
        self.network = self
        self.own = self
        self.origin = "21.example/log"

    def trust(self, _needs):
        return Trust(self.names, NOON, NOON)

    def department(self, origin):
        return {"21.example/log": "民政局", "22.example/log": "财政局"}[origin]


def a_finding(rule="R36", **changed):
    told = {"kind": "payment-created", "sub": "p", "at": NOON}
    differs = {"index": 3, "signed": told | {"amount": 2_000_000}, "served": told | {"amount": 200} | changed}
    facts = {"log": "22.example/log", "departments": ["财政局"], "differs": differs}
    return Finding("AB12CD34", rule, "A", "open", None, facts, NOON, "2026-11-30")


def of(finding, *departments):
    return Rewritten.of(cast("Facts", Held(*departments)), finding)


def test_everybody_who_stored_it_is_named_and_never_the_department_itself(stage):
    told = of(a_finding(), "审计局", "财政局", "公安局")
    assert told is not None
    assert told.about == Ref("22.example/log", "p")
    said = trust.finding_line(a_voice(stage), a_finding(), told)
    assert "民政局、公安局、审计局都存有当时的副本，可以作证据。" in said


@pytest.mark.parametrize(
    "changed",
    [
        {"sub": "another"},
        {"kind": "payment-released"},
        {"amount": 2_000_000},
        {"amount": None},
        {"reason": "x", "sub": None},
    ],
)
def test_what_is_no_changed_amount_of_one_record_is_told_without_figures(changed):
    assert of(a_finding(**changed)) is None


def test_another_rules_finding_and_one_without_a_difference_have_no_figures():
    assert of(a_finding("R19")) is None
    plain = a_finding()
    assert of(replace(plain, facts={"log": "22.example/log", "departments": ["财政局"]})) is None


@pytest.mark.parametrize(
    ("ages", "round_seconds", "said"),
    [
        (
            {"财政局": 5, "审计局": 20, "公安局": 95},
            5,
            "财政局、审计局各存了一份，刚刚核对一致，改动会被发现。公安局也存了一份，11:58以后没有再核对。",
        ),
        (
            {"财政局": 5, "公安局": 3 * 86_400},
            60,
            "财政局存了一份，刚刚核对一致，改动会被发现。公安局也存了一份，11月20日以后没有再核对。",
        ),
        (
            {"财政局": 5, "公安局": 301},
            60,
            "财政局存了一份，刚刚核对一致，改动会被发现。公安局也存了一份，11:54以后没有再核对。",
        ),
        ({"财政局": 5, "公安局": 300}, 60, "财政局、公安局各存了一份，5分钟前核对一致，改动会被发现。"),
        ({"财政局": 5, "公安局": 60}, 5, "财政局、公安局各存了一份，1分钟前核对一致，改动会被发现。"),
        ({"财政局": 95, "公安局": 95}, 5, "财政局、公安局各存了一份，1分钟前核对一致，改动会被发现。"),
        ({"财政局": 400, "公安局": 500}, 5, "其他部门已有8分钟没核对上，我们在查，不影响您办事。"),
    ],
)
def test_a_department_that_has_not_looked_while_others_have_is_named_with_since_when(stage, ages, round_seconds, said):
    times = {name: NOON - age for name, age in ages.items()}
    told = Trust(tuple(times), min(times.values()), NOON - 86_400, times)
    line = trust.trust_line(a_voice(stage, round_seconds=round_seconds), told)
    assert line == said
    assert "\n" not in line
