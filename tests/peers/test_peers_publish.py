"""A head is shown when a quorum has seen it, or when it has waited; and what others say of it is kept, if they said it."""

from dataclasses import replace

import httpx
import pytest

from ledger.audit.crosscheck import run_round
from ledger.merkle.cosignature import cosign, open_cosigned
from ledger.merkle.note import add_signatures, parse_note_unverified
from ledger.peers import publish, witness
from ledger.peers.evidence import read_evidence
from ledger.peers.publish import collect_mirrors, offer_again, publish_round
from ledger.records.statement import Statement
from ledger.scribe import new_handle
from ledger.storage import heads, schema
from ledger.storage.engine import reading, transaction
from tests.fakes.network import body, flip, status
from tests.peers.rig import with_threads
from tests.peers.smuggling import put, signed

ADD = "/witness/add-checkpoint"
HOSTS = {"民政局": "21.example", "财政局": "22.example", "公安局": "23.example"}


@pytest.fixture
def impatient(monkeypatch):
    """A head waits for a second."""
    monkeypatch.setattr(publish, "PUBLISH_WAIT_SECONDS", 1.0)
    monkeypatch.setattr(publish, "ANSWERS_SECONDS_MAX", 2.0)


def cosigners(county, node):
    """Who stands under the published checkpoint, verified."""
    keys = [key.verifier for one in county.nodes.values() for key in (*one.keys.witness, *one.keys.mirror)]
    note = node.log.published_checkpoint()
    opened = open_cosigned(note, [key.verifier for key in node.keys.log], keys)
    return {one.name for one in opened.cosignatures}


def test_a_new_head_is_published_with_every_departments_witness(county):
    county.town.apply()
    size = publish_round(county.civil)
    assert size == county.size(county.civil)
    assert cosigners(county, county.civil) == {"21.example/witness", "22.example/witness", "23.example/witness"}
    lines = parse_note_unverified(county.civil.log.published_checkpoint()).unverified
    assert len(lines) == 2 + 3 * 2


def test_nothing_new_is_nothing_to_publish(county):
    county.town.apply()
    publish_round(county.civil)
    county.wire.asked.clear()
    assert publish_round(county.civil) is None
    assert county.wire.asked == []


def test_without_any_peer_answering_the_head_is_published_all_the_same(county, impatient):
    for host in ("22.example", "23.example"):
        county.wire.lose(host)
    county.town.apply()
    assert publish_round(county.civil) == county.size(county.civil)
    assert cosigners(county, county.civil) == {"21.example/witness"}


def test_a_late_department_cosigns_in_the_next_round(county, impatient):
    county.wire.lose("23.example")
    county.town.apply()
    publish_round(county.civil)
    county.wire.find("23.example")
    run_round(county.civil)
    assert "23.example/witness" in cosigners(county, county.civil)


def test_the_head_that_is_offered_is_shown_to_nobody_before_a_quorum_has_seen_it(county):
    county.round()
    shown = []
    county.town.apply()

    def look(_request, answer):
        shown.append(county.civil.log.published_head().size)
        return answer

    for host in ("22.example", "23.example"):
        county.wire.tamper(host, ADD, look)
    before = county.civil.log.published_head().size
    publish_round(county.civil)
    assert shown[0] == before  # with this answer there is a quorum of two: the other one may come after the publication
    assert county.civil.log.published_head().size == before + 1


@pytest.mark.parametrize(
    "change",
    [status(500), status(403), body(b""), body(b"garbage"), flip(200), lambda _r, _a: httpx.Response(409, text="x\n")],
)
def test_what_is_no_cosignature_is_not_kept(county, change):
    county.town.apply()
    county.wire.tamper("23.example", ADD, change)
    publish_round(county.civil)
    assert cosigners(county, county.civil) == {"21.example/witness", "22.example/witness"}


def test_a_peer_cannot_answer_with_anothers_cosignature(county):
    county.town.apply()
    kept = []

    def remember(_request, answer):
        kept.append(answer.read())
        return httpx.Response(answer.status_code, content=kept[-1])

    def replay(_request, _answer):
        return httpx.Response(200, content=kept[-1]) if kept else httpx.Response(500)

    county.wire.tamper("22.example", ADD, remember)
    county.wire.tamper("23.example", ADD, replay)
    publish_round(county.civil)
    with_threads(publish.offer_again, county.civil)
    assert "23.example/witness" not in cosigners(county, county.civil)


def test_a_peer_that_knows_another_size_is_asked_again_from_there(county):
    county.town.apply()
    publish_round(county.civil)
    with transaction(county.civil.engine) as connection:
        connection.execute(schema.cosignatures.delete())
    county.town.apply()
    county.wire.asked.clear()
    publish_round(county.civil)
    assert county.wire.paths("23.example").count(ADD) == 2
    assert "23.example/witness" in cosigners(county, county.civil)


def test_what_was_said_of_a_head_is_not_kept_when_the_log_has_been_rewritten_meanwhile(county):
    """Whoever rewrites a log does not wait until its scheduler has heard all answers about the old one."""
    county.round()
    with transaction(county.civil.engine) as connection:
        connection.execute(schema.cosignatures.delete())

    def rewrite(_request, answer):
        with transaction(county.civil.engine) as connection:
            first = (schema.entries.c.log_id == county.civil.log.id) & (schema.entries.c.idx == 0)
            connection.execute(schema.entries.update().where(first).values(leaf=bytes(32)))
        return answer

    for host in ("22.example", "23.example"):
        county.wire.tamper(host, ADD, rewrite)
    with_threads(offer_again, county.civil)
    with reading(county.civil.engine) as connection:
        assert {one.line.name for one in heads.read_cosignatures(connection, county.civil.log.id)} == {
            "21.example/witness"  # our own has spoken before
        }


def test_an_unchanged_head_is_cosigned_afresh_each_round(county):
    county.round()
    first = newest_times(county)
    county.clock.wait(60)
    with_threads(offer_again, county.civil)
    second = newest_times(county)
    assert first.keys() <= second.keys()
    assert all(second[name] > first[name] for name in first if name.endswith("/witness"))


def newest_times(county):
    with reading(county.civil.engine) as connection:
        return {one.line.name: one.time for one in heads.read_cosignatures(connection, county.civil.log.id)}


def test_mirrors_stand_under_the_checkpoint_after_the_witnesses(county):
    for _ in range(3):
        county.round()
    names = [line.name for line in parse_note_unverified(county.civil.log.published_checkpoint()).unverified]
    roles = [name.rpartition("/")[2] for name in names]
    assert roles == ["log"] * 2 + ["witness"] * 6 + ["mirror"] * 4


def test_a_head_that_a_crash_left_unpublished_is_published_next_time(county):
    county.town.apply()
    head = county.civil.log.sign_new_head()
    assert publish_round(county.civil) == head.size
    assert len(cosigners(county, county.civil)) == 3


def test_our_own_head_under_another_history_is_a_theft_of_our_key(county):
    county.round()
    forked = county.fork(county.civil)
    county.town.apply()
    county.round()
    clerk = county.town.civil.staff["林芳"].handle
    put(forked, signed(forked, Statement("case-submitted", new_handle(), {"matter": "other"}), by=clerk))
    publish_round(forked, cosign=False)
    theirs = forked.log.published_head()
    lie = sign_as_mirror(county.police, theirs)
    path = f"/mirror/{witness.hash_of_origin(county.civil.origin)}/checkpoint"
    county.wire.tamper("23.example", path, body(lie))
    report = run_round(county.civil)
    assert [finding.rule for finding in report.findings] == ["R36"]
    with reading(county.civil.engine) as connection:
        assert len(read_evidence(connection, county.civil.origin)) == 1


def sign_as_mirror(node, head):
    text = parse_note_unverified(head.signed).text
    return add_signatures(head.signed, [cosign(text, node.now(), key) for key in node.keys.mirror])


@pytest.mark.parametrize(("ahead", "counts"), [(300, True), (301, False), (100 * 365 * 86_400, False)])
def test_a_cosignature_from_the_future_does_not_say_that_somebody_looks(county, ahead, counts):
    """It would be the newest for ever: a mirror that wrote one could cease to look, and still be named as fresh."""
    county.round()
    later = county.clock() + ahead
    lie = sign_as_mirror(replace(county.police, now=lambda: later), county.civil.log.published_head())
    county.wire.tamper("23.example", "/mirror/", body(lie))
    with_threads(collect_mirrors, county.civil)
    with reading(county.civil.engine) as connection:
        kept = heads.read_cosignatures(connection, county.civil.log.id)
    times = [one.time for one in kept if one.line.name == "23.example/mirror"]
    assert times == ([later, later] if counts else [])
