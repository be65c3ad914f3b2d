"""coming in: one-time pages, and who an ID number belongs to

Revision: 0002, after 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "id_numbers",
        sa.Column("mac", sa.LargeBinary(length=32), nullable=False),
        sa.Column("citizen", sa.String(length=22), nullable=False),
        sa.ForeignKeyConstraint(["citizen"], ["citizens.id"], name=op.f("fk_id_numbers_citizen")),
        sa.PrimaryKeyConstraint("mac", name=op.f("pk_id_numbers")),
    )
    op.create_table(
        "tickets",
        sa.Column("mac", sa.LargeBinary(length=32), nullable=False),
        sa.Column("officer", sa.String(length=22), nullable=False),
        sa.Column("purpose", sa.String(length=8), nullable=False),
        sa.Column("about", sa.String(length=48), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.Column("slip", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("mac", name=op.f("pk_tickets")),
    )


def downgrade() -> None:
    op.drop_table("tickets")
    op.drop_table("id_numbers")
