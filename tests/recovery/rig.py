"""A county in which a department loses its disk, or gets yesterday's back."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from sqlalchemy import URL, NullPool, create_engine

from ledger.desk import Desk
from ledger.keys import HighWater
from ledger.log import OwnLog
from ledger.node import Node
from ledger.storage import entries
from ledger.storage.engine import open_engine, reading
from tests.peers.rig import County


def copy_of(node: Node, name: str) -> URL:
    """Another database as this one is now: a file copied at night, or a snapshot of the server's disk."""
    url = node.engine.url
    if url.get_backend_name() == "sqlite":
        assert url.database is not None
        target = Path(url.database).with_name(f"{name}.db")
        with closing(sqlite3.connect(url.database)) as source, closing(sqlite3.connect(target)) as copy:
            source.backup(copy)
        return url.set(database=str(target))
    node.engine.dispose()  # a server copies only what nobody is connected to
    server = create_engine(url.set(database="postgres"), poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with server.connect() as admin:
        admin.exec_driver_sql(f"CREATE DATABASE {url.database}_{name} TEMPLATE {url.database}")
    return url.set(database=f"{url.database}_{name}")


def reopened(county: County, node: Node, url: URL) -> Node:
    """The node as its processes find it after a start: on that database, with the mark that lies beside its keys."""
    engine = open_engine(url.render_as_string(hide_password=False))
    high_water = HighWater.beside(node.settings.key_file)
    log = OwnLog(engine, node.origin, node.keys.log, high_water, node.now)
    desk = Desk(log, node.keys, node.now)
    again = replace(node, engine=engine, high_water=high_water, log=log, desk=desk)
    county.nodes[node.name] = again
    county.serve(again)
    return again


def yesterday(node: Node) -> URL:
    return copy_of(node, f"yesterday_{node.number_prefix}")


def put_back(county: County, node: Node, copy: URL) -> Node:
    node.engine.dispose()
    return reopened(county, node, copy)


def reopened_as_it_is(county: County, node: Node) -> Node:
    return reopened(county, node, node.engine.url)


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
