from collections.abc import Iterator

import pytest

from bot.sandbox.app import create_sandbox
from tests.sandbox.fake_account import FakeAccount
from tests.sandbox.rig import HASTY, PATIENT, Clock, Rig, cast, rig_of, serving


@pytest.fixture
def account() -> Iterator[FakeAccount]:
    with FakeAccount() as fake:
        yield fake


@pytest.fixture
def rig(account: FakeAccount) -> Iterator[Rig]:
    yield from rig_of(account, PATIENT)


@pytest.fixture
def hasty(account: FakeAccount) -> Iterator[Rig]:
    """The same with a WeChat that waits a quarter of a second."""
    yield from rig_of(account, HASTY)


@pytest.fixture
def served(account: FakeAccount) -> Iterator[tuple[Rig, str]]:
    """A sandbox behind a real port, for a browser, with the real time."""
    app = create_sandbox(cast(account.url), pace=PATIENT)
    with serving(app) as url:
        yield Rig(app, app.test_client(), Clock(), account), url
    app.extensions["sandbox"].close()
