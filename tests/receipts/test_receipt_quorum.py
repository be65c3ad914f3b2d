"""Whose word makes a head believed, and that a receipt once given goes on holding while departments are away."""

import pytest
from sqlalchemy import update

from ledger.log import quorum_of
from ledger.merkle.errors import MalformedPolicy
from ledger.merkle.hashing import leaf_hash
from ledger.merkle.note import parse_note_unverified
from ledger.merkle.policy import format_policy, parse_policy, quorum
from ledger.merkle.vkeys import SignatureKind
from ledger.peers import publish
from ledger.peers.joining import remove_peer
from ledger.peers.publish import publish_round
from ledger.quorum import believed_head, network_policy
from ledger.receipts import make_receipt, read_receipt
from ledger.records.receipt import check_receipt
from ledger.storage import heads, schema
from ledger.storage.engine import reading, transaction
from ledger.storage.facts import read_logs
from tests.receipts.rig import Bureau, hand_in

PEERS = schema.peers.c


@pytest.fixture
def impatient(monkeypatch):
    """No test waits for a department that is away."""
    monkeypatch.setattr(publish, "PUBLISH_WAIT_SECONDS", 0.2)


def noted(node, log_id) -> list[int]:
    with reading(node.engine) as conn:
        return [head.size for head in heads.noted_heads(conn, log_id)]


def held(node, origin) -> int:
    with reading(node.engine) as conn:
        return next(log.id for log in read_logs(conn) if log.origin == origin)


# --- the policy ---


@pytest.mark.parametrize("ed25519", [False, True])
def test_the_policy_names_one_key_of_each_department_and_how_many_must_sign(calm: Bureau, ed25519: bool):
    policy = calm.policy(calm.civil, ed25519=ed25519)
    kinds = {key.kind for key in policy.log_verifiers}, {key.kind for key in policy.witness_verifiers}
    mldsa = SignatureKind.SUBTREE_V1
    assert kinds == (({SignatureKind.ED25519}, {SignatureKind.COSIGNATURE_V1}) if ed25519 else ({mldsa}, {mldsa}))
    assert {log.verifier.name for log in policy.logs} == {node.origin for node in calm.county.nodes.values()}
    assert [witness.name for witness in policy.witnesses] == [
        "民政局@21.example/log",
        "财政局@22.example/log",
        "公安局@23.example/log",
    ]
    [group] = policy.groups
    assert (policy.quorum, group.threshold, len(group.members)) == ("quorum", 2, 3)
    assert {witness.url for witness in policy.witnesses} == {
        f"{node.public_url}/witness" for node in calm.county.nodes.values()
    }


def test_every_department_writes_the_same_policy_and_it_is_read_back(calm: Bureau):
    written = {format_policy(calm.policy(node)) for node in calm.county.nodes.values()}
    assert len(written) == 1
    assert parse_policy(written.pop()) == calm.policy(calm.civil)


@pytest.mark.parametrize("members", range(1, 60))
def test_the_two_formulas_of_the_quorum_are_one(members: int):
    assert quorum(members) == quorum_of(members)


def test_two_heads_that_contradict_cannot_both_have_the_quorum():
    for n in range(1, 60):
        lying = (n - 1) // 3
        assert 2 * quorum(n) - n > lying
        assert quorum(n) <= n - lying


def test_whoever_shows_anothers_key_gets_no_second_voice(bureau: Bureau):
    node = bureau.civil
    with transaction(node.engine) as conn:
        stolen = bureau.finance.keys.witness_vkeys
        conn.execute(update(schema.peers).where(PEERS.origin == bureau.police.origin).values(witness_vkeys=stolen))
    with reading(node.engine) as conn:
        policy = network_policy(conn)
    assert len(policy.witnesses) == 2
    assert policy.groups[0].threshold == 2  # of three members, as before: harder, not easier


def test_a_member_without_keys_of_the_kind_makes_the_quorum_harder_and_stops_nothing(bureau: Bureau):
    node = bureau.civil
    with transaction(node.engine) as conn:
        for other in (bureau.finance, bureau.police):
            only = other.keys.witness_vkeys[:1]
            conn.execute(update(schema.peers).where(PEERS.origin == other.origin).values(witness_vkeys=only))
    with reading(node.engine) as conn:
        assert len(network_policy(conn, ed25519=True).witnesses) == 3
        with pytest.raises(MalformedPolicy):
            network_policy(conn)
        assert believed_head(conn, node.log.id) is None
    hand_in(bureau.county)
    assert publish_round(node) is not None


def test_a_department_that_is_followed_no_more_does_not_count(bureau: Bureau):
    remove_peer(bureau.civil, "公安局")
    policy = bureau.policy(bureau.civil)
    assert len(policy.witnesses) == 2
    assert policy.groups[0].threshold == 2


# --- the head that is kept ---


def test_a_receipt_goes_on_holding_while_every_other_department_is_away(bureau: Bureau, impatient):
    county, node = bureau.county, bureau.civil
    record = bureau.record(node, "award-approved")
    policy = bureau.policy(bureau.police)
    before = make_receipt(node.engine, record.record_id)
    for host in ("22.example", "23.example"):
        county.wire.lose(host)
    for _ in range(5):
        opened = hand_in(county)
        publish_round(node)
    after = make_receipt(node.engine, record.record_id)
    assert after == before
    assert after is not None
    check_receipt(after, policy)
    assert make_receipt(node.engine, opened.submitted.record_id) is None
    # One head that is shown and one that is believed: an outage of any length leaves no more.
    assert len(noted(node, node.log.id)) == 2


def test_when_they_come_back_the_new_head_takes_the_place_of_the_old(bureau: Bureau, impatient):
    county, node = bureau.county, bureau.civil
    for host in ("22.example", "23.example"):
        county.wire.lose(host)
    opened = hand_in(county)
    publish_round(node)
    for host in ("22.example", "23.example"):
        county.wire.find(host)
    county.round()
    county.round()
    assert len(noted(node, node.log.id)) == 1
    assert make_receipt(node.engine, opened.submitted.record_id) is not None


@pytest.mark.parametrize("lost", ["22.example", "23.example"])
def test_one_department_away_is_no_matter(bureau: Bureau, impatient, lost: str):
    bureau.county.wire.lose(lost)
    opened = hand_in(bureau.county)
    publish_round(bureau.civil)
    made = make_receipt(bureau.civil.engine, opened.submitted.record_id)
    assert made is not None
    check_receipt(made, bureau.policy(bureau.police))


def test_a_mirror_keeps_one_head_with_its_cosignatures(bureau: Bureau):
    node, origin = bureau.police, bureau.civil.origin
    for _ in range(3):
        hand_in(bureau.county)
        bureau.county.round()
    log_id = held(node, origin)
    assert len(noted(node, log_id)) == 1
    with reading(node.engine) as conn:
        head = believed_head(conn, log_id)
    assert head is not None
    assert head.served is not None
    hosts = {line.name for line in parse_note_unverified(head.served).unverified}
    assert {"21.example/witness", "22.example/witness", "23.example/witness", "23.example/mirror"} <= hosts


def test_a_mirror_shows_receipts_of_a_department_that_is_gone(bureau: Bureau, impatient):
    record = bureau.record(bureau.civil, "award-approved")
    bureau.county.wire.lose("21.example")
    bureau.county.round("财政局", "公安局")
    made = make_receipt(bureau.police.engine, record.record_id)
    assert made is not None
    check_receipt(made, bureau.policy(bureau.finance))


def test_a_log_rewritten_behind_our_back_proves_nothing(bureau: Bureau):
    """The kept head is of the true history; rows that are not are told as unproven, never as under it."""
    node = bureau.civil
    record, other = bureau.record(node, "award-approved"), bureau.record(node, "award-proposed")
    told = read_receipt(node.engine, record.record_id)
    assert told is not None
    with transaction(node.engine) as conn:
        rows = schema.entries.c
        forged = other.entry
        here = (rows.log_id == node.log.id, rows.idx == told.index)
        changed = forged[:-1] + (b"A" if forged[-1:] != b"A" else b"B")
        conn.execute(update(schema.entries).where(*here).values(entry=changed, leaf=leaf_hash(changed)))
    assert read_receipt(node.engine, record.record_id) is None
    rest = read_receipt(node.engine, other.record_id)
    assert rest is not None
    assert not rest.proven
    assert make_receipt(node.engine, other.record_id) is None
    elsewhere = read_receipt(bureau.police.engine, record.record_id)
    assert elsewhere is not None
    assert elsewhere.proven
