"""Workers that die at any moment, a database that is locked, a disk that is full: over HTTP, on both databases."""

import os
import random
import resource
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

import httpx
import pytest
from sqlalchemy import create_engine

from ledger.storage.engine import _WRITER_LOCK, reading
from ledger.storage.entries import read_edge
from tests.attacks.live_node import LiveNode, Staff, hand_in, living, officer_handle
from tests.conftest import fresh_postgres

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("demo")]  # beside a demo, two cores have no room for more

CITIZEN = "o-chen"
KILLS, KILLS_SAMPLED = 40, 4
MOMENTS = (0.0, 0.05)  # seconds after the delivery was sent: around the commit of a few milliseconds


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.attack)])
def node(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveNode]:
    """One node for all of these: each test leaves it as good as it found it."""
    folder = tmp_path_factory.mktemp("live")
    url = f"sqlite:///{folder / 'node.db'}"
    if request.param == "postgresql":
        url = fresh_postgres(request.getfixturevalue("postgres"))
    with living(folder / "node", url) as made:
        yield made


@pytest.fixture(scope="module")
def clerk(node: LiveNode) -> Staff:
    """The node is up, and a clerk is bound."""
    officer = node.enrol("李敏", "clerk", "11010519491231002X")
    node.start(scheduler=False)
    assert "李敏" in node.say(officer.openid, f"绑定 {officer.binding_code}").read
    return officer


def draft_of(node: LiveNode, clerk: Staff, number: str) -> str:
    """The number of a draft that waits for its 确认."""
    command = f"#受理 {number}"
    told = node.say(clerk.openid, command).read
    if "请先登录" in told:
        assert "登录好了" in node.say(clerk.openid, f"#登录 {clerk.code()}").read
        told = node.say(clerk.openid, command).read
    return told.split("草稿")[1].split("）")[0]


def stored(node: LiveNode) -> int:
    with node.opened() as counter, reading(counter.engine) as connection:
        return read_edge(connection, counter.log.id).size


def numbers_of(node: LiveNode, count: int) -> list[str]:
    with node.opened() as counter:
        handle = officer_handle(counter, "李敏")
        return [hand_in(counter, handle).number for _ in range(count)]


def kill_somewhere(node: LiveNode, clerk: Staff, number: str, after: float) -> None:
    """A confirmation, a worker killed around it, and the repeat: one record and the first answer, whatever happened."""
    draft = draft_of(node, clerk, number)
    confirmation = node.sealed(clerk.openid, f"确认 {draft}")

    def send() -> None:
        with suppress(httpx.HTTPError):
            node.post(confirmation, 5)

    sending = Thread(target=send)
    sending.start()
    Event().wait(after)
    for pid in node.workers():
        node.kill(pid)
    sending.join()
    assert "已签名" in node.deliver_until_answered(confirmation).read
    assert "已签名" in node.deliver_until_answered(confirmation).read  # and the repeat of the repeat
    assert "已受理" in node.say(clerk.openid, f"#查 {number}").read


def test_a_worker_killed_around_a_signature_signs_once_and_the_repeat_says_so(node, clerk):
    _kill_many(node, clerk, KILLS_SAMPLED)


@pytest.mark.attack
def test_workers_killed_around_forty_signatures_sign_forty(node, clerk):
    _kill_many(node, clerk, KILLS)


def _kill_many(node: LiveNode, clerk: Staff, count: int) -> None:
    chance = random.Random(os.environ.get("ONETRIP_SEED", "1"))
    numbers = numbers_of(node, count)
    before = stored(node)
    for number in numbers:
        kill_somewhere(node, clerk, number, chance.uniform(*MOMENTS))
    assert stored(node) == before + count


@contextmanager
def locked(node: LiveNode) -> Iterator[None]:
    """Somebody else holds the writers' turn."""
    if node.database_url.startswith("sqlite"):
        connection = sqlite3.connect(node.database_url.removeprefix("sqlite:///"))
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            connection.rollback()
            connection.close()
        return
    engine = create_engine(node.database_url)
    with engine.begin() as held:
        held.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITER_LOCK})")
        held.exec_driver_sql("LOCK TABLE bot_sessions IN EXCLUSIVE MODE")
        yield
    engine.dispose()


@contextmanager
def full(node: LiveNode) -> Iterator[None]:
    """No file of the web workers grows any more, as on a disk without a free block."""
    limit, endless = (0, resource.RLIM_INFINITY), (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    workers = node.workers()
    for pid in workers:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, limit)
    try:
        yield
    finally:
        for pid in workers:
            with suppress(ProcessLookupError):
                resource.prlimit(pid, resource.RLIMIT_FSIZE, endless)


def check_told_and_nothing_done(node: LiveNode, clerk: Staff, trouble) -> None:
    [number] = numbers_of(node, 1)
    before = stored(node)
    draft = draft_of(node, clerk, number)
    with trouble(node):
        # The officer reads that nothing was signed, the citizen that they may try again; and that is so.
        assert "没有签名" in node.say(clerk.openid, f"确认 {draft}").read
        assert "没有签名" in node.say(clerk.openid, f"#受理 {number}").read
        assert "再" in node.say(CITIZEN, "进度").read
        assert "没有签名" not in node.say(CITIZEN, "我的补贴").read
    assert stored(node) == before
    assert "已签名" in node.say(clerk.openid, f"确认 {draft}").read
    assert stored(node) == before + 1


def test_a_locked_database_is_told_and_nothing_was_signed(node, clerk):
    check_told_and_nothing_done(node, clerk, locked)


def test_a_full_disk_is_told_and_nothing_was_signed(node, clerk):
    if not node.database_url.startswith("sqlite"):
        pytest.skip("PostgreSQL's disk is its server's: what it says then is tried in tests/log/test_full_server.py")
    check_told_and_nothing_done(node, clerk, full)
