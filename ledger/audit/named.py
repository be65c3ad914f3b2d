"""The keys that a log itself names for checkpoints: its own, and those of the departments it has as members.

They are not trusted: whoever verifies gives the keys that are. They tell an altered line from one by a stranger.
"""

from collections.abc import Iterable

from ledger.merkle.errors import MerkleError
from ledger.merkle.vkeys import KeyRef, Verifier, parse_vkey
from ledger.records.statement import Record
from ledger.storage.heads import MIRROR, WITNESS

LOG = "log"
_CLAIMS = (("log_keys", LOG), ("witness_keys", WITNESS), ("mirror_keys", MIRROR))


class NamedKeys:
    """The keys that a log has named so far, each with what it signs as."""

    def __init__(self) -> None:
        self.roles: dict[KeyRef, str] = {}
        self._verifiers: dict[KeyRef, Verifier] = {}

    def follow(self, record: Record) -> None:
        """Take in what a checked record says of departments' keys."""
        for claim, role in _CLAIMS:
            self.add(record.clear.get(claim, ()), role)
        if record.kind == "rotation" and record.clear["role"] in {LOG, WITNESS, MIRROR}:
            self.add(record.clear.get("keys", ()), record.clear["role"])

    def add(self, vkeys: Iterable[str], role: str) -> None:
        """Take in keys of one role; what is no key is nobody's."""
        for vkey in vkeys:
            try:
                verifier = parse_vkey(vkey)
            except MerkleError:
                continue
            # An id has four bytes: of two keys that share it the first has it, and no line of the other is known.
            self._verifiers.setdefault(verifier.ref, verifier)
            self.roles.setdefault(verifier.ref, role)

    def of_log(self, origin: str) -> list[Verifier]:
        """The keys that sign the heads of this log."""
        return [one for ref, one in self._verifiers.items() if self.roles[ref] == LOG and one.name == origin]

    def cosigners(self) -> list[Verifier]:
        """The keys of witnesses and mirrors."""
        return [one for ref, one in self._verifiers.items() if self.roles[ref] != LOG]
