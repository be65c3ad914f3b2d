"""Every command says how it is used, ends with the code it promises, and tells a mistake in one line."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pyotp
import pytest

from ledger.examining import pool
from ledger.keys import generate
from ledger.storage import entries
from ledger.storage.engine import transaction
from tests.console.conftest import ID_NUMBER, cli

ROOT = Path(__file__).parents[2]


def every_command(command: click.Command, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if isinstance(command, click.Group):
        return [found for name, below in command.commands.items() for found in every_command(below, (*path, name))]
    return [path]


@pytest.mark.parametrize("path", every_command(cli()), ids=" ".join)
def test_every_command_explains_itself_with_an_example(bare, path):
    told = bare.run(*path, "--help")
    assert told.exit_code == 0
    assert f"Example: {'PORT=9000 ' if path == ('demo',) else ''}python app.py {' '.join(path)}" in " ".join(
        told.output.split()
    )


def is_later(path: tuple[str, ...]) -> bool:
    command: click.Command = cli()
    for name in path:
        assert isinstance(command, click.Group)
        command = command.commands[name]
    return (command.help or "").startswith("Later:")


@pytest.mark.parametrize("path", [path for path in every_command(cli()) if is_later(path)], ids=" ".join)
def test_a_command_of_a_later_stage_says_so_whatever_follows_it_and_exits_2(bare, path):
    for rest in ((), ("x",), ("x", "--option", "y"), ("--option",)):
        told = bare.run(*path, *rest)
        assert told.exit_code == 2
        assert "这个功能还没有开通" in told.stderr
        assert told.stdout == ""


def as_process(*arguments: str, settings: dict[str, str]) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, **settings}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_flask_has_the_same_commands(terminal):
    told = as_process("-m", "flask", "--app", "app", "--help", settings=terminal.settings)
    assert {path[0] for path in every_command(cli())} <= set(re.findall(r"^  ([a-z]+) ", told.stdout, re.MULTILINE))
    later = as_process("-m", "flask", "--app", "app", "erase", "x", settings=terminal.settings)
    assert later.returncode == 2
    assert "这个功能还没有开通" in later.stderr


@pytest.mark.slow
def test_the_file_that_is_named_wins_over_the_environment(terminal):
    file = terminal.folder / "node.env"
    file.write_text("ONETRIP_CROSSCHECK_SECONDS=often\n")
    told = as_process("app.py", "--env-file", str(file), "doctor", settings=terminal.settings)
    assert told.returncode == 1
    assert "✗  settings  ONETRIP_CROSSCHECK_SECONDS" in told.stdout


# --- init ---


def test_init_makes_a_node_and_shows_its_words_and_what_comes_next(bare):
    told = bare.init()
    assert told.exit_code == 0
    with bare.node() as node:
        assert node.keys.fingerprint in told.output
    assert "ONETRIP_NODE_NAME=民政局" in told.output
    assert "officers enrol" in told.output
    assert bare.records() == 1


def test_init_again_changes_nothing_and_names_what_is_in_the_way(terminal):
    before = {file: file.read_bytes() for file in terminal.folder.iterdir() if file.suffix in {".age", ".high-water"}}
    told = terminal.init()
    assert told.exit_code == 2
    assert re.fullmatch(r"ONETRIP_KEY_FILE: .* is never overwritten\n", told.stderr)
    assert before == {file: file.read_bytes() for file in before}
    assert terminal.records() == 1


def test_the_words_to_compare_are_the_same_wherever_they_are_shown(terminal):
    with terminal.node() as node:
        words = node.keys.fingerprint
    assert words in terminal.run("doctor").output
    assert words in terminal.run("peers", "list").output


# --- officers ---


def test_an_officer_is_enrolled_by_one_record_and_reads_code_and_secret_once(terminal):
    told = terminal.enrol()
    assert told.exit_code == 0
    assert terminal.records() == 2
    assert re.search(r"绑定 [0-9A-Z]{13} ", told.output)
    [secret] = re.findall(r"authenticator app: ([A-Z2-7]{32})", told.output)
    assert len(pyotp.TOTP(secret).now()) == 6
    assert ID_NUMBER not in told.output
    listed = terminal.run("officers", "list", "--json")
    [officer] = json.loads(listed.stdout)
    assert (officer["name"], officer["roles"], officer["in force"]) == ("林芳", ["clerk"], True)
    assert secret not in listed.output


@pytest.mark.parametrize(
    ("roles", "typed", "named"),
    [
        ("clark", f"{ID_NUMBER}\n", "--roles"),
        ("", f"{ID_NUMBER}\n", "--roles"),
        ("clerk", "330199199003070027\n", "ID number"),
        ("clerk", "\n", "ID number"),
        ("clerk", "", "ID number"),
    ],
)
def test_whoever_is_mistyped_is_not_enrolled(terminal, roles, typed, named):
    told = terminal.enrol(roles=roles, typed=typed)
    assert told.exit_code == 2
    assert named in told.stderr
    assert "\n" not in told.stderr.rstrip("\n")
    assert terminal.records() == 1


def test_no_option_takes_the_id_number_where_every_user_of_the_machine_can_read_it(terminal):
    told = terminal.run("officers", "enrol", "--help").output
    assert "--id" not in told


def test_after_a_lost_telephone_there_is_a_new_code_and_secret_and_one_record(terminal):
    first = terminal.enrol().output
    told = terminal.run("officers", "renew", "林芳")
    assert told.exit_code == 0
    assert terminal.records() == 3
    for what in (r"绑定 ([0-9A-Z]{13}) ", r"authenticator app: ([A-Z2-7]{32})"):
        assert re.findall(what, told.output) != re.findall(what, first)


def test_a_revoked_officer_stays_listed_and_is_in_force_no_more(terminal):
    terminal.enrol()
    assert terminal.run("officers", "revoke", "林芳", "--compromised-since", "1").exit_code == 0
    assert terminal.records() == 3
    [officer] = json.loads(terminal.run("officers", "list", "--json").stdout)
    assert officer["in force"] is False
    for command in ("revoke", "renew"):
        told = terminal.run("officers", command, "林芳")
        assert told.exit_code == 2
        assert "officers list" in told.stderr
    assert terminal.records() == 3


def test_of_two_officers_of_one_name_the_handle_says_which(terminal):
    terminal.enrol()
    terminal.enrol(typed="330199198205110036\n")
    told = terminal.run("officers", "renew", "林芳")
    assert told.exit_code == 2
    assert "handle" in told.stderr
    handle = json.loads(terminal.run("officers", "list", "--json").stdout)[1]["handle"]
    assert terminal.run("officers", "renew", handle).exit_code == 0


# --- checking ---


def test_a_whole_log_verifies_and_with_another_key_it_does_not(terminal):
    unsigned = terminal.run("verify")
    assert unsigned.exit_code == 1
    assert "has signed no head" in unsigned.output
    with terminal.node() as node:
        node.log.sign_new_head()
    told = terminal.run("verify")
    assert told.exit_code == 0
    assert told.stderr == ""
    assert "the keys came from the log itself" in told.output
    with terminal.node() as node:
        own = [argument for key in node.keys.log_vkeys for argument in ("--vkey", key)]
        assert "came from the log itself" not in terminal.run("verify", *own).output
    stranger = generate("mz.example/log").log_vkeys[0]
    assert terminal.run("verify", "--vkey", stranger).exit_code == 1
    assert terminal.run("verify", "--vkey", "no key").exit_code == 2


@pytest.mark.parametrize("wrong", [("--since", "-1"), ("--workers", "0"), ("--workers", "257"), ("--since", "x")])
def test_such_a_way_through_a_log_is_a_wrong_use(terminal, wrong):
    assert terminal.run("verify", *wrong).exit_code == 2


def test_older_signatures_can_be_skipped_and_it_says_so(terminal):
    with terminal.node() as node:
        node.log.sign_new_head()
    told = terminal.run("verify", "--since", "1", "--workers", "1")
    assert told.exit_code == 0
    assert "the signatures of the entries before it were not looked at" in told.output


def test_a_killed_worker_is_3_and_says_what_to_do(terminal, monkeypatch):
    with terminal.node() as node:
        with transaction(node.engine) as connection:  # the first 256 entries name the keys, and need no process
            entries.append(connection, node.log.id, [f"no record {n}".encode() for n in range(256)])
        node.log.sign_new_head()
    started = pool.Pool.__init__

    def start_and_lose_one(self, keys, workers):
        started(self, keys, workers)
        self._workers[0].process.kill()
        self._workers[1].process.kill()

    monkeypatch.setattr(pool.Pool, "__init__", start_and_lose_one)
    monkeypatch.setattr(pool, "SMALL_SIZE", 0)
    told = terminal.run("verify", "--workers", "2")
    assert told.exit_code == 3
    assert "start it again" in told.stderr


def test_a_log_that_does_not_answer_is_3_and_is_named(terminal):
    told = terminal.run("verify", "--log", "http://127.0.0.1:1")
    assert told.exit_code == 3
    assert "http://127.0.0.1:1/log/checkpoint: did not answer" in told.stderr


def test_a_round_with_nobody_to_check_is_3_and_says_how_to_begin(terminal):
    told = terminal.run("crosscheck")
    assert told.exit_code == 3
    assert "peers add" in told.output
    assert json.loads(terminal.run("crosscheck", "--json").stdout) == {"departments": [], "findings": []}
    assert terminal.run("crosscheck", "--peer", "财政局").exit_code == 2


def test_a_strangers_log_is_cosigned_by_its_key_until_it_is_removed(terminal):
    vkey = generate("stranger.example/log").log_vkeys[0]
    assert terminal.run("witness", "add", vkey).exit_code == 0
    assert json.loads(terminal.run("witness", "list", "--json").stdout) == [{"vkey": vkey}]
    assert terminal.run("witness", "remove", vkey).exit_code == 0
    assert json.loads(terminal.run("witness", "list", "--json").stdout) == []
    assert terminal.run("witness", "add", "nonsense").exit_code != 0


# --- the doctor ---


def test_each_red_line_of_the_doctor_says_how_to_mend_it_and_no_green_one_does(terminal):
    told = terminal.run("doctor", "--json")
    assert told.exit_code == 1
    lines = {line["what"]: line for line in json.loads(told.stdout)}
    assert {what for what, line in lines.items() if not line["good"]} == {
        "WeChat account",
        "人工",
        "scheduler",
        "departments",
        "backup",
        "public address",
    }
    assert all(bool(line["mend"]) is not line["good"] for line in lines.values())
    assert "✗  scheduler" in terminal.run("doctor").output


def test_the_doctor_names_the_setting_that_keeps_the_node_from_starting(terminal):
    for settings, named in (
        ({"ONETRIP_KEY_PASSPHRASE": "another passphrase"}, "ONETRIP_KEY_PASSPHRASE"),
        ({"ONETRIP_CROSSCHECK_SECONDS": "often"}, "ONETRIP_CROSSCHECK_SECONDS"),
    ):
        told = terminal.run("doctor", **settings)
        assert told.exit_code == 1
        assert named in told.output


def test_signatures_alone_can_be_looked_at_and_it_says_so(terminal):
    with terminal.node() as node:
        node.log.sign_new_head()
    told = terminal.run("verify", "--signatures-only", "--workers", "1")
    assert told.exit_code == 0
    assert "what the records lead to was not looked at" in told.output
