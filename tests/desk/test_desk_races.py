"""The same moment, two worker processes: exactly one wins, and a crash makes nothing happen twice."""

import os

import pytest

from ledger.desk import Desk
from ledger.records.cases import CaseStatus
from ledger.records.kinds import DESK
from ledger.records.statement import Statement
from ledger.scribe import new_handle
from tests.desk.processes import at_once, killed
from tests.desk.world import Town, found, make_engine, people


def ready_to_decide(town: Town) -> str:
    case, _code = town.apply()
    town.civil.act("林芳", "case-accepted", case)
    town.civil.act("林芳", "case-completed", case, {"step": 0})
    return case


def test_opposite_decisions_on_one_case_at_the_same_moment(either_town):
    town = either_town
    town.civil.enrol("赵磊", "approver")
    case = ready_to_decide(town)
    town.clock.wait(30)
    size = town.civil.size()

    def decide(name: str, kind: str):
        officer, code = town.civil.staff[name].handle, town.civil.code(name)
        return lambda desk: desk.submit(Statement(kind, case), by=officer, once=kind, code=code)

    assert at_once(town.civil, [decide("高伟", "case-approved"), decide("赵磊", "case-refused")]) == [
        "done",
        "illegal-step",
    ]
    assert town.civil.size() == size + 1


@pytest.fixture
def either_payer(town, database_url, tmp_path):
    """The same town, with 财政局 on either database."""
    town.finance.engine.dispose()
    (tmp_path / "other").mkdir()
    town.finance = found("财政局", "22", make_engine(database_url), tmp_path / "other", town.clock)
    town.civil.staff.clear()
    people(town)
    return town.finance


def test_one_award_paid_twice_at_the_same_moment(town, either_payer):
    either_payer.enrol("孙会计", "finance")
    _case, award = town.approved()
    town.round()
    town.clock.wait(30)
    size = either_payer.size()
    claim = {"award": town.civil.ref(award).claim(), "amount": 2_000_000}

    def order(name: str):
        officer, code = either_payer.staff[name].handle, either_payer.code(name)
        statement = Statement("payment-created", new_handle(), claim)
        return lambda desk: desk.submit(statement, by=officer, once=name, code=code)

    assert at_once(either_payer, [order("吴倩"), order("孙会计")]) == ["done", "rule"]
    assert either_payer.size() == size + 1
    with either_payer.facts() as facts:
        assert len(facts.payments_of(town.civil.ref(award))) == 1


def test_one_totp_code_twice_in_two_workers(either_town):
    """Also for two different deeds: a code that somebody saw over a shoulder is worth nothing."""
    town = either_town
    first, second = ready_to_decide(town), ready_to_decide(town)
    town.clock.wait(30)
    officer, code, size = town.civil.staff["高伟"].handle, town.civil.code("高伟"), town.civil.size()

    def approve(case: str):
        return lambda desk: desk.submit(Statement("case-approved", case), by=officer, once=case, code=code)

    assert at_once(town.civil, [approve(first), approve(second)]) == ["code-used", "done"]
    assert town.civil.size() == size + 1


def test_a_code_signs_in_once_in_two_workers(either_town):
    town = either_town
    officer, code = town.civil.staff["高伟"].handle, town.civil.code("高伟")
    deeds = [lambda desk, n=n: desk.sign_in(officer, code, f"delivery-{n}") for n in range(2)]
    assert at_once(town.civil, deeds) == ["code-used", "done"]


def test_one_binding_code_from_two_people_at_once(either_town):
    town = either_town
    case, _code = town.apply()
    with town.civil.facts() as facts:
        citizen = facts.case(town.civil.ref(case)).citizen
    code = town.civil.desk.binding_code_for(citizen, 300)
    deeds = [lambda desk, who=who: desk.bind(who, code) for who in ("openid-a", "openid-b")]
    assert at_once(town.civil, deeds) == ["binding-code-wrong", "done"]
    with town.civil.facts() as facts:
        assert len(facts.accounts_of(citizen)) == 1


def test_one_word_of_a_citizen_from_two_telephones_at_once(either_town):
    town = either_town
    _case, _award, payment = town.paid()
    town.result(payment, "credited", by_bank=True)
    town.round()
    claim = {"payment": town.finance.ref(payment).claim(), "word": "received"}
    statements = [Statement("citizen-word", new_handle(), claim) for _ in range(2)]
    deeds = [lambda desk, said=said: desk.submit(said, by=DESK, once=said.sub) for said in statements]
    assert at_once(town.civil, deeds) == ["already-said", "done"]


def test_the_same_delivery_in_two_workers_is_one_record_and_one_answer(either_town):
    town = either_town
    case, _code = town.apply()
    officer, size = town.civil.staff["林芳"].handle, town.civil.size()
    deed = lambda desk: desk.submit(Statement("case-accepted", case), by=officer, once="delivery")  # noqa: E731 -- sent to a process
    assert at_once(town.civil, [deed, deed]) == ["done", "done"]
    assert town.civil.size() == size + 1


def test_numbers_given_by_two_workers_are_all_different(either_town):
    town = either_town
    officer = town.civil.staff["林芳"].handle

    def open_ten(worker: int):
        return lambda desk: [desk.open_case("m1", {}, by=officer, once=f"{worker}/{n}") for n in range(10)]

    assert at_once(town.civil, [open_ten(0), open_ten(1)]) == ["done", "done"]
    with town.civil.facts() as facts:
        refs = facts.queue("case", [CaseStatus.SUBMITTED], limit=100)
        numbers = [facts.case(ref).number for ref in refs]
    assert len(set(numbers)) == len(numbers) == 20


def test_a_crash_between_commit_and_answer_is_not_a_second_record(either_town):
    town = either_town
    case = ready_to_decide(town)
    town.clock.wait(30)
    officer, code, size = town.civil.staff["高伟"].handle, town.civil.code("高伟"), town.civil.size()

    def approve(desk: Desk):
        return desk.submit(Statement("case-approved", case), by=officer, once="delivery", code=code)

    killed(town.civil, approve)
    assert town.civil.size() == size + 1
    again = approve(town.civil.desk)
    assert again.already
    assert again.index == size
    assert town.civil.size() == size + 1


def test_a_crash_before_the_commit_leaves_nothing_and_spends_no_code(either_town):
    town = either_town
    case = ready_to_decide(town)
    town.clock.wait(30)
    officer, code, size = town.civil.staff["高伟"].handle, town.civil.code("高伟"), town.civil.size()

    def approve(desk: Desk):
        return desk.submit(Statement("case-approved", case), by=officer, once="delivery", code=code)

    def die_when_remembering(desk: Desk) -> None:
        setattr(desk._scribe, "remember", lambda *_: os._exit(9))  # noqa: B010 -- a blow, not an assignment

    killed(town.civil, approve, die_when_remembering)
    assert town.civil.size() == size
    done = approve(town.civil.desk)
    assert not done.already
    assert done.index == size
