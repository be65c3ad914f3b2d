"""A node killed at any line of a publication signs no two heads that cannot both be true, and goes on at once."""

import pytest

from ledger.audit.verify import verify_database
from ledger.merkle.cosignature import open_cosigned
from ledger.peers import witness
from ledger.peers.publish import publish_round
from ledger.peers.recovery import recover
from ledger.records.statement import parse_record
from ledger.storage import entries
from ledger.storage.engine import open_engine, reading
from ledger.storage.upgrade import migrate
from tests.conftest import fresh_postgres
from tests.crash import deeds
from tests.crash.dying import DEATH, lines_of, moments, run
from tests.desk.world import Clock, found
from tests.recovery.rig import no_rotation

pytestmark = pytest.mark.slow

DEATHS, DEATHS_SAMPLED = 200, 8


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.attack)])
def told(request, tmp_path):
    on_file = request.param == "sqlite"
    url = f"sqlite:///{tmp_path / 'node.db'}" if on_file else fresh_postgres(request.getfixturevalue("postgres"))
    engine = open_engine(url)
    migrate(engine)
    made = found("民政局", "21", engine, tmp_path, Clock())
    said = deeds.describe(engine, made.keys, tmp_path / "21.keys")
    yield {**said, "said": str(tmp_path / "said"), "shown": str(tmp_path / "shown"), "run": 0}
    engine.dispose()


def check_survived(told, tmp_path, heads_seen):
    """What must be so after every death, when the node has been started again and nobody else was asked."""
    node = deeds.open_described(told)
    try:
        assert recover(node, no_rotation).may_sign
        with reading(node.engine) as connection:
            size = entries.read_edge(connection, node.log.id).size
            records = entries.read_entries(connection, node.log.id, 0, size)
            seen = witness.last_seen(connection, node.origin)
        assert len(set(records)) == size
        # Whatever an officer has read is there, in its place.
        for line in (tmp_path / "said").read_text().splitlines() if (tmp_path / "said").exists() else []:
            index, record_id = line.split()
            assert entries_id(records[int(index)]) == record_id
        # Whatever anybody could have fetched, and what is signed now, fits together: one root for each size.
        publish_round(node)
        shown = (tmp_path / "shown").read_bytes().split(b"\0") if (tmp_path / "shown").exists() else []
        for note in [*filter(None, shown), node.log.published_checkpoint()]:
            head = open_cosigned(note, [key.verifier for key in node.keys.log]).checkpoint
            assert heads_seen.setdefault(head.size, head.root) == head.root
        mark = node.high_water.log_head()
        assert mark is not None
        assert heads_seen.setdefault(*mark) == mark[1]
        fixed = node.high_water.witness_head(node.origin)
        assert fixed is not None
        assert fixed[0] >= seen.size
        assert not list(verify_database(node.engine, node.origin).faults)
    finally:
        node.close()


def entries_id(entry):
    return parse_record(entry).record_id


def kill_many(told, tmp_path, count):
    lines = lines_of(deeds.publish, told, tmp_path / "lines")
    heads_seen: dict[int, bytes] = {}
    died = 0
    for number, at in enumerate(moments(count, lines, 20261127), 1):
        died += run(deeds.publish, {**told, "run": number}, at, tmp_path / "lines") == DEATH
        check_survived(told, tmp_path, heads_seen)
    assert died >= count * 3 // 4  # else the harness kills nobody
    assert len(heads_seen) > count // 2


def test_a_node_killed_at_some_places_of_a_publication_signs_one_history(told, tmp_path):
    kill_many(told, tmp_path, DEATHS_SAMPLED)


@pytest.mark.attack
def test_a_node_killed_at_two_hundred_places_of_a_publication_signs_one_history(told, tmp_path):
    kill_many(told, tmp_path, DEATHS)
