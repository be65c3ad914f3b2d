"""A database is of exactly one version, and a start on an older one names the command that mends it."""

import base64
import json
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text

from bot.storage import metadata as bot_tables
from ledger.errors import Misconfigured
from ledger.storage import entries, lookups, upgrade
from ledger.storage.engine import open_engine, reading, transaction
from ledger.storage.schema import metadata as ledger_tables
from ledger.storage.upgrade import check_current, migrate
from ledger.storage.vault import read_rows


@pytest.fixture
def empty(database_url):
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


TABLES: Any = [ledger_tables, bot_tables]  # Alembic takes several at once, its annotation does not say so


def test_the_migrations_make_exactly_the_tables_that_the_code_uses(empty):
    migrate(empty)
    with reading(empty) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, TABLES) == []
        made = set(inspect(connection).get_table_names()) - {"alembic_version"}
    assert made == set(ledger_tables.tables) | set(bot_tables.tables)


def test_sqlite_tables_are_stored_as_the_code_says(tmp_path):
    texts = []
    for name, make in (("migrated", migrate), ("created", None)):
        engine = open_engine(f"sqlite:///{tmp_path}/{name}.db")
        if make is None:
            with transaction(engine) as connection:
                ledger_tables.create_all(connection)
                bot_tables.create_all(connection)
        else:
            make(engine)
        with reading(engine) as connection:
            tables = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'table'")).all()
        texts.append({name: "WITHOUT ROWID" in sql for name, sql in tables if name != "alembic_version"})
        engine.dispose()
    assert texts[0] == texts[1]


def test_migrating_twice_changes_nothing_and_keeps_what_is_there(empty):
    migrate(empty)
    with transaction(empty) as connection:
        connection.execute(text("INSERT INTO cursors (name, pos) VALUES ('kept', 7)"))
    migrate(empty)
    check_current(empty)
    with reading(empty) as connection:
        assert connection.execute(text("SELECT pos FROM cursors")).scalars().all() == [7]


def test_what_was_entered_before_rows_were_moved_is_there_afterwards(empty):
    config = upgrade._config()
    with transaction(empty) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        payload = base64.urlsafe_b64encode(b'{"iat":1790000000,"index":0}').rstrip(b"=").decode()
        done = {"record_id": "r", "index": 0, "sub": "s", "promise": f"e30.{payload}.sig"}
        for statement in (
            "INSERT INTO logs (id, origin, own, size, edge, folded) VALUES (1, 'a/log', :yes, 1, :leaf, 1)",
            "INSERT INTO entries (log_id, idx, leaf, entry) VALUES (1, 0, :leaf, :entry)",
            "INSERT INTO citizens (id, wrapped_key) VALUES ('c', :leaf)",
            "INSERT INTO vault VALUES (:leaf, 'name', 'c', :entry, 1, 's', 0)",
            "INSERT INTO numbers VALUES (:leaf, 1, 's', 'c', NULL)",
            "INSERT INTO once VALUES ('deed', :done, 1790000000)",
        ):
            values = {"yes": True, "leaf": b"l" * 32, "entry": b"e" * 2_000, "done": json.dumps(done)}
            connection.execute(text(statement), {name: values[name] for name in values if f":{name}" in statement})
    migrate(empty)
    check_current(empty)
    with reading(empty) as connection:
        assert entries.read_entries(connection, 1, 0, 1) == [b"e" * 2_000]
        assert [(row.name, row.sealed) for row in read_rows(connection, ["s"])] == [("name", b"e" * 2_000)]
        assert lookups.read_owner(connection, (1, "s")) == "c"
        kept = lookups.read_once(connection, "deed")
    assert kept == {"record_id": "r", "index": 0, "sub": "s", "at": 1_790_000_000}


def test_an_older_database_is_refused_with_the_command_that_mends_it(empty):
    with pytest.raises(Misconfigured, match="migrate"):
        check_current(empty)


def test_a_database_from_the_future_is_refused_and_left_alone(empty):
    migrate(empty)
    with transaction(empty) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'ffff'"))
    with pytest.raises(Misconfigured, match="newer"):
        check_current(empty)
