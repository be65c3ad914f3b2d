"""What one thread has read of the database, kept for its next question while nothing has changed.

People ask several things in a row, and lists lead to details: the second answer need not read and open what the first
just did. A writer's transaction moves the moment on: who cosigned what is then read again, and everything else too,
unless the writer said that no fact has changed.
"""

import threading
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from ledger.records.fold import Folded
from ledger.records.funds import Ref
from ledger.storage.engine import Moment
from ledger.storage.facts import Key, ObjectRow
from ledger.storage.network import Network
from ledger.storage.vault import VaultRow
from ledger.views import AwardView, Binding, CaseView, Finding, PaymentView

Mirrored = list[tuple[int, str, int, int]]  # log id, mirror's name, size, time

OBJECTS_MAX = 1_000  # in one thread's memory; a node's people are many more


@dataclass(slots=True)
class Memory:
    """What was read at one moment. It belongs to one thread."""

    moment: Moment | None = None  # None: of a database that counts none
    network: Network | None = None
    mirrored: Mirrored | None = None
    mirrors: dict[tuple[tuple[int, int], ...], dict[str, int]] = field(default_factory=dict)  # over which records
    bound: dict[str, list[Binding]] = field(default_factory=dict)  # by account
    trees: dict[str, list[ObjectRow]] = field(default_factory=dict)  # by citizen
    rows: dict[Key, ObjectRow | None] = field(default_factory=dict)
    children: dict[tuple[str, str], dict[Key, ObjectRow]] = field(default_factory=dict)  # by log and handle above them
    sealed: dict[str, list[VaultRow]] = field(default_factory=dict)  # by handle
    folded: dict[Key, Folded] = field(default_factory=dict)
    views: dict[Key, CaseView | AwardView | PaymentView] = field(default_factory=dict)
    findings: dict[Ref, Sequence[Finding]] = field(default_factory=dict)  # whatever became of them
    told: dict[Hashable, object] = field(default_factory=dict)  # what was composed of all this

    def look_again(self, moment: Moment) -> None:
        """No fact has changed since; forget only who cosigned what."""
        self.moment, self.network, self.mirrored = moment, None, None
        self.mirrors.clear()


class Memories(threading.local):
    """Each thread's memory."""

    def __init__(self) -> None:
        self._newest = Memory()

    def at(self, moment: Moment | None) -> Memory:
        """What this thread knows of that moment from when it last asked."""
        newest, known = self._newest, self._newest.moment
        if moment is None or known is None or moment.facts != known.facts or len(newest.rows) > OBJECTS_MAX:
            self._newest = newest = Memory(moment)
        elif moment != known:
            newest.look_again(moment)
        return newest
