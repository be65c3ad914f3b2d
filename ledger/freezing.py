"""Lets a log end: from a certain head on nothing is added to it and nothing signed, whatever process asks.

For a log whose key was stolen. What stands beside the keys is no setting, and in no backup: a database that is put back
stays frozen too.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from ledger.errors import Behind
from ledger.files import write_new
from ledger.merkle.hashing import Hash, as_hash


class Frozen(Behind):
    """This log has ended: its key was given up as stolen."""


@dataclass(frozen=True, slots=True)
class LastHead:
    """The last head of a log that counts."""

    origin: str
    size: int
    root: Hash


class Freezer:
    """The file that says so."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def beside(cls, mark: Path) -> Self:
        """The one that belongs to a high-water mark."""
        return cls(mark.with_suffix(".frozen"))

    def check(self) -> None:
        """Raise Frozen when the log has ended."""
        if self.path.exists():
            raise Frozen(f"{self.path}: this log was frozen, and has ended; docs/keys.md says how its successor begins")

    def freeze(self, last: LastHead) -> None:
        """End the log with this head. Raises Misconfigured when it has ended already."""
        told = {"origin": last.origin, "size": last.size, "root": last.root.hex()}
        write_new(self.path, json.dumps(told, indent=1).encode())

    def last_head(self) -> LastHead | None:
        """The head with which it ended; None while it has not."""
        if not self.path.exists():
            return None
        told = json.loads(self.path.read_bytes())
        return LastHead(told["origin"], int(told["size"]), as_hash(bytes.fromhex(told["root"])))
