"""Two departments join each other by one command a side: real programs, real servers, two terminals."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import httpx
import pytest

HERE = Path(__file__).parents[2]
PATIENCE_SECONDS = 240  # a node opens its keys with 1 GB of memory, and other suites may be running


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@dataclass
class Office:
    """One department's machine: its settings, its programs, and its terminal."""

    name: str
    port: int
    env: dict[str, str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "app.py", *arguments]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, cwd=HERE, env=self.env, stdin=pipe, stdout=pipe, stderr=pipe, text=True)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        started = self.start(*arguments)
        out, errors = started.communicate("", timeout=PATIENCE_SECONDS)
        return subprocess.CompletedProcess(arguments, started.returncode, out, errors)

    @property
    def words(self) -> str:
        return self.run("peers", "list").stdout.splitlines()[0].partition(": ")[2]

    @property
    def followed(self) -> list[tuple[str, str]]:
        rows = json.loads(self.run("peers", "list", "--json").stdout)
        return [(row["name"], row["state"]) for row in rows]


def found(folder: Path, name: str, prefix: str) -> Office:
    port = free_port()
    office = Office(
        name,
        port,
        {
            **{key: value for key, value in os.environ.items() if not key.startswith(("ONETRIP_", "WECHAT_"))},
            "ONETRIP_NODE_NAME": name,
            "ONETRIP_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "ONETRIP_DATABASE_URL": f"sqlite:///{folder / prefix}.db",
            "ONETRIP_KEY_FILE": str(folder / f"{prefix}.age"),
            "ONETRIP_KEY_PASSPHRASE": "correct horse battery",
            "ONETRIP_CHECKPOINT_SECONDS": "1",
            "PYTHONUNBUFFERED": "1",
        },
    )
    made = office.run("init", "--name", name, "--public-url", office.url, "--number-prefix", prefix)
    assert made.returncode == 0, made.stderr
    return office


def is_published(office: Office) -> bool:
    try:
        return httpx.get(f"{office.url}/log/checkpoint", trust_env=False).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def wait_until_published(office: Office) -> None:
    pause = Event()
    for _ in range(PATIENCE_SECONDS * 5):
        if is_published(office):
            return
        pause.wait(0.2)
    raise AssertionError(f"{office.name} has published nothing")


@pytest.fixture
def offices(tmp_path: Path) -> Iterator[tuple[Office, Office]]:
    """民政局 and 体育局, served and scheduled, strangers to each other."""
    made = (found(tmp_path, "民政局", "21"), found(tmp_path, "体育局", "31"))
    with ExitStack() as running:
        for office in made:
            for command in (("serve", "--port", str(office.port), "--workers", "1"), ("schedule",)):
                running.callback(stop, office.start(*command))
            wait_until_published(office)
        yield made


def stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    process.communicate(timeout=PATIENCE_SECONDS)


def read_to(process: subprocess.Popen[str], text: str) -> str:
    """What a program says, up to and with the line that holds this text."""
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if text in line:
            return said
    raise AssertionError(f"{said}\n{process.communicate()[1]}")


def code_in(said: str) -> str:
    return next(line for line in said.splitlines() if "@http" in line)


def test_two_departments_join_with_one_command_each_and_one_line_between_them(offices):
    civil, sports = offices
    civil_words, sports_words = civil.words, sports.words

    # A good code, and at both ends somebody who has heard other words than those on the screen.
    invite = civil.start("peers", "invite")
    code = code_in(read_to(invite, "Waiting for them"))
    join = sports.start("peers", "join", code, "--yes-if", civil_words)
    asks = read_to(invite, sports_words)
    assert f"体育局 (127.0.0.1:{sports.port}/log, {sports.url}, numbers 31…) asks to join" in asks
    assert civil.followed == [("体育局", "waits to be confirmed")]
    _, errors = invite.communicate("n\n", timeout=PATIENCE_SECONDS)
    assert (invite.returncode, "was sent away" in errors) == (1, True)
    _, errors = join.communicate(timeout=PATIENCE_SECONDS)
    assert (join.returncode, errors.count("\n"), "answered no" in errors) == (2, 1, True)
    assert civil.followed == sports.followed == []

    # The same with the right words; the guest's administrator types the answer.
    invite = civil.start("peers", "invite", "--yes-if", sports_words)
    code = code_in(read_to(invite, "Waiting for them"))
    wrong = sports.run("peers", "join", code, "--yes-if", "other words")
    assert (wrong.returncode, "nobody is followed here" in wrong.stderr) == (1, True)
    assert sports.followed == []
    told, errors = invite.communicate(timeout=PATIENCE_SECONDS)
    assert (invite.returncode, errors, "✓ 民政局 follows 体育局" in told) == (0, "", True)
    join = sports.start("peers", "join", code)
    told, errors = join.communicate("y\n", timeout=PATIENCE_SECONDS)
    assert (join.returncode, errors, "✓ 体育局 follows 民政局" in told) == (0, "", True)
    assert civil_words in told
    assert sports_words in told

    assert [name for name, _ in civil.followed] == ["体育局"]
    assert [name for name, _ in sports.followed] == ["民政局"]
    checked = sports.run("crosscheck", "--json")
    assert [(row["name"], row["state"]) for row in json.loads(checked.stdout)["departments"]] == [("民政局", "good")]
    # They are the first two: each says that they are the network.
    told = civil.run("peers", "found")
    assert (told.returncode, "Not said yet, or not seen here: 体育局" in told.stdout) == (0, True)
    told = sports.run("peers", "found")
    assert (told.returncode, sorted(told.stdout.split()[1].split("、"))) == (0, ["体育局", "民政局"])
    refused = civil.run("peers", "remove", "卫生局")
    assert refused.returncode == 2
    again = sports.run("peers", "join", code, "--yes-if", civil_words)
    assert (again.returncode, again.stderr) == (0, "")
    assert sports.run("peers", "join", "no-code").returncode == 2
