"""What a department's round costs it when nobody has said anything, with six real others that go on by themselves.

Alone, with what can be counted: `python -m benchmarks.quietround`.
"""

import argparse
import cProfile
import pstats
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from sqlalchemy import event

from ledger.audit import crosscheck
from ledger.audit.crosscheck import Report, run_round
from ledger.node import Node
from tests.attacks.seven import NAMES, Seven, seven
from tests.fakes.executor import AtOnce

PORT = 18_600
ROUND_SECONDS = 10
READY_SECONDS_MAX = 180.0
PROFILED_ROUNDS = 5
QUIET_ROUNDS = 8
QUIET = "a round with nothing new, a peer: CPU without signatures"
# The module that says so, and the word in it: how the profiler names what the library computes.
KINDS = {"ed25519": Ed25519PrivateKey, "mldsa": MLDSA44PrivateKey}
DEEDS = ("verify", "sign")

_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True)
class Cost:
    """What a round costs, a peer."""

    cpu: float  # seconds, signatures included
    signing: float  # of these, what the same signatures cost by themselves
    signed: float  # signatures
    verified: float
    calls: float  # of functions

    def text(self) -> str:
        """As a table cell."""
        bare, whole = (f"{seconds * 1000:.1f} ms" for seconds in (self.cpu - self.signing, self.cpu))
        return f"{bare} ({whole} with {self.verified:.0f} signatures verified, {self.signed:.0f} made)"


def measure_in(county: Seven) -> str:
    """The figure, in a county that runs."""
    return _cost(_alone(county), len(county.nodes) - 1).text()


def _alone(county: Seven) -> Node:
    """The first department, whose own scheduler rests, once it has nothing to learn any more."""
    node = county.nodes[NAMES[0]]
    county.processes.stop(county.scheduler(NAMES[0]))
    end, quiet = time.perf_counter() + READY_SECONDS_MAX, 0
    while quiet < 2:
        quiet = quiet + 1 if _is_quiet(run_round(node, wait_seconds=READY_SECONDS_MAX)) else 0
        if time.perf_counter() > end:
            raise RuntimeError("the departments do not come to rest")
    return node


def _is_quiet(report: Report) -> bool:
    return not any(row.error or row.new or row.checked < row.size for row in report.rows)


def _cost(node: Node, peers: int) -> Cost:
    cpu = sum(_later(node, _cpu_of_round) for _ in range(QUIET_ROUNDS)) / QUIET_ROUNDS / peers
    profile = cProfile.Profile()
    with _in_one_thread():
        _later(node, partial(_profiled, profile))
    stats: Any = pstats.Stats(profile)  # its numbers are an attribute that the types leave out
    made, signing, calls = Counter[str](), 0.0, 0
    raw = {(kind, deed): cost for kind in KINDS for deed, cost in zip(DEEDS, _raw_costs(KINDS[kind]), strict=True)}
    for (_file, _line, name), (count, *_rest) in stats.stats.items():
        calls += count
        for (kind, deed), cost in raw.items():
            if f"'{deed}' of 'cryptography" in name and f".{kind}." in name:
                made[deed] += count
                signing += count * cost / peers
    return Cost(cpu, signing, made["sign"] / peers, made["verify"] / peers, calls / peers)


@contextmanager
def _in_one_thread() -> Iterator[None]:
    with patch.object(crosscheck, "ThreadPoolExecutor", AtOnce):
        yield


def _later(node: Node, deed: Callable[[Node], _Found]) -> _Found:
    """Do it when the others have had a round of theirs: what they say is new each time, and connections have ended."""
    time.sleep(node.round_seconds)
    return deed(node)


def _cpu_of_round(node: Node) -> float:
    used = time.process_time()
    _round(node)
    return time.process_time() - used


def _profiled(profile: cProfile.Profile, node: Node) -> None:
    profile.runcall(_round, node)


def _round(node: Node) -> None:
    report = run_round(node)
    if not _is_quiet(report):
        raise RuntimeError(f"a round that should be quiet: {report}")


def _raw_costs(kind: Any) -> tuple[float, float]:
    """CPU seconds of one verification and of one signature by this kind of key."""
    key, message, count = kind.generate(), bytes(200), 500
    public, signature = key.public_key(), key.sign(message)
    return _each(lambda: public.verify(signature, message), count), _each(lambda: key.sign(message), count)


def _each(deed: Callable[[], object], count: int) -> float:
    begun = time.process_time()
    for _ in range(count):
        deed()
    return (time.process_time() - begun) / count


def _counted(node: Node) -> Counter[str]:
    """What one round asks of the others and of its own database."""
    counted: Counter[str] = Counter()

    def listen(connection: Any, _entry: object) -> None:
        connection.set_trace_callback(lambda statement: counted.update([statement.split(" ", 1)[0]]))

    event.listen(node.engine, "connect", listen)
    node.engine.dispose()
    with patch.object(node.client, "ask", _counting(counted, node.client.ask)):
        _round(node)
    event.remove(node.engine, "connect", listen)
    node.engine.dispose()
    return counted


def _counting(counted: Counter[str], ask: Callable[..., Any]) -> Callable[..., Any]:
    def counting(*args: Any, **kwargs: Any) -> Any:
        counted["questions"] += 1
        return ask(*args, **kwargs)

    return counting


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser()
    options.add_argument("--port", type=int, default=PORT)
    options.add_argument("--profile", type=Path, help="write a profile of some rounds there")
    chosen = options.parse_args()
    with (
        tempfile.TemporaryDirectory(dir=".") as folder,
        seven(Path(folder).resolve(), chosen.port, ROUND_SECONDS) as county,
    ):
        node, peers = _alone(county), len(county.nodes) - 1
        cost, counted = _cost(node, peers), _counted(node)
        print(f"{QUIET}: {cost.text()}")
        writers = counted.pop("COMMIT", 0)
        statements = sum(counted[word] for word in ("SELECT", "INSERT", "UPDATE", "DELETE"))
        print(
            f"a peer: {counted['questions'] / peers:.1f} questions, {statements / peers:.1f} statements, "
            f"{counted['BEGIN'] / peers:.1f} transactions, {writers / peers:.1f} of them written, "
            f"{cost.calls:.0f} calls of functions"
        )
        if chosen.profile is not None:
            profile = cProfile.Profile(time.process_time)
            with _in_one_thread():
                for _ in range(PROFILED_ROUNDS):
                    _later(node, partial(_profiled, profile))
            profile.dump_stats(chosen.profile)


if __name__ == "__main__":
    main()
