"""The commands at a terminal and in a script: dry run first, the code never in argv, and exit codes that mean something."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import pyotp
import pytest
from click.testing import CliRunner, Result

from handlers.console import commands
from handlers.console.context import Console
from handlers.console.imports import imports
from ledger.desk import NewOfficer
from ledger.node import Node, NodeSettings, init_node
from ledger.records.statement import parse_record
from ledger.storage import entries
from ledger.storage.engine import reading
from tests.desk.world import Clock
from tests.imports.office import CHEN, ROOT, WANG, write

PASSPHRASE = "correct horse battery"


@dataclass
class Terminal:
    """公安局 at its own terminal."""

    node: Node
    clock: Clock
    folder: Path
    staff: dict[str, NewOfficer] = field(default_factory=dict)

    def enrol(self, name: str, *roles: str) -> None:
        self.staff[name] = self.node.desk.enrol(name, roles, f"id of {name}")

    def code(self, name: str) -> str:
        self.clock.wait(30)
        return pyotp.TOTP(self.staff[name].totp_secret).at(self.clock())

    def file(self, raw: bytes, name: str = "cases.csv") -> str:
        path = self.folder / name
        path.write_bytes(raw)
        return str(path)

    def run(self, *arguments: str, typed: str = "") -> Result:
        def nobody(*_arguments: object) -> Any:
            raise AssertionError("not for this command")

        console = Console(
            settings=nobody,
            settings_with=nobody,
            node_settings=nobody,
            open_node=lambda: self.node,
            check_matters=nobody,
            serve=nobody,
            schedule=nobody,
            demo=nobody,
            trial=nobody,
            throw_trial_away=nobody,
            now=self.clock,
            data=ROOT,
        )
        group = click.Group(commands={each.name or "": each for each in commands(console)})
        return CliRunner().invoke(group, ["import", *arguments], input=typed, catch_exceptions=False)

    def records(self) -> list[str]:
        """The kinds of all records, in the log's order."""
        with reading(self.node.engine) as conn:
            size = entries.read_edge(conn, self.node.log.id).size
            return [parse_record(each).kind for each in entries.read_entries(conn, self.node.log.id, 0, size)]


@pytest.fixture
def terminal(tmp_path: Path, quick_seal: None) -> Iterator[Terminal]:
    clock = Clock()
    settings = NodeSettings(
        "公安局", "23.example/log", "http://127.0.0.1:1", f"sqlite:///{tmp_path / 'node.db'}", tmp_path / "node.age"
    )
    keys = init_node(settings, number_prefix="23", passphrase=PASSPHRASE, now=clock)
    made = Terminal(Node.open(settings, keys, clock), clock, tmp_path)
    made.enrol("李敏", "clerk")
    made.enrol("赵磊", "approver")
    made.enrol("吴倩", "finance")
    yield made
    made.node.close()


def row(**cells: str) -> dict[str, str]:
    told = {"办件编号": "JZZ-1", "事项": "居住证", "姓名": "陈志强", "身份证号": CHEN, "收件日期": "2026-09-20"}
    return told | cells


def test_a_code_on_standard_input_takes_the_file_in(terminal: Terminal):
    file = terminal.file(write([row()]))
    done = terminal.run("cases", file, "--as", "李敏", typed=terminal.code("李敏") + "\n")
    assert (done.exit_code, terminal.records()[-1]) == (0, "case-submitted")
    assert "第2行 陈*强 居住证：新收" in done.stdout
    assert done.stdout.index("新收") < done.stdout.index("导入好了")
    again = terminal.run("cases", file, "--as", "李敏")
    assert (again.exit_code, terminal.records().count("case-submitted")) == (0, 1)
    assert "没有带来新的内容" in again.stdout


def test_without_a_code_it_stays_a_look(terminal: Terminal):
    before = terminal.records()
    done = terminal.run("cases", terminal.file(write([row()])), "--as", "李敏", typed="\n")
    assert (done.exit_code, terminal.records()) == (0, before)
    assert "什么都没有改" in done.output


@pytest.mark.parametrize("typed", ["000000\n", "not a code\n", "1" * 500 + "\n"])
def test_a_wrong_code_changes_nothing_and_exits_2(terminal: Terminal, typed):
    before = terminal.records()
    done = terminal.run("cases", terminal.file(write([row()])), "--as", "李敏", typed=typed)
    assert (done.exit_code, terminal.records()) == (2, before)
    assert "动态码不对，还可以试4次" in done.stderr


def test_five_wrong_codes_lock_and_exit_3(terminal: Terminal):
    file = terminal.file(write([row()]))
    exits = [terminal.run("cases", file, "--as", "李敏", typed="000000\n").exit_code for _ in range(5)]
    assert exits == [2, 2, 2, 2, 3]
    assert terminal.run("cases", file, "--as", "李敏", typed=terminal.code("李敏")).exit_code == 3


def test_the_code_is_not_among_the_arguments():
    for command in imports.commands.values():
        names = {option for parameter in command.params for option in parameter.opts}
        assert "--as" in names
        assert not names & {"--code", "--totp", "--password"}


def test_everything_broken_is_told_at_once_with_line_column_and_mend_and_exits_1(terminal: Terminal):
    rows = [
        row(),
        row(办件编号="JZZ-2", 身份证号=CHEN[:-1] + "0", 收件日期="2026-13-01"),
        row(办件编号="JZZ-3", 姓名="=cmd|calc"),
        row(办件编号="JZZ-4", 手机号="12"),
    ]
    before = terminal.records()
    done = terminal.run("cases", terminal.file(write(rows)), "--as", "李敏", typed=terminal.code("李敏"))
    assert (done.exit_code, terminal.records()) == (1, before)
    assert "第3行" in done.stdout
    for told in ("身份证号：", "收件日期：", "姓名：", "手机号：", "第4行", "第5行", "不能导入3行"):
        assert told in done.stdout
    assert "什么都没有改" in done.stderr
    assert CHEN not in done.output
    assert "陈志强" not in done.output


def test_programs_read_one_json_document_and_nothing_personal_in_it(terminal: Terminal):
    file = terminal.file(write([row()]))
    done = terminal.run("cases", file, "--as", "李敏", "--json", typed=terminal.code("李敏"))
    told = json.loads(done.stdout)
    assert (done.exit_code, told["done"], told["records"]) == (0, True, 1)
    assert told["totals"]["new"] == 1
    assert told["lines"][0] | {"remarks": []} == {
        "line": 2,
        "outcome": "new",
        "who": "陈*强",
        "about": "07JZZ00001",
        "before": None,
        "after": "SUBMITTED",
        "amount_fen": None,
        "remarks": [],
    }
    assert CHEN not in done.output
    broken = terminal.run("cases", terminal.file(b"no table"), "--as", "李敏", "--json")
    assert (broken.exit_code, json.loads(broken.stdout)["faults"][0]["key"]) == (1, "import.file.header")


def test_in_english(terminal: Terminal):
    done = terminal.run("cases", terminal.file(write([row()])), "--as", "李敏", "--lang", "en", typed="\n")
    assert "line 2 陈*强 居住证: new" in done.stdout
    assert "nothing has changed" in done.output


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["cases", "no-such-file.csv", "--as", "李敏"], "no-such-file.csv"),
        (["cases", ".", "--as", "李敏"], "."),
        (["cases", "{file}"], "--as"),
        (["cases", "{file}", "--as", "没有这个人"], "没有这个人"),
        (["cases", "{file}", "--as", "李敏", "--system", "nothing"], "shenpi"),
        (["cases", "{file}", "--as", "吴倩"], "财务"),
        (["payments", "{file}", "--as", "吴倩"], "--bank"),
        (["payments", "{file}", "--as", "吴倩", "--bank", "../banks/qinghe-nongshang"], "青禾农商银行"),
        (["payments", "{file}", "--as", "李敏", "--bank", "青禾农商银行"], "受理"),
    ],
)
def test_used_wrongly_exits_2_and_says_how_to_mend_it(terminal: Terminal, arguments, named):
    file = terminal.file(write([row()]))
    before = terminal.records()
    done = terminal.run(*(each.format(file=file) for each in arguments), typed="123456\n")
    assert (done.exit_code, terminal.records()) == (2, before)
    assert named in done.output


def test_the_list_of_another_bank_exits_1(terminal: Terminal):
    file = terminal.file(write([row()], encoding="gb18030"))
    done = terminal.run("payments", file, "--as", "吴倩", "--bank", "柳树村镇银行")
    assert done.exit_code == 1
    assert "业务参考号" in done.output
    assert "选错了文件或者银行" in done.output


def test_slips_are_for_their_owner_alone_never_overwritten_and_harmless(terminal: Terminal):
    file = terminal.file(write([row(办件编号="-2"), row(办件编号="JZZ-2", 姓名="王桂兰", 身份证号=WANG)]))
    slips = terminal.folder / "slips.csv"
    done = terminal.run("cases", file, "--as", "李敏", "--slips", str(slips), typed=terminal.code("李敏"))
    assert done.exit_code == 0, done.output
    assert slips.stat().st_mode & 0o777 == 0o600
    lines = slips.read_text("utf-8-sig").splitlines()
    assert lines[0] == "办件编号,编号,查询码"
    assert [line.split(",")[0] for line in lines[1:]] == ["'-2", "JZZ-2"]
    number, code = lines[1].split(",")[1:]
    with terminal.node.reading() as facts:
        found = facts.find(number.replace(" ", ""))
        assert found is not None
        assert found.code_ok(code.replace(" ", ""))
    assert code.replace(" ", "") not in done.output
    again = terminal.run("cases", file, "--as", "李敏", "--slips", str(slips))
    assert (again.exit_code, slips.read_text("utf-8-sig").splitlines()) == (2, lines)
    slips.unlink()
    assert terminal.run("cases", file, "--as", "李敏", "--slips", str(slips)).exit_code == 0
    assert slips.read_text("utf-8-sig").splitlines() == lines


def test_help_has_an_example(terminal: Terminal):
    for name in ("cases", "payments"):
        done = terminal.run(name, "--help")
        assert done.exit_code == 0
        assert f"Example: python app.py import {name}" in done.output
