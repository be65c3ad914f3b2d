"""Whose keys count in a log, and from which index to which, by its own records alone."""

from collections.abc import Iterator, Mapping

from ledger.examining.pool import Keys
from ledger.records.check import Signer, signer_ends, signer_named
from ledger.records.statement import Record


class Signers:
    """The signers of one log, as its records name them one after another."""

    def __init__(self) -> None:
        self._by_kid: dict[str, Signer] = {}
        self.keys = Keys()

    @property
    def by_kid(self) -> Mapping[str, Signer]:
        """Every key that ever counted."""
        return self._by_kid

    def find(self, kid: str) -> Signer | None:
        """The key of that thumbprint, in force or not."""
        return self._by_kid.get(kid)

    def follow(self, index: int, record: Record) -> None:
        """Take in what a checked record says of signers."""
        ended = signer_ends(record, index)
        if ended is not None:
            for signer in list(self._of(record.sub)):
                self._by_kid[signer.kid] = signer.ended(ended)
        named = signer_named(record, index)
        if named is not None:
            self._by_kid[named.kid] = named
            self.keys.add(named.kid, named.public_key)

    def names_twice(self, index: int, record: Record) -> bool:
        """Whether the record would put a key in force that has been somebody's already."""
        named = signer_named(record, index)
        return named is not None and named.kid in self._by_kid

    def _of(self, handle: str) -> Iterator[Signer]:
        return (one for one in self._by_kid.values() if one.handle == handle and one.to_index is None)
