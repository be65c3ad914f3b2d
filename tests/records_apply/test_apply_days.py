"""What was entered later counts from the day it happened, and no day may be one that cannot have been."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import IllegalStep
from ledger.records.cases import CaseState
from ledger.records.fold import EARLIEST_DAY
from ledger.times import DAY_SECONDS, day_in_china, start_of_day
from tests.records_apply.stories import CASES, Story


def case(story: Story) -> CaseState:
    state = story.objects[CASES[0]].state
    assert isinstance(state, CaseState)
    return state


@given(st.integers(1, 20_000))
def test_a_day_before_counts_from_its_beginning_in_china(days):
    story = Story()
    day = day_in_china(story.at - days * DAY_SECONDS).isoformat()
    if day < EARLIEST_DAY:
        return
    record = story.tell("case-submitted", CASES[0], {"matter": "m1", "on": day})
    assert record.happened == case(story).submitted == story.objects[CASES[0]].since == start_of_day(day)
    assert day_in_china(record.happened).isoformat() == day
    assert story.objects[CASES[0]].head.at == record.iat  # when it was said stays as it is


def test_the_same_day_counts_from_the_moment_it_was_said():
    story = Story()
    story.tell("case-submitted", CASES[0], {"matter": "m1", "on": day_in_china(story.at + 60).isoformat()})
    assert case(story).submitted == story.at


def test_acceptance_counts_from_its_own_day():
    story = Story()
    story.tell("case-submitted", CASES[0], {"matter": "m1", "on": "2026-09-01"})
    story.tell("case-accepted", CASES[0], {"on": "2026-09-03"})
    assert case(story).accepted == start_of_day("2026-09-03")
    assert story.objects[CASES[0]].since == start_of_day("2026-09-03")


@pytest.mark.parametrize(("offset", "allowed"), [(0, True), (1, False), (400, False)])
def test_no_day_to_come(offset, allowed):
    story = Story()
    story.at = int(datetime(2026, 9, 20, 15, 58, tzinfo=UTC).timestamp())  # told at 23:59 in China
    day = day_in_china(story.at + offset * DAY_SECONDS).isoformat()
    assert story.try_to_tell("case-submitted", CASES[0], {"matter": "m1", "on": day}) is allowed


@pytest.mark.parametrize("day", ["0001-01-01", "1979-12-31", "9999-12-31"])
def test_no_day_that_cannot_have_been(day):
    with pytest.raises(IllegalStep, match="day-impossible"):
        Story().tell("case-submitted", CASES[0], {"matter": "m1", "on": day})
    Story().tell("case-submitted", CASES[0], {"matter": "m1", "on": EARLIEST_DAY})


def test_a_record_of_a_clock_gone_mad_is_folded_or_refused_like_any_other():
    story = Story()
    story.at = 2**53 - 200
    assert story.try_to_tell("case-submitted", CASES[0], {"matter": "m1", "on": "2026-09-01"})
    assert case(story).submitted == start_of_day("2026-09-01")
