"""`verify` of a long log on all cores, against raw Ed25519 verifications on all cores; and the memory that it takes.

`python -m benchmarks.verify --entries 1000000` takes so many; the default is quick. Everything is measured in one run:
raw, with signatures alone, with facts, raw again.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.longlog import make_long_log, settings_in

ENTRIES = 100_000
RAW_SECONDS = 4.0
MESSAGE_BYTES = 600
SAMPLE_SECONDS = 0.1
CORES = os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class Run:
    """One verification."""

    rate: float  # entries a second
    cpu_us: float  # of all processes together, an entry
    peak_mb: float  # the largest memory of each process, added up


def raw_rate(_number: int = 0) -> float:
    """Ed25519 verifications a second of one process."""
    key, message = Ed25519PrivateKey.generate(), bytes(MESSAGE_BYTES)
    public, signature = key.public_key(), key.sign(message)
    count, begun = 0, time.perf_counter()
    while (seconds := time.perf_counter() - begun) < RAW_SECONDS:
        for _ in range(100):
            public.verify(signature, message)
        count += 100
    return count / seconds


def raw_cpu_us() -> float:
    """What one verification takes of a processor, whoever else uses it."""
    key, message, count = Ed25519PrivateKey.generate(), bytes(MESSAGE_BYTES), 10_000
    public, signature = key.public_key(), key.sign(message)
    begun = time.process_time()
    for _ in range(count):
        public.verify(signature, message)
    return (time.process_time() - begun) / count * 1e6


def raw_on_all_cores() -> float:
    """The same of all cores at once."""
    with ProcessPoolExecutor(CORES, mp_context=get_context("spawn")) as pool:
        list(pool.map(abs, range(CORES)))  # started
        return sum(pool.map(raw_rate, range(CORES)))


def verify_once(folder: Path, *, facts: bool) -> Run:
    """One verification in a process of its own, as `python app.py verify` does it."""
    command = [sys.executable, "-m", "benchmarks.verify", "--child", str(folder), *(["--facts"] if facts else [])]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        peak = sum(peaks_while(child).values())
        assert child.stdout is not None
        told = json.loads(child.stdout.read())
    if not told["ok"]:
        raise RuntimeError(f"{told['found']} faults in a log that has none")
    return Run(told["size"] / told["seconds"], told["cpu"] / told["size"] * 1e6, peak)


def peaks_while(child: subprocess.Popen[bytes]) -> dict[int, float]:
    """The largest memory of a process and of each of its children until it has ended, in MB."""
    peaks: dict[int, float] = {}
    while child.poll() is None:
        for pid in (child.pid, *_children(child.pid)):
            # What was said last: before it is a program of its own a new process shows the memory of its parent.
            peaks[pid] = peak_of(pid) or peaks.get(pid, 0.0)
        time.sleep(SAMPLE_SECONDS)
    return peaks


def _children(pid: int) -> list[int]:
    found = []
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):  # of each of its threads
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            found += [int(each) for each in listed.read_text().split()]
    return found


def peak_of(pid: int) -> float:
    """The largest memory that a process has had, in MB."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except FileNotFoundError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)


def _be_the_child(folder: Path, *, facts: bool) -> None:
    import app  # noqa: PLC0415  the command has all of it in its memory, too
    from ledger.audit.verify import Way, verify_database  # noqa: PLC0415
    from ledger.storage.engine import open_engine  # noqa: PLC0415

    engine = open_engine(settings_in(folder).database_url)
    begun = time.perf_counter()
    report = verify_database(engine, way=Way(CORES, facts=facts))
    seconds = time.perf_counter() - begun
    times = os.times()
    cpu = times.user + times.system + times.children_user + times.children_system
    told = {"size": report.size, "ok": report.ok, "found": report.found, "seconds": seconds, "cpu": cpu}
    print(json.dumps(told | {"app": app.__name__}))


def measure(entries: int = ENTRIES) -> dict[str, str]:
    """The figures as table cells."""
    with tempfile.TemporaryDirectory(dir=".") as folder:
        made = make_long_log(Path(folder), entries)
        before = raw_on_all_cores()
        light = verify_once(Path(folder), facts=False)
        between = raw_on_all_cores()
        full = verify_once(Path(folder), facts=True)
        after = raw_on_all_cores()
    of = f"of {made.size:,} entries"
    return {
        "verify: tiles, roots, signatures ÷ raw Ed25519": (
            f"{light.rate / ((before + between) / 2):.2f} ({light.rate:.0f}/s {of}, {light.cpu_us:.0f} µs of CPU each)"
        ),
        "verify with schema, apply and facts ÷ raw Ed25519": (
            f"{full.rate / ((between + after) / 2):.2f} ({full.rate:.0f}/s {of}, {full.cpu_us:.0f} µs of CPU each)"
        ),
        "its peak memory, all processes": f"{full.peak_mb:.0f} MB ({CORES} workers)",
    }


def main() -> None:
    """Measure and print, or be what is measured."""
    options = argparse.ArgumentParser()
    options.add_argument("--entries", type=int, default=ENTRIES)
    options.add_argument("--child", type=Path)
    options.add_argument("--facts", action="store_true")
    chosen = options.parse_args()
    if chosen.child is not None:
        _be_the_child(chosen.child, facts=chosen.facts)
        return
    for name, value in measure(chosen.entries).items():
        print(f"{name}: {value}")


if __name__ == "__main__":
    main()
