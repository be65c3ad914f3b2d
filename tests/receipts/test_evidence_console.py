"""`check evidence.json`: what a department keeps against a log, checked where there is no node at all."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from click.testing import Result

from ledger.audit.crosscheck import run_round
from ledger.merkle.policy import format_policy
from ledger.node import Node
from ledger.peers.evidence_files import read_file
from ledger.peers.joining import remove_peer
from ledger.peers.publish import publish_round
from ledger.quorum import network_policy
from ledger.records.evidence import EVIDENCE_BYTES_MAX, format_evidence
from ledger.records.statement import Statement
from ledger.scribe import new_handle
from ledger.storage.engine import reading
from tests.fakes.network import body
from tests.peers.rig import County, make_county
from tests.peers.smuggling import put, signed
from tests.peers.test_peers_rotation import head_by, retired
from tests.peers.test_peers_split_views import FINANCE, faces, grow, look, seen_path
from tests.receipts.test_receipt_console import Office

ROOT = Path(__file__).parents[2]


@pytest.fixture
def county(tmp_path: Path) -> Iterator[County]:
    made = make_county(tmp_path)
    yield made
    made.close()


@pytest.fixture
def anywhere(tmp_path: Path) -> Office:
    """A terminal where there is no node."""
    return Office(cast("Node", SimpleNamespace(public_url="")), tmp_path)


def document(node: Node, finding: str) -> bytes:
    with reading(node.engine) as connection:
        file = read_file(connection, node, finding)
    assert file is not None
    return format_evidence(file)


def caught(county: County, true: int, other: int) -> bytes:
    """民政局 has shown two faces; what 公安局 can show of it."""
    county.round()
    forked = faces(county, county.civil, true, other, by=county.town.civil.staff["林芳"].handle)
    look(county, "财政局", county.civil)
    [finding] = look(county, "公安局", forked).findings
    return document(county.police, finding.id)


def keys(node: Node) -> list[str]:
    return [part for vkey in node.keys.log_vkeys for part in ("--vkey", vkey)]


def told(done: Result) -> str:
    return " ".join(done.stdout.split())


@pytest.mark.parametrize(("true", "other"), [(1, 1), (3, 1), (1, 3)])
def test_it_says_in_plain_words_what_it_shows_and_whose_keys_were_trusted(county, anywhere, true, other):
    data = caught(county, true, other)
    file = anywhere.file("evidence.json", data)
    given = anywhere.run("check", file, *keys(county.civil))
    assert (given.exit_code, given.stderr) == (0, "")
    assert "evidence.json shows that 21.example/log has signed two histories" in told(given)
    assert ("two different lists" in told(given)) is (true == other)
    assert "keys came from the file" not in told(given)
    own = anywhere.run("check", file)
    assert own.exit_code == 0
    assert "the keys came from the file itself" in told(own)
    said = json.loads(anywhere.run("check", file, *keys(county.civil), "--json").stdout)
    assert (said["ok"], said["origin"], said["keys"]) == (True, "21.example/log", "given")
    assert len(said["older"]["signed_by"]) == len(said["newer"]["signed_by"]) == 2
    assert len(data) < EVIDENCE_BYTES_MAX // 2


def test_a_policy_file_names_the_keys_as_well(county, anywhere):
    file = anywhere.file("evidence.json", caught(county, 1, 1))
    with reading(county.finance.engine) as connection:
        policy = format_policy(network_policy(connection, county.finance.public_url, ed25519=False, retired=False))
    done = anywhere.run("check", file, "--policy", anywhere.file("x.policy", policy))
    assert (done.exit_code, "keys came from the file" in told(done)) == (0, False)


def test_what_shows_nothing_exits_1_and_says_why(county, anywhere):
    data = caught(county, 1, 1)
    for content, arguments, why in (
        (data, keys(county.finance), "NoKnownSignature"),
        (data.replace(b'"two-roots"', b'"rewritten"'), [], "BadProof"),
        (b'{"a": 1}', [], "MalformedEvidence"),
        (b"{" * 70_000, [], "MalformedEvidence"),
        (b"{" + b" " * 10_000_000, [], "MalformedEvidence"),
    ):
        done = anywhere.run("check", anywhere.file("e.json", content), *arguments)
        assert (done.exit_code, why in done.stdout) == (1, True), why
        assert "shows nothing" in done.stdout
        assert len(done.stdout) < 500
    said = json.loads(anywhere.run("check", anywhere.file("e.json", b"{}"), "--json").stdout)
    assert (said["ok"], said["why"]) == (False, "MalformedEvidence")


def test_a_key_that_is_none_exits_2_and_names_the_option(county, anywhere):
    file = anywhere.file("evidence.json", caught(county, 1, 1))
    done = anywhere.run("check", file, "--vkey", "21.example/log+00000000+AAAA")
    assert (done.exit_code, "--vkey" in done.stderr) == (2, True)
    assert anywhere.run("check", file, "--policy", anywhere.file("x", b"quorum")).exit_code == 2
    assert anywhere.run("check", "nowhere.json").exit_code == 2


def test_a_head_by_a_retired_key_is_shown_with_its_doubt_and_with_who_had_seen_it(county, anywhere):
    node, old, size = retired(county)
    seen = head_by(old, node, size, b"\x11" * 32, *county.finance.keys.witness, at=county.clock() - 3600)
    county.wire.tamper(FINANCE, seen_path(county.civil), body(seen))
    [finding] = run_round(county.police).findings
    file = anywhere.file("evidence.json", document(county.police, finding.id))
    done = anywhere.run("check", file)
    assert done.exit_code == 0
    assert "No key has signed both" in told(done)
    assert "seen by" not in told(done)
    vkeys = [*old.log_vkeys, *node.keys.log_vkeys, *county.finance.keys.witness_vkeys]
    known = anywhere.run("check", file, *(part for vkey in vkeys for part in ("--vkey", vkey)))
    assert (known.exit_code, "seen by 22.example/witness" in told(known)) == (0, True)


def test_it_needs_no_settings_no_database_and_no_network(county, anywhere, tmp_path):
    file = anywhere.file("evidence.json", caught(county, 1, 3))
    run = [sys.executable, str(ROOT / "app.py"), "check", file, *keys(county.civil)]
    done = subprocess.run(run, cwd=tmp_path, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False)
    assert (done.returncode, "two histories" in done.stdout) == (0, True), done.stderr


# --- what is written out of what was kept ---


def test_there_is_no_document_for_other_findings(county):
    with reading(county.police.engine) as connection:
        assert read_file(connection, county.police, "AAAAAAAA") is None


def test_evidence_against_a_department_that_was_removed_since_can_still_be_shown(county, anywhere):
    county.round()
    forked = county.fork(county.civil)
    grow(county.civil, 1, by=county.town.civil.staff["林芳"].handle)
    run_round(county.police)
    clerk = county.town.civil.staff["林芳"].handle
    put(forked, signed(forked, Statement("case-submitted", new_handle(), {"matter": "x"}), by=clerk))
    publish_round(forked, cosign=False)
    county.serve(forked)
    [finding] = run_round(county.police).findings
    county.serve(county.civil)
    remove_peer(county.police, "民政局")
    done = anywhere.run("check", anywhere.file("e.json", document(county.police, finding.id)), *keys(county.civil))
    assert done.exit_code == 0
