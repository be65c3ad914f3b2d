"""Every line of the doctor's page, green and red, and each red one with its mend."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from importlib import import_module
from pathlib import Path

import httpx
import pytest
from markupsafe import escape

from app import build
from handlers.console import doctor_network
from handlers.console.doctor_network import examine_network
from handlers.doctor_lines import Line
from handlers.settings import read_settings
from ledger.desk import Purpose
from ledger.errors import Misconfigured
from ledger.merkle.errors import MalformedPolicy
from ledger.node import Node
from ledger.storage import leases, schema
from ledger.storage.engine import transaction
from tests.peers.rig import County, make_county

doctor = import_module("handlers.console.doctor")  # the package calls the command by the same name


def lines_of(terminal, **settings) -> dict[str, dict[str, object]]:
    told = terminal.run("doctor", "--json", **settings)
    found = {line["what"]: line for line in json.loads(told.stdout)}
    assert told.exit_code == (0 if all(line["good"] for line in found.values()) else 1)
    return found


def is_red(line, *words: str) -> bool:
    """Whether it is red, says these words, and how to mend it."""
    assert line["mend"], line
    return not line["good"] and all(word in f"{line['found']} {line['mend']}" for word in words)


# --- this machine ---


def test_all_is_green_when_all_is_set_and_running_and_the_exit_code_says_so(terminal, monkeypatch):
    monkeypatch.setattr(doctor, "examine_network", lambda _node: iter(()))
    (terminal.folder / "backups").mkdir()
    settings = {
        "WECHAT_TOKEN": "token123",
        "WECHAT_ENCODING_AES_KEY": "a" * 43,
        "WECHAT_APP_ID": "wx0123456789",
        "WECHAT_APP_SECRET": "0123456789abcdef",
        "ONETRIP_CONTACT_WINDOW": "1",
        "ONETRIP_CONTACT_HOURS": "9:00-12:00",
        "ONETRIP_CONTACT_PHONE": "12345",
    }
    assert terminal.run("backup", str(terminal.folder / "backups" / "night.backup")).exit_code == 0
    with terminal.node() as node, transaction(node.engine) as connection:
        leases.take(connection, leases.SCHEDULER, "somebody", node.now(), 15)
    told = terminal.run("doctor", "--json", **settings)
    lines = json.loads(told.stdout)
    assert [line["what"] for line in lines if not line["good"]] == []
    assert told.exit_code == 0
    assert {"disk", "passphrase", "files", "database", "history", "backup", "scheduler"} <= {
        line["what"] for line in lines
    }
    assert lines_of(terminal)["WeChat account"]["good"] is False


def test_the_passphrase_says_where_it_came_from_and_who_else_may_read_it(terminal):
    assert lines_of(terminal)["passphrase"]["found"] == "from ONETRIP_KEY_PASSPHRASE"
    file = terminal.folder / "passphrase"
    file.write_text(terminal.settings["ONETRIP_KEY_PASSPHRASE"])
    settings = {"ONETRIP_KEY_PASSPHRASE_FILE": str(file), "ONETRIP_KEY_PASSPHRASE": ""}
    for mode, good in ((0o600, True), (0o400, True), (0o640, False), (0o604, False)):
        file.chmod(mode)
        line = lines_of(terminal, **settings)["passphrase"]
        assert line["good"] is good
        assert str(line["found"]).startswith("from ONETRIP_KEY_PASSPHRASE_FILE")
        assert good or is_red(line, "others on this machine may read", f"chmod 600 {file}")
    line = lines_of(terminal, ONETRIP_KEY_PASSPHRASE="")["passphrase"]
    assert is_red(line, "cannot be opened", "ONETRIP_KEY_PASSPHRASE_FILE")


def test_settings_that_others_may_read_are_red_because_they_hold_secrets(terminal):
    file = terminal.folder / ".env"
    file.write_text("ONETRIP_CONTACT_PHONE=12345\n")
    file.chmod(0o644)
    assert is_red(lines_of(terminal)["passphrase"], "chmod 600 .env")
    file.chmod(0o600)
    assert lines_of(terminal)["passphrase"]["good"]


@pytest.mark.parametrize("name", ["node.db", "node.high-water"])
def test_what_the_node_remembers_by_is_red_when_others_may_write_it(terminal, name):
    file = terminal.folder / name
    assert lines_of(terminal)["files"]["good"]
    for mode in (0o620, 0o602):
        file.chmod(mode)
        assert is_red(lines_of(terminal)["files"], f"chmod go-w {file}")
    file.chmod(0o644)
    assert lines_of(terminal)["files"]["good"]


def test_a_disk_that_fills_is_red_where_the_database_lies_and_where_the_mark_does(terminal, monkeypatch):
    assert lines_of(terminal)["disk"]["good"]

    class Usage:
        def __init__(self, free: int) -> None:
            self.free = free

    folder = terminal.folder
    settings = {"ONETRIP_DATABASE_URL": f"sqlite:///{folder}/db/x.db", "ONETRIP_KEY_FILE": f"{folder}/keys/x"}
    for name in ("db", "keys"):
        (folder / name).mkdir()
    for full in ("db", "keys"):
        usage = {full: Usage(999_999_999)}
        monkeypatch.setattr(doctor, "disk_usage", lambda path, usage=usage: usage.get(path.name, Usage(10**12)))
        assert is_red(lines_of(terminal, **settings)["disk"], "999 MB", "make room")
    gone = lines_of(terminal, ONETRIP_DATABASE_URL=f"sqlite:///{terminal.folder}/nowhere/x.db")["disk"]
    assert is_red(gone, "nowhere", "ONETRIP_DATABASE_URL")


def test_a_database_of_another_version_is_red_with_the_command(terminal):
    assert str(lines_of(terminal)["database"]["found"]).startswith("writable, version 0")
    with terminal.node() as node, transaction(node.engine) as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    assert "python app.py migrate" in str(lines_of(terminal)["node"]["found"])


def test_a_scheduler_is_green_while_it_is_seen(terminal):
    assert is_red(lines_of(terminal)["scheduler"], "never seen", "python app.py schedule")
    for age, good in ((0, True), (3_600, False)):
        with terminal.node() as node, transaction(node.engine) as connection:
            leases.take(connection, leases.SCHEDULER, "somebody", node.now() - age, 15)
        assert lines_of(terminal)["scheduler"]["good"] is good


def test_the_page_in_the_browser_says_what_the_terminal_says(terminal):
    settings = terminal.settings | {
        "WECHAT_TOKEN": "token123",
        "WECHAT_ENCODING_AES_KEY": "a" * 43,
        "WECHAT_APP_ID": "wx0123456789",
        "WECHAT_APP_SECRET": "0123456789abcdef",
        "ONETRIP_PUBLIC_URL": "http://127.0.0.1:1",
        "ONETRIP_ORIGIN": "mz.example/log",
    }
    terminal.enrol()
    with terminal.node() as node, node.reading() as facts:
        [(officer, _in_force)] = facts.officers()
    with terminal.node() as node:
        token = node.desk.give_ticket(officer.handle, Purpose.DOCTOR, "").token
    web = build(read_settings(settings))
    said = web.test_client().get(f"/doctor/{token}").get_data(as_text=True)
    for engine in web.extensions["engines"]:
        engine.dispose()
    for line in json.loads(terminal.run("doctor", "--json", **settings).stdout):
        assert escape(str(line["found"])) in said or line["what"] in {"disk", "database"}, line  # these two change
        assert line["good"] or escape(str(line["mend"])) in said


# --- our own door ---


def test_plain_http_is_red_before_anybody_is_asked(terminal):
    line = lines_of(terminal, ONETRIP_PUBLIC_URL="http://mz.example")["public address"]
    assert is_red(line, "plain http", "https://")


def test_an_address_that_does_not_answer_is_red(terminal):
    line = lines_of(terminal, ONETRIP_PUBLIC_URL="http://127.0.0.1:1", ONETRIP_ORIGIN="mz.example/log")[
        "public address"
    ]
    assert is_red(line, "did not answer", "start `serve`")


# --- the others ---


def dated(node: Node, ahead: int):
    """The department's server tells the time of its own clock."""

    def change(_request, answer):
        at = datetime.fromtimestamp(node.now() + ahead, UTC)
        return httpx.Response(
            answer.status_code, headers={**answer.headers, "Date": format_datetime(at)}, content=answer.read()
        )

    return change


@pytest.fixture
def county(tmp_path: Path) -> Iterator[County]:
    """Three departments that have founded their network, and been through two rounds."""
    made = make_county(tmp_path)
    made.found()
    yield made
    made.close()


def look(county: County, name: str = "民政局") -> dict[str, Line]:
    lines = {line.what: line for line in examine_network(county.nodes[name])}
    assert all(line.mend for line in lines.values() if not line.good)
    return lines


def tell_time(county: County, **ahead: int) -> None:
    for host, seconds in ahead.items():
        county.wire.tamper(f"{host[1:]}.example", "/log/checkpoint", dated(county.civil, seconds))


def test_a_network_in_order_is_green_line_by_line(county):
    tell_time(county, _22=3, _23=-3)
    found = look(county)
    assert [what for what, line in found.items() if not line.good] == []
    assert list(found) == [
        "public address",
        "clock",
        "policy",
        "quorum",
        "department 公安局",
        "公安局 of us",
        "department 财政局",
        "财政局 of us",
    ]
    size = county.size(county.civil)
    assert f"holds {size} of our entries" in found["公安局 of us"].found
    assert "entries checked" in found["department 财政局"].found


@pytest.mark.parametrize(
    ("ahead", "good", "words"),
    [
        ((60, 60), True, "60 s behind 2 departments"),
        ((61, 61), False, "61 s behind"),
        ((-61, -400), False, "ahead of"),
        ((0, 7_200), True, "0 s"),
        ((-7_200, 0), False, "7200 s ahead of"),
    ],
)
def test_our_clock_is_held_against_the_middle_one_of_the_others(county, ahead, good, words):
    tell_time(county, _22=ahead[0], _23=ahead[1])
    line = look(county)["clock"]
    assert (line.good, words in line.found) == (good, True)
    assert "NTP" in line.mend


def test_a_department_whose_clock_is_wrong_is_red_itself(county):
    tell_time(county, _22=0, _23=7_200)
    found = look(county)
    assert found["clock"].good
    assert not found["department 公安局"].good
    assert "its clock is 7200 s ahead of ours" in found["department 公安局"].found


def test_nobody_who_tells_the_time_is_no_clock_line(county):
    assert "clock" not in look(county)
    county.wire.tamper(
        "22.example", "", lambda _r, a: httpx.Response(a.status_code, headers={"Date": "now"}, content=a.read())
    )
    assert "clock" not in look(county)


def test_a_department_that_is_away_is_red_in_both_directions_only_when_time_has_passed(county):
    county.wire.lose("22.example")
    found = look(county)
    assert not found["department 财政局"].good
    assert "did not answer" in found["department 财政局"].found
    assert found["财政局 of us"].good  # what it said is still fresh
    county.clock.wait(400)
    found = look(county)
    assert not found["财政局 of us"].good
    assert "40" in found["财政局 of us"].found


def test_a_department_that_only_answers_us_and_never_fetches_is_red_the_other_way(tmp_path):
    made = make_county(tmp_path)
    made.round("民政局")
    found = look(made)
    assert not found["公安局 of us"].good
    assert "has fetched nothing of ours; it has cosigned size" in found["公安局 of us"].found
    assert "do not reach our public address" in found["公安局 of us"].mend
    made.close()


def test_we_that_lag_behind_a_department_are_red_with_both_sizes(county):
    held = county.held("公安局", county.civil)
    county.town.approved()
    county.publish("民政局", cosign=False)
    county.clock.wait(60)
    line = look(county, "公安局")["department 民政局"]
    assert not line.good
    assert f"{held} of {county.size(county.civil)} entries checked" in line.found
    assert held < county.size(county.civil)
    assert "crosscheck" in line.mend


def test_a_checkpoint_that_it_has_not_signed_is_red(county):
    county.wire.tamper("22.example", "/log/checkpoint", lambda _r, a: httpx.Response(200, content=b"x"))
    line = look(county)["department 财政局"]
    assert (line.good, "no log that it has signed" in line.found) == (False, True)


def test_two_histories_are_red_whatever_it_answers(county):
    with transaction(county.civil.engine) as connection:
        connection.execute(schema.peers.update().where(schema.peers.c.name == "财政局").values(forked=True))
    line = look(county)["department 财政局"]
    assert (line.good, "R36" in line.mend) == (False, True)


def test_the_quorum_is_red_as_soon_as_too_few_look(county):
    assert (look(county)["quorum"].good, "3 of 3 departments" in look(county)["quorum"].found) == (True, True)
    county.wire.lose("22.example")
    county.clock.wait(300)
    county.round("民政局", "公安局")
    line = look(county)["quorum"]
    assert (line.good, line.found) == (True, "2 of 3 departments look at our log, 2 make it believed")
    county.wire.lose("23.example")
    county.clock.wait(301)
    line = look(county)["quorum"]
    assert (line.good, line.found) == (False, "1 of 3 departments look at our log, 2 make it believed")


def test_members_whose_keys_make_no_policy_are_red(county, monkeypatch):
    def fail(_connection):
        raise MalformedPolicy("two members show one key")

    monkeypatch.setattr(doctor_network, "network_policy", fail)
    line = look(county)["quorum"]
    assert (line.good, line.found) == (False, "two members show one key")


def test_a_department_alone_is_told_how_to_begin(tmp_path):
    made = make_county(tmp_path, acquainted=False)
    made.publish(cosign=False)
    found = look(made)
    assert (found["public address"].good, found["departments"].good) == (True, False)
    assert "peers invite" in found["departments"].mend
    made.close()


def test_another_node_at_our_address_is_red(county):
    county.wire.host("21.example", county.wire.sites["22.example"])
    assert not look(county)["public address"].good
    assert "calls itself https://22.example" in look(county)["public address"].found


@pytest.mark.parametrize(("left", "good"), [(timedelta(days=14), True), (timedelta(days=13, hours=23), False)])
def test_a_certificate_is_red_two_weeks_before_its_end(county, monkeypatch, left, good):
    ends = county.clock() + int(left.total_seconds())
    monkeypatch.setattr(doctor_network, "look_at_ourselves", lambda _node: ends)
    line = look(county)["public address"]
    assert (line.good, f"good for {left.days} days" in line.found) == (good, True)
    assert "renew" in line.mend


def test_what_the_own_door_refuses_is_told_in_its_words(county, monkeypatch):
    def refuse(_node):
        raise Misconfigured("another node answers there")

    monkeypatch.setattr(doctor_network, "look_at_ourselves", refuse)
    assert look(county)["public address"].found == "another node answers there"
