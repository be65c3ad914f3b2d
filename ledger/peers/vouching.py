"""What our mirror vouches for: heads of other logs all of which we hold and have checked, and what we serve of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from ledger.log import cosigned_note
from ledger.merkle.checkpoint import Checkpoint
from ledger.merkle.cosignature import CosignedCheckpoint, cosign
from ledger.merkle.note import SignatureLine, add_signatures
from ledger.peers import witness
from ledger.peers.cosignatures import Cosigners, as_cosignature
from ledger.peers.home import Home
from ledger.quorum import forget_heads
from ledger.storage import heads, schema
from ledger.storage.engine import reading
from ledger.storage.heads import KeptCosignature
from ledger.storage.network import mirror_name


@dataclass(frozen=True, slots=True)
class Copy:
    """What we serve of another department's log."""

    log_id: int  # of the log in our database
    size: int  # up to where our mirror vouches for it
    signed: bytes  # the checkpoint with the log's lines and ours


def vouch(
    connection: Connection,
    home: Home,
    log_id: int,
    opened: CosignedCheckpoint,
    witnessed: Sequence[SignatureLine],
    cosigners: Cosigners,
) -> None:
    """Cosign as mirror a head all of which we hold and have checked, and keep that with what is said of it.

    `witnessed` are our witness's lines: the mirror follows it, which knows from beside the keys what it can never take
    back.
    """
    made = _mirror_lines(connection, home, log_id, opened.checkpoint)
    said = [*opened.cosignatures, *map(as_cosignature, (*witnessed, *made))]
    cosigners.keep(connection, log_id, opened.checkpoint, said)
    _note(connection, log_id, opened.checkpoint.size)


def _note(connection: Connection, log_id: int, size: int) -> None:
    """Keep what has been said of the head that we vouch for: whoever asks here for a receipt gets it under this one.

    It holds all that the heads before it claimed.
    """
    head = heads.head_at(connection, log_id, size)
    if head is None:  # another round has gone on to a larger one, and notes that
        return
    heads.note_head(connection, log_id, size, cosigned_note(head, heads.read_cosignatures(connection, log_id)))
    forget_heads(connection, log_id, size)


def _mirror_lines(connection: Connection, home: Home, log_id: int, checkpoint: Checkpoint) -> list[SignatureLine]:
    # As with the witness: a clock that was set back must not make a cosignature older than the one before.
    times = heads.read_times(connection, log_id)
    now = home.now()
    return [cosign(checkpoint.text(), max(now, times.get(key.verifier.ref, 0)), key) for key in home.keys.mirror]


def latest(home: Home, origin_hash: str) -> Copy | None:
    """Our copy of the log whose origin has this SHA-256 (hex); None when we have never cosigned one as a mirror."""
    with reading(home.engine) as connection:
        logs = connection.execute(select(schema.logs.c.id, schema.logs.c.origin).where(~schema.logs.c.own)).all()
        for log_id, origin in logs:
            if witness.hash_of_origin(origin) == origin_hash:
                return _copy(connection, home, log_id)
    return None


def mirrored_head(connection: Connection, home: Home, log_id: int) -> heads.Head | None:
    """The newest head of a log that our mirror vouches for; None before the first."""
    return _vouched(connection, log_id, _own_lines(connection, home, log_id))


def _copy(connection: Connection, home: Home, log_id: int) -> Copy | None:
    kept = _own_lines(connection, home, log_id)
    head = _vouched(connection, log_id, kept)
    if head is None:
        return None
    return Copy(log_id, head.size, add_signatures(head.signed, [one.line for one in kept if one.size == head.size]))


def _own_lines(connection: Connection, home: Home, log_id: int) -> list[KeptCosignature]:
    # By name: what an older key of ours has said counts on, until the newer one has said something.
    own = mirror_name(home.origin)
    return [one for one in heads.read_cosignatures(connection, log_id) if one.line.name == own]


def _vouched(connection: Connection, log_id: int, kept: Sequence[KeptCosignature]) -> heads.Head | None:
    return heads.head_at(connection, log_id, max(one.size for one in kept)) if kept else None
