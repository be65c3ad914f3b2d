"""A database server whose disk is full: what it says is taken for what it is, and nothing is half done."""

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest
from sqlalchemy import Engine, NullPool, create_engine, exc, make_url

from ledger.errors import Busy
from ledger.storage import entries, schema
from ledger.storage.engine import open_engine, reading, transaction
from tests.attacks.disks import fill, small_disk
from tests.conftest import fresh_postgres
from tests.log.conftest import open_log
from tests.log.test_append import check_whole

SPACE = "onetrip_small"


@pytest.fixture
def small(postgres) -> Iterator[Path]:
    """A folder of the server's with a file system of its own; skips, and says so, where that is not allowed."""
    with create_engine(postgres, poolclass=NullPool).connect() as admin:
        owner = Path(admin.exec_driver_sql("SHOW data_directory").scalar_one()).stat()
    with TemporaryDirectory(prefix="onetrip-small-") as room:
        Path(room).chmod(0o711)  # the server is somebody else here
        with small_disk(folder := Path(room) / "disk"):
            os.chown(folder, owner.st_uid, owner.st_gid)
            yield folder


@pytest.fixture
def engine(postgres, small) -> Iterator[Engine]:
    """A database that lies on that disk; the server's own log of changes does not."""
    with create_engine(postgres, poolclass=NullPool, isolation_level="AUTOCOMMIT").connect() as admin:
        admin.exec_driver_sql(f"CREATE TABLESPACE {SPACE} LOCATION '{small}'")
        url = make_url(fresh_postgres(postgres))
        admin.exec_driver_sql(f"ALTER DATABASE {url.database} SET TABLESPACE {SPACE}")
        opened = open_engine(url.render_as_string(hide_password=False))
        with transaction(opened) as connection:
            schema.metadata.create_all(connection)
        yield opened
        opened.dispose()
        admin.exec_driver_sql(f"DROP DATABASE {url.database}")
        admin.exec_driver_sql(f"DROP TABLESPACE {SPACE}")


def test_a_server_whose_disk_is_full_in_mid_append_is_busy_and_nothing_is_half_done(
    engine, small, node_keys, high_water, append
):
    with transaction(engine) as connection:
        entries.create_log(connection, node_keys.origin, own=True)
    log = open_log(engine, node_keys, high_water)
    ballast = small / "ballast"
    fill(ballast)
    acknowledged = 0

    def append_until_full():
        nonlocal acknowledged
        for _ in range(1_000):
            append(log, 3)
            acknowledged += 3

    with pytest.raises(Busy) as caught:
        append_until_full()
    assert isinstance(caught.value.__cause__, exc.OperationalError)
    assert isinstance(caught.value.__cause__.orig, psycopg.errors.DiskFull)
    check_whole(engine, log.id)
    with reading(engine) as connection:
        assert entries.read_edge(connection, log.id).size == acknowledged
    ballast.unlink()  # somebody made room
    assert append(log, 3)[0] == acknowledged
    check_whole(engine, log.id)
