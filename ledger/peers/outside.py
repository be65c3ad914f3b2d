"""Has our log cosigned by outside witnesses: programs of others that know C2SP tlog-witness and are no member's.

Their lines stand on our checkpoint for whoever trusts them. They count for no quorum, and hold up no publication.
"""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from ledger.errors import LedgerError, Misconfigured, PeerUnreachable
from ledger.merkle.cosignature import Cosignature
from ledger.merkle.errors import MerkleError
from ledger.merkle.vkeys import SignatureKind, Verifier, parse_vkey
from ledger.peers.cosignatures import AHEAD_SECONDS_MAX
from ledger.peers.home import Home, read_peers
from ledger.peers.joining import is_url
from ledger.peers.offering import Door, last_said, offer
from ledger.peers.publish import keep_said
from ledger.storage import heads, schema
from ledger.storage.engine import reading, transaction
from ledger.storage.heads import Head
from ledger.storage.network import mirror_name, witness_name

# Of the 16 lines that every client reads, two are the log's and one is each member's; the rest is for older clients.
KEYS_MAX = 2
OFFER_SECONDS_MAX = 20.0
BACKOFF_SECONDS_MAX = 3_600
DOUBLINGS_MAX = 12
ERROR_CHARS_MAX = 200

_o = schema.outside_witnesses.c
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OutsideWitness:
    """One key of an outside witness, and how it went with it last."""

    verifier: Verifier
    vkey: str
    url: str  # the submission prefix
    failures: int  # in a row
    failed_at: int | None
    last_error: str | None
    size: int | None  # of the head of ours that it cosigned last
    seen_at: int | None  # when, by its own clock

    @property
    def name(self) -> str:
        """What it calls itself."""
        return self.verifier.name


def add_outside(home: Home, vkey: str, url: str) -> OutsideWitness:
    """Have our log cosigned by this witness from now on; raises Misconfigured or Busy. Again: at another address."""
    try:
        verifier = parse_vkey(vkey)
    except MerkleError as error:
        raise Misconfigured(f"not a witness's key (NAME+ID+KEY): {error}") from error
    if verifier.kind not in {SignatureKind.COSIGNATURE_V1, SignatureKind.SUBTREE_V1}:
        raise Misconfigured(f"{verifier.name}: this is a log's key, and none that cosigns")
    prefix = url.rstrip("/").removesuffix("/add-checkpoint")
    if not is_url(prefix):
        raise Misconfigured("--url: not the witness's submission prefix, e.g. https://witness.example")
    home.client.check_url(prefix)
    with transaction(home.engine, facts=False) as connection:
        _check_outside(connection, home, verifier)
        others = [one for one in read_outside(connection, home) if one.vkey != vkey]
        if len(others) >= KEYS_MAX:
            raise Misconfigured(f"{KEYS_MAX} keys of outside witnesses are the most: `peers witness remove` one first")
        values = {"url": prefix, "removed": False, "failures": 0, "failed_at": None, "last_error": None}
        again = connection.execute(update(schema.outside_witnesses).where(_o.vkey == vkey).values(**values))
        if again.rowcount == 0:
            row = {"name": verifier.name, "vkey": vkey, **values}
            connection.execute(insert(schema.outside_witnesses), row)
        return next(one for one in read_outside(connection, home) if one.vkey == vkey)


def _check_outside(connection: Connection, home: Home, verifier: Verifier) -> None:
    origins = [home.origin, *(peer.origin for peer in read_peers(connection, with_removed=True))]
    if verifier.name in {*origins, *map(witness_name, origins), *map(mirror_name, origins)}:
        raise Misconfigured(f"{verifier.name}: this is a department's; it cosigns as a peer, by `peers invite`")


def remove_outside(home: Home, named: str) -> int:
    """Ask this witness no more, by its name or its key; returns how many keys it was. Raises Misconfigured or Busy."""
    with transaction(home.engine, facts=False) as connection:
        gone = [one for one in read_outside(connection, home) if named in {one.name, one.vkey}]
        for one in gone:
            connection.execute(update(schema.outside_witnesses).where(_o.vkey == one.vkey).values(removed=True))
            heads.forget_cosignatures(connection, home.log.id, *one.verifier.ref)
    if not gone:
        raise Misconfigured(f"{named}: no outside witness of this name or key; `peers list` shows them")
    return len(gone)


def read_outside(connection: Connection, home: Home) -> list[OutsideWitness]:
    """The outside witnesses, in the order of their names."""
    rows = connection.execute(select(schema.outside_witnesses).where(~_o.removed).order_by(_o.name, _o.vkey)).all()
    if not rows:
        return []
    said = {one.line.ref: one for one in heads.read_cosignatures(connection, home.log.id)}
    known = []
    for row in rows:
        verifier = parse_vkey(row.vkey)
        last = said.get(verifier.ref)
        seen = (None, None) if last is None else (last.size, last.time)
        known.append(OutsideWitness(verifier, row.vkey, row.url, row.failures, row.failed_at, row.last_error, *seen))
    return known


def offer_outside(home: Home, *, patient: bool = False) -> None:
    """Offer the head that is published to each outside witness that has not cosigned it lately; raises Busy.

    `patient`: also to those that did not answer a moment ago.
    """
    head = home.log.published_head()
    if head is None:
        return
    with reading(home.engine) as connection:
        due = [one for one in read_outside(connection, home) if _is_due(home, head, one, patient=patient)]
    if due:
        with ThreadPoolExecutor(len(due)) as pool:
            for _done in pool.map(lambda one: _offer_to(home, head, one), due):
                pass
        home.log.refresh()


def _is_due(home: Home, head: Head, one: OutsideWitness, *, patient: bool) -> bool:
    now = home.now()
    if one.failures and one.failed_at is not None:
        wait = min(home.round_seconds << min(one.failures - 1, DOUBLINGS_MAX), BACKOFF_SECONDS_MAX)
        return patient or not 0 <= now - one.failed_at < wait  # a clock that was put back silences nobody
    return one.size != head.size or one.seen_at is None or now - one.seen_at >= home.round_seconds


def _offer_to(home: Home, head: Head, one: OutsideWitness) -> None:
    door = Door(one.name, one.url, (one.verifier,))
    error: str | None = None
    try:
        with reading(home.engine) as connection:
            old = last_said(heads.read_cosignatures(connection, home.log.id), door.verifiers)
        with home.client.within(OFFER_SECONDS_MAX):
            said = offer(home, door, head, old)
            keep_said(home, head, said, outside=True)
        _check_kept(home, head, one, said)
    except LedgerError as failed:
        error = str(failed)[:ERROR_CHARS_MAX]
        _log.info("outside witness %s did not cosign our size %d: %s", one.name, head.size, error)
    _note(home, one, error)


def _check_kept(home: Home, head: Head, one: OutsideWitness, said: Sequence[Cosignature]) -> None:
    """Raise PeerUnreachable when its answer was verified, and could not take the place of its last one."""
    time = max(line.time for line in said)  # an answer without a line of theirs was refused
    with reading(home.engine) as connection:
        kept = [last for last in heads.read_cosignatures(connection, home.log.id) if last.line.ref == one.verifier.ref]
    if any(last.size > head.size or (last.size, last.time) == (head.size, time) for last in kept):
        return
    ahead = time - home.now()
    if ahead > AHEAD_SECONDS_MAX:
        raise PeerUnreachable(f"{one.name}: its clock is {ahead} s ahead of ours, so its word is not kept")
    put_back = [last.time - time for last in kept if last.time > time]
    if put_back:
        raise PeerUnreachable(f"{one.name}: its clock is {put_back[0]} s behind its own last word, which is kept")
    raise PeerUnreachable(f"{one.name}: its word is not kept, as our log stands otherwise by now")


def _note(home: Home, one: OutsideWitness, error: str | None) -> None:
    if error is None and one.failures == 0:
        return
    values: dict[str, int | str | None] = {"failures": 0, "failed_at": None, "last_error": None}
    if error is not None:
        values = {"failures": one.failures + 1, "failed_at": home.now(), "last_error": error}
    with transaction(home.engine, facts=False) as connection:
        connection.execute(update(schema.outside_witnesses).where(_o.vkey == one.vkey).values(**values))
