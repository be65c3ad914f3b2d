"""A rotation killed at any line leaves keys that fit the log, and the same command completes it."""

import pytest

from ledger.audit.verify import verify_database
from ledger.key_history import read_history
from ledger.merkle.hashing import Hash
from ledger.node import init_node
from ledger.records import base64url
from ledger.records.rotation import ROLES
from ledger.rollover import roll_over
from ledger.storage import entries
from ledger.storage.engine import reading
from tests.crash import deeds
from tests.crash.dying import DEATH, lines_of, moments, run
from tests.keys.rotating import NOW, PASSPHRASE, act, opened, settings_in

pytestmark = pytest.mark.slow

DEATHS, DEATHS_SAMPLED = 200, 10


@pytest.fixture
def told(tmp_path, database_url, quick_seal):
    init_node(settings_in(tmp_path, database_url), number_prefix="21", passphrase=PASSPHRASE, now=lambda: NOW)
    node = opened(tmp_path, database_url)
    node.desk.enrol("林芳", ("clerk",), "330199199003070026")
    act(node)
    node.log.sign_new_head()
    node.close()
    return {"folder": str(tmp_path), "url": database_url, "said": str(tmp_path / "said")}


def rotations(node):
    with reading(node.engine) as connection:
        return len(read_history(connection, node.log.id).rotations)


def check_survived(told, tmp_path, role):
    """What must be so after every death, when the node is opened again as it was left."""
    node = opened(tmp_path, told["url"])
    try:
        said = (tmp_path / "said").read_text().splitlines() if (tmp_path / "said").exists() else []
        acted = [line for line in said if line != deeds.ROTATED]
        with reading(node.engine) as connection:
            stored = [entries.find_leaf(connection, Hash(base64url.decode(record))) for record in acted]
        assert all(len(places) == 1 for places in stored)  # nothing acknowledged is missing or doubled
        before = rotations(node)
        assert before >= said.count(deeds.ROTATED)
        act(node)  # with whatever keys stand in the file
        done = roll_over(node, role)
        assert rotations(node) == before + (not done.completed)
        act(node)
        node.log.sign_new_head()
        assert verify_database(node.engine, vault_key=node.keys.vault_key).faults == ()
    finally:
        node.close()


def kill_many(told, tmp_path, count):
    died = 0
    for at_role, role in enumerate(ROLES):
        one = {**told, "role": role}
        lines = lines_of(deeds.rotate, one, tmp_path / "lines")
        for at in moments(count // len(ROLES), lines, 20261129 + at_role):
            died += run(deeds.rotate, one, at, tmp_path / "lines") == DEATH
            check_survived(told, tmp_path, role)
    assert died >= count * 3 // 4


def test_rotations_killed_at_ten_places_lose_and_double_nothing(told, tmp_path):
    kill_many(told, tmp_path, DEATHS_SAMPLED)


@pytest.mark.attack
def test_rotations_killed_at_two_hundred_places_lose_and_double_nothing(told, tmp_path):
    kill_many(told, tmp_path, DEATHS)
