"""Seven real nodes that follow each other over HTTP, and each write a record a second.

How long until all others hold a record, have checked it and have signed that they did. Then nothing is written any
more: what a round costs that finds nothing new.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Engine, select

from benchmarks import quietround
from ledger.node import Node
from ledger.storage import schema
from ledger.storage.engine import open_engine, reading
from ledger.storage.network import mirror_name
from tests.attacks.seven import NAMES, Seven, seven

PORT = 18_500
ROUND_SECONDS = 10
WRITING_SECONDS = 60
SETTLING_ROUNDS = 3
LOOK_SECONDS = 0.2
READY_SECONDS_MAX = 180.0
LAG = "7 nodes, a record a second each: lag of full cross-verification, p99"
QUIET = quietround.QUIET


@dataclass(slots=True)
class Written:
    """A record, and who has vouched for it since, by when."""

    node: int
    index: int
    at: float
    vouched: dict[int, float] = field(default_factory=dict)


def measure_lag(county: Seven, seconds: int, round_seconds: int) -> tuple[str, dict[str, float]]:
    """The figure, and how many cores each kind of process used meanwhile."""
    engines = [open_engine(node.settings.database_url) for node in county.nodes.values()]
    own = {node.origin: at for at, node in enumerate(county.nodes.values())}
    written: list[Written] = []
    _settle(county, engines, own)
    used, begun = _cpu_by_kind(county), time.perf_counter()
    for second in range(seconds):
        for at, name in enumerate(county.nodes):
            _until(county, engines, own, written, begun + second + at / len(county.nodes))
            written.append(Written(at, county.write(name).index, time.perf_counter()))
    took = time.perf_counter() - begun
    cores = {kind: (now - used[kind]) / took for kind, now in _cpu_by_kind(county).items()}
    end = time.perf_counter() + 10 * round_seconds
    while any(len(one.vouched) < len(NAMES) - 1 for one in written) and time.perf_counter() < end:
        _until(county, engines, own, written, time.perf_counter() + LOOK_SECONDS)
    lags = sorted(max(one.vouched.values()) - one.at for one in written if len(one.vouched) == len(NAMES) - 1)
    lost = len(written) - len(lags)
    p99 = lags[min(len(lags) - 1, int(0.99 * len(lags)))] if lags else float("inf")
    median = statistics.median(lags) if lags else float("inf")
    told = f"{p99 / round_seconds:.2f} rounds of {round_seconds} s (median {median / round_seconds:.2f})"
    return told + (f", {lost} of {len(written)} never" if lost else ""), cores


def _settle(county: Seven, engines: Sequence[Engine], own: dict[str, int]) -> None:
    """Wait until everybody has vouched for what everybody began with."""
    begun = [Written(at, _shown(node) - 1, 0.0) for at, node in enumerate(county.nodes.values())]
    end = time.perf_counter() + READY_SECONDS_MAX
    while any(len(one.vouched) < len(NAMES) - 1 for one in begun):
        if time.perf_counter() > end:
            raise RuntimeError("the departments do not vouch for each other")
        _until(county, engines, own, begun, time.perf_counter() + LOOK_SECONDS)


def _until(
    county: Seven, engines: Sequence[Engine], own: dict[str, int], written: Sequence[Written], moment: float
) -> None:
    """Look who has vouched for what, until this moment."""
    mirrors = [mirror_name(node.origin) for node in county.nodes.values()]
    while True:
        for by, engine in enumerate(engines):
            sizes = _vouched(engine, mirrors[by], own)
            now = time.perf_counter()
            for one in written:
                if one.node != by and by not in one.vouched and sizes.get(one.node, 0) > one.index:
                    one.vouched[by] = now
        left = moment - time.perf_counter()
        if left <= 0:
            return
        time.sleep(min(left, LOOK_SECONDS))


def _shown(node: Node) -> int:
    head = node.log.published_head()
    assert head is not None  # who is ready has published one
    return head.size


def _vouched(engine: Engine, mirror: str, own: dict[str, int]) -> dict[int, int]:
    """By department, up to which size of its log this mirror says that all is stored and checked."""
    said, logs = schema.cosignatures.c, schema.logs.c
    query = select(logs.origin, said.size).join(schema.logs, logs.id == said.log_id).where(said.name == mirror)
    sizes: dict[int, int] = {}
    with reading(engine) as conn:
        for origin, size in conn.execute(query):
            sizes[own[origin]] = max(size, sizes.get(own[origin], 0))
    return sizes


def _cpu_by_kind(county: Seven) -> dict[str, float]:
    """CPU seconds so far of all web processes, all schedulers, and this program."""
    used = {"web": 0.0, "schedulers": 0.0, "the writer": time.process_time()}
    for name, pid in county.processes.pids.items():
        used["schedulers" if name.endswith("scheduler") else "web"] += _cpu_of_tree(pid)
    return used


def _cpu_of_tree(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        below = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except FileNotFoundError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") + sum(_cpu_of_tree(int(one)) for one in below)


def measure(port: int = PORT, seconds: int = WRITING_SECONDS, round_seconds: int = ROUND_SECONDS) -> dict[str, str]:
    """The figures as table cells."""
    with tempfile.TemporaryDirectory(dir=".") as folder, seven(Path(folder).resolve(), port, round_seconds) as county:
        lag, cores = measure_lag(county, seconds, round_seconds)
        quiet = quietround.measure_in(county)
    busy = ", ".join(f"{kind} {used:.2f}" for kind, used in cores.items())
    return {LAG: f"{lag}; cores used: {busy}", QUIET: quiet}


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser()
    options.add_argument("--port", type=int, default=PORT)
    options.add_argument("--seconds", type=int, default=WRITING_SECONDS)
    options.add_argument("--round", type=int, default=ROUND_SECONDS)
    chosen = options.parse_args()
    for name, value in measure(chosen.port, chosen.seconds, chosen.round).items():
        print(f"{name}: {value}")


if __name__ == "__main__":
    main()
