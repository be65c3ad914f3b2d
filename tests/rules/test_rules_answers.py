"""Who may explain or decide a finding, and what stands when several have spoken."""

from dataclasses import replace
from itertools import permutations

import pytest

from ledger.errors import IllegalStep
from ledger.records import base64url
from ledger.records.answers import CONCLUDED, EXPLAINED, AnswerState, Outcome, apply_answer, handle_of
from ledger.records.claims import finding as named
from ledger.records.statement import Statement, parse_record, sign
from ledger.rules.answers import CONCERNED, NOT_CONCERNED, UNKNOWN, Answer, Found, is_named_right, refusal, said_of
from ledger.rules.logs import LogRef
from ledger.rules.mismatch import finding_id

LEAVES = [bytes([at]) * 32 for at in range(3)]
NAME = finding_id("R19", LEAVES)
FOUND = Found(NAME, "R19", ("民政局", "财政局"))
AUDIT = LogRef("24.example/log", "审计局")


def answer(outcome=None, compared=LEAVES, kind=CONCLUDED):
    told = sorted(base64url.encode(leaf) for leaf in compared)
    return Answer(AUDIT, 1, b"l" * 32, handle_of(NAME), kind, "R19", told, outcome, 1_790_000_000)


@pytest.mark.parametrize(
    ("kind", "department", "expected"),
    [
        (EXPLAINED, "财政局", None),
        (EXPLAINED, "民政局", None),
        (EXPLAINED, "审计局", NOT_CONCERNED),
        (CONCLUDED, "审计局", None),
        (CONCLUDED, "财政局", CONCERNED),
        (CONCLUDED, "民政局", CONCERNED),
    ],
)
def test_whom_it_concerns_explains_and_whom_it_does_not_decides(kind, department, expected):
    assert refusal(kind, "R19", department, FOUND) == expected


@pytest.mark.parametrize("found", [None, replace(FOUND, rule="R09")])
def test_what_nobody_found_under_that_rule_is_unknown(found):
    assert refusal(CONCLUDED, "R19", "审计局", found) == refusal(EXPLAINED, "R19", "财政局", found) == UNKNOWN


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ([], None),
        ([None], "explained"),
        ([None, "settled"], "settled"),
        (["false-alarm", "settled"], "settled"),
        (["false-alarm", "confirmed", None], "confirmed"),
        (["settled", "confirmed"], "confirmed"),
    ],
)
def test_nobody_can_talk_away_what_another_auditor_confirmed_in_whatever_order_it_arrives(outcomes, expected):
    for told in permutations(outcomes):
        assert said_of([answer(outcome) for outcome in told]) == expected


def test_a_name_is_the_hash_of_what_was_compared_and_of_nothing_else():
    assert is_named_right(NAME, answer())
    assert not is_named_right(NAME, answer(compared=LEAVES[:2]))
    assert not is_named_right(NAME, replace(answer(), rule="R01"))
    assert named(NAME)


# --- in one log ---


def record(kind, *, finding=NAME, sub=None, **clear):
    said = Statement(kind, sub or handle_of(finding), {"finding": finding, "rule": "R19", **clear})
    handle = base64url.encode(bytes(16))
    signed = sign(
        said,
        iss=AUDIT.origin,
        jti=handle,
        iat=1_790_000_000,
        prev=None,
        kid=base64url.encode(bytes(32)),
        salts=[bytes(16)],
        signer=lambda _text: bytes(64),
    )
    return parse_record(signed.record.entry)


def test_a_department_may_explain_again_and_decides_once():
    state = apply_answer(None, record(EXPLAINED))
    state = apply_answer(state, record(EXPLAINED))
    assert state == AnswerState(NAME, "R19")
    decided = apply_answer(state, record(CONCLUDED, outcome="settled"))
    assert decided.outcome is Outcome.SETTLED
    for later in (record(EXPLAINED), record(CONCLUDED, outcome="confirmed")):
        with pytest.raises(IllegalStep) as caught:
            apply_answer(decided, later)
        assert caught.value.reason == "already-concluded"


def test_an_answer_stands_at_the_handle_of_the_finding_it_names():
    with pytest.raises(IllegalStep) as caught:
        apply_answer(None, record(EXPLAINED, sub=handle_of("00000000")))
    assert caught.value.reason == "another-finding"
