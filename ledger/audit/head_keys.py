"""Holds each signed head against the keys that the log's own records have put in force for its size.

Trust begins at the keys that were given. A rotation, which old and new keys have signed and which was checked like
every record, leads from them to those that came before and after, each for its range and no further.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ledger.audit.report import Faults
from ledger.key_history import History, KeyRange
from ledger.merkle.cosignature import CosignedCheckpoint, open_cosigned, parse_checkpoint_unverified
from ledger.merkle.errors import MerkleError
from ledger.merkle.vkeys import Verifier, parse_vkey
from ledger.records.rotation import LOG
from ledger.records.statement import Record


@dataclass(slots=True)
class HeadKeys:
    """The heads of one verification whose keys cannot be judged before the log has been read."""

    trusted: Sequence[Verifier] = ()
    history: History = field(default_factory=History)
    _opened: list[bytes] = field(default_factory=list)  # by a key that was given
    _postponed: list[bytes] = field(default_factory=list)  # by none that was

    def note(self, signed: bytes) -> None:
        """A head that one of the given keys has signed: whether for a size of its range is still to be seen."""
        self._opened.append(signed)

    def postpone(self, signed: bytes) -> CosignedCheckpoint:
        """A head that none of them has signed; returns what it claims. Raises MerkleError.

        Nothing of it is believed yet; it is compared with the tree all the same.
        """
        claimed = parse_checkpoint_unverified(signed)
        self._postponed.append(signed)
        return CosignedCheckpoint(claimed, (), ())

    def take(self, index: int, record: Record) -> None:
        """A record of the log that held."""
        if record.kind in {"genesis", "rotation"}:
            self.history = self.history.after(index, record)

    def finish(self, faults: Faults, cosigners: Sequence[Verifier] = ()) -> Iterator[CosignedCheckpoint]:
        """Name the heads that no key which counts at their size has signed; yield those postponed that hold."""
        rotated = bool(self.history.retired(LOG))
        for signed in self._postponed:
            if (opened := self._open(signed, faults, cosigners)) is not None:
                yield opened
        for signed in self._opened if rotated else ():
            self._open(signed, faults, ())

    def _open(self, signed: bytes, faults: Faults, cosigners: Sequence[Verifier]) -> CosignedCheckpoint | None:
        size = parse_checkpoint_unverified(signed).size
        try:
            return open_cosigned(signed, self._counting_at(size), cosigners)
        except MerkleError as error:
            faults.add("checkpoint", size, f"no key that counts at this size has signed it: {error}")
            return None

    def _counting_at(self, size: int) -> list[Verifier]:
        """The keys that may sign a head of this size."""
        ranges = [one for one in self.history.ranges if one.role == LOG]
        named = {key: one for one in ranges for key in _parse(one)}
        if not set(self.trusted) & named.keys():
            return list(self.trusted)  # this log names other keys: nothing leads from those that were given to them
        others = [key for key in self.trusted if key not in named]
        return others + [key for key, one in named.items() if one.counts_at(size - 1)]


def _parse(one: KeyRange) -> Iterator[Verifier]:
    for vkey in one.keys:
        try:
            yield parse_vkey(vkey)
        except MerkleError:  # of a genesis: a rotation's were parsed when it was checked
            continue
