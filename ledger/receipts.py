"""Tells what stands behind a record of any log that we hold, ours or a mirrored one, and makes its receipt.

A record is proven when a quorum has cosigned a head that it really is under: that is worked out from the stored tree
each time, so that a log rewritten behind our back proves nothing. Only what is public in the logs is told here.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, Engine

from ledger.errors import MalformedReceipt, MalformedRecord, Rejected
from ledger.keys import Keys
from ledger.merkle.errors import MerkleError, OutOfRange
from ledger.merkle.hashing import HASH_BYTES, Hash, leaf_hash
from ledger.merkle.proofs import check_inclusion, prove_inclusion
from ledger.quorum import believed_head, epoch_counted
from ledger.records import base64url
from ledger.records.check import check_signed, signer_ends
from ledger.records.check_code import leaves_of
from ledger.records.funds import Ref
from ledger.records.kinds import DESK
from ledger.records.promise import make_promise
from ledger.records.receipt import Logged, Receipt, write_receipt
from ledger.records.statement import Record, parse_record
from ledger.storage import entries, heads
from ledger.storage import facts as rows
from ledger.storage.engine import reading
from ledger.storage.facts import LogRow
from ledger.storage.findings import read_findings
from ledger.storage.heads import Head
from ledger.storage.network import Network, read_urls
from ledger.storage.signers import SignerRow, read_signer
from ledger.subjects import Subject, read_subject, related
from ledger.views import Finding

SAME_CODE_MAX = 3  # records shown for one code: two have it only when somebody tried 2**30 times


@dataclass(frozen=True, slots=True)
class Keeper:
    """A department, other than the one that said it, and what its signatures say: when, seconds since 1970."""

    department: str
    stored: int | None  # its mirror: every entry up to here is stored and was checked
    seen: int | None  # its witness: the log only grew


@dataclass(frozen=True, slots=True)
class Told:
    """A record, and what stands behind it."""

    record: Record
    origin: str
    department: str  # that said it
    own: bool  # whether that is this node's
    url: str | None  # where that department is reached; None for this one, and for one that is followed no more
    index: int
    subject: Subject
    roles: tuple[str, ...]  # of the key that signed; none when no key in force has
    folded: bool  # whether our own check found nothing against it
    proven: bool  # whether a quorum has cosigned a head that holds it
    before_network: bool  # said before another department cosigned anything of its log
    keepers: tuple[Keeper, ...]
    findings: tuple[Finding, ...]  # about its object: open ones, and those that were confirmed and are not mended

    @property
    def record_id(self) -> str:
        """The record's name."""
        return self.record.record_id


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a record stands."""

    log: LogRow
    index: int
    record: Record


def read_receipt(engine: Engine, record_id: str) -> Told | None:
    """What stands behind this record; None when no log here holds one of that name. Raises Busy."""
    with reading(engine) as conn:
        place = _find(conn, _leaf(record_id))
        return None if place is None else _tell(conn, Network.read(conn), place)


def read_by_code(engine: Engine, code: str) -> list[Told]:
    """What stands behind the record of this check code: one, or none, or two that somebody made alike. Raises Busy."""
    low, high = leaves_of(code)
    with reading(engine) as conn:
        network = Network.read(conn)
        leaves = entries.leaves_between(conn, low, high, limit=SAME_CODE_MAX)
        return [_tell(conn, network, place) for leaf in leaves if (place := _find(conn, leaf)) is not None]


def make_receipt(engine: Engine, record_id: str) -> bytes | None:
    """The receipt of a record as a file; None when there is no such record, or nothing proves it (yet). Raises Busy."""
    with reading(engine) as conn:
        place = _find(conn, _leaf(record_id))
        return None if place is None else _make(conn, place)


def promise_for(told: Told, keys: Keys) -> str | None:
    """Our word that the record will stand at its index, as it was given at once; of others' logs we give none.

    The same bytes each time: it is signed anew, and nothing in it is of today.
    """
    if not told.own:
        return None
    record = told.record
    return make_promise(told.origin, told.index, record.leaf, record.iat, kid=keys.desk_kid, signer=keys.desk.sign)


def _leaf(record_id: str) -> bytes:
    try:
        return base64url.decode(record_id)
    except MalformedRecord:
        return b""  # no record has it


def _find(conn: Connection, leaf: bytes) -> _Place | None:
    """The record in the log that it was made for; a copy in another log is nothing but a finding there."""
    entry = entries.entry_of_leaf(conn, leaf) if len(leaf) == HASH_BYTES else None
    if entry is None:
        return None
    try:
        record = parse_record(bytes(entry))
    except MalformedRecord:
        return None  # some peer's entry that is no record
    log = next((each for each in rows.read_logs(conn) if each.origin == record.iss), None)
    index = None if log is None else entries.first_index(conn, log.id, leaf)
    return None if log is None or index is None else _Place(log, index, record)


def _tell(conn: Connection, network: Network, place: _Place) -> Told:
    log, index, record = place.log, place.index, place.record
    signer = _signer(conn, place)
    head = believed_head(conn, log.id)
    about = related(conn, network, Ref(log.origin, record.sub))
    return Told(
        record,
        log.origin,
        network.name(log.origin),
        log.own,
        read_urls(conn).get(log.origin),
        index,
        read_subject(conn, network, Ref(log.origin, record.sub)),
        () if signer is None else tuple(signer.roles),
        rows.read_record_time(conn, log.id, index) is not None,
        head is not None and _prove(conn, log.id, index, record.leaf, head) is not None,
        log.first_cosigned is None or index < log.first_cosigned,
        tuple(_keepers(conn, network, log, index)),
        tuple(one for one in read_findings(conn, about, open_only=False) if one.is_told),
    )


def _signer(conn: Connection, place: _Place) -> SignerRow | None:
    """The key that signed, when it counts at this place and may sign this kind."""
    signer = read_signer(conn, place.log.id, place.record.kid)
    try:
        check_signed(place.record, place.index, place.log.origin, lambda _kid: signer)
    except Rejected:
        return None
    return signer


def _prove(conn: Connection, log_id: int, index: int, leaf: Hash, head: Head) -> tuple[Hash, ...] | None:
    """The proof that this leaf is under that head; None when it is not."""
    try:
        proof = tuple(prove_inclusion(index, head.size, entries.node_reader(conn, log_id, head.size)))
        check_inclusion(index, head.size, leaf, proof, head.root)
    except MerkleError:
        return None  # not yet; or rows are missing or rewritten, and what others cosigned is not what stands here
    return proof


def _keepers(conn: Connection, network: Network, log: LogRow, index: int) -> Iterable[Keeper]:
    newest: dict[str, int] = {}
    for one in heads.read_cosignatures(conn, log.id):
        if one.size > index:
            newest[one.line.name] = max(one.time, newest.get(one.line.name, 0))
    others = {network.own.origin, *(origin for origin, _name, _prefix in rows.read_peer_names(conn))} - {log.origin}
    found = []
    for origin in others:
        host = origin.removesuffix("/log")
        found.append(Keeper(network.name(origin), newest.get(f"{host}/mirror"), newest.get(f"{host}/witness")))
    kept = [one for one in found if one.stored is not None or one.seen is not None]
    return sorted(kept, key=lambda one: (one.stored is None, one.department))


def _make(conn: Connection, place: _Place) -> bytes | None:
    log_id, signer = place.log.id, _signer(conn, place)
    head = believed_head(conn, log_id)
    if signer is None or head is None or head.served is None:
        return None
    record = _logged(conn, log_id, place.index, head)
    enrolment = _logged(conn, log_id, _enrolled_at(signer), head)
    if record is None or record.entry != place.record.entry or enrolment is None:
        return None
    epoch = epoch_counted(conn)
    try:
        return write_receipt(Receipt(record, enrolment, _revocation(conn, log_id, signer, head), head.served, epoch))
    except MalformedReceipt:
        return None  # a peer's entries of a size that no receipt has


def _enrolled_at(signer: SignerRow) -> int:
    """The desk's first key counts from its genesis on, every other from the record after the one that names it."""
    return max(0, signer.from_index - 1)


def _revocation(conn: Connection, log_id: int, signer: SignerRow, head: Head) -> Logged | None:
    """What ended the key: a desk's key signs its own rotation as its last, an officer's not even their revocation."""
    if signer.to_index is None:
        return None
    index = signer.to_index - 1 if DESK in signer.roles else signer.to_index
    ended = _logged(conn, log_id, index, head)
    return None if ended is None or signer_ends(parse_record(ended.entry), index) != signer.to_index else ended


def _logged(conn: Connection, log_id: int, index: int, head: Head) -> Logged | None:
    """An entry with its proof under that head; None when it is not under it."""
    try:
        entry = bytes(entries.read_entries(conn, log_id, index, index + 1)[0])
    except OutOfRange:
        return None
    proof = _prove(conn, log_id, index, leaf_hash(entry), head)
    return None if proof is None else Logged(index, entry, proof)
