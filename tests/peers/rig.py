"""A county whose departments really talk to each other, over a network in memory."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
from flask import Flask

from ledger.audit.crosscheck import Report, run_round
from ledger.desk import Desk
from ledger.facts import Facts
from ledger.keys import HighWater
from ledger.log import OwnLog
from ledger.node import Node, NodeSettings
from ledger.peers.client import PeerClient
from ledger.peers.joining import add_peer
from ledger.peers.members import found_network
from ledger.peers.publish import publish_round
from ledger.routes import create_blueprint
from ledger.storage import entries
from ledger.storage.engine import open_engine, reading
from ledger.storage.findings import read_findings
from ledger.views import Finding
from tests.desk.world import Clock, Department, Town, found, make_engine, people
from tests.fakes.network import Site, Wire

ROUND_SECONDS = 5


def node_of(department: Department, directory: Path, wire: Wire) -> Node:
    """The department as a node that can be asked and asks."""
    url = f"https://{department.prefix}.example"
    settings = NodeSettings(
        department.name,
        department.origin,
        url,
        str(department.engine.url),
        directory / f"{department.prefix}.keys",
        crosscheck_seconds=ROUND_SECONDS,
    )
    return Node(
        settings,
        department.prefix,
        department.engine,
        department.keys,
        HighWater.beside(settings.key_file),
        department.log,
        department.desk,
        PeerClient(url, transport=wire),
        department.clock,
    )


def doors(node: Node) -> Site:
    """The node's own doors, as its web workers open them."""
    app = Flask(__name__)
    app.register_blueprint(create_blueprint(node))
    return httpx.WSGITransport(app).handle_request


def with_threads(deed: Callable[[Node, Executor], object], node: Node) -> None:
    """A part of a round, with threads of its own that ask the others."""
    with ThreadPoolExecutor() as pool:
        deed(node, pool)


@dataclass
class County:
    """民政局 approves, 财政局 pays, 公安局 looks on."""

    directory: Path
    clock: Clock
    wire: Wire
    town: Town
    nodes: dict[str, Node]

    @property
    def civil(self) -> Node:
        return self.nodes["民政局"]

    @property
    def finance(self) -> Node:
        return self.nodes["财政局"]

    @property
    def police(self) -> Node:
        return self.nodes["公安局"]

    def host(self, node: Node) -> str:
        return f"{node.number_prefix}.example"

    def serve(self, node: Node) -> None:
        self.wire.host(self.host(node), doors(node))

    def publish(self, *names: str, cosign: bool = True) -> None:
        for name in names or self.nodes:
            publish_round(self.nodes[name], cosign=cosign)

    def round(self, *names: str, cosign: bool = True) -> dict[str, Report]:
        """Everybody publishes, then everybody checks; time goes on."""
        self.publish(cosign=cosign)
        self.clock.wait(ROUND_SECONDS)
        return {name: run_round(self.nodes[name], cosign=cosign) for name in names or self.nodes}

    def introduce(self, *names: str) -> None:
        """Everybody, or these, follow each other, after the words were compared."""
        self.publish(cosign=False)
        nodes = [self.nodes[name] for name in names or self.nodes]
        for node in nodes:
            for other in nodes:
                if other is not node:
                    add_peer(node, other.public_url, other.keys.fingerprint)

    def found(self, *names: str) -> None:
        """Those who follow each other say that they are the network; everybody has heard it after two rounds."""
        for name in names or self.nodes:
            found_network(self.nodes[name])
        for _ in range(2):
            self.round(*names)

    def findings(self, name: str) -> list[Finding]:
        with reading(self.nodes[name].engine) as connection:
            return read_findings(connection)

    @contextmanager
    def facts(self, name: str) -> Iterator[Facts]:
        with self.nodes[name].reading() as facts:
            yield facts

    def fork(self, node: Node) -> Node:
        """A second node with the same keys and the same past, whose high-water mark was copied with it."""
        directory = self.directory / f"fork-{node.number_prefix}-{len(list(self.directory.glob('fork-*')))}"
        directory.mkdir()
        with node.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        assert node.engine.url.database is not None
        shutil.copy(node.engine.url.database, directory / "node.db")
        key_file = directory / node.settings.key_file.name
        shutil.copy(HighWater.beside(node.settings.key_file).path, HighWater.beside(key_file).path)
        engine = open_engine(f"sqlite:///{directory / 'node.db'}")
        high_water = HighWater.beside(key_file)
        log = OwnLog(engine, node.origin, node.keys.log, high_water, node.now)
        return replace(
            node,
            settings=replace(node.settings, key_file=key_file),
            engine=engine,
            high_water=high_water,
            log=log,
            desk=Desk(log, node.keys, node.now),
        )

    def size(self, node: Node) -> int:
        with reading(node.engine) as connection:
            return entries.read_edge(connection, node.log.id).size

    def held(self, name: str, of: Node) -> int:
        """How many of a log's entries a department holds."""
        with reading(self.nodes[name].engine) as connection:
            log_id = entries.find_log(connection, of.origin)
            return 0 if log_id is None else entries.read_edge(connection, log_id).size

    def close(self) -> None:
        for node in self.nodes.values():
            node.close()


def make_county(
    directory: Path, url: str | None = None, *, acquainted: bool = True, onlookers: Sequence[str] = (), **desk_options
) -> County:
    """民政局 on the database of that URL (or SQLite), the others on SQLite; `onlookers` are further departments."""
    clock, wire = Clock(), Wire()
    names = {"21": "民政局", "22": "财政局", "23": "公安局"}
    names |= {str(prefix): name for prefix, name in enumerate(onlookers, 24)}
    urls = {prefix: f"sqlite:///{directory / f'{prefix}.db'}" for prefix in names}
    urls["21"] = url or urls["21"]
    departments = {
        prefix: found(name, prefix, make_engine(urls[prefix]), directory, clock, **desk_options)
        for prefix, name in names.items()
    }
    town = people(Town(clock, departments["21"], departments["22"]))
    nodes = {one.name: node_of(one, directory, wire) for one in departments.values()}
    county = County(directory, clock, wire, town, nodes)
    for node in nodes.values():
        county.serve(node)
    if acquainted:
        county.introduce()
    return county


__all__ = ["ROUND_SECONDS", "County", "doors", "make_county", "with_threads"]
