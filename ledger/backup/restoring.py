"""Puts a backup into an empty database, beside a mark that is ahead of it or waits: so nothing is signed too early.

All of it is one transaction. Whoever dies in the middle finds the database as empty as before, and begins again.
"""

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, create_engine, inspect

from ledger.backup.sealing import open_file, private_folder
from ledger.backup.tables import Part, copy_rows, count_on, ledger_parts, only_of
from ledger.backup.writing import BACKED_UP, FORMAT, KEYS_NAME, About, read_keys
from ledger.errors import Misconfigured
from ledger.guarded import guard
from ledger.peers.exchange import RESTORED
from ledger.progress import Progress, silent
from ledger.storage import cursors
from ledger.storage.engine import open_engine, prepare_directory, reading, transaction
from ledger.storage.upgrade import migrate_on, newest_revision


@dataclass(frozen=True, slots=True)
class Target:
    """Where a backup comes back to."""

    database_url: str  # of an empty database
    key_file: Path
    origin: str  # of the node's log


def restore(
    target: Target,
    file: Path,
    passphrase: str,
    *,
    more: Sequence[Part],
    now: int,
    alone: bool = False,
    progress: Progress = silent,
) -> About:
    """Fill an empty database from a backup; raises Misconfigured with nothing overwritten, or Busy."""
    prepare_directory(target.database_url)
    engine = open_engine(target.database_url)
    try:
        check_empty(engine)
        keys_of, keys = read_keys(file.parent / KEYS_NAME, passphrase)
        with private_folder(target.key_file.parent) as folder:
            plain = folder / "backup.db"
            open_file(file, plain, passphrase)
            about = read_about(plain, file)
            _check_fit(about, target.origin, keys_of)
            # First the guard: whatever starts from here on signs nothing before it knows that it may.
            guard(target.key_file, alone=alone)
            _fill(engine, plain, [*map(only_of(keys), ledger_parts()), *map(_as_kept, more)], about, now, progress)
    finally:
        engine.dispose()
    return about


def check_empty(engine: Engine) -> None:
    """Check that nobody's database is overwritten; raises Misconfigured."""
    with reading(engine) as connection:
        if inspect(connection).get_table_names():
            raise Misconfigured("ONETRIP_DATABASE_URL: this database holds tables already, and is never overwritten")


def read_about(plain: Path, file: Path) -> About:
    """What an opened backup says of itself; raises Misconfigured."""
    try:
        with closing(sqlite3.connect(f"file:{plain}?mode=ro", uri=True)) as connection:
            [(said,)] = connection.execute("SELECT said FROM about").fetchall()
        return About(**json.loads(said))
    except (sqlite3.Error, ValueError, TypeError) as error:
        raise Misconfigured(f"{file} is no backup of this program") from error


def _check_fit(about: About, origin: str, keys_of: str) -> None:
    if {about.origin, keys_of} != {origin}:
        raise Misconfigured(f"ONETRIP_ORIGIN: this is a backup of {about.origin}, with the keys of {keys_of}")
    if about.format != FORMAT or about.revision != newest_revision():
        raise Misconfigured(
            f"this backup was made by another version (tables {about.revision}): restore it with that version of the"
            " program, then update and run: python app.py migrate"
        )


def _as_kept(part: Part) -> Part:
    return Part(part.table)  # what is left out of it was left out when it was written


def _fill(engine: Engine, plain: Path, parts: Sequence[Part], about: About, now: int, progress: Progress) -> None:
    source = create_engine(f"sqlite:///{plain}")
    try:
        with transaction(engine) as connection, source.connect() as read:
            migrate_on(connection)
            copy_rows(read, connection, parts, progress)
            count_on(connection, [part.table for part in parts])
            cursors.keep(connection, {BACKED_UP: about.made_at, RESTORED: now})
    finally:
        source.dispose()
