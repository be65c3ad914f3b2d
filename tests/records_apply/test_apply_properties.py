"""Whatever is told, in whatever order: it folds or it is refused, the same everywhere, and a mistake leaves no trace."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from ledger.errors import IllegalStep
from ledger.folding import Gathered, fold, read_folded, status_of
from ledger.records import codec
from ledger.records.cases import CaseStatus
from ledger.records.fold import AMENDABLE, Folded, Head, apply
from ledger.records.funds import AwardState, AwardStatus, PaymentState, PaymentStatus
from ledger.records.statement import Record
from ledger.storage import entries
from ledger.storage.engine import transaction
from tests.desk.world import make_engine
from tests.records_apply.stories import (
    APPROVER,
    AWARDS,
    CASES,
    CLERK,
    ORIGIN,
    PAYER,
    PAYMENTS,
    Story,
    acts,
    handle,
    kid,
    tell_all,
)

stories = st.lists(acts(), max_size=40)


def accepted(story: Story) -> str:
    story.tell("case-submitted", CASES[0], {"matter": "m1"})
    story.tell("case-accepted", CASES[0])
    return CASES[0]


def proposed(story: Story, award: str = AWARDS[0]) -> str:
    clear = {"case": CASES[0], "programme": "p1", "amount": 300_000, "payer": PAYER}
    story.tell("award-proposed", award, clear)
    return award


def sent(story: Story, payment: str = PAYMENTS[0], amount: int = 300_000, **clear) -> str:
    award = {"log": "elsewhere.example/log", "sub": AWARDS[0]}
    story.tell("payment-created", payment, {"award": award, "amount": amount, **clear})
    story.tell("payment-released", payment, by=APPROVER)
    return payment


def fold_all(records) -> dict[str, Folded]:
    objects: dict[str, Folded] = {}
    for record in records:
        objects |= apply(objects.get, record)
    return objects


@settings(max_examples=300, deadline=None)
@given(stories)
def test_any_sequence_of_records_folds_or_is_refused_with_nothing_changed(told):
    tell_all(Story(), told)


@settings(max_examples=150, deadline=None)
@given(stories)
def test_whoever_folds_the_log_again_finds_the_same(told):
    story = Story()
    tell_all(story, told)
    assert fold_all(story.records) == story.objects


@settings(max_examples=150, deadline=None)
@given(stories)
def test_what_is_stored_reads_back_exactly(told):
    story = Story()
    tell_all(story, told)
    for folded in story.objects.values():
        text = codec.dump(folded)
        assert codec.load(codec.topic_of(folded.state), text) == folded
        # One spelling, whoever writes it: what lies there is compared with what is folded anew.
        assert text == json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":"))


def test_what_an_older_version_stored_has_fewer_positions():
    folded = codec.load("award", '[["c","p",5,"log","PROPOSED"],7,["r","award-proposed","k",7],"r",null]')
    assert folded == Folded(
        AwardState("c", "p", 5, "log", AwardStatus.PROPOSED), 7, Head("r", "award-proposed", "k", 7), "r"
    )


@pytest.mark.parametrize("text", ["", "[]", "{}", '[["c"],7,["r","k","k",7],"r",null]', "[[1,2,3,4,5],7,[],0,null]"])
def test_what_nobody_stored_is_no_object(text):
    with pytest.raises(ValueError):
        codec.load("award", text)


@settings(max_examples=150, deadline=None)
@given(stories, st.data())
def test_an_amendment_restores_exactly_what_was_before(told, data):
    story = Story()
    tell_all(story, told)
    kinds_told = [act for act in told if act[0] in AMENDABLE]
    if not kinds_told:
        return
    before = dict(story.objects)
    kind, sub, clear, by = data.draw(st.sampled_from(kinds_told))
    if not story.try_to_tell(kind, sub, clear, by=by):
        return
    touched = [name for name, folded in story.objects.items() if before.get(name) != folded]
    story.amend(sub)
    for name in touched:
        old, new = before.get(name), story.objects[name]
        if old is not None:
            assert (new.state, new.since) == (old.state, old.since)
        else:
            assert status_of(new.state) in {CaseStatus.CANCELLED, AwardStatus.CANCELLED, PaymentStatus.CANCELLED}


@settings(max_examples=150, deadline=None)
@given(stories)
def test_no_step_ever_creates_money(told):
    """However the story goes, a re-issue is never more than what failed, and stands in its place alone."""
    story = Story()
    tell_all(story, told)
    payments = {name: folded.state for name, folded in story.objects.items() if isinstance(folded.state, PaymentState)}
    replaced: list[str] = []
    for state in payments.values():
        if state.reissues is not None and state.status is not PaymentStatus.CANCELLED:
            original = payments[state.reissues]
            assert state.amount <= original.amount
            assert state.award == original.award
            assert original.status is PaymentStatus.REISSUED
            replaced.append(state.reissues)
    assert len(replaced) == len(set(replaced))


@settings(max_examples=40, deadline=None)
@given(st.lists(acts(), max_size=25))
def test_the_database_holds_what_the_pure_fold_says(tmp_path_factory, told):
    story = Story()
    tell_all(story, told)
    engine = _ENGINES.get(tmp_path_factory)
    with transaction(engine) as conn:
        log_id = entries.create_log(conn, f"{handle(str(_ENGINES.count))}.example", own=False)
        first = entries.append(conn, log_id, [record.entry for record in story.records])
        for index, record in enumerate(story.records, first):
            fold(conn, log_id, index, record)
        for name, folded in story.objects.items():
            assert read_folded(conn, log_id, name) == folded


ROWS = (
    "SELECT * FROM objects WHERE log_id = {} ORDER BY handle",
    "SELECT log_id, idx, handle, kind, at, story FROM feed WHERE log_id = {} ORDER BY pos",
)


def fold_or_dispute(objects: Gathered, index: int, record: Record) -> None:
    try:
        objects.fold(index, record)
    except IllegalStep:
        objects.dispute(record.sub, index)


@settings(max_examples=40, deadline=None)
@given(st.lists(acts(), max_size=25), st.lists(st.integers(1, 40), min_size=1, max_size=4), st.randoms())
def test_folded_by_the_dozen_the_rows_are_those_of_one_after_another(tmp_path_factory, told, sizes, chance):
    """Also of records that are refused: some come again, and some come too early."""
    story = Story()
    tell_all(story, told)
    records = story.records + chance.sample(story.records, len(story.records) // 3)
    for _ in range(len(records) // 4):
        records.append(records.pop(chance.randrange(len(records))))
    engine = _ENGINES.get(tmp_path_factory)
    found: list[list[list[tuple[object, ...]]]] = []
    for at_once in ([1], sizes):
        with transaction(engine) as conn:
            log_id = entries.create_log(conn, f"{handle(f'{_ENGINES.count}/{len(found)}')}.example", own=False)
        done = 0
        while done < len(records):
            for size in at_once:
                some = records[done : done + size]
                with transaction(engine, keep=True) as conn:
                    objects = Gathered(conn, log_id)
                    objects.look_ahead(some)
                    for index, record in enumerate(some, done):
                        fold_or_dispute(objects, index, record)
                    objects.write()
                done += len(some)
        with transaction(engine) as conn:
            found.append([[tuple(row)[1:] for row in conn.exec_driver_sql(query.format(log_id))] for query in ROWS])
    assert found[0] == found[1]


class _Engines:
    """One database for all examples: each has a log of its own there."""

    def __init__(self) -> None:
        self.engine: Engine | None = None
        self.count = 0

    def get(self, factory) -> Engine:
        self.count += 1
        if self.engine is None:
            self.engine = make_engine(f"sqlite:///{factory.mktemp('fold') / 'node.db'}")
        return self.engine


_ENGINES = _Engines()


@pytest.mark.parametrize("left_out", range(1, 4))
def test_no_record_in_the_middle_of_a_story_can_be_left_out(left_out):
    story = Story()
    accepted(story)
    proposed(story)
    story.tell("award-approved", AWARDS[0], {"amount": 300_000}, by=APPROVER)
    story.tell("account-given", AWARDS[0])
    told = [record for record in story.records if record is not story.records[left_out]]
    with pytest.raises(IllegalStep):
        fold_all(told)


def test_a_record_naming_another_predecessor_is_refused():
    story = Story()
    accepted(story)
    with pytest.raises(IllegalStep) as caught:
        apply(story.objects.get, story.draft("case-completed", CASES[0], {"step": 0}, prev=kid("elsewhere")))
    assert caught.value.reason == "prev-mismatch"


def test_two_decisions_on_one_case_the_second_is_refused():
    story = Story()
    accepted(story)
    story.tell("case-completed", CASES[0], {"step": 0})
    story.tell("case-approved", CASES[0], by=APPROVER)
    assert not story.try_to_tell("case-refused", CASES[0], by=APPROVER)


def test_a_case_with_an_award_waiting_is_decided_by_the_award_alone():
    story = Story()
    accepted(story)
    proposed(story)
    for kind, clear in (("case-approved", {}), ("case-refused", {}), ("case-returned", {"step": 0})):
        assert not story.try_to_tell(kind, CASES[0], clear, by=APPROVER)
    assert story.try_to_tell("award-refused", AWARDS[0], by=APPROVER)


def test_a_second_award_waits_until_the_first_is_decided():
    story = Story()
    accepted(story)
    proposed(story)
    story.tell("award-approved", AWARDS[0], {"amount": 300_000}, by=APPROVER)
    proposed(story, AWARDS[1])  # the next month of a benefit
    assert not story.try_to_tell(
        "award-proposed", handle("third"), {"case": CASES[0], "programme": "p1", "amount": 1, "payer": PAYER}
    )
    assert status_of(story.objects[CASES[0]].state) == CaseStatus.APPROVED


def test_an_award_cannot_be_amended_through_its_case():
    """The record that moved both is taken back at both, or at neither."""
    story = Story()
    accepted(story)
    proposed(story)
    story.tell("award-approved", AWARDS[0], {"amount": 300_000}, by=APPROVER)
    approval = story.objects[CASES[0]].head.record_id
    assert not story.try_to_tell("amendment", CASES[0], {"amends": approval}, by=APPROVER)
    story.amend(AWARDS[0])
    assert status_of(story.objects[AWARDS[0]].state) == AwardStatus.PROPOSED
    assert status_of(story.objects[CASES[0]].state) == CaseStatus.IN_STEP


def test_a_mistake_is_taken_back_by_its_signer_only_and_once():
    story = Story()
    case = accepted(story)
    mistake = story.objects[case].chain
    assert not story.try_to_tell("amendment", case, {"amends": mistake}, by=APPROVER)
    assert story.try_to_tell("amendment", case, {"amends": mistake}, by=CLERK)
    assert not story.try_to_tell("amendment", case, {"amends": mistake}, by=CLERK)
    assert not story.try_to_tell("amendment", case, {"amends": story.objects[case].chain}, by=CLERK)
    assert status_of(story.objects[case].state) == CaseStatus.SUBMITTED


def test_what_was_built_upon_is_not_taken_back():
    story = Story()
    case = accepted(story)
    acceptance = story.objects[case].chain
    proposed(story)
    assert not story.try_to_tell("amendment", case, {"amends": acceptance})


@pytest.mark.parametrize("kind", ["payment-released", "bank-result"])
def test_what_moved_money_or_what_the_bank_said_is_never_taken_back(kind):
    story = Story()
    payment = sent(story)
    if kind == "bank-result":
        story.tell(kind, payment, {"outcome": "credited", "file": "ab" * 32, "line": 1})
    head = story.objects[payment]
    assert not story.try_to_tell("amendment", payment, {"amends": head.chain}, by=head.head.kid)


@pytest.mark.parametrize("reason", ["AM05", "DUPL", "MD07"])
def test_what_may_be_paid_already_or_concerns_the_dead_is_never_reissued(reason):
    story = Story()
    payment = sent(story)
    story.tell("payment-reported", payment, {"outcome": "rejected", "reason": reason})
    again = {"award": {"log": "elsewhere.example/log", "sub": AWARDS[0]}, "amount": 300_000, "reissues": payment}
    assert not story.try_to_tell("payment-created", PAYMENTS[1], again)


@pytest.mark.parametrize(("amount", "allowed"), [(300_000, True), (299_999, True), (300_001, False)])
def test_a_reissue_is_never_more_than_the_original(amount, allowed):
    story = Story()
    payment = sent(story)
    story.tell("payment-reported", payment, {"outcome": "rejected", "reason": "AC01"})
    again = {"award": {"log": "elsewhere.example/log", "sub": AWARDS[0]}, "amount": amount, "reissues": payment}
    assert story.try_to_tell("payment-created", PAYMENTS[1], again) is allowed
    if allowed:
        assert status_of(story.objects[payment].state) == PaymentStatus.REISSUED
        assert not story.try_to_tell("payment-created", PAYMENTS[2], again)


def test_nothing_is_reissued_that_has_not_failed():
    story = Story()
    payment = sent(story)
    again = {"award": {"log": "elsewhere.example/log", "sub": AWARDS[0]}, "amount": 300_000, "reissues": payment}
    assert not story.try_to_tell("payment-created", PAYMENTS[1], again)


def test_only_the_banks_own_file_says_credited_and_no_officer_overrules_it():
    story = Story()
    payment = sent(story)
    story.tell("bank-result", payment, {"outcome": "credited", "file": "ab" * 32, "line": 1})
    for clear in ({"outcome": "accepted"}, {"outcome": "rejected", "reason": "AC01"}):
        assert not story.try_to_tell("payment-reported", payment, clear)


def test_the_day_a_case_came_to_its_state_is_kept_when_an_award_merely_touches_it():
    story = Story()
    case = accepted(story)
    proposed(story)
    story.tell("award-approved", AWARDS[0], {"amount": 300_000}, by=APPROVER)
    since = story.objects[case].since
    story.tell("account-given", AWARDS[0])
    assert story.objects[case].since == since
    assert isinstance(story.objects[AWARDS[0]].state, AwardState)
    assert story.objects[case].head.kind == "account-given"


def test_unknown_kinds_change_nothing():
    story = Story()
    accepted(story)
    record = story.records[-1]
    strange = record._replace(typ="onetrip-surprise-v1+sd-jwt")
    assert apply(story.objects.get, strange) == {}
    assert record.iss == ORIGIN
