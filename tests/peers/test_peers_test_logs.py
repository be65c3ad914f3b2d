"""Invented people stay among themselves: a test log is never followed or cosigned by a real node, nor the other way."""

import pytest

from ledger.errors import Misconfigured
from ledger.node import Node
from ledger.peers.asking import ask_to_join, meet
from ledger.peers.invitations import introduce, invite
from ledger.peers.joining import add_peer
from ledger.peers.publish import publish_round
from ledger.peers.strangers import add_stranger, read_strangers
from ledger.records.claims import is_test
from ledger.storage.engine import reading
from tests.desk.world import found, make_engine
from tests.peers.rig import County, node_of


@pytest.fixture
def trials(county: County, tmp_path) -> list[Node]:
    """Two nodes of invented people, on the same network as the county."""
    nodes = []
    for prefix, name in (("31", "民政局测试"), ("32", "财政局测试")):
        engine = make_engine(f"sqlite:///{tmp_path / f'{prefix}.db'}")
        department = found(name, prefix, engine, tmp_path, county.clock, origin=f"{prefix}.example/test/log")
        node = node_of(department, tmp_path, county.wire)
        county.nodes[name] = node  # closed with the others
        county.serve(node)
        publish_round(node, cosign=False)
        nodes.append(node)
    return nodes


def test_a_log_is_a_test_by_its_name_which_is_in_every_record_and_head():
    assert is_test("mz.example.gov.cn/test/log")
    for real in ("mz.example.gov.cn/log", "test.example.gov.cn/log", "mz.example.gov.cn/test", "mz.example/testlog"):
        assert not is_test(real)


def test_test_nodes_follow_each_other(trials):
    one, other = trials
    assert add_peer(one, other.public_url, other.keys.fingerprint).name == other.name


def test_a_real_node_refuses_a_test_node_though_the_words_are_right(county, trials):
    with pytest.raises(Misconfigured, match="a test log"):
        add_peer(county.civil, trials[0].public_url, trials[0].keys.fingerprint)


def test_a_test_node_refuses_a_real_one(county, trials):
    with pytest.raises(Misconfigured, match="a real log"):
        add_peer(trials[0], county.civil.public_url, county.civil.keys.fingerprint)


def test_neither_cosigns_the_other_as_a_stranger(county, trials):
    for home, other, why in ((county.civil, trials[0], "a test log"), (trials[0], county.civil, "a real log")):
        with pytest.raises(Misconfigured, match=why):
            add_stranger(home, other.keys.log_vkeys[0])
        assert read_strangers(home) == []


def test_neither_joins_the_other_by_a_code_whichever_of_them_gave_it(county, trials):
    for inviter, asker, why in ((county.civil, trials[0], "a real log"), (trials[0], county.civil, "a test log")):
        code = invite(inviter)
        with pytest.raises(Misconfigured, match=why):
            meet(asker, code)
        with reading(inviter.engine) as connection:
            introduction = introduce(connection, inviter)
        # One that does not look asks all the same: the door refuses it.
        with pytest.raises(Misconfigured, match="a real log" if why == "a test log" else "a test log"):
            ask_to_join(asker, code, introduction)
