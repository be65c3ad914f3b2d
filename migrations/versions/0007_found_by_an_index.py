"""found by an index: what waits for an object, and what has waited too long, whatever else waits

Revision: 0007, after 0006
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_waiting_ref", "waiting", ["ref_handle"])
    op.create_index("ix_waiting_since", "waiting", ["since"])


def downgrade() -> None:
    op.drop_index("ix_waiting_since", "waiting")
    op.drop_index("ix_waiting_ref", "waiting")
