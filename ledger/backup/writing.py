"""Backs a running node up: one moment of its database, sealed, and the citizens' keys in a file beside it.

The file of keys takes the place of the one before. Whoever has been erased since stands in no such file any more, and
so older backups cannot be opened for them either.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import pyrage
from sqlalchemy import Connection, Engine, MetaData, create_engine, text
from sqlalchemy.exc import DBAPIError

from ledger.backup.sealing import private_folder, seal_file
from ledger.backup.tables import Part, copy_rows, ledger_parts, wrapped_keys
from ledger.errors import Busy, Misconfigured
from ledger.files import replace_file
from ledger.progress import Progress, silent
from ledger.records import base64url
from ledger.storage import cursors, entries, heads
from ledger.storage.engine import reading, transaction
from ledger.storage.upgrade import current_revision

FORMAT = 1
KEYS_NAME = "citizen-keys.age"
BACKED_UP = "backed-up"  # a cursor: when, by our clock


@dataclass(frozen=True, slots=True)
class About:
    """What a backup says of itself."""

    format: int
    revision: str  # of the tables
    origin: str
    made_at: int
    size: int  # entries of our own log
    signed: int  # size of its newest head


def back_up(
    engine: Engine,
    origin: str,
    file: Path,
    passphrase: str,
    *,
    more: Sequence[Part],
    now: int,
    progress: Progress = silent,
) -> About:
    """Write FILE, and the citizens' keys beside it. Both are whole or as they were.

    Raises Misconfigured, or Busy, also where a disk has no room.
    """
    keys_file = file.parent / KEYS_NAME
    check_ours(keys_file, origin, passphrase)
    parts = [*ledger_parts(), *more]
    with _unwritten_as_busy(file), private_folder(file.parent) as folder:
        plain = folder / "backup.db"
        with reading(engine) as source, _unwritten_as_busy(file):
            about, keys = _copy(source, origin, plain, parts, now, progress)
        # The keys first: a backup that names citizens whose keys are nowhere could not be opened for them.
        _seal_keys(keys_file, origin, keys, passphrase)
        seal_file(plain, file, passphrase)
    with transaction(engine) as connection:
        cursors.keep(connection, {BACKED_UP: now})
    return about


@contextmanager
def _unwritten_as_busy(file: Path) -> Iterator[None]:
    """Say that the file is not written, and why: it is not the node's own database that has no room."""
    try:
        yield
    except (DBAPIError, OSError, pyrage.EncryptError) as error:
        why = error.orig if isinstance(error, DBAPIError) else error
        raise Busy(f"{file} is not written ({why}); beside it must be room for the database twice") from error


def _copy(
    source: Connection, origin: str, plain: Path, parts: Sequence[Part], now: int, progress: Progress
) -> tuple[About, dict[str, bytes]]:
    target = create_engine(f"sqlite:///{plain}")
    try:
        with target.begin() as connection:
            about = _about(source, origin, now)
            for metadata in _all_metadata(parts):
                metadata.create_all(connection)
            connection.exec_driver_sql("CREATE TABLE about (said TEXT NOT NULL)")
            connection.execute(text("INSERT INTO about VALUES (:said)"), {"said": json.dumps(asdict(about))})
            copy_rows(source, connection, parts, progress)
            return about, wrapped_keys(source)
    finally:
        target.dispose()


def _all_metadata(parts: Sequence[Part]) -> list[MetaData]:
    return list(dict.fromkeys(part.table.metadata for part in parts))


def _about(source: Connection, origin: str, now: int) -> About:
    log_id = entries.find_log(source, origin)
    if log_id is None:
        raise Misconfigured(f"ONETRIP_DATABASE_URL: this database holds no log {origin}")
    newest = heads.newest_head(source, log_id)
    size, signed = entries.read_edge(source, log_id).size, 0 if newest is None else newest.size
    return About(FORMAT, current_revision(source), origin, now, size, signed)


# --- the citizens' keys ---


def _seal_keys(path: Path, origin: str, keys: dict[str, bytes], passphrase: str) -> None:
    said = {"format": FORMAT, "origin": origin, "keys": {name: base64url.encode(key) for name, key in keys.items()}}
    replace_file(path, pyrage.passphrase.encrypt(json.dumps(said).encode(), passphrase))


def read_keys(path: Path, passphrase: str) -> tuple[str, dict[str, bytes]]:
    """Whose keys lie in a file, and the wrapped keys by citizen; raises Misconfigured."""
    try:
        said = json.loads(pyrage.passphrase.decrypt(path.read_bytes(), passphrase))
        return said["origin"], {name: base64url.decode(key) for name, key in said["keys"].items()}
    except FileNotFoundError as error:
        raise Misconfigured(f"there is no {path}: it holds the citizens' keys, and lies beside the backup") from error
    except (OSError, pyrage.DecryptError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Misconfigured(f"{path} holds no citizens' keys, or another passphrase seals them") from error


def check_ours(path: Path, origin: str, passphrase: str) -> None:
    """Check that a file of keys, if there is one, is our own, before another takes its place; raises Misconfigured."""
    if path.exists() and read_keys(path, passphrase)[0] != origin:
        raise Misconfigured(f"{path} is another department's: back each up into a folder of its own")


# --- when ---


def last_backup(connection: Connection) -> int | None:
    """When the node was backed up last; None when it never was."""
    return cursors.read(connection, BACKED_UP)
