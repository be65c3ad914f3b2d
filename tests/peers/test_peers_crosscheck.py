"""A round says what is so: what was checked, what is open, and who no longer looks."""

from dataclasses import replace

import httpx
import pytest

from ledger.audit import crosscheck
from ledger.audit.crosscheck import Report, finding_line, run_round
from ledger.errors import Busy, Misconfigured
from ledger.peers import publish
from ledger.peers.client import PeerClient
from ledger.peers.joining import add_peer, remove_peer
from ledger.records.funds import Ref
from ledger.records.statement import Statement
from ledger.scribe import new_handle
from ledger.storage import leases
from ledger.storage.engine import transaction
from ledger.views import Finding
from tests.fakes.network import Drip, status
from tests.peers.rig import ROUND_SECONDS, make_county
from tests.peers.smuggling import put, signed

HOSTS = ("21.example", "22.example", "23.example")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(publish, "PUBLISH_WAIT_SECONDS", 0.1)
    monkeypatch.setattr(publish, "ANSWERS_SECONDS_MAX", 0.5)


def found(report):
    return sorted((finding.rule, finding.severity, finding.facts["log"]) for finding in report.findings)


def rules_of(report):
    return {finding.rule for finding in report.findings}


def finding(severity):
    return Finding("AAAAAAAA", "R19", severity, "open", None, {}, 0, "2026-12-01")


def test_the_exit_code_is_of_what_is_open_and_then_of_what_could_be_checked(county):
    row = run_round(county.police).rows[0]
    unreachable = type(row)(row.name, row.origin, 0, 0, 0, 0, 0, "did not answer", None)
    for rows, severities, code in (
        ((row,), "", 0),
        ((row,), "W", 0),
        ((row,), "A", 1),
        ((row,), "S", 1),
        ((row, unreachable), "", 0),
        ((unreachable,), "", 3),
        ((unreachable,), "W", 3),
        ((unreachable,), "WS", 1),
        ((), "", 3),
    ):
        assert Report(tuple(rows), tuple(map(finding, severities))).exit_code == code


def test_a_finding_is_a_line_that_programs_read(county):
    facts = {"departments": ["民政局", "财政局"], "approved": 300_000, "ordered": 30_000, "paid": 30_000}
    line = finding_line(Finding("7H2K9QRT", "R19", "S", "open", Ref("l", "s"), facts, 0, "2026-12-01"))
    assert line == "7H2K9QRT R19 open 民政局,财政局 approved=300000 ordered=30000 paid=30000"


def test_only_the_department_that_was_named_is_checked(county):
    report = run_round(county.police, "民政局")
    assert [row.name for row in report.rows] == ["民政局"]
    assert county.held("公安局", county.finance) == 0
    with pytest.raises(Misconfigured):
        run_round(county.police, "卫健局")


def test_one_round_at_a_time(county):
    with transaction(county.police.engine) as connection:
        assert leases.take(connection, leases.ROUND, "another process", county.clock(), 30)
    with pytest.raises(Busy):
        run_round(county.police)
    county.clock.wait(30)  # it died: its lease ends by itself
    assert run_round(county.police).exit_code == 0
    assert run_round(county.police).exit_code == 0  # and ours was given back


def test_a_round_that_fails_gives_its_lease_back(county):
    with pytest.raises(Misconfigured):
        run_round(county.police, "卫健局")
    assert run_round(county.police).exit_code == 0


def test_a_round_waits_for_the_one_that_runs(county, monkeypatch):
    monkeypatch.setattr(crosscheck, "WAIT_STEP_SECONDS", 0.01)
    with transaction(county.police.engine) as connection:
        leases.take(connection, leases.ROUND, "another process", county.clock(), 30)
    original = crosscheck._take
    asked = []

    def take(home, holder):
        asked.append(1)
        if len(asked) == 3:
            county.clock.wait(30)
        return original(home, holder)

    monkeypatch.setattr(crosscheck, "_take", take)
    assert run_round(county.police, wait_seconds=60).exit_code == 0


def test_a_peer_that_does_not_answer_is_asked_less_often_and_an_administrator_asks_at_once(county):
    county.round()
    county.wire.lose(HOSTS[0])
    asked = []
    for _ in range(32):
        county.wire.asked.clear()
        run_round(county.police, patient=False)
        asked.append("/log/checkpoint" in county.wire.paths(HOSTS[0]))
        county.clock.wait(ROUND_SECONDS)
    assert asked[:2].count(True) >= 1
    assert 3 <= asked[8:].count(True) <= 4
    county.wire.asked.clear()
    run_round(county.police)
    assert "/log/checkpoint" in county.wire.paths(HOSTS[0])
    county.wire.find(HOSTS[0])
    for _ in range(8):
        run_round(county.police, patient=False)
        county.clock.wait(ROUND_SECONDS)
    county.wire.asked.clear()
    run_round(county.police, patient=False)
    assert "/log/checkpoint" in county.wire.paths(HOSTS[0])


# --- who still looks (R37) ---


def test_a_log_that_nobody_looks_at_for_five_minutes_is_a_warning_and_for_long_an_alarm(county):
    county.round()
    county.round()
    for host in HOSTS:
        county.wire.lose(host)
    county.clock.wait(300)
    assert found(run_round(county.police)) == []
    county.clock.wait(1)
    logs = ["21.example/log", "22.example/log", "23.example/log"]
    assert found(run_round(county.police)) == [("R37", "W", log) for log in logs]
    county.clock.wait(60 * 60 - 301)
    assert {finding.severity for finding in run_round(county.police).findings} == {"W"}
    county.clock.wait(1)
    report = run_round(county.police)
    assert found(report) == [("R37", "A", log) for log in logs]
    assert report.exit_code == 1
    for host in HOSTS:
        county.wire.find(host)
    assert found(run_round(county.police)) == []


def test_before_the_first_round_nobody_could_have_looked(county):
    county.town.apply()
    county.round(cosign=False)
    county.clock.wait(30 * 24 * 60 * 60)
    for host in HOSTS:
        county.wire.lose(host)
    assert found(run_round(county.police)) == []


def test_a_department_alone_is_watched_by_nobody_and_accuses_nobody(tmp_path):
    made = make_county(tmp_path, acquainted=False)
    made.publish()
    made.clock.wait(10_000)
    report = run_round(made.police)
    assert (report.rows, report.findings, report.exit_code) == ((), (), 3)
    made.close()


# --- who holds it (R49) ---


@pytest.mark.parametrize("kept_back", ["/log/tile/entries/", "/log/tile/"])
def test_a_head_that_was_cosigned_and_that_no_mirror_could_check_becomes_an_alarm(county, kept_back):
    """Whether the entries are kept back or the hashes above them as well: then we never hold the head itself."""
    county.round()
    county.town.apply()
    county.wire.tamper(HOSTS[0], kept_back, status(404))
    for _ in range(11):
        county.publish("民政局")
        run_round(county.civil)  # it asks every witness anew
        assert found(run_round(county.police)) == []
        county.clock.wait(ROUND_SECONDS)
    run_round(county.civil)
    assert found(run_round(county.police)) == [("R49", "A", "21.example/log")]
    names = {one.id for one in county.findings("公安局")}
    county.town.apply()  # it goes on, and the finding keeps its name
    county.publish("民政局")
    assert found(run_round(county.police)) == [("R49", "A", "21.example/log")]
    assert {one.id for one in county.findings("公安局")} == names
    county.wire.behave()
    assert found(run_round(county.police)) == []


def test_a_log_that_shows_us_an_old_head_and_has_newer_ones_cosigned_is_found(county):
    county.round()
    county.round()
    older = county.fork(county.civil)
    county.town.apply()
    for _ in range(13):
        county.publish("民政局")
        run_round(county.civil)
        county.serve(older)
        county.clock.wait(ROUND_SECONDS)
        report = run_round(county.police)
        county.serve(county.civil)
    assert ("R49", "A", "21.example/log") in found(report)


def test_who_was_away_itself_begins_to_count_anew(county):
    """What our witness saw last before we went down has waited for us, and not for the log."""
    county.round()
    county.town.apply()
    county.publish("民政局")
    county.wire.tamper(HOSTS[0], "/log/tile/", status(404))
    assert found(run_round(county.police)) == []
    county.clock.wait(60 * ROUND_SECONDS)
    county.publish()
    run_round(county.civil)  # it asks our witness as soon as we are back, and our first question to it is lost
    assert "R49" not in {rule for rule, _severity, _log in found(run_round(county.police))}
    county.wire.behave()
    county.round()
    assert found(run_round(county.police)) == []


def round_without(county, member, *hosts):
    """A round of a department that cannot reach these, though they reach it."""
    away = {host: county.wire.sites.pop(host) for host in hosts}
    try:
        return run_round(member)
    finally:
        county.wire.sites.update(away)


def test_a_log_that_only_we_cannot_reach_keeps_nothing_from_the_others(county):
    county.round()
    for _ in range(25):
        county.town.apply()
        county.publish("民政局")
        run_round(county.civil)
        run_round(county.finance)
        county.clock.wait(ROUND_SECONDS)
        assert rules_of(round_without(county, county.police, HOSTS[0])) == set()


def test_who_reaches_nobody_accuses_nobody(county):
    county.round()
    for _ in range(25):
        county.town.apply()
        county.publish("民政局", "财政局")
        run_round(county.civil)
        run_round(county.finance)
        county.clock.wait(ROUND_SECONDS)
        assert "R49" not in rules_of(round_without(county, county.police, *HOSTS[:2]))


def test_accomplices_that_drip_leave_the_others_time_to_say_that_they_hold_nothing_more(tmp_path):
    made = make_county(tmp_path, onlookers=("人社局", "审计局"))
    now = 0.0

    def drip(_request, answer):
        def second():
            nonlocal now
            now += 1

        return httpx.Response(answer.status_code, stream=Drip([b"-"] * 60, second))

    made.round()
    made.town.apply()
    made.wire.tamper(HOSTS[0], "/log/tile/", status(404))
    for accomplice in ("24.example", "25.example"):  # they are asked first, by the order of the names
        made.wire.tamper(accomplice, "/mirror/", drip)
    police = replace(made.police, client=PeerClient(made.police.public_url, transport=made.wire, clock=lambda: now))
    for _ in range(13):
        made.publish("民政局")
        run_round(made.civil)
        made.clock.wait(ROUND_SECONDS)
        report = run_round(police)
    assert ("R49", "A", "21.example/log") in found(report)
    made.close()


def test_what_was_counted_before_a_department_was_removed_counts_no_more(county):
    county.round()
    county.town.apply()
    county.wire.tamper(HOSTS[0], "/log/tile/", status(404))
    county.publish("民政局")
    run_round(county.civil)
    run_round(county.police)  # begins to count
    remove_peer(county.police, "民政局")
    for _ in range(15):
        county.clock.wait(ROUND_SECONDS)
        run_round(county.police)
    county.wire.behave()
    add_peer(county.police, county.civil.public_url, county.civil.keys.fingerprint)
    county.wire.tamper(HOSTS[0], "/log/tile/", status(404))
    county.publish("民政局")
    run_round(county.civil)
    assert "R49" not in rules_of(run_round(county.police))


def test_a_log_that_had_its_head_cosigned_and_went_down_is_merely_down(county):
    county.round()
    county.town.apply()
    county.publish("民政局")
    county.wire.lose(HOSTS[0])
    for _ in range(15):
        county.publish("财政局", "公安局")
        county.clock.wait(ROUND_SECONDS)
        run_round(county.finance)
        assert found(run_round(county.police)) == []
    county.wire.find(HOSTS[0])
    county.round()
    assert found(run_round(county.police)) == []


# --- who lacks it (R35) ---


def kept_away(county, rounds):
    """民政局 shows 财政局 an older head of its log, round by round, and everybody else the newest."""
    county.round()
    county.round()
    older = county.fork(county.civil)
    county.town.apply()
    for _ in range(rounds):
        county.publish()
        county.clock.wait(ROUND_SECONDS)
        county.serve(older)
        run_round(county.finance)
        county.serve(county.civil)
        run_round(county.civil)
        run_round(county.police)


def test_a_record_that_a_peer_is_not_shown_is_found_by_the_others_after_ten_rounds(county):
    kept_away(county, 11)
    assert found(run_round(county.police)) == []
    kept_away(county, 13)
    for node in (county.civil, county.police):
        report = run_round(node)
        assert found(report) == [("R35", "A", "21.example/log")]
        assert report.findings[0].facts["departments"] == ["民政局", "财政局"]
        assert report.exit_code == 1
    assert len({one.id for name in ("民政局", "公安局") for one in county.findings(name)}) == 1
    county.round()
    county.round()
    assert found(run_round(county.police)) == found(run_round(county.civil)) == []


def test_a_peer_that_is_merely_down_lacks_nothing(county):
    county.round()
    county.wire.lose(HOSTS[1])
    county.town.apply()
    for _ in range(15):
        county.publish("民政局", "公安局")
        county.clock.wait(ROUND_SECONDS)
        run_round(county.civil)
        run_round(county.police)
    assert {rule for rule, _severity, _log in found(run_round(county.police))} <= {"R37"}
    county.wire.find(HOSTS[1])
    county.round()
    county.round()
    assert found(run_round(county.police)) == []


@pytest.mark.parametrize("rounds", [4, 9, 15, 40])
def test_a_peer_that_comes_back_has_the_whole_wait_to_catch_up(county, rounds):
    """Its witness answers the first question; its own round, and with it its mirror, comes later."""
    county.round()
    county.round()
    county.wire.lose(HOSTS[1])
    county.town.apply()
    for _ in range(rounds):
        county.publish("民政局", "公安局")
        county.clock.wait(ROUND_SECONDS)
        run_round(county.civil)
        run_round(county.police)
    county.wire.find(HOSTS[1])
    for _ in range(2):  # it is asked and answers, and has not been through a round
        county.clock.wait(ROUND_SECONDS)
        run_round(county.civil)
        run_round(county.police)
    assert {rule for rule, _severity, _log in found(run_round(county.police))} <= {"R37"}


def test_who_lacked_a_record_and_went_away_lacks_it_still(county):
    kept_away(county, 13)
    assert found(run_round(county.police)) == [("R35", "A", "21.example/log")]
    county.wire.lose(HOSTS[1])
    for _ in range(15):
        county.publish("民政局", "公安局")
        county.clock.wait(ROUND_SECONDS)
        run_round(county.civil)
        run_round(county.police)
    assert ("R35", "A", "21.example/log") in found(run_round(county.police))


def test_a_peer_that_calls_us_about_something_new_is_asked_in_the_next_round(county):
    """What it has shown before might have come from anybody."""
    county.round()
    county.wire.lose(HOSTS[0])
    for _ in range(16):
        run_round(county.police, patient=False)
        county.clock.wait(ROUND_SECONDS)
    county.wire.find(HOSTS[0])
    while county.clock() // ROUND_SECONDS % 8 != 1:  # its turn has just passed
        county.clock.wait(ROUND_SECONDS)
    county.wire.asked.clear()
    for is_new in (False, True):
        if is_new:
            county.town.apply()
            county.publish("民政局")
        run_round(county.civil)
        county.clock.wait(ROUND_SECONDS)
        county.wire.asked.clear()
        run_round(county.police, patient=False)
        assert ("/log/checkpoint" in county.wire.paths(HOSTS[0])) == is_new


# --- what joins two logs ---


def test_a_payment_that_arrives_before_its_award_waits_without_a_finding(county):
    _case, award = county.town.approved()
    county.round("财政局")
    county.town.order(award)
    county.publish()
    county.wire.lose(HOSTS[0])
    run_round(county.police)
    assert found_rules(county) == []
    county.wire.find(HOSTS[0])
    run_round(county.police)
    county.clock.wait(20 * ROUND_SECONDS)
    run_round(county.police)
    assert found_rules(county) == []


def test_a_payment_without_an_award_is_found_after_ten_rounds(county):
    made_up = Statement(
        "payment-created",
        new_handle(),
        {"award": {"log": county.civil.origin, "sub": new_handle()}, "amount": 100},
    )
    put(county.finance, signed(county.finance, made_up, by=county.town.finance.staff["吴倩"].handle))
    county.round()
    county.clock.wait(8 * ROUND_SECONDS)
    run_round(county.police)
    assert found_rules(county) == []
    county.clock.wait(3 * ROUND_SECONDS)
    run_round(county.police)
    assert found_rules(county) == [("R09", Ref(county.finance.origin, made_up.sub))]


def found_rules(county):
    return [(finding.rule, finding.about) for finding in county.findings("公安局")]
