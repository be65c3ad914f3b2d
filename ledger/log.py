"""Our own log: takes records, signs what it has become, and publishes that once enough others have looked.

The order that keeps it honest: entries are durable before anyone is answered; the high-water mark is on the disk before
a signature exists; the published checkpoint moves last, and only forward.
"""

from collections.abc import Callable, Iterable, Sequence

from sqlalchemy import Connection, Engine

from ledger.errors import AlreadyLogged, Behind
from ledger.freezing import Freezer, LastHead
from ledger.keys import HighWater, LogSigners
from ledger.merkle.checkpoint import Checkpoint
from ledger.merkle.cosignature import TimedSigner
from ledger.merkle.hashing import CompactRange, Hash
from ledger.merkle.messages import TIME_BYTES
from ledger.merkle.note import SignatureLine, add_signatures, parse_note_unverified, sign_note
from ledger.merkle.proofs import ReadNode, root_at
from ledger.merkle.vkeys import MLDSA44_SIGNATURE_BYTES, KeyRef
from ledger.quorum import forget_heads
from ledger.records.statement import Record
from ledger.storage import entries, heads
from ledger.storage.engine import read_moment, reading, transaction
from ledger.storage.group import GroupCommit
from ledger.storage.heads import Head, KeptCosignature

PUBLISH_WAIT_SECONDS = 2.0  # so long a head waits for its quorum
SERVED_LINES_MAX = 16  # what every C2SP client must accept

_CURRENT = "current"  # in a database connection's own notes: the log that was found to be all there


def quorum_of(departments: int) -> int:
    """How many departments must have cosigned a head, the log's own counted, so that no two heads can both have them.

    With f of n lying, two sets of k share one that does not lie when 2k - n > f.
    """
    lying = (departments - 1) // 3
    return (departments + lying) // 2 + 1


def may_publish(cosigned: int, departments: int, waited_seconds: float) -> bool:
    """Whether a new head may take the old one's place: a quorum has cosigned it, or it has waited long enough.

    A slow peer delays, and never stops us: what is not yet cosigned is shown as such.
    """
    return cosigned >= quorum_of(departments) or waited_seconds >= PUBLISH_WAIT_SECONDS


def check_holds(origin: str, mark: tuple[int, Hash] | None, size: int, read: ReadNode, *, is_signed: bool) -> None:
    """Check that a database of this size holds all that was signed, by the mark beside the keys; raises Behind.

    `is_signed`: whether the database knows of any head.
    """
    if mark is None:
        if is_signed:
            raise Behind(f"{origin}: heads were signed, and the high-water mark knows of none")
        return
    signed, root = mark
    if signed > size:
        raise Behind(f"{origin}: size {signed} has been signed, the database holds {size}")
    if root_at(signed, read) != root:
        raise Behind(f"{origin}: another history of size {signed} has been signed")


class OwnLog:
    """The log of this node."""

    def __init__(
        self,
        engine: Engine,
        origin: str,
        signers: LogSigners | Callable[[], LogSigners],
        high_water: HighWater,
        now: Callable[[], int],
    ) -> None:
        """Open the log of this origin; raises LookupError when the database has none.

        `signers` may be whoever knows which keys count at the moment of signing.
        """
        with reading(engine) as connection:
            log_id = entries.find_log(connection, origin)
        if log_id is None:
            raise LookupError(f"this database holds no log {origin}")
        self.engine = engine
        self.origin = origin
        self.id = log_id
        self._signers = signers if callable(signers) else lambda: signers
        self._high_water = high_water
        self._freezer = Freezer.beside(high_water.path)
        self.now = now
        self._signed: tuple[int, int] | None = None  # when the mark was written, and the size that stands in it
        self._looked: tuple[tuple[int, int | None], Behind | None] | None = None  # when, and what was seen
        self.group = GroupCommit(engine)

    def add(self, records: Sequence[Record]) -> int:
        """Append records; they are durable when this returns the index of the first. Raises as `append`, and Busy.

        Whoever adds at the same time shares the commit.
        """
        return self.group.run(lambda connection: self.append(connection, records))

    def append(self, connection: Connection, records: Sequence[Record]) -> int:
        """Put records behind those that are there; returns the index of the first, valid once the transaction commits.

        Raises AlreadyLogged for bytes that stand in this log already, or that were made for another one; and Behind.
        Then the transaction must not commit.
        """
        self._freezer.check()
        if connection.info.get(_CURRENT) is not self:
            # Once for each connection to the database: while one is open, no other database is put in its place.
            self.check_current(connection)
        if any(record.iss != self.origin for record in records):
            raise AlreadyLogged("made for another log")
        first = entries.append(connection, self.id, [record.entry for record in records])
        if entries.is_repeated(connection, self.id, first):
            raise AlreadyLogged("these bytes stand in this log")
        self._check_above(first)
        return first

    def _check_above(self, first: int) -> None:
        """What is written now comes behind all that was signed: also when a file was put back under an open connection.

        Costs a look at the mark's time.
        """
        written = self._high_water.written_at()
        if self._signed is None or self._signed[0] != written:
            mark = self._high_water.log_head()
            self._signed = written, 0 if mark is None else mark[0]
        if first < self._signed[1]:
            raise Behind(f"{self.origin}: size {self._signed[1]} has been signed, the database held {first}")

    def check_current(self, connection: Connection) -> None:
        """Check that the database holds all that was ever signed; raises Behind, and then nothing may be signed."""
        self._freezer.check()
        self._check_grown(connection, entries.read_edge(connection, self.id))
        connection.info[_CURRENT] = self

    def behind(self) -> Behind | None:
        """What keeps this node from signing, if anything; looked at anew only when a fact or the mark has changed."""
        with reading(self.engine) as connection:
            return self.behind_at(connection)

    def behind_at(self, connection: Connection) -> Behind | None:
        """The same, as of this reader's moment."""
        moment = read_moment(connection)
        at = self._high_water.written_at(), None if moment is None else moment.facts
        looked = self._looked
        if looked is None or looked[0] != at:
            looked = self._looked = at, self._look(connection)
        return looked[1]

    def is_impersonated(self) -> bool:
        """Whether somebody holds a head that bears our signature and that we did not make."""
        try:
            return bool(self._high_water.strange_heads())
        except Behind:
            return False

    def check_whole(self) -> None:
        """Raise Behind when the database lacks something that was signed."""
        behind = self.behind()
        if behind is not None:
            raise behind.with_traceback(None)

    def _look(self, connection: Connection) -> Behind | None:
        try:
            self._check_grown(connection, entries.read_edge(connection, self.id))
        except Behind as error:
            return error
        return None

    def _check_grown(self, connection: Connection, edge: CompactRange) -> None:
        mark = self._high_water.log_head()
        is_signed = mark is not None or heads.newest_head(connection, self.id) is not None
        check_holds(
            self.origin, mark, edge.size, entries.node_reader(connection, self.id, edge.size), is_signed=is_signed
        )

    def sign_new_head(self) -> Head | None:
        """Sign what the log has become; None when nothing is new since the last head.

        Raises Behind. One transaction: of two publishers the second finds the head of the first.
        """
        self._freezer.check()
        with transaction(self.engine, facts=False) as connection:
            edge = entries.read_edge(connection, self.id)
            newest = heads.newest_head(connection, self.id)
            if edge.size == 0 or (newest is not None and newest.size >= edge.size):
                return None
            self._check_grown(connection, edge)
            head = self._sign(Checkpoint(self.origin, edge.size, edge.root()))
            heads.add_head(connection, self.id, head)
        return head

    def _sign(self, checkpoint: Checkpoint) -> Head:
        # Should the commit fail now, the same head is signed again later: same size, same root.
        self._high_water.raise_log(checkpoint.size, checkpoint.root)
        at = self.now()
        ed25519, mldsa44 = self._signers()
        signed = sign_note(checkpoint.text(), (ed25519, TimedSigner(mldsa44, at)))
        return Head(checkpoint.size, checkpoint.root, signed, at)

    def freeze(self) -> LastHead:
        """End this log: all of it stands under one last head, and nothing is ever added or signed again.

        Of one that has ended already the same head is told. Raises Behind, Busy.
        """
        if (ended := self._freezer.last_head()) is not None:
            return ended
        while True:
            self.sign_new_head()
            with transaction(self.engine) as connection:
                edge = entries.read_edge(connection, self.id)
                newest = heads.newest_head(connection, self.id)
                if newest is not None and newest.size == edge.size:  # nothing was added in between
                    last = LastHead(self.origin, edge.size, edge.root())
                    self._freezer.freeze(last)
                    break
        self.publish(last.size)
        return last

    def has_ended(self) -> bool:
        """Whether this log was frozen."""
        return self._freezer.last_head() is not None

    def newest_head(self) -> Head | None:
        """The largest head that was signed, published or not."""
        with reading(self.engine) as connection:
            return heads.newest_head(connection, self.id)

    def published_head(self) -> Head | None:
        """The head that is shown; None before the first."""
        with reading(self.engine) as connection:
            return heads.published_head(connection, self.id)

    def publish(self, size: int) -> bool:
        """Let the head of this size take the old one's place, with the cosignatures it has so far.

        False when a larger or the same one is shown already, or none of this size was signed.
        """
        with transaction(self.engine, facts=False) as connection:
            shown = heads.published_head(connection, self.id)
            head = heads.head_at(connection, self.id, size)
            if head is None or (shown is not None and shown.size >= size):
                return False
            self._serve(connection, head)
        return True

    def refresh(self) -> None:
        """Add to the head that is shown what others have said of it since."""
        with transaction(self.engine, facts=False) as connection:
            shown = heads.published_head(connection, self.id)
            if shown is not None:
                self._serve(connection, shown)

    def _serve(self, connection: Connection, head: Head) -> None:
        kept = heads.read_cosignatures(connection, self.id)
        note = cosigned_note(head, kept)
        if note != head.served:
            heads.serve_head(connection, self.id, head.size, note)
            forget_heads(connection, self.id, head.size)

    def published_checkpoint(self) -> bytes | None:
        """What `/log/checkpoint` shows: the log's two lines first, at most 16 in all."""
        head = self.published_head()
        return None if head is None else head.served


def cosigned_note(head: Head, kept: Iterable[KeptCosignature]) -> bytes:
    """The note of a head with what others have said of it: witnesses before mirrors, ML-DSA-44 before Ed25519.

    Outside witnesses come behind the one key of each member that makes a head believed.

    A line it was shown with stays until the same key says something newer of the same head: a peer that has gone on to
    the next head has not taken back what it said of this one.
    """
    own = parse_note_unverified(head.signed).unverified
    lines = {line.ref: line for line in _shown_lines(head) if line.ref not in {one.ref for one in own}}
    kept = list(kept)
    lines |= {one.line.ref: one.line for one in kept if (one.size, one.root) == (head.size, head.root)}
    roles = {one.line.ref: one.role for one in kept}
    in_order = sorted(lines.values(), key=lambda line: _rank(line, roles))
    return add_signatures(head.signed, in_order[: SERVED_LINES_MAX - len(own)])


def _shown_lines(head: Head) -> Sequence[SignatureLine]:
    return () if head.served is None else parse_note_unverified(head.served).unverified


def _rank(line: SignatureLine, roles: dict[KeyRef, str]) -> tuple[int, bool, str]:
    is_mldsa = len(line.blob) == TIME_BYTES + MLDSA44_SIGNATURE_BYTES
    match roles.get(line.ref):
        case heads.WITNESS:
            place = 0 if is_mldsa else 2
        case heads.OUTSIDE:
            place = 1
        case _:
            place = 3
    return place, not is_mldsa, line.name
