"""A county in which a department loses its disk, or gets yesterday's back."""

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from ledger.desk import Desk
from ledger.keys import HighWater
from ledger.log import OwnLog
from ledger.node import Node
from ledger.storage import entries
from ledger.storage.engine import open_engine, reading
from tests.peers.rig import County


def copy_database(node: Node, target: Path) -> Path:
    """As a file copied at night, or a snapshot of the disk."""
    assert node.engine.url.database is not None
    with closing(sqlite3.connect(node.engine.url.database)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)
    return target


def reopened(county: County, node: Node, database: Path, keys=None) -> Node:
    """The node as its processes find it after a start: on that database, with the mark that lies beside its keys."""
    engine = open_engine(f"sqlite:///{database}")
    high_water = HighWater.beside(node.settings.key_file)
    keys = keys or node.keys
    log = OwnLog(engine, node.origin, keys.log, high_water, node.now)
    desk = Desk(log, keys, node.now)
    again = replace(node, engine=engine, keys=keys, high_water=high_water, log=log, desk=desk)
    county.nodes[node.name] = again
    county.serve(again)
    return again


def yesterday(county: County, node: Node) -> Path:
    return copy_database(node, county.directory / f"yesterday-{node.number_prefix}.db")


def put_back(county: County, node: Node, copy: Path) -> Node:
    node.engine.dispose()
    database = county.directory / f"restored-{node.number_prefix}-{len(list(county.directory.glob('restored-*')))}.db"
    shutil.copy(copy, database)
    return reopened(county, node, database)


def reopened_as_it_is(county: County, node: Node) -> Node:
    assert node.engine.url.database is not None
    return reopened(county, node, Path(node.engine.url.database))


def all_entries(node: Node) -> list[bytes]:
    with reading(node.engine) as connection:
        size = entries.read_edge(connection, node.log.id).size
        return entries.read_entries(connection, node.log.id, 0, size)


def lose_mark(node: Node) -> None:
    HighWater.beside(node.settings.key_file).path.unlink()


def firewall(county: County, *but: str) -> None:
    """No department reaches another, but for those named."""
    for name, node in county.nodes.items():
        if name not in but:
            county.wire.lose(county.host(node))


def open_firewall(county: County) -> None:
    for node in county.nodes.values():
        county.wire.find(county.host(node))


def no_rotation(role: str) -> None:
    raise AssertionError(f"the mark is there: why replace the keys of {role}?")
