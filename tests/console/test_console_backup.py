"""backup and restore on the terminal: what an administrator types, reads, and cannot do by mistake."""

import json
from pathlib import Path

import pytest

from ledger.backup.writing import KEYS_NAME
from ledger.high_water import HighWater
from tests.console.conftest import Terminal


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "backups"
    made.mkdir()
    return made


def backed_up(terminal: Terminal, folder: Path) -> Path:
    done = terminal.run("backup", str(folder / "node.backup"))
    assert done.exit_code == 0, done.output
    return folder / "node.backup"


def lose_database(terminal: Terminal, *, mark: bool) -> None:
    for path in terminal.folder.glob("node.db*"):
        path.unlink()
    if mark:
        HighWater.beside(terminal.folder / "node.age").path.unlink()


def line(terminal: Terminal, what: str, **settings: str) -> dict[str, object]:
    lines = json.loads(terminal.run("doctor", "--json", **settings).output)
    return next(each for each in lines if each["what"] == what)


def test_doctor_is_red_until_a_backup_was_made_and_a_day_after_it(terminal, folder, monkeypatch):
    assert (line(terminal, "backup")["good"], line(terminal, "backup")["found"]) == (False, "never made")
    backed_up(terminal, folder)
    assert line(terminal, "backup")["good"]
    import app

    now = app.now()
    monkeypatch.setattr(app, "now", lambda: now + 25 * 3_600)
    assert line(terminal, "backup") == {**line(terminal, "backup"), "good": False, "found": "25 h old"}


def test_a_live_node_is_not_overwritten(terminal, folder):
    file = backed_up(terminal, folder)
    done = terminal.run("restore", str(file))
    assert done.exit_code == 2
    assert "never overwritten" in done.output
    assert terminal.records() == 1


def test_with_its_mark_a_restored_node_that_signed_nothing_since_goes_on_at_once(terminal, folder):
    terminal.enrol()
    file = backed_up(terminal, folder)
    lose_database(terminal, mark=False)
    done = terminal.run("restore", str(file))
    assert done.exit_code == 0, done.output
    assert "may go on" in done.output
    assert terminal.records() == 2
    assert terminal.enrol("高伟", "approver", typed="11010519491231002X\n").exit_code == 0


def test_without_its_mark_it_signs_nothing_says_so_and_exits_3(terminal, folder):
    terminal.enrol()
    file = backed_up(terminal, folder)
    lose_database(terminal, mark=True)
    done = terminal.run("restore", str(file))
    assert done.exit_code == 3
    assert "SIGNS NOTHING" in done.output
    assert "0 of 1 departments" in done.output
    refused = terminal.enrol("高伟", "approver", typed="11010519491231002X\n")
    assert refused.exit_code == 3
    assert terminal.records() == 2
    history = line(terminal, "history")
    assert not history["good"]
    assert "NOTHING IS SIGNED" in str(history["found"])


def test_a_department_that_nobody_ever_followed_says_so_and_gets_new_witness_keys(terminal, folder):
    file = backed_up(terminal, folder)
    with terminal.node() as node:
        before = (node.keys.witness_vkeys, node.keys.mirror_vkeys, node.keys.log_vkeys)
    lose_database(terminal, mark=True)
    done = terminal.run("restore", str(file), "--alone")
    assert done.exit_code == 0, done.output
    assert "new keys" in done.output
    with terminal.node() as node:
        assert node.keys.witness_vkeys != before[0]
        assert node.keys.mirror_vkeys != before[1]
        assert node.keys.log_vkeys == before[2]
    assert terminal.records() == 3  # both rotations are records
    assert line(terminal, "history")["good"]


def test_nothing_to_restore_from_or_by_other_means_is_said_in_one_line(terminal, folder):
    for arguments, code in ((("restore",), 2), (("restore", "a", "b"), 2), (("restore", str(folder / "no")), 2)):
        done = terminal.run(*arguments)
        assert done.exit_code == code
        assert len(done.output.strip().splitlines()) == 1
    assert terminal.run("backup", str(folder / "no" / "where")).exit_code == 2
    assert not (folder / KEYS_NAME).exists()


def test_the_list_of_what_must_be_entered_again_is_for_programs_too(terminal):
    assert json.loads(terminal.run("restore", "--list", "--json").output) == []


def test_another_passphrase_opens_no_backup(terminal, folder):
    file = backed_up(terminal, folder)
    lose_database(terminal, mark=False)
    done = terminal.run("restore", str(file), ONETRIP_KEY_PASSPHRASE="quite another one")
    assert done.exit_code == 2
    assert not list(terminal.folder.glob("node.db"))


# --- without a backup ---

AWAY = "https://127.0.0.1:1"  # nobody listens there, and nobody asks there: it is no public address


def test_from_peers_names_who_must_be_named_when_no_file_beside_the_keys_does(terminal):
    lose_database(terminal, mark=True)
    done = terminal.run("restore", "--from-peers")
    assert done.exit_code == 2
    assert "node.peers" in done.output
    assert "restore --from-peers https://" in done.output
    assert not list(terminal.folder.glob("node.db"))


def test_from_peers_asks_where_the_file_beside_the_keys_says_and_exits_3_when_nobody_answers(terminal):
    lose_database(terminal, mark=True)
    (terminal.folder / "node.peers").write_text(json.dumps({"cz.example/log": AWAY}))
    done = terminal.run("restore", "--from-peers")
    assert done.exit_code == 3
    assert "nothing was written: of 1 departments nobody answered" in done.output
    assert AWAY in done.output
    assert HighWater.beside(terminal.folder / "node.age").is_missing()
    (terminal.folder / "node.peers").write_text("no JSON")
    done = terminal.run("restore", "--from-peers")
    assert (done.exit_code, "name the other departments' URLs" in done.output) == (2, True)
    assert terminal.run("restore", "--from-peers", AWAY).exit_code == 3


def test_from_peers_overwrites_no_database(terminal):
    done = terminal.run("restore", "--from-peers", AWAY)
    assert (done.exit_code, "never overwritten" in done.output) == (2, True)
    assert terminal.records() == 1


def test_from_peers_needs_the_key_file_its_passphrase_and_the_same_log(terminal):
    lose_database(terminal, mark=True)
    wrong = terminal.run("restore", "--from-peers", AWAY, ONETRIP_KEY_PASSPHRASE="quite another one")
    assert (wrong.exit_code, "ONETRIP_KEY_PASSPHRASE: does not open" in wrong.output) == (2, True)
    other = terminal.run("restore", "--from-peers", AWAY, ONETRIP_ORIGIN="other.example/log")
    assert (other.exit_code, "these are the keys of mz.example/log" in other.output) == (2, True)
    (terminal.folder / "node.age").rename(terminal.folder / "elsewhere")
    gone = terminal.run("restore", "--from-peers", AWAY)
    assert (gone.exit_code, "there is no" in gone.output) == (2, True)
    assert not list(terminal.folder.glob("node.db"))
