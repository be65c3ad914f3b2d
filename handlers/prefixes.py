"""Knows whose number a run of digits could be, without asking the database for each message."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from ledger.errors import Unavailable
from ledger.node import Node
from ledger.records.numbers import is_number

FRESH_SECONDS = 60  # so long a department that joined may be unknown to the chat


@dataclass(slots=True)
class Prefixes:
    """The number prefixes of the network, read again every minute."""

    _node: Node
    _now: Callable[[], int]
    _known: Collection[str] = ()
    _read_at: int | None = field(default=None)

    def is_number(self, digits: str) -> bool:
        """Whether these digits are a number of the network: a prefix that is known, and good check digits."""
        return is_number(digits, self._current())

    def _current(self) -> Collection[str]:
        now = self._now()
        if self._read_at is None or abs(now - self._read_at) > FRESH_SECONDS:
            try:
                with self._node.reading() as facts:
                    self._known = tuple(facts.prefixes())
            except Unavailable:
                return self._known or (self._node.number_prefix,)
            self._read_at = now
        return self._known
