"""A department with real keys that answers whatever it likes, and a real node that follows it by its own commands."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask import Flask

from ledger.node import Node, NodeSettings, init_node
from ledger.peers.publish import publish_round
from ledger.records.statement import Statement
from ledger.routes import create_blueprint
from ledger.scribe import new_handle
from tests.attacks.live_node import PASSPHRASE, ROOT, LiveNode, free_port, living
from tests.fakes.serving import App, serving
from tests.peers.smuggling import forged, put, signed

NAME = "财政局"


def now() -> int:
    return int(time.time())


@dataclass
class Doors:
    """Its web server: its true answers, but where an attack answers in their place."""

    true: App
    lies: list[tuple[str, App]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    heard: Callable[[str], object] = lambda _path: None

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        self.asked.append(path)
        self.heard(path)
        for part, lie in self.lies:
            if part in path:
                return lie(environ, start)
        return self.true(environ, start)

    def lie(self, part: str, lie: App) -> None:
        """Answer so wherever the path has this part."""
        self.lies.append((part, lie))

    def behave(self) -> None:
        self.lies.clear()
        self.asked.clear()
        self.heard = lambda _path: None


@dataclass
class Round:
    """What one round of the honest node came to, in a process of its own."""

    exit_code: int
    told: dict[str, Any]
    peak_mb: float  # the largest memory of that process

    @property
    def row(self) -> dict[str, Any]:
        return next(row for row in self.told["departments"] if row["name"] == NAME)

    @property
    def rules(self) -> set[str]:
        return {finding["rule"] for finding in self.told["findings"]}


@dataclass
class Pair:
    """The liar, and the honest node that follows it."""

    liar: Node
    doors: Doors
    honest: LiveNode
    folder: Path

    @contextmanager
    def begun(self) -> Iterator["subprocess.Popen[bytes]"]:
        """A round of the honest node, under way."""
        command = [
            sys.executable,
            str(ROOT / "app.py"),
            "--env-file",
            str(self.honest.env_file),
            "crosscheck",
            "--json",
        ]
        out, err = self.folder / "round.out", self.folder / "round.err"
        with out.open("wb") as output, err.open("wb") as errors:
            process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=errors, start_new_session=True)
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
                process.wait()

    def round(self) -> Round:
        with self.begun() as process:
            _pid, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        told = (self.folder / "round.out").read_text("utf-8")
        assert told, (self.folder / "round.err").read_text("utf-8")
        return Round(process.returncode, json.loads(told), usage.ru_maxrss / 1024)

    def grow(self, count: int = 1) -> None:
        """The liar writes so many good records, and publishes them."""
        one = self.case()
        put(self.liar, one, *(forged(self.liar, one, jti=new_handle(), sub=new_handle()) for _ in range(count - 1)))
        publish_round(self.liar, cosign=False)

    def case(self, **changed: Any) -> bytes:
        return signed(self.liar, Statement("case-submitted", new_handle(), {"matter": "m"}), **changed)

    def smuggle(self, *entries: bytes) -> Round:
        """The liar logs these, and the honest node looks."""
        put(self.liar, *entries)
        publish_round(self.liar, cosign=False)
        return self.round()


def doors_of(node: Node) -> Doors:
    """Its true answers, as its own web workers give them."""
    app = Flask("liar")
    app.register_blueprint(create_blueprint(node))
    return Doors(app.wsgi_app)


def found(folder: Path, name: str, prefix: str, port: int) -> Node:
    """A department in this process, that has published its first head and is not served yet."""
    host = f"127.0.0.1:{port}"
    database, key_file = f"sqlite:///{folder / f'{prefix}.db'}", folder / f"{prefix}.age"
    settings = NodeSettings(name, f"{host}/log", f"http://{host}", database, key_file)
    node = Node.open(settings, init_node(settings, number_prefix=prefix, passphrase=PASSPHRASE, now=now), now)
    publish_round(node, cosign=False)
    return node


@contextmanager
def lying(folder: Path) -> Iterator[Pair]:
    """Both, acquainted and served; ended however the block ends."""
    port = free_port()
    liar = found(folder, NAME, "22", port)
    doors = doors_of(liar)
    try:
        with (
            serving(doors, port),
            living(folder / "node", f"sqlite:///{folder / 'node.db'}") as honest,
        ):
            honest.start(workers=1, scheduler=False)
            done = honest.command("peers", "add", liar.public_url, "--fingerprint", liar.keys.fingerprint)
            assert done.returncode == 0, done.stderr
            yield Pair(liar, doors, honest, folder)
    finally:
        liar.close()
