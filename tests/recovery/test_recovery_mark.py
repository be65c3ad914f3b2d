"""The mark is lost with the disk: nobody here knows what was signed, so the others are asked before anything is."""

import pytest
from sqlalchemy import insert

from ledger.audit.crosscheck import run_round
from ledger.errors import Behind, MarkLost
from ledger.guarded import guard
from ledger.keys import generate
from ledger.merkle.add_checkpoint import AddCheckpoint
from ledger.merkle.note import sign_note
from ledger.merkle.proofs import prove_consistency
from ledger.peers import witness
from ledger.peers.errors import Declined
from ledger.peers.hearsay import needed
from ledger.peers.joining import add_peer, remove_peer
from ledger.peers.publish import publish_round
from ledger.peers.recovery import recover
from ledger.storage import entries, schema
from ledger.storage.engine import reading, transaction
from tests.fakes.network import body, status
from tests.peers.test_peers_rotation import rotate
from tests.recovery.rig import (
    all_entries,
    firewall,
    lose_mark,
    no_rotation,
    open_firewall,
    put_back,
    reopened_as_it_is,
    yesterday,
)


def lose_disk(county, node, copy=None):
    """The mark is gone; the database is yesterday's, or what it was."""
    lose_mark(node)
    again = reopened_as_it_is(county, node) if copy is None else put_back(county, node, copy)
    assert guard(again.settings.key_file)
    return again


def rotating(county, node):
    """What `roll_over` does, for keys that lie in no file."""
    return lambda role: rotate(county, county.nodes[node.name], role)


def test_one_more_than_may_lie_must_have_said_what_they_hold():
    assert [needed(n) for n in range(1, 11)] == [1, 1, 1, 2, 2, 2, 3, 3, 3, 4]


def test_without_its_mark_a_node_waits_and_signs_nothing_at_all(county):
    node = lose_disk(county, county.civil)
    firewall(county)
    for attempt in (publish_round, run_round):
        with pytest.raises(MarkLost):
            attempt(node)
    with pytest.raises(MarkLost):
        node.desk.enrol("新来的", ("clerk",), "11010519491231002X")
    offered = AddCheckpoint(0, (), county.finance.log.published_checkpoint()).to_bytes()
    with pytest.raises(MarkLost):
        witness.accept(node, offered)
    standing = recover(node, no_rotation)
    assert (standing.may_sign, standing.said, standing.needed) == (False, 0, 1)


def test_it_goes_on_by_itself_with_new_keys_for_what_it_may_have_cosigned(county):
    copy = yesterday(county.civil)
    county.town.apply()
    county.round()
    old, before = county.civil.keys, all_entries(county.civil)
    node = lose_disk(county, county.civil, copy)
    assert recover(node, rotating(county, node)).may_sign
    node = county.civil
    assert all_entries(node)[: len(before)] == before
    assert node.keys.witness_vkeys != old.witness_vkeys
    assert node.keys.mirror_vkeys != old.mirror_vkeys
    assert node.keys.log_vkeys == old.log_vkeys
    assert not node.high_water.is_retiring()
    county.round()
    reports = county.round()
    assert all(row.error is None for report in reports.values() for row in report.rows)
    assert not [one for name in county.nodes for one in county.findings(name)]


def test_the_witness_says_nothing_before_its_keys_have_been_replaced(county):
    node = lose_disk(county, county.civil)

    def dies(_role):
        raise PowerCut

    with pytest.raises(PowerCut):
        recover(node, dies)
    assert not node.high_water.is_waiting()  # our log may sign: that is how new keys are put in force
    with pytest.raises(MarkLost):
        witness.accept(node, AddCheckpoint(0, (), county.finance.log.published_checkpoint()).to_bytes())
    assert recover(node, rotating(county, node)).may_sign


class PowerCut(BaseException):
    """The process is gone."""


def add_a_silent_fourth(node):
    """A department that never answers: now there are four, and one of them may lie."""
    keys = generate("24.example/log")
    row = {
        "origin": keys.origin,
        "name": "审计局",
        "url": "https://24.example",
        "number_prefix": "24",
        "desk_key": keys.desk_public,
        "log_vkeys": keys.log_vkeys,
        "witness_vkeys": keys.witness_vkeys,
        "mirror_vkeys": keys.mirror_vkeys,
        "handle": "x" * 22,
    }
    with transaction(node.engine) as connection:
        connection.execute(insert(schema.peers), row)


def test_of_four_departments_two_must_have_said(county):
    add_a_silent_fourth(county.civil)
    node = lose_disk(county, county.civil)
    firewall(county, "财政局")
    standing = recover(node, no_rotation)
    assert (standing.may_sign, standing.said, standing.needed) == (False, 1, 2)
    open_firewall(county)
    assert recover(node, rotating(county, node)).may_sign


@pytest.mark.parametrize("lie", ["nothing", "another key", "rubbish"])
def test_only_a_head_with_our_own_signature_is_somebodys_word(county, lie):
    node = lose_disk(county, county.civil)
    stranger = generate(node.origin)
    note = sign_note("21.example/log\n1\n" + "A" * 43 + "=\n", [stranger.log[0]])
    change = {"nothing": status(404), "another key": body(note), "rubbish": body(b"x\n")}[lie]
    for host in ("22.example", "23.example"):
        county.wire.tamper(host, "/witness/", change)
        county.wire.tamper(host, "/mirror/", change)
    standing = recover(node, no_rotation)
    assert (standing.may_sign, standing.said) == (False, 0)


def test_a_mark_that_goes_away_under_a_running_node_stops_it_until_the_next_start(county):
    lose_mark(county.civil)
    assert not recover(county.civil, no_rotation).may_sign
    with pytest.raises(MarkLost):
        publish_round(county.civil)
    node = reopened_as_it_is(county, county.civil)
    assert guard(node.settings.key_file)
    assert recover(node, rotating(county, node)).may_sign


def test_an_ordinary_restart_asks_nobody(county):
    node = reopened_as_it_is(county, county.civil)
    asked = len(county.wire.asked)
    assert recover(node, no_rotation).may_sign
    assert len(county.wire.asked) == asked


def test_whoever_says_that_nobody_ever_followed_waits_for_nobody_unless_somebody_did(county, tmp_path):
    lose_mark(county.civil)
    node = reopened_as_it_is(county, county.civil)
    guard(node.settings.key_file, alone=True)
    add_a_silent_fourth(node)
    for host in ("22.example", "23.example"):
        county.wire.lose(host)
    assert recover(node, rotating(county, node)).may_sign


# --- a head that we did not make ---


def thief(county, records=2):
    """Somebody with our log's key and a copy of our database goes another way."""
    fork = county.fork(county.civil)
    for _ in range(records):
        fork.desk.enrol("贼", ("clerk",), "11010519491231002X")
    return fork


def test_a_head_that_no_mirror_can_show_is_an_alarm_and_nothing_is_signed(county, caplog):
    fork = thief(county)
    county.serve(fork)
    publish_round(fork)  # the others' witnesses cosign it; no mirror has fetched it
    node = lose_disk(county, county.civil)
    county.serve(node)
    standing = recover(node, no_rotation)
    assert not standing.may_sign
    assert standing.is_beyond_all
    assert "stolen, or lost by all" in caplog.text
    with pytest.raises(MarkLost):
        publish_round(node)


def test_two_histories_at_the_others_are_an_alarm_and_nothing_is_stored(county):
    copy = yesterday(county.civil)
    fork, honest = thief(county, 3), county.civil
    county.wire.lose("23.example")
    county.town.apply()
    county.round("财政局")  # 财政局 holds ours
    county.wire.find("23.example")
    county.wire.lose("22.example")
    county.serve(fork)
    publish_round(fork)
    run_round(county.police, "民政局")  # and 公安局 the other one
    county.wire.find("22.example")
    node = lose_disk(county, honest, copy)
    before = all_entries(node)
    standing = recover(node, no_rotation)
    assert not standing.may_sign
    assert all_entries(node) == before
    assert [one.rule for one in county.findings("民政局")] == ["R36"]


# --- a witness that is made to forget ---


def other_branch(county):
    """What 民政局 might offer beside what it has shown, by a copy with its keys."""
    fork = county.fork(county.civil)
    county.town.apply()
    county.round()
    for _ in range(3):
        fork.desk.enrol("另一个", ("clerk",), "11010519491231002X")
    publish_round(fork, cosign=False)
    return fork


def refuse_all(county, node, fork):
    """Every way of offering it: from each size that it may believe to be the last, with the proof that leads there."""
    note, size = fork.log.newest_head().signed, county.size(fork)
    with reading(fork.engine) as connection:
        read = entries.node_reader(connection, fork.log.id, size)
        proofs = [tuple(prove_consistency(old, size, read)) for old in range(size + 1)]
    for old, proof in enumerate(proofs):
        with pytest.raises((Declined, Behind)):
            witness.accept(node, AddCheckpoint(old, proof, note).to_bytes())


def test_a_witness_on_yesterdays_database_refuses_the_other_branch(county):
    copy = yesterday(county.police)
    fork = other_branch(county)
    police = put_back(county, county.police, copy)
    before = police.high_water.witness_heads()
    refuse_all(county, police, fork)
    recover(police, no_rotation)
    refuse_all(county, police, fork)
    county.serve(fork)
    report = run_round(police, "民政局")
    assert report.rows[0].error is not None
    assert police.high_water.witness_heads()[fork.origin] == before[fork.origin]


def test_a_witness_that_removed_and_added_a_member_again_refuses_the_other_branch(county):
    fork = other_branch(county)
    police = county.police
    before = police.high_water.witness_heads()[fork.origin]
    remove_peer(police, "民政局")
    county.serve(fork)
    add_peer(police, fork.public_url, fork.keys.fingerprint)
    refuse_all(county, police, fork)
    report = run_round(police, "民政局")
    assert report.rows[0].error is not None
    assert police.high_water.witness_heads()[fork.origin] == before


def test_a_witness_that_forgot_says_to_whoever_asks_that_it_cannot_say(county):
    """A 404 would mean that it never cosigned: that must not be said by one that does not know."""
    copy = yesterday(county.police)
    with transaction(county.police.engine) as connection:
        connection.execute(schema.witnessed.delete().where(schema.witnessed.c.origin == county.civil.origin))
    assert copy
    with pytest.raises(Behind):
        witness.latest(county.police, witness.hash_of_origin(county.civil.origin))
