"""A log that shows two faces is told by two departments that compare, and an honest one is never accused."""

import pytest
from sqlalchemy import select

from ledger.audit.crosscheck import run_round
from ledger.merkle.add_checkpoint import AddCheckpoint
from ledger.merkle.checkpoint import Checkpoint
from ledger.merkle.hashing import as_hash
from ledger.merkle.note import sign_note
from ledger.merkle.proofs import prove_consistency
from ledger.peers import split_views, witness
from ledger.peers.evidence import read_evidence
from ledger.peers.home import read_peers
from ledger.peers.publish import publish_round
from ledger.peers.split_views import third_log
from ledger.records.evidence import check_evidence
from ledger.records.statement import Statement
from ledger.scribe import new_handle
from ledger.storage import entries, schema
from ledger.storage.engine import reading
from ledger.storage.findings import has_forked
from tests.fakes.network import body, flip, status
from tests.fakes.peer import FakeLog
from tests.peers.rig import ROUND_SECONDS, make_county
from tests.peers.smuggling import put, signed
from tests.peers.test_peers_rotation import head_by, retired

FINANCE = "22.example"


def grow(node, count, *, by=None):
    """Records that its desk or officer signs, published for whoever asks and offered to nobody."""
    for _ in range(count):
        put(node, signed(node, Statement("case-submitted", new_handle(), {"matter": "m"}), by=by))
    publish_round(node, cosign=False)


def faces(county, node, true, other, *, by=None):
    """Another history of this node from here on; it has grown by `other`, the true one by `true`."""
    forked = county.fork(node)
    county.clock.wait(60)
    grow(node, true, by=by)
    grow(forked, other, by=by)
    return forked


def clerk(county):
    return county.town.civil.staff["林芳"].handle


def look(county, name, face):
    """One round of a department to which a log shows this face."""
    county.serve(face)
    return run_round(county.nodes[name])


def rules(county, name):
    return [finding.rule for finding in county.findings(name)]


def seen_path(node):
    return f"/witness/{witness.hash_of_origin(node.origin)}/checkpoint"


def mirror_path(node):
    return f"/mirror/{witness.hash_of_origin(node.origin)}/tile/"


def asked_for(county, host, path):
    return [one for one in county.wire.paths(host) if path in one]


# --- two faces ---


@pytest.mark.parametrize(("true", "other"), [(1, 1), (3, 1), (1, 3), (300, 1), (1, 300)])
def test_a_log_that_shows_two_faces_to_two_departments_is_caught_when_they_compare(county, true, other):
    county.round()
    forked = faces(county, county.civil, true, other, by=clerk(county))
    look(county, "财政局", county.civil)
    assert rules(county, "财政局") == []
    report = look(county, "公安局", forked)
    assert [finding.rule for finding in report.findings] == ["R36"]
    assert report.exit_code == 1
    with reading(county.police.engine) as connection:
        [kept] = read_evidence(connection, county.civil.origin)
        assert [peer.forked for peer in read_peers(connection)] == [True, False]
    assert check_evidence(kept, [key.verifier for key in county.civil.keys.log]) == county.civil.origin
    heads = {county.civil.log.published_head().signed, forked.log.published_head().signed}
    assert {kept.older, kept.newer} == heads
    # The other one of the pair finds it as well, by the same rule.
    look(county, "财政局", county.civil)
    assert rules(county, "财政局") == ["R36"]


def push(node, onto):
    """Let a witness cosign the newest head of a log that shows it to nobody else."""
    head = node.log.newest_head()
    with reading(onto.engine) as connection:
        old = witness.last_seen(connection, node.origin).size
    with reading(node.engine) as connection:
        proof = prove_consistency(old, head.size, entries.node_reader(connection, node.log.id, head.size))
    witness.accept(onto, AddCheckpoint(old, tuple(proof), head.signed).to_bytes())


@pytest.mark.parametrize(("true", "other"), [(1, 1), (3, 1), (1, 3), (300, 1), (1, 300)])
def test_a_log_that_lets_witnesses_cosign_what_no_mirror_can_hold_is_caught_all_the_same(county, true, other):
    """Found by the simulator: of what is only cosigned there are no tiles to compare."""
    county.round()
    forked = faces(county, county.civil, true, other, by=clerk(county))
    look(county, "财政局", county.civil)
    grow(county.civil, 400, by=clerk(county))
    push(county.civil, county.finance)
    report = look(county, "公安局", forked)
    assert [finding.rule for finding in report.findings] == ["R36"]
    with reading(county.police.engine) as connection:
        [kept] = read_evidence(connection, county.civil.origin)
    assert check_evidence(kept, [key.verifier for key in county.civil.keys.log]) == county.civil.origin


def test_a_witness_ahead_of_its_mirror_is_evidence_of_nothing(county):
    county.round()
    as_it_was = county.fork(county.civil)
    grow(county.civil, 3, by=clerk(county))
    push(county.civil, county.finance)
    report = look(county, "公安局", as_it_was)
    assert report.findings == ()
    assert asked_for(county, FINANCE, f"/mirror/{witness.hash_of_origin(county.civil.origin)}/checkpoint")


def test_two_faces_are_caught_on_both_databases(either_county):
    county = either_county
    county.round()
    forked = faces(county, county.police, 2, 1)
    look(county, "财政局", forked)
    assert "R36" not in rules(county, "财政局")
    look(county, "民政局", county.police)
    assert "R36" in rules(county, "民政局")


def test_two_faces_are_caught_within_as_many_rounds_as_there_are_departments(tmp_path):
    county = make_county(tmp_path, onlookers=("教育局", "卫健局"))
    try:
        county.round()
        forked = faces(county, county.civil, 1, 1, by=clerk(county))
        # 财政局 is the only one that sees the true face: the others cannot reach this log any more.
        look(county, "财政局", county.civil)
        assert rules(county, "财政局") == []
        for _round in range(len(county.nodes)):
            county.clock.wait(ROUND_SECONDS)
            look(county, "公安局", forked)
            if rules(county, "公安局"):
                break
        assert rules(county, "公安局") == ["R36"]
    finally:
        county.close()


def test_every_other_log_has_its_turn_with_every_peer(tmp_path):
    county = make_county(tmp_path, onlookers=("教育局", "卫健局"))
    try:
        with reading(county.civil.engine) as connection:
            peers = read_peers(connection)
        for peer in peers:
            others = {one.origin for one in peers if one is not peer}
            for first in range(5):
                thirds = [third_log(peers, peer, first + at) for at in range(len(others))]
                assert {third.origin for third in thirds if third is not None} == others
        # Asked alone now and then, and by a process that has just started: nobody's turn is lost.
        told: set[tuple[str, str]] = set()
        for turn in range(2 * len(peers)):
            county.wire.asked.clear()
            run_round(county.civil, "财政局" if turn % 2 else "公安局")
            county.civil.engine.dispose()
            told |= {(one.url.host, one.url.path) for one in county.wire.asked}
        for host, name in (("22.example", "财政局"), ("23.example", "公安局")):
            expected = {(host, seen_path(one)) for one in peers if one.name != name}
            assert expected <= told
        with reading(county.civil.engine) as connection:
            turns = connection.execute(select(schema.cursors.c.pos).where(schema.cursors.c.name.like("third-log %")))
            assert [*turns.scalars()] == [len(peers)] * 2
    finally:
        county.close()


def test_a_log_against_which_there_is_evidence_is_asked_about_no_more(county):
    county.round()
    forked = faces(county, county.civil, 1, 1, by=clerk(county))
    look(county, "财政局", county.civil)
    look(county, "公安局", forked)
    county.wire.asked.clear()
    look(county, "公安局", forked)
    assert asked_for(county, FINANCE, seen_path(county.civil)) == []
    assert rules(county, "公安局") == ["R36"]


# --- one face ---


@pytest.mark.parametrize("count", [1, 2, 300])
def test_an_honest_log_that_one_peer_has_seen_further_raises_nothing(county, count):
    county.round()
    grow(county.civil, count, by=clerk(county))
    run_round(county.finance)
    # 公安局 sees an older face of the same history, and then less than 财政局 of it.
    behind = county.fork(county.civil)
    grow(county.civil, count, by=clerk(county))
    run_round(county.finance)
    county.wire.asked.clear()
    look(county, "公安局", behind)
    assert county.held("公安局", county.civil) < county.held("财政局", county.civil)
    assert asked_for(county, FINANCE, mirror_path(county.civil))
    assert rules(county, "公安局") == []
    look(county, "公安局", county.civil)
    look(county, "财政局", behind)  # and the other way round, out of the own copy
    assert rules(county, "公安局") == rules(county, "财政局") == []


def wrong_heads(county, old):
    """What is no head of 民政局's that says anything."""
    liar = FakeLog(county.civil.origin).grow(county.size(county.civil))
    key = county.civil.keys.log[0]
    size = county.size(county.civil)
    strange = Checkpoint(county.civil.origin, size, as_hash(bytes(32)), ("a line that no log here writes",))
    lines = b"".join(b"\xe2\x80\x94 stranger.example AAAAAAAA\n" for _ in range(2_500))
    return [
        status(500),
        status(404),
        status(302, Location="https://elsewhere.example/"),
        body(b""),
        body(b"garbage"),
        body(b"\xff" * 200),
        body(b"x" * (split_views.NOTE_BYTES_MAX + 1)),
        body(county.civil.log.published_head().signed + lines),
        flip(0),
        flip(-40),
        body(county.finance.log.published_checkpoint()),
        body(county.police.log.published_checkpoint()),
        body(liar.signed()),
        body(sign_note(strange.text(), [key])),
        body(old),
    ]


def test_a_peer_that_answers_anything_else_than_that_logs_head_accuses_nobody(county):
    county.round()
    old = county.civil.log.published_head().signed
    grow(county.civil, 2, by=clerk(county))
    county.round()
    for change in wrong_heads(county, old):
        county.wire.tamper(FINANCE, seen_path(county.civil), change)
        county.wire.asked.clear()
        report = run_round(county.police)
        assert asked_for(county, FINANCE, seen_path(county.civil))
        assert not asked_for(county, FINANCE, mirror_path(county.civil))
        assert report.findings == ()
        assert [row.error for row in report.rows] == [None, None]
        county.wire.behave()


@pytest.mark.parametrize("size", [2**63 - 1, 2**62, 2**62 - 1, 257, 0])
def test_a_head_of_any_size_that_its_log_has_signed_and_nothing_leads_to_accuses_nobody(county, size, caplog):
    county.round()
    key = county.civil.keys.log[0]
    shown = sign_note(Checkpoint(county.civil.origin, size, as_hash(bytes([1]) * 32)).text(), [key])
    county.wire.tamper(FINANCE, seen_path(county.civil), body(shown))
    county.wire.tamper(FINANCE, mirror_path(county.civil), body(bytes(8192)))
    report = run_round(county.police)
    assert (report.findings, [row.error for row in report.rows]) == ((), [None, None])
    assert "failed" not in caplog.text


def test_a_bug_that_one_peer_finds_does_not_end_the_round(county, monkeypatch):
    county.round()

    def crash(*_arguments: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(split_views, "compare_here", crash)
    assert [row.error for row in run_round(county.police).rows] == [None, None]


@pytest.mark.parametrize("change", [status(404), status(500), body(b""), body(b"x" * 8192), flip(0), flip(-1)])
def test_a_larger_head_to_which_no_tiles_lead_accuses_nobody(county, change):
    county.round()
    forked = faces(county, county.civil, 3, 1, by=clerk(county))
    look(county, "财政局", county.civil)
    county.wire.tamper(FINANCE, mirror_path(county.civil), change)
    look(county, "公安局", forked)
    assert asked_for(county, FINANCE, mirror_path(county.civil))
    assert rules(county, "公安局") == []
    county.wire.behave()
    look(county, "公安局", forked)
    assert rules(county, "公安局") == ["R36"]


def test_a_head_that_only_a_retired_key_signed_counts_when_it_was_cosigned_before(county):
    node, old, size = retired(county)
    finance = county.finance.keys.witness
    before = county.clock() - 3600
    for lines, at, found in (((), None, []), (finance, None, []), (finance, before, ["R36"])):
        shown = head_by(old, node, size, b"\x11" * 32, *lines, **({} if at is None else {"at": at}))
        county.wire.tamper(FINANCE, seen_path(county.civil), body(shown))
        county.wire.asked.clear()
        run_round(county.police)
        assert asked_for(county, FINANCE, seen_path(county.civil))
        assert rules(county, "公安局") == found
        county.wire.behave()


# --- what it costs ---


def test_a_round_with_nothing_new_asks_each_peer_four_things(tmp_path):
    county = make_county(tmp_path, onlookers=("教育局", "卫健局"))
    try:
        for _ in range(2):
            county.round()
        for _ in range(4):
            county.clock.wait(ROUND_SECONDS)
            county.wire.asked.clear()
            run_round(county.civil)
            for node in county.nodes.values():
                if node is not county.civil:
                    asked = county.wire.paths(county.host(node))
                    assert len(asked) == 4, asked
                    assert asked[0] == "/log/checkpoint"
                    assert sorted(asked[1:3]) == [
                        f"/mirror/{witness.hash_of_origin(county.civil.origin)}/checkpoint",
                        "/witness/add-checkpoint",
                    ]
                    assert asked[3].startswith("/witness/")
    finally:
        county.close()


def test_nothing_is_compared_while_the_story_is_told_and_nobody_cosigns(county):
    county.round(cosign=False)
    assert not [request for request in county.wire.asked if "/witness/" in request.url.path]


def test_a_fork_of_a_third_log_leaves_the_round_with_the_others_alone(county):
    county.round()
    forked = faces(county, county.civil, 1, 1, by=clerk(county))
    look(county, "财政局", county.civil)
    report = look(county, "公安局", forked)
    assert [row.error for row in report.rows] == [None, None]
    with reading(county.police.engine) as connection:
        assert has_forked(connection, county.civil.origin)
        assert not has_forked(connection, county.finance.origin)
