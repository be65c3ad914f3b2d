"""What a rule says when two signed sources do not agree: a fact with its evidence, and no accusation."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Literal

from ledger.records.funds import Ref

Severity = Literal["S", "A", "W"]  # stop, alarm, warning

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ID_LETTERS = 8


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Two signed sources that do not agree."""

    rule: str
    severity: Severity
    compared: tuple[bytes, ...]  # leaf hashes of the records, or hashes of the checkpoints, that were compared
    about: Ref | None  # the object that a citizen or officer would ask for
    facts: Mapping[str, Any] = field(default_factory=dict)  # JSON: names, amounts in fen, what the sentences need

    @property
    def id(self) -> str:
        """The name that every department which finds this gives it."""
        return finding_id(self.rule, self.compared)


def finding_id(rule: str, compared: Iterable[bytes]) -> str:
    """Return 8 Crockford characters of SHA-256(rule id ‖ hashes compared).

    The hashes are sorted and each counts once: departments receive the two sides in different orders.
    """
    digest = sha256(rule.encode("ascii") + b"".join(sorted(set(compared)))).digest()
    number = int.from_bytes(digest[:5], "big")
    return "".join(_CROCKFORD[number >> 5 * place & 31] for place in reversed(range(_ID_LETTERS)))
