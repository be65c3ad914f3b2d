"""Nothing that the demo starts outlives it, and nothing that was there before is harmed."""

import os
import signal
import socket
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest

from handlers.demo import run
from handlers.demo.errors import DemoRunning, PortTaken, PortUnusable, ProcessDied
from handlers.demo.processes import Processes, wait_for_ports
from tests.demo.network import ROOT, until

PARENT = """
import sys, time, pathlib
from handlers.demo.processes import Processes
Processes().start("sleeper", ["-c", {child!r}], log=pathlib.Path({log!r}))
time.sleep(60)
"""
CHILD = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"


def _pid(log: Path) -> int:
    return until(lambda: int(log.read_text()) if log.exists() and log.read_text().strip() else None, 20, "a child")


def _is_alive(pid: int) -> bool:
    try:
        return "zombie" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_child_ends_when_the_demo_is_killed_without_warning(tmp_path):
    log = tmp_path / "child.log"
    parent = subprocess.Popen([sys.executable, "-c", PARENT.format(child=CHILD, log=str(log))], cwd=ROOT)
    child = _pid(log)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    until(lambda: not _is_alive(child), 10, "the end of the child")


def test_a_child_whose_parent_died_before_it_asked_does_not_begin(tmp_path):
    marker = tmp_path / "begun"
    child = ROOT / "handlers" / "demo" / "child.py"
    program = [sys.executable, "-c", f"open({str(marker)!r}, 'w')"]
    somebody_else = str(os.getpid() + 1)
    done = subprocess.run([sys.executable, "-I", "-S", str(child), somebody_else, *program], check=False)
    assert done.returncode == 1
    assert not marker.exists()


def test_stopping_ends_a_child_that_does_not_listen_and_what_it_started(tmp_path):
    log = tmp_path / "child.log"
    deaf = (
        "import os, signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "own = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); print(own.pid, flush=True);"
        "time.sleep(60)"
    )
    processes = Processes()
    processes.start("deaf", ["-c", deaf], log=log)
    grandchild = _pid(log)
    processes.stop_all()
    until(lambda: not _is_alive(grandchild), 10, "the end of all of them")
    processes.stop_all()


def test_a_child_that_ends_by_itself_is_named_with_its_log(tmp_path):
    processes = Processes()
    processes.start("公安局 web", ["-c", "raise SystemExit(3)"], log=tmp_path / "23.log")

    def look() -> ProcessDied | None:
        try:
            processes.check_alive()
        except ProcessDied as died:
            return died
        return None

    died = until(look, 10, "its end")
    assert "公安局 web" in str(died)
    assert "23.log" in str(died)


def test_a_port_in_use_is_one_clear_line_that_names_port(base_port):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", base_port + 2))
        taken.listen()
        with pytest.raises(PortTaken) as caught:
            wait_for_ports("127.0.0.1", range(base_port, base_port + 5))
    assert str(base_port + 2) in str(caught.value)
    assert "PORT=" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("port", [0, 80, 65_532, 70_000, -1])
def test_a_base_port_without_room_behind_it_is_refused(tmp_path, port):
    with pytest.raises(PortUnusable):
        run(port, tmp_path / "demo", StringIO())


def test_a_second_demo_in_the_same_folder_takes_nothing_away(tmp_path, base_port):
    import fcntl

    folder = tmp_path / "demo"
    folder.mkdir()
    (folder / "demo.json").write_text("{}")
    with (tmp_path / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(DemoRunning):
            run(base_port, folder, StringIO())
    assert (folder / "demo.json").exists()
