"""Runs the migrations over the tables of the ledger and of the bot, which share a node's database."""

from alembic import context
from sqlalchemy import Connection

from bot.storage import metadata as bot_tables
from ledger.storage.engine import open_engine, transaction
from ledger.storage.schema import metadata as ledger_tables


def run_on(connection: Connection) -> None:
    # SQLite changes a table by copying it: `render_as_batch` writes migrations that do so.
    tables = [ledger_tables, bot_tables]
    context.configure(connection=connection, target_metadata=tables, render_as_batch=True, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()


handed_in = context.config.attributes.get("connection")
if handed_in is not None:
    run_on(handed_in)
else:
    engine = open_engine(context.get_x_argument(as_dictionary=True)["url"])
    with transaction(engine) as own:
        run_on(own)
    engine.dispose()
