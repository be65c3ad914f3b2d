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
