"""keys and promises: how each department's log began, and what others were promised

Revision: 0003, after 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("peers") as peers:
        peers.add_column(sa.Column("genesis", sa.LargeBinary(length=32), nullable=True))
    op.create_table(
        "promises",
        sa.Column("log_id", sa.Integer(), nullable=False),
        sa.Column("idx", sa.BigInteger(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(length=32), nullable=False),
        sa.Column("promise", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("taken_at", sa.BigInteger(), nullable=False),
        sa.Column("finding", sa.String(length=8), nullable=True),
        sa.Column("settled", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["log_id"], ["logs.id"], name=op.f("fk_promises_log_id")),
        sa.PrimaryKeyConstraint("log_id", "idx", "leaf", name=op.f("pk_promises")),
    )


def downgrade() -> None:
    op.drop_table("promises")
    with op.batch_alter_table("peers") as peers:
        peers.drop_column("genesis")
