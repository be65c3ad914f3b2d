"""Real processes that are killed (SIGKILL) at a chosen line of ours, so that a seed says where, on any machine.

A deed runs once to count its lines, and then again and again, each time with its death at another of them. Forked from
a server that has everything imported, a process costs milliseconds.
"""

import json
import multiprocessing
import os
import random
import signal
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

LEDGER = f"{Path(__file__).resolve().parents[2] / 'ledger'}{os.sep}"
DEATH = -signal.SIGKILL
SECONDS_MAX = 120

Deed = Callable[[dict[str, Any]], None]

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["tests.crash.deeds"])


@cache
def is_ours(file: str) -> bool:
    """Whether a file that is run is one of `ledger`; the server of processes may know it by a path of its own."""
    return os.path.realpath(file).startswith(LEDGER)


def live(deed: Deed, told: dict[str, Any], die_at: int | None, lines: Path) -> None:
    """What the process does: the deed, counting lines of `ledger`, and dying at one of them."""
    seen = 0

    def each_line(_frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal seen
        if event == "line":
            seen += 1
            if seen == die_at:
                os.kill(os.getpid(), signal.SIGKILL)
        return each_line

    def each_call(frame: FrameType, _event: str, _argument: Any) -> Any:
        return each_line if is_ours(frame.f_code.co_filename) else None

    sys.settrace(each_call)
    deed(told)
    sys.settrace(None)
    lines.write_text(json.dumps(seen))


def run(deed: Deed, told: dict[str, Any], die_at: int | None, lines: Path) -> int:
    """Run it in a process of its own; returns how that ended."""
    process = _processes.Process(target=live, args=(deed, told, die_at, lines))
    process.start()
    process.join(SECONDS_MAX)
    assert process.exitcode is not None, "it hangs"
    return process.exitcode


def lines_of(deed: Deed, told: dict[str, Any], lines: Path) -> int:
    """How many lines the deed takes when it is let live."""
    assert run(deed, told, None, lines) == 0
    return int(json.loads(lines.read_text()))


def moments(count: int, among: int, seed: int) -> Iterator[int]:
    """So many lines to die at, spread over all of them: one in each of `count` equal parts."""
    chance = random.Random(os.environ.get("ONETRIP_SEED", str(seed)))
    for part in range(count):
        yield 1 + part * among // count + chance.randrange(max(1, among // count))
