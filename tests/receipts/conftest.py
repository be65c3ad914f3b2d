"""One county for all that only look; a fresh one for whoever attacks it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.receipts.rig import Bureau, make_bureau, twin


@pytest.fixture(scope="session")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bureau]:
    """Nobody changes anything here."""
    made = make_bureau(tmp_path_factory.mktemp("calm"))
    yield made
    made.county.close()


@pytest.fixture
def bureau(calm: Bureau, tmp_path: Path) -> Iterator[Bureau]:
    made = twin(calm, tmp_path)
    yield made
    made.county.close()
