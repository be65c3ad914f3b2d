"""An outside witness cosigns our log, and our witness an outside log; both know each other by C2SP alone."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import delete, select

from handlers.console.doctor_network import examine_outside
from ledger.audit.verify import verify_database
from ledger.errors import Misconfigured
from ledger.merkle.cosignature import open_cosigned
from ledger.merkle.note import parse_vkey
from ledger.node import Node
from ledger.peers.client import PeerClient
from ledger.peers.cosignatures import Cosigners
from ledger.peers.outside import add_outside, offer_outside, read_outside, remove_outside
from ledger.peers.publish import publish_round
from ledger.peers.strangers import add_stranger
from ledger.quorum import network_policy
from ledger.routes import create_blueprint
from ledger.storage import schema
from ledger.storage.engine import reading, transaction
from ledger.storage.heads import OUTSIDE, WITNESS, read_cosignatures
from tests.console.test_console_joining import Office, found, stop
from tests.demo.network import until
from tests.fakes.serving import serving
from tests.peers.rig import make_county
from tests.peers.test_peers_http import free_port

Run = Callable[..., str]


@pytest.fixture
def run(outsider: Path) -> Run:
    """The outsider's program; returns what it printed, and raises with what it complained of."""

    def call(*arguments: str | Path) -> str:
        done = subprocess.run([outsider, *arguments], capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return call


def only(node):
    with reading(node.engine) as conn:
        [one] = read_outside(conn, node)
    return one


def doctor(node):
    """What the doctor says of outside witnesses."""
    return [*examine_outside(node)]


@contextmanager
def witnessing(outsider: Path, key: Path, node: Node, *, ahead: int = 0) -> Iterator[str]:
    """An outside witness that knows this node's log; its URL. `ahead`: seconds by which its clock is."""
    command: list[str | Path] = [outsider, "witness", key, node.keys.log_vkeys[0], str(node.now() + ahead)]
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


def test_an_outside_witness_cosigns_our_log_as_it_grows(county, outside_asking, outsider, run, tmp_path):
    vkey = run("cosigner", "witness.example", tmp_path / "key")
    node = outside_asking
    publish_round(node, cosign=False)
    with witnessing(outsider, tmp_path / "key", node) as url:
        add_outside(node, vkey, f"{url}/witness")
        for _ in range(3):
            county.town.apply()
            assert publish_round(node) == county.size(node)
            offer_outside(node)
            assert cosigned_by(node, vkey) == (county.size(node), ["witness.example"])
        # It knows more than we remember, and says so with 409; we go on from there.
        with transaction(node.engine) as conn:
            conn.execute(delete(schema.cosignatures).where(schema.cosignatures.c.name == "witness.example"))
        county.town.apply()
        publish_round(node)
        offer_outside(node)
        assert cosigned_by(node, vkey) == (county.size(node), ["witness.example"])
        # Every line that is stored or shown is held against its key, the outside witness's too.
        assert verify_database(node.engine, node.origin).faults == ()
        remove_outside(node, "witness.example")
        assert verify_database(node.engine, node.origin).faults == ()
        county.town.apply()
        publish_round(node)
        offer_outside(node)
    assert cosigned_by(node, vkey) == (county.size(node), [])


def test_an_outside_witness_does_not_cosign_another_history_of_ours(county, outside_asking, outsider, run, tmp_path):
    vkey = run("cosigner", "witness.example", tmp_path / "key")
    node = outside_asking
    publish_round(node, cosign=False)
    forked = county.fork(node)
    with witnessing(outsider, tmp_path / "key", node) as url:
        for one in (node, forked):
            add_outside(one, vkey, f"{url}/witness/")
        county.town.apply()
        publish_round(node)
        offer_outside(node)
        size = county.size(node)
        assert cosigned_by(node, vkey) == (size, ["witness.example"])
        for name in ("陶然", "陶源"):
            forked.desk.enrol(name, ("clerk",), f"id-{name}")
        publish_round(forked)
        offer_outside(forked)
        assert cosigned_by(forked, vkey) == (county.size(forked), [])
        [line] = doctor(forked)
    assert (line.good, "answered 422" in line.found) == (False, True)


def test_an_outside_witness_that_is_down_holds_up_nothing_and_is_asked_less_and_less_often(
    county, outside_asking, run, tmp_path
):
    vkey = run("cosigner", "witness.example", tmp_path / "key")
    node = outside_asking
    add_outside(node, vkey, f"http://127.0.0.1:{free_port()}")
    county.town.apply()
    assert publish_round(node) == county.size(node)
    failures = []
    for _ in range(20):
        offer_outside(node)
        failures.append(only(node).failures)
        county.clock.wait(node.round_seconds)
    assert (failures[0], failures[1], failures[-1] <= 5) == (1, 2, True)
    [line] = doctor(node)
    assert (line.good, "has cosigned nothing yet" in line.found, "peers witness remove" in line.mend) == (
        False,
        True,
        True,
    )
    assert line.what == "outside witness witness.example"


@pytest.mark.parametrize(("wrong", "told"), [(3_600, "s ahead of ours"), (-3_600, "s behind its own last word")])
def test_an_outside_witness_whose_clock_is_wrong_is_told_and_asked_less_often(
    county, outside_asking, outsider, run, tmp_path, wrong, told
):
    vkey = run("cosigner", "witness.example", tmp_path / "key")
    node = outside_asking
    publish_round(node, cosign=False)
    with witnessing(outsider, tmp_path / "key", node) as url:
        add_outside(node, vkey, f"{url}/witness")
        offer_outside(node)
    assert only(node).last_error is None
    county.town.apply()
    size = publish_round(node)
    with witnessing(outsider, tmp_path / "key", node, ahead=wrong) as url:
        add_outside(node, vkey, f"{url}/witness")
        for failures, rounds in ((1, 0), (1, 1), (2, 1), (2, 1), (3, 1)):
            offer_outside(node)
            assert (only(node).failures, told in (only(node).last_error or "")) == (failures, True)
            county.clock.wait(rounds * node.round_seconds)
        [line] = doctor(node)
        assert not line.good
    assert only(node).size != size
    with witnessing(outsider, tmp_path / "key", node) as url:
        add_outside(node, vkey, f"{url}/witness")
        offer_outside(node)
    assert (only(node).size, only(node).last_error) == (size, None)


def test_only_an_outside_witness_is_added_as_one_and_two_keys_at_the_most(county, outside_asking, run, tmp_path):
    node = outside_asking
    members = [*node.keys.witness_vkeys, *node.keys.mirror_vkeys, *node.keys.log_vkeys]
    for vkey in (*members, "", "x", run("key", "log.example", tmp_path / "log")):
        with pytest.raises(Misconfigured):
            add_outside(node, vkey, "https://witness.example")
    first, second, third = (run("cosigner", f"{name}.example", tmp_path / name) for name in ("one", "two", "three"))
    for url in ("http://witness.example", "ftp://witness.example", "https://witness.example/\x1b]0;", ""):
        with pytest.raises(Misconfigured):
            add_outside(node, first, url)
    for url in ("https://witness.example", "https://witness.example/", "https://witness.example/add-checkpoint"):
        assert add_outside(node, first, url).url == "https://witness.example"  # again: one key, one row
    add_outside(node, second, "https://witness.example")
    with pytest.raises(Misconfigured, match="the most"):
        add_outside(node, third, "https://witness.example")
    assert remove_outside(node, "one.example") == 1
    add_outside(node, third, "https://witness.example")
    with pytest.raises(Misconfigured, match="peers list"):
        remove_outside(node, "one.example")


def test_a_cosignature_of_an_outside_witness_makes_nothing_believed(county, outside_asking, outsider, run, tmp_path):
    vkey = run("cosigner", "witness.example", tmp_path / "key")
    node = outside_asking
    publish_round(node)
    with reading(node.engine) as conn:
        before = network_policy(conn)
    with witnessing(outsider, tmp_path / "key", node) as url:
        add_outside(node, vkey, f"{url}/witness")
        offer_outside(node)
    with reading(node.engine) as conn:
        assert network_policy(conn) == before
        [said] = [one for one in read_cosignatures(conn, node.log.id) if one.line.name == "witness.example"]
        assert said.role == OUTSIDE
        assert Cosigners.read(conn, node).foreign_over(conn, node.log.id, node.origin, WITNESS) == []


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


def test_a_command_adds_an_outside_witness_and_the_scheduler_keeps_asking_it(outsider, run, tmp_path):
    """Real programs on both sides: our command and our scheduler, and Go's witness."""
    vkey = run("cosigner", "witness.example", tmp_path / "key")
    office = found(tmp_path, "民政局", "21")
    scheduler = office.start("schedule")
    try:
        # Nobody listens yet: it is told what to send there, and nothing waits for it.
        told = office.run("peers", "witness", "add", vkey, "--url", f"http://127.0.0.1:{free_port()}")
        assert (told.returncode, "has cosigned nothing yet" in told.stdout) == (0, True)
        ours = [line.strip() for line in told.stdout.splitlines() if "/log+" in line]
        command: list[str | Path] = [outsider, "witness", tmp_path / "key", ours[0], str(int(time.time()))]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as witness:
            assert witness.stdout is not None
            try:
                url = f"http://127.0.0.1:{witness.stdout.readline().strip()}/witness"
                added = until(lambda: _added(office, vkey, url), 240, "the witness cosigns what is published")
                assert "✓ witness.example has cosigned our log at size 1" in added
                enrolled = office.start("officers", "enrol", "--name", "林芳", "--roles", "clerk")
                _out, errors = enrolled.communicate("330199199003070026\n", timeout=240)
                assert (enrolled.returncode, errors) == (0, "")
                until(lambda: "cosigned size 2" in _examined(office), 240, "the scheduler has it cosign what is new")
                [row] = json.loads(office.run("peers", "list", "--json").stdout)
                assert (row["name"], row["url"], row["state"], row["fingerprint"]) == (
                    "witness.example",
                    url,
                    "good",
                    vkey,
                )
                assert _examined(office).startswith("✓")
            finally:
                witness.kill()
        removed = office.run("peers", "witness", "remove", "witness.example")
        assert (removed.returncode, removed.stdout.strip()) == (0, "witness.example is not asked any more (1 key)")
        assert office.run("peers", "witness", "remove", "witness.example").returncode == 2
        assert json.loads(office.run("peers", "list", "--json").stdout) == []
        assert office.run("verify").returncode == 0  # a head that it cosigned is still shown
    finally:
        stop(scheduler)


def _added(office: Office, vkey: str, url: str) -> str | None:
    told = office.run("peers", "witness", "add", vkey, "--url", url).stdout
    return told if told.startswith("✓") else None


def _examined(office: Office) -> str:
    lines = office.run("doctor").stdout.splitlines()
    return next(line for line in lines if "outside witness witness.example" in line)
