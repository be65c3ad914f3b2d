"""Catching up with a department that is far ahead, over HTTP, against raw Ed25519 verifications on all cores.

`python -m benchmarks.catchup --entries 20000` takes so many. The other department's server runs on the same cores, as
does what it costs to ask it: all of that is in the figure.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.longlog import PASSPHRASE, make_long_log
from benchmarks.tiles import FOLDER, OWN_PORT
from benchmarks.verify import CORES, peak_of, peaks_while, raw_cpu_us, raw_on_all_cores
from benchmarks.webhook import served
from ledger.audit.crosscheck import run_round
from ledger.keys import open_keys
from ledger.node import Node, NodeSettings, init_node
from ledger.peers.catching_up import WORKERS
from ledger.peers.joining import add_peer, fetch_node

ENTRIES = 100_000
PORT = 18_470
PAYER = "127.0.0.1:3/log"
RATE = "catching up 100,000 entries ÷ raw Ed25519"
MEMORY = "its peak memory, all processes of the one who follows"


def measure(entries: int = ENTRIES, port: int = PORT) -> dict[str, str]:
    """The figures as table cells."""
    with tempfile.TemporaryDirectory(dir=".") as name:
        folder = Path(name).resolve()
        ahead = folder / "ahead"
        ahead.mkdir()
        made = make_long_log(ahead, entries, port=port, payer=PAYER)
        bind = ["--bind", f"127.0.0.1:{port}", "--workers", "1", "--threads", "4", "--worker-class", "gthread"]
        server = ["-m", "gunicorn", *bind, "--no-control-socket", "benchmarks.tiles:create_app()"]
        before = raw_on_all_cores()
        with served(server, port, {FOLDER: str(ahead), OWN_PORT: str(port)}):
            told, helpers = _follow_once(folder, port)
        after = raw_on_all_cores()
    rate, each = made.size / told["seconds"], told["cpu"] / made.size * 1e6
    return {
        RATE: (
            f"{rate / ((before + after) / 2):.2f} ({rate:.0f}/s of {made.size:,} entries, {each:.0f} µs of CPU each; "
            f"raw: {raw_cpu_us():.0f} µs)"
        ),
        MEMORY: f"{told['peak'] + helpers:.0f} MB ({CORES} cores)",
    }


def _follow_once(folder: Path, port: int) -> tuple[dict[str, float], float]:
    command = [sys.executable, "-m", "benchmarks.catchup", "--child", str(folder), "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        peaks = peaks_while(child)
        assert child.stdout is not None
        told = json.loads(child.stdout.read())
    # Of helpers that follow each other only those of one turn run at once.
    helpers = sorted((peak for pid, peak in peaks.items() if pid != child.pid), reverse=True)
    return told, sum(helpers[:WORKERS])


def _be_the_child(folder: Path, port: int) -> None:
    import app  # noqa: PLC0415  the scheduler has all of it in its memory, too

    settings = NodeSettings(
        "审计局", "127.0.0.1:2/log", "http://127.0.0.1:2", f"sqlite:///{folder / 'node.db'}", folder / "node.age"
    )
    init_node(settings, number_prefix="24", passphrase=PASSPHRASE, now=_now)
    node = Node.open(settings, open_keys(settings.key_file, PASSPHRASE), _now)
    url = f"http://127.0.0.1:{port}"
    add_peer(node, url, fetch_node(node, url).fingerprint)
    # Its keys are opened with a quarter of a gigabyte, on purpose, and once: that is not what is asked here.
    Path("/proc/self/clear_refs").write_text("5")
    begun, used = time.perf_counter(), _cpu()
    behind = True
    while behind:
        [row] = run_round(node).rows
        if not row.is_verified or row.refused:
            raise RuntimeError(f"{row}: an honest log was not followed")
        behind = row.checked < row.size
    seconds, cpu = time.perf_counter() - begun, _cpu() - used
    node.close()
    print(json.dumps({"seconds": seconds, "cpu": cpu, "peak": peak_of(os.getpid()), "app": app.__name__}))


def _cpu() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _now() -> int:
    return int(time.time())


def main() -> None:
    """Measure and print, or be what is measured."""
    options = argparse.ArgumentParser()
    options.add_argument("--entries", type=int, default=ENTRIES)
    options.add_argument("--port", type=int, default=PORT)
    options.add_argument("--child", type=Path)
    chosen = options.parse_args()
    if chosen.child is not None:
        _be_the_child(chosen.child, chosen.port)
        return
    for name, value in measure(chosen.entries, chosen.port).items():
        print(f"{name}: {value}")


if __name__ == "__main__":
    main()
