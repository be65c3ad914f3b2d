"""Drives a demo network as any client would: by what `demo.json` says, over HTTP, and by the command line."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs

import httpx
import pyotp

from ledger.storage import entries
from ledger.storage.engine import open_engine, reading
from ledger.storage.findings import read_findings

ROOT = Path(__file__).parents[2]
START_SECONDS = 240  # other suites may be running
ANSWER_SECONDS = 20
STEP_SECONDS = 30
COMMAND_SECONDS = 240
SIGNED_IN_SECONDS = 10 * 60  # of the quarter of an hour that a sign-in lasts for signing
RUN = (
    "import sys, pathlib; from handlers.demo import run;"
    " run(int(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.stdout, test=bool(sys.argv[3:]))"
)

T = TypeVar("T")


def until(look: Callable[[], T | None], seconds: float, what: str | Callable[[], str], pause: float = 0.1) -> T:
    """What `look` finds as soon as it finds something; `what` says what was looked for."""
    end = time.monotonic() + seconds
    while True:
        found = look()
        if found is not None and found is not False:
            return found
        assert time.monotonic() < end, f"{what if isinstance(what, str) else what()}: not within {seconds} s"
        time.sleep(pause)


class Launcher:
    """`make demo`, but for its folder and ports."""

    def __init__(self, folder: Path, port: int, *, test: bool = False) -> None:
        self.folder, self.port = folder, port
        self.out, self.err = folder.with_suffix(".out"), folder.with_suffix(".err")
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-c", RUN, str(port), str(folder), *["test"][: int(test)]],
                cwd=ROOT,
                stdout=out,
                stderr=err,
            )

    @property
    def description(self) -> Path:
        return self.folder / "demo.json"

    def wait_ready(self) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            assert self.process.poll() is None, self.err.read_text() + self.logs()
            return json.loads(self.description.read_text()) if self.description.exists() else None

        described: dict[str, Any] = until(look, START_SECONDS, "the demo is up")
        return described

    def logs(self) -> str:
        return "\n".join(f"--- {log.name}\n{log.read_text()[-2000:]}" for log in sorted(self.folder.glob("*.log")))


@contextmanager
def running(folder: Path, port: int, *, test: bool = False) -> Iterator[Launcher]:
    launcher = Launcher(folder, port, test=test)
    try:
        yield launcher
    finally:
        launcher.process.terminate()
        launcher.process.wait(30)


LINK = re.compile(r'<a href="weixin://bizmsgmenu\?([^"]*)">(.*?)</a>')


@dataclass(frozen=True)
class Link:
    """A choice that can be tapped."""

    label: str
    content: str  # what a tap sends
    id: str


@dataclass(frozen=True)
class Answer:
    """What an account said."""

    text: str  # raw, with its links

    @property
    def links(self) -> list[Link]:
        """What can be tapped, in order."""
        found = []
        for query, label in LINK.findall(self.text):
            sent = parse_qs(query.replace("&amp;", "&"), keep_blank_values=True)
            found.append(Link(label, sent["msgmenucontent"][0], sent.get("msgmenuid", [""])[0]))
        return found

    def link(self, label: str, about: str = "") -> Link:
        """The one link of that label, of several the one whose message names `about`."""
        [found] = [link for link in self.links if link.label == label and about in link.content]
        return found

    @property
    def read(self) -> str:
        """As it is read: links are their labels."""
        return LINK.sub(r"\2", self.text)

    @property
    def lines(self) -> list[str]:
        return self.read.splitlines()

    def line(self, start: str) -> str:
        [found] = [line for line in self.lines if line.startswith(start)]
        return found

    @property
    def trust_lines(self) -> list[str]:
        return [line for line in self.lines if "核对" in line]


@dataclass
class Chat:
    """One person at one account of the sandbox."""

    http: httpx.Client
    sandbox_url: str
    openid: str
    node: str
    seen: int = 0

    def post(self, **body: str) -> int:
        whole = {"openid": self.openid, "node": self.node, **body}
        answer = self.http.post(f"{self.sandbox_url}/api/messages", json=whole)
        assert answer.status_code == 200, answer.text
        return int(answer.json()["id"])

    def listed(self, after: int = 0) -> list[dict[str, Any]]:
        query = {"openid": self.openid, "node": self.node, "after": str(after)}
        answer = self.http.get(f"{self.sandbox_url}/api/messages", params=query)
        assert answer.status_code == 200, answer.text
        return list(answer.json())

    def answer_to(self, sent: int) -> Answer:
        def look() -> Answer | None:
            said = [one for one in self.listed(sent) if one["from"] == self.node and one["kind"] in {"text", "news"}]
            return Answer(said[0]["text"]) if said else None

        return until(look, ANSWER_SECONDS, f"an answer to {self.openid} at {self.node}", pause=0.02)

    def say(self, text: str, **more: str) -> Answer:
        return self.answer_to(self.post(text=text, **more))

    def tap(self, answer: Answer, label: str, about: str = "") -> Answer:
        link = answer.link(label, about)
        return self.say(link.content, msgmenuid=link.id)

    def notices(self, after: int = 0) -> list[str]:
        return [one["text"] for one in self.listed(after) if one["kind"] == "notice"]

    def newest_id(self) -> int:
        return max((one["id"] for one in self.listed()), default=0)


@dataclass
class OfficerChat(Chat):
    """An officer, with the telephone that shows the codes."""

    totp_secret: str = ""
    used: set[int] = field(default_factory=set)
    signed_in: float = -SIGNED_IN_SECONDS  # when, by the monotonic clock

    def code(self) -> str:
        """A code that has not been used: of the step before, of this one or the next, or else of a later moment."""

        def fresh() -> int | None:
            now = int(time.time())
            if now % STEP_SECONDS > STEP_SECONDS - 3:
                return None  # on its way it could become one step too old
            steps = (now // STEP_SECONDS + offset for offset in (-1, 0, 1))
            return next((step for step in steps if step not in self.used), None)

        step = until(fresh, 3 * STEP_SECONDS, "a fresh code", pause=0.5)
        self.used.add(step)
        return pyotp.TOTP(self.totp_secret).at(step * STEP_SECONDS)

    def sign_in(self) -> Answer:
        self.signed_in = time.monotonic()
        return self.say(f"#登录 {self.code()}")

    def be_signed_in(self) -> None:
        """Sign in, unless that was a short while ago: each time takes one of the few codes of a minute."""
        if time.monotonic() - self.signed_in > SIGNED_IN_SECONDS:
            assert "登录好了" in self.sign_in().read


@dataclass
class Network:
    """A running demo, as its description tells."""

    described: dict[str, Any]
    launcher: Launcher
    http: httpx.Client
    _officers: dict[str, OfficerChat] = field(default_factory=dict)

    @property
    def sandbox_url(self) -> str:
        return str(self.described["sandbox_url"])

    def node(self, name: str) -> dict[str, Any]:
        return self._one("nodes", name)

    def citizen(self, name: str) -> dict[str, Any]:
        return self._one("citizens", name)

    def _one(self, kind: str, name: str) -> dict[str, Any]:
        [found] = [one for one in self.described[kind] if one["name"] == name]
        return dict(found)

    def chat(self, name: str) -> Chat:
        person = self.citizen(name)
        return Chat(self.http, self.sandbox_url, person["openid"], person["node"])

    def stranger(self, openid: str, node: str) -> Chat:
        return Chat(self.http, self.sandbox_url, openid, node)

    def officer(self, name: str) -> OfficerChat:
        if name not in self._officers:
            person = self._one("officers", name)
            self._officers[name] = OfficerChat(
                self.http, self.sandbox_url, person["openid"], person["node"], totp_secret=person["totp_secret"]
            )
        return self._officers[name]

    def number(self, name: str, kind: str = "cases", place: int = -1) -> str:
        return str(self.citizen(name)[kind][place]["number"])

    def slip(self, name: str) -> str:
        case = self.citizen(name)["cases"][0]
        return f"{case['number']} {case['query_code']}"

    def size(self, node: str) -> int:
        """Size of the log under the checkpoint that is shown."""
        text = self.http.get(f"{self.node(node)['url']}/log/checkpoint").text
        return int(text.split("\n")[1])

    def written(self, node: str) -> int:
        """How many records a department's log holds, shown or not: an act has written its record when it answers."""
        told = self.node(node)
        engine = open_engine(told["database_url"])
        try:
            with reading(engine) as connection:
                log_id = entries.find_log(connection, told["origin"])
                assert log_id is not None
                return entries.read_edge(connection, log_id).size
        finally:
            engine.dispose()

    def settled_size(self, node: str) -> int:
        """The same, once the checkpoint shows all that is there."""
        written = self.written(node)
        shown = self.grown_to(node, written)
        assert shown == self.written(node)
        return shown

    def grown_to(self, node: str, size: int) -> int:
        """Wait until the log shows at least this size; returns what it shows then."""
        return until(lambda: now if (now := self.size(node)) >= size else None, 10, f"{node} shows record {size}")

    def command(self, node: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(ROOT / "app.py"), "--env-file", self.node(node)["env_file"], *arguments]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False)

    def commands(self, arguments: Mapping[str, Sequence[str]]) -> dict[str, subprocess.CompletedProcess[str]]:
        """One command at each of these nodes, all at once: most of a command is the start of its process."""
        with ThreadPoolExecutor(len(arguments)) as pool:
            done = pool.map(lambda node: self.command(node, *arguments[node]), arguments)
            return dict(zip(arguments, done, strict=True))

    def open_rules(self, node: str) -> list[str]:
        """The rules of the findings that are open at a node, as it holds them now."""
        engine = open_engine(self.node(node)["database_url"])
        try:
            with reading(engine) as connection:
                return [one.rule for one in read_findings(connection)]
        finally:
            engine.dispose()
