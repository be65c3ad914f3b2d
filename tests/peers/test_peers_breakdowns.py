"""A round whose database fails: whatever call it was, the next one comes to what it would have come to."""

import itertools
import os
import random
import secrets

import pytest

from ledger.audit.crosscheck import ROUND_LEASE_SECONDS, run_round
from ledger.audit.verify import verify_database
from ledger.errors import Busy
from tests.fakes.failing import Breakdown
from tests.peers.rig import ROUND_SECONDS

SEED = 20261128
SAMPLED = 12
CALLS_MIN = 60  # that a round with something new makes: else nothing fails here


def round_that_fails(county, breakdown, call, *, after):
    """公安局 writes; 民政局's round fails at its `call`-th call, and the next one works. Whether the call was made."""
    county.police.desk.enrol("某人", ("clerk",), secrets.token_hex(8))
    county.publish("公安局")
    county.clock.wait(ROUND_SECONDS)
    breakdown.fail_at(call, after=after)
    try:
        run_round(county.civil, "公安局")
    except Busy:
        county.clock.wait(ROUND_LEASE_SECONDS + 1)  # it may not have given its lease back
    failed = breakdown.mend()
    run_round(county.civil, "公安局")
    assert county.held("民政局", county.police) == county.size(county.police)
    assert {one.rule for one in county.findings("民政局")} <= {"R37"}  # nobody else looks meanwhile
    return failed


def check_end(county):
    county.round()
    assert county.findings("民政局") == []
    for origin in (county.civil.origin, county.police.origin):
        assert verify_database(county.civil.engine, origin).faults == ()


@pytest.mark.parametrize("after", [False, True], ids=["not done", "done and not told"])
def test_some_database_calls_of_a_round_fail_and_the_next_round_makes_up_for_it(either_county, after):
    county = either_county
    county.round()
    breakdown = Breakdown(county.civil.engine)
    chance = random.Random(f"{os.environ.get('ONETRIP_SEED', SEED)} {after}")
    calls = [chance.randrange(1, CALLS_MIN) for _ in range(SAMPLED)]
    assert all(round_that_fails(county, breakdown, call, after=after) for call in calls)
    check_end(county)


@pytest.mark.attack
@pytest.mark.parametrize("after", [False, True], ids=["not done", "done and not told"])
def test_each_database_call_of_a_round_fails_once_and_the_next_round_makes_up_for_it(either_county, after):
    county = either_county
    county.round()
    breakdown = Breakdown(county.civil.engine)
    made = next(call for call in itertools.count(1) if not round_that_fails(county, breakdown, call, after=after))
    assert made > CALLS_MIN
    check_end(county)
