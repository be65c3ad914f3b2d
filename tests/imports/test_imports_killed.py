"""`python app.py import` as its users start it, and killed as machines are: at any moment, without a word."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pyotp
import pytest

from ledger.keys import open_keys
from ledger.node import Node, NodeSettings
from ledger.storage import entries
from ledger.storage.engine import open_engine, reading
from tests.imports.office import CHEN, ROOT, write

pytestmark = pytest.mark.slow

ROWS = 120
WAIT_SECONDS = 120
STEP_SECONDS = 30
PASSPHRASE = "correct horse battery"


class Office:
    """公安局, made by its own commands."""

    def __init__(self, folder: Path) -> None:
        self.env = folder / "node.env"
        self.url = f"sqlite:///{folder / 'node.db'}"
        lines = {
            "ONETRIP_NODE_NAME": "公安局",
            "ONETRIP_PUBLIC_URL": "http://127.0.0.1:1",
            "ONETRIP_DATABASE_URL": self.url,
            "ONETRIP_KEY_FILE": str(folder / "node.age"),
            "ONETRIP_KEY_PASSPHRASE": PASSPHRASE,
        }
        self.env.write_text("".join(f"{name}='{value}'\n" for name, value in lines.items()), "utf-8")
        made = ("init", "--name", "公安局", "--public-url", "http://127.0.0.1:1", "--number-prefix", "23")
        assert self.run(*made).returncode == 0
        told = self.run("officers", "enrol", "--name", "李敏", "--roles", "clerk", typed=f"{CHEN}\n").stdout
        [self.secret] = re.findall(r"app: ([A-Z2-7]+)", told)
        self.step = 0

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, str(ROOT / "app.py"), "--env-file", str(self.env), *arguments]

    def run(self, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            cwd=ROOT,
            input=typed,
            capture_output=True,
            text=True,
            timeout=WAIT_SECONDS,
            check=False,
        )

    def code(self, *, read_at_once: bool = False) -> str:
        """A code that was not used: of this step or the next, and of the one before for whoever reads it at once.

        A telephone's clock may be wrong by so much.
        """
        while self.step > (now := int(time.time()) // STEP_SECONDS):
            time.sleep(0.2)
        self.step = max(now - read_at_once, self.step + 1)
        return pyotp.TOTP(self.secret).at(self.step * STEP_SECONDS)

    def publish(self) -> None:
        """What the scheduler would do: sign a head of what is there."""
        settings = NodeSettings(
            "公安局", "127.0.0.1:1/log", "http://127.0.0.1:1", self.url, self.env.with_name("node.age")
        )
        node = Node.open(settings, open_keys(settings.key_file, PASSPHRASE), lambda: int(time.time()))
        head = node.log.sign_new_head()
        assert head is not None
        assert node.log.publish(head.size)
        node.close()

    def size(self) -> int:
        engine = open_engine(self.url)
        with reading(engine) as conn:
            log_id = entries.find_log(conn, "127.0.0.1:1/log")
            assert log_id is not None
            size = entries.read_edge(conn, log_id).size
        engine.dispose()
        return size


def file_of(folder: Path) -> Path:
    rows = [
        {
            "办件编号": f"JZZ-{at}",
            "事项": "居住证",
            "姓名": "陈志强",
            "身份证号": CHEN,
            "收件日期": "2026-09-20",
            "受理日期": "2026-09-22",
        }
        for at in range(ROWS)
    ]
    path = folder / "cases.csv"
    path.write_bytes(write(rows))
    return path


def kill_after(office: Office, file: Path, seconds: float) -> None:
    """Start the import, give it its code, and kill it so long after it has shown its last line."""
    command = office.command("import", "cases", str(file), "--as", "李敏", "--yes")
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("一共".encode()):
            break
    process.stdin.write(f"{office.code(read_at_once=True)}\n".encode())
    process.stdin.flush()
    time.sleep(seconds)
    process.kill()
    process.communicate(timeout=WAIT_SECONDS)


def test_killed_at_any_moment_all_of_the_file_is_there_or_nothing(tmp_path: Path):
    office, file = Office(tmp_path), file_of(tmp_path)
    empty = office.size()
    for seconds in (0.0, 0.15):
        kill_after(office, file, seconds)
        assert office.size() in {empty, empty + 2 * ROWS}
    # Whatever came before, taking it in again ends with all of it, once.
    done = office.run("import", "cases", str(file), "--as", "李敏", typed=f"{office.code()}\n")
    assert done.returncode == 0, done.stdout + done.stderr
    assert office.size() == empty + 2 * ROWS
    again = office.run("import", "cases", str(file), "--as", "李敏")
    assert (again.returncode, office.size()) == (0, empty + 2 * ROWS)
    assert CHEN not in done.stdout + done.stderr + again.stdout
    office.publish()
    verified = office.run("verify")
    assert verified.returncode == 0, verified.stdout
