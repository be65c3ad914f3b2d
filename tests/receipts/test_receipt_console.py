"""`prove`, `policy` and `check`: a receipt made from a node's database, and checked where there is no node at all."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import click
import pytest
from click.testing import CliRunner, Result

from handlers.console import commands
from handlers.console.context import Console
from handlers.console.policy_epoch import epoch_comment, epoch_of
from ledger.keys import open_keys
from ledger.merkle.note import format_note, parse_note_unverified
from ledger.merkle.policy import format_policy, parse_policy
from ledger.merkle.tlog_proof import parse_tlog_proof
from ledger.node import Node, NodeSettings, init_node
from ledger.peers.publish import publish_round
from ledger.receipts import make_receipt
from ledger.records.check_code import check_code, in_groups
from ledger.records.epochs import EpochName
from ledger.records.receipt import check_receipt, parse_receipt, write_receipt
from ledger.records.statement import Record, parse_record
from ledger.storage import entries
from ledger.storage.engine import reading
from tests.merkle.oracle import flip_bit
from tests.peers.smuggling import forged, put
from tests.receipts.rig import Bureau

ROOT = Path(__file__).parents[2]
PASSPHRASE = "correct horse battery"


@dataclass
class Office:
    """A department alone, with a terminal that knows no passphrase."""

    node: Node
    folder: Path

    def run(self, *arguments: str) -> Result:
        def closed(*_arguments: object) -> Any:
            raise AssertionError("no key is needed for this")

        settings = cast("Any", SimpleNamespace(public_url=self.node.public_url))
        console = Console(
            settings=lambda: settings,
            settings_with=closed,
            node_settings=lambda _chosen: self.node.settings,
            open_node=closed,
            serve=closed,
            schedule=closed,
            demo=closed,
            trial=closed,
            throw_trial_away=closed,
            now=lambda: 0,
            check_matters=closed,
            data=self.folder,
        )
        group = click.Group(commands={command.name or "": command for command in commands(console)})
        return CliRunner().invoke(group, arguments)

    def records(self) -> list[Record]:
        with reading(self.node.engine) as conn:
            size = entries.read_edge(conn, self.node.log.id).size
            return [parse_record(entry) for entry in entries.read_entries(conn, self.node.log.id, 0, size)]

    def file(self, name: str, content: bytes) -> str:
        path = self.folder / name
        path.write_bytes(content)
        return str(path)


@pytest.fixture
def office(tmp_path: Path, quick_seal: None) -> Iterator[Office]:
    settings = NodeSettings(
        "民政局",
        "minzheng.example/log",
        "https://minzheng.example",
        f"sqlite:///{tmp_path / 'n.db'}",
        tmp_path / "n.age",
    )
    init_node(settings, number_prefix="21", passphrase=PASSPHRASE, now=lambda: 1_790_000_000)
    node = Node.open(settings, open_keys(settings.key_file, PASSPHRASE), lambda: 1_790_000_000)
    node.desk.enrol("林芳", ("clerk",), "330199199003070026")
    publish_round(node)
    yield Office(node, tmp_path)
    node.close()


@pytest.fixture
def papers(calm: Bureau, office: Office) -> dict[str, str]:
    """A receipt of the county and its policy, as files at somebody who has nothing else."""
    record = calm.record(calm.civil, "award-approved")
    made = make_receipt(calm.police.engine, record.record_id)
    assert made is not None
    policy = format_policy(calm.policy(calm.police))
    return {
        "proof": office.file("x.tlog-proof", made),
        "policy": office.file("x.policy", policy),
        "ed25519": office.file("ed25519.policy", format_policy(calm.policy(calm.police, ed25519=True))),
        "record": record.record_id,
    }


# --- prove ---


def test_a_record_is_proven_by_its_name_or_its_code(office: Office):
    record = office.records()[-1]
    named = [record.record_id, check_code(record.leaf), in_groups(check_code(record.leaf)).lower()]
    policy = parse_policy(office.run("policy").stdout_bytes)
    for name in named:
        done = office.run("prove", name)
        assert done.exit_code == 0, done.stderr
        assert check_receipt(done.stdout_bytes, policy).record == record


def test_what_no_quorum_has_seen_yet_cannot_be_proven(office: Office):
    office.node.desk.enrol("高伟", ("approver",), "330199198205110036")
    done = office.run("prove", office.records()[-1].record_id)
    assert (done.exit_code, done.stdout_bytes) == (3, b"")
    assert "try again" in done.stderr


@pytest.mark.parametrize("name", ["x", "A" * 43, "0" * 12, "../../etc/passwd", ""])
def test_a_name_that_no_record_has_is_told_and_exits_2(office: Office, name: str):
    done = office.run("prove", name)
    assert (done.exit_code, done.stdout_bytes) == (2, b"")
    assert "record" in done.stderr


@pytest.mark.parametrize("name", ["-h" + "A" * 41, "--help" + "A" * 37, "-" + "_" * 42])
def test_a_name_that_begins_with_a_hyphen_is_a_name(office: Office, name: str):
    for arguments in ((name,), ("--", name)):
        done = office.run("prove", *arguments)
        assert (done.exit_code, done.stdout_bytes) == (2, b"")
        assert "no log that this node holds" in done.stderr


# --- policy ---


def test_the_policy_of_one_department_asks_for_its_own_word(office: Office):
    done = office.run("policy")
    policy = parse_policy(done.stdout_bytes)
    assert done.exit_code == 0
    assert [log.url for log in policy.logs] == ["https://minzheng.example/log"]
    assert policy.groups[0].threshold == 1
    assert done.stdout.startswith("# ")
    ed25519 = parse_policy(office.run("policy", "--ed25519").stdout_bytes)
    assert ed25519.log_verifiers != policy.log_verifiers
    assert office.run("policy", "--epoch", "1").exit_code == 2  # nobody has agreed on one yet
    assert b"# No epoch yet" in office.run("policy").stdout_bytes
    assert office.run("policy", "--log", "minzheng.example/log").stdout == done.stdout
    assert office.run("policy", "--log", "nobody.example/log").exit_code == 2


# --- check ---


def test_a_good_receipt_tells_who_said_what_when_where_and_who_saw_it(papers, office: Office, calm: Bureau):
    done = office.run("check", papers["proof"], "--policy", papers["policy"])
    assert done.exit_code == 0, done.output
    for said in (
        "✓ x.tlog-proof holds",
        "kind award-approved, amount 20,000.00 yuan",
        "roles approver",
        "21.example/log",
        "民政局@21.example/log 2026-11-22 12:0",
        "2 of 3",
        papers["record"],
        "+08:00",
    ):
        assert said in done.stdout, said
    told = json.loads(office.run("check", papers["proof"], "--policy", papers["ed25519"], "--json").stdout)
    assert (told["ok"], told["index"], told["log"]) == (True, 8, calm.civil.origin)
    assert told["said"] == {"kind": "award-approved", "amount": "20,000.00 yuan"}
    assert set(told["cosigned"]) >= {"财政局@22.example/log", "公安局@23.example/log"}


@pytest.fixture
def of_epoch_2(papers: dict[str, str], office: Office) -> str:
    """The same receipt, as a node writes it in whose view epoch 2 is in force."""
    made = parse_receipt(Path(papers["proof"]).read_bytes())
    return office.file("two.tlog-proof", write_receipt(replace(made, epoch=EpochName(2, "b" * 42 + "A"))))


@pytest.mark.parametrize(
    ("comment", "said"),
    [
        (f"# Epoch 2 {'b' * 42}A\n", None),
        (f"# Epoch 1 {'a' * 42}A\n", "python app.py policy --epoch 2"),
        (f"# Epoch 2 {'a' * 42}A\n", "two different epochs 2"),
        ("", None),
    ],
)
def test_a_receipt_and_a_policy_file_of_two_epochs_are_told_apart(papers, of_epoch_2, office: Office, comment, said):
    older = office.file("older.policy", comment.encode() + Path(papers["policy"]).read_bytes())
    done = office.run("check", of_epoch_2, "--policy", older, "--json")
    told = json.loads(done.stdout)
    assert (done.exit_code, told["epoch"]) == (0, 2)
    assert (said is None) == ("note" not in told)
    assert (said or "") in told.get("note", "")
    # And when it does not hold, that may be why.
    broken = office.file("broken.policy", comment.encode() + Path(papers["ed25519"]).read_bytes().split(b"\n", 1)[1])
    done = office.run("check", of_epoch_2, "--policy", broken)
    assert done.exit_code == 1
    assert (said or "") in done.stdout


def test_the_policy_file_of_an_epoch_names_it(office: Office):
    for epoch in (EpochName(1, "a" * 42 + "A"), EpochName(999, "b" * 42 + "A")):
        assert epoch_of(b"# a comment\n" + epoch_comment(epoch) + b"quorum none\n") == epoch
    for text in (epoch_comment(None), b"# Epoch 1 \n", b"x # Epoch 1 " + b"a" * 43 + b"\n", b"# Epoch 0 " + b"a" * 43):
        assert epoch_of(text) is None


def test_a_file_whose_name_begins_with_a_hyphen_is_a_file(papers, office: Office, monkeypatch):
    monkeypatch.chdir(office.folder)
    name = "-h" + "A" * 41 + ".tlog-proof"
    Path(name).write_bytes(Path(papers["proof"]).read_bytes())
    for arguments in ((name, "--policy", papers["policy"]), ("--policy", papers["policy"], name)):
        done = office.run("check", *arguments)
        assert done.exit_code == 0, done.output


def test_it_runs_where_there_is_no_node_no_database_and_no_setting(papers, tmp_path: Path):
    empty = tmp_path / "empty"
    empty.mkdir()
    environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    done = subprocess.run(
        [sys.executable, str(ROOT / "app.py"), "check", papers["proof"], "--policy", papers["policy"]],
        cwd=empty,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(empty.iterdir()) == []


def test_a_receipt_that_does_not_hold_exits_1_and_says_why(papers, office: Office):
    good = Path(papers["proof"]).read_bytes()
    other = office.run("policy").stdout_bytes
    proof = parse_tlog_proof(good)
    note = parse_note_unverified(proof.signed)
    alone = format_note(note.text, [line for line in note.unverified if line.name.endswith("/log")])
    for content, why in (
        (flip_bit(good, 8 * 200), ""),
        (good[:-1], ""),
        (good + b"x", ""),
        (b"", "Malformed"),
        (b"hello\n\nworld", "Malformed"),
        (good.replace(proof.signed, alone), "QuorumMissing"),
    ):
        done = office.run("check", office.file("bad.tlog-proof", content), "--policy", papers["policy"])
        assert done.exit_code == 1, content[:80]
        assert "✗" in done.stdout
        assert why in done.stdout
    strangers = office.run("check", papers["proof"], "--policy", office.file("other.policy", other))
    assert (strangers.exit_code, "NoKnownSignature" in strangers.stdout) == (1, True)
    told = json.loads(office.run("check", office.file("b", b"x\n\n"), "--policy", papers["policy"], "--json").stdout)
    assert told["ok"] is False


def test_a_file_of_ten_megabytes_is_not_read_to_its_end(papers, office: Office):
    big = office.file("big.tlog-proof", Path(papers["proof"]).read_bytes() + b"A" * 10_000_000)
    done = office.run("check", big, "--policy", papers["policy"])
    assert done.exit_code == 1
    assert len(done.stdout) < 500


@pytest.mark.parametrize(
    "content",
    [b"", b"quorum none", b"quorum nobody\n", b"\xff\xfe", b"log x\nquorum none\n", b"#" * 2_000_000 + b"\n"],
)
def test_a_policy_file_that_is_none_exits_2_and_names_the_option(papers, office: Office, content: bytes):
    done = office.run("check", papers["proof"], "--policy", office.file("bad.policy", content))
    assert done.exit_code == 2
    assert "--policy" in done.stderr


def test_without_a_policy_or_a_file_it_says_which_is_missing(papers, office: Office):
    assert "--policy" in office.run("check", papers["proof"]).stderr
    assert office.run("check", papers["proof"]).exit_code == 2
    assert office.run("check", "nowhere.tlog-proof", "--policy", papers["policy"]).exit_code == 2
    assert office.run("check", papers["proof"], "--policy", "nowhere.policy").exit_code == 2
    keyed = office.run("check", papers["proof"], "--policy", papers["policy"], "--vkey", "x")
    assert (keyed.exit_code, "--vkey" in keyed.stderr) == (2, True)


def test_a_policy_that_asks_for_nobody_is_said_to(papers, office: Office, calm: Bureau):
    logs = [line for line in Path(papers["policy"]).read_text().splitlines() if line.startswith("log ")]
    nobody = office.file("nobody.policy", ("\n".join(logs) + "\nquorum none\n").encode())
    done = office.run("check", papers["proof"], "--policy", nobody)
    assert done.exit_code == 0
    assert "nobody's" in done.stdout


def test_names_of_a_policy_that_are_no_text_do_not_break_the_terminal(papers, office: Office):
    strange = Path(papers["policy"]).read_bytes().replace("公安局".encode(), b"\xff\xfe")
    done = office.run("check", papers["proof"], "--policy", office.file("strange.policy", strange))
    assert done.exit_code == 0
    assert "\ufffd" in done.stdout
    assert json.loads(office.run("check", papers["proof"], "--policy", office.file("s", strange), "--json").stdout)[
        "ok"
    ]


def test_nothing_that_a_hostile_log_signs_reaches_the_terminal_raw(bureau: Bureau, office: Office):
    """A kind that nobody knows may carry any words, escape sequences of a terminal among them."""
    base = bureau.record(bureau.civil, "case-accepted").entry
    hostile: dict[str, Any] = {"typ": "onetrip-moon-v1+sd-jwt", "words": "\u001b[2J\u202e"}
    entry = forged(bureau.civil, base, **hostile)
    put(bureau.civil, entry)
    for _ in range(3):
        bureau.county.round()
    made = make_receipt(bureau.police.engine, parse_record(entry).record_id)
    assert made is not None
    assert parse_receipt(made).record.entry == entry
    files = office.file("h.tlog-proof", made), office.file("h.policy", format_policy(bureau.policy(bureau.police)))
    for more in ((), ("--json",)):
        done = office.run("check", files[0], "--policy", files[1], *more)
        assert done.exit_code == 0, done.output
        assert "\u001b" not in done.stdout
        assert "\u202e" not in done.stdout
