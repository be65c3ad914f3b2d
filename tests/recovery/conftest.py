"""A county that has worked for a day, and gone on since a copy was taken."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.rig import County, make_county


@pytest.fixture
def county(tmp_path: Path) -> Iterator[County]:
    made = make_county(tmp_path)
    made.round()
    yield made
    made.close()


@pytest.fixture
def either_county(tmp_path: Path, database_url: str) -> Iterator[County]:
    """The same, once with 民政局 on SQLite and once on PostgreSQL."""
    made = make_county(tmp_path, database_url)
    made.round()
    yield made
    made.close()
