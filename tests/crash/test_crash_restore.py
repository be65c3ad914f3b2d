"""A restore killed at any line leaves nothing or all of it, always behind its guard; the same command completes it."""

import pytest
from sqlalchemy import inspect, select

from handlers.console.backup import CHAT_PARTS
from ledger.backup.writing import back_up
from ledger.high_water import HighWater
from ledger.storage import schema
from ledger.storage.engine import open_engine, reading, transaction
from ledger.storage.upgrade import migrate
from tests.crash import deeds
from tests.crash.dying import DEATH, lines_of, moments, run
from tests.desk.world import Clock, found

pytestmark = pytest.mark.slow

DEATHS, DEATHS_SAMPLED = 200, 8
PASSPHRASE = "correct horse battery"


@pytest.fixture
def kept(tmp_path, quick_seal):
    """A backup of a department with some history."""
    engine = open_engine(f"sqlite:///{tmp_path / 'node.db'}")
    migrate(engine)
    made = found("民政局", "21", engine, tmp_path, Clock())
    made.enrol("林芳", "clerk")
    for _ in range(3):
        by = made.staff["林芳"].handle
        made.desk.open_case("linshi-jiuzhu", {"applicant": "王桂兰"}, by=by, once=made.once())
    made.log.sign_new_head()
    folder = tmp_path / "backups"
    folder.mkdir()
    back_up(engine, made.origin, folder / "node.backup", PASSPHRASE, more=CHAT_PARTS, now=made.clock())
    yield made, folder / "node.backup"
    engine.dispose()


def tables(url):
    engine = open_engine(url)
    try:
        with reading(engine) as connection:
            return set(inspect(connection).get_table_names())
    finally:
        engine.dispose()


def entries_of(engine):
    with reading(engine) as connection:
        return connection.execute(select(schema.entries.c.entry).order_by(schema.entries.c.idx)).scalars().all()


def restored(url):
    engine = open_engine(url)
    try:
        with transaction(engine):
            pass  # and it takes writes
        return entries_of(engine)
    finally:
        engine.dispose()


def kill_many(kept, fresh_url, tmp_path, count):
    made, file = kept
    whole = entries_of(made.engine)

    def told(number):
        place = tmp_path / f"place-{number}"
        place.mkdir()
        said = {"url": fresh_url(number), "key_file": str(place / "node.keys"), "origin": made.origin}
        return {**said, "file": str(file), "passphrase": PASSPHRASE, "now": made.clock()}, place

    lines = lines_of(deeds.put_back, told("first")[0], tmp_path / "lines")
    died = begun = 0
    for number, at in enumerate(moments(count, lines, 20261128)):
        one, place = told(number)
        ended = run(deeds.put_back, one, at, tmp_path / "lines")
        died += ended == DEATH
        if tables(one["url"]):
            begun += 1
            assert restored(one["url"]) == whole  # all of it
            assert HighWater.beside(place / "node.keys").is_waiting()  # and never before its guard
        else:
            assert run(deeds.put_back, one, None, tmp_path / "lines") == 0
            assert restored(one["url"]) == whole
            assert HighWater.beside(place / "node.keys").is_waiting()
            assert not list(place.glob(".onetrip-*"))  # what lay open in the meantime is gone
    assert died >= count * 3 // 4
    assert begun < count


def test_a_restore_killed_at_some_places_leaves_nothing_or_all(kept, fresh_url, tmp_path):
    kill_many(kept, fresh_url, tmp_path, DEATHS_SAMPLED)


@pytest.mark.attack
def test_a_restore_killed_at_two_hundred_places_leaves_nothing_or_all(kept, fresh_url, tmp_path):
    kill_many(kept, fresh_url, tmp_path, DEATHS)
