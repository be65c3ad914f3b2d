"""What is found, by whom, under which name, and what becomes of it; two departments whose clocks and orders differ."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from ledger import findings
from ledger.desk import Desk
from ledger.errors import Refused
from ledger.records.funds import Ref
from ledger.rules import logs
from ledger.rules.mismatch import Mismatch
from ledger.storage import findings as rows
from ledger.storage import schema
from ledger.storage.engine import reading, transaction
from ledger.workdays import after_working_days
from tests.desk.world import Town, found, make_engine, make_town, mirror

WAIT = 600


@pytest.fixture
def town(tmp_path):
    made = make_town(tmp_path)
    yield made
    made.civil.engine.dispose()
    made.finance.engine.dispose()


def catch_up(department):
    """What a round does after folding, here with all that was ever folded; returns what is open then."""
    logs_of, feed = schema.logs.c, schema.feed.c
    question = select(logs_of.origin, feed.handle).join(schema.feed, feed.log_id == logs_of.id)
    with transaction(department.engine) as conn:
        told = [Ref(*row) for row in conn.execute(question)]
        findings.evaluate(conn, told, department.clock(), wait_seconds=WAIT)
        findings.recheck_waiting(conn, department.clock(), wait_seconds=WAIT)
        return rows.read_findings(conn)


def the(conn, name):
    finding = rows.read_finding(conn, name)
    assert finding is not None
    return finding


def names(found_here):
    return [finding.rule for finding in found_here]


def round_the_desk(town):
    """财政局's desk with its rules left out: each record is valid by itself."""
    return Desk(town.finance.log, town.finance.keys, town.clock, stop_rules=frozenset(), story=True)


def paid_short(town: Town):
    _case, award = town.approved(300_000)
    town.round()
    desk = round_the_desk(town)
    payment = town.order(award, 30_000, desk=desk)
    town.finance.act("马骏", "payment-released", payment, desk=desk)
    town.finance.act("吴倩", "payment-reported", payment, {"outcome": "accepted"}, desk=desk)
    town.round()
    return award, payment


def test_who_is_paid_300_of_3000_is_found_by_each_department_under_one_name(town, tmp_path):
    award, payment = paid_short(town)
    police = found("公安局", "23", make_engine(f"sqlite:///{tmp_path / 'police.db'}"), tmp_path, town.clock)
    mirror(town.finance, police)  # the payment arrives before its award
    assert catch_up(police) == []
    mirror(town.civil, police)
    everywhere = [catch_up(department) for department in (town.civil, town.finance, police)]
    police.engine.dispose()
    assert [names(each) for each in everywhere] == [["R19"]] * 3
    assert len({each[0].id for each in everywhere}) == 1
    seen = everywhere[0][0]
    assert (seen.severity, seen.state, seen.about) == ("S", "open", Ref(town.civil.origin, award))
    assert seen.facts["departments"] == ["民政局", "财政局"]
    assert [seen.facts[name] for name in ("approved", "ordered", "paid", "missing")] == [
        300_000,
        30_000,
        30_000,
        270_000,
    ]
    assert seen.facts["payments"] == [{"log": town.finance.origin, "sub": payment}]


def test_the_desk_itself_refuses_what_the_others_would_find(town):
    _case, award = town.approved(300_000)
    town.round()
    with pytest.raises(Refused) as caught:
        town.order(award, 30_000)
    assert caught.value.rule == "R19"
    assert catch_up(town.finance) == []


def test_a_good_payment_is_no_finding_anywhere(town):
    town.paid()
    town.round()
    assert catch_up(town.civil) == catch_up(town.finance) == []


def test_asked_again_nothing_changes_and_nothing_is_noted(town):
    paid_short(town)
    (first,) = catch_up(town.civil)
    town.clock.wait(86_400 * 3)
    (second,) = catch_up(town.civil)
    with transaction(town.civil.engine) as conn:
        findings.evaluate(conn, [first.about], town.clock(), wait_seconds=WAIT)
        assert len(rows.read_steps(conn, first.id)) == 1
    assert first == second


def test_a_finding_ends_when_the_order_is_taken_back_and_is_never_deleted(town):
    _case, award = town.approved(300_000)
    town.round()
    desk = round_the_desk(town)
    payment = town.order(award, 30_000, desk=desk)
    town.round()
    (opened,) = catch_up(town.civil)
    order = next(record for record in town.finance.records() if record.sub == payment)
    town.finance.act("吴倩", "amendment", payment, {"amends": order.record_id}, {"reason": "输错了"}, desk=desk)
    town.round()
    assert catch_up(town.civil) == []
    with reading(town.civil.engine) as conn:
        ended = the(conn, opened.id)
        assert (ended.state, ended.ended_at) == ("ended", town.clock())
        assert [step.state for step in rows.read_steps(conn, opened.id)] == ["open", "ended"]


def test_what_was_paid_meanwhile_stands_in_the_facts_and_in_the_history(town):
    _case, award = town.approved(300_000)
    town.round()
    desk = round_the_desk(town)
    payment = town.order(award, 30_000, desk=desk)
    town.round()
    (ordered,) = catch_up(town.civil)
    town.finance.act("马骏", "payment-released", payment, desk=desk)
    town.round()
    (paid,) = catch_up(town.civil)
    assert (ordered.id, ordered.answer_by, ordered.raised_at) == (paid.id, paid.answer_by, paid.raised_at)
    assert (ordered.facts["paid"], paid.facts["paid"]) == (0, 30_000)
    with reading(town.civil.engine) as conn:
        assert [step.facts["paid"] for step in rows.read_steps(conn, paid.id)] == [0, 30_000]


@pytest.mark.parametrize(("waited", "expected"), [(WAIT, []), (WAIT + 1, ["R09"])])
def test_a_payment_whose_award_never_comes_is_a_finding_after_ten_rounds(town, tmp_path, waited, expected):
    paid_short(town)
    police = found("公安局", "23", make_engine(f"sqlite:///{tmp_path / 'police.db'}"), tmp_path, town.clock)
    mirror(town.finance, police)
    assert catch_up(police) == []
    town.clock.wait(waited)
    assert names(catch_up(police)) == expected
    assert names(catch_up(police)) == expected
    mirror(town.civil, police)
    assert names(catch_up(police)) == ["R19"]
    with reading(police.engine) as conn:
        kept = {each.rule: each.state for each in rows.read_findings(conn, open_only=False)}
    police.engine.dispose()
    assert kept == {"R19": "open"} | ({"R09": "ended"} if expected else {})


def test_findings_about_some_objects_are_theirs_alone(town):
    award, _payment = paid_short(town)
    other, _code = town.apply()
    (seen,) = catch_up(town.civil)
    with reading(town.civil.engine) as conn:
        assert rows.read_findings(conn, [Ref(town.civil.origin, award)]) == [seen]
        assert rows.read_findings(conn, [Ref(town.civil.origin, other)]) == []
        assert rows.read_findings(conn, [Ref(town.finance.origin, award)]) == []
        assert rows.read_findings(conn, []) == []


def test_a_log_s_warning_becomes_an_alarm_and_ends_when_it_is_watched_again(town):
    finance = logs.LogRef(town.finance.origin, "财政局")
    town.round()
    start = town.clock()
    for age, expected in [(300, []), (301, ["W"]), (7_201, ["A"])]:
        with transaction(town.civil.engine) as conn:
            seen = logs.unwatched(finance, "head\n", start, start + age)
            findings.settle_log(conn, "R37", finance.origin, seen, start + age)
            assert [each.severity for each in rows.read_findings(conn)] == expected
    with transaction(town.civil.engine) as conn:
        findings.settle_log(conn, "R37", finance.origin, None, start + 8_000)
        assert rows.read_findings(conn) == []
        (ended,) = rows.read_findings(conn, open_only=False)
        assert [step.severity for step in rows.read_steps(conn, ended.id)] == ["W", "A", "A"]
        findings.settle_log(conn, "R37", "nobody.example/log", None, start)


def test_a_finding_that_comes_back_gets_a_new_last_day(town):
    mismatch = Mismatch("R50", "A", (b"l" * 32,), None, {"log": town.civil.origin, "departments": ["民政局"]})
    with transaction(town.civil.engine) as conn:
        name = findings.raise_finding(conn, mismatch, town.clock())
        first = the(conn, name)
        assert findings.end_finding(conn, name, town.clock())
        assert not findings.end_finding(conn, name, town.clock())
        town.clock.wait(86_400 * 30)
        findings.raise_finding(conn, mismatch, town.clock())
        again = the(conn, name)
        assert again.answer_by > first.answer_by
        assert again.ended_at is None
        assert [step.state for step in rows.read_steps(conn, name)] == ["open", "ended", "open"]


def test_the_steps_of_a_finding_are_the_same_on_both_databases(engine, tmp_path):
    town = make_town(tmp_path)
    with transaction(engine) as conn:
        conn.exec_driver_sql(
            "INSERT INTO logs (id, origin, own, size, edge, folded) VALUES (1, 'a/log', TRUE, 0, '', 0)"
        )
        mismatch = Mismatch("R36", "A", (b"l" * 32,), None, {"log": "a/log", "departments": ["a"]})
        findings.raise_finding(conn, mismatch, 1)
        findings.raise_finding(conn, replace(mismatch, severity="W"), 2)
        (seen,) = rows.read_findings(conn)
        assert (seen.severity, seen.about, seen.raised_at) == ("W", None, 1)
        assert [step.severity for step in rows.read_steps(conn, seen.id)] == ["A", "W"]
        assert findings.recheck_waiting(conn, 3, wait_seconds=1) == []
    town.civil.engine.dispose()
    town.finance.engine.dispose()


# --- five working days ---


@pytest.mark.parametrize(
    ("start", "last"),
    [
        ("2026-11-09", "2026-11-16"),  # a Monday: its own day does not count
        ("2026-11-13", "2026-11-20"),  # a Friday
        ("2026-09-28", "2026-10-10"),  # over the National Day week, whose Saturday 10 October is worked
    ],
)
def test_five_working_days_go_by_the_published_holidays(start, last):
    due = after_working_days(date.fromisoformat(start), 5)
    assert (due.day.isoformat(), due.unpublished) == (last, None)


def test_where_nobody_has_published_the_holidays_only_weekends_count_and_it_says_so():
    due = after_working_days(date(2026, 12, 30), 5)
    assert (due.day, due.unpublished) == (date(2027, 1, 6), 2027)


def test_a_last_day_that_is_only_a_guess_is_marked_among_the_facts(town):
    at = int(datetime(2026, 12, 30, 4, tzinfo=UTC).timestamp())
    mismatch = Mismatch("R50", "A", (b"l" * 32,), None, {"log": town.civil.origin, "departments": ["民政局"]})
    with transaction(town.civil.engine) as conn:
        name = findings.raise_finding(conn, mismatch, at)
        findings.raise_finding(conn, mismatch, at + 1)
        assert the(conn, name).facts["holidays_unpublished"] == 2027
        assert len(rows.read_steps(conn, name)) == 1


def test_the_day_is_the_day_in_china(town):
    at = int(datetime(2026, 11, 8, 16, 30, tzinfo=UTC).timestamp())  # already Monday the 9th there
    mismatch = Mismatch("R50", "A", (b"l" * 32,), None, {"log": town.civil.origin, "departments": ["民政局"]})
    with transaction(town.civil.engine) as conn:
        assert the(conn, findings.raise_finding(conn, mismatch, at)).answer_by == "2026-11-16"


@given(st.dates(date(2004, 1, 1), date(2099, 1, 1)), st.integers(1, 30))
def test_a_deadline_is_a_working_day_and_never_sooner_than_asked(start, days):
    due = after_working_days(start, days)
    assert (due.day - start).days >= days
    assert after_working_days(start, days + 1).day > due.day
