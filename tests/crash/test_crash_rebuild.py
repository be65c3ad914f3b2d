"""A rebuilding killed at any line never lets the node work with half of its log; the same command completes it."""

from collections.abc import Iterator
from threading import Thread

import httpx
import pytest
from sqlalchemy import inspect, select
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from ledger.errors import Misconfigured
from ledger.high_water import HighWater
from ledger.node import NodeSettings, open_database
from ledger.storage import schema
from ledger.storage.engine import open_engine, reading
from tests.crash import deeds
from tests.crash.dying import DEATH, lines_of, moments, run
from tests.fakes.network import Wire
from tests.peers.rig import make_county
from tests.recovery.rig import all_entries

pytestmark = pytest.mark.slow

DEATHS, DEATHS_SAMPLED = 100, 3


@pytest.fixture
def county(tmp_path):
    made = make_county(tmp_path)
    made.town.apply()
    made.round()
    made.round()
    yield made
    made.close()


@pytest.fixture
def port(county) -> Iterator[int]:
    """Where other processes reach the county's network."""
    server = make_server("127.0.0.1", 0, carrying(county.wire))
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def carrying(wire: Wire):
    @Request.application
    def app(request: Request) -> Response:
        url = f"https://{request.headers['X-Host']}{request.path}"
        answer = wire.handle_request(httpx.Request(request.method, url))
        return Response(answer.read(), answer.status_code, dict(answer.headers))

    return app


def entries_of(url):
    """What the database holds; None when nothing was begun in it."""
    engine = open_engine(url)
    try:
        with reading(engine) as connection:
            if not inspect(connection).get_table_names():
                return None
            return connection.execute(select(schema.entries.c.entry).order_by(schema.entries.c.idx)).scalars().all()
    finally:
        engine.dispose()


def opens(url, key_file) -> bool:
    """Whether the node's processes would start on it."""
    try:
        open_database(NodeSettings("民政局", "21.example/log", "https://21.example", url, key_file)).dispose()
    except Misconfigured:
        return False
    return True


def kill_many(county, port, fresh_url, tmp_path, count):
    whole = all_entries(county.civil)
    addresses = [county.finance.public_url, county.police.public_url]

    def told(number):
        place = tmp_path / f"place-{number}"
        place.mkdir()
        said = deeds.describe(county.civil.engine, county.civil.keys, place / "node.keys")
        return {**said, "url": fresh_url(number), "port": port, "addresses": addresses, "now": county.clock()}, place

    lines = lines_of(deeds.rebuild_from_peers, told("first")[0], tmp_path / "lines")
    died = begun = 0
    for number, at in enumerate(moments(count, lines, 20261127)):
        one, place = told(number)
        died += run(deeds.rebuild_from_peers, one, at, tmp_path / "lines") == DEATH
        mark, left = HighWater.beside(place / "node.keys"), entries_of(one["url"])
        if left is not None:
            begun += 1
            assert mark.is_waiting()  # never before its guard
            assert left == whole[: len(left)]
            assert left == whole or not opens(one["url"], place / "node.keys")
        assert run(deeds.rebuild_from_peers, one, None, tmp_path / "lines") == 0
        assert entries_of(one["url"]) == whole
        assert mark.is_waiting()
        assert opens(one["url"], place / "node.keys")
    assert died >= count * 3 // 4
    assert begun > 0


def test_a_rebuilding_killed_at_some_places_is_completed_by_the_same_command(county, port, fresh_url, tmp_path):
    kill_many(county, port, fresh_url, tmp_path, DEATHS_SAMPLED)


@pytest.mark.attack
def test_a_rebuilding_killed_at_a_hundred_places_is_completed_by_it(county, port, fresh_url, tmp_path):
    kill_many(county, port, fresh_url, tmp_path, DEATHS)
