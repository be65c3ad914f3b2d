"""What is read is what was said, by whom, and how well it is checked."""

import secrets

import pytest
from sqlalchemy import event, insert

from ledger.records.cases import CaseStatus
from ledger.records.funds import AwardStatus, PaymentStatus, Ref
from ledger.scribe import new_handle
from ledger.storage import entries, schema
from ledger.storage import facts as rows
from ledger.storage.engine import transaction
from tests.desk.world import Town, mirror


def cosign(town: Town, origin: str, mirror_name: str, size: int, time: int) -> None:
    with transaction(town.civil.engine) as conn:
        key = {"log_id": entries.find_log(conn, origin), "name": mirror_name, "key_id": secrets.token_bytes(4)}
        conn.execute(
            insert(schema.cosignatures),
            {**key, "role": "mirror", "size": size, "root": bytes(32), "time": time, "line": "-"},
        )


@pytest.fixture
def watched(town):
    """Two more departments that hold copies, known as peers."""
    with transaction(town.civil.engine) as conn:
        for prefix, name in (("22", "财政局"), ("23", "公安局"), ("24", "审计局")):
            conn.execute(
                insert(schema.peers),
                {
                    "origin": f"{prefix}.example/log",
                    "name": name,
                    "url": "https://x",
                    "number_prefix": prefix,
                    "desk_key": bytes(32),
                    "log_vkeys": [],
                    "witness_vkeys": [],
                    "mirror_vkeys": [],
                    "handle": new_handle(),
                },
            )
    return town


def test_the_departments_named_hold_every_log_that_the_answer_needs(watched):
    town = watched
    _case, award, payment = town.paid()
    town.round()
    with town.civil.facts() as facts:
        needs = [
            (town.civil.origin, facts.award(town.civil.ref(award)).index),
            (town.finance.origin, facts.payment(town.finance.ref(payment)).index),
        ]
    (civil_log, approved), (finance_log, paid) = needs
    cosign(town, civil_log, "22.example/mirror", approved + 1, 50)
    cosign(town, civil_log, "23.example/mirror", approved + 1, 40)
    cosign(town, finance_log, "23.example/mirror", paid + 1, 30)
    cosign(town, civil_log, "24.example/mirror", approved + 1, 20)
    cosign(town, finance_log, "24.example/mirror", paid, 10)  # one entry short
    cosign(town, civil_log, "21.example/mirror", approved + 1, 5)  # our own
    cosign(town, finance_log, "21.example/mirror", paid + 1, 5)
    cosign(town, finance_log, "22.example/mirror-of-nobody", paid + 1, 1)
    with town.civil.facts() as facts:
        both = facts.trust(needs)
        assert (both.departments, both.oldest) == (("公安局",), 30)
        assert both.newest_record_at > 0
        alone = facts.trust(needs[:1])
        assert (alone.departments, alone.oldest) == (("财政局", "公安局", "审计局"), 20)


def test_of_a_mirrors_two_keys_the_newer_signature_counts(watched):
    town = watched
    case, _code = town.apply()
    with town.civil.facts() as facts:
        index = facts.case(town.civil.ref(case)).index
    cosign(town, town.civil.origin, "23.example/mirror", index + 1, 100)
    cosign(town, town.civil.origin, "23.example/mirror", index + 5, 160)
    with town.civil.facts() as facts:
        assert facts.trust([(town.civil.origin, index)]).oldest == 160


def test_nobody_but_ourselves_is_nobody(town):
    case, _code = town.apply()
    with town.civil.facts() as facts:
        trust = facts.trust([(town.civil.origin, facts.case(town.civil.ref(case)).index)])
    assert (trust.departments, trust.oldest, trust.newest_record_at) == ((), None, town.clock())


def test_history_names_our_officers_and_nobody_elses(town):
    case, _award, _payment = town.paid()
    town.round()
    with town.civil.facts() as facts:
        told = [(line.kind, line.department, line.officer_name) for line in facts.history(town.civil.ref(case))]
    assert told == [
        ("case-submitted", "民政局", "林芳"),
        ("case-accepted", "民政局", "林芳"),
        ("award-proposed", "民政局", "林芳"),
        ("award-approved", "民政局", "高伟"),
        ("payment-created", "财政局", None),
        ("payment-released", "财政局", None),
    ]


def test_what_was_said_before_the_first_cosignature_is_marked_so_for_ever(town):
    case, _code = town.apply()
    with transaction(town.civil.engine) as conn:
        rows.note_first_cosigned(conn, town.civil.log.id, town.civil.size())
    town.civil.act("林芳", "case-accepted", case)
    with transaction(town.civil.engine) as conn:
        rows.note_first_cosigned(conn, town.civil.log.id, 10_000)
    with town.civil.facts() as facts:
        assert [line.before_network for line in facts.history(town.civil.ref(case))] == [True, False]


def test_before_the_exchange_a_payment_is_known_without_number_and_tail(town):
    case, award = town.approved()
    town.round()
    payment = town.order(award)
    mirror(town.finance, town.civil)
    with town.civil.facts() as facts:
        citizen = facts.case(town.civil.ref(case)).citizen
        [seen] = facts.payments_of(town.civil.ref(award))
        assert (seen.number, seen.account_tail, seen.citizen) == (None, None, citizen)
        assert [each.ref for each in facts.payments_of_citizen(citizen)] == [town.finance.ref(payment)]
        assert facts.award(town.civil.ref(award)).account_tail == "0836"


def test_each_thing_is_read_whichever_end_one_begins_at(either_town):
    town = either_town
    case, award, payment = town.paid()
    town.round()
    refs = {"case": town.civil.ref(case), "award": town.civil.ref(award), "payment": town.finance.ref(payment)}
    for first, at in refs.items():
        with town.civil.facts() as facts:
            getattr(facts, first)(at)
            assert facts.case(refs["case"]).awards == (refs["award"],)
            assert facts.award(refs["award"]).case == refs["case"]
            assert [each.ref for each in facts.payments_of(refs["award"])] == [refs["payment"]]
            citizens = {getattr(facts, topic)(ref).citizen for topic, ref in refs.items()}
            assert len(citizens) == 1


@pytest.mark.parametrize("topic", ["case", "award", "payment"])
def test_another_kind_of_thing_or_none_at_all_is_none(town, topic):
    case, award, payment = town.paid()
    town.round()
    refs = {"case": town.civil.ref(case), "award": town.civil.ref(award), "payment": town.finance.ref(payment)}
    with town.civil.facts() as facts:
        for name, ref in refs.items():
            assert (getattr(facts, topic)(ref) is None) == (name != topic)
        assert getattr(facts, topic)(Ref("nowhere.example/log", case)) is None
        assert getattr(facts, topic)(Ref(town.finance.origin, case)) is None
        assert getattr(facts, topic)(town.civil.ref(new_handle())) is None


def test_a_number_that_nobody_was_given_costs_the_same_statements(either_town):
    """How long it takes must not say whether there is such a number; what is asked of the database is the same."""
    town = either_town
    case, _code = town.apply()
    with town.civil.facts() as facts:
        number = facts.case(town.civil.ref(case)).number
    asked = {}
    for typed in (number, "21261123999912"):
        statements: list[str] = []
        note = lambda _c, _cu, statement, *_: statements.append(statement)  # noqa: B023, E731 -- used up before the next
        with town.civil.facts() as facts:
            assert facts.network.own.origin == town.civil.origin
            event.listen(town.civil.engine, "before_cursor_execute", note)
            assert (facts.find(typed) is None) == (typed != number)
            event.remove(town.civil.engine, "before_cursor_execute", note)
        asked[typed] = statements
    assert len(set(map(tuple, asked.values()))) == 1


def test_one_question_about_a_case_takes_few_statements(town):
    """`进度` is asked a thousand times for each record: it may not read object by object."""
    case, award, _payment = town.paid()
    town.round()
    with town.civil.facts() as facts:
        number = facts.case(town.civil.ref(case)).number
    statements: list[str] = []
    note = lambda _c, _cu, statement, *_: statements.append(statement)  # noqa: E731 -- a listener
    event.listen(town.civil.engine, "before_cursor_execute", note)
    with town.civil.facts() as facts:
        found = facts.find(number)
        seen = facts.case(found.ref)
        facts.awards_of(seen.ref)
        facts.payments_of(town.civil.ref(award))
        facts.private(seen.ref, "place")
        facts.trust([(town.civil.origin, seen.index)])
    event.remove(town.civil.engine, "before_cursor_execute", note)
    assert len(statements) <= 8, statements


def test_queues_hold_what_waits_the_longest_waiting_first(town):
    cases = [town.apply()[0] for _ in range(3) if town.clock.wait(60) is None]
    town.civil.act("林芳", "case-accepted", cases[0])
    with town.civil.facts() as facts:
        submitted = facts.queue("case", [CaseStatus.SUBMITTED])
        both = facts.queue("case", [CaseStatus.SUBMITTED, CaseStatus.ACCEPTED])
        assert [ref.sub for ref in submitted] == cases[1:]
        assert [ref.sub for ref in both] == [cases[1], cases[2], cases[0]]
        assert facts.queue("case", [CaseStatus.SUBMITTED], offset=1, limit=1) == submitted[1:]
        assert facts.queue("award", [AwardStatus.PROPOSED]) == []
        assert facts.queue("case", [CaseStatus.SUBMITTED], log="nowhere.example/log") == []


def test_what_is_to_be_paid_leaves_the_list_when_it_is_ordered_and_comes_back_when_that_is_taken_back(town):
    _case, award = town.approved()
    town.round()
    with town.finance.facts() as facts:
        assert [ref.sub for ref in facts.awards_to_pay()] == [award]
    payment = town.order(award)
    with town.finance.facts() as facts:
        assert facts.awards_to_pay() == []
        head = facts.payment(town.finance.ref(payment)).record_id
        assert facts.queue("payment", [PaymentStatus.CREATED]) == [town.finance.ref(payment)]
    town.finance.act("吴倩", "amendment", payment, {"amends": head})
    with town.finance.facts() as facts:
        assert [ref.sub for ref in facts.awards_to_pay()] == [award]
        assert facts.payment(town.finance.ref(payment)).state.status is PaymentStatus.CANCELLED
    town.order(award)


def test_a_person_with_several_cases_sees_them_oldest_first(town):
    first, _code = town.apply()
    with town.civil.facts() as facts:
        citizen = facts.case(town.civil.ref(first)).citizen
    town.clock.wait(60)
    officer = town.civil.staff["林芳"].handle
    second = town.civil.desk.open_case("m2", {}, by=officer, once="second", citizen=citizen).submitted.sub
    with town.civil.facts() as facts:
        assert [each.ref.sub for each in facts.cases_of(citizen)] == [first, second]
        assert facts.cases_of("nobody") == []


def test_departments_go_by_the_names_of_their_own_genesis(town):
    town.apply()
    mirror(town.finance, town.civil)
    with town.civil.facts() as facts:
        assert facts.department(town.finance.origin) == "财政局"
        assert facts.origin_named("财政局") == town.finance.origin
        assert facts.prefixes() == {"21": "民政局", "22": "财政局"}
        assert facts.department("unheard.example/log") == "unheard.example/log"
        assert facts.origin_named("unheard") is None


def test_what_a_reader_sees_is_one_moment(either_town):
    town = either_town
    case, _code = town.apply()
    with town.civil.facts() as facts:
        assert facts.find("0" * 14) is None  # the moment begins with the first question
        town.civil.act("林芳", "case-accepted", case)
        assert facts.case(town.civil.ref(case)).state.status is CaseStatus.SUBMITTED
    with town.civil.facts() as facts:
        assert facts.case(town.civil.ref(case)).state.status is CaseStatus.ACCEPTED


def test_a_disputed_object_says_so(town):
    case, _code = town.apply()
    with transaction(town.civil.engine) as conn:
        rows.dispute(conn, (town.civil.log.id, case), 7)
    with town.civil.facts() as facts:
        assert facts.case(town.civil.ref(case)).disputed
    town.civil.act("林芳", "case-accepted", case)
    with town.civil.facts() as facts:
        assert facts.case(town.civil.ref(case)).disputed
