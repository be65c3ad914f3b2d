"""An office for each test: on SQLite, and in `make attack` on PostgreSQL too."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import fresh_postgres
from tests.desk.world import make_town
from tests.handlers_staff.office import Office, make_office


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.attack)])
def office(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Office]:
    on_postgres = request.param == "postgresql"
    town = make_town(tmp_path, fresh_postgres(request.getfixturevalue("postgres")) if on_postgres else None)
    town.round()
    yield make_office(town)
    town.civil.engine.dispose()
    town.finance.engine.dispose()
