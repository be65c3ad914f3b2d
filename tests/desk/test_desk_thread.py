"""The whole way of the money, through the desk of two departments."""

from ledger.records.cases import CaseStatus
from ledger.records.funds import AwardStatus, PaymentStatus
from ledger.records.kinds import DESK
from ledger.records.statement import Statement
from ledger.scribe import new_handle
from tests.desk.world import ACCOUNT


def test_a_case_is_accepted_proposed_approved_ordered_released_credited_and_confirmed(either_town):
    town = either_town
    case, _award, payment = town.paid()
    town.result(payment, "credited", by_bank=True)
    town.round()
    with town.civil.facts() as facts:
        seen = facts.case(town.civil.ref(case))
        assert seen.state.status is CaseStatus.APPROVED
        assert seen.applicant == "王桂兰"
        assert seen.number.startswith("21")
        found = facts.find(seen.number)
        assert found.ref == town.civil.ref(case)
        [approved] = facts.awards_of(town.civil.ref(case))
        assert approved.state.status is AwardStatus.APPROVED
        [paid] = facts.payments_of(approved.ref)
        assert paid.state.status is PaymentStatus.CREDITED
        assert paid.number.startswith("22")
        assert paid.account_tail == ACCOUNT[-4:]
        assert paid.citizen == seen.citizen == approved.citizen
        assert [each.ref for each in facts.payments_of_citizen(seen.citizen)] == [paid.ref]
        assert facts.find(paid.number).topic == "payment"
    word = Statement("citizen-word", new_handle(), {"payment": paid.ref.claim(), "word": "received"})
    town.civil.desk.submit(word, by=DESK, once="word", citizen=seen.citizen)
    with town.civil.facts() as facts:
        assert facts.payment(paid.ref).word.state.word == "received"
        assert [line.kind for line in facts.history(town.civil.ref(case))] == [
            "case-submitted",
            "case-accepted",
            "award-proposed",
            "award-approved",
            "payment-created",
            "payment-released",
            "bank-result",
            "citizen-word",
        ]
        trust = facts.trust([(town.civil.origin, seen.index), (town.finance.origin, paid.index)])
        assert trust.departments == ()
        assert trust.newest_record_at > 0


def test_a_query_code_of_the_case_opens_its_award_and_payment_at_both_departments(town):
    case, code = town.apply()
    town.civil.act("林芳", "case-accepted", case)
    award = town.propose(case)
    town.civil.act("高伟", "award-approved", award, {"amount": 2_000_000})
    town.round()
    payment = town.order(award)
    town.round()
    for department in (town.civil, town.finance):
        with department.facts() as facts:
            numbers = [
                facts.award(town.civil.ref(award)).number,
                facts.payment(town.finance.ref(payment)).number,
            ]
            for number in numbers:
                assert facts.find(number).code_ok(code)
                assert not facts.find(number).code_ok("00000000" if code != "00000000" else "11111111")
