"""Seals a backup with age (age-encryption.org/v1): a small file under the passphrase, a large one in a stream.

A passphrase is stretched on purpose and seals only what fits into memory. So a large file begins with a key of its own
under the passphrase, and the rest is sealed for that key. Both halves are plain age files: the length of the first, as
four bytes, stands before it.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pyrage

from ledger.errors import Busy, Misconfigured
from ledger.files import sync_directory

_FOLDER = ".onetrip-backup-"
_LENGTH_BYTES = 4
_HEAD_BYTES_MAX = 4096
PRIVATE = 0o600


@contextmanager
def private_folder(beside: Path) -> Iterator[Path]:
    """A folder of our own in that one, for what must not lie open; what a crash left of earlier ones goes as well.

    Raises Busy while another process has one there.
    """
    descriptor = os.open(beside, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Busy(f"{beside}: another backup is being written or read there at this moment") from error
        for left in beside.glob(f"{_FOLDER}*"):
            shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix=_FOLDER, dir=beside) as folder:  # its mode is 0700
            yield Path(folder)
    finally:
        os.close(descriptor)


def seal_file(plain: Path, target: Path, passphrase: str) -> None:
    """Seal a file of any length; the target stands whole, readable by its owner alone, when this returns."""
    identity = pyrage.x25519.Identity.generate()
    head = pyrage.passphrase.encrypt(str(identity).encode(), passphrase)
    aside = target.with_name(f"{target.name}.new")
    aside.unlink(missing_ok=True)
    try:
        with open(aside, "xb", opener=_private) as sealed, plain.open("rb") as source:
            sealed.write(len(head).to_bytes(_LENGTH_BYTES, "big") + head)
            pyrage.encrypt_io(source, sealed, [identity.to_public()])
            sealed.flush()
            os.fsync(sealed.fileno())
        aside.replace(target)
        sync_directory(target.parent)
    finally:
        aside.unlink(missing_ok=True)


def open_file(sealed: Path, target: Path, passphrase: str) -> None:
    """Open what `seal_file` made; raises Misconfigured when it is something else or another passphrase's.

    Raises Busy when there is no room for what is in it.
    """
    try:
        if (needed := sealed.stat().st_size) > (free := shutil.disk_usage(target.parent).free):
            raise Busy(f"{target.parent.parent}: to open {sealed} takes {needed} bytes there, and {free} are free")
        with sealed.open("rb") as source, open(target, "xb", opener=_private) as plain:
            identity = pyrage.x25519.Identity.from_str(
                pyrage.passphrase.decrypt(_read_head(source), passphrase).decode()
            )
            pyrage.decrypt_io(source, plain, [identity])
    except FileNotFoundError as error:
        raise Misconfigured(f"there is no file {sealed}") from error
    except (pyrage.DecryptError, pyrage.IdentityError, UnicodeDecodeError, OSError) as error:
        raise Misconfigured(f"{sealed} is no whole backup, or another passphrase seals it") from error


def _read_head(source: BinaryIO) -> bytes:
    length = int.from_bytes(source.read(_LENGTH_BYTES), "big")
    return source.read(min(length, _HEAD_BYTES_MAX))


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, PRIVATE)
