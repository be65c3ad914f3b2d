"""A served log, and what strangers' programs need to read it."""

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.serving import make_server

from ledger.routes import create_blueprint
from tests.routes.conftest import House, house, long_log

GOPATH = Path("/usr/share/gocode")  # Debian's golang-golang-x-mod-dev
HERE = Path(__file__).parent

__all__ = ["House", "house", "long_log"]


def _build(folder: Path, name: str) -> Path:
    """A program of ours over Go's own library for transparency logs, built from Debian's sources."""
    if shutil.which("go") is None or not (GOPATH / "src/golang.org/x/mod/sumdb/tlog").is_dir():
        pytest.skip("Go DID NOT READ OUR LOG: apt-get install golang-go golang-golang-x-mod-dev")
    program = folder / name
    env = {**os.environ, "GO111MODULE": "off", "GOPATH": str(GOPATH), "GOFLAGS": ""}
    subprocess.run(["go", "build", "-o", program, HERE / f"{name}.go"], env=env, check=True, timeout=600)
    return program


@pytest.fixture(scope="session")
def checklog(tmp_path_factory) -> Path:
    """Go's own client for transparency logs, and a hundred lines of ours."""
    return _build(tmp_path_factory.mktemp("go"), "checklog")


@pytest.fixture(scope="session")
def outsider(tmp_path_factory) -> Path:
    """A witness and a log of Go's own code and the C2SP specifications."""
    return _build(tmp_path_factory.mktemp("go"), "outsider")


@pytest.fixture
def served(long_log: House) -> Iterator[tuple[House, str]]:
    """A log of 600 entries behind a real socket: what it is, and its URL."""
    app = Flask(__name__, static_folder=None)
    app.register_blueprint(create_blueprint(long_log.node))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield long_log, f"http://127.0.0.1:{server.port}/log"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
