"""An outside witness cosigns our log, and our witness an outside log; both know each other by C2SP alone."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import delete, insert, select

from ledger.merkle.cosignature import open_cosigned
from ledger.merkle.note import parse_vkey
from ledger.node import Node
from ledger.peers.client import PeerClient
from ledger.peers.publish import offer_again, publish_round
from ledger.peers.strangers import add_stranger
from ledger.routes import create_blueprint
from ledger.storage import schema
from ledger.storage.engine import reading, transaction
from tests.peers.rig import make_county
from tests.peers.test_peers_http import free_port, serving

Run = Callable[..., str]


@pytest.fixture
def run(outsider: Path) -> Run:
    """The outsider's program; returns what it printed, and raises with what it complained of."""

    def call(*arguments: str | Path) -> str:
        done = subprocess.run([outsider, *arguments], capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return call


@contextmanager
def witnessing(outsider: Path, key: Path, node: Node) -> Iterator[str]:
    """An outside witness that knows this node's log; its URL."""
    command: list[str | Path] = [outsider, "witness", key, node.keys.log_vkeys[0], str(node.now())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as witness:
        assert witness.stdout is not None
        try:
            yield f"http://127.0.0.1:{witness.stdout.readline().strip()}"
        finally:
            witness.kill()


@pytest.fixture
def county(tmp_path):
    made = make_county(tmp_path, acquainted=False)
    yield made
    made.close()


@pytest.fixture
def outside_asking(county):
    """民政局, which asks over real connections."""
    with PeerClient("http://127.0.0.1:1") as client:
        yield replace(county.civil, client=client)


def cosigned_by(node, vkey):
    """Size of the head that is shown, and who of this one key has cosigned it."""
    shown = open_cosigned(node.log.published_checkpoint(), [node.keys.log[0].verifier], [parse_vkey(vkey)])
    return shown.checkpoint.size, [one.name for one in shown.cosignatures]


def follow_witness(node, url, vkey):
    """As with a department, but for all that it does not have: it is asked to cosign, and for nothing else."""
    row = {
        "origin": "witness.example/log",
        "name": "外部见证",
        "url": url,
        "number_prefix": "99",
        "desk_key": bytes(32),
        "log_vkeys": [],
        "witness_vkeys": [vkey],
        "mirror_vkeys": [],
        "handle": "A" * 22,
    }
    with transaction(node.engine) as conn:
        conn.execute(insert(schema.peers), row)


def test_an_outside_witness_cosigns_our_log_as_it_grows(county, outside_asking, outsider, run, tmp_path):
    vkey = run("cosigner", "witness.example", tmp_path / "key")
    node = outside_asking
    publish_round(node, cosign=False)
    with witnessing(outsider, tmp_path / "key", node) as url:
        follow_witness(node, url, vkey)
        for _ in range(3):
            county.town.apply()
            assert publish_round(node) == county.size(node)
            assert cosigned_by(node, vkey) == (county.size(node), ["witness.example"])
        offer_again(node)  # nothing new: the same head, cosigned afresh
        # It knows more than we remember, and says so with 409; we go on from there.
        with transaction(node.engine) as conn:
            conn.execute(delete(schema.cosignatures).where(schema.cosignatures.c.name == "witness.example"))
        county.town.apply()
        publish_round(node)
        assert cosigned_by(node, vkey) == (county.size(node), ["witness.example"])


def test_an_outside_witness_does_not_cosign_another_history_of_ours(county, outside_asking, outsider, run, tmp_path):
    vkey = run("cosigner", "witness.example", tmp_path / "key")
    node = outside_asking
    publish_round(node, cosign=False)
    forked = county.fork(node)
    with witnessing(outsider, tmp_path / "key", node) as url:
        follow_witness(node, url, vkey)
        county.town.apply()
        publish_round(node)
        size = county.size(node)
        assert cosigned_by(node, vkey) == (size, ["witness.example"])
        follow_witness(forked, url, vkey)
        for name in ("陶然", "陶源"):
            forked.desk.enrol(name, ("clerk",), f"id-{name}")
        publish_round(forked)
        assert cosigned_by(forked, vkey) == (county.size(forked), [])


def test_our_witness_cosigns_an_outside_log_of_gos_own_code(county, run, tmp_path):
    vkey = run("key", "outside.example/log", tmp_path / "key")
    witness = county.police
    app, port = Flask("police"), free_port()
    app.register_blueprint(create_blueprint(witness))
    [own] = [one for one in witness.keys.witness_vkeys if parse_vkey(one).kind == 4]
    with serving(app, port):
        url = f"http://127.0.0.1:{port}"
        assert run("fork", tmp_path / "key", url, "600").split() == ["404", "404"]
        add_stranger(witness, vkey)
        grown = run("log", tmp_path / "key", url, own).split()
        assert grown == ["1", "2", "3", "7", "8", "255", "256", "257", "600", "600"]
        # Another history of that size convicts it; from then on nothing of it is cosigned.
        assert run("fork", tmp_path / "key", url, "600").split() == ["422", "403"]
    with reading(witness.engine) as conn:
        assert conn.execute(select(schema.evidence.c.origin)).scalars().all() == ["outside.example/log"]
