"""No fen is ordered that another department has not approved, and none goes out twice."""

import pytest

from ledger.desk import Desk
from ledger.errors import IllegalStep, Refused
from ledger.records.funds import PaymentStatus
from ledger.records.kinds import DESK
from ledger.records.statement import Statement
from ledger.scribe import new_handle
from ledger.times import day_in_china
from tests.desk.world import exchange, mirror


def refused(reason: str, act, *, rule: str | None = None) -> None:
    with pytest.raises(Refused) as caught:
        act()
    assert (caught.value.reason, caught.value.rule) == (reason, rule)


def test_an_award_that_is_not_here_is_not_paid(town):
    refused("award-not-approved", lambda: town.order(new_handle()), rule="R09")


def test_an_award_that_is_only_proposed_is_not_paid(town):
    case, _code = town.apply()
    town.civil.act("林芳", "case-accepted", case)
    award = town.propose(case)
    town.round()
    refused("award-not-approved", lambda: town.order(award), rule="R09")


def test_an_award_that_names_another_payer_is_not_paid(town):
    case, _code = town.apply()
    town.civil.act("林芳", "case-accepted", case)
    award = new_handle()
    clear = {"case": case, "programme": "p1", "amount": 100, "payer": "29.example/log"}
    town.civil.act("林芳", "award-proposed", award, clear)
    town.civil.act("高伟", "award-approved", award, {"amount": 100})
    town.round()
    refused("another-payer", lambda: town.order(award, 100), rule="R09")


def test_a_department_does_not_pay_itself(town):
    case, _code = town.apply()
    town.civil.act("林芳", "case-accepted", case)
    clear = {"case": case, "programme": "p1", "amount": 100, "payer": town.civil.origin}
    refused("rule", lambda: town.civil.act("林芳", "award-proposed", new_handle(), clear), rule="R11")


@pytest.mark.parametrize("amount", [1, 1_999_999, 2_000_001])
def test_another_amount_than_was_approved_is_not_ordered(town, amount):
    _case, award = town.approved()
    town.round()
    refused("rule", lambda: town.order(award, amount), rule="R19")


def test_an_award_is_not_paid_twice(town):
    _case, award = town.approved()
    town.round()
    town.order(award)
    refused("rule", lambda: town.order(award), rule="R19")


def test_an_award_is_not_paid_before_payee_account_and_number_are_here(town):
    _case, award = town.approved()
    mirror(town.civil, town.finance)
    refused("payee-not-here", lambda: town.order(award))
    with town.finance.facts() as facts:
        [waits] = facts.awards_to_pay()
        assert waits == town.civil.ref(award)
        assert facts.award(waits).payee is None
    officer = town.finance.staff["吴倩"].handle
    claim = {"award": town.civil.ref(award).claim(), "amount": 2_000_000}
    refused(
        "payee-not-here",
        lambda: town.finance.desk.check(Statement("payment-created", new_handle(), claim), officer),
    )
    exchange(town.civil, town.finance)
    town.order(award)
    with town.finance.facts() as facts:
        assert facts.awards_to_pay() == []


def test_the_round_the_desk_officer_is_found_out_at_once_and_by_the_approver(town):
    """Everything is as always but the rules that stop: the record is valid by itself, and a finding says what it is."""
    _case, award = town.approved(300_000)
    town.round()
    careless = Desk(town.finance.log, town.finance.keys, town.clock, stop_rules=frozenset(), story=True)
    payment = town.order(award, 30_000, desk=careless)
    with town.finance.facts() as facts:
        assert [each.rule for each in facts.findings(town.civil.ref(award))] == ["R19"]
    refused("rule", lambda: town.finance.act("马骏", "payment-released", payment), rule="R19")
    town.finance.act("马骏", "payment-released", payment, desk=careless)
    town.result(payment, "accepted")
    # What is missing can be made up for, and then the finding ends.
    rest = town.order(award, 270_000)
    town.finance.act("马骏", "payment-released", rest)
    with town.finance.facts() as facts:
        assert facts.findings(town.civil.ref(award)) == []
        assert [each.state for each in facts.findings(town.civil.ref(award), open_only=False)] == ["ended"]


def test_an_award_taken_back_after_the_order_is_not_released(town):
    _case, award = town.approved()
    town.round()
    payment = town.order(award)
    amended = [record for record in town.civil.records() if record.kind == "award-approved"][-1]
    town.civil.act("高伟", "amendment", award, {"amends": amended.record_id})
    town.round()
    refused("rule", lambda: town.finance.act("马骏", "payment-released", payment), rule="R09")


def test_an_approval_is_not_taken_back_once_it_has_been_ordered(town):
    _case, award = town.approved()
    town.round()
    town.order(award)
    mirror(town.finance, town.civil)
    amended = [record for record in town.civil.records() if record.kind == "award-approved"][-1]
    refused(
        "already-built-upon",
        lambda: town.civil.act("高伟", "amendment", award, {"amends": amended.record_id}),
    )


def failed(town, reason: str) -> tuple[str, str]:
    _case, award, payment = town.paid()
    town.result(payment, "rejected", reason)
    town.round()
    return award, payment


@pytest.mark.parametrize("reason", ["AC01", "AC06", "ED05"])
def test_what_failed_is_reissued_in_its_place(town, reason):
    award, payment = failed(town, reason)
    again = town.order(award, reissues=payment)
    town.finance.act("马骏", "payment-released", again)
    with town.finance.facts() as facts:
        old, new = facts.payments_of(town.civil.ref(award))
        assert (old.state.status, new.state.status) == (PaymentStatus.REISSUED, PaymentStatus.SENT)
        assert facts.findings() == []


def test_what_failed_is_not_simply_ordered_once_more(town):
    award, _payment = failed(town, "AC01")
    refused("rule", lambda: town.order(award), rule="R19")


def test_what_has_not_failed_is_not_reissued(town):
    _case, award, payment = town.paid()
    with pytest.raises(IllegalStep):
        town.order(award, reissues=payment)


@pytest.mark.parametrize("reason", ["AM05", "MD07"])
def test_what_may_be_paid_already_or_concerns_the_dead_is_never_reissued(town, reason):
    award, payment = failed(town, reason)
    refused("never-reissued", lambda: town.order(award, reissues=payment))


@pytest.mark.parametrize("reason", ["AC04", "AC07"])
def test_a_closed_account_waits_for_another_and_for_that_account_itself(town, reason):
    award, payment = failed(town, reason)
    refused("account-closed", lambda: town.order(award, reissues=payment))
    town.civil.act("林芳", "account-given", award, private={"payee": "王桂兰", "account": "6217000099999994471"})
    refused("account-closed", lambda: town.order(award, reissues=payment))
    mirror(town.civil, town.finance)
    refused("payee-not-here", lambda: town.order(award, reissues=payment))
    exchange(town.civil, town.finance)
    again = town.order(award, reissues=payment)
    with town.finance.facts() as facts:
        assert facts.payment(town.finance.ref(payment)).account_tail == "0836"
        assert facts.payment(town.finance.ref(again)).account_tail == "4471"


def test_an_account_given_before_the_failure_does_not_count(town):
    _case, award, payment = town.paid()
    town.civil.act("林芳", "account-given", award, private={"payee": "王桂兰", "account": "6217000099999994471"})
    town.result(payment, "rejected", "AC04")
    town.round()
    refused("account-closed", lambda: town.order(award, reissues=payment))


def test_an_account_given_after_the_day_the_bank_refused_counts_though_the_list_came_later(town):
    _case, award, payment = town.paid()
    day = day_in_china(town.clock()).isoformat()
    town.clock.wait(24 * 3600)
    town.civil.act("林芳", "account-given", award, private={"payee": "王桂兰", "account": "6217000099999994471"})
    town.clock.wait(24 * 3600)
    town.finance.act("吴倩", "payment-reported", payment, {"outcome": "rejected", "reason": "AC04", "on": day})
    town.round()
    town.order(award, reissues=payment)


def test_a_reported_result_is_not_taken_back_once_the_citizen_has_spoken(town):
    _case, _award, payment = town.paid()
    reported = town.result(payment, "accepted")
    town.round()
    word = Statement("citizen-word", new_handle(), {"payment": town.finance.ref(payment).claim(), "word": "received"})
    with town.civil.facts() as facts:
        citizen = facts.payment(town.finance.ref(payment)).citizen
    town.civil.desk.submit(word, by=DESK, once="w", citizen=citizen)
    mirror(town.civil, town.finance)
    refused(
        "already-built-upon",
        lambda: town.finance.act("吴倩", "amendment", payment, {"amends": reported.record_id}),
    )


def test_a_citizen_speaks_once_about_what_was_paid_and_only_about_their_own(town):
    _case, _award, payment = town.paid()
    town.round()
    ref = town.finance.ref(payment)
    with town.civil.facts() as facts:
        citizen = facts.payment(ref).citizen
    stranger, _code = town.apply(applicant="周大山")
    with town.civil.facts() as facts:
        other = facts.case(town.civil.ref(stranger)).citizen

    def say(whom: str, once: str) -> None:
        word = Statement("citizen-word", new_handle(), {"payment": ref.claim(), "word": "received"})
        town.civil.desk.submit(word, by=DESK, once=once, citizen=whom)

    refused("nothing-to-confirm", lambda: say(citizen, "early"))
    town.result(payment, "accepted")
    town.round()
    refused("another-citizen", lambda: say(other, "theirs"))
    say(citizen, "mine")
    refused("already-said", lambda: say(citizen, "again"))


def test_whoever_pays_cannot_say_for_the_citizen_that_the_money_came(town):
    _case, _award, payment = town.paid()
    town.result(payment, "accepted")
    town.round()
    ref = town.finance.ref(payment)
    with town.civil.facts() as facts:
        citizen = facts.payment(ref).citizen
    with town.finance.facts() as facts:
        payer_s_citizen = facts.payment(ref).citizen
    word = Statement("citizen-word", new_handle(), {"payment": ref.claim(), "word": "received"})
    town.finance.desk.submit(word, by=DESK, once="invented", citizen=payer_s_citizen)
    mirror(town.finance, town.civil)
    with town.civil.facts() as facts:
        assert facts.payment(ref).word is None
    own = Statement("citizen-word", new_handle(), {"payment": ref.claim(), "word": "received"})
    town.civil.desk.submit(own, by=DESK, once="their own", citizen=citizen)
    with town.civil.facts() as facts:
        assert facts.payment(ref).word.ref == town.civil.ref(own.sub)
    mirror(town.civil, town.finance)
    with town.finance.facts() as facts:
        assert facts.payment(ref).word is not None


def test_a_proposal_sent_back_keeps_its_number_and_the_new_amount_is_what_counts(town):
    case, _code = town.apply()
    town.civil.act("林芳", "case-accepted", case)
    award = town.propose(case, 1_000)
    with town.civil.facts() as facts:
        number = facts.award(town.civil.ref(award)).number
    town.civil.act("高伟", "award-returned", award)
    town.propose(case, 2_000, award)
    town.civil.act("高伟", "award-approved", award, {"amount": 2_000})
    town.round()
    town.order(award, 2_000)
    for department in (town.civil, town.finance):
        with department.facts() as facts:
            assert facts.award(town.civil.ref(award)).number == number


def test_months_of_one_benefit_belong_to_one_person_at_the_payer_too(town):
    case, award = town.approved(156_000)
    november = town.propose(case, 156_000)
    town.civil.act("高伟", "award-approved", november, {"amount": 156_000})
    town.round()
    with town.finance.facts() as facts:
        first, second = facts.award(town.civil.ref(award)), facts.award(town.civil.ref(november))
        assert first.citizen == second.citizen is not None
        assert [each.ref.sub for each in facts.awards_of_citizen(first.citizen)] == [award, november]
