"""A counter for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pages.counter import Counter, make_counter


@pytest.fixture
def counter(tmp_path: Path) -> Iterator[Counter]:
    made = make_counter(tmp_path)
    yield made
    made.town.civil.engine.dispose()
    made.town.finance.engine.dispose()


@pytest.fixture
def either_counter(tmp_path: Path, database_url: str) -> Iterator[Counter]:
    """Once with the database on SQLite, once on PostgreSQL."""
    made = make_counter(tmp_path, database_url)
    yield made
    made.town.civil.engine.dispose()
    made.town.finance.engine.dispose()
