"""Starts the demo's processes, and leaves none behind: not after Ctrl-C, not after a crash, not after kill -9."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from handlers.demo.errors import NotReady, PortTaken, ProcessDied

ROOT = Path(__file__).parents[2]
STOP_SECONDS = 6
PORTS_FREE_SECONDS = 5.0  # the processes of a demo that was killed need a moment to end
PORTS_LOOK_SECONDS = 0.25
READY_SECONDS_MAX = 180.0  # on a slow machine; usually a sixth
ASK_SECONDS = 2.0
LOOK_SECONDS = 0.1

_CHILD = Path(__file__).with_name("child.py")


@dataclass(frozen=True, slots=True)
class Child:
    """One process, and what is needed to start it again."""

    process: subprocess.Popen[bytes]
    arguments: Sequence[str]
    log: Path


@dataclass(slots=True)
class Processes:
    """The children of this demo, by name."""

    _children: dict[str, Child] = field(default_factory=dict)
    _stopped: dict[str, Child] = field(default_factory=dict)

    def start(self, name: str, arguments: Sequence[str], *, log: Path) -> None:
        """Start `python <arguments>`, its output appended to `log`; it dies with the thread that calls this."""
        command = [sys.executable, "-I", "-S", str(_CHILD), str(os.getpid()), sys.executable, *arguments]
        with log.open("ab") as output:
            child = subprocess.Popen(  # noqa: S603  # our own interpreter and our own arguments
                command,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C reaches us alone; we stop the others in order
            )
        self._children[name] = Child(child, arguments, log)

    def check_alive(self) -> None:
        """Raise ProcessDied for the first child that has ended by itself."""
        for name, child in self._children.items():
            if child.process.poll() is not None:
                raise ProcessDied(name, child.log)

    def wait_ready(self, urls: Iterable[str], seconds: float = READY_SECONDS_MAX) -> None:
        """Return when every URL answers 200; raises ProcessDied for a child that ends, or NotReady."""
        end = time.monotonic() + seconds
        with httpx.Client(trust_env=False, timeout=ASK_SECONDS) as client:
            for url in urls:
                while not _answers(client, url):
                    self.check_alive()
                    if time.monotonic() > end:
                        raise NotReady(url, seconds)
                    time.sleep(LOOK_SECONDS)

    def pid(self, name: str) -> int:
        """The process of that name, which leads a group of its own."""
        return self._children[name].process.pid

    @property
    def pids(self) -> Mapping[str, int]:
        """All that run, by name."""
        return {name: child.process.pid for name, child in self._children.items()}

    def stop(self, *names: str, seconds: float = STOP_SECONDS) -> None:
        """Stop these for a while; whoever has not ended after so many seconds is killed."""
        for name in names:
            self._stopped[name] = self._children.pop(name)
        stopping = [self._stopped[name].process for name in names]
        for process in stopping:
            _signal(process, signal.SIGTERM)
        _wait_or_kill(stopping, seconds)

    def start_again(self, *names: str) -> None:
        """Start again what was stopped; from the thread that may outlive them, as `start`."""
        for name in names:
            child = self._stopped.pop(name)
            self.start(name, child.arguments, log=child.log)

    def stop_all(self) -> None:
        """Stop every child and all that they started; safe to call twice."""
        self.stop(*self._children)
        self._stopped.clear()


def app_command(env_file: Path, *arguments: str) -> list[str]:
    """A command of the node whose settings these are, as `start` takes it."""
    return [str(ROOT / "app.py"), "--env-file", str(env_file), *arguments]


def _answers(client: httpx.Client, url: str) -> bool:
    try:
        return client.get(url).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def _signal(child: subprocess.Popen[bytes], number: int) -> None:
    with suppress(ProcessLookupError):  # it is gone already, which is what we want
        os.killpg(child.pid, number)


def _wait_or_kill(children: Sequence[subprocess.Popen[bytes]], seconds: float) -> None:
    end = time.monotonic() + seconds
    for child in children:
        with suppress(subprocess.TimeoutExpired):
            child.wait(max(0.0, end - time.monotonic()))
        _signal(child, signal.SIGKILL)  # also the children of one that ended without them
        child.wait()


def wait_for_ports(host: str, ports: Sequence[int]) -> None:
    """Return when all ports can be listened on; raises PortTaken for the first that still cannot after a while."""
    end = time.monotonic() + PORTS_FREE_SECONDS
    while (taken := _first_taken(host, ports)) is not None:
        if time.monotonic() > end:
            raise PortTaken(taken, others=ports[0] + 100)
        time.sleep(PORTS_LOOK_SECONDS)


def _first_taken(host: str, ports: Iterable[int]) -> int | None:
    for port in ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                return port
    return None
