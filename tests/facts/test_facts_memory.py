"""What a thread remembers is true: every writer is noticed, also those that say that they change no fact."""

import itertools
import re
import threading
from collections import defaultdict

import pytest
from sqlalchemy import event
from sqlalchemy.pool import Pool

from ledger.memory import OBJECTS_MAX, Memories
from ledger.records.statement import Statement
from ledger.scribe import new_handle
from ledger.storage.engine import Moment, read_moment, reading, transaction
from tests.peers.rig import make_county

_WRITES = re.compile(r"\s*(?:INSERT INTO|UPDATE|DELETE FROM|REPLACE INTO)\s+\"?([a-z_]+)", re.IGNORECASE)

# What may be written without a fact having changed: none of it is kept in a memory longer than a moment.
NO_FACTS = {"moment", "heads", "cosignatures", "witnessed", "logs", "peers", "leases", "nonces", "cursors"}


class Listener:
    """What each connection wrote in each transaction that was committed."""

    def __init__(self):
        self.quiet: set[str] = set()  # written by those that say they change no fact
        self.statements: list[str] = []
        self._open = defaultdict(list)

    def hears(self, connection, statement):
        word = statement.strip().split(None, 1)[0].upper() if statement.strip() else ""
        heard = self._open[id(connection)]
        if word in {"BEGIN", "ROLLBACK"}:
            heard.clear()
        elif word == "COMMIT":
            written = [table[1] for each in heard if (table := _WRITES.match(each))]
            if "moment" in written and not any("), (2, " in each for each in heard):
                self.quiet |= set(written)
                self.statements += [each for each in heard if _WRITES.match(each)]
            heard.clear()
        else:
            heard.append(statement)


@pytest.fixture
def listener():
    heard = Listener()

    def connect(connection, _record):
        connection.set_trace_callback(lambda statement: heard.hears(connection, statement))

    event.listen(Pool, "connect", connect)
    yield heard
    event.remove(Pool, "connect", connect)


def test_whoever_says_that_no_fact_changes_writes_nothing_that_is_remembered(listener, tmp_path):
    county = make_county(tmp_path)
    try:
        county.town.apply()
        for _ in range(3):
            county.round()
        assert {"heads", "cosignatures", "leases"} <= listener.quiet
        assert listener.quiet <= NO_FACTS
        of_logs = [each for each in listener.statements if each.startswith("UPDATE logs")]
        assert of_logs
        assert all("first_cosigned" in each.partition("WHERE")[0] for each in of_logs)
    finally:
        county.close()


def test_the_line_of_trust_follows_the_cosignatures_though_no_fact_changed(tmp_path):
    county = make_county(tmp_path)
    try:
        sub, _code = county.town.apply()
        county.round()
        with county.civil.reading() as facts:
            case = facts.case(county.town.civil.ref(sub))
            assert case is not None
            before = facts.trust([(case.ref.log, case.index)])
        moment = _moment(county.civil)
        county.round()
        county.round()
        with county.civil.reading() as facts:
            after = facts.trust([(case.ref.log, case.index)])
        assert _moment(county.civil).written != moment.written
        assert set(after.departments) == {"公安局", "财政局"}
        assert before != after
    finally:
        county.close()


def _moment(node):
    with reading(node.engine) as connection:
        return read_moment(connection)


def test_an_act_is_seen_by_the_next_question_of_every_thread(either_town):
    town = either_town
    sub, _code = town.apply()
    asked, acted, seen = threading.Event(), threading.Event(), []

    def ask():
        with town.civil.facts() as facts:
            seen.append(str(facts.case(town.civil.ref(sub)).state.status))
        asked.set()
        assert acted.wait(20)
        with town.civil.facts() as facts:
            seen.append(str(facts.case(town.civil.ref(sub)).state.status))

    thread = threading.Thread(target=ask)
    thread.start()
    assert asked.wait(20)
    town.civil.act("林芳", "case-accepted", sub)
    acted.set()
    thread.join(20)
    assert seen == ["SUBMITTED", "ACCEPTED"]


def test_what_was_composed_is_composed_again_when_a_fact_changed(town):
    (sub, _code), composed = town.apply(), itertools.count(1)

    def ask():
        with town.civil.facts() as facts:
            return facts.remembered("words", lambda: next(composed))

    assert [ask(), ask()] == [1, 1]
    with transaction(town.civil.engine, facts=False):
        pass
    assert ask() == 1
    town.civil.act("林芳", "case-accepted", sub)
    assert [ask(), ask()] == [2, 2]


def test_a_memory_is_let_go_when_it_is_full_and_never_kept_where_nobody_counts():
    memories = Memories()
    first = memories.at(Moment(1, 1))
    assert memories.at(Moment(1, 1)) is first
    assert memories.at(Moment(2, 1)) is first
    first.rows.update({(1, str(number)): None for number in range(OBJECTS_MAX + 1)})
    assert memories.at(Moment(2, 1)) is not first
    assert memories.at(None) is not memories.at(None)


def test_a_statement_of_the_desk_moves_both_and_a_note_only_one(town):
    def count():
        with reading(town.civil.engine) as connection:
            return read_moment(connection)

    before = count()
    statement = Statement("case-submitted", new_handle(), {"matter": "linshi-jiuzhu"}, {"applicant": "王桂兰"})
    town.civil.desk.submit(statement, by=town.civil.staff["林芳"].handle, once="x")
    after = count()
    assert after.facts != before.facts
    assert after.written != before.written
    with transaction(town.civil.engine, facts=False):
        pass
    assert count().facts == after.facts
    assert count().written != after.written
