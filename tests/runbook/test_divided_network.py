"""`docs/divided.md`, step by step: a two-faced member divides the network, and those who go on begin it anew.

民政局 and 公安局 have agreed to one change, 财政局 by what it was shown to another; 审计局 has said both.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from flask import Flask

from handlers.pages import create_blueprint as create_pages
from ledger.audit.verify import verify_database
from ledger.epochs import read_view, statement_of
from ledger.errors import Misconfigured
from ledger.freezing import Frozen, LastHead
from ledger.node import Node, NodeSettings, init_node
from ledger.peers.client import PeerClient
from ledger.peers.home import read_peers
from ledger.peers.joining import add_peer
from ledger.peers.members import found_network
from ledger.peers.succession import check_successor
from ledger.receipts import make_receipt
from ledger.records.epochs import JOINED, Vote
from ledger.records.receipt import check_receipt
from ledger.routes import create_blueprint as create_doors
from ledger.storage.engine import reading
from tests.fakes.network import Site, Wire
from tests.peers.membership import ADMIN, FIRST, NEW, OTHER, Network
from tests.peers.rig import County, doors, make_county
from tests.runbook.test_stolen_log_key import PASSPHRASE

HONEST, LIAR = FIRST[:3], FIRST[3]
PREFIXES = {"民政局": "31", "财政局": "32", "公安局": "33", NEW: "35", OTHER: "36"}


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    """Four are a network, and two more ask to join: everybody has heard so from 民政局."""
    county = make_county(tmp_path, acquainted=False, onlookers=(LIAR, NEW, OTHER))
    county.introduce(*FIRST)
    county.found(*FIRST)
    made = Network(county)
    made.join("民政局")
    made.join("民政局", OTHER)
    for name in FIRST:
        made.chat(name)  # its administrator
    made.round(*FIRST)
    yield made
    county.close()


def two_faces(network: Network) -> Node:
    """The liar as 财政局 alone sees it: the same keys and past, and 财政局's way to the others a network of its own."""
    county, finance = network.county, network.node("财政局")
    other_face = county.fork(network.node(LIAR))
    wire = Wire()
    for name, node in county.nodes.items():
        wire.host(county.host(node), doors(other_face if name == LIAR else node))
    network.county.nodes["财政局"] = replace(finance, client=PeerClient(finance.public_url, transport=wire))
    del network.chats["财政局"]
    return other_face


def doors_and_pages(network: Network, name: str) -> Site:
    """A node's doors, and the pages that say which epoch it counts."""
    app = Flask(__name__)
    app.register_blueprint(create_doors(network.node(name)))
    app.register_blueprint(create_pages(network.chat(name).services))
    return httpx.WSGITransport(app).handle_request


def lie(network: Network, face: Node, name: str, ballot: int) -> None:
    by = network.chat(LIAR).department.staff[ADMIN].handle
    around = type(face.desk)(face.log, face.keys, network.county.clock, stop_rules=frozenset())
    around.submit(statement_of(Vote(ballot, network.change(JOINED, name))), by=by, once=f"lie-{name}-{ballot}")
    face.log.sign_new_head()
    face.log.publish(network.county.size(face))


def divide(network: Network) -> Node:
    """As decision 0070 has it under *Known*; returns the liar's other face."""
    other_face = two_faces(network)
    network.agree(f"#同意加入 {OTHER}", "民政局")
    network.county.publish("民政局")
    lie(network, network.node(LIAR), NEW, 1)
    lie(network, other_face, OTHER, 1)
    # 财政局 hears 民政局 and the one face; nobody hears 财政局.
    network.county.wire.lose("22.example")
    run = network.county.round
    run("财政局")
    network.agree(f"#同意加入 {OTHER}", "财政局")
    assert network.count("财政局") == (2, 5)
    # 公安局 has heard the other face only, and 民政局 comes to the second ballot with it: it has not heard 财政局.
    network.agree(f"#同意加入 {NEW}", "公安局")
    for _ in range(2):
        run("民政局", "公安局")
    network.agree(f"#同意加入 {NEW}", "民政局")
    run("公安局", "民政局")
    network.agree(f"#同意加入 {NEW}", "公安局")
    lie(network, network.node(LIAR), NEW, 2)
    for _ in range(2):
        run("民政局", "公安局")
    network.county.wire.find("22.example")
    return other_face


def name_of_epoch(network: Network, name: str) -> str:
    with reading(network.node(name).engine) as connection:
        epoch = read_view(connection).epoch
    assert epoch is not None
    return epoch.name


def begin(county: County, name: str, origin: str, last: LastHead | None = None) -> Node:
    """A new node: another key file, another database, another prefix."""
    prefix = PREFIXES[name]
    folder = county.directory / prefix
    folder.mkdir()
    url, database = f"https://{prefix}.example", f"sqlite:///{folder / 'node.db'}"
    settings = NodeSettings(name, origin, url, database, folder / "node.age", crosscheck_seconds=5)
    keys = init_node(settings, number_prefix=prefix, passphrase=PASSPHRASE, now=county.clock, successor_of=last)
    node = replace(Node.open(settings, keys, county.clock), client=PeerClient(url, transport=county.wire))
    county.serve(node)
    node.log.sign_new_head()
    node.log.publish(1)
    return node


def begin_successor(county: County, name: str) -> Node:
    """Steps 2 and 3 at one department: its log ends, and a new one begins that says so in its first record."""
    return begin(county, name, f"{PREFIXES[name]}.example/2/log", county.nodes[name].log.freeze())


def test_who_goes_on_founds_the_network_anew_without_the_liar(network: Network, quick_seal):
    county = network.county
    record = county.town.civil.records()[-1].record_id
    divide(network)
    # It is divided: the same number, two names. Both sides see it, and have the evidence.
    assert {network.count(name) for name in HONEST} == {(2, 5)}
    assert name_of_epoch(network, "民政局") == name_of_epoch(network, "公安局") != name_of_epoch(network, "财政局")
    for _ in range(4):
        county.round(*HONEST)
    assert any("R36" in {one.rule for one in county.findings(name)} for name in HONEST)
    finance = network.node("财政局")
    for name in ("民政局", "公安局"):
        county.wire.host(county.host(network.node(name)), doors_and_pages(network, name))
    county.wire.host("22.example", doors_and_pages(network, "财政局"))
    county.nodes["财政局"] = replace(finance, client=PeerClient(finance.public_url, transport=county.wire))
    for name in ("民政局", "财政局"):
        line = network.doctor(name)["policy"]
        assert (line.good, "counts epoch 2" in line.found) == (False, True)
    # Nothing in the protocol joins them: what one side would agree to is no change of the other's epoch.
    with pytest.raises(Misconfigured, match="belongs to a network already"):
        found_network(network.node("民政局"))
    # 1. to 3. Everybody who goes on ends its log and begins a successor; whoever had been let in does so as well.
    going_on = (*HONEST, NEW)
    olds = {name: network.node(name) for name in going_on}
    news = {name: begin_successor(county, name) for name in going_on}
    with pytest.raises(Frozen):
        olds["民政局"].desk.enrol("新人", ("clerk",), "id-new")
    # 4. The old node says whether a successor goes on from where its own copy of that log ends; it follows nobody.
    for by, about in (("民政局", "财政局"), ("财政局", "公安局"), ("公安局", "民政局")):
        check_successor(olds[by], news[about].public_url, news[about].keys.fingerprint, about)
    with pytest.raises(Misconfigured, match="does not say that it takes the place"):
        check_successor(olds["民政局"], news["公安局"].public_url, news["公安局"].keys.fingerprint, "财政局")
    # 5. The new logs follow each other, after the words were compared; nobody follows the liar.
    for node in news.values():
        for other in news.values():
            if other is not node:
                add_peer(node, other.public_url, other.keys.fingerprint)
    county.nodes = dict(news)
    begun = [found_network(node) for node in news.values()]
    assert sorted(begun[-1].departments) == sorted(going_on)
    for _ in range(3):
        county.round()
    # 6. One network, one epoch, the same for all; the liar is not in it, whatever it goes on to say.
    assert {network.count(name) for name in going_on} == {(1, 4)}
    assert len({name_of_epoch(network, name) for name in going_on}) == 1
    assert all(followed(node) == {*going_on} - {name} for name, node in news.items())
    assert all(len(network.policy(name).witnesses) == 4 for name in going_on)
    fresh = news["民政局"].desk.enrol("新人", ("clerk",), "id-newer").submitted.record_id
    for _ in range(2):
        county.round()
    receipt = make_receipt(news["财政局"].engine, fresh)
    assert receipt is not None
    assert check_receipt(receipt, network.policy("公安局")).record.record_id == fresh
    assert all(county.findings(name) == [] for name in going_on)
    # 7. What was recorded before stays where it is, whole, and its receipts go on to hold by the old policy.
    for name in HONEST:
        report = verify_database(olds["公安局"].engine, olds[name].origin)
        assert report.faults == ()
    old_receipt = make_receipt(olds["公安局"].engine, record)
    assert old_receipt is not None
    # 8. A newcomer joins the new network by one code, as it would have joined the old one.
    network.chats.clear()
    county.nodes[OTHER] = begin(county, OTHER, "36.example/log")
    network.join("财政局", OTHER)
    for _ in range(2):
        network.round(*going_on, OTHER)
    network.agree(f"#同意加入 {OTHER}", "民政局", "公安局", NEW)
    for _ in range(3):
        network.round(*going_on, OTHER)
    assert {network.count(name) for name in (*going_on, OTHER)} == {(2, 5)}


def followed(node: Node) -> set[str]:
    with reading(node.engine) as connection:
        return {peer.name for peer in read_peers(connection)}
