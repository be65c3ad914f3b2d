"""The log by itself: batches, many who append at once, the room it takes, and what it costs when it is long.

The one log of a million entries is made once in the run, in batches that are measured on the way.
"""

import gc
import hashlib
import itertools
import os
import secrets
import sqlite3
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger import keys
from ledger.errors import Busy
from ledger.keys import HighWater
from ledger.log import OwnLog
from ledger.merkle.hashing import leaf_hash
from ledger.records.statement import Record
from ledger.storage import entries, schema
from ledger.storage.engine import open_engine, transaction

ENTRY_BYTES = 600
BATCH = 256
THREADS = 32
EACH = 25
ROUNDS = 3
SMALL = 10_000
LARGE = int(os.environ.get("BENCH_ENTRIES", "100_000"))
TABLES = ("entries", "tile_hashes", "logs")

BATCHES = "log.append in batches ÷ signature + raw row + SHA-256"
SHARED = "32 single appends at once ÷ the same without group commit"
COMMITS = "the same ÷ raw single commits"
ROOM = f"bytes of the log's tables ÷ of its entries, at {LARGE:,}"
LENGTH = f"append at {LARGE:,} entries ÷ at {SMALL:,}"


class Made:
    """A log in a fresh database, and records to put into it: their signature is made on the way, as it is measured."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "node.db"
        self.engine = open_engine(f"sqlite:///{self.path}")
        self.key = Ed25519PrivateKey.generate()
        made = keys.generate("bench.example/log")
        with transaction(self.engine) as connection:
            schema.metadata.create_all(connection)
            entries.create_log(connection, made.origin, own=True)
        high_water = HighWater(folder / "node.high-water")
        high_water.create()
        self.log = OwnLog(self.engine, made.origin, made.log, high_water, lambda: int(time.time()))

    def prepared(self, count: int) -> list[bytes]:
        """What is signed of so many records; no two are alike."""
        return [secrets.token_bytes(ENTRY_BYTES - 64) for _ in range(count)]

    def record(self, text: bytes) -> Record:
        """The record of a prepared text, signed now."""
        entry = text + self.key.sign(text)
        origin = self.log.origin
        return Record(entry, leaf_hash(entry), "", "", "", origin, "", 0, "", None, {}, ())

    def append_batches(self, texts: Sequence[bytes]) -> None:
        for at in range(0, len(texts), BATCH):
            self.log.add([self.record(text) for text in texts[at : at + BATCH]])


def _seconds(work: Callable[..., object], *given: object) -> float:
    gc.collect()
    begun = time.perf_counter()
    work(*given)
    return time.perf_counter() - begun


def _raw(path: Path) -> sqlite3.Connection:
    base = sqlite3.connect(path, isolation_level=None)
    base.execute("PRAGMA journal_mode = WAL")
    base.execute("PRAGMA synchronous = FULL")
    base.execute("CREATE TABLE IF NOT EXISTS entries (id INTEGER PRIMARY KEY, entry BLOB)")
    return base


def _raw_batches(base: sqlite3.Connection, key: Ed25519PrivateKey, texts: Sequence[bytes]) -> None:
    """A signature, a row and two hashes each: the least that a log of such entries can cost."""
    for at in range(0, len(texts), BATCH):
        base.execute("BEGIN IMMEDIATE")
        signed = [text + key.sign(text) for text in texts[at : at + BATCH]]
        for entry in signed:
            hashlib.sha256(b"\0" + entry).digest()  # its leaf
            hashlib.sha256(entry[:65]).digest()  # and one node, as there are as many of them
        base.executemany("INSERT INTO entries (entry) VALUES (?)", [(entry,) for entry in signed])
        base.execute("COMMIT")


def _batches(folder: Path) -> tuple[float, float]:
    """Our records a second in batches, and their share of the limit."""
    made, base, rates, ratios = Made(folder), _raw(folder / "raw.db"), [], []
    for _ in range(ROUNDS):
        texts = made.prepared(BATCH * 16)
        ours = _seconds(made.append_batches, texts)
        limit = _seconds(_raw_batches, base, made.key, texts)
        rates.append(len(texts) / ours)
        ratios.append(limit / ours)
    base.close()
    made.engine.dispose()
    return statistics.median(rates), statistics.median(ratios)


def _at_once(records: Sequence[Sequence[Record]], append: Callable[[Record], object]) -> float:
    """Appends a second, when each thread appends its records one after another."""
    start = threading.Barrier(len(records) + 1)

    def work(mine: Sequence[Record]) -> None:
        start.wait()
        for record in mine:
            while True:
                try:
                    append(record)
                    break
                except Busy:  # as a person would: again
                    continue

    threads = [threading.Thread(target=work, args=(mine,)) for mine in records]
    for thread in threads:
        thread.start()
    start.wait()
    begun = time.perf_counter()
    for thread in threads:
        thread.join()
    return sum(map(len, records)) / (time.perf_counter() - begun)


def _crowd(folder: Path) -> tuple[float, float, float]:
    """Appends a second of 32 threads; how many times what they are alone, and raw commits."""
    made, base = Made(folder), _raw(folder / "raw.db")

    def alone(record: Record) -> None:
        with transaction(made.engine) as connection:
            made.log.append(connection, [record])

    def raw_commits() -> None:
        for _ in range(THREADS * EACH):
            base.execute("BEGIN IMMEDIATE")
            base.execute("INSERT INTO entries (entry) VALUES (?)", (bytes(ENTRY_BYTES),))
            base.execute("COMMIT")

    def records() -> list[list[Record]]:
        return [[made.record(text) for text in made.prepared(EACH)] for _ in range(THREADS)]

    shared, to_alone, to_raw = [], [], []
    for _ in range(ROUNDS):
        shared.append(_at_once(records(), lambda record: made.log.add([record])))
        to_alone.append(shared[-1] / _at_once(records(), alone))
        to_raw.append(shared[-1] * _seconds(raw_commits) / (THREADS * EACH))
    base.close()
    made.engine.dispose()
    return statistics.median(shared), statistics.median(to_alone), statistics.median(to_raw)


def _single(made: Made, count: int = 200) -> float:
    """Seconds for one durable append."""
    records = [made.record(text) for text in made.prepared(count)]
    return statistics.median(_seconds(made.log.add, [record]) for record in records)


def _grow(made: Made, size: int) -> None:
    """Fill the log up to this size; what is signed once serves many times, as nobody measures it here."""
    filler = secrets.token_bytes(ENTRY_BYTES - 16)
    with transaction(made.engine) as connection:
        at = entries.read_edge(connection, made.log.id).size
    numbers = itertools.count(at)
    while at < size:
        some = [next(numbers).to_bytes(16, "big") + filler for _ in range(min(4_096, size - at))]
        with transaction(made.engine) as connection:
            entries.append(connection, made.log.id, some)
        at += len(some)


def _long(folder: Path) -> tuple[float, float, float]:
    """Bytes stored for each byte of entries; when it is long to when it is short, a single append, and in a batch."""
    made = Made(folder)
    _grow(made, SMALL)
    short, short_batch = _single(made), _in_batch(made)
    _grow(made, LARGE)
    long, long_batch = _single(made), _in_batch(made)
    made.engine.dispose()
    base = sqlite3.connect(made.path)
    base.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    indexes = f"SELECT name FROM sqlite_master WHERE tbl_name IN {TABLES}"
    room = base.execute(f"SELECT sum(pgsize) FROM dbstat WHERE name IN ({indexes})").fetchone()[0]
    held = base.execute("SELECT sum(length(entry)) FROM entries").fetchone()[0]
    base.close()
    return room / held, long / short, long_batch / short_batch


def _in_batch(made: Made) -> float:
    """Seconds for one of a batch, its signature included."""
    batches = [made.prepared(BATCH) for _ in range(20)]
    return statistics.median(_seconds(made.append_batches, some) for some in batches) / BATCH


def measure() -> dict[str, str]:
    """The figures as table cells."""
    with tempfile.TemporaryDirectory(dir=".") as folder:
        base = Path(folder)
        for name in ("batches", "crowd", "long"):
            (base / name).mkdir()
        rate, share = _batches(base / "batches")
        shared, to_alone, to_raw = _crowd(base / "crowd")
        room, single, batch = _long(base / "long")
    return {
        BATCHES: f"{share:.2f} ({rate:.0f}/s)",
        SHARED: f"{to_alone:.1f} ({shared:.0f}/s)",
        COMMITS: f"{to_raw:.1f}",
        ROOM: f"{room:.2f}",
        LENGTH: f"{single:.2f}; in batches {batch:.2f}",
    }


if __name__ == "__main__":
    for name, figure in measure().items():
        print(f"{name}: {figure}")
