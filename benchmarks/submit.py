"""`desk.submit`, durable, one after another, against a raw SQLite commit and an Ed25519 signature."""

import sqlite3
import statistics
import tempfile
import time
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.desk import new_handle
from ledger.keys import open_keys
from ledger.node import Node, NodeSettings, init_node
from ledger.records.statement import Statement

COUNT = 300
ROUNDS = 5


def _now() -> int:
    return int(time.time())


def _raw(path: Path, count: int) -> float:
    key = Ed25519PrivateKey.generate()
    base = sqlite3.connect(path, isolation_level=None)
    base.execute("PRAGMA journal_mode = WAL")
    base.execute("PRAGMA synchronous = FULL")
    base.execute("CREATE TABLE IF NOT EXISTS entries (id INTEGER PRIMARY KEY, entry BLOB)")
    begun = time.perf_counter()
    for _ in range(count):
        entry = key.sign(b"x" * 536) + b"x" * 536
        base.execute("BEGIN IMMEDIATE")
        base.execute("INSERT INTO entries (entry) VALUES (?)", (entry,))
        base.execute("COMMIT")
    rate = count / (time.perf_counter() - begun)
    base.close()
    return rate


def _ours(node: Node, officer: str, count: int, place: int) -> float:
    private = {"applicant": "王小明", "phone": "13900000000"}
    begun = time.perf_counter()
    for number in range(count):
        statement = Statement("case-submitted", new_handle(), {"matter": "05LSJZ0001"}, private)
        node.desk.submit(statement, by=officer, once=f"{place}:{number}")
    return count / (time.perf_counter() - begun)


def measure() -> dict[str, str]:
    """The figure as a table cell."""
    with tempfile.TemporaryDirectory(dir=".") as folder:
        base = Path(folder)
        url = "http://127.0.0.1:1"
        settings = NodeSettings("民政局", "127.0.0.1:1/log", url, f"sqlite:///{base / 'node.db'}", base / "node.age")
        init_node(settings, number_prefix="21", passphrase="only for measuring", now=_now)
        node = Node.open(settings, open_keys(settings.key_file, "only for measuring"), _now)
        officer = node.desk.enrol("林芳", ("clerk",), "330199199003070025").handle
        ratios, rates = [], []
        for place in range(ROUNDS):
            rates.append(_ours(node, officer, COUNT, place))
            ratios.append(rates[-1] / _raw(base / "raw.db", COUNT))
        node.close()
    return {
        "desk.submit ÷ raw commit + signature": f"{statistics.median(ratios):.2f} ({statistics.median(rates):.0f}/s)"
    }
