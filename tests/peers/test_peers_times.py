"""R38 over the network: who dates a record back, or ahead, is found by everybody, and an honest clock by nobody."""

import pytest
from sqlalchemy import select

from ledger.records.statement import Statement
from ledger.rules.times import BACKDATED, BEFORE_REFERENCE, FUTURE
from ledger.scribe import new_handle
from ledger.storage import schema
from ledger.storage.engine import reading
from ledger.times import DAY_SECONDS
from tests.peers.rig import ROUND_SECONDS, make_county
from tests.peers.smuggling import put, signed

CLERK = "林芳"


def watched(county):
    """The county after some rounds in which everybody cosigned everybody."""
    county.town.apply()
    for _ in range(3):
        county.round()


def smuggle(county, off):
    """民政局 writes a case whose time is that many seconds away from the clock."""
    statement = Statement("case-submitted", new_handle(), {"matter": "05LSJZ0001"})
    clerk = county.town.civil.staff[CLERK].handle
    put(county.civil, signed(county.civil, statement, by=clerk, iat=county.clock() + off))
    county.publish("民政局")
    county.round("公安局", "财政局")


def times_found(county, name="公安局"):
    return [one.facts["reason"] for one in county.findings(name) if one.rule == "R38"]


@pytest.mark.parametrize(("ahead", "expected"), [(300 + ROUND_SECONDS, []), (301 + ROUND_SECONDS, [FUTURE])])
def test_a_record_from_the_future_is_found(county, ahead, expected):
    watched(county)
    smuggle(county, ahead)  # a round later it is looked at
    assert times_found(county) == times_found(county, "财政局") == expected


def test_a_record_dated_back_behind_what_a_quorum_has_cosigned_is_found_under_one_name(county):
    watched(county)
    county.clock.wait(600)
    county.round()
    county.round()
    smuggle(county, -301 - 2 * ROUND_SECONDS)
    assert times_found(county) == times_found(county, "财政局") == [BACKDATED]
    assert len({one.id for name in ("公安局", "财政局") for one in county.findings(name)}) == 1


def test_a_clock_that_is_five_minutes_slow_is_no_finding(county):
    watched(county)
    county.clock.wait(600)
    county.round()
    county.round()
    smuggle(county, -300)
    assert times_found(county) == []


def test_a_department_that_nobody_could_reach_for_hours_has_dated_nothing_back(county):
    """What it signed meanwhile is older than everybody's newest round, and nobody has cosigned its log since."""
    watched(county)
    county.wire.lose("21.example")
    county.town.apply()
    for _ in range(5):
        county.clock.wait(3_600)
        county.publish("财政局", "公安局")
        county.round("公安局", "财政局")
    county.wire.find("21.example")
    county.round()
    county.round()
    assert times_found(county) == times_found(county, "财政局") == []
    assert county.held("公安局", county.civil) == county.size(county.civil)


def test_what_was_told_before_anybody_looked_may_be_of_any_day(county):
    county.clock.wait(10_000)
    statement = Statement("case-submitted", new_handle(), {"matter": "05LSJZ0001"})
    clerk = county.town.civil.staff[CLERK].handle
    put(county.civil, signed(county.civil, statement, by=clerk, iat=county.clock() - 9_000))
    county.round(cosign=False)
    county.round()
    county.round()
    assert times_found(county) == []


def test_while_a_story_of_months_gone_by_is_told_nothing_in_it_is_late(tmp_path):
    """Between the approval and the bank's file the departments look: its days are over (R44), and it is not all told."""
    county = make_county(tmp_path, story=True)
    town = county.town
    _case, award = town.approved()
    county.clock.wait(30 * DAY_SECONDS)
    county.round(cosign=False)
    payment = town.order(award)
    town.finance.act("马骏", "payment-released", payment)
    town.result(payment, "credited", by_bank=True)
    county.round(cosign=False)
    county.round()
    for node in county.nodes.values():
        with reading(node.engine) as connection:  # also what would have ended by now
            assert connection.execute(select(schema.findings.c.rule)).all() == []
    county.close()


def test_a_payment_older_than_its_award_is_found_by_everybody(county):
    town = county.town
    watched(county)
    county.clock.wait(1_000)
    _case, award = town.approved(300_000)
    county.round()
    order = Statement("payment-created", new_handle(), {"award": town.civil.ref(award).claim(), "amount": 300_000})
    officer = town.finance.staff["吴倩"].handle
    put(county.finance, signed(county.finance, order, by=officer, iat=county.clock() - 600))
    county.publish("财政局")
    county.round("公安局", "民政局")
    for name in ("公安局", "民政局"):
        assert BEFORE_REFERENCE in times_found(county, name)
