"""the first tables

Revision: 0001, after
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "binding_codes",
        sa.Column("mac", sa.LargeBinary(length=32), nullable=False),
        sa.Column("citizen", sa.String(length=22), nullable=True),
        sa.Column("officer", sa.String(length=22), nullable=True),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.Column("used_by", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("mac", name=op.f("pk_binding_codes")),
    )
    op.create_table(
        "citizens",
        sa.Column("id", sa.String(length=22), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_citizens")),
    )
    op.create_table(
        "cursors",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("pos", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_cursors")),
    )
    op.create_table(
        "evidence",
        sa.Column("finding", sa.String(length=8), nullable=False),
        sa.Column("origin", sa.String(length=255), nullable=False),
        sa.Column("older", sa.LargeBinary(), nullable=False),
        sa.Column("newer", sa.LargeBinary(), nullable=False),
        sa.Column("proof", sa.JSON(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("finding", name=op.f("pk_evidence")),
    )
    op.create_table(
        "findings",
        sa.Column("id", sa.String(length=8), nullable=False),
        sa.Column("rule", sa.String(length=3), nullable=False),
        sa.Column("severity", sa.String(length=1), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("log_id", sa.Integer(), nullable=True),
        sa.Column("handle", sa.String(length=22), nullable=True),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("raised_at", sa.BigInteger(), nullable=False),
        sa.Column("answer_by", sa.String(length=10), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_findings")),
    )
    with op.batch_alter_table("findings", schema=None) as batch_op:
        batch_op.create_index("ix_findings_object", ["log_id", "handle"], unique=False)
        batch_op.create_index("ix_findings_state", ["state"], unique=False)

    op.create_table(
        "leases",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("holder", sa.String(length=64), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("beat", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
    )
    op.create_table(
        "logs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("origin", sa.String(length=255), nullable=False),
        sa.Column("own", sa.Boolean(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("edge", sa.LargeBinary(), nullable=False),
        sa.Column("folded", sa.BigInteger(), nullable=False),
        sa.Column("department", sa.String(length=40), nullable=True),
        sa.Column("number_prefix", sa.String(length=4), nullable=True),
        sa.Column("first_cosigned", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_logs")),
        sa.UniqueConstraint("origin", name=op.f("uq_logs_origin")),
    )
    op.create_table(
        "nonces",
        sa.Column("keyid", sa.String(length=43), nullable=False),
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("keyid", "nonce", name=op.f("pk_nonces")),
    )
    op.create_table(
        "officer_accounts",
        sa.Column("openid", sa.String(length=64), nullable=False),
        sa.Column("handle", sa.String(length=22), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("openid", name=op.f("pk_officer_accounts")),
        sa.UniqueConstraint("handle", name=op.f("uq_officer_accounts_handle")),
    )
    op.create_table(
        "once",
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("result", sa.JSON(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_once")),
    )
    with op.batch_alter_table("once", schema=None) as batch_op:
        batch_op.create_index("ix_once_at", ["at"], unique=False)

    op.create_table(
        "peers",
        sa.Column("origin", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("url", sa.String(length=512), nullable=False),
        sa.Column("number_prefix", sa.String(length=4), nullable=False),
        sa.Column("desk_key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("log_vkeys", sa.JSON(), nullable=False),
        sa.Column("witness_vkeys", sa.JSON(), nullable=False),
        sa.Column("mirror_vkeys", sa.JSON(), nullable=False),
        sa.Column("handle", sa.String(length=22), nullable=False),
        sa.Column("removed", sa.Boolean(), nullable=False),
        sa.Column("forked", sa.Boolean(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("checked_at", sa.BigInteger(), nullable=True),
        sa.Column("last_error", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("origin", name=op.f("pk_peers")),
    )
    op.create_table(
        "sequences",
        sa.Column("day", sa.String(length=6), nullable=False),
        sa.Column("next", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_sequences")),
    )
    op.create_table(
        "totp_used",
        sa.Column("handle", sa.String(length=22), nullable=False),
        sa.Column("step", sa.BigInteger(), nullable=False),
        sa.Column("once", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("handle", "step", name=op.f("pk_totp_used")),
    )
    op.create_table(
        "tries",
        sa.Column("key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("window", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_tries")),
    )
    op.create_table(
        "waiting",
        sa.Column("log_id", sa.Integer(), nullable=False),
        sa.Column("handle", sa.String(length=22), nullable=False),
        sa.Column("ref_log", sa.String(length=255), nullable=False),
        sa.Column("ref_handle", sa.String(length=22), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("private", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("log_id", "handle", "private", name=op.f("pk_waiting")),
    )
    op.create_table(
        "witness_logs",
        sa.Column("origin", sa.String(length=255), nullable=False),
        sa.Column("vkey", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("origin", "vkey", name=op.f("pk_witness_logs")),
    )
    op.create_table(
        "witnessed",
        sa.Column("origin", sa.String(length=255), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(length=32), nullable=False),
        sa.Column("signed", sa.LargeBinary(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("origin", name=op.f("pk_witnessed")),
    )
    op.create_table(
        "bindings",
        sa.Column("openid", sa.String(length=64), nullable=False),
        sa.Column("citizen", sa.String(length=22), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["citizen"], ["citizens.id"], name=op.f("fk_bindings_citizen")),
        sa.PrimaryKeyConstraint("openid", "citizen", name=op.f("pk_bindings")),
    )
    with op.batch_alter_table("bindings", schema=None) as batch_op:
        batch_op.create_index("ix_bindings_citizen", ["citizen"], unique=False)

    op.create_table(
        "cosignatures",
        sa.Column("log_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("key_id", sa.LargeBinary(length=4), nullable=False),
        sa.Column("role", sa.String(length=8), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(length=32), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["log_id"], ["logs.id"], name=op.f("fk_cosignatures_log_id")),
        sa.PrimaryKeyConstraint("log_id", "name", "key_id", name=op.f("pk_cosignatures")),
    )
    op.create_table(
        "entries",
        sa.Column("log_id", sa.Integer(), nullable=False),
        sa.Column("idx", sa.BigInteger(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(length=32), nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["log_id"], ["logs.id"], name=op.f("fk_entries_log_id")),
        sa.PrimaryKeyConstraint("log_id", "idx", name=op.f("pk_entries")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("entries", schema=None) as batch_op:
        batch_op.create_index("ix_entries_leaf", ["leaf"], unique=False)

    op.create_table(
        "feed",
        sa.Column("pos", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("log_id", sa.Integer(), nullable=False),
        sa.Column("idx", sa.BigInteger(), nullable=False),
        sa.Column("handle", sa.String(length=22), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("story", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["log_id"], ["logs.id"], name=op.f("fk_feed_log_id")),
        sa.PrimaryKeyConstraint("pos", name=op.f("pk_feed")),
        sa.UniqueConstraint("log_id", "idx", name=op.f("uq_feed_log_id")),
    )
    with op.batch_alter_table("feed", schema=None) as batch_op:
        batch_op.create_index("ix_feed_handle", ["handle"], unique=False)

    op.create_table(
        "finding_steps",
        sa.Column("pos", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("finding", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("severity", sa.String(length=1), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["finding"], ["findings.id"], name=op.f("fk_finding_steps_finding")),
        sa.PrimaryKeyConstraint("pos", name=op.f("pk_finding_steps")),
    )
    with op.batch_alter_table("finding_steps", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_finding_steps_finding"), ["finding"], unique=False)

    op.create_table(
        "heads",
        sa.Column("log_id", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(length=32), nullable=False),
        sa.Column("signed", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("published", sa.Boolean(), nullable=False),
        sa.Column("served", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["log_id"], ["logs.id"], name=op.f("fk_heads_log_id")),
        sa.PrimaryKeyConstraint("log_id", "size", name=op.f("pk_heads")),
    )
    op.create_table(
        "moment",
        sa.Column("id", sa.SmallInteger(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_moment")),
    )
    op.create_table(
        "numbers",
        sa.Column("mac", sa.LargeBinary(length=32), nullable=False),
        sa.Column("log_id", sa.Integer(), nullable=False),
        sa.Column("handle", sa.String(length=22), nullable=False),
        sa.Column("citizen", sa.String(length=22), nullable=False),
        sa.Column("code_mac", sa.LargeBinary(length=32), nullable=True),
        sa.ForeignKeyConstraint(["citizen"], ["citizens.id"], name=op.f("fk_numbers_citizen")),
        sa.ForeignKeyConstraint(["log_id"], ["logs.id"], name=op.f("fk_numbers_log_id")),
        sa.PrimaryKeyConstraint("mac", name=op.f("pk_numbers")),
        sa.UniqueConstraint("log_id", "handle", name=op.f("uq_numbers_log_id")),
    )
    with op.batch_alter_table("numbers", schema=None) as batch_op:
        batch_op.create_index("ix_numbers_citizen", ["citizen"], unique=False)

    op.create_table(
        "objects",
        sa.Column("log_id", sa.Integer(), nullable=False),
        sa.Column("handle", sa.String(length=22), nullable=False),
        sa.Column("topic", sa.String(length=12), nullable=False),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.Column("idx", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("first_idx", sa.BigInteger(), nullable=False),
        sa.Column("ref_log", sa.String(length=255), nullable=True),
        sa.Column("ref_handle", sa.String(length=22), nullable=True),
        sa.Column("payer", sa.String(length=255), nullable=True),
        sa.Column("disputed", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["log_id"], ["logs.id"], name=op.f("fk_objects_log_id")),
        sa.PrimaryKeyConstraint("log_id", "handle", name=op.f("pk_objects")),
    )
    with op.batch_alter_table("objects", schema=None) as batch_op:
        batch_op.create_index("ix_objects_ref", ["ref_handle"], unique=False)
        batch_op.create_index("ix_objects_topic_status", ["log_id", "topic", "status"], unique=False)

    op.create_table(
        "officer_keys",
        sa.Column("handle", sa.String(length=22), nullable=False),
        sa.Column("kid", sa.String(length=43), nullable=False),
        sa.Column("citizen", sa.String(length=22), nullable=False),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_totp", sa.LargeBinary(), nullable=False),
        sa.Column("totp_wrong", sa.Integer(), nullable=False),
        sa.Column("totp_locked_until", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["citizen"], ["citizens.id"], name=op.f("fk_officer_keys_citizen")),
        sa.PrimaryKeyConstraint("handle", name=op.f("pk_officer_keys")),
    )
    op.create_table(
        "signers",
        sa.Column("log_id", sa.Integer(), nullable=False),
        sa.Column("kid", sa.String(length=43), nullable=False),
        sa.Column("handle", sa.String(length=22), nullable=False),
        sa.Column("public_key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("roles", sa.JSON(), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("from_index", sa.BigInteger(), nullable=False),
        sa.Column("to_index", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["log_id"], ["logs.id"], name=op.f("fk_signers_log_id")),
        sa.PrimaryKeyConstraint("log_id", "kid", name=op.f("pk_signers")),
    )
    op.create_table(
        "tile_hashes",
        sa.Column("log_id", sa.Integer(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("idx", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.ForeignKeyConstraint(["log_id"], ["logs.id"], name=op.f("fk_tile_hashes_log_id")),
        sa.PrimaryKeyConstraint("log_id", "level", "idx", name=op.f("pk_tile_hashes")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "vault",
        sa.Column("leaf", sa.LargeBinary(length=32), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("citizen", sa.String(length=22), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("log_id", sa.Integer(), nullable=False),
        sa.Column("handle", sa.String(length=22), nullable=False),
        sa.Column("idx", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["citizen"], ["citizens.id"], name=op.f("fk_vault_citizen")),
        sa.ForeignKeyConstraint(["log_id"], ["logs.id"], name=op.f("fk_vault_log_id")),
        sa.PrimaryKeyConstraint("leaf", "name", name=op.f("pk_vault")),
    )
    with op.batch_alter_table("vault", schema=None) as batch_op:
        batch_op.create_index("ix_vault_handle", ["handle"], unique=False)

    op.create_table(
        "bot_inbox",
        sa.Column("delivery_key", sa.String(length=512), nullable=False),
        sa.Column("openid", sa.String(length=64), nullable=False),
        sa.Column("received_at", sa.Double(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("delivery_key"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "bot_outbox",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.String(length=512), nullable=False),
        sa.Column("openid", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("record", sa.String(length=512), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("next_at", sa.Double(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.Column("done_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
    )
    with op.batch_alter_table("bot_outbox", schema=None) as batch_op:
        batch_op.create_index("bot_outbox_openid_state", ["openid", "state"], unique=False)
        batch_op.create_index("bot_outbox_state_next_at", ["state", "next_at"], unique=False)

    op.create_table(
        "bot_sessions",
        sa.Column("openid", sa.String(length=64), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("lease_until", sa.Double(), nullable=False),
        sa.Column("last_message_at", sa.Double(), nullable=False),
        sa.Column("followed", sa.SmallInteger(), nullable=False),
        sa.Column("subscribed", sa.SmallInteger(), nullable=False),
        sa.Column("heads", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("openid"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "bot_tokens",
        sa.Column("app_id", sa.String(length=64), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.Column("lease_until", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("app_id"),
    )


def downgrade() -> None:
    op.drop_table("moment")
    op.drop_table("bot_tokens")
    op.drop_table("bot_sessions")
    with op.batch_alter_table("bot_outbox", schema=None) as batch_op:
        batch_op.drop_index("bot_outbox_state_next_at")
        batch_op.drop_index("bot_outbox_openid_state")

    op.drop_table("bot_outbox")

    op.drop_table("bot_inbox")
    with op.batch_alter_table("vault", schema=None) as batch_op:
        batch_op.drop_index("ix_vault_handle")

    op.drop_table("vault")
    op.drop_table("tile_hashes")
    op.drop_table("signers")
    op.drop_table("officer_keys")
    with op.batch_alter_table("objects", schema=None) as batch_op:
        batch_op.drop_index("ix_objects_topic_status")
        batch_op.drop_index("ix_objects_ref")

    op.drop_table("objects")
    with op.batch_alter_table("numbers", schema=None) as batch_op:
        batch_op.drop_index("ix_numbers_citizen")

    op.drop_table("numbers")
    op.drop_table("heads")
    with op.batch_alter_table("finding_steps", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_finding_steps_finding"))

    op.drop_table("finding_steps")
    with op.batch_alter_table("feed", schema=None) as batch_op:
        batch_op.drop_index("ix_feed_handle")

    op.drop_table("feed")
    with op.batch_alter_table("entries", schema=None) as batch_op:
        batch_op.drop_index("ix_entries_leaf")

    op.drop_table("entries")
    op.drop_table("cosignatures")
    with op.batch_alter_table("bindings", schema=None) as batch_op:
        batch_op.drop_index("ix_bindings_citizen")

    op.drop_table("bindings")
    op.drop_table("witnessed")
    op.drop_table("witness_logs")
    op.drop_table("waiting")
    op.drop_table("tries")
    op.drop_table("totp_used")
    op.drop_table("sequences")
    op.drop_table("peers")
    with op.batch_alter_table("once", schema=None) as batch_op:
        batch_op.drop_index("ix_once_at")

    op.drop_table("once")
    op.drop_table("officer_accounts")
    op.drop_table("nonces")
    op.drop_table("logs")
    op.drop_table("leases")
    with op.batch_alter_table("findings", schema=None) as batch_op:
        batch_op.drop_index("ix_findings_state")
        batch_op.drop_index("ix_findings_object")

    op.drop_table("findings")
    op.drop_table("evidence")
    op.drop_table("cursors")
    op.drop_table("citizens")
    op.drop_table("binding_codes")
