"""What only time changes: looked at when it is due and not before, and the same whatever the order of arrival."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from ledger import findings
from ledger.desk import Desk
from ledger.folding import Gathered, fold
from ledger.lateness import ACCEPTED, MOVES, evaluate_cases, recheck_due
from ledger.records.funds import Ref
from ledger.storage import entries, schema
from ledger.storage import findings as rows
from ledger.storage.due import Due, ensure_due, read_due, set_due
from ledger.storage.engine import open_engine, reading, transaction
from ledger.times import DAY_SECONDS, day_in_china, start_of_day
from tests.desk.world import Department, Town, make_town

WAIT = 600
MONTH = 30 * DAY_SECONDS


@pytest.fixture
def town(tmp_path):
    made = make_town(tmp_path)
    yield made
    made.civil.engine.dispose()
    made.finance.engine.dispose()


def look(department):
    """The end of a round."""
    with transaction(department.engine) as conn:
        recheck_due(conn, department.clock(), wait_seconds=WAIT)
        return [(one.rule, one.facts.get("missing")) for one in rows.read_findings(conn)]


def test_money_that_never_arrives_is_found_when_its_days_are_over_and_ends_when_it_arrives(town):
    _case, award, payment = town.paid()
    assert look(town.civil) == []
    with reading(town.civil.engine) as conn:
        [due] = read_due(conn, town.clock() + MONTH)
    assert (due.rule, due.handle) == ("R44", award)
    town.clock.at = due.at - 1
    assert look(town.civil) == []
    town.clock.wait(1)
    assert look(town.civil) == [("R44", 2_000_000)]
    assert look(town.civil) == [("R44", 2_000_000)]
    town.result(payment, "credited", by_bank=True)
    town.round()
    with transaction(town.civil.engine) as conn:
        findings.evaluate(conn, [Ref(town.civil.origin, award)], town.clock(), wait_seconds=WAIT)
    assert look(town.civil) == []


def test_money_that_arrived_in_time_is_looked_at_once_more_and_then_no_more(town):
    _case, _award, payment = town.paid()
    town.result(payment, "credited", by_bank=True)
    town.round()
    town.clock.wait(MONTH)
    assert look(town.civil) == []
    with reading(town.civil.engine) as conn:
        assert conn.execute(select(func.count()).select_from(schema.due)).scalar() == 0


def test_while_the_story_is_told_nothing_is_late(town):
    _case, award = town.approved()
    town.clock.wait(MONTH)
    with transaction(town.civil.engine) as conn:
        found = findings.evaluate(conn, [Ref(town.civil.origin, award)], town.clock(), wait_seconds=WAIT, story=True)
        assert found == []
    assert look(town.civil) == [("R44", 2_000_000)]


def test_what_is_due_is_found_by_an_index(town):
    with reading(town.civil.engine) as conn:
        plan = conn.exec_driver_sql("EXPLAIN QUERY PLAN SELECT * FROM due WHERE at <= 5 ORDER BY at").all()
    assert any("ix_due_at" in row[3] for row in plan)


def test_the_rows_of_what_is_due_are_the_same_on_both_databases(engine):
    with transaction(engine) as conn:
        conn.exec_driver_sql(
            "INSERT INTO logs (id, origin, own, size, edge, folded) VALUES (1, 'a/log', TRUE, 0, '', 0)"
        )
        wanted = Due("R44", 1, "h" * 22, 100)
        ensure_due(conn, [wanted])
        ensure_due(conn, [wanted._replace(at=50)])
        assert read_due(conn, 99) == []
        assert read_due(conn, 100) == [wanted]
        set_due(conn, "R44", 1, "h" * 22, 50)
        assert read_due(conn, 50) == [wanted._replace(at=50)]
        set_due(conn, "R44", 1, "h" * 22, None)
        assert read_due(conn, 1_000) == []


# --- a case and its promise (R39) ---


def day(clock, days):
    return day_in_china(clock() + days * DAY_SECONDS).isoformat()


def watched(department):
    """Another department has cosigned its log from its beginning on."""
    with transaction(department.engine) as conn:
        conn.execute(update(schema.logs).values(first_cosigned=0))
    return department


def accepted(town, **clear):
    case, _code = town.apply()
    town.civil.act("林芳", "case-accepted", case, clear)
    return case


def lateness(department):
    look(department)
    with reading(department.engine) as conn:
        return [(one.rule, one.severity) for one in rows.read_findings(conn) if one.rule == "R39"]


def test_a_case_past_its_promised_day_is_a_warning_and_past_the_laws_an_alarm(town):
    civil = watched(town.civil)
    accepted(town, promised=day(town.clock, 5), lawful=day(town.clock, 8))
    town.clock.at = start_of_day(day(town.clock, 5)) + DAY_SECONDS - 1
    assert lateness(civil) == []
    town.clock.wait(1)
    assert lateness(civil) == [("R39", "W")]
    town.clock.wait(3 * DAY_SECONDS)
    assert lateness(civil) == [("R39", "A")]


def test_decided_on_its_last_day_it_is_in_time_for_ever(town):
    civil = watched(town.civil)
    case = accepted(town, promised=day(town.clock, 5))
    town.civil.act("林芳", "case-completed", case, {"step": 0})
    town.clock.at = start_of_day(day(town.clock, 5)) + DAY_SECONDS - 60
    town.civil.act("高伟", "case-approved", case)
    town.clock.wait(MONTH)
    assert lateness(civil) == []


def test_decided_late_it_stays_late(town):
    civil = watched(town.civil)
    case = accepted(town, promised=day(town.clock, 5))
    town.civil.act("林芳", "case-completed", case, {"step": 0})
    town.clock.wait(7 * DAY_SECONDS)
    town.civil.act("高伟", "case-approved", case)
    town.clock.wait(MONTH)
    assert lateness(civil) == [("R39", "W")]


@pytest.mark.parametrize("clear", [{}, {"file": "ab" * 32, "line": 1}, {"on": "2026-09-01"}])
def test_what_promises_nothing_or_was_entered_later_is_not_late(town, clear):
    civil = watched(town.civil)
    accepted(town, **clear, **({"promised": day(town.clock, 5)} if clear else {}))
    town.clock.wait(MONTH)
    assert lateness(civil) == []


def test_what_was_accepted_before_anybody_looked_is_not_late(town):
    accepted(town, promised=day(town.clock, 5))
    town.clock.wait(MONTH)
    assert lateness(town.civil) == []


def test_a_decision_dated_back_is_late_by_what_a_quorum_has_cosigned(town):
    """Its own time says it was in time; the log that was cosigned since did not hold it."""
    civil = watched(town.civil)
    case = accepted(town, promised=day(town.clock, 5))
    town.civil.act("林芳", "case-completed", case, {"step": 0})
    town.civil.act("高伟", "case-approved", case)
    held, late_by = civil.size() - 1, town.clock() + 7 * DAY_SECONDS
    with transaction(civil.engine) as conn:
        evaluate_cases(conn, [civil.ref(case)], late_by, (held, late_by))
    assert lateness(civil) == [("R39", "W")]
    with transaction(civil.engine) as conn:  # asked again under a head that holds it, nothing is taken back
        evaluate_cases(conn, [civil.ref(case)], late_by, (civil.size(), late_by))
    assert lateness(civil) == [("R39", "W")]


# --- any order of arrival ---


@dataclass
class Told:
    """All that two departments ever said, and the day on which it is looked at."""

    town: Town
    directory: Path
    now: int
    names: Iterator[int]


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """Paid in full, paid short, failed and paid again, never paid, taken back, dated back: each once."""
    directory = tmp_path_factory.mktemp("told")
    town = make_town(directory)
    _case, _award, payment = town.paid()
    town.result(payment, "credited", by_bank=True)
    _case, award = town.approved(300_000)
    town.round()
    desk = Desk(town.finance.log, town.finance.keys, town.clock, stop_rules=frozenset(), story=True)
    short = town.order(award, 30_000, desk=desk)
    town.finance.act("马骏", "payment-released", short, desk=desk)
    _case, award, failed = town.paid(100_000)
    town.result(failed, "rejected", "AC01")
    town.order(award, 100_000, reissues=failed)
    town.approved(50_000)
    _case, award = town.approved(70_000)
    town.round()
    order = town.order(award, 7_000, desk=desk)
    [record] = [one for one in town.finance.records() if one.sub == order]
    town.finance.act("吴倩", "amendment", order, {"amends": record.record_id}, {"reason": "输错了"}, desk=desk)
    town.order(award, 70_000)
    _case, award = town.approved(90_000)
    town.round()
    town.clock.wait(-1_000)
    town.order(award, 90_000)
    town.clock.wait(1_000)
    accepted(town, promised=day(town.clock, 1))
    in_time = accepted(town, promised=day(town.clock, 1))
    town.civil.act("林芳", "case-completed", in_time, {"step": 0})
    town.civil.act("高伟", "case-approved", in_time)
    yield Told(town, directory, town.clock() + MONTH, count())
    town.civil.engine.dispose()
    town.finance.engine.dispose()


def newcomer(told):
    """An empty database that has a log of its own and holds nothing of the others yet."""
    engine = open_engine(f"sqlite:///{told.directory / f'{next(told.names)}.db'}")
    with transaction(engine) as conn:
        schema.metadata.create_all(conn)
        entries.create_log(conn, "99.example/log", own=True)
        for source in (told.town.civil, told.town.finance):
            entries.create_log(conn, source.origin, own=False)
        conn.execute(update(schema.logs).values(first_cosigned=0))
    return engine


def arrive(conn, source: Department, size: int, now: int, *, known: bool = True) -> None:
    """So many more of a log's records come in and are asked about, as in a round.

    `known` False: each is folded by itself, and what it is about is read again for the rules.
    """
    log_id = entries.find_log(conn, source.origin)
    assert log_id is not None
    have = entries.read_edge(conn, log_id).size
    new = source.records()[have : have + size]
    if not new:
        return
    first = entries.append(conn, log_id, [record.entry for record in new])
    moved = [source.ref(record.sub) for record in new if record.kind in MOVES]
    if not known:
        touched = [ref for index, record in enumerate(new, first) for ref in fold(conn, log_id, index, record)]
        evaluate_cases(conn, moved, now)
        findings.evaluate(conn, touched, now, wait_seconds=WAIT)
        return
    gathered = Gathered(conn, log_id)
    gathered.look_ahead(new)
    touched = [ref for index, record in enumerate(new, first) for ref in gathered.fold(index, record)]
    gathered.write()
    heard = {record.record_id: (index, record) for index, record in enumerate(new, first) if record.kind == ACCEPTED}
    objects = {ref: folded for ref in touched if (folded := gathered.read(ref.sub)) is not None}
    evaluate_cases(conn, moved, now, known=objects, heard=heard)
    findings.evaluate(conn, touched, now, wait_seconds=WAIT, known=objects)


def standing(conn):
    return sorted((one.id, one.rule, one.severity, one.facts.get("missing")) for one in rows.read_findings(conn))


def recomputed(told):
    """What all records say, folded at once and asked about on that day."""
    engine = newcomer(told)
    with transaction(engine) as conn:
        for source in (told.town.civil, told.town.finance):
            arrive(conn, source, 1_000, told.now, known=False)
        found = standing(conn)
    engine.dispose()
    return found


chunks = st.lists(st.tuples(st.booleans(), st.integers(1, 6), st.integers(0, 5 * DAY_SECONDS)), max_size=25)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chunks)
def test_in_any_order_of_arrival_the_findings_are_those_of_a_recomputation(told, order):
    engine, at = newcomer(told), told.town.clock()
    departments = told.town.civil, told.town.finance
    for is_finance, size, seconds in [*order, (False, 1_000, 0), (True, 1_000, 0)]:
        at = min(at + seconds, told.now)
        with transaction(engine) as conn:
            arrive(conn, departments[is_finance], size, at)
            findings.recheck_waiting(conn, at, wait_seconds=WAIT)
            recheck_due(conn, at, wait_seconds=WAIT)
    with transaction(engine) as conn:
        findings.recheck_waiting(conn, told.now, wait_seconds=WAIT)
        recheck_due(conn, told.now, wait_seconds=WAIT)
        found = standing(conn)
    engine.dispose()
    assert found == recomputed(told)
    assert {rule for _id, rule, _severity, _missing in found} == {"R19", "R38", "R39", "R44"}
