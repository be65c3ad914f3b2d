"""answers: what departments say of findings, and what a rule looks at again when its time has come

Revision: 0006, after 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("findings", sa.Column("answered", sa.String(length=12), nullable=True))
    op.add_column("findings", sa.Column("compared", sa.JSON(), nullable=True))
    op.create_table(
        "due",
        sa.Column("rule", sa.String(length=3), nullable=False),
        sa.Column("log_id", sa.Integer(), nullable=False),
        sa.Column("handle", sa.String(length=22), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["log_id"], ["logs.id"], name=op.f("fk_due_log_id")),
        sa.PrimaryKeyConstraint("rule", "log_id", "handle", name=op.f("pk_due")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "lagging",
        sa.Column("log_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["log_id"], ["logs.id"], name=op.f("fk_lagging_log_id")),
        sa.PrimaryKeyConstraint("log_id", "name", name=op.f("pk_lagging")),
    )
    op.create_index("ix_due_at", "due", ["at"])


def downgrade() -> None:
    op.drop_table("lagging")
    op.drop_table("due")
    op.drop_column("findings", "compared")
    op.drop_column("findings", "answered")
