"""A disk that fills up under a node, in the ways that a test can have: a small one of its own, or no file may grow."""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from handlers.demo.processes import app_command
from tests.attacks.live_node import ROOT, LiveNode

SMALL_BYTES = 32 * 1024 * 1024
PIECE = bytes(64 * 1024)
LIMIT_BYTES = 24 * 1024  # to which a file may grow; the log of a node that has just started is shorter


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A file system in memory at this folder; skips, and says so, where that is not allowed."""
    folder.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SMALL_BYTES},mode=0700", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("NOT TRIED: a disk of its own needs root and mount(2); the same with RLIMIT_FSIZE is tried")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@contextmanager
def no_free_block(node: LiveNode, but_bytes: int = 0) -> Iterator[None]:
    """Something else has taken all that was free of the node's disk, or all but so much."""
    ballast = node.folder / "ballast"
    fill(ballast, but_bytes)
    try:
        yield
    finally:
        ballast.unlink()


def fill(ballast: Path, but_bytes: int = 0) -> None:
    """Take all that is free on the disk of this file, or all but so much."""
    with ballast.open("wb", buffering=0) as file:
        with suppress(OSError):
            while True:
                file.write(PIECE)
        file.truncate(file.tell() - but_bytes)


@contextmanager
def no_growing_file(node: LiveNode) -> Iterator[None]:
    """No process of the node may write beyond the beginning of any file."""
    pids = [*node.processes.pids.values(), *node.workers()]
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    for pid in pids:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (LIMIT_BYTES, before[1]))
    try:
        yield
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


def command_of_small_files(node: LiveNode, file_bytes: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command of the node that may write no file longer than this."""
    limit = f"import os, resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, ({file_bytes}, {file_bytes}))"
    limited = [sys.executable, "-c", f"{limit}; os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"]
    command = [*limited, *app_command(node.env_file, *arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
