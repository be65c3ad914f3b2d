"""What a new record costs once it was checked, folding it and asking the rules, where many are known and where few.

The many are rows of real stories, made by the real encoders and copied under new handles. CPU time is noisy; how many
statements run, and how many steps SQLite's machine makes in them, is not.
"""

import argparse
import secrets
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert

from benchmarks.longlog import PASSPHRASE, make_long_log
from ledger.examining.examine import Looked, parse_only
from ledger.keys import open_keys
from ledger.node import Node, NodeSettings, init_node
from ledger.peers.home import Peer
from ledger.peers.intake import take_in
from ledger.peers.joining import Introduction
from ledger.peers.mirror import open_mirror
from ledger.records.proven import Proven
from ledger.records.statement import Record
from ledger.scribe import new_handle
from ledger.storage import entries, schema
from ledger.storage.engine import reading, transaction

FEW, MANY = 10_000, 1_000_000
STORIES = 60
BEGINNING = 5  # genesis and four officers
STORY_RECORDS = 8
FILLED_AT_ONCE = 5_000  # stories
FAR = -(1 << 40)  # where the copies' indices begin: before all, as what is known already
FINDING_EVERY = 100  # stories
COST = "rules after one new record, 1,000,000 records known ÷ 10,000"


@dataclass(slots=True)
class Cost:
    """What new records have cost so far."""

    seconds: float = 0.0
    statements: int = 0
    steps: int = 0


@dataclass(frozen=True, slots=True)
class Follower:
    """A department that follows one log, and how that goes."""

    node: Node
    peer: Peer
    log_id: int
    cost: Cost

    def take(self, index: int, one: Looked, *, counted: bool) -> None:
        """Take in the next record; its cost is either counted or timed."""
        with transaction(self.node.engine, keep=True) as conn:
            entries.append(conn, self.log_id, [one.entry])
            if counted:
                with self._counting(conn):
                    take_in(conn, self.node, self.log_id, self.peer, index, [one], story=False)
            else:
                begun = time.process_time()
                take_in(conn, self.node, self.log_id, self.peer, index, [one], story=False)
                self.cost.seconds += time.process_time() - begun

    def _counting(self, conn: Connection) -> "_Counting":
        return _Counting(conn, self.cost)


class _Counting:
    """Counts statements, and the steps that SQLite's machine makes in them."""

    def __init__(self, conn: Connection, cost: Cost) -> None:
        self._driver: Any = conn.connection.dbapi_connection
        self._cost = cost

    def __enter__(self) -> None:
        self._driver.set_trace_callback(self._statement)
        self._driver.set_progress_handler(self._step, 1)

    def __exit__(self, *_reason: object) -> None:
        self._driver.set_trace_callback(None)
        self._driver.set_progress_handler(None, 1)

    def _statement(self, _sql: str) -> None:
        self._cost.statements += 1

    def _step(self) -> int:
        self._cost.steps += 1
        return 0


def measure(few: int = FEW, many: int = MANY) -> dict[str, str]:
    """The figure as a table cell."""
    with tempfile.TemporaryDirectory(dir=".") as name:
        folder = Path(name)
        (folder / "told").mkdir()
        made = make_long_log(folder / "told", BEGINNING + STORIES * STORY_RECORDS)
        told = Node.open(made.settings, open_keys(made.settings.key_file, PASSPHRASE), _now)
        try:
            followers = [_follower(folder / str(count), told, count) for count in (few, many)]
            with reading(told.engine) as conn:
                rest = entries.read_entries(conn, told.log.id, BEGINNING, made.size)
        finally:
            told.close()
        for index, entry in enumerate(rest, BEGINNING):
            one = parse_only(entry)._replace(proven=Proven(signature=True, claims=True))
            # Whoever comes second finds the processor warm: in turns.
            for follower in followers if index % 4 < 2 else reversed(followers):
                follower.take(index, one, counted=index % 2 == 0)
        small, large = (follower.cost for follower in followers)
        for follower in followers:
            follower.node.close()
    each = large.seconds / (len(rest) / 2) * 1e6
    counted = f"statements {large.statements / small.statements:.2f}, steps of SQLite {large.steps / small.steps:.2f}"
    return {COST: f"{large.seconds / small.seconds:.2f} ({each:.0f} µs of CPU; {counted})"}


def _follower(folder: Path, told: Node, count: int) -> Follower:
    folder.mkdir()
    settings = NodeSettings(
        "审计局", "127.0.0.1:2/log", "http://127.0.0.1:2", f"sqlite:///{folder / 'node.db'}", folder / "node.age"
    )
    node = Node.open(settings, init_node(settings, number_prefix="24", passphrase=PASSPHRASE, now=_now), _now)
    keys = told.keys
    vkeys = (tuple(keys.log_vkeys), tuple(keys.witness_vkeys), tuple(keys.mirror_vkeys))
    peer = Introduction(told.name, told.origin, told.public_url, "21", keys.desk_public, *vkeys).peer()
    log_id = open_mirror(node, peer)
    with reading(told.engine) as conn:
        first = entries.read_entries(conn, told.log.id, 0, BEGINNING)
        story = _rows_of_story(conn, told.log.id)
    with transaction(node.engine) as conn:
        entries.append(conn, log_id, first)
        take_in(conn, node, log_id, peer, 0, [parse_only(entry) for entry in first], story=True)
    copies = count // STORY_RECORDS
    for at in range(0, copies, FILLED_AT_ONCE):
        with transaction(node.engine) as conn:
            _fill(conn, log_id, story, range(at, min(at + FILLED_AT_ONCE, copies)))
    return Follower(node, peer, log_id, Cost())


@dataclass(frozen=True, slots=True)
class Story:
    """The rows of one person's story."""

    objects: Sequence[dict[str, Any]]
    feed: Sequence[dict[str, Any]]
    records: Sequence[Record]


def _rows_of_story(conn: Connection, log_id: int) -> Story:
    records = [parse_only(one).record for one in entries.read_entries(conn, log_id, BEGINNING, _size(conn, log_id))]
    mine = [one for one in records if one is not None][::STORIES]
    subs = {one.sub for one in mine}
    told = conn.execute(schema.objects.select().where(schema.objects.c.handle.in_(subs))).mappings()
    feed = conn.execute(schema.feed.select().where(schema.feed.c.handle.in_(subs))).mappings()
    story = Story([dict(row) for row in told], [dict(row) for row in feed], mine)
    assert (len(story.objects), len(story.feed), len(mine)) == (4, STORY_RECORDS, STORY_RECORDS)
    return story


def _size(conn: Connection, log_id: int) -> int:
    return entries.read_edge(conn, log_id).size


def _fill(conn: Connection, log_id: int, story: Story, places: range) -> None:
    rows: dict[str, list[dict[str, Any]]] = {"objects": [], "feed": [], "entries": [], "findings": []}
    for place in places:
        for table, row in _copy(log_id, story, place):
            rows[table].append(row)
    for table, some in rows.items():
        if some:
            conn.execute(insert(schema.metadata.tables[table]), some)


def _copy(log_id: int, story: Story, place: int) -> Iterator[tuple[str, dict[str, Any]]]:
    names = {row["handle"]: new_handle() for row in story.objects}
    first = FAR + place * STORY_RECORDS
    for row in story.objects:
        folded = row["folded"]
        for old, new in names.items():
            folded = folded.replace(old, new)
        ref = names.get(row["ref_handle"], row["ref_handle"])
        yield "objects", {**row, "log_id": log_id, "handle": names[row["handle"]], "folded": folded, "ref_handle": ref}
    for at, row in enumerate(story.feed):
        copied = {name: value for name, value in row.items() if name != "pos"}
        yield "feed", {**copied, "log_id": log_id, "idx": first + at, "handle": names[row["handle"]]}
    for at, record in enumerate(story.records):
        leaf = secrets.token_bytes(32)
        yield "entries", {"log_id": log_id, "idx": first + at, "leaf": leaf, "entry": record.entry}
    if place % FINDING_EVERY == 0:
        yield "findings", _finding(log_id, next(iter(names.values())))


def _finding(log_id: int, handle: str) -> dict[str, Any]:
    return {
        "id": secrets.token_hex(4).upper(),
        "rule": "R19",
        "severity": "A",
        "state": "open",
        "log_id": log_id,
        "handle": handle,
        "facts": {},
        "compared": [],
        "raised_at": 0,
        "answer_by": "2026-11-27",
    }


def _now() -> int:
    return int(time.time())


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser()
    options.add_argument("--many", type=int, default=MANY)
    for name, value in measure(many=options.parse_args().many).items():
        print(f"{name}: {value}")


if __name__ == "__main__":
    main()
