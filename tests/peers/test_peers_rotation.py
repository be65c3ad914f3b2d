"""A department's keys are replaced, and the others follow by its records: without an operator, and never further."""

from dataclasses import replace

import pytest

from ledger.audit.verify import Trust, verify_database
from ledger.desk import Desk
from ledger.errors import IllegalStep
from ledger.key_history import read_history
from ledger.keys import generate
from ledger.log import OwnLog
from ledger.merkle.add_checkpoint import AddCheckpoint
from ledger.merkle.checkpoint import Checkpoint
from ledger.merkle.cosignature import TimedSigner, cosign
from ledger.merkle.note import add_signatures, parse_vkey, sign_note
from ledger.merkle.proofs import root_at
from ledger.peers import witness
from ledger.peers.errors import UnprovenGrowth, Untrusted
from ledger.peers.home import read_peer
from ledger.peers.joining import add_peer
from ledger.quorum import network_policy
from ledger.receipts import make_receipt, read_receipt
from ledger.records.receipt import check_receipt
from ledger.storage import entries, heads
from ledger.storage.engine import reading, transaction
from tests.peers.rig import make_county

ROLES = ("log", "witness", "mirror", "desk")


def rotate(county, node, *roles):
    """The department goes on with new keys; returns its node as it is then."""
    for role in roles:
        old = node.keys
        new = old.with_role(role, generate(node.origin))
        node.desk.rotate(role, old, new)
        log = OwnLog(node.engine, node.origin, new.log, node.high_water, node.now)
        node = replace(node, keys=new, log=log, desk=Desk(log, new, node.now))
    county.nodes[node.name] = node
    county.serve(node)
    return node


def known(county, name, node):
    with reading(county.nodes[name].engine) as connection:
        return read_peer(connection, node.origin)


def keys_known(county, name, node):
    peer = known(county, name, node)
    vkeys = [
        [f.name + f.key_id.hex() for f in some]
        for some in (peer.log_verifiers, peer.witness_verifiers, peer.mirror_verifiers)
    ]
    return vkeys, peer.desk_key


def keys_of(node):
    vkeys = [
        [key.verifier.name + key.verifier.key_id.hex() for key in some]
        for some in (node.keys.log, node.keys.witness, node.keys.mirror)
    ]
    return vkeys, node.keys.desk_public


@pytest.mark.parametrize("role", ROLES)
def test_the_others_follow_a_rotation_by_the_record_alone(either_county, role):
    county = either_county
    county.round()
    node = rotate(county, county.civil, role)
    county.round()
    reports = county.round()
    for name in ("财政局", "公安局"):
        assert keys_known(county, name, node) == keys_of(node)
        assert all(row.is_verified for row in reports[name].rows)
        assert county.findings(name) == []
    # And what is new is cosigned under the new keys by everybody, believed, and proven to a stranger.
    record = node.desk.enrol("新人", ("clerk",), "id-new").submitted.record_id
    county.round()
    county.round()
    told = read_receipt(county.police.engine, record)
    assert told is not None
    assert told.proven
    with reading(county.police.engine) as connection:
        policy = network_policy(connection)
    receipt = make_receipt(county.police.engine, record)
    assert receipt is not None
    assert check_receipt(receipt, policy).record.record_id == record


def test_who_slept_through_several_rotations_follows_them_all(county):
    county.round()
    county.wire.lose(county.host(county.police))
    node = rotate(county, county.civil, "log", "desk", "log", "witness", "desk", "mirror")
    county.publish(node.name)
    county.wire.find(county.host(county.police))
    report = county.round()["公安局"]
    assert [row.error for row in report.rows] == [None, None]
    assert keys_known(county, "公安局", node) == keys_of(node)
    assert county.findings("公安局") == []


def test_a_department_added_after_rotations_is_followed_from_its_first_record(tmp_path):
    county = make_county(tmp_path, acquainted=False)
    node = rotate(county, county.civil, "log", "desk", "mirror", "log")
    county.publish(cosign=False)
    add_peer(county.police, node.public_url, node.keys.fingerprint)
    county.round("公安局")
    assert county.held("公安局", node) == county.size(node)
    assert keys_known(county, "公安局", node) == keys_of(node)
    assert county.findings("公安局") == []
    county.close()


def test_the_desks_key_alone_replaces_no_log_key(county):
    county.round()
    node = county.civil
    stranger = generate(node.origin)
    # Whoever holds the desk's key, and not the log's old one, endorses with another.
    thief = node.keys.with_role("log", stranger)
    with pytest.raises(IllegalStep) as caught:
        node.desk.rotate("log", thief, thief.with_role("log", generate(node.origin)))
    assert caught.value.reason == "keys-not-proven"
    county.round()
    assert keys_known(county, "公安局", node) == keys_of(node)


def test_heads_by_keys_to_which_no_record_leads_are_believed_by_nobody(county):
    county.round()
    before = county.held("公安局", county.civil)
    node = county.civil
    thief = node.keys.with_role("log", generate(node.origin))
    log = OwnLog(node.engine, node.origin, thief.log, node.high_water, node.now)
    county.nodes[node.name] = forged = replace(node, keys=thief, log=log, desk=Desk(log, node.keys, node.now))
    county.serve(forged)
    forged.desk.enrol("新人", ("clerk",), "id-new")
    report = county.round()["公安局"]
    assert any(row.error and "no record leads" in row.error for row in report.rows)
    assert county.held("公安局", node) == before


def test_old_and_new_keys_verify_for_their_range_and_no_further(county):
    county.round()
    node = county.civil
    old = [parse_vkey(vkey) for vkey in node.keys.log_vkeys]
    node = rotate(county, node, "log", "desk")
    county.round()
    new = [parse_vkey(vkey) for vkey in node.keys.log_vkeys]
    for trust in (Trust(), Trust(tuple(old)), Trust(tuple(new))):
        report = verify_database(node.engine, trust=trust)
        assert report.faults == ()
    stranger = [key.verifier for key in generate(node.origin).log]
    assert not verify_database(node.engine, trust=Trust(tuple(stranger))).ok


def head_by(keys, node, size, root, *cosigners, at=None):
    """A head of this log by these keys, cosigned by these."""
    checkpoint = Checkpoint(node.origin, size, root)
    at = node.now() if at is None else at
    signed = sign_note(checkpoint.text(), (keys.log[0], TimedSigner(keys.log[1], at)))
    return add_signatures(signed, [cosign(checkpoint.text(), at, key) for key in cosigners])


def test_verify_names_a_head_that_a_key_signed_after_it_was_retired(county):
    county.round()
    node = county.civil
    old = node.keys
    node = rotate(county, node, "log")
    node.desk.enrol("新人", ("clerk",), "id-new")
    with reading(node.engine) as connection:
        edge = entries.read_edge(connection, node.log.id)
    with transaction(node.engine) as connection:
        signed = head_by(old, node, edge.size, edge.root())
        heads.add_head(connection, node.log.id, heads.Head(edge.size, edge.root(), signed, node.now()))
    report = verify_database(node.engine)
    assert [(fault.part, fault.at) for fault in report.faults] == [("checkpoint", str(edge.size))]


# --- a conflicting old head signed by a retired key ---


def retired(county):
    """Everybody has followed a rotation; returns the node, its old keys, and a size before the rotation."""
    county.round()
    old, size = county.civil.keys, county.size(county.civil)
    county.clock.wait(60)
    node = rotate(county, county.civil, "log")
    county.clock.wait(60)
    county.round()
    county.round()
    return node, old, size


def offer(county, signed):
    witness.cosign_next(county.police, AddCheckpoint(0, (), signed))


def test_a_conflicting_old_head_signed_by_a_retired_key_is_evidence_of_nothing(county):
    node, old, size = retired(county)
    with pytest.raises(Untrusted):
        offer(county, head_by(old, node, size, b"\x11" * 32))
    assert county.findings("公安局") == []
    assert not known(county, "公安局", node).forked


def test_nor_when_it_was_cosigned_only_after_the_key_was_retired(county):
    node, old, size = retired(county)
    signed = head_by(old, node, size, b"\x11" * 32, *county.finance.keys.witness)
    with pytest.raises(Untrusted):
        offer(county, signed)
    assert county.findings("公安局") == []


def test_nor_when_only_the_department_itself_cosigned_it(county):
    node, old, size = retired(county)
    before = county.clock() - 3600
    with pytest.raises(Untrusted):
        offer(county, head_by(old, node, size, b"\x11" * 32, *node.keys.witness, at=before))
    assert county.findings("公安局") == []


def test_it_is_evidence_when_a_cosignature_from_before_the_retirement_covers_it(county):
    node, old, size = retired(county)
    before = county.clock() - 3600
    with pytest.raises(UnprovenGrowth):
        offer(county, head_by(old, node, size, b"\x11" * 32, *county.finance.keys.witness, at=before))
    assert [finding.rule for finding in county.findings("公安局")] == ["R36"]
    assert known(county, "公安局", node).forked


def test_an_old_head_that_does_not_contradict_anything_is_none_either(county):
    node, old, size = retired(county)
    with reading(node.engine) as connection:
        root = root_at(size, entries.node_reader(connection, node.log.id, county.size(node)))
    with pytest.raises(Untrusted):
        offer(county, head_by(old, node, size, root, *county.finance.keys.witness, at=county.clock() - 3600))
    assert county.findings("公安局") == []


def test_the_history_says_where_each_key_counts(county):
    node = rotate(county, county.civil, "desk", "log")
    with reading(node.engine) as connection:
        history = read_history(connection, node.log.id)
    first, second = history.rotations
    desk = [(one.from_index, one.to_index) for one in history.ranges if one.role == "desk"]
    log = [(one.from_index, one.to_index) for one in history.ranges if one.role == "log"]
    assert desk == [(0, first + 1), (first + 1, None)]
    assert log == [(0, second), (second, None)]
