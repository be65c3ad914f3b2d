"""Cosigns a log's next checkpoint when it only grew: members' logs, strangers' logs, and our own.

One rule behind every door: a peer's POST, our own poll, our own publication. Compare and store are one step, and what
we cosigned is fixed beside the keys before the cosignature leaves. Protocol: c2sp.org/tlog-witness.
"""

from collections.abc import Sequence
from functools import partial
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from ledger.errors import Behind, ForkFound
from ledger.keys import HighWater
from ledger.merkle.add_checkpoint import AddCheckpoint, parse_add_checkpoint
from ledger.merkle.cosignature import CosignedCheckpoint, cosign, open_cosigned, parse_checkpoint_unverified
from ledger.merkle.errors import MalformedRequest, MerkleError
from ledger.merkle.hashing import Hash
from ledger.merkle.note import SignatureLine
from ledger.peers.errors import MalformedQuestion, UnprovenGrowth, Untrusted
from ledger.peers.evidence import keep_evidence
from ledger.peers.growth import Seen, check_believed, check_start, cosign_growth
from ledger.peers.home import Home, trusted_for
from ledger.peers.retired import check_retired
from ledger.storage import schema
from ledger.storage.engine import reading, transaction
from ledger.storage.findings import has_forked
from ledger.storage.prepared import Prepared

_witnessed = schema.witnessed.c

_SEEN = select(_witnessed.size, _witnessed.root, _witnessed.time, _witnessed.signed)
_LAST_SEEN = Prepared(_SEEN.where(_witnessed.origin == bindparam("of_origin")))
_EVERY_SEEN = Prepared(_SEEN.add_columns(_witnessed.origin))
_GO_ON = Prepared(
    update(schema.witnessed)
    .where(_witnessed.origin == bindparam("of_origin"))
    .values({name: bindparam(name) for name in ("size", "root", "signed", "time")})
)


def accept(home: Home, body: bytes) -> bytes:
    """Answer the body of an add-checkpoint request with our cosignature lines; raises Declined, Behind or Busy."""
    try:
        request = parse_add_checkpoint(body)
    except MalformedRequest as error:
        raise MalformedQuestion(str(error)) from error
    lines = cosign_next(home, request)
    return "".join(line.text() for line in lines).encode()


def cosign_next(home: Home, request: AddCheckpoint) -> tuple[SignatureLine, ...]:
    """Accept the next checkpoint of a log, and cosign it with both our keys; raises Declined, Behind or Busy."""
    # 1. We know the log, and a key that we trust for it has signed; no such key's line is bad.
    try:
        opened = _open_signed(home, request.signed)
        # 2. The proof starts where a proof can start.
        check_start(opened, request.old)
        # 3. It starts at what we cosigned last, and shows that the log only grew: looked at and stored in one step.
        with transaction(home.engine, facts=False) as connection:
            lines, seen, fixed = _accept(connection, home, opened, request)
    except ForkFound as fork:
        with transaction(home.engine) as connection:
            keep_evidence(connection, fork, home.now())
        raise UnprovenGrowth(str(fork)) from fork
    # 4. Durable here, then beside the keys, then out of the house: a crash in between repeats, it never forgets.
    if fixed != (seen.size, seen.root):  # the same head as last time stands there already
        _fix(home.high_water, opened.checkpoint.origin, seen)
    return lines


def last_seen(connection: Connection, origin: str) -> Seen:
    """What we cosigned last for this origin."""
    row = _LAST_SEEN.first(connection, {"of_origin": origin})
    return Seen() if row is None else _seen(row)


def all_seen(connection: Connection) -> dict[str, Seen]:
    """What we cosigned last, by origin."""
    return {row[-1]: _seen(row[:-1]) for row in _EVERY_SEEN.rows(connection)}


def latest(home: Home, origin_hash: str) -> bytes | None:
    """The checkpoint cosigned last of the log whose origin has this SHA-256 (hex), None if there is none."""
    with reading(home.engine) as connection:
        known = all_seen(connection)
    for origin, seen in known.items():
        if hash_of_origin(origin) == origin_hash and seen.signed:
            _fix(home.high_water, origin, seen)
            return seen.signed
    if any(hash_of_origin(origin) == origin_hash for origin in home.high_water.witness_heads()):
        raise Behind("this was cosigned, and the database has forgotten it")  # and not: it never was
    return None


def catch_up(home: Home) -> int:
    """Let a database that was put back know what our witness has cosigned; returns of how many logs it had forgotten.

    What the mark holds was cosigned, or was about to be. Whoever asks next must show growth from there. Raises MarkLost
    or Busy.
    """
    fixed = home.high_water.witness_heads()  # first: a database that is whole is never behind what it said then
    with reading(home.engine) as connection:
        rows = connection.execute(select(_witnessed.origin, _witnessed.size))
        known: dict[str, int] = {row.origin: row.size for row in rows}
    forgotten = {origin: head for origin, head in fixed.items() if head[0] > known.get(origin, 0)}
    if forgotten:
        with transaction(home.engine) as connection:
            for origin, (size, root) in forgotten.items():
                seen = last_seen(connection, origin)
                if seen.size < size:  # nobody has been quicker
                    _store(connection, origin, Seen(size, root, seen.time))
    return len(forgotten)


def hash_of_origin(origin: str) -> str:
    """What stands for an origin in a URL (tlog-witness, tlog-mirror): lower-case hex of its SHA-256."""
    return sha256(origin.encode()).hexdigest()


def _open_signed(home: Home, signed: bytes) -> CosignedCheckpoint:
    origin = parse_checkpoint_unverified(signed).origin
    with reading(home.engine) as connection:
        verifiers = trusted_for(connection, home, origin)
        forked = has_forked(connection, origin)
    check_believed(origin, verifiers, forked=forked)
    try:
        return open_cosigned(signed, verifiers)
    except MerkleError as error:
        with reading(home.engine) as connection:
            check_retired(connection, home, origin, signed)
        raise Untrusted(f"{origin}: {error}") from error


def cosign_same(
    connection: Connection, home: Home, opened: CosignedCheckpoint, seen: Seen
) -> tuple[SignatureLine, ...]:
    """Cosign the head that we cosigned last once more, in a transaction in which `seen` is that one.

    It stands beside the keys as well: nothing is left to fix there before our word leaves the house.
    """
    request = AddCheckpoint(seen.size, (), seen.signed)
    lines, _new = _grow(connection, home, opened, request, seen, (seen.size, seen.root))
    return lines


def _accept(
    connection: Connection, home: Home, opened: CosignedCheckpoint, request: AddCheckpoint
) -> tuple[tuple[SignatureLine, ...], Seen, tuple[int, Hash] | None]:
    origin = opened.checkpoint.origin
    seen, fixed = last_seen(connection, origin), home.high_water.witness_head(origin)
    lines, new = _grow(connection, home, opened, request, seen, fixed)
    return lines, new, fixed


def _grow(
    connection: Connection,
    home: Home,
    opened: CosignedCheckpoint,
    request: AddCheckpoint,
    seen: Seen,
    fixed: tuple[int, Hash] | None,
) -> tuple[tuple[SignatureLine, ...], Seen]:
    lines, new = cosign_growth(opened, request, seen, fixed, partial(_stamp, home), home.now())
    _store(connection, opened.checkpoint.origin, new)
    return lines, new


def _stamp(home: Home, text: str, time: int) -> tuple[SignatureLine, ...]:
    return tuple(cosign(text, time, key) for key in home.keys.witness)


def _store(connection: Connection, origin: str, new: Seen) -> None:
    values: dict[str, Any] = {"size": new.size, "root": new.root, "signed": new.signed, "time": new.time}
    if not _GO_ON.run(connection, {"of_origin": origin, **values}):
        connection.execute(insert(schema.witnessed), {"origin": origin, **values})


def _fix(mark: HighWater, origin: str, seen: Seen) -> None:
    """Fix what was cosigned beside the keys. Raises Behind when another head of this size is fixed there."""
    try:
        mark.raise_witness(origin, seen.size, seen.root)
    except Behind:
        fixed = mark.witness_head(origin)
        if fixed is None or fixed[0] <= seen.size:
            raise
        # A later request has been fixed since our commit: it built on this one.


def _seen(row: Sequence[Any]) -> Seen:
    size, root, time, signed = row
    return Seen(size, Hash(root), time, signed)
