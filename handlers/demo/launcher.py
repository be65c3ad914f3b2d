"""Brings the demo network up, tells its story, shows the page of URLs, and stops everything when asked.

The order: the nodes are made and served, the story is told while nobody cosigns, then the schedulers begin.
"""

import fcntl
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, TextIO

from handlers.demo.board import Board
from handlers.demo.control import Control, listening
from handlers.demo.county import DEPARTMENTS
from handlers.demo.description import describe, sandbox_cast, write_json
from handlers.demo.errors import DemoRunning, PortUnusable
from handlers.demo.founding import enrol_officers, found_node, introduce, note_followers
from handlers.demo.levers import Levers
from handlers.demo.page import page
from handlers.demo.processes import ROOT, Processes, app_command, wait_for_ports
from handlers.demo.sites import HOST, Site, plan_sites
from handlers.demo.snapshot import Snapshot
from handlers.demo.story import ACTS, FOUNDED
from handlers.demo.telling import Clock, Storyteller
from handlers.imports.layouts import load_banks, load_systems
from handlers.matters import load_matters, load_programmes
from ledger.keys import NodeKeys
from ledger.node import Node
from ledger.records.funds import Ref
from ledger.times import day_in_china

LEAST_PORT = 1024
MOST_PORT = 65_535 - len(DEPARTMENTS)
THREADS = 4
SYSTEM, BANK = "shenpi", "qinghe-nongshang"  # what the offices of the county work with
ALIVE_SECONDS = 1.0
REWRITTEN = "王桂兰"  # whose payment a lever rewrites
WAITING = "正在搭建青禾县的演示网络，大约要半分钟……\n"

_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """Somebody asked the demo to stop: no error, and nothing to be caught on the way."""


def run(base_port: int, instance: Path, out: TextIO, *, test: bool = False) -> None:
    """Run the demo network until it is asked to stop; `instance` is its folder, made afresh each time.

    `test`: its logs are named as tests, so that all that they say is marked.
    Raises PortTaken, PortUnusable, DemoRunning, ProcessDied or NotReady.
    """
    if not LEAST_PORT <= base_port <= MOST_PORT:
        raise PortUnusable(LEAST_PORT, MOST_PORT)
    folder = instance.resolve()
    with suppress(Stopped), _stoppable(), _alone(folder):
        demo = Demo(folder, base_port, plan_sites(folder, base_port, test=test))
        with demo.stopping(), listening(demo.board) as control:
            demo.start(out, control)
            demo.watch()


def throw_away(instance: Path) -> bool:
    """Take away all that the last run in this folder left; returns whether it left anything. Raises DemoRunning."""
    folder = instance.resolve()
    with _alone(folder):
        left = folder.exists()
        if left:
            shutil.rmtree(folder)
    return left


@contextmanager
def _stoppable() -> Iterator[None]:
    """Let each way to ask for an end raise Stopped; also in the background, where Ctrl-C is ignored at first."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        _ignore_signals()  # the next one must not break off the tidying up
        raise Stopped

    before = {number: signal.signal(number, stop) for number in _STOPPING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ignore_signals() -> None:
    for number in _STOPPING:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder: two demos in one would take each other's data away. However we end, the lock ends with us."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DemoRunning(folder) from error
        yield


@dataclass(slots=True)
class Demo:
    """One demo network, from its folder to its processes."""

    folder: Path
    base_port: int
    sites: tuple[Site, ...]
    processes: Processes = field(default_factory=Processes)
    board: Board = field(init=False)
    rewritable: Ref = field(init=False)  # the payment that a lever rewrites, once the story is told
    keys: NodeKeys = field(init=False, repr=False)  # … and those of the department that pays it

    def __post_init__(self) -> None:
        """The levers' board knows the departments."""
        self.board = Board([site.name for site in self.sites])

    @property
    def sandbox_url(self) -> str:
        """Where the pretended WeChat is."""
        return f"http://{HOST}:{self.base_port}"

    @property
    def description_file(self) -> Path:
        """What programs read."""
        return self.folder / "demo.json"

    @contextmanager
    def stopping(self) -> Iterator[None]:
        """At the end, however it comes, nothing runs any more and nothing says that it does."""
        try:
            yield
        finally:
            _ignore_signals()
            self.description_file.unlink(missing_ok=True)
            self.processes.stop_all()

    def start(self, out: TextIO, control: Control) -> None:
        """Start everything; the page is written when all of it answers. `control`: where the levers are."""
        self._clear()
        sys.stderr.write(WAITING)
        with ExitStack() as closing:
            description = self._tell(closing)
        self._start_sandbox(sandbox_cast(self.sites, description, control))
        for site in self.sites:
            self.processes.start(f"{site.name} scheduler", app_command(site.env_file, "schedule"), log=site.log_file)
        self.processes.wait_ready([f"{self.sandbox_url}/", *(f"{site.url}/readyz" for site in self.sites)])
        write_json(self.description_file, description)
        out.write(page(self.sandbox_url, self.sites, description, self.description_file, _python()))
        out.flush()

    def watch(self) -> None:
        """Stay, and pull the levers, until somebody asks for the end; raises ProcessDied."""
        levers = Levers(
            self.board,
            self.sites,
            self.processes,
            self.rewritable,
            self.keys,
            self.folder / "before",
            Snapshot.take(self.sites, self.folder / "beginning"),
            self.processes.wait_ready,
            _now,
        )
        while True:
            self.processes.check_alive()
            levers.work(ALIVE_SECONDS)

    def _clear(self) -> None:
        """Begin afresh, whatever the last one left."""
        self.description_file.unlink(missing_ok=True)
        wait_for_ports(HOST, range(self.base_port, self.base_port + len(self.sites) + 1))
        if self.folder.exists():
            shutil.rmtree(self.folder)
        self.folder.mkdir(mode=0o700)

    def _tell(self, closing: ExitStack) -> dict[str, Any]:
        clock = Clock(day_in_china(_now()))
        clock.turn_to(*FOUNDED)
        nodes = self._found_nodes(clock, closing)
        clerks = enrol_officers(nodes)
        self.processes.wait_ready([f"{site.url}/healthz" for site in self.sites])
        introduce(nodes)
        matters, programmes = load_matters(ROOT / "matters"), load_programmes(ROOT / "programmes")
        system, bank = load_systems(ROOT / "systems")[SYSTEM], load_banks(ROOT / "banks")[BANK]
        teller = Storyteller(nodes, clerks, clock, matters, programmes, self.folder, system, bank)
        teller.tell(ACTS)
        note_followers(self.sites, _now)
        payer, self.rewritable = teller.threads[REWRITTEN].payments[-1]
        assert isinstance(payer.keys, NodeKeys)  # a node of the demo is opened with its keys, not with their file
        self.keys = payer.keys
        return describe(self.sandbox_url, self.sites, nodes, teller.threads, clerks)

    def _found_nodes(self, clock: Clock, closing: ExitStack) -> Sequence[Node]:
        nodes = []
        for site in self.sites:
            node = found_node(site, self.sandbox_url, clock, _now)
            closing.callback(node.close)
            nodes.append(node)
            # It opens its keys, which takes a second on purpose, while we make the next node.
            serve = app_command(site.env_file, "serve", "--host", HOST, "--port", str(site.port), "--workers", "1")
            self.processes.start(f"{site.name} web", [*serve, "--threads", str(THREADS)], log=site.log_file)
        return nodes

    def _start_sandbox(self, cast: dict[str, Any]) -> None:
        file = self.folder / "sandbox.json"
        write_json(file, cast)
        arguments = ["-m", "bot.sandbox", "--config", str(file), "--host", HOST, "--port", str(self.base_port)]
        self.processes.start("sandbox", arguments, log=self.folder / "sandbox.log")


def _python() -> str:
    """The interpreter as one would type it."""
    running = Path(sys.executable)
    return str(running.relative_to(Path.cwd())) if running.is_relative_to(Path.cwd()) else str(running)


def _now() -> int:
    return int(time.time())
