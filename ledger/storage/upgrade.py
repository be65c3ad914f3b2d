"""Brings a node's database to the tables that this version of the program knows, and refuses to start on older ones."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from ledger.errors import Misconfigured
from ledger.storage.engine import reading, transaction

MIGRATIONS = Path(__file__).parents[2] / "migrations"


def migrate(engine: Engine) -> None:
    """Apply every migration that is still missing, all of them in one transaction. Raises Busy."""
    with transaction(engine) as connection:
        migrate_on(connection)


def migrate_on(connection: Connection) -> None:
    """The same, in a writer's transaction that goes on afterwards."""
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def newest_revision() -> str:
    """The revision of the tables that this version of the program knows."""
    return ",".join(sorted(ScriptDirectory.from_config(_config()).get_heads()))


def current_revision(connection: Connection) -> str:
    """The revision of the tables in a database."""
    return ",".join(sorted(MigrationContext.configure(connection).get_current_heads()))


def check_current(engine: Engine) -> None:
    """Check that the database is exactly of this version; raises Misconfigured with the command that mends it."""
    expected = set(ScriptDirectory.from_config(_config()).get_heads())
    with reading(engine) as connection:
        found = set(MigrationContext.configure(connection).get_current_heads())
    if found == expected:
        return
    if not found <= _known():
        raise Misconfigured("the database was made by a newer version of this program; run that version")
    raise Misconfigured("the database is older than this program; run: python app.py migrate")


def _known() -> set[str]:
    return {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}


def _config() -> Config:
    return Config(str(MIGRATIONS / "alembic.ini"))
