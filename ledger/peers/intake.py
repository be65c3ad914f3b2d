"""Checks each new record of a peer, folds it, joins it with what we hold, and says what must not have been written.

It is the same rule that holds back our own officers. A record that breaks it changes nothing but this: its object is
disputed, and there is a finding.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from ledger import findings
from ledger.compromised import dispute_compromised
from ledger.errors import LedgerError, MalformedRecord, Refused, Rejected, UnknownSigner
from ledger.examining.examine import Looked
from ledger.folding import Gathered, wait_for_disclosures
from ledger.lateness import ACCEPTED, MOVES, Heard, evaluate_cases
from ledger.merkle.hashing import leaf_hash
from ledger.peers.home import Home, Peer
from ledger.peers.rotated import keep_rotation
from ledger.quorum import witnessed_at
from ledger.records import base64url
from ledger.records.check import check_signed
from ledger.records.funds import AwardState, PaymentState, Ref
from ledger.records.proven import Proven
from ledger.records.statement import Record, clear_outside_list, parse_record
from ledger.rules import logs as rules
from ledger.rules import times
from ledger.rules.mismatch import Mismatch
from ledger.storage import entries
from ledger.storage.engine import check_held
from ledger.storage.network import Network
from ledger.storage.signers import SignerRow, read_signer

ENTRIES_BETWEEN_LOOKS = 64  # at the clock


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the records come from, and into what they are folded."""

    connection: Connection
    home: Home
    log_id: int
    log: rules.LogRef
    peer: Peer
    story: bool  # told before the network began: nobody is notified
    repeats: bool  # one of these entries stands in the log before
    objects: Gathered  # of the log, those that these records are about
    signers: dict[str, SignerRow | None] = field(default_factory=dict)  # by `kid`, as they are by now

    def signer(self, kid: str) -> SignerRow | None:
        """A key of the log, in force or not."""
        if kid not in self.signers:
            self.signers[kid] = read_signer(self.connection, self.log_id, kid)
        return self.signers[kid]

    @property
    def wait_seconds(self) -> int:
        """T: how long what a record names may take to arrive."""
        return rules.ROUNDS_UNTIL_LATE * self.home.round_seconds


@dataclass(frozen=True, slots=True)
class _Clock:
    """What the times of a log's new records are compared with (R38)."""

    first: int | None  # the first index that a cosigned head did not hold when it came: before it nobody looked
    witnessed: tuple[int, int] | None  # how much of it a quorum cosigned last, and when
    now: int

    @classmethod
    def read(cls, place: _Place) -> "_Clock":
        """As of before these records: what was cosigned by then does not hold them."""
        first = Network.read(place.connection).log(place.log_id).first_cosigned
        witnessed = None if first is None else witnessed_at(place.connection, place.log_id)
        return cls(first, witnessed, place.home.now())

    def check(self, place: _Place, index: int, record: Record) -> None:
        """Raise what does not fit; the record counts all the same."""
        if self.first is None or index < self.first:
            return
        told = (place.log, record.leaf, record.sub, record.iat)
        found = [times.in_future(*told, self.now)]
        if self.witnessed is not None and self.witnessed[0] <= index:
            found.append(times.backdated(*told, self.witnessed[1]))
        for mismatch in found:
            if mismatch is not None:
                findings.raise_finding(place.connection, mismatch, self.now)


def take_in(
    connection: Connection, home: Home, log_id: int, peer: Peer, start: int, some: Sequence[Looked], *, story: bool
) -> int:
    """Check and fold entries just stored, of which the first has index `start`; returns how many were refused.

    Raises HeldTooLong.
    """
    repeats = entries.is_repeated(connection, log_id, start)
    objects = Gathered(connection, log_id)
    objects.look_ahead(one.record for one in some if one.record is not None)
    place = _Place(connection, home, log_id, rules.LogRef(peer.origin, peer.name), peer, story, repeats, objects)
    clock = _Clock.read(place)
    now = home.now()
    touched: list[Ref] = []
    moved: list[Ref] = []
    heard: dict[str, Heard] = {}
    refused = 0
    for index, one in enumerate(some, start):
        if index % ENTRIES_BETWEEN_LOOKS == 0:
            check_held(connection)
        refs, mismatch = _take_one(place, index, one)
        if mismatch is not None:
            findings.raise_finding(connection, mismatch, now)
            touched += refs
            refused += 1
        elif one.record is not None:
            kind = one.record.known
            if kind is None or kind.topic not in _WITHOUT_MONEY:
                touched += refs
            clock.check(place, index, one.record)
            if one.record.kind in MOVES:
                moved += refs
            if one.record.kind == ACCEPTED:
                heard[one.record.record_id] = (index, one.record)
    objects.write()
    known = {ref: folded for ref in (*touched, *moved) if (folded := objects.read(ref.sub)) is not None}
    evaluate_cases(connection, moved, now, clock.witnessed, known, heard)
    findings.evaluate(connection, touched, now, wait_seconds=place.wait_seconds, story=story, known=known)
    return refused


def _take_one(place: _Place, index: int, one: Looked) -> tuple[tuple[Ref, ...], Mismatch | None]:
    try:
        record = one.record or parse_record(one.entry)
    except MalformedRecord as error:
        return (), rules.refused_record(place.log, leaf_hash(one.entry), index, None, _reason(error))
    try:
        _check(place, index, record, one.proven)
        refs = place.objects.fold(index, record, story=place.story)
    except (Rejected, Refused) as error:
        place.objects.dispute(record.sub, index)
        return (Ref(place.log.origin, record.sub),), _refusal(place.log, index, record, error)
    kind = record.known
    if kind is None:
        return refs, rules.unknown_kind(place.log, record.leaf, index, record.kind, record.sub)
    _ask_for_private(place, record)
    if kind.topic not in _GATHERED:
        place.objects.write()  # what follows reads all that was said before
        _follow_up(place, index, record)
    return refs, None


def _follow_up(place: _Place, index: int, record: Record) -> None:
    """What a record of a rare kind brings with it."""
    now = place.home.now()
    place.signers.clear()
    dispute_compromised(place.connection, place.log, place.log_id, index, record, now)
    findings.take_answer(place.connection, place.log_id, record, now, wait_seconds=place.wait_seconds)
    if record.kind == "rotation" and (folded := place.objects.read(record.sub)) is not None:
        keep_rotation(place.connection, place.log.origin, record, folded)


def _check(place: _Place, index: int, record: Record, proven: Proven) -> None:
    check_signed(record, index, place.log.origin, place.signer, proven)
    if index == 0 and not _began_so(record, place.peer):
        raise UnknownSigner("the genesis is not the one of the department whose keys were compared")
    # Our own log refuses the same bytes twice; in a peer's they stand, and count once.
    copies = entries.find_leaf(place.connection, record.leaf) if place.repeats else []
    if any(log_id == place.log_id and other < index for log_id, other in copies):
        raise MalformedRecord("these bytes stand in this log already")


def _began_so(genesis: Record, peer: Peer) -> bool:
    if peer.genesis is not None:
        return genesis.leaf == peer.genesis
    return base64url.decode(genesis.clear["desk_key"]["x"]) == peer.desk_key


def _refusal(log: rules.LogRef, index: int, record: Record, error: LedgerError) -> Mismatch:
    # The schema is looked at after the signature: whoever showed too much has signed that they did.
    if isinstance(error, MalformedRecord) and record.iss == log.origin and clear_outside_list(record):
        return rules.claim_outside_list(log, record.leaf, index, record.kind, record.sub)
    return rules.refused_record(log, record.leaf, index, record.sub, _reason(error))


def _reason(error: LedgerError) -> str:
    return error.reason if isinstance(error, Refused) else type(error).__name__


def _ask_for_private(place: _Place, record: Record) -> None:
    """Remember what is private there and needed here: of an award that we pay, of a payment on our award."""
    if record.kind not in _NEEDED:
        return
    folded = place.objects.read(record.sub)
    state = None if folded is None else folded.state
    ours = place.home.origin
    concerns_us = (isinstance(state, AwardState) and state.payer == ours) or (
        isinstance(state, PaymentState) and state.award.log == ours
    )
    if concerns_us:
        ref = Ref(place.log.origin, record.sub)
        wait_for_disclosures(place.connection, place.log_id, record, ref, place.home.now())


_NEEDED = frozenset({"award-approved", "account-given", "payment-created"})
_WITHOUT_MONEY = frozenset({"case", "word"})  # topics: no such record changes an award or a payment
# Topics: no such record brings anything with it but its fold.
_GATHERED = frozenset({"award", "payment"}) | _WITHOUT_MONEY
