"""R38: a record's own time against the clock, a quorum's cosignatures, and what it refers to; each just in time."""

import pytest

from ledger.records.funds import Ref
from ledger.rules import times
from ledger.rules.logs import LogRef

FINANCE = LogRef("caizheng.test/log", "财政局")
NOW = 1_800_000_000
LEAF, OTHER = b"l" * 32, b"o" * 32

RULES = {
    times.FUTURE: lambda off: times.in_future(FINANCE, LEAF, "sub", NOW + off, NOW),
    times.BACKDATED: lambda off: times.backdated(FINANCE, LEAF, "sub", NOW - off, NOW),
    times.BEFORE_REFERENCE: lambda off: times.before_reference(FINANCE, LEAF, "sub", NOW - off, OTHER, NOW),
}


@pytest.mark.parametrize("reason", RULES)
@pytest.mark.parametrize(("off", "is_found"), [(-10_000, False), (0, False), (300, False), (301, True)])
def test_a_record_may_be_off_by_three_hundred_seconds_and_no_more(reason, off, is_found):
    assert (RULES[reason](off) is not None) is is_found


@pytest.mark.parametrize("reason", RULES)
def test_it_is_an_alarm_about_the_object_and_says_which_two_times(reason):
    found = RULES[reason](1_000)
    assert found is not None
    assert (found.rule, found.severity, found.about) == ("R38", "A", Ref(FINANCE.origin, "sub"))
    assert (found.facts["reason"], found.facts["departments"]) == (reason, ["财政局"])
    assert abs(found.facts["at"] - found.facts["bound"]) == 1_000


def test_its_name_does_not_depend_on_who_looked_when():
    one = times.backdated(FINANCE, LEAF, "sub", NOW, NOW + 500)
    other = times.backdated(FINANCE, LEAF, "sub", NOW, NOW + 900)
    assert one is not None
    assert other is not None
    assert one.id == other.id


# --- R39 ---

OVER, LAW_OVER = NOW, NOW + 5 * 86_400


@pytest.mark.parametrize(
    ("at", "expected"), [(OVER - 1, None), (OVER, "W"), (LAW_OVER - 1, "W"), (LAW_OVER, "A"), (LAW_OVER + 1, "A")]
)
def test_late_against_the_promise_is_a_warning_and_against_the_law_an_alarm(at, expected):
    promise = times.Promise("2027-01-14", OVER, "2027-01-19", LAW_OVER)
    found = times.late(FINANCE, LEAF, "sub", promise, at)
    assert (found and found.severity) == expected


def test_where_the_law_names_no_day_it_stays_a_warning_and_keeps_its_name():
    promise = times.Promise("2027-01-14", OVER)
    one, later = times.late(FINANCE, LEAF, "sub", promise, OVER), times.late(FINANCE, LEAF, "sub", promise, OVER * 2)
    assert one is not None
    assert later is not None
    assert (one.rule, later.severity, one.id) == ("R39", "W", later.id)
    assert one.facts["promised"] == "2027-01-14"
