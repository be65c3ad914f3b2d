"""A county for each test; on both databases where the kind could make a difference."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.rig import County, make_county


@pytest.fixture
def county(tmp_path: Path) -> Iterator[County]:
    made = make_county(tmp_path)
    yield made
    made.close()


@pytest.fixture
def either_county(tmp_path: Path, database_url: str) -> Iterator[County]:
    """Once with 民政局 on SQLite, once on PostgreSQL."""
    made = make_county(tmp_path, database_url)
    yield made
    made.close()
