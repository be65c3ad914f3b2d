"""A town for each test: on SQLite, and in `make attack` on PostgreSQL too."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.desk import Opened
from tests.conftest import fresh_postgres
from tests.handlers_citizen.chats import Stage, make_stage


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.attack)])
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    on_postgres = request.param == "postgresql"
    made = make_stage(tmp_path, fresh_postgres(request.getfixturevalue("postgres")) if on_postgres else None)
    yield made
    made.town.civil.engine.dispose()
    made.town.finance.engine.dispose()


@pytest.fixture
def opened(stage: Stage) -> Opened:
    """An application just handed in."""
    return stage.hand_in()
