"""`keys` on the terminal: what counts since when, replaced by a record, and never a passphrase among the arguments."""

import json

import click
import pytest

from ledger.key_history import read_history
from ledger.records.rotation import ROLES
from ledger.storage.engine import reading
from tests.console.conftest import cli
from tests.console.test_console import every_command


def listed(terminal):
    told = terminal.run("keys", "list", "--json")
    assert told.exit_code == 0, told.output
    return json.loads(told.stdout)


def doctor(terminal):
    return {line["what"]: line for line in json.loads(terminal.run("doctor", "--json").stdout)}


def test_every_key_is_listed_with_fingerprint_and_range(terminal):
    rows = listed(terminal)
    assert [(row["role"], row["from"], row["to"]) for row in rows if row["kind"] in {"Ed25519", "AES-256"}] == [
        (role, 0, None) for role in ROLES
    ]
    assert {row["kind"] for row in rows} == {"Ed25519", "ML-DSA-44", "AES-256"}
    assert all(len(row["fingerprint"]) >= 16 for row in rows)
    people = terminal.run("keys", "list")
    assert "mz.example/witness+" in people.stdout
    assert all(line.endswith("  yes") for line in people.stdout.splitlines()[2:])


@pytest.mark.parametrize("role", ROLES)
def test_a_rotation_is_one_record_and_the_list_tells_both_keys(terminal, role):
    before = terminal.records()
    told = terminal.run("keys", "rotate", role)
    assert told.exit_code == 0, told.output
    assert terminal.records() == before + 1
    rows = [row for row in listed(terminal) if row["role"] == role]
    start = before + 1 if role == "desk" else before
    assert {(row["from"], row["to"]) for row in rows} == {(0, start), (start, None)}
    with terminal.node() as node, reading(node.engine) as connection:
        assert read_history(connection, node.log.id).rotations == (before,)
    assert terminal.enrol().exit_code == 0


def test_a_role_that_there_is_not_is_told_in_one_line(terminal):
    told = terminal.run("keys", "rotate", "lookup")
    assert told.exit_code == 2
    assert terminal.records() == 1


def test_no_command_takes_a_passphrase_as_an_argument():
    group: click.Command = cli()
    for path in every_command(group):
        command = group
        for name in path:
            assert isinstance(command, click.Group)
            command = command.commands[name]
        for parameter in command.params:
            names = " ".join([parameter.name or "", *parameter.opts]).lower()
            assert not any(word in names for word in ("pass", "secret", "token", "password"))


def test_the_passphrase_from_its_file_rotates_as_well(terminal, tmp_path):
    file = tmp_path / "passphrase"
    file.write_text("correct horse battery\n")
    settings = {"ONETRIP_KEY_PASSPHRASE": "", "ONETRIP_KEY_PASSPHRASE_FILE": str(file)}
    assert terminal.run("keys", "rotate", "witness", **settings).exit_code == 0


def test_the_doctor_shows_each_fingerprint_and_is_red_when_others_may_open_the_key_file(terminal, tmp_path):
    found = doctor(terminal)
    assert found["key file"]["good"]
    for role in ROLES:
        assert found[f"{role} key"]["good"]
        assert found[f"{role} key"]["found"]
    for mode in (0o640, 0o604, 0o660):
        (tmp_path / "node.age").chmod(mode)
        red = doctor(terminal)["key file"]
        assert not red["good"]
        assert "chmod 600" in red["mend"]
    (tmp_path / "node.age").chmod(0o600)
    assert doctor(terminal)["key file"]["good"]


def test_the_doctor_names_a_rotation_that_was_interrupted(terminal, monkeypatch):
    def crash(*_args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("ledger.desk.Desk.rotate", crash)
        terminal.run("keys", "rotate", "mirror")
    assert not doctor(terminal)["keys"]["good"]
    assert terminal.run("keys", "rotate", "mirror").exit_code == 0
    assert "keys" not in doctor(terminal)


def test_a_log_is_not_ended_by_a_slip_of_the_hand(terminal):
    assert terminal.run("keys", "freeze").exit_code == 2
    assert terminal.enrol().exit_code == 0
    told = terminal.run("keys", "freeze", "--yes")
    assert told.exit_code == 0
    assert "init --successor-of mz.example/log --size 2 --root " in told.stdout
    refused = terminal.enrol("高伟", "approver")
    assert refused.exit_code == 3
    assert "frozen" in refused.stderr


@pytest.mark.parametrize(
    "given",
    [
        ("--successor-of", "mz.example/log"),
        ("--size", "3"),
        ("--successor-of", "mz.example/log", "--size", "3", "--root", "zz"),
        ("--successor-of", "mz.example/log", "--size", "3", "--root", "ab" * 31),
    ],
)
def test_a_successor_is_told_of_the_old_log_whole_or_not_at_all(bare, given):
    told = bare.run("init", "--name", "民政局", "--public-url", "https://mz.example", "--number-prefix", "21", *given)
    assert told.exit_code == 2
    assert not (bare.folder / "node.age").exists()
