"""Each rule about logs: just in time and just late, and names that stay while the log grows."""

import pytest

from ledger.records.funds import Ref
from ledger.rules import logs
from ledger.rules.logs import LogRef

FINANCE = LogRef("caizheng.test/log", "财政局")
NOW = 1_800_000_000


def test_r36_has_one_name_whichever_history_was_seen_first():
    one = logs.two_histories(FINANCE, "a\n", "b\n")
    other = logs.two_histories(FINANCE, "b\n", "a\n")
    assert (one.rule, one.severity, one.id) == ("R36", "A", other.id)
    assert one.facts["departments"] == ["财政局"]


@pytest.mark.parametrize(("age", "expected"), [(300, None), (301, "W"), (3_600, "W"), (3_601, "A"), (-5, None)])
def test_r37_warns_after_five_minutes_and_alarms_after_an_hour(age, expected):
    found = logs.unwatched(FINANCE, "head\n", NOW - age, NOW)
    assert (found and found.severity) == expected


def test_r37_keeps_its_name_when_the_warning_becomes_an_alarm():
    warned, alarmed = logs.unwatched(FINANCE, "h\n", 0, 301), logs.unwatched(FINANCE, "h\n", 0, 9_000)
    assert warned is not None
    assert alarmed is not None
    assert warned.id == alarmed.id


@pytest.mark.parametrize(("age", "late"), [(600, False), (601, True)])
def test_r49_gives_a_mirror_ten_rounds_for_a_cosigned_head(age, late):
    assert (logs.unchecked_head(FINANCE, "h\n", NOW - age, NOW, 60) is not None) is late


def test_r49_warns_of_an_unknown_kind_and_alarms_at_a_claim_outside_the_list():
    unknown = logs.unknown_kind(FINANCE, b"l" * 32, 7, "future", "sub")
    outside = logs.claim_outside_list(FINANCE, b"l" * 32, 7, "case-accepted", "sub")
    assert (unknown.rule, unknown.severity, outside.rule, outside.severity) == ("R49", "W", "R49", "A")
    assert outside.about == Ref(FINANCE.origin, "sub")


def test_r50_names_the_record_also_when_it_is_none():
    found = logs.refused_record(FINANCE, b"l" * 32, 7, None, "MalformedRecord")
    assert (found.rule, found.severity, found.about, found.facts["index"]) == ("R50", "A", None, 7)


# --- R35 ---


@pytest.mark.parametrize(("waited", "expected"), [(600, None), (601, "R35")])
def test_r35_gives_a_peer_ten_rounds_and_goes_by_when_its_mirror_vouched_again(waited, expected):
    found = logs.missing_at_peer(FINANCE, "公安局", "h\n", NOW, NOW + waited, 60)
    assert (found and found.rule) == expected


def test_r35_concerns_both_and_keeps_its_name_while_the_mirror_stays_where_it_is():
    one, later = (logs.missing_at_peer(FINANCE, "公安局", "h\n", NOW, NOW + at, 60) for at in (601, 9_000))
    other = logs.missing_at_peer(FINANCE, "审计局", "h\n", NOW, NOW + 601, 60)
    assert one is not None
    assert later is not None
    assert other is not None
    assert (one.severity, one.id, one.facts["departments"]) == ("A", later.id, ["财政局", "公安局"])
    assert one.id != other.id
