"""Measures the figures, prints the table, and writes it into `docs/performance.md`: `make bench`."""

import json
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import catchup, log, rules, sevennodes, submit, tiles, verify, webhook

PORT = 18_400
DESCRIPTION = Path("instance/demo/demo.json")
PAGE = Path("docs/performance.md")
BEGIN, END = "<!-- table -->", "<!-- /table -->"
REACH = {
    "进度 ÷ bare echo, requests/s": "≥ 0.5 (want 0.8)",
    "the same, all from one sender": "",
    "p99 at half of its maximum": "< 100 ms",
    "ready after `make demo`, once installed": "< 60 s",
    "desk.submit ÷ raw commit + signature": "≥ 0.25 (want 0.5)",
    log.BATCHES: "≥ 0.5 (want 0.7)",
    log.SHARED: "≥ 3",
    log.COMMITS: "≥ 1.5 (want 4)",
    log.ROOM: "≤ 1.3",
    log.LENGTH: "≤ 1.1",
    "verify: tiles, roots, signatures ÷ raw Ed25519": "≥ 0.7 (want 0.9)",
    "verify with schema, apply and facts ÷ raw Ed25519": "≥ 0.5 (want 0.8)",
    "its peak memory, all processes": "< 300 MB",
    "inclusion proof at 1,000,000 ÷ at 10,000": "≤ 2, < 1 ms of CPU",
    "consistency proof at 1,000,000 ÷ at 10,000": "≤ 2, < 1 ms of CPU",
    "full tile over HTTP ÷ 8 KiB constant": "≥ 0.8",
    catchup.RATE: "≥ 0.5",
    catchup.MEMORY: "< 300 MB",
    rules.COST: "≤ 1.2",
    sevennodes.LAG: "< 2 rounds",
    sevennodes.QUIET: "< 5 ms",
}


@contextmanager
def demo() -> Iterator[tuple[float, dict[str, Any]]]:
    """The demo network, and how many seconds it took to be ready."""
    begun = time.perf_counter()
    child = subprocess.Popen(
        [sys.executable, "app.py", "demo"], env={**os.environ, "PORT": str(PORT)}, stdout=subprocess.DEVNULL
    )
    try:
        # The one from before is removed first: what appears then is this one's.
        while not (DESCRIPTION.exists() and str(PORT) in DESCRIPTION.read_text("utf-8")):
            if child.poll() is not None:
                raise RuntimeError("the demo ended by itself")
            time.sleep(0.1)
        yield time.perf_counter() - begun, json.loads(DESCRIPTION.read_text("utf-8"))
    finally:
        child.send_signal(signal.SIGINT)
        child.wait()


def machine() -> str:
    """What it was measured on."""
    info = Path("/proc/cpuinfo")
    names = [line.partition(":")[2].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
    cpu = names[0] if names else platform.processor()
    return (
        f"{cpu}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    )


def table(figures: dict[str, str]) -> str:
    """The figures as Markdown."""
    rows = [f"| {name} | {REACH[name]} | {found} |" for name, found in figures.items()]
    measured = f"{datetime.now(UTC):%Y-%m-%d}, {machine()}"
    return "\n".join(["| what | reach | measured |", "|---|---|---|", *rows, "", f"Measured {measured}."])


def main() -> None:
    """Measure, print and write."""
    figures = submit.measure() | log.measure() | verify.measure()
    figures |= tiles.measure_proofs() | tiles.measure_tile(PORT + 60)
    figures |= catchup.measure() | rules.measure() | sevennodes.measure()
    with demo() as (seconds, description):
        figures["ready after `make demo`, once installed"] = f"{seconds:.0f} s"
        figures |= webhook.measure(description, PORT + 50)
    told = table({name: figures[name] for name in REACH})
    print(told)
    page = PAGE.read_text("utf-8")
    before, _, rest = page.partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n\n{told}\n\n{END}{rest.partition(END)[2]}", "utf-8")


if __name__ == "__main__":
    main()
