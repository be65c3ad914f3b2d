"""`docs/keys.md`, "A stolen log key", step by step: an invented head that witnesses cosigned, and how the county goes on.

The thief has the log's private keys and what everybody can read of the log, and nothing else: no desk key, no database.
"""

from dataclasses import replace

import pytest

from ledger.audit.crosscheck import run_round
from ledger.audit.verify import verify_database
from ledger.errors import MalformedReceipt, Misconfigured, PeerUnreachable
from ledger.freezing import Frozen
from ledger.merkle.add_checkpoint import AddCheckpoint
from ledger.merkle.cosignature import parse_checkpoint_unverified
from ledger.merkle.proofs import prove_consistency
from ledger.node import Node, NodeSettings, init_node
from ledger.peers import witness
from ledger.peers.client import PeerClient
from ledger.peers.home import read_peers
from ledger.peers.joining import add_peer
from ledger.peers.succession import take_over
from ledger.quorum import network_policy
from ledger.receipts import make_receipt, read_receipt
from ledger.records.receipt import check_receipt
from ledger.storage import entries
from ledger.storage.engine import reading, transaction

PASSPHRASE = "correct horse battery"


def steal_and_invent(county):
    """The thief signs a head that goes on from the true one, and the others' witnesses cosign it: it only grew."""
    thief = county.fork(county.civil)
    with transaction(thief.engine) as connection:
        entries.append(connection, thief.log.id, [b"an entry that nobody ever made"])
    head = thief.log.sign_new_head()
    for node in (county.finance, county.police):
        with reading(node.engine) as connection:
            seen = witness.last_seen(connection, county.civil.origin)
        with reading(thief.engine) as connection:
            read = entries.node_reader(connection, thief.log.id, head.size)
            proof = tuple(prove_consistency(seen.size, head.size, read))
        witness.cosign_next(node, AddCheckpoint(seen.size, proof, head.signed))
    return head


def begin_successor(county, last, host="31"):
    """Another key file, another database, another name of the log."""
    folder = county.directory / host
    folder.mkdir()
    url = f"https://{host}.example"
    settings = NodeSettings(
        "民政局",
        f"{host}.example/2/log",
        url,
        f"sqlite:///{folder / 'node.db'}",
        folder / "node.age",
        crosscheck_seconds=5,
    )
    keys = init_node(settings, number_prefix=host, passphrase=PASSPHRASE, now=county.clock, successor_of=last)
    node = Node.open(settings, keys, county.clock)
    node = replace(node, client=PeerClient(url, transport=county.wire))
    county.serve(node)
    node.log.sign_new_head()
    node.log.publish(1)
    return node


def followed(node):
    with reading(node.engine) as connection:
        return [peer.origin for peer in read_peers(connection)]


def proven(node, record):
    told = read_receipt(node.engine, record)
    return told is not None and told.proven


def test_the_county_goes_on_after_a_log_key_was_stolen(county, quick_seal):
    old = county.civil
    county.round()
    county.round()
    record = county.town.civil.records()[-1].record_id
    # What happens: the witnesses have cosigned a head that the department never made …
    invented = steal_and_invent(county)
    # … and refuse what it says next. It sees there a head that it cannot have signed.
    old.desk.enrol("新人", ("clerk",), "id-new")
    county.publish("民政局")
    for node in (county.finance, county.police):
        shown = parse_checkpoint_unverified(witness.latest(node, witness.hash_of_origin(old.origin)) or b"")
        assert (shown.size, shown.root) == (invented.size, invented.root)
    assert invented.root != old.log.newest_head().root
    # 1. Freeze: one last head holds all that was ever acknowledged, and nothing is added any more.
    last = old.log.freeze()
    assert last.size == county.size(old)
    with pytest.raises(Frozen):
        old.desk.enrol("又一人", ("clerk",), "id-newer")
    with pytest.raises(Frozen):
        old.log.sign_new_head()
    assert old.log.freeze() == last
    # The others find by themselves that this log has two histories, and cosign nothing of it any more.
    for name in ("财政局", "公安局"):
        run_round(county.nodes[name])
        assert "R36" in {finding.rule for finding in county.findings(name)}
    # 2. The successor's first record names the old log, and the last size and root of it that count.
    with pytest.raises(Misconfigured):
        init_node(old.settings, number_prefix="31", passphrase=PASSPHRASE, now=county.clock, successor_of=last)
    successor = begin_successor(county, last)
    # 3. Taken over where an operator decides so, after the words were compared; and only from the true end.
    liar = begin_successor(county, replace(last, root=invented.root), host="41")
    for node in (county.finance, county.police):
        with pytest.raises((Misconfigured, PeerUnreachable), match="root"):
            take_over(node, liar.public_url, liar.keys.fingerprint, "民政局")
        assert old.origin in followed(node)
        with pytest.raises(Misconfigured, match="does not say"):
            take_over(
                node, successor.public_url, successor.keys.fingerprint, "财政局" if node is county.police else "公安局"
            )
        take_over(node, successor.public_url, successor.keys.fingerprint, "民政局")
        assert old.origin not in followed(node)
        assert successor.origin in followed(node)
        add_peer(successor, node.public_url, node.keys.fingerprint)
    county.nodes["民政局"] = successor
    # 4. The county works again: what the successor says is cosigned, stored, and proven.
    fresh = successor.desk.enrol("新人", ("clerk",), "id-new").submitted.record_id
    for _ in range(3):
        reports = county.round()
    assert all(row.is_verified for row in reports["公安局"].rows)
    assert proven(county.police, fresh)
    # 5. The old records go on to be verifiable, up to the stated size and no further.
    for node in (county.finance, county.police):
        report = verify_database(node.engine, old.origin)
        assert (report.size, report.faults) == (last.size, ())
    assert proven(county.police, record)
    receipt = make_receipt(county.police.engine, record)
    assert receipt is not None
    with reading(county.police.engine) as connection:
        policy = network_policy(connection, retired=True)
    checked = check_receipt(receipt, policy, size_max=last.size)
    assert checked.record.record_id == record
    with pytest.raises(MalformedReceipt, match="ended"):
        check_receipt(receipt, policy, size_max=checked.opened.checkpoint.size - 1)
