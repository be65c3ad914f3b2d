"""There is a sentence for everything: each reason the ledger refuses by, each state, act and code."""

import ast
from pathlib import Path

import pytest

from handlers.citizen.payment_lines import REASONS
from handlers.locale import TEXTS
from handlers.staff import casework, funds
from handlers.staff.commands import WORDS
from ledger.desk import STOP
from ledger.records.answers import Outcome
from ledger.records.cases import CaseStatus
from ledger.records.claims import ROLES
from ledger.records.funds import AwardStatus, PaymentStatus
from ledger.rules import answers

LEDGER = Path(__file__).parents[2] / "ledger"
REFUSALS = {"Refused": 0, "IllegalStep": 2}
ACTS = [act.key for act in (*casework.ACTS, *funds.ACTS)] + ["amend", "explain", "conclude"]


def strings(node):
    return [each.value for each in ast.walk(node) if isinstance(each, ast.Constant) and isinstance(each.value, str)]


def reasons_in(tree):
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        place = REFUSALS.get(getattr(node.func, "id", ""))
        if place is not None and len(node.args) > place:
            yield from strings(node.args[place])
        if isinstance(node.func, ast.Attribute) and node.func.attr == "__init__" and len(node.args) == 1:
            yield from (text for text in strings(node.args[0]) if " " not in text and "-" in text)


def every_reason():
    found = {"illegal-step"}
    for file in LEDGER.rglob("*.py"):
        found |= set(reasons_in(ast.parse(file.read_text("utf-8"))))
    return sorted(found)


def test_the_hunt_for_reasons_finds_them():
    assert {"four-eyes", "reason-missing", "reason-without-failure", "code-locked", "payee-not-here"} <= set(
        every_reason()
    )


@pytest.mark.parametrize("language", TEXTS)
def test_every_refusal_of_the_ledger_has_its_sentence(language):
    missing = [reason for reason in every_reason() if f"refused.{reason}" not in TEXTS[language]]
    assert missing == []


@pytest.mark.parametrize("language", TEXTS)
def test_every_rule_that_stops_has_its_sentence(language):
    assert all(f"refused.rule.{rule}" in TEXTS[language] and f"rule.{rule}" in TEXTS[language] for rule in STOP)


@pytest.mark.parametrize("language", TEXTS)
def test_every_key_that_is_put_together_exists(language):
    wanted = {f"act.{key}" for key in ACTS} | {f"line.{key}" for key in ACTS} | {f"do.{key}" for key in WORDS}
    wanted |= {f"role.{role}" for role in ROLES} | {f"iso.{code}" for code in REASONS}
    wanted |= {f"state.case.{one}" for one in CaseStatus} | {f"state.award.{one}" for one in AwardStatus}
    wanted |= {f"state.payment.{one}" for one in PaymentStatus} | {"source.officer", "source.bank"}
    wanted |= {f"staff.ask.{key}" for key in ("correct", "not-accept", "refuse", "return")}
    wanted |= {f"staff.ask.{key}" for key in ("explain", "conclude")} | {f"outcome.{one}" for one in Outcome}
    steps = {"raised", "changed", "ended", "returned", "explained", *Outcome}
    wanted |= {f"findings.step.{one}" for one in steps} | {f"findings.{one}" for one in ("open", "explained", *Outcome)}
    wanted |= {f"refused.{reason}" for reason in answers.REASONS} | {f"finding.result.{one}" for one in Outcome}
    wanted |= {f"finding.then.{one}" for one in ("open", "explained", "confirmed")}
    wanted |= {f"nodes.state.{one}" for one in ("good", "new", "missed", "unreachable", "forked")}
    assert wanted - set(TEXTS[language]) == set()


@pytest.mark.parametrize(
    "word", ["经办人", "驳回", "授权", "放款", "异常", "会签", "披露", "账本", "镜像", "第一时间", "凭证"]
)
def test_words_that_people_misread_are_not_used(word):
    used = [key for key, text in TEXTS["zh"].items() if word in text]
    assert used == []


def test_the_reasons_a_bank_may_give_are_those_of_the_standard():
    iso = "AC01 AC04 AC07 AC06 AG01 AM05 DUPL AM09 AM10 BE01 BE06 RC04 MD07 MS02 MS03 NARR FR01 FOCR CUST ED05 TM01"
    assert set(REASONS) == set(iso.split())
