"""Two departments as two web servers on this machine, over real connections."""

import socket
from contextlib import contextmanager
from dataclasses import replace

import httpx
import pytest
from flask import Flask

from ledger.audit.crosscheck import run_round
from ledger.errors import Misconfigured, PeerUnreachable
from ledger.merkle.add_checkpoint import AddCheckpoint
from ledger.merkle.note import parse_signature_lines
from ledger.node import Node
from ledger.peers.client import PeerClient
from ledger.peers.joining import add_peer
from ledger.peers.publish import publish_round
from ledger.peers.strangers import add_stranger
from ledger.routes import create_blueprint
from tests.fakes.peer import FakeLog
from tests.fakes.serving import serving
from tests.peers.rig import make_county


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture
def served(tmp_path):
    """民政局 and 财政局, each behind a real server."""
    county = make_county(tmp_path, acquainted=False)
    nodes: dict[str, Node] = {}
    with serving_all(county, nodes):
        for node in nodes.values():
            publish_round(node, cosign=False)
        for node in nodes.values():
            for other in nodes.values():
                if other is not node:
                    add_peer(node, other.public_url, other.keys.fingerprint)
        yield county, nodes["民政局"], nodes["财政局"]
    county.close()
    for node in nodes.values():
        node.client.close()


@contextmanager
def serving_all(county, nodes):
    ports = {name: free_port() for name in ("民政局", "财政局")}
    for name, port in ports.items():
        node = county.nodes[name]
        settings = replace(node.settings, public_url=f"http://127.0.0.1:{port}")
        nodes[name] = replace(node, settings=settings, client=PeerClient(settings.public_url))
    with serving(_app(nodes["民政局"]), ports["民政局"]), serving(_app(nodes["财政局"]), ports["财政局"]):
        yield


def _app(node):
    app = Flask(node.settings.key_file.stem)
    app.register_blueprint(create_blueprint(node))
    return app


def test_what_one_department_approves_another_stores_checks_and_pays(served):
    county, civil, finance = served
    _case, award = county.town.approved()
    for node in (civil, finance):
        publish_round(node)
    for node in (civil, finance):
        [row] = run_round(node).rows
        assert (row.error, row.missing, row.checked) == (None, 0, row.size)
    with finance.reading() as facts:
        seen = facts.award(county.town.civil.ref(award))
        assert seen is not None
        assert (seen.number[:2], seen.payee) == ("21", "王桂兰")
    payment = county.town.order(award)
    for _ in range(2):
        for node in (civil, finance):
            publish_round(node)
            run_round(node)
    with civil.reading() as facts:
        paid = facts.payment(county.town.finance.ref(payment))
        assert paid is not None
        assert paid.number[:2] == "22"
    names = [line.name for line in _lines(civil)]
    assert names.count("22.example/witness") == names.count("22.example/mirror") == 2


def _lines(node):
    shown = httpx.get(f"{node.public_url}/log/checkpoint", trust_env=False)
    assert shown.headers["Content-Type"] == "text/plain; charset=utf-8"
    return parse_signature_lines(shown.content.partition(b"\n\n")[2])


def test_a_stranger_has_its_log_cosigned_with_the_statuses_of_the_standard(served):
    _county, civil, _finance = served
    log = FakeLog().grow(3)
    url = f"{civil.public_url}/witness/add-checkpoint"

    def post(content):
        return httpx.post(url, content=content, trust_env=False)

    assert post(log.question(0)).status_code == 404
    add_stranger(civil, log.vkey)
    answer = post(log.question(0))
    assert answer.status_code == 200
    assert [line.name for line in parse_signature_lines(answer.content)] == ["21.example/witness"] * 2
    stale = post(log.grow(2).question(0))
    assert (stale.status_code, stale.text, stale.headers["Content-Type"]) == (409, "3\n", "text/x.tlog.size")
    assert post(AddCheckpoint(3, (), log.signed()).to_bytes()).status_code == 422
    assert post(AddCheckpoint(9, (), log.signed()).to_bytes()).status_code == 400
    assert post(b"old 3\n").status_code == 400
    assert post(FakeLog(log.origin).grow(5).question(3)).status_code == 403
    assert post(log.question(3)).status_code == 200


def test_a_server_that_sends_us_elsewhere_or_is_away_is_unreachable(served):
    _county, civil, _finance = served
    app, port = Flask("elsewhere"), free_port()
    app.add_url_rule("/<path:path>", view_func=lambda path: ("", 302, {"Location": f"{civil.public_url}/{path}"}))
    with serving(app, port), pytest.raises(PeerUnreachable):
        civil.client.get(f"http://127.0.0.1:{port}/log/checkpoint", bytes_max=100_000)
    with pytest.raises(PeerUnreachable):
        civil.client.get(f"http://127.0.0.1:{port}/log/checkpoint", bytes_max=100_000)
    with pytest.raises(Misconfigured):
        civil.client.get("http://minzheng.example/log/checkpoint", bytes_max=100_000)
