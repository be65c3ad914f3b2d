"""fewer pages: an act writes to fewer places

Small rows that are looked up by their key lie in its order (SQLite's WITHOUT ROWID); entries, which are long, do not
any more. The vault's key grows with the log. An index that nobody asked is gone, another leaves out what refers to
nothing. A promise is not kept beside the act: it is made of what is kept.

Revision: 0004, after 0003
"""

import base64
import json

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _without_promises()
    op.drop_index("ix_once_at", "once")
    op.drop_index("ix_objects_ref", "objects")
    refers = sa.text("ref_handle IS NOT NULL")
    op.create_index("ix_objects_ref", "objects", ["ref_handle"], sqlite_where=refers, postgresql_where=refers)
    if op.get_bind().dialect.name != "sqlite":
        op.drop_constraint("pk_vault", "vault")
        op.create_primary_key("pk_vault", "vault", ["log_id", "idx", "name"])
    else:
        _rebuild("entries", _entries(with_rowid=True), [("ix_entries_leaf", ["leaf"])])
        _rebuild("once", _once(with_rowid=False), [])
        _rebuild("vault", _vault("log_id", "idx", "name"), [("ix_vault_handle", ["handle"])])
        _rebuild("numbers", _numbers(with_rowid=False), [("ix_numbers_citizen", ["citizen"])])


def downgrade() -> None:
    if op.get_bind().dialect.name != "sqlite":
        op.drop_constraint("pk_vault", "vault")
        op.create_primary_key("pk_vault", "vault", ["leaf", "name"])
    else:
        _rebuild("entries", _entries(with_rowid=False), [("ix_entries_leaf", ["leaf"])])
        _rebuild("once", _once(with_rowid=True), [])
        _rebuild("vault", _vault("leaf", "name"), [("ix_vault_handle", ["handle"])])
        _rebuild("numbers", _numbers(with_rowid=True), [("ix_numbers_citizen", ["citizen"])])
    op.drop_index("ix_objects_ref", "objects")
    op.create_index("ix_objects_ref", "objects", ["ref_handle"])
    op.create_index("ix_once_at", "once", ["at"])


def _without_promises() -> None:
    connection = op.get_bind()
    once = sa.table("once", sa.column("key", sa.String), sa.column("result", sa.JSON))
    for key, result in connection.execute(sa.select(once.c.key, once.c.result)).all():
        if "promise" in result:
            payload = result.pop("promise").split(".")[1]
            result["at"] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["iat"]
            connection.execute(sa.update(once).where(once.c.key == key).values(result=result))


def _rebuild(name: str, parts: tuple[list[sa.schema.SchemaItem], bool], indexes: list[tuple[str, list[str]]]) -> None:
    items, with_rowid = parts
    made = op.create_table(f"{name}_new", *items, sqlite_with_rowid=with_rowid)
    columns = ", ".join(f'"{column.name}"' for column in made.columns)
    op.execute(f"INSERT INTO {name}_new ({columns}) SELECT {columns} FROM {name}")  # noqa: S608 -- our own names
    op.drop_table(name)
    op.rename_table(f"{name}_new", name)
    for index, of in indexes:
        op.create_index(index, name, of)


def _entries(*, with_rowid: bool) -> tuple[list[sa.schema.SchemaItem], bool]:
    return [
        sa.Column("log_id", sa.Integer(), nullable=False),
        sa.Column("idx", sa.BigInteger(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(length=32), nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["log_id"], ["logs.id"], name="fk_entries_log_id"),
        sa.PrimaryKeyConstraint("log_id", "idx", name="pk_entries"),
    ], with_rowid


def _once(*, with_rowid: bool) -> tuple[list[sa.schema.SchemaItem], bool]:
    return [
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("result", sa.JSON(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_once"),
    ], with_rowid


def _vault(*key: str) -> tuple[list[sa.schema.SchemaItem], bool]:
    return [
        sa.Column("leaf", sa.LargeBinary(length=32), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("citizen", sa.String(length=22), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("log_id", sa.Integer(), nullable=False),
        sa.Column("handle", sa.String(length=22), nullable=False),
        sa.Column("idx", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["citizen"], ["citizens.id"], name="fk_vault_citizen"),
        sa.ForeignKeyConstraint(["log_id"], ["logs.id"], name="fk_vault_log_id"),
        sa.PrimaryKeyConstraint(*key, name="pk_vault"),
    ], True


def _numbers(*, with_rowid: bool) -> tuple[list[sa.schema.SchemaItem], bool]:
    return [
        sa.Column("mac", sa.LargeBinary(length=32), nullable=False),
        sa.Column("log_id", sa.Integer(), nullable=False),
        sa.Column("handle", sa.String(length=22), nullable=False),
        sa.Column("citizen", sa.String(length=22), nullable=False),
        sa.Column("code_mac", sa.LargeBinary(length=32), nullable=True),
        sa.ForeignKeyConstraint(["citizen"], ["citizens.id"], name="fk_numbers_citizen"),
        sa.ForeignKeyConstraint(["log_id"], ["logs.id"], name="fk_numbers_log_id"),
        sa.PrimaryKeyConstraint("mac", name="pk_numbers"),
        sa.UniqueConstraint("log_id", "handle", name="uq_numbers_log_id"),
    ], with_rowid
