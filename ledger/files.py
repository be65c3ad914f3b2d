"""Writes small files so that a crash leaves the old one or the new one, and never half of either."""

import os
import secrets
from pathlib import Path

from ledger.errors import Misconfigured


def write_new(path: Path, content: bytes) -> None:
    """Write a file that must not be there yet, all of it or nothing, on the disk when this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = _write_aside(path, content)
    try:
        path.hardlink_to(aside)
    except FileExistsError as error:
        raise Misconfigured(f"{path} is there already, and is never overwritten") from error
    finally:
        aside.unlink()
    sync_directory(path.parent)


def replace_file(path: Path, content: bytes) -> None:
    """Put a file in the place of the one that is there, or of none, on the disk when this returns."""
    _write_aside(path, content).replace(path)
    sync_directory(path.parent)


def _write_aside(path: Path, content: bytes) -> Path:
    aside = path.with_name(f"{path.name}.{secrets.token_hex(8)}.new")
    aside.touch(0o600, exist_ok=False)
    try:
        with aside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        aside.unlink()  # on a full disk each try, every few seconds, would leave one more
        raise
    return aside


def sync_directory(path: Path) -> None:
    """What was renamed or linked in this directory is on the disk when this returns."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
