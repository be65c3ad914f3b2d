"""Each rule about money: one case that just passes, one that just fails, and what no order of arrival may change."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import rules
from ledger.records.funds import AwardStatus, PaymentStatus
from ledger.rules.mismatch import finding_id
from tests.rules.awards import AWARD, CIVIL, FINANCE, POLICE, award, leaf, payment, snapshot

STATUS = PaymentStatus
APPROVED_FEN = 300_000


def names(found):
    return [mismatch.rule for mismatch in found]


def test_what_was_approved_ordered_and_paid_alike_is_no_finding():
    assert rules.money(snapshot(award(APPROVED_FEN), payment("P", APPROVED_FEN))) == []


def test_an_award_without_any_order_waits_and_is_no_finding():
    assert rules.money(snapshot(award(APPROVED_FEN))) == []


def test_three_hundred_paid_of_three_thousand_is_r19_and_no_other():
    (found,) = rules.money(snapshot(award(APPROVED_FEN), payment("P", 30_000, STATUS.ACCEPTED)))
    assert (found.rule, found.severity, found.about) == ("R19", "S", AWARD)
    assert found.facts == {
        "award": {"log": CIVIL, "sub": "award"},
        "approver": "民政局",
        "payer": "财政局",
        "departments": ["民政局", "财政局"],
        "approved": 300_000,
        "ordered": 30_000,
        "paid": 30_000,
        "missing": 270_000,
        "payments": [{"log": FINANCE, "sub": "P"}],
    }


def test_a_finding_is_named_by_the_hash_of_rule_and_leaves_compared():
    (found,) = rules.money(snapshot(award(APPROVED_FEN), payment("P", 30_000)))
    digest = sha256(b"R19" + b"".join(sorted([leaf("approved"), leaf("P")]))).digest()
    bits = "".join(f"{byte:08b}" for byte in digest)[:40]
    expected = "".join("0123456789ABCDEFGHJKMNPQRSTVWXYZ"[int(bits[at : at + 5], 2)] for at in range(0, 40, 5))
    assert found.id == expected


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_the_name_of_a_finding_does_not_depend_on_the_order_of_arrival(leaves, random):
    shuffled = [*leaves, leaves[0]]
    random.shuffle(shuffled)
    assert finding_id("R19", shuffled) == finding_id("R19", leaves)
    assert finding_id("R01", leaves) != finding_id("R19", leaves)


@pytest.mark.parametrize("status", [STATUS.CREATED, STATUS.SENT, STATUS.HELD, STATUS.CREDITED, STATUS.REJECTED])
def test_what_became_of_an_order_does_not_rename_its_finding(status):
    first = rules.money(snapshot(award(APPROVED_FEN), payment("P", 30_000)))
    later = rules.money(snapshot(award(APPROVED_FEN), payment("P", 30_000, status)))
    assert [found.id for found in later] == [found.id for found in first]


@pytest.mark.parametrize(("ordered", "expected"), [(299_999, ["R19"]), (300_000, []), (300_001, ["R01", "R19"])])
def test_r19_and_r01_turn_on_one_fen(ordered, expected):
    assert names(rules.money(snapshot(award(APPROVED_FEN), payment("P", ordered)))) == expected


def test_r01_counts_what_has_left_and_not_what_is_merely_ordered():
    ordered = snapshot(award(APPROVED_FEN), payment("P", 300_001, STATUS.CREATED))
    assert names(rules.money(ordered)) == ["R19"]


def test_one_award_paid_twice_is_r01_and_r19():
    twice = snapshot(award(APPROVED_FEN), payment("P1", APPROVED_FEN), payment("P2", APPROVED_FEN))
    assert names(rules.money(twice)) == ["R01", "R19"]


@pytest.mark.parametrize("status", [STATUS.REJECTED, STATUS.RETURNED])
def test_money_that_came_back_is_not_paid(status):
    again = snapshot(
        award(APPROVED_FEN),
        payment("P1", APPROVED_FEN, STATUS.REISSUED),
        payment("P2", APPROVED_FEN, status, reissues="P1"),
    )
    assert rules.money(again) == []


def test_a_reissue_takes_the_place_of_its_original():
    good = snapshot(
        award(APPROVED_FEN), payment("P1", APPROVED_FEN, STATUS.REISSUED), payment("P2", APPROVED_FEN, reissues="P1")
    )
    less = snapshot(
        award(APPROVED_FEN), payment("P1", APPROVED_FEN, STATUS.REISSUED), payment("P2", 299_999, reissues="P1")
    )
    assert rules.money(good) == []
    assert names(rules.money(less)) == ["R19"]


def test_a_second_order_beside_a_failed_one_is_no_reissue():
    beside = snapshot(award(APPROVED_FEN), payment("P1", APPROVED_FEN, STATUS.REJECTED), payment("P2", APPROVED_FEN))
    assert names(rules.money(beside)) == ["R19"]


def test_a_cancelled_order_never_was():
    cancelled = snapshot(award(APPROVED_FEN), payment("P1", 5, STATUS.CANCELLED), payment("P2", APPROVED_FEN))
    assert rules.money(cancelled) == []
    assert rules.money(snapshot(award(APPROVED_FEN), payment("P1", 5, STATUS.CANCELLED))) == []


def test_r09_finds_a_payment_that_nobody_awarded():
    (found,) = rules.money(snapshot(None, payment("P", 100)))
    assert (found.rule, found.about, found.compared) == ("R09", payment("P", 100).ref, (leaf("P"),))
    assert found.facts["payer"] == "财政局"
    assert found.facts["approver"] is None


@pytest.mark.parametrize("status", [each for each in AwardStatus if each is not AwardStatus.APPROVED])
def test_r09_finds_a_payment_on_an_award_that_is_not_approved(status):
    assert names(rules.money(snapshot(award(100, status=status), payment("P", 100)))) == ["R09"]


def test_r09_finds_a_payment_by_another_department_than_the_award_names():
    assert names(rules.money(snapshot(award(100), payment("P", 100, log=POLICE)))) == ["R09"]


def test_r10_finds_one_person_who_proposed_and_approved():
    (found,) = rules.money(snapshot(award(100, proposed_by="林芳", approved_by="林芳")))
    assert (found.rule, set(found.compared)) == ("R10", {leaf("proposed"), leaf("approved")})


def test_r10_finds_one_person_who_ordered_and_released():
    (found,) = rules.money(snapshot(award(100), payment("P", 100, ordered_by="吴倩", released_by="吴倩")))
    assert (found.rule, set(found.compared)) == ("R10", {leaf("P"), leaf("P released")})


def test_r10_cannot_tell_persons_of_two_departments_apart_and_does_not_try():
    alike = snapshot(award(100, proposed_by="x", approved_by="y"), payment("P", 100, ordered_by="x", released_by="y"))
    assert rules.money(alike) == []


def test_r10_does_not_take_two_unknown_persons_for_one():
    assert rules.money(snapshot(award(100, proposed_by="", approved_by=""))) == []


def test_r11_finds_a_department_that_pays_what_it_approved_itself():
    own = snapshot(award(100, payer=CIVIL), payment("P", 100, log=CIVIL))
    assert names(rules.money(own)) == ["R11", "R11"]


def test_inside_one_department_r10_compares_all_four_persons():
    own = snapshot(award(100, payer=CIVIL), payment("P", 100, log=CIVIL, ordered_by="高伟"))
    assert names(rules.money(own)).count("R10") == 1


def test_r11_finds_an_award_that_names_its_own_department_before_anything_is_paid():
    assert names(rules.money(snapshot(award(100, payer=CIVIL)))) == ["R11"]


amounts = st.integers(1, 10**13)
statuses = st.sampled_from(list(PaymentStatus))


@given(amounts, st.lists(st.tuples(amounts, statuses), max_size=5))
def test_no_difference_between_approved_and_ordered_is_ever_silent(approved, orders):
    parts = [payment(f"P{at}", amount, status) for at, (amount, status) in enumerate(orders)]
    found = names(rules.money(snapshot(award(approved), *parts)))
    standing = [amount for amount, status in orders if status not in {STATUS.CANCELLED, STATUS.REISSUED}]
    assert ("R19" in found) == (bool(standing) and sum(standing) != approved)
    out = {STATUS.SENT, STATUS.ACCEPTED, STATUS.HELD, STATUS.CREDITED}
    assert ("R01" in found) == (sum(amount for amount, status in orders if status in out) > approved)
    assert {"R09", "R10", "R11"}.isdisjoint(found)


def test_each_order_without_an_award_concerns_the_department_that_gave_it():
    found = rules.money(snapshot(None, payment("P", 100), payment("Q", 100, log=POLICE)))
    assert [(one.rule, one.facts["payer"]) for one in found] == [("R09", "财政局"), ("R09", "公安局")]


# --- R44: approved, and not arrived in its days ---

LATE_FROM = 1_790_000_000


@pytest.mark.parametrize(("now", "expected"), [(LATE_FROM - 1, []), (LATE_FROM, ["R44"])])
def test_money_that_has_not_arrived_is_a_finding_from_the_first_moment_after_its_days(now, expected):
    seen = snapshot(award(APPROVED_FEN), payment("P", APPROVED_FEN, STATUS.ACCEPTED))
    assert names(rules.not_credited(seen, LATE_FROM, now)) == expected


@pytest.mark.parametrize(("credited", "expected"), [(APPROVED_FEN, []), (APPROVED_FEN - 1, ["R44"])])
def test_only_what_the_banks_file_says_has_arrived_and_all_of_it(credited, expected):
    seen = snapshot(award(APPROVED_FEN), payment("P", credited, STATUS.CREDITED))
    assert names(rules.not_credited(seen, LATE_FROM, LATE_FROM)) == expected


def test_it_says_what_is_missing_and_names_the_approval_and_the_orders():
    seen = snapshot(award(APPROVED_FEN), payment("P", 30_000, STATUS.CREDITED), payment("Q", 270_000, STATUS.REJECTED))
    [found] = rules.not_credited(seen, LATE_FROM, LATE_FROM)
    assert (found.severity, found.about) == ("A", AWARD)
    assert [found.facts[name] for name in ("approved", "credited", "missing")] == [300_000, 30_000, 270_000]
    assert found.compared == (leaf("approved"), leaf("P"), leaf("Q"))


def test_where_nothing_was_ordered_it_concerns_the_payer_that_the_award_names():
    [found] = rules.not_credited(snapshot(award(APPROVED_FEN)), LATE_FROM, LATE_FROM)
    assert (found.facts["payer"], found.facts["payments"], found.compared) == ("财政局", [], (leaf("approved"),))


@pytest.mark.parametrize("status", [each for each in AwardStatus if each is not AwardStatus.APPROVED])
def test_what_is_not_approved_need_not_arrive(status):
    assert list(rules.not_credited(snapshot(award(status=status)), LATE_FROM, LATE_FROM)) == []
