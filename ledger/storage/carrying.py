"""Carries what many transactions wrote from SQLite's log of changes into the database file, beside whoever writes.

By itself SQLite does so at the end of the commit that made the log too long, and whoever commits waits for the disk.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress

from sqlalchemy import Connection, Engine

from ledger.errors import Busy
from ledger.storage.engine import unavailable_as_busy
from ledger.storage.prepared import run_raw

TRANSACTIONS_MAX = 8  # then whoever writes waits until all is carried over, and the log of changes begins anew


@contextmanager
def carrying(engine: Engine) -> Iterator[Callable[[], None]]:
    """Call what is yielded after each transaction that is not `durable` by itself.

    At the end nothing is left for the next writer to carry over. A reader that looks at an older moment, or a disk that
    has no room, leaves it for later.
    """
    if engine.dialect.name != "sqlite":
        yield lambda: None
        return
    under_way: Future[None] | None = None
    written = 0
    with ThreadPoolExecutor(1) as thread, unavailable_as_busy(), engine.connect() as connection:
        # A connection of its own: that of whoever writes knows what was written last.

        def carry() -> None:
            nonlocal under_way, written
            written += 1
            if under_way is None or under_way.done():
                under_way = thread.submit(_carry, connection)
            if written == TRANSACTIONS_MAX:
                thread.submit(_carry, connection).result()
                written = 0

        try:
            yield carry
        finally:
            thread.submit(_carry, connection).result()


def _carry(connection: Connection) -> None:
    with suppress(Busy), unavailable_as_busy():
        run_raw(connection, "PRAGMA wal_checkpoint(PASSIVE)").fetchone()
