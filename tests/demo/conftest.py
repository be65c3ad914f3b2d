"""One demo network for all of these tests, started as a process and known by its `demo.json` alone.

Starting one takes four departments' keys, story and processes; so there is one for all, and whoever needs it as it
was at first pulls the lever that begins again.
"""

import random
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.demo.network import Network, running
from tests.demo.pictures import Album

# In this order: first who finds it as it was, then who changes it as a whole, and at last who ends it.
LAST = ("test_demo_page.py", "test_demo_restarts.py")


@pytest.hookimpl(tryfirst=True)  # before xdist reads the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those that meet the network are run by one worker, those that change all of it behind the others."""
    here = [item for item in items if Path(item.path).parent == Path(__file__).parent]
    for item in here:
        if "network" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("demo"))
    behind = [item for name in LAST for item in here if Path(item.path).name == name]
    items[:] = [item for item in items if item not in behind] + behind


def free_ports(count: int) -> int:
    """The first of so many ports in a row that nobody uses."""
    # Two runs at once on one machine look in different places first.
    for base in random.sample(range(21_000, 29_000, 50), 100):
        probes = [socket.socket() for _ in range(count)]
        try:
            for offset, probe in enumerate(probes):
                probe.bind(("127.0.0.1", base + offset))
        except OSError:
            continue
        else:
            return base
        finally:
            for probe in probes:
                probe.close()
    raise AssertionError("no free ports")


@pytest.fixture
def base_port() -> int:
    return free_ports(5)


@pytest.fixture(scope="session")
def album(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Album:
    """The folder of `--pictures`, emptied of what it shows today, or one that nobody keeps."""
    kept = request.config.getoption("--pictures")
    folder = tmp_path_factory.mktemp("pictures") if kept is None else kept
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.png"):
        old.unlink()
    return Album(folder)


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    folder = tmp_path_factory.mktemp("instance") / "demo"
    with running(folder, free_ports(5)) as launcher, httpx.Client(trust_env=False, timeout=10) as http:
        yield Network(launcher.wait_ready(), launcher, http)
