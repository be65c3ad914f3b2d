"""However a demo ends, nothing of it runs on, and the next one starts afresh.

Run behind all the others: the demo that is killed here is theirs.
"""

import os
import signal
import socket
from pathlib import Path

import httpx
import pytest

from tests.demo.network import Launcher, Network, until

pytestmark = pytest.mark.slow


def _running(folder: Path) -> list[int]:
    """Processes whose command line names this folder: all that the demo starts."""
    found = []
    for proc in Path("/proc").glob("[0-9]*"):
        try:
            command = (proc / "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        if str(folder).encode() in command and int(proc.name) != os.getpid():
            found.append(int(proc.name))
    return found


def test_killed_without_warning_it_leaves_nothing_and_the_next_starts_afresh(network: Network):
    first, described = network.launcher, network.described
    folder, base_port = first.folder, first.port
    assert len(_running(folder)) >= 1 + 4 + 4 + 1
    first.process.send_signal(signal.SIGKILL)
    first.process.wait()

    second = Launcher(folder, base_port)  # at once: the ports of the first are only just being let go
    until(lambda: not (folder / "demo.json").exists() or None, 20, "the old description is gone")
    again = second.wait_ready()
    assert {node["name"] for node in again["nodes"]} == {node["name"] for node in described["nodes"]}
    for old, new in zip(described["nodes"], again["nodes"], strict=True):
        assert old["log_vkeys"] != new["log_vkeys"]
        assert httpx.get(f"{new['url']}/readyz", trust_env=False).status_code == 200

    third = Launcher(folder, base_port + 10)
    assert third.process.wait(30) != 0
    assert len(third.err.read_text().strip().splitlines()[-1:]) == 1
    assert (folder / "demo.json").exists()

    second.process.send_signal(signal.SIGINT)
    assert second.process.wait(30) == 0
    assert until(lambda: not _running(folder) or None, 15, "nothing runs any more")
    assert not (folder / "demo.json").exists()
    for port in range(base_port, base_port + 5):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
