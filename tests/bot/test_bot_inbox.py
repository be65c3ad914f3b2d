"""Each delivery is answered once and each dialogue changed by one at a time: across threads, processes and crashes."""

import multiprocessing
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from time import time
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy import text as sql

from bot import storage
from bot.bot import Bot
from bot.errors import AnswerNotStored, Busy, DatabaseBusy, Overtaken
from bot.inbox import ANSWER_KEPT_SECONDS, KEY_KEPT_SECONDS, LEASE_SECONDS, Answered, Inbox, parse_answer, print_answer
from bot.messages import Unsubscribed, Viewed
from bot.replies import SILENCE, NewsReply, TextReply, text
from bot.routing import Route, Router, on_command
from bot.sessions import Session, parse_session, print_session
from tests.bot.conftest import ROUTES, Deeds, busy, count, failed, is_number, message

NEVER = lambda: False  # noqa: E731 - a word, not a function
AT_ONCE = lambda: True  # noqa: E731 - a word, not a function


def said(bot, delivery) -> str:
    reply = bot.answer(delivery, sealed=True)
    assert isinstance(reply, TextReply)
    return reply.content


class Clock:
    def __init__(self) -> None:
        self.time = 1_800_000_000.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def any_inbox(any_engine, clock) -> Inbox:
    return Inbox(any_engine, clock, template_id="T")


def rows(engine, query):
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(sql(query))]


def test_a_repeat_gets_the_first_answer(any_inbox):
    lease = any_inbox.claim(message("进度"), NEVER)
    any_inbox.finish(lease, text("在审核"))
    assert any_inbox.claim(message("进度"), NEVER) == Answered(text("在审核"))
    assert any_inbox.claim(message("进度"), NEVER) == Answered(text("在审核"))


def test_the_dialogue_is_stored_with_the_answer_or_not_at_all(any_inbox):
    lease = any_inbox.claim(message("一"), NEVER)
    lease.session.data["draft"] = {"n": 3}
    lease.session.choices = {"1": "确认 3"}
    any_inbox.give_back(lease)
    lease = any_inbox.claim(message("一"), NEVER)
    assert lease.session == Session()
    lease.session.data["draft"] = {"n": 4}
    lease.session.language = "en"
    any_inbox.finish(lease, SILENCE)
    assert any_inbox.claim(message("二"), NEVER).session == Session({"draft": {"n": 4}}, {}, "en")


def test_while_one_message_is_answered_the_next_of_that_person_waits_and_others_do_not(any_inbox):
    lease = any_inbox.claim(message("一"), NEVER)
    with pytest.raises(Busy):
        any_inbox.claim(message("二"), AT_ONCE)
    any_inbox.claim(message("一", sender="another"), AT_ONCE)
    any_inbox.finish(lease, SILENCE)
    any_inbox.claim(message("二"), AT_ONCE)


def test_waiting_stores_nothing(any_inbox, any_engine):
    any_inbox.claim(message("一"), NEVER)
    before = rows(any_engine, "SELECT * FROM bot_sessions"), rows(any_engine, "SELECT * FROM bot_inbox")
    with pytest.raises(Busy):
        any_inbox.claim(message("二"), AT_ONCE)
    assert before == (rows(any_engine, "SELECT * FROM bot_sessions"), rows(any_engine, "SELECT * FROM bot_inbox"))


def test_the_lease_of_a_dead_worker_runs_out_before_wechats_second_repeat(any_inbox, clock):
    assert LEASE_SECONDS < 5
    any_inbox.claim(message("一"), NEVER)
    clock.time += LEASE_SECONDS - 0.1
    with pytest.raises(Busy):
        any_inbox.claim(message("一"), AT_ONCE)
    clock.time += 0.1
    assert any_inbox.claim(message("一"), AT_ONCE).fence == 2


def test_a_lease_from_a_clock_that_ran_ahead_blocks_nobody_for_long(any_inbox, clock):
    clock.time += 86_400
    any_inbox.claim(message("一"), NEVER)
    clock.time -= 86_400
    any_inbox.claim(message("一"), AT_ONCE)


def test_who_lost_the_lease_can_store_nothing(any_inbox, clock):
    slow = any_inbox.claim(message("一"), NEVER)
    clock.time += LEASE_SECONDS
    quick = any_inbox.claim(message("一"), NEVER)
    slow.session.data["torn"] = True
    with pytest.raises(Overtaken):
        any_inbox.finish(slow, text("zu spät"))
    any_inbox.give_back(slow)  # nor give back what is not theirs
    with pytest.raises(Busy):
        any_inbox.claim(message("二"), AT_ONCE)
    any_inbox.finish(quick, text("first"))
    with pytest.raises(Overtaken):
        any_inbox.finish(slow, text("zu spät"))
    assert any_inbox.claim(message("一"), NEVER) == Answered(text("first"))
    assert any_inbox.claim(message("二"), NEVER).session.data == {}


def test_answers_are_forgotten_before_their_keys(any_inbox, any_engine, clock):
    any_inbox.finish(any_inbox.claim(message("一"), NEVER), text("私事"))
    clock.time += ANSWER_KEPT_SECONDS
    any_inbox.prune()
    assert any_inbox.claim(message("一"), NEVER) == Answered(text("私事"))
    clock.time += 1
    any_inbox.prune()
    assert any_inbox.claim(message("一"), NEVER) == Answered(SILENCE)  # still not done again
    clock.time += KEY_KEPT_SECONDS - ANSWER_KEPT_SECONDS
    any_inbox.prune()
    assert rows(any_engine, "SELECT * FROM bot_inbox") == []


def test_what_decides_about_notices_is_noted_with_the_answer(any_inbox, any_engine, clock):
    def noted():
        return rows(any_engine, "SELECT followed, last_message_at FROM bot_sessions")[0]

    any_inbox.finish(any_inbox.claim(message("一"), NEVER), SILENCE)
    assert noted() == (1, clock.time)
    common: dict[str, Any] = {"sender": "citizen", "account": "g", "created": 0}
    spoke_at = clock.time
    clock.time += 60
    any_inbox.finish(any_inbox.claim(Viewed(**common, delivery_key="v", url=""), NEVER), SILENCE)
    assert noted() == (1, spoke_at)  # opening a page opens no 48 hours
    any_inbox.finish(any_inbox.claim(Unsubscribed(**common, delivery_key="u"), NEVER), SILENCE)
    assert noted() == (0, spoke_at)
    any_inbox.note_follower("citizen")
    assert noted() == (1, clock.time)


@pytest.mark.parametrize("reply", [SILENCE, text(""), text("在审核\n[1]"), NewsReply("题", "说明", "https://x", "")])
def test_an_answer_is_written_down_and_read_back(reply):
    assert parse_answer(print_answer(reply)) == reply


def test_a_session_has_one_spelling():
    assert print_session(Session()) == "{}"
    session = Session({"b": 1, "a": [None, "办"]}, {"1": "确认 3"}, "zh")
    assert parse_session(print_session(session)) == session


def test_a_hundred_messages_of_one_person_at_once_cannot_tear_the_dialogue(bot, engine):
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: said(bot, message("计数", key=f"citizen {n}")), range(100)))
    assert sorted(answers, key=lambda answer: int(answer.split("|")[1])) == [f"count|{n}" for n in range(1, 101)]


def test_a_repeat_that_comes_while_the_first_is_being_answered_waits_for_that_answer(config, engine, deeds):
    inside, waiting = threading.Event(), threading.Event()

    def hold(request):
        inside.set()
        assert waiting.wait(10)

    deeds.before_answer = hold
    first = Bot(config, Router(ROUTES, deeds, is_number), engine, busy=busy)
    repeat = Bot(config, Router(ROUTES, deeds, is_number), engine, busy=busy, sleep=lambda seconds: waiting.set())
    with ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(first.answer, message("钱收到了"), sealed=True)]
        assert inside.wait(10)
        answers.append(pool.submit(repeat.answer, message("钱收到了"), sealed=True))
        assert [answer.result(10) for answer in answers] == [text("done|"), text("done|")]
    assert deeds.done == ["act"]
    assert deeds.calls == {}


def test_who_answers_after_the_lease_says_what_the_repeat_was_told(config, engine, clock):
    """The first is so slow that the repeat is answered: both say the same, and the deed is done once."""
    deeds = Deeds()
    bot = Bot(config, Router(ROUTES, deeds, is_number), engine, busy=busy, now=clock)
    another_process = Bot(config, Router(ROUTES, deeds, is_number), engine, busy=busy, now=clock)

    def be_slow(request):
        deeds.before_answer = lambda request: None
        clock.time += LEASE_SECONDS + 1
        assert another_process.answer(message("钱收到了"), sealed=True) == text("done|")

    deeds.before_answer = be_slow
    assert bot.answer(message("钱收到了"), sealed=True) == text("done|")
    assert deeds.done == ["act"]


def test_a_repeat_in_the_same_process_waits_its_turn_and_gives_up_in_time(bot, deeds):
    inside, done = threading.Event(), threading.Event()

    def hold(request):
        inside.set()
        assert done.wait(10)

    deeds.before_answer = hold
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(bot.answer, message("钱收到了"), sealed=True)
        assert inside.wait(10)
        bot.answer_seconds = 0.01
        assert bot.answer(message("钱收到了"), sealed=True) == busy(None, None)
        bot.answer_seconds = 5
        repeat = pool.submit(bot.answer, message("钱收到了"), sealed=True)
        done.set()
        assert [first.result(10), repeat.result(10)] == [text("done|")] * 2
    assert deeds.done == ["act"]


class Folder:
    """Deeds that outlive a process: one file a delivery key, made by whoever is first."""

    def __init__(self, path: str) -> None:
        self.path = Path(path)

    def act(self, once: str) -> None:
        with (self.path / "calls").open("a") as calls:
            calls.write("x")
        (self.path / f"deed-{once.replace(' ', '_')}").touch()


def _worker(config, url, folder, ready, inside, waiting, answers, role):
    """One of two worker processes on one database."""
    if role == "repeat":  # it takes longer to start than a lease lasts
        ready.set()
        assert inside.wait(20)

    def confirm(request, deeds):
        deeds.act(request.delivery_key)
        inside.set()
        if role == "crash":
            os._exit(9)  # after the deed, before the answer
        if role == "first":
            assert waiting.wait(20)
        return text(f"confirmed by {role}")

    def sleep(seconds):
        waiting.set()

    engine = storage.open_engine(url)
    router = Router([on_command("确认", confirm, exact=True)], Folder(folder), is_number)
    bot = Bot(config, router, engine, busy=busy, sleep=sleep)
    answers.put((role, said(bot, message("确认"))))
    engine.dispose()


def _deeds(folder: Path) -> tuple[int, int]:
    return len(list(folder.glob("deed-*"))), len((folder / "calls").read_text())


@pytest.fixture
def processes(config, engine, tmp_path):
    context = multiprocessing.get_context("spawn")
    ready, inside, waiting, answers = context.Event(), context.Event(), context.Event(), context.Queue()

    def start(role):
        arguments = (config, str(engine.url), str(tmp_path), ready, inside, waiting, answers, role)
        process = context.Process(target=_worker, args=arguments, daemon=True)
        process.start()
        return process

    yield start, ready, answers
    answers.close()


def test_a_repeat_in_another_process_waits_for_the_first_answer_and_does_nothing_twice(processes, tmp_path):
    start, ready, answers = processes
    repeat = start("repeat")
    assert ready.wait(20)
    first = start("first")
    told = dict(answers.get(timeout=20) for _ in range(2))
    assert told == {"first": "confirmed by first", "repeat": "confirmed by first"}
    assert _deeds(tmp_path) == (1, 1)
    first.join(10), repeat.join(10)


def test_a_process_that_dies_between_deed_and_answer_leaves_the_answer_to_the_repeat(
    processes, config, engine, tmp_path
):
    start, _, _ = processes
    dead = start("crash")
    dead.join(20)
    assert dead.exitcode == 9
    folder = Folder(str(tmp_path))

    def confirm(request, deeds):
        deeds.act(request.delivery_key)
        return text("confirmed by repeat")

    # WeChat's second try comes five seconds after the first; the clock is put there instead of waiting.
    router = Router([on_command("确认", confirm, exact=True)], folder, is_number)
    bot = Bot(config, router, engine, busy=busy, now=lambda: time() + 5)
    assert bot.answer(message("确认"), sealed=True) == text("confirmed by repeat")
    assert _deeds(tmp_path) == (1, 2)  # asked twice, done once


@pytest.fixture
def impatient(engine):
    """The same database by a way that does not wait for locks."""
    other = storage.open_engine(str(engine.url))
    event.listen(other, "connect", lambda connection, _: connection.execute("PRAGMA busy_timeout=1").close())
    yield other
    other.dispose()


def test_a_locked_database_is_told_and_leaves_nothing(config, deeds, engine, impatient):
    bot = Bot(config, Router(ROUTES, deeds, is_number), impatient, busy=busy, failed=failed)
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        assert bot.answer(message("钱收到了"), sealed=True) == text("busy")
        connection.rollback()
    assert deeds.done == []
    assert bot.answer(message("钱收到了"), sealed=True) == text("done|")


def test_a_full_database_is_told_and_leaves_nothing(config, deeds, engine):
    full = storage.open_engine(str(engine.url))
    event.listen(full, "connect", lambda connection, _: connection.execute("PRAGMA max_page_count=1").close())
    bot = Bot(config, Router(ROUTES, deeds, is_number), full, busy=busy, failed=failed)
    for n in range(100):  # until the free room inside the pages is used up
        if bot.answer(message("帮助", sender=f"{n} {'x' * 3000}"), sealed=True) == text("busy"):
            break
    else:
        pytest.fail("the database took everything")
    full.dispose()


def test_a_database_that_is_gone_is_told(config, deeds):
    gone = storage.open_engine("postgresql+psycopg://nobody@127.0.0.1:1/none")
    bot = Bot(config, Router(ROUTES, deeds, is_number), gone, busy=busy, failed=failed)
    assert bot.answer(message("钱收到了"), sealed=True) == text("busy")
    assert deeds.done == []


def test_a_handler_that_finds_the_database_locked_is_excused_and_may_be_asked_again(config, deeds, engine, impatient):
    bot = Bot(config, Router(ROUTES, deeds, is_number), engine, busy=busy, failed=failed)

    def write_elsewhere(request):
        with engine.connect() as holder, impatient.connect() as other:
            holder.exec_driver_sql("BEGIN IMMEDIATE")
            other.exec_driver_sql("UPDATE bot_sessions SET heads = 0")

    deeds.before_answer = write_elsewhere
    assert bot.answer(message("进度"), sealed=True) == text("busy")
    deeds.before_answer = lambda request: None
    assert bot.answer(message("进度"), sealed=True) == text("progress|")


def test_when_the_answer_cannot_be_stored_only_a_repeat_is_asked_for(config, engine, impatient):
    """The handler may have acted: neither "try again" nor its answer would surely be true."""
    deeds = Deeds()
    bot = Bot(config, Router(ROUTES, deeds, is_number), impatient, busy=busy)
    bot.answer_seconds = 0.2
    holder = engine.connect()
    deeds.before_answer = lambda request: holder.exec_driver_sql("BEGIN IMMEDIATE")
    with pytest.raises(AnswerNotStored):
        bot.answer(message("钱收到了"), sealed=True)
    holder.rollback()
    holder.close()
    deeds.before_answer = lambda request: None
    later = Bot(config, Router(ROUTES, deeds, is_number), engine, busy=busy, now=lambda: time() + 5)
    assert later.answer(message("钱收到了"), sealed=True) == text("done|")
    assert deeds.done == ["act"]


def test_an_answer_that_is_too_long_is_cut_and_the_cut_one_is_repeated(config, engine):
    router = Router([on_command("长", lambda request, _: TextReply("办" * 3000))], Deeds(), is_number)
    bot = Bot(config, router, engine, busy=busy)
    first = said(bot, message("长"))
    assert len(first.encode()) <= 2048
    assert said(bot, message("长")) == first


# --- questions: answered without a lease, and again when somebody was quicker ---


def test_a_question_writes_nothing_until_it_is_answered(any_inbox, any_engine):
    any_inbox.finish(any_inbox.claim(message("一"), NEVER), SILENCE)
    before = rows(any_engine, "SELECT * FROM bot_sessions")
    claim = any_inbox.claim(message("二"), NEVER, hold=False)
    assert not claim.held
    assert rows(any_engine, "SELECT * FROM bot_sessions") == before
    any_inbox.give_back(claim)
    assert rows(any_engine, "SELECT * FROM bot_sessions") == before
    claim.session.data["seen"] = 1
    any_inbox.finish(claim, text("是"))
    assert any_inbox.claim(message("二"), NEVER, hold=False) == Answered(text("是"))
    assert any_inbox.claim(message("三"), NEVER, hold=False).session.data == {"seen": 1}


def test_the_first_message_of_a_person_is_held_whatever_it_is(any_inbox):
    assert any_inbox.claim(message("一"), NEVER, hold=False).held


def test_of_two_questions_at_once_the_slower_one_stores_nothing(any_inbox):
    any_inbox.finish(any_inbox.claim(message("一"), NEVER), SILENCE)
    slow, quick = (any_inbox.claim(message(words), NEVER, hold=False) for words in ("二", "三"))
    any_inbox.finish(quick, text("quick"))
    slow.session.data["torn"] = True
    with pytest.raises(Overtaken):
        any_inbox.finish(slow, text("slow"))
    again = any_inbox.claim(message("二"), NEVER, hold=False)
    assert again.session.data == {}
    any_inbox.finish(again, text("slow"))


def test_a_question_waits_for_what_acts_and_is_overtaken_by_it(any_inbox):
    any_inbox.finish(any_inbox.claim(message("一"), NEVER), SILENCE)
    question = any_inbox.claim(message("二"), NEVER, hold=False)
    act = any_inbox.claim(message("三"), NEVER)
    with pytest.raises(Overtaken):
        any_inbox.finish(question, text("before"))
    with pytest.raises(Busy):
        any_inbox.claim(message("二"), AT_ONCE, hold=False)
    any_inbox.finish(act, text("done"))
    any_inbox.finish(any_inbox.claim(message("二"), AT_ONCE, hold=False), text("after"))


def test_a_notice_above_an_answer_is_shown_once_also_when_the_answer_was_overtaken(any_inbox, any_engine):
    any_inbox.finish(any_inbox.claim(message("一"), NEVER), SILENCE)
    with any_engine.begin() as connection:
        columns = "id, key, openid, text, record, state, created_at, next_at, tries, reason, done_at"
        connection.execute(
            sql(f"INSERT INTO bot_outbox ({columns}) VALUES (1, 'k', 'citizen', 'news', 'r', 'head', 0, 0, 0, '', 0)")
        )
        connection.execute(sql("UPDATE bot_sessions SET heads = 1"))
    slow, quick = (any_inbox.claim(message(words), NEVER, hold=False) for words in ("二", "三"))
    assert [head.text for head in slow.heads] == [head.text for head in quick.heads] == ["news"]
    any_inbox.finish(quick, text("news quick"), quick.heads)
    with pytest.raises(Overtaken):
        any_inbox.finish(slow, text("news slow"), slow.heads)
    assert any_inbox.claim(message("二"), NEVER, hold=False).heads == ()
    assert rows(any_engine, "SELECT heads FROM bot_sessions") == [(0,)]


def _looking(deeds: Deeds) -> list[Route[Deeds]]:
    """The small conversation, whose questions say that they only look."""
    return [
        on_command("计数", count, looks=True),
        *(row for row in ROUTES if getattr(row, "word", None) != "计数"),
    ]


@pytest.mark.parametrize(
    ("overtaker", "answers"),
    [
        pytest.param("3", ["count|2", "count|3"], id="another question: answered again, from what holds now"),
        pytest.param("2", ["count|2", "count|2"], id="its own repeat: both get one answer"),
    ],
)
def test_a_question_that_is_overtaken_in_another_process(config, engine, overtaker, answers):
    deeds, another = Deeds(), Deeds()
    bot = Bot(config, Router(_looking(deeds), deeds, is_number), engine, busy=busy)
    another_process = Bot(config, Router(_looking(another), another, is_number), engine, busy=busy)
    assert said(bot, message("计数", key="1")) == "count|1"
    heard: list[str] = []

    def be_overtaken(request):
        deeds.before_answer = lambda request: None
        heard.append(said(another_process, message("计数", key=overtaker)))

    deeds.before_answer = be_overtaken
    heard.append(said(bot, message("计数", key="2")))
    assert heard == answers


def test_whoever_is_overtaken_is_answered_under_a_lease_the_second_time(config, engine):
    """So however much another process is told, nobody is overtaken for ever."""
    deeds, another = Deeds(), Deeds()
    bot = Bot(config, Router(_looking(deeds), deeds, is_number), engine, busy=busy)
    another_process = Bot(config, Router(_looking(another), another, is_number), engine, busy=busy)
    another_process.answer_seconds = 0.05
    assert said(bot, message("计数", key="1")) == "count|1"
    told: list[str] = []

    def be_overtaken_again_and_again(request):
        assert len(told) < 5
        told.append(said(another_process, message("计数", key=f"other {len(told)}")))

    deeds.before_answer = be_overtaken_again_and_again
    assert said(bot, message("计数", key="2")) == "count|3"
    assert told == ["count|2", "busy"]


@pytest.mark.parametrize(
    ("row", "words", "held"),
    [
        (on_command("看", count, looks=True), "看", False),
        (
            on_command("看", count, looks=True),
            "看 21261123004798",
            True,
        ),  # a number may bring a code, and codes are counted
        (on_command("看", count), "看", True),
    ],
)
def test_only_what_says_that_it_looks_goes_without_a_lease(config, engine, row, words, held):
    deeds = Deeds()
    bot = Bot(config, Router([row], deeds, is_number), engine, busy=busy)
    bot.answer(message(words, key="first"), sealed=True)
    leased = []
    deeds.before_answer = lambda request: leased.extend(rows(engine, "SELECT lease_until > 0 FROM bot_sessions"))
    bot.answer(message(words, key="second"), sealed=True)
    assert leased == [(int(held),)]


def test_connections_that_wait_between_two_messages_are_few_and_end_with_a_fork(tmp_path):
    engine = storage.open_engine(f"sqlite:///{tmp_path / 'bot.db'}")
    database = storage.Database(engine)
    one = database.compile("SELECT 1")

    def taken() -> int:
        pool: Any = engine.pool
        return int(pool.checkedout())

    with ExitStack() as together:
        for _ in range(storage.IDLE_MAX + 3):
            together.enter_context(database.transaction()).run(one, {})
    assert taken() == storage.IDLE_MAX
    engine.dispose(close=False)  # as each worker does when it begins
    with database.transaction() as transaction:
        assert transaction.run(one, {}).fetchone() == (1,)
    assert taken() == 1


def test_a_forked_process_takes_no_connection_that_waits_in_the_other(tmp_path):
    engine = storage.open_engine(f"sqlite:///{tmp_path / 'bot.db'}")
    database = storage.Database(engine)
    with database.transaction() as transaction:
        transaction.run(database.compile("SELECT 1"), {})
    child = os.fork()
    if child == 0:
        os._exit(0 if database._idle_one() is None else 1)
    assert os.waitpid(child, 0)[1] == 0
    left = database._idle_one()
    assert left is not None  # still there for us
    left.close()


def test_a_transaction_that_was_left_without_a_commit_holds_nothing(tmp_path):
    engine = storage.open_engine(f"sqlite:///{tmp_path / 'bot.db'}")
    storage.metadata.create_all(engine)
    database = storage.Database(engine)
    forget = database.compile("DELETE FROM bot_inbox")
    with database.writing() as transaction:
        transaction.run(forget, {})  # takes the writer's place, and nothing commits
    with engine.connect() as other:
        other.execute(sql("BEGIN IMMEDIATE"))
    with pytest.raises(LookupError), database.writing():
        raise LookupError
    with database.writing() as transaction:
        transaction.run(forget, {})
        transaction.commit()


def test_whoever_writes_waits_for_another_process_and_not_for_ever(tmp_path, monkeypatch):
    engine = storage.open_engine(f"sqlite:///{tmp_path / 'bot.db'}")
    storage.metadata.create_all(engine)
    database = storage.Database(engine)
    other = engine.connect()
    other.execute(sql("BEGIN IMMEDIATE"))
    asked = []

    def let_go_at_the_third(seconds: float) -> None:
        asked.append(seconds)
        if len(asked) == 3:
            other.rollback()

    monkeypatch.setattr("bot.storage.time.sleep", let_go_at_the_third)
    with database.writing() as transaction:
        transaction.run(database.compile("DELETE FROM bot_inbox"), {})
        transaction.commit()
    assert len(asked) == 3
    assert asked == sorted(asked)
    assert asked[-1] <= storage.PAUSE_SECONDS_MAX
    other.execute(sql("BEGIN IMMEDIATE"))
    monkeypatch.setattr(storage, "LOCK_SECONDS", 0.0)
    with pytest.raises(DatabaseBusy), database.writing():
        pytest.fail("two writers at once")
    other.close()


def test_waiting_for_the_writer_s_place_leaves_the_connection_as_patient_as_it_was(tmp_path):
    engine = storage.open_engine(f"sqlite:///{tmp_path / 'bot.db'}")
    database = storage.Database(engine)
    patience = database.compile("PRAGMA busy_timeout")
    with database.writing() as transaction:
        assert transaction.run(patience, {}).fetchone() == (int(storage.LOCK_SECONDS * 1000),)
