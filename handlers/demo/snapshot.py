"""Keeps all departments as they are at one moment, and puts them back: databases, and the marks beside the keys.

One moment for all of them: a department put back to before what another has seen of it would seem to have two
histories. So nobody may write while they are copied, and nobody may work while they are put back.
"""

import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import make_url

from handlers.demo.sites import Site
from ledger.keys import HighWater

LOCK_SECONDS = 10.0  # a department writes for milliseconds


@dataclass(frozen=True, slots=True)
class Kept:
    """One department's copy, and where it belongs."""

    database: Path
    mark: Path
    kept_database: Path
    kept_mark: Path


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All departments at one moment."""

    folder: Path
    kept: Sequence[Kept]

    @classmethod
    def take(cls, sites: Sequence[Site], folder: Path) -> "Snapshot":
        """Copy them while they go on working: whoever writes waits for it. Raises sqlite3.Error or OSError."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        snapshot = cls(folder, [_place(site, folder) for site in sites])
        with ExitStack() as held:
            for one in snapshot.kept:
                held.enter_context(_writers_waiting(one.database))
            for one in snapshot.kept:
                # A mark may lag behind its database, as after a crash, and is not ahead of one that nobody writes.
                shutil.copyfile(one.mark, one.kept_mark)
                _copy(one.database, one.kept_database)
        return snapshot

    def put_back(self) -> None:
        """Put all of them back; their schedulers must not run meanwhile. Raises sqlite3.Error, OSError."""
        for one in self.kept:
            _free_leases(one.kept_database)
            _copy(one.kept_database, one.database)
            aside = one.mark.with_name(f"{one.mark.name}.new")
            shutil.copyfile(one.kept_mark, aside)
            aside.replace(one.mark)

    def forget(self) -> None:
        """It is of no use any more."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _place(site: Site, folder: Path) -> Kept:
    database = make_url(site.settings.database_url).database
    assert database is not None  # the demo's databases are files
    prefix = site.department.prefix
    mark = HighWater.beside(site.settings.key_file).path
    return Kept(Path(database), mark, folder / f"{prefix}.db", folder / f"{prefix}.high-water")


@contextmanager
def _writers_waiting(database: Path) -> Iterator[None]:
    with closing(sqlite3.connect(database, timeout=LOCK_SECONDS, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            connection.execute("ROLLBACK")


def _free_leases(database: Path) -> None:
    """Whoever held one at that moment is not there any more, and nobody need wait for them."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("DELETE FROM leases")


def _copy(source: Path, target: Path) -> None:
    """By SQLite's own backup: the target changes in one transaction, also under processes that have it open."""
    with (
        closing(sqlite3.connect(source, timeout=LOCK_SECONDS)) as reader,
        closing(sqlite3.connect(target, timeout=LOCK_SECONDS)) as writer,
    ):
        reader.backup(writer)
