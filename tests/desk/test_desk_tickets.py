"""A link fills in one form once, for half an hour, as an officer in force; and only a keyed hash of it is kept."""

from typing import Any

import pytest

from ledger.desk import Desk, Purpose, Ticket
from ledger.records.cases import CaseStatus
from ledger.tickets import KEPT_SECONDS, OPEN_SECONDS, SHOWN_SECONDS
from tests.desk.processes import at_once, killed
from tests.desk.world import ACCOUNT, Department, Town

PRIVATE = {"applicant": "何秀英", "id_number": "330199194401200022", "payee": "何秀英", "account": ACCOUNT}
MATTER = "05GLJT0001"


def give(civil: Department, name: str = "林芳") -> str:
    return civil.desk.give_ticket(civil.staff[name].handle, Purpose.CASE, MATTER).token


def take_in(desk, token: str, **private):
    ticket = known(desk, token)
    return desk.open_case(ticket.about, PRIVATE | private, by=ticket.officer, once=ticket.once)


def known(desk: Desk, token: str) -> Ticket:
    ticket = desk.ticket(token)
    assert ticket is not None
    return ticket


def dump(department: Department) -> str:
    raw = department.engine.raw_connection()
    driver: Any = raw.driver_connection
    lines = "\n".join(driver.iterdump())
    raw.close()
    return lines


def test_a_ticket_says_for_whom_and_what_it_is(town):
    ticket = town.civil.desk.ticket(give(town.civil))
    assert (ticket.officer, ticket.purpose, ticket.about) == (town.civil.staff["林芳"].handle, "case", MATTER)
    assert ticket.expires == town.clock() + OPEN_SECONDS
    assert (ticket.became, ticket.slip) == (None, None)


def test_tokens_are_long_and_never_the_same(town):
    tokens = {give(town.civil) for _ in range(50)}
    assert len(tokens) == 50
    assert all(len(token) * 6 >= 128 for token in tokens)


def test_it_lives_to_the_second(town):
    token = give(town.civil)
    town.clock.wait(OPEN_SECONDS - 1)
    assert town.civil.desk.ticket(token) is not None
    town.clock.wait(1)
    assert town.civil.desk.ticket(token) is None


@pytest.mark.parametrize(
    "change", [lambda t: "", lambda t: t[:-1], lambda t: t + "A", lambda t: t.swapcase(), str.upper]
)
def test_a_guessed_token_opens_nothing(town, change):
    token = give(town.civil)
    assert town.civil.desk.ticket(change(token)) is None


def test_an_officer_revoked_meanwhile_has_no_ticket_and_takes_nothing_in(town):
    civil = town.civil
    token, other = give(civil), give(civil)
    ticket = civil.desk.ticket(other)
    civil.desk.revoke(civil.staff["林芳"].handle)
    assert civil.desk.ticket(token) is None
    size = civil.size()
    with pytest.raises(Exception, match="officer-unknown"):
        civil.desk.open_case(MATTER, PRIVATE, by=ticket.officer, once=ticket.once)
    assert civil.size() == size


def test_a_used_ticket_shows_what_came_of_it_for_a_while_also_past_its_own_end(town):
    civil, token = town.civil, give(town.civil)
    town.clock.wait(OPEN_SECONDS - 1)
    opened = take_in(civil.desk, token)
    town.clock.wait(SHOWN_SECONDS - 1)
    ticket = civil.desk.ticket(token)
    assert (ticket.became, ticket.record_id) == (opened.submitted.sub, opened.submitted.record_id)
    town.clock.wait(1)
    assert civil.desk.ticket(token) is None


def test_the_same_form_again_is_the_same_case_whatever_it_says_now(town):
    civil, token = town.civil, give(town.civil)
    first = take_in(civil.desk, token)
    size = civil.size()
    again = take_in(civil.desk, token, applicant="另一个人")
    assert (again.number, again.query_code) == (first.number, first.query_code)
    assert civil.size() == size


def test_one_ticket_in_two_workers_at_once_is_one_case(either_town):
    civil: Department = either_town.civil
    token, size = give(civil), civil.size()
    deeds = [lambda desk, name=name: take_in(desk, token, applicant=name) for name in ("何秀英", "王桂兰")]
    assert at_once(civil, deeds) == ["done", "done"]
    assert civil.size() == size + 1


def test_a_worker_that_dies_after_the_deed_has_used_the_ticket(either_town):
    civil: Department = either_town.civil
    token, size = give(civil), civil.size()
    killed(civil, lambda desk: take_in(desk, token))
    assert civil.size() == size + 1
    assert known(civil.desk, token).became is not None
    assert take_in(civil.desk, token).submitted.already
    assert civil.size() == size + 1


def test_what_the_qr_says_is_kept_sealed_and_bound_to_its_ticket(either_town):
    civil: Department = either_town.civil
    token, other = give(civil), give(civil)
    civil.desk.keep_slip(known(civil.desk, token), "http://weixin.qq.com/q/secret")
    assert known(civil.desk, token).slip == "http://weixin.qq.com/q/secret"
    assert known(civil.desk, other).slip is None


def test_neither_token_nor_what_was_typed_nor_the_qr_stands_in_the_database(town):
    civil, token = town.civil, give(town.civil)
    opened = take_in(civil.desk, token)
    civil.desk.keep_slip(civil.desk.ticket(token), "http://weixin.qq.com/q/secret")
    lines = dump(civil)
    for secret in (token, opened.number, opened.query_code, "q/secret", *PRIVATE.values()):
        assert secret not in lines
        assert secret.encode().hex().upper() not in lines


def test_tickets_are_forgotten_a_day_after_their_end(town):
    civil = town.civil
    give(civil)
    town.clock.wait(OPEN_SECONDS + KEPT_SECONDS + 1)
    give(civil)
    assert dump(civil).count('INSERT INTO "tickets"') == 1


# --- who an ID number belongs to ---


def owner(town: Town, opened) -> str:
    with town.civil.facts() as facts:
        case = facts.case(town.civil.ref(opened.submitted.sub))
    assert case is not None
    assert case.citizen is not None
    return case.citizen


def hand_in(town: Town, desk=None, **private):
    by, once = town.civil.staff["林芳"].handle, town.civil.once()
    return (desk or town.civil.desk).open_case(MATTER, PRIVATE | private, by=by, once=once)


def test_the_same_id_number_is_the_same_citizen_however_it_is_written(town):
    first = hand_in(town, id_number="33019919440120001X")
    for written in ("33019919440120001x", " 33019919440120001X "):
        assert owner(town, hand_in(town, id_number=written)) == owner(town, first)


def test_another_id_number_or_none_is_another_citizen(town):
    first = hand_in(town)
    assert owner(town, hand_in(town, id_number="330199195902140026")) != owner(town, first)
    by = town.civil.staff["林芳"].handle
    for once in ("without-1", "without-2"):
        opened = town.civil.desk.open_case(MATTER, {"applicant": "何秀英"}, by=by, once=once)
        assert owner(town, opened) != owner(town, first)


def test_whoever_is_bound_sees_the_new_case_too(town):
    first = hand_in(town)
    town.civil.desk.bind("openid", town.civil.desk.binding_code_for(owner(town, first), 300))
    second = hand_in(town)
    with town.civil.facts() as facts:
        [binding] = facts.citizens_of("openid")
        assert [case.number for case in facts.cases_of(binding.citizen)] == [first.number, second.number]


def test_a_case_cannot_be_put_to_somebody_else_than_its_id_number_says(town):
    other = owner(town, hand_in(town, id_number="330199195902140026"))
    hand_in(town)
    by, size = town.civil.staff["林芳"].handle, town.civil.size()
    with pytest.raises(Exception, match="another-citizen"):
        town.civil.desk.open_case(MATTER, PRIVATE, by=by, once="wrong", citizen=other)
    assert town.civil.size() == size


def test_two_first_cases_of_one_person_at_once_are_one_citizens(either_town):
    civil: Department = either_town.civil
    by = civil.staff["林芳"].handle
    deeds = [lambda desk, n=n: desk.open_case(MATTER, PRIVATE, by=by, once=f"first-{n}") for n in range(2)]
    assert at_once(civil, deeds) == ["done", "done"]
    with civil.facts() as facts:
        cases = [facts.case(ref) for ref in facts.queue("case", [CaseStatus.SUBMITTED], limit=10)]
        owners = {case.citizen for case in cases if case is not None}
        assert len(cases) == 2
        assert owners == {facts.citizen_with(PRIVATE["id_number"])}


def test_the_log_does_not_show_that_two_cases_are_one_persons(town):
    hand_in(town)
    hand_in(town)
    [first, second] = [each for each in town.civil.records() if each.kind == "case-submitted"]
    assert set(first.digests).isdisjoint(second.digests)
    assert first.sub != second.sub
    assert first.clear == second.clear == {"matter": MATTER}
