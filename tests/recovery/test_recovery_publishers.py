"""Two processes that both believe they are the publisher sign one history between them."""

import json
import subprocess
import sys

import pytest

from ledger.audit.verify import verify_database
from ledger.merkle.cosignature import open_cosigned
from ledger.storage import entries
from ledger.storage.engine import open_engine, reading
from ledger.storage.upgrade import migrate
from tests.crash import deeds
from tests.desk.world import Clock, found

ROUNDS = 12


@pytest.mark.slow
def test_two_publishers_sign_no_two_heads_of_one_size(database_url, tmp_path):
    engine = open_engine(database_url)
    migrate(engine)
    made = found("民政局", "21", engine, tmp_path, Clock())
    told = deeds.describe(engine, made.keys, tmp_path / "21.keys")
    command = [sys.executable, "-m", "tests.recovery.publisher"]
    both = [
        subprocess.Popen(
            [*command, json.dumps({**told, "name": name, "rounds": ROUNDS})], stdout=subprocess.PIPE, text=True
        )
        for name in ("one", "other")
    ]
    said = [process.communicate(timeout=300)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    roots: dict[int, bytes] = {}
    for output in said:
        sizes = []
        for line in output.splitlines():
            note = json.loads(line).encode()
            head = open_cosigned(note, [key.verifier for key in made.keys.log]).checkpoint
            assert roots.setdefault(head.size, head.root) == head.root
            sizes.append(head.size)
        assert sizes == sorted(sizes)  # what is shown only moves forward
        assert sizes
    node = deeds.open_described(told)
    mark = node.high_water.log_head()
    assert mark is not None
    size, root = mark
    with reading(engine) as connection:
        edge = entries.read_edge(connection, made.log.id)
    assert size <= edge.size
    assert roots.setdefault(size, root) == root
    assert not list(verify_database(engine, made.origin).faults)
    node.close()
    engine.dispose()
