"""Reading a log: proofs at two sizes, and a full tile over HTTP against 8 KiB of constant bytes of that server."""

import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from flask import Flask, Response
from sqlalchemy import Engine

from benchmarks.load import Get, at_full_load
from benchmarks.longlog import PASSPHRASE, make_long_log, settings_in
from benchmarks.webhook import served
from ledger.keys import open_keys
from ledger.merkle.proofs import prove_consistency, prove_inclusion
from ledger.merkle.tiles import TILE_BYTES
from ledger.node import Node
from ledger.routes import create_blueprint
from ledger.storage import entries, schema
from ledger.storage.engine import open_engine, reading, transaction

SMALL, LARGE = 10_000, 1_000_000
PROOFS = 300
REQUESTS = 3_000
ROUNDS = 5
FOLDER, OWN_PORT = "BENCH_FOLDER", "BENCH_PORT"


def create_app() -> Flask:
    """A node's own doors, and beside them one that always says the same."""
    settings = settings_in(Path(os.environ[FOLDER]), int(os.environ.get(OWN_PORT, "1")))
    node = Node.open(settings, open_keys(settings.key_file, PASSPHRASE), lambda: int(time.time()))
    app = Flask(__name__, static_folder=None)
    app.register_blueprint(create_blueprint(node))
    constant = bytes(TILE_BYTES)
    app.add_url_rule("/constant", "constant", lambda: Response(constant, mimetype="application/octet-stream"))
    return app


def measure_tile(port: int) -> dict[str, str]:
    """The figure of the served tile, as a table cell."""
    with tempfile.TemporaryDirectory(dir=".") as folder:
        make_long_log(Path(folder), 1_000)
        bind = ["--bind", f"127.0.0.1:{port}", "--workers", "2", "--threads", "4", "--worker-class", "gthread"]
        server = ["-m", "gunicorn", *bind, "--no-control-socket", "benchmarks.tiles:create_app()"]
        with served(server, port, {FOLDER: str(Path(folder).resolve())}):
            pairs = [(_rate(port, "/log/tile/0/000"), _rate(port, "/constant")) for _ in range(ROUNDS + 1)][1:]
    ratio = statistics.median(tile / constant for tile, constant in pairs)
    return {
        "full tile over HTTP ÷ 8 KiB constant": f"{ratio:.2f} ({statistics.median(tile for tile, _ in pairs):.0f}/s)"
    }


def _rate(port: int, path: str) -> float:
    return at_full_load(port, [Get(path)] * REQUESTS).rate


def measure_proofs() -> dict[str, str]:
    """The figures of the proofs, as table cells."""
    with tempfile.TemporaryDirectory(dir=".") as folder:
        engine = open_engine(f"sqlite:///{Path(folder) / 'tree.db'}", durable=False)
        with transaction(engine) as conn:
            schema.metadata.create_all(conn)
            log = entries.create_log(conn, "tree.example/log", own=True)
        small = large = (0.0, 0.0)
        for size in range(SMALL, LARGE + 1, SMALL):
            with transaction(engine) as conn:
                entries.append(conn, log, [b"%d" % index for index in range(size - SMALL, size)])
            if size in {SMALL, LARGE}:
                small, large = large, (_inclusion(engine, log, size), _consistency(engine, log, size))
        engine.dispose()
    return {
        "inclusion proof at 1,000,000 ÷ at 10,000": _cell(large[0], small[0]),
        "consistency proof at 1,000,000 ÷ at 10,000": _cell(large[1], small[1]),
    }


def _cell(large: float, small: float) -> str:
    return f"{large / small:.2f} ({large * 1000:.2f} ms)"


def _inclusion(engine: Engine, log: int, size: int) -> float:
    return _cost(engine, log, size, lambda at, node: prove_inclusion(at, size, node))


def _consistency(engine: Engine, log: int, size: int) -> float:
    return _cost(engine, log, size, lambda at, node: prove_consistency(at + 1, size, node))


def _cost(engine: Engine, log: int, size: int, prove: Callable[..., object]) -> float:
    """CPU seconds of one proof, reading its tiles included; the median over random places."""
    chance, seconds = random.Random(size), []
    with reading(engine) as conn:
        for _ in range(PROOFS):
            at = chance.randrange(size)
            begun = time.process_time()
            prove(at, entries.node_reader(conn, log, size))
            seconds.append(time.process_time() - begun)
    return statistics.median(seconds)


if __name__ == "__main__":
    found = measure_tile(18_490) | ({} if "--tile" in sys.argv else measure_proofs())
    print("\n".join(f"{name}: {value}" for name, value in found.items()))
