"""A town for each test; on both databases where the kind could make a difference."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.desk.world import Town, make_town


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    made = make_town(tmp_path)
    yield made
    made.civil.engine.dispose()
    made.finance.engine.dispose()


@pytest.fixture
def either_town(tmp_path: Path, database_url: str) -> Iterator[Town]:
    """Once with 民政局 on SQLite, once on PostgreSQL."""
    made = make_town(tmp_path, database_url)
    yield made
    made.civil.engine.dispose()
    made.finance.engine.dispose()
