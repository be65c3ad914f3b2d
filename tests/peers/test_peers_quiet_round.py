"""What a round reads does not grow with what is known: no table that grows is ever read from end to end."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from unittest.mock import patch

import pytest
from sqlalchemy import event, update

from ledger.audit import crosscheck
from ledger.audit.crosscheck import run_round
from ledger.errors import MarkLost
from ledger.merkle.note import parse_note_unverified
from ledger.merkle.vkeys import format_vkey
from ledger.peers import catching_up, witness
from ledger.peers.home import read_peer
from ledger.peers.publish import publish_round
from ledger.records.statement import Statement
from ledger.scribe import new_handle
from ledger.storage import entries, heads, schema
from ledger.storage.engine import reading, transaction
from tests.fakes.executor import AtOnce
from tests.fakes.network import status
from tests.peers.rig import ROUND_SECONDS, make_county
from tests.peers.smuggling import forged, put, signed

ENTRIES = 10_000
# One row a department, or a key of one, or a head that is kept for receipts; the rest grows with every record.
FEW = {"logs", "peers", "heads", "cosignatures", "witnessed", "witness_logs", "moment", "leases", "cursors", "lagging"}
FEW |= {"evidence"}  # of logs that have shown two histories
SCAN = re.compile(r"SCAN (\w+)")
# Of these all that is of one log, found by its id alone, is no better than all of the table.
WHOLE_LOG = re.compile(r"SEARCH (entries|feed|objects)\b.*\(log_id=\?\)")
ALIAS = re.compile(r"\b(?:FROM|JOIN)\s+(\w+)\s+AS\s+(\w+)", re.IGNORECASE)


@contextmanager
def overheard(node) -> Iterator[list[str]]:
    """The statements that a node's database is asked, with their values."""
    told: list[str] = []

    def listen(connection, _entry):
        connection.set_trace_callback(told.append)

    event.listen(node.engine, "connect", listen)
    node.engine.dispose()
    try:
        yield told
    finally:
        event.remove(node.engine, "connect", listen)
        node.engine.dispose()


def scanned(node, statements) -> dict[str, str]:
    """The growing tables that these statements read from end to end, and by which of them."""
    found: dict[str, str] = {}
    with reading(node.engine) as conn:
        tables: set[str] = set(conn.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars())
        for statement in statements:
            if not re.match(r"\s*(SELECT|UPDATE|DELETE|INSERT|WITH)", statement, re.IGNORECASE):
                continue
            names = {alias: table for table, alias in ALIAS.findall(statement)}
            plan = conn.exec_driver_sql("EXPLAIN QUERY PLAN " + statement.replace("%", "%%")).all()
            for step in plan:
                if scan := SCAN.match(step.detail) or WHOLE_LOG.match(step.detail):
                    table = names.get(str(scan[1]), str(scan[1]))
                    if table in tables - FEW and not _ends_early(step.detail, statement):
                        found[table] = f"{step.detail}: {statement}"
    return found


def _ends_early(detail, statement):
    """An index read in the order that is asked for, until so many rows are there."""
    return "USING" in detail and re.search(r"\bLIMIT\b", statement) is not None


@pytest.fixture
def told(county, monkeypatch):
    """公安局 holds ten thousand entries of 民政局, with cases and money among them; and an award not yet paid."""
    award, waiting = (county.town.approved()[1] for _ in range(2))
    for _ in range(2):
        county.round()
    county.town.order(award)
    clerk = county.town.civil.staff["林芳"].handle
    template = signed(county.civil, Statement("case-submitted", new_handle(), {"matter": "m"}), by=clerk)
    put(county.civil, *(forged(county.civil, template, jti=new_handle(), sub=new_handle()) for _ in range(ENTRIES)))
    county.publish()
    monkeypatch.setattr(catching_up, "ENTRIES_A_TURN_MAX", 2 * ENTRIES)
    county.clock.wait(ROUND_SECONDS)
    run_round(county.police)
    assert county.held("公安局", county.civil) > ENTRIES
    return county, waiting


def test_no_round_scans_a_table_that_grows_whether_or_not_there_is_news(told):
    county, award = told
    with overheard(county.police) as statements:
        county.clock.wait(ROUND_SECONDS)
        report = run_round(county.police)
        assert [row.new for row in report.rows] == [0, 0]
        quiet = len(statements)
        assert quiet > 50
        assert scanned(county.police, set(statements)) == {}
        # An award and the order of another one, checked and asked about by the rules.
        statements.clear()
        county.town.approved()
        county.town.order(award)
        county.publish()
        county.clock.wait(ROUND_SECONDS)
        report = run_round(county.police)
        assert [row.new for row in report.rows] == [4, 1]
        assert scanned(county.police, set(statements)) == {}


def test_a_scan_would_be_seen(county):
    for statement, table in (
        ("SELECT count(*) FROM objects WHERE status = 'PAID'", "objects"),
        ("SELECT f.at FROM feed AS f WHERE f.kind = 'genesis'", "feed"),
        ("UPDATE entries SET entry = entry WHERE idx = 5", "entries"),
        ("SELECT idx FROM feed WHERE log_id = 1", "feed"),
    ):
        assert set(scanned(county.police, [statement])) == {table}


# --- what a round with nothing new costs, as far as it can be counted ---

STATEMENT = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b", re.IGNORECASE)
# Of one peer's turn, whatever there is to do for the round as a whole: a further peer costs so much more.
QUESTIONS, STATEMENTS = 4, 66


@dataclass(frozen=True)
class Counted:
    """What a round asked of the others and of its own database."""

    questions: int
    statements: int
    writers: int
    readers: int


def quiet_round(county, node):
    county.clock.wait(ROUND_SECONDS)
    county.wire.asked.clear()
    # All have answered before anything is done with what they said, as when they answer quickly.
    with overheard(node) as told, patch.object(crosscheck, "ThreadPoolExecutor", AtOnce):
        report = run_round(node)
    assert [row.new for row in report.rows] == [0] * (len(county.nodes) - 1)
    assert [row.error for row in report.rows] == [None] * (len(county.nodes) - 1)
    return Counted(
        len(county.wire.asked),
        sum(STATEMENT.match(one) is not None for one in told),
        told.count("BEGIN IMMEDIATE"),
        told.count("BEGIN"),
    )


@pytest.fixture
def at_rest(tmp_path):
    """Four departments that have heard all of each other."""
    (tmp_path / "four").mkdir()
    made = make_county(tmp_path / "four", onlookers=["审计局"])
    for _ in range(3):
        made.round()
    yield made
    made.close()


def test_a_further_peer_costs_a_quiet_round_four_questions_and_no_transaction(county, at_rest):
    for _ in range(3):
        county.round()
    few, more = quiet_round(county, county.police), quiet_round(at_rest, at_rest.police)
    assert more.questions == 3 * QUESTIONS
    assert more.questions - few.questions == QUESTIONS
    assert 0 < more.statements - few.statements <= STATEMENTS
    assert (more.writers, more.readers) == (few.writers, few.readers)  # all of them together


@pytest.fixture
def resting(tmp_path, database_url):
    """Three departments that have heard all of each other, 民政局 on either database."""
    made = make_county(tmp_path, database_url)
    for _ in range(3):
        made.round()
    yield made
    made.close()


def times_of(node, origin) -> tuple[set[int], set[int]]:
    """When each key was last heard over a log, and the times under the head that is kept of it."""
    with reading(node.engine) as conn:
        log_id = entries.find_log(conn, origin)
        assert log_id is not None
        [noted] = heads.noted_heads(conn, log_id)
        said = {one.time for one in heads.read_cosignatures(conn, log_id)}
    assert noted.served is not None
    lines = parse_note_unverified(noted.served).unverified
    return said, {int.from_bytes(line.blob[:8], "big") for line in lines if line.name != origin}


def test_a_quiet_round_says_anew_who_looked_and_when(resting):
    """The line of trust and rule R38 count from the last look: a head that nobody changed is looked at again."""
    node, other = resting.civil, resting.police.origin
    before = times_of(node, other)
    resting.clock.wait(ROUND_SECONDS)
    for _ in range(2):  # what the first has cosigned the others show by the second
        resting.round()
    after = times_of(node, other)
    assert min(after[0]) > max(before[0])
    assert min(after[1]) > max(before[1])


def test_a_key_that_is_not_a_departments_any_more_is_not_believed_for_having_been_verified(county):
    for _ in range(3):
        county.round()
    with transaction(county.police.engine) as conn:
        keys = schema.peers.c
        other = read_peer(conn, county.civil.origin)
        assert other is not None
        changed = update(schema.peers).where(keys.origin == county.finance.origin)
        conn.execute(changed.values(log_vkeys=[format_vkey(one) for one in other.log_verifiers]))
    county.clock.wait(ROUND_SECONDS)
    rows = {row.name: row.error for row in run_round(county.police).rows}
    assert rows["民政局"] is None
    assert "signs with keys to which no record leads" in str(rows["财政局"])


def test_a_log_that_forks_between_two_quiet_rounds_is_caught_in_the_second(county):
    for _ in range(3):
        county.round()
    assert quiet_round(county, county.police).questions == 8
    forked = county.fork(county.finance)
    for node, matter in ((forked, "05LSJZ0001"), (county.finance, "05LSJZ0002")):
        clerk = node.desk.enrol("林芳", ("clerk",), f"id-{matter}").handle
        assert clerk
    county.publish("财政局")
    run_round(county.police)
    publish_round(forked, cosign=False)
    county.serve(forked)
    county.clock.wait(ROUND_SECONDS)
    report = run_round(county.police)
    assert [finding.rule for finding in report.findings] == ["R36"]


def test_what_others_say_of_a_quiet_log_is_kept_though_our_witness_may_not_speak(county, monkeypatch):
    for _ in range(3):
        county.round()
    before = said_of(county.police, county.civil.origin)

    def waits(*_args):
        raise MarkLost("the witness waits for new keys")

    county.clock.wait(ROUND_SECONDS)
    run_round(county.finance)
    run_round(county.civil)
    with monkeypatch.context() as patched:
        patched.setattr(witness, "cosign_growth", waits)
        with pytest.raises(MarkLost):
            run_round(county.police)
    after = said_of(county.police, county.civil.origin)
    assert after["22.example/witness"] > before["22.example/witness"]


def test_what_others_say_of_a_head_is_kept_though_its_entries_do_not_come(county):
    """A log that keeps back an entry is cosigned by others all the same: that they look is not forgotten."""
    for _ in range(2):
        county.round()
    county.town.apply()
    county.publish("民政局")
    county.wire.tamper("21.example", "/tile/entries/", status(500))
    run_round(county.police)
    before = said_of(county.police, county.civil.origin)
    county.clock.wait(ROUND_SECONDS)
    run_round(county.civil)
    [row] = run_round(county.police, "民政局").rows
    assert row.error is not None
    after = said_of(county.police, county.civil.origin)
    assert after["22.example/witness"] > before["22.example/witness"]


def said_of(node, origin) -> dict[str, int]:
    with reading(node.engine) as conn:
        log_id = entries.find_log(conn, origin)
        assert log_id is not None
        return {one.line.name: one.time for one in heads.read_cosignatures(conn, log_id)}
