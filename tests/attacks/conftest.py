"""Seven departments for all tests of a module: to start them takes most of the time."""

import pytest

from tests.attacks.seven import ACTS, seven
from tests.demo.conftest import free_ports

ROUND_SECONDS = 3


@pytest.fixture(scope="module")
def story():
    return ACTS


@pytest.fixture(scope="module")
def departments(tmp_path_factory, story):
    """In a county where 王桂兰 has been paid, unless a module tells no story; each asks each other one over a line that can be cut."""
    folder = tmp_path_factory.mktemp("seven")
    with seven(folder, free_ports(8), ROUND_SECONDS, story=story, lines=True) as made:
        yield made
