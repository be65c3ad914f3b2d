"""A node behind its doors, without a socket."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from ledger.node import Node, NodeSettings, init_node
from ledger.routes import create_blueprint
from ledger.storage import entries
from ledger.storage.engine import transaction

START = 1_790_000_000
PUBLISHED, STORED = 600, 700  # the tail is in the log, and under no published head


@dataclass
class Clock:
    at: int = START

    def __call__(self) -> int:
        return self.at


@dataclass
class House:
    node: Node
    clock: Clock
    web: FlaskClient

    def append(self, count: int) -> None:
        """Entries that nobody reads: a door hands them out as they are."""
        with transaction(self.node.engine) as conn:
            size = entries.read_edge(conn, self.node.log.id).size
            filler = [b"entry %d " % index * (index % 40) for index in range(size, size + count)]
            entries.append(conn, self.node.log.id, filler)

    def publish(self) -> int:
        head = self.node.log.sign_new_head()
        assert head is not None
        assert self.node.log.publish(head.size)
        return head.size


@pytest.fixture
def house(tmp_path: Path, quick_seal):
    settings = NodeSettings(
        name="民政局",
        origin="minzheng.example/log",
        public_url="https://minzheng.example",
        database_url=f"sqlite:///{tmp_path / 'node.db'}",
        key_file=tmp_path / "node.age",
    )
    clock = Clock()
    keys = init_node(settings, number_prefix="21", passphrase="long enough", now=clock)
    node = Node.open(settings, keys, clock)
    app = Flask(__name__, static_folder=None)
    app.register_blueprint(create_blueprint(node))
    yield House(node, clock, app.test_client())
    node.close()


@pytest.fixture
def long_log(house: House) -> House:
    house.append(PUBLISHED - 1)
    assert house.publish() == PUBLISHED
    house.append(STORED - PUBLISHED)
    return house
