"""A binding code works once and for one account; whoever guesses is slowed down, whether or not there is anything."""

import pytest
from sqlalchemy import func, select

from ledger.bindings import (
    NODE_WRONG_MAX,
    SLOW_AFTER,
    SLOW_SECONDS_MAX,
    TRY_WINDOW_SECONDS,
    WRONG_TRIES_MAX,
    wrong_at_node,
)
from ledger.errors import Refused
from ledger.storage import schema
from ledger.storage.engine import reading


@pytest.fixture
def citizen(town):
    case, _code = town.apply()
    with town.civil.facts() as facts:
        return facts.case(town.civil.ref(case)).citizen


def refused(reason: str, act) -> None:
    with pytest.raises(Refused) as caught:
        act()
    assert caught.value.reason == reason


def test_a_code_binds_one_account_and_the_second_is_told_nothing_but_wrong(town, citizen):
    desk = town.civil.desk
    code = desk.binding_code_for(citizen, 300)
    assert len(code) == 8
    assert code.isdigit()
    bound = desk.bind("openid-a", code)
    assert (bound.citizen, bound.officer, bound.level, bound.told) == (citizen, None, 1, ())
    refused("binding-code-wrong", lambda: desk.bind("openid-b", code))
    with town.civil.facts() as facts:
        assert facts.accounts_of(citizen) == ["openid-a"]
        assert [(each.citizen, each.level) for each in facts.citizens_of("openid-a")] == [(citizen, 1)]
        assert facts.citizens_of("openid-b") == []


def test_a_repeat_from_the_same_account_is_the_same_binding(town, citizen):
    code = town.civil.desk.binding_code_for(citizen, 300)
    first = town.civil.desk.bind("openid", code)
    town.clock.wait(10)
    assert town.civil.desk.bind("openid", code) == first
    with town.civil.facts() as facts:
        [binding] = facts.citizens_of("openid")
        assert binding.since == town.clock() - 10


def test_a_code_that_was_used_does_not_bind_again_who_untied_themselves(town, citizen):
    desk = town.civil.desk
    code = desk.binding_code_for(citizen, 300)
    desk.bind("openid", code)
    desk.unbind("openid")
    refused("binding-code-wrong", lambda: desk.bind("openid", code))
    with town.civil.facts() as facts:
        assert facts.citizens_of("openid") == []


def test_an_officers_used_code_says_nothing_to_an_account_that_is_theirs_no_more(town):
    desk, officer = town.civil.desk, town.civil.staff["林芳"]
    desk.bind("old", officer.binding_code)
    access = desk.renew(officer.handle)
    desk.bind("new", access.binding_code)
    refused("binding-code-wrong", lambda: desk.bind("old", officer.binding_code))
    refused("binding-code-wrong", lambda: desk.bind("old", access.binding_code))
    assert desk.bind("new", access.binding_code).officer == officer.handle  # the same delivery again
    with town.civil.facts() as facts:
        assert facts.officer_of("old") is None


def test_a_code_that_was_drawn_before_is_drawn_again(town, citizen, monkeypatch):
    drawn = iter([7, 7, 8])
    monkeypatch.setattr("ledger.bindings.secrets.randbelow", lambda _end: next(drawn))
    desk = town.civil.desk
    assert [desk.binding_code_for(citizen, 300) for _ in range(2)] == ["00000007", "00000008"]


def test_a_code_ends_with_its_time(town, citizen):
    code = town.civil.desk.binding_code_for(citizen, 300)
    late = town.civil.desk.binding_code_for(citizen, 300)
    town.clock.wait(299)
    town.civil.desk.bind("openid-a", code)
    town.clock.wait(1)
    refused("binding-code-wrong", lambda: town.civil.desk.bind("openid-b", late))


def test_a_code_that_lives_for_days_is_long_and_is_read_as_people_write_it(town, citizen):
    code = town.civil.desk.binding_code_for(citizen, 3 * 24 * 3600)
    assert len(code) * 5 >= 60
    typed = f" {code[:4].lower()}-{code[4:8]}-{code[8:].replace('0', 'o').replace('1', 'l')} "
    assert town.civil.desk.bind("openid", typed).citizen == citizen


def test_a_new_binding_is_told_to_the_old_one(town, citizen):
    desk = town.civil.desk
    desk.bind("openid-a", desk.binding_code_for(citizen, 300))
    assert desk.bind("openid-b", desk.binding_code_for(citizen, 300)).told == ("openid-a",)


def test_five_wrong_codes_an_hour_and_then_the_right_one_does_not_count(town, citizen):
    desk = town.civil.desk
    code = desk.binding_code_for(citizen, 2 * 3600)
    for _ in range(WRONG_TRIES_MAX):
        refused("binding-code-wrong", lambda: desk.bind("openid", "00000000X"))
    refused("wait-an-hour", lambda: desk.bind("openid", code))
    assert desk.bind("openid-other", desk.binding_code_for(citizen, 300)).citizen == citizen
    town.clock.wait(TRY_WINDOW_SECONDS)
    assert desk.bind("openid", code).citizen == citizen


def test_an_officers_code_binds_an_officer_and_a_new_account_takes_the_place_of_the_old(town):
    officer = town.civil.staff["林芳"]
    bound = town.civil.desk.bind("openid", officer.binding_code)
    assert (bound.officer, bound.citizen) == (officer.handle, None)
    with town.civil.facts() as facts:
        found = facts.officer_of("openid")
    assert (found.name, found.roles, found.handle) == ("林芳", ("clerk",), officer.handle)


def test_unbinding_ends_everything_that_this_account_could(town, citizen):
    desk = town.civil.desk
    desk.bind("openid", desk.binding_code_for(citizen, 300))
    desk.bind("openid", town.civil.staff["林芳"].binding_code)
    gone = desk.unbind("openid")
    assert (gone.citizens, gone.officer) == (1, True)
    with town.civil.facts() as facts:
        assert facts.citizens_of("openid") == []
        assert facts.officer_of("openid") is None
    again = desk.unbind("openid")
    assert (again.citizens, again.officer) == (0, False)


@pytest.mark.parametrize("number", ["21261123004798", "21261123009999", "1"])
def test_five_wrong_query_codes_an_hour_a_sender_whether_or_not_the_number_exists(town, number):
    desk = town.civil.desk
    for _ in range(WRONG_TRIES_MAX):
        assert desk.allow_try("openid", number)
        desk.note_wrong("openid", number)
    assert not desk.allow_try("openid", number)
    assert not desk.allow_try("openid", "another number")
    assert desk.allow_try("openid-other", number)
    town.clock.wait(TRY_WINDOW_SECONDS)
    assert desk.allow_try("openid", number)


def test_a_number_is_slowed_and_never_locked(town):
    desk = town.civil.desk
    for n in range(SLOW_AFTER + 50):
        desk.note_wrong(f"openid-{n}", "21261123004798")
    patient = desk.allow_try("its owner", "21261123004798")
    assert patient.allowed
    assert patient.slow_seconds == SLOW_SECONDS_MAX
    assert desk.allow_try("its owner", "another").slow_seconds == 0


def test_guessing_at_many_numbers_by_many_accounts_sounds_one_alarm_and_stops_nobody(town, caplog):
    desk = town.civil.desk
    for n in range(NODE_WRONG_MAX - 1):
        desk.note_wrong(f"openid-{n}", f"number-{n}")
    assert not caplog.records
    for n in range(3):
        desk.note_wrong(f"openid-again-{n}", f"number-{n}")
    [alarm] = caplog.records
    assert "wrong query codes" in alarm.getMessage()
    assert "openid" not in alarm.getMessage()
    assert desk.allow_try("its owner", "21261123004798")
    with reading(town.civil.engine) as conn:
        assert wrong_at_node(conn, town.civil.keys.lookup_key, town.clock()) == NODE_WRONG_MAX + 2
        assert wrong_at_node(conn, town.civil.keys.lookup_key, town.clock() + TRY_WINDOW_SECONDS) == 0


def test_neither_numbers_nor_codes_nor_accounts_tried_are_kept(town, citizen):
    desk = town.civil.desk
    code = desk.binding_code_for(citizen, 300)
    desk.note_wrong("openid-tried", "21261123004798")
    with pytest.raises(Refused):
        desk.bind("openid-guess", "12344321")
    raw = town.civil.engine.raw_connection()
    dump = "\n".join(raw.driver_connection.iterdump())
    raw.close()
    for secret in (code, "21261123004798", "openid-tried", "openid-guess", "12344321"):
        assert secret not in dump


def test_whoever_is_bound_already_loses_no_day_by_another_code_and_nobody_is_alarmed(town, citizen):
    desk = town.civil.desk
    desk.bind("openid", desk.binding_code_for(citizen, 300))
    desk.bind("openid-b", desk.binding_code_for(citizen, 300))
    town.clock.wait(24 * 3600)
    code = desk.binding_code_for(citizen, 300)
    assert desk.bind("openid", code).told == ()
    assert desk.bind("openid", code).told == ()
    refused("binding-code-wrong", lambda: desk.bind("openid-c", code))
    with town.civil.facts() as facts:
        assert [town.clock() - each.since for each in facts.citizens_of("openid")] == [24 * 3600]


def test_a_higher_level_is_a_new_binding(town, citizen):
    desk = town.civil.desk
    desk.bind("openid", desk.binding_code_for(citizen, 300, level=0))
    town.clock.wait(24 * 3600)
    desk.bind("openid", desk.binding_code_for(citizen, 300))
    with town.civil.facts() as facts:
        assert [(each.level, town.clock() - each.since) for each in facts.citizens_of("openid")] == [(1, 0)]


def test_a_used_code_does_not_bind_again_whoever_untied_themselves(town, citizen):
    desk = town.civil.desk
    code = desk.binding_code_for(citizen, 300)
    desk.bind("openid", code)
    desk.unbind("openid")
    refused("binding-code-wrong", lambda: desk.bind("openid", code))
    with town.civil.facts() as facts:
        assert facts.citizens_of("openid") == []


def test_no_code_is_given_twice_and_old_ones_make_room(town, citizen, monkeypatch):
    desk = town.civil.desk
    drawn = iter([5, 5, 6, 5])
    monkeypatch.setattr("ledger.bindings.secrets.randbelow", lambda _below: next(drawn))
    assert [desk.binding_code_for(citizen, 300) for _ in range(2)] == ["00000005", "00000006"]
    town.clock.wait(300 + 24 * 3600 + 1)
    assert desk.binding_code_for(citizen, 300) == "00000005"


def rows(town, table):
    with reading(town.civil.engine) as conn:
        return conn.execute(select(func.count()).select_from(table)).scalar_one()


def test_who_tried_what_is_not_kept_for_ever(town, citizen):
    desk = town.civil.desk
    given = rows(town, schema.binding_codes)
    for at in range(7):
        desk.note_wrong(f"sender-{at}", f"number-{at}")
    used = desk.binding_code_for(citizen, 300)
    desk.bind("openid", used)
    refused("binding-code-wrong", lambda: desk.bind("other", used))
    desk.forget_tries()
    assert (rows(town, schema.tries), rows(town, schema.binding_codes)) == (16, given + 1)
    town.clock.wait(TRY_WINDOW_SECONDS)
    desk.forget_tries()
    assert rows(town, schema.tries) == 0
    town.clock.wait(8 * 24 * 3600)
    desk.forget_tries()
    assert rows(town, schema.binding_codes) == 0


def test_tries_counted_by_a_clock_that_ran_ahead_are_forgotten(town):
    desk = town.civil.desk
    town.clock.wait(365 * 24 * 3600)
    for _ in range(WRONG_TRIES_MAX):
        desk.note_wrong("sender", "number")
    town.clock.wait(-365 * 24 * 3600)
    assert not desk.allow_try("sender", "number")
    desk.forget_tries()
    assert desk.allow_try("sender", "number")
