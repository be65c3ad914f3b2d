"""A bureau for each test; on both databases where the kind could make a difference."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.desk.world import make_town
from tests.imports.office import Bureau


@pytest.fixture
def bureau(tmp_path: Path) -> Iterator[Bureau]:
    made = Bureau(make_town(tmp_path))
    made.town.round()  # so that each knows where the other is
    yield made
    made.town.civil.engine.dispose()
    made.town.finance.engine.dispose()


@pytest.fixture
def either_bureau(tmp_path: Path, database_url: str) -> Iterator[Bureau]:
    """Once with 民政局 on SQLite, once on PostgreSQL."""
    made = Bureau(make_town(tmp_path, database_url))
    made.town.round()
    yield made
    made.town.civil.engine.dispose()
    made.town.finance.engine.dispose()
