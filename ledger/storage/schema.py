"""The tables of the ledger, in SQLAlchemy Core, the same for SQLite and PostgreSQL.

One shape serves our own log and the mirrors of others: `log_id` tells them apart. Times are seconds since 1970, UTC.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_Id = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows by itself only for INTEGER

# Two rows: another number after each writer's transaction, and after each that may have changed a fact. What was read
# stays true while they stand still.
moment = Table(
    "moment",
    metadata,
    Column("id", SmallInteger, primary_key=True),
    Column("value", BigInteger, nullable=False),
)

# --- the logs: ours and the mirrors ---

logs = Table(
    "logs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("origin", String(255), nullable=False, unique=True),
    Column("own", Boolean, nullable=False),
    Column("size", BigInteger, nullable=False),  # entries stored
    Column("edge", LargeBinary, nullable=False),  # the compact range of that size: the right edge of the tree
    Column("folded", BigInteger, nullable=False),  # entries checked and folded into objects
    Column("department", String(40)),  # from its genesis, once folded
    Column("number_prefix", String(4)),  # likewise
    # Size of the first head that another department cosigned: what is below it was said before the network watched.
    Column("first_cosigned", BigInteger),
)

entries = Table(
    "entries",
    metadata,
    Column("log_id", Integer, ForeignKey("logs.id"), nullable=False),
    Column("idx", BigInteger, nullable=False),
    Column("leaf", LargeBinary(32), nullable=False),  # also element idx of the tiles of level 0
    Column("entry", LargeBinary, nullable=False),
    PrimaryKeyConstraint("log_id", "idx"),
    # Not unique: our own log refuses the same bytes twice, but a peer's is kept as it is, and the second is a finding.
    Index("ix_entries_leaf", "leaf"),
)

tile_hashes = Table(  # levels 1 and up: one hash for 256 below it
    "tile_hashes",
    metadata,
    Column("log_id", Integer, ForeignKey("logs.id"), nullable=False),
    Column("level", Integer, nullable=False),
    Column("idx", BigInteger, nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
    PrimaryKeyConstraint("log_id", "level", "idx"),
    sqlite_with_rowid=False,
)

heads = Table(  # checkpoints: ours as signed, a peer's as last accepted, with the log's own signature lines only
    "heads",
    metadata,
    Column("log_id", Integer, ForeignKey("logs.id"), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("root", LargeBinary(32), nullable=False),
    Column("signed", LargeBinary, nullable=False),  # the signed note
    Column("at", BigInteger, nullable=False),
    Column("published", Boolean, nullable=False, default=False),  # ours: what /log/checkpoint shows is the largest
    # The note with its cosignatures, at most 16 lines: ours as shown at /log/checkpoint, a peer's as last mirrored.
    Column("served", LargeBinary),
    PrimaryKeyConstraint("log_id", "size"),
)

cosignatures = Table(  # the newest of each cosigner's key over each log
    "cosignatures",
    metadata,
    Column("log_id", Integer, ForeignKey("logs.id"), nullable=False),
    Column("name", String(255), nullable=False),  # the cosigner, e.g. caizheng.example/mirror
    Column("key_id", LargeBinary(4), nullable=False),
    Column("role", String(8), nullable=False),  # witness, mirror
    Column("size", BigInteger, nullable=False),
    Column("root", LargeBinary(32), nullable=False),
    Column("time", BigInteger, nullable=False),
    Column("line", Text, nullable=False),  # the signature line as it stands in a note
    PrimaryKeyConstraint("log_id", "name", "key_id"),
)

witnessed = Table(  # the last head our witness cosigned, by origin: members and strangers
    "witnessed",
    metadata,
    Column("origin", String(255), primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("root", LargeBinary(32), nullable=False),
    Column("signed", LargeBinary, nullable=False),  # the checkpoint with the log's lines and our two
    Column("time", BigInteger, nullable=False),
)

witness_logs = Table(  # strangers' logs that we cosign
    "witness_logs",
    metadata,
    Column("origin", String(255), nullable=False),
    Column("vkey", Text, nullable=False),
    PrimaryKeyConstraint("origin", "vkey"),
)

outside_witnesses = Table(  # programs that cosign our log, and are no member's
    "outside_witnesses",
    metadata,
    Column("name", String(255), nullable=False),
    Column("vkey", Text, nullable=False),
    Column("url", String(512), nullable=False),  # the submission prefix
    Column("removed", Boolean, nullable=False, default=False),  # heads that it cosigned may still be here
    Column("failures", Integer, nullable=False, default=0),  # in a row
    Column("failed_at", BigInteger),
    Column("last_error", String(200)),
    PrimaryKeyConstraint("name", "vkey"),
)

peers = Table(
    "peers",
    metadata,
    Column("origin", String(255), primary_key=True),
    Column("name", String(64), nullable=False),
    Column("url", String(512), nullable=False),
    Column("number_prefix", String(4), nullable=False),
    Column("desk_key", LargeBinary(32), nullable=False),
    Column("log_vkeys", JSON, nullable=False),
    Column("witness_vkeys", JSON, nullable=False),
    Column("mirror_vkeys", JSON, nullable=False),
    Column("handle", String(22), nullable=False),  # of our membership records about it
    Column("removed", Boolean, nullable=False, default=False),
    Column("forked", Boolean, nullable=False, default=False),
    Column("failures", Integer, nullable=False, default=0),
    Column("checked_at", BigInteger),  # the last round that went well
    Column("last_error", String(200)),
    Column("genesis", LargeBinary(32)),  # leaf of its log's first record, as it was when it was added
)

invitations = Table(  # codes by which one other department may ask to join, and who asked
    "invitations",
    metadata,
    Column("code_key", LargeBinary(32), primary_key=True),  # the public half of the code's secret, which is not here
    Column("expires", BigInteger, nullable=False),
    Column("refused", Boolean, nullable=False, default=False),
    Column("origin", String(255)),  # who asked by it first: from then on it is theirs alone
    Column("asked", Text),  # how they introduced themselves, as JSON
    Column("asked_at", BigInteger),
)

promises = Table(  # what other departments have promised, as left here; what was kept is not
    "promises",
    metadata,
    Column("log_id", Integer, ForeignKey("logs.id"), nullable=False),
    Column("idx", BigInteger, nullable=False),
    Column("leaf", LargeBinary(32), nullable=False),
    Column("promise", Text, nullable=False),  # the JWS: with the log it is all the evidence there is
    Column("at", BigInteger, nullable=False),  # when it was given
    Column("taken_at", BigInteger, nullable=False),  # when it was left here
    Column("finding", String(8)),  # R48, once it was found broken or late
    Column("settled", Boolean, nullable=False, default=False),  # another record stands there: nothing can mend that
    PrimaryKeyConstraint("log_id", "idx", "leaf"),
)

# --- what is true now ---

signers = Table(  # whose key counts in which log, from which index on
    "signers",
    metadata,
    Column("log_id", Integer, ForeignKey("logs.id"), nullable=False),
    Column("kid", String(43), nullable=False),
    Column("handle", String(22), nullable=False),
    Column("public_key", LargeBinary(32), nullable=False),
    Column("roles", JSON, nullable=False),  # ["desk"] for the node's own key
    Column("person", String(64), nullable=False),
    Column("from_index", BigInteger, nullable=False),
    Column("to_index", BigInteger),  # the first index at which it no longer counts
    PrimaryKeyConstraint("log_id", "kid"),
)

_REFERS = text("ref_handle IS NOT NULL")

objects = Table(
    "objects",
    metadata,
    Column("log_id", Integer, ForeignKey("logs.id"), nullable=False),
    Column("handle", String(22), nullable=False),
    Column("topic", String(12), nullable=False),
    Column("status", String(24), nullable=False),
    Column("folded", Text, nullable=False),  # records.codec: as its records have left it, read only when asked
    Column("idx", BigInteger, nullable=False),  # of the newest entry that touched it
    Column("since", BigInteger, nullable=False),
    Column("created", BigInteger, nullable=False),  # `iat` and index of its first record: what is oldest
    Column("first_idx", BigInteger, nullable=False),
    Column("ref_log", String(255)),  # award -> case, payment -> award, word -> payment
    Column("ref_handle", String(22)),
    Column("payer", String(255)),  # award: the log of the department that pays
    Column("disputed", BigInteger),  # the first entry about it that was refused (R50)
    PrimaryKeyConstraint("log_id", "handle"),
    Index("ix_objects_topic_status", "log_id", "topic", "status"),
    # Handles are random: the log is compared as well, and need not be indexed.
    Index("ix_objects_ref", "ref_handle", sqlite_where=_REFERS, postgresql_where=_REFERS),
)

feed = Table(  # what we folded, in the order we folded it
    "feed",
    metadata,
    Column("pos", _Id, primary_key=True, autoincrement=True),
    Column("log_id", Integer, ForeignKey("logs.id"), nullable=False),
    Column("idx", BigInteger, nullable=False),
    Column("handle", String(22), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("at", BigInteger, nullable=False),  # the record's `iat`
    Column("story", Boolean, nullable=False, default=False),  # told before the network began: nobody is notified
    UniqueConstraint("log_id", "idx"),
    Index("ix_feed_handle", "handle"),
)

cursors = Table(
    "cursors",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("pos", BigInteger, nullable=False),
)

findings = Table(
    "findings",
    metadata,
    Column("id", String(8), primary_key=True),
    Column("rule", String(3), nullable=False),
    Column("severity", String(1), nullable=False),
    Column("state", String(8), nullable=False),  # by the rule alone: open, ended
    Column("answered", String(12)),  # by what departments said: explained, settled, confirmed, false-alarm
    Column("log_id", Integer),  # of the object concerned
    Column("handle", String(22)),
    Column("facts", JSON, nullable=False),  # departments, amounts in fen, record ids: what the sentences need
    Column("compared", JSON),  # base64url of the hashes compared, sorted; None: found by an older version
    Column("raised_at", BigInteger, nullable=False),
    Column("answer_by", String(10), nullable=False),  # the last day to explain
    Column("ended_at", BigInteger),
    Index("ix_findings_object", "log_id", "handle"),
    Index("ix_findings_state", "state"),
)

finding_steps = Table(  # what a finding has been, oldest first: it is never deleted, and may come back
    "finding_steps",
    metadata,
    Column("pos", _Id, primary_key=True, autoincrement=True),
    Column("finding", String(8), ForeignKey("findings.id"), nullable=False, index=True),
    Column("state", String(8), nullable=False),
    Column("severity", String(1), nullable=False),
    Column("facts", JSON, nullable=False),
    Column("at", BigInteger, nullable=False),
)

evidence = Table(
    "evidence",
    metadata,
    Column("finding", String(8), primary_key=True),
    Column("origin", String(255), nullable=False),
    Column("older", LargeBinary, nullable=False),
    Column("newer", LargeBinary, nullable=False),
    Column("proof", JSON, nullable=False),
    Column("at", BigInteger, nullable=False),
)

due = Table(  # what a rule looks at again when its time has come, as nothing else will happen then
    "due",
    metadata,
    Column("rule", String(3), nullable=False),
    Column("log_id", Integer, ForeignKey("logs.id"), nullable=False),
    Column("handle", String(22), nullable=False),
    Column("at", BigInteger, nullable=False),
    PrimaryKeyConstraint("rule", "log_id", "handle"),
    Index("ix_due_at", "at"),
    sqlite_with_rowid=False,
)

lagging = Table(  # since when a mirror has vouched for less of a log than we hold
    "lagging",
    metadata,
    Column("log_id", Integer, ForeignKey("logs.id"), nullable=False),
    Column("name", String(255), nullable=False),  # the mirror
    Column("size", BigInteger, nullable=False),  # what it vouched for all the while
    Column("since", BigInteger, nullable=False),
    PrimaryKeyConstraint("log_id", "name"),
)

waiting = Table(  # references to what is not mirrored yet
    "waiting",
    metadata,
    Column("log_id", Integer, nullable=False),
    Column("handle", String(22), nullable=False),
    Column("ref_log", String(255), nullable=False),
    Column("ref_handle", String(22), nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("private", Boolean, nullable=False, default=False),  # the object is here, its disclosures are not
    PrimaryKeyConstraint("log_id", "handle", "private"),
    # While a department is away all that refers to it waits here: what waits for one object, and what waits too long.
    Index("ix_waiting_ref", "ref_handle"),
    Index("ix_waiting_since", "since"),
)

# --- what is private ---

citizens = Table(
    "citizens",
    metadata,
    Column("id", String(22), primary_key=True),
    Column("wrapped_key", LargeBinary, nullable=False),  # AES-256-GCM under the vault key
)

vault = Table(
    "vault",
    metadata,
    Column("leaf", LargeBinary(32), nullable=False),
    Column("name", String(40), nullable=False),
    Column("citizen", String(22), ForeignKey("citizens.id"), nullable=False),
    Column("sealed", LargeBinary, nullable=False),  # nonce and AES-256-GCM of the disclosure, bound to leaf and name
    Column("log_id", Integer, ForeignKey("logs.id"), nullable=False),
    Column("handle", String(22), nullable=False),  # the object that the record is about
    Column("idx", BigInteger, nullable=False),  # the record's: the newest of a name is what counts
    PrimaryKeyConstraint("log_id", "idx", "name"),
    Index("ix_vault_handle", "handle"),
)

numbers = Table(  # the way from a typed number to its object, without the number
    "numbers",
    metadata,
    Column("mac", LargeBinary(32), primary_key=True),  # HMAC-SHA-256 of the number
    Column("log_id", Integer, ForeignKey("logs.id"), nullable=False),
    Column("handle", String(22), nullable=False),
    Column("citizen", String(22), ForeignKey("citizens.id"), nullable=False),
    Column("code_mac", LargeBinary(32)),  # HMAC-SHA-256 of the query code; None: by binding only
    UniqueConstraint("log_id", "handle"),
    Index("ix_numbers_citizen", "citizen"),
    sqlite_with_rowid=False,
)

id_numbers = Table(  # the way from an ID number to its citizen, without the number
    "id_numbers",
    metadata,
    Column("mac", LargeBinary(32), primary_key=True),  # HMAC-SHA-256 of the number
    Column("citizen", String(22), ForeignKey("citizens.id"), nullable=False),
)

bindings = Table(
    "bindings",
    metadata,
    Column("openid", String(64), nullable=False),
    Column("citizen", String(22), ForeignKey("citizens.id"), nullable=False),
    Column("level", Integer, nullable=False),
    Column("since", BigInteger, nullable=False),
    PrimaryKeyConstraint("openid", "citizen"),
    Index("ix_bindings_citizen", "citizen"),
)

officer_accounts = Table(
    "officer_accounts",
    metadata,
    Column("openid", String(64), primary_key=True),
    Column("handle", String(22), nullable=False, unique=True),
    Column("since", BigInteger, nullable=False),
)

officer_keys = Table(  # our own officers' keys, custody: server
    "officer_keys",
    metadata,
    Column("handle", String(22), primary_key=True),
    Column("kid", String(43), nullable=False),
    Column("citizen", String(22), ForeignKey("citizens.id"), nullable=False),  # whose vault key seals their name
    Column("sealed_key", LargeBinary, nullable=False),
    Column("sealed_totp", LargeBinary, nullable=False),
    Column("totp_wrong", Integer, nullable=False, default=0),
    Column("totp_locked_until", BigInteger, nullable=False, default=0),
)

totp_used = Table(
    "totp_used",
    metadata,
    Column("handle", String(22), nullable=False),
    Column("step", BigInteger, nullable=False),
    Column("once", String(200), nullable=False),  # a retry of the same delivery is the same use
    PrimaryKeyConstraint("handle", "step"),
)

binding_codes = Table(
    "binding_codes",
    metadata,
    Column("mac", LargeBinary(32), primary_key=True),
    Column("citizen", String(22)),
    Column("officer", String(22)),
    Column("level", Integer, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("used_by", String(64)),
)

tries = Table(  # wrong query and binding codes, by sender and by number typed
    "tries",
    metadata,
    Column("key", LargeBinary(32), primary_key=True),  # HMAC of what is counted
    Column("window", BigInteger, nullable=False),
    Column("count", Integer, nullable=False),
)

# --- doing a thing once ---

tickets = Table(  # one-time pages: whoever holds the link fills in one form; that one was used stands in `once`
    "tickets",
    metadata,
    Column("mac", LargeBinary(32), primary_key=True),  # HMAC-SHA-256 of the token in the link
    Column("officer", String(22), nullable=False),  # handle: who asked for it, and signs what comes of it
    Column("purpose", String(8), nullable=False),
    Column("about", String(48), nullable=False),  # code of a matter, or handle of an award
    Column("expires", BigInteger, nullable=False),
    Column("slip", LargeBinary),  # sealed: what the slip says beside the case, its QR code too
)

once = Table(
    "once",
    metadata,
    Column("key", String(200), primary_key=True),
    Column("result", JSON, nullable=False),
    Column("at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

nonces = Table(
    "nonces",
    metadata,
    Column("keyid", String(43), nullable=False),
    Column("nonce", String(64), nullable=False),
    Column("expires", BigInteger, nullable=False),
    PrimaryKeyConstraint("keyid", "nonce"),
)

leases = Table(
    "leases",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("beat", BigInteger, nullable=False),  # when the holder was last seen
)

sequences = Table(  # the next sequence of a day's numbers
    "sequences",
    metadata,
    Column("day", String(6), primary_key=True),
    Column("next", Integer, nullable=False),
)
