"""A whole node as a department runs it: made by its commands, two web workers, a scheduler, and WeChat around it."""

import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pyotp
from dotenv import dotenv_values

from handlers.demo.processes import Processes, app_command
from handlers.settings import read_settings
from ledger.keys import open_keys
from ledger.node import Node, NodeSettings
from ledger.scribe import Submitted
from tests.bot.fake_api import FakeApi
from tests.demo.network import Answer, until
from tests.fakes.wechat_envelope import Delivery, WeChatSide, text_xml

ROOT = Path(__file__).parents[2]
PASSPHRASE = "correct horse battery"
RESIDENCE = "07JZZ00001"
STEP_SECONDS = 30


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@dataclass
class Staff:
    """An officer and their telephone."""

    name: str
    openid: str
    binding_code: str
    totp_secret: str
    used: set[int] = field(default_factory=set)

    def code(self) -> str:
        """A code that was not used yet; waits for the next step when all around now are."""

        def fresh() -> int | None:
            now = int(time.time())
            if now % STEP_SECONDS > STEP_SECONDS - 3:
                return None  # on its way it could become one step too old
            return next(
                (step for step in (now // STEP_SECONDS + each for each in (-1, 0, 1)) if step not in self.used), None
            )

        step = until(fresh, 3 * STEP_SECONDS, "a fresh code", pause=0.5)
        self.used.add(step)
        return pyotp.TOTP(self.totp_secret).at(step * STEP_SECONDS)


@dataclass
class LiveNode:
    """One department's node, by its settings file alone."""

    folder: Path
    database_url: str
    api: FakeApi
    name: str = "公安局"
    prefix: str = "23"
    port: int = field(default_factory=free_port)
    log_folder: Path | None = None  # where its processes write their lines, if not in its own folder
    processes: Processes = field(default_factory=Processes)
    side: WeChatSide = field(
        default_factory=lambda: WeChatSide(secrets.token_hex(16), secrets.token_hex(21) + "A", "wx1")
    )

    # --- its settings and its commands ---

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def env_file(self) -> Path:
        return self.folder / "node.env"

    @property
    def log_file(self) -> Path:
        return (self.log_folder or self.folder) / "node.log"

    def settings(self) -> Mapping[str, str]:
        return {
            "ONETRIP_NODE_NAME": self.name,
            "ONETRIP_PUBLIC_URL": self.url,
            "ONETRIP_ORIGIN": "",
            "ONETRIP_DATABASE_URL": self.database_url,
            "ONETRIP_KEY_FILE": str(self.folder / "node.age"),
            "ONETRIP_KEY_PASSPHRASE": PASSPHRASE,
            "ONETRIP_KEY_PASSPHRASE_FILE": "",
            "ONETRIP_CROSSCHECK_SECONDS": "2",
            "ONETRIP_CHECKPOINT_SECONDS": "1",
            "ONETRIP_REDIS_URL": "",
            "WECHAT_TOKEN": self.side.token,
            "WECHAT_ENCODING_AES_KEY": self.side.encoding_aes_key,
            "WECHAT_APP_ID": self.side.app_id,
            "WECHAT_APP_SECRET": self.api.secret,
            "WECHAT_ALLOW_PLAIN": "0",
            "WECHAT_API_BASE_URL": f"{self.api.url}/",
            "WECHAT_NOTICE_TEMPLATE_ID": "",
        }

    def command(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(ROOT / "app.py"), "--env-file", str(self.env_file), *arguments]
        return subprocess.run(command, cwd=ROOT, input=stdin, capture_output=True, text=True, timeout=120, check=False)

    def init(self) -> None:
        self.folder.mkdir(exist_ok=True)
        lines = [f"{name}='{value}'\n" for name, value in self.settings().items()]
        self.env_file.write_text("".join(lines))
        done = self.command("init", "--name", self.name, "--public-url", self.url, "--number-prefix", self.prefix)
        assert done.returncode == 0, done.stderr

    def enrol(self, name: str, roles: str, id_number: str) -> Staff:
        done = self.command("officers", "enrol", "--name", name, "--roles", roles, stdin=f"{id_number}\n")
        assert done.returncode == 0, done.stderr
        code, secret = re.search(r"绑定 (\S+)", done.stdout), re.search(r"app: ([A-Z2-7]+),", done.stdout)
        assert code is not None
        assert secret is not None
        return Staff(name, f"o-{name.encode().hex()}", code[1], secret[1])

    @contextmanager
    def opened(self) -> Iterator[Node]:
        """The node in this process, for what the counter will do."""
        chosen = read_settings({name: value or "" for name, value in dotenv_values(self.env_file).items()})
        told = NodeSettings(chosen.node_name, chosen.origin, chosen.public_url, chosen.database_url, chosen.key_file)
        node = Node.open(told, open_keys(chosen.key_file, PASSPHRASE), lambda: int(time.time()))
        try:
            yield node
        finally:
            node.close()

    # --- its processes ---

    def start(self, *, workers: int = 2, scheduler: bool = True) -> None:
        serve = ["serve", "--port", str(self.port), "--workers", str(workers), "--threads", "4"]
        self.processes.start("web", app_command(self.env_file, *serve), log=self.log_file)
        if scheduler:
            self.start_scheduler("scheduler")
        self.processes.wait_ready([self.url + ("/readyz" if scheduler else "/healthz")])

    def start_scheduler(self, name: str) -> None:
        self.processes.start(name, app_command(self.env_file, "schedule"), log=self.log_file)

    def pid(self, name: str) -> int:
        return self.processes.pid(name)

    def workers(self) -> list[int]:
        """The web workers: children of gunicorn's own process."""
        told = Path(f"/proc/{self.pid('web')}/task/{self.pid('web')}/children").read_text()
        return [int(pid) for pid in told.split()]

    def kill(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)

    def log(self) -> str:
        return self.log_file.read_text()[-3000:] if self.log_file.exists() else ""

    def stop(self) -> None:
        self.processes.stop_all()

    # --- WeChat ---

    def post(self, delivery: Delivery, seconds: float = 10) -> httpx.Response:
        url = f"{self.url}/wechat"
        return httpx.post(url, params=delivery.params, content=delivery.body, timeout=seconds, trust_env=False)

    def sealed(self, openid: str, words: str, message_id: int | None = None) -> Delivery:
        return self.side.deliver(text_xml(openid, words, message_id=message_id))

    def say(self, openid: str, words: str) -> Answer:
        answer = self.post(self.sealed(openid, words))
        assert answer.status_code == 200, (answer.status_code, self.log())
        return Answer(self.side.open_reply(answer.content).get("Content", ""))

    def deliver_until_answered(self, delivery: Delivery, seconds: float = 30) -> Answer:
        """As WeChat does, again and again, but with more patience than its three times."""

        def ask() -> Answer | None:
            try:
                answer = self.post(delivery, 5)
            except httpx.HTTPError:
                return None
            if answer.status_code != 200:
                return None
            return Answer(self.side.open_reply(answer.content).get("Content", ""))

        return until(ask, seconds, "an answer", pause=0.5)

    def sign(self, staff: Staff, command: str) -> Answer:
        """Give a command and confirm it as its read-back asks."""
        told = self.say(staff.openid, command)
        if "请先登录" in told.read:
            assert "登录好了" in self.say(staff.openid, f"#登录 {staff.code()}").read
            told = self.say(staff.openid, command)
        draft = re.search(r"草稿(\d+)", told.read)
        assert draft is not None, told.read
        return self.say(staff.openid, staff.code() if "动态码确认" in told.read else f"确认 {draft[1]}")

    def notices(self, openid: str) -> list[str]:
        """What was pushed to somebody so far."""
        sent = [body for path, body in self.api.calls if path == "/cgi-bin/message/custom/send"]
        return [body["text"]["content"] for body in sent if body["touser"] == openid]

    # --- what it says to everybody ---

    def size(self) -> int:
        """Size of the log under the checkpoint that is shown."""
        return int(httpx.get(f"{self.url}/log/checkpoint", trust_env=False, timeout=5).text.split("\n")[1])

    def grown_to(self, size: int) -> int:
        return until(lambda: now if (now := self.size()) >= size else None, 20, f"size {size}\n{self.log()}")

    def node_json(self) -> dict[str, Any]:
        return dict(json.loads(httpx.get(f"{self.url}/node.json", trust_env=False).text))


@dataclass(frozen=True)
class Slip:
    """What a person at the counter is handed."""

    number: str
    query_code: str
    binding_code: str
    submitted: Submitted


def hand_in(node: Node, by: str, matter: str = RESIDENCE, name: str = "陈志强") -> Slip:
    opened = node.desk.open_case(matter, {"applicant": name}, by=by, once=secrets.token_hex(8))
    return Slip(opened.number, opened.query_code, node.desk.binding_code_for(opened.citizen, 600), opened.submitted)


def officer_handle(node: Node, name: str) -> str:
    with node.reading() as facts:
        return next(each.handle for each, in_force in facts.officers() if in_force and each.name == name)


@contextmanager
def living(folder: Path, database_url: str, **options: Any) -> Iterator[LiveNode]:
    """A node that was made and has two officers, not started yet; ended however the block ends."""
    api = FakeApi()
    node = LiveNode(folder, database_url, api, **options)
    try:
        node.init()
        yield node
    finally:
        node.stop()
        api.close()
