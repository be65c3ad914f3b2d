"""What a stranger learns: nothing. One text for every number that is not theirs, after equal work."""

from contextlib import contextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from handlers.locale import TEXTS
from ledger.records.numbers import check_digits
from ledger.storage.prepared import Prepared
from tests.handlers_citizen.chats import HOUR

FIXED = TEXTS["zh"]["number.stranger"]
MISTYPED = TEXTS["zh"]["number.mistyped"]
WAIT = TEXTS["zh"]["number.wait"]


def numbered(body):
    return body + check_digits(body)


def wrong(code):
    return "00000000" if code != "00000000" else "11111111"


@pytest.mark.parametrize("word", ["进度 ", "补贴 ", "经过 ", "", "progress ", "payment ", "请帮我查一下 "])
def test_existing_unknown_foreign_and_unheard_of_numbers_get_one_text(stage, opened, word):
    unknown = numbered("212611239999")
    finance, nowhere = numbered("222611230047"), numbered("992611230047")
    for number in (opened.number, unknown, finance, nowhere):
        answer = stage.person().reads(f"{word}{number}")
        assert answer == FIXED
        assert not any(digit in answer.replace("8位", "") for digit in "0123456789")


def test_another_persons_last_four_digits_get_the_same_text(stage, opened):
    other = stage.hand_in(applicant="孙丽", account="6217000000000004471")
    bound = stage.bind(opened.citizen)
    assert bound.reads(f"进度 {other.number[-4:]}") == FIXED
    assert stage.person().reads(f"进度 {other.number[-4:]}") == FIXED
    assert "现在：" in bound.reads(f"进度 {opened.number[-4:]}")


def test_a_wrong_code_gets_the_same_text_whether_or_not_the_number_exists(stage, opened):
    for number in (opened.number, numbered("212611239999")):
        assert stage.person().reads(f"进度 {number} {wrong(opened.query_code)}") == FIXED


def test_five_wrong_codes_an_hour_then_wait_and_even_the_right_one_waits(stage, opened):
    person = stage.person()
    for _ in range(5):
        assert person.reads(f"进度 {opened.number} {wrong(opened.query_code)}") == FIXED
    assert person.reads(f"进度 {opened.number} {opened.query_code}") == WAIT
    assert "请过一小时再试" in WAIT
    # A number is only slowed, never locked: somebody else may ask.
    assert "现在：" in stage.person().reads(f"进度 {opened.number} {opened.query_code}")
    stage.town.clock.wait(HOUR + 1)
    assert "现在：" in person.reads(f"进度 {opened.number} {opened.query_code}")


def test_asking_without_a_code_counts_as_no_try(stage, opened):
    person = stage.person()
    for _ in range(20):
        assert person.reads(opened.number) == FIXED
    assert "现在：" in person.reads(f"{opened.number} {opened.query_code}")


def test_a_number_that_many_try_is_slowed_whether_or_not_it_exists(stage, opened):
    for number in (opened.number, numbered("212611239999")):
        stage.slept.clear()
        for _ in range(14):
            stage.person().reads(f"进度 {number} {wrong(opened.query_code)}")
        assert stage.slept[0] == 0
        assert 0 < stage.slept[-1] < 2.5


def test_a_number_whose_check_fails_is_mistyped_whoever_asks(stage, opened):
    bad = opened.number[:-1] + str((int(opened.number[-1]) + 1) % 10)
    bound = stage.bind(opened.citizen)
    for person in (stage.person(), bound):
        assert person.reads(f"进度 {bad}") == MISTYPED
        assert person.reads(bad) == MISTYPED
        assert person.reads(f"补贴 {bad} {opened.query_code}") == MISTYPED


def test_a_binding_to_one_citizen_opens_no_other(stage, opened):
    other = stage.hand_in(applicant="孙丽", account="6217000000000004471")
    bound = stage.bind(opened.citizen)
    assert bound.reads(f"进度 {other.number}") == FIXED
    assert "现在：" in bound.reads(f"进度 {other.number} {other.query_code}")  # the family's slip


def test_the_query_code_is_written_into_no_link_and_no_session(stage, opened):
    person = stage.person()
    answer = person.says(f"进度 {opened.number} {opened.query_code}")
    assert opened.query_code not in answer
    assert opened.query_code not in person.stored
    story = person.says("1")
    assert "收到申请" in story
    assert opened.query_code not in story


def test_what_a_slip_opened_is_open_for_half_an_hour_to_its_choices_only(stage, opened):
    person = stage.person()
    person.says(f"进度 {opened.number} {opened.query_code}")
    assert person.reads(f"进度 {opened.number}") == FIXED
    assert "收到申请" in person.reads("看经过")
    stage.town.clock.wait(HOUR)
    assert "收到申请" not in person.reads("看经过")


@contextmanager
def statements(stage):
    """What the database is asked meanwhile: the time that an answer takes, without the noise of a clock."""
    asked: list[str] = []

    def note(_conn, _cursor, statement, *_rest):
        asked.append(statement)

    rows = Prepared.rows

    def noted_rows(self, conn, values=None):
        asked.append(str(self._statement))
        return rows(self, conn, values)

    event.listen(stage.town.civil.engine, "before_cursor_execute", note)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Prepared, "rows", noted_rows)
            yield asked
    finally:
        event.remove(stage.town.civil.engine, "before_cursor_execute", note)


@pytest.mark.parametrize("word", ["进度 ", "补贴 ", "经过 ", "", "请帮我查一下 "])
@pytest.mark.parametrize("code", ["", " 00000001"])
@pytest.mark.parametrize("is_bound", [False, True])
def test_the_same_work_for_numbers_that_exist_and_that_do_not(stage, opened, word, code, is_bound):
    payment = stage.pay(stage.approve(opened.submitted.sub))
    person = stage.bind(stage.hand_in("高龄津贴").citizen) if is_bound else stage.person()
    numbers = [opened.number, stage.number("payment", payment), numbered("212611239999")]
    numbers += [numbered("222611230047"), numbered("992611230047")]
    work = []
    for number in numbers:
        person.reads(f"{word}{number}{code}")  # its first wrong try is a row to insert, the second one to change
        stage.slept.clear()
        with statements(stage) as asked:
            assert person.reads(f"{word}{number}{code}") == FIXED
        work.append((asked, list(stage.slept)))
        stage.town.clock.wait(HOUR + 1)
    assert work[0][0]
    assert all(each == work[0] for each in work)


def test_the_same_work_for_last_digits_that_exist_and_that_do_not(stage, opened):
    bound = stage.bind(stage.hand_in("高龄津贴").citizen)
    for person in (bound, stage.person()):
        person.reads("1111")  # what a thread has read already is the same work for none
        work = []
        for tail in (opened.number[-4:], "0000"):
            with statements(stage) as asked:
                assert person.reads(tail) == FIXED
            work.append(asked)
        assert work[0] == work[1]


STAFF = ["#待办", "#批准 {}", "＃批准 {} 2万", "/查 {}", "#登录 123456", "#完成 {}", "#不存在的命令", "#", "#低保"]


@pytest.mark.parametrize("command", STAFF)
def test_a_staff_command_from_no_officer_gets_the_text_for_what_was_not_understood(stage, opened, command):
    nonsense = stage.person().reads("阿巴阿巴")
    for number in (opened.number, numbered("212611239999")):
        assert stage.person().reads(command.format(number)) == nonsense


@given(st.text(max_size=80))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
def test_whatever_a_stranger_types_is_answered_and_makes_no_record(stage, words):
    size = stage.size()
    person = stage.person()
    assert person.says(words) is not None
    assert stage.size() == size
