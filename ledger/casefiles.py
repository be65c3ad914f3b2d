"""Case files: a case, and all that hangs on it in whatever log, read at once and opened only as far as is asked for.

What was read stays in a thread's memory for the next question of the same moment.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Connection

from ledger.memory import Memory
from ledger.records import codec
from ledger.records.fold import Folded
from ledger.records.funds import AwardState, Ref
from ledger.storage import facts as rows
from ledger.storage import vault as sealed
from ledger.storage.facts import ObjectRow
from ledger.storage.network import Network
from ledger.storage.vault import Vault
from ledger.views import AwardView, CaseView, PaymentView, WordView

TAIL_DIGITS = 4

_View = TypeVar("_View", CaseView, AwardView, PaymentView)


class CaseFiles:
    """The case files as of one moment; belongs to one short transaction."""

    def __init__(self, conn: Connection, vault: Vault, memory: Memory) -> None:
        self._conn = conn
        self._vault = vault
        self._memory = memory

    @property
    def network(self) -> Network:
        """The departments that we hold logs of."""
        if self._memory.network is None:
            self._memory.network = Network.read(self._conn)
        return self._memory.network

    def row(self, ref: Ref, topic: str | None = None) -> ObjectRow | None:
        """An object as it is stored, and with it all that belongs to its case is read; None when it is not here."""
        log_id = self.network.log_id(ref.log)
        if log_id is None:
            return None
        key = (log_id, ref.sub)
        known = self._memory.rows
        if key not in known:
            known[key] = None
            self._remember(rows.read_tree(self._conn, key))
        row = known[key]
        return row if row is not None and (topic is None or row.topic == topic) else None

    def of_citizen(self, citizen: str) -> list[ObjectRow]:
        """All that is a citizen's, oldest first."""
        trees = self._memory.trees
        if citizen not in trees:
            found = rows.read_tree_of_citizen(self._conn, citizen)
            self._remember(found)
            trees[citizen] = sorted(found, key=_oldest_first)
        return trees[citizen]

    def _remember(self, found: list[ObjectRow]) -> None:
        known, children, held = self._memory.rows, self._memory.children, self._memory.sealed
        for row in found:
            if known.get(row.key) is None:
                known[row.key] = row
                if row.ref_log is not None and row.ref_handle is not None:
                    children.setdefault((row.ref_log, row.ref_handle), {})[row.key] = row
        unread = [row.handle for row in found if row.handle not in held]
        for handle in unread:
            held[handle] = []
        for each in sealed.read_rows(self._conn, unread) if unread else ():
            held[each.handle].append(each)

    def below(self, ref: Ref, topic: str) -> list[ObjectRow]:
        """What of a topic hangs on an object that was read: oldest first, in whatever order they were read."""
        found = self._memory.children.get((ref.log, ref.sub), {})
        return sorted((row for row in found.values() if row.topic == topic), key=_oldest_first)

    def tree_of(self, ref: Ref) -> list[tuple[str, str]]:
        """Log and handle of an object that was read, and of all that hangs on it."""
        found = [(ref.log, ref.sub)]
        for each in found:
            found += [
                (self.network.origin(row.log_id), row.handle) for row in self._memory.children.get(each, {}).values()
            ]
        return found

    def _decoded(self, row: ObjectRow) -> Folded:
        folded = self._memory.folded
        if row.key not in folded:
            folded[row.key] = codec.load(row.topic, row.folded)
        return folded[row.key]

    def private(self, row: ObjectRow, name: str) -> Any:
        """The newest value of that name told about an object, or None."""
        found = sealed.newest(self._memory.sealed.get(row.handle, ()), row.log_id, row.handle, name)
        return None if found is None else self._vault.value(found)

    def _owner(self, row: ObjectRow) -> str | None:
        if row.citizen is not None or row.ref_log is None or row.ref_handle is None:
            return row.citizen
        parent = self.row(Ref(row.ref_log, row.ref_handle))
        return None if parent is None else self._owner(parent)

    def _common(self, row: ObjectRow) -> dict[str, Any]:
        folded, origin = self._decoded(row), self.network.origin(row.log_id)
        return {
            "ref": Ref(origin, row.handle),
            "department": self.network.name(origin),
            "state": folded.state,
            "since": folded.since,
            "index": row.idx,
            "record_id": folded.head.record_id,
        }

    def _kept(self, row: ObjectRow, kind: type[_View], make: Callable[[ObjectRow], _View]) -> _View:
        known = self._memory.views.get(row.key)
        if not isinstance(known, kind):
            known = self._memory.views[row.key] = make(row)
        return known

    def case(self, row: ObjectRow) -> CaseView:
        """A row of a case, as it is shown."""
        return self._kept(row, CaseView, self._make_case)

    def _make_case(self, row: ObjectRow) -> CaseView:
        common = self._common(row)
        awards = self.below(common["ref"], "award")
        return CaseView(
            **common,
            disputed=row.disputed is not None,
            number=self.private(row, "number"),
            citizen=row.citizen,
            applicant=self.private(row, "applicant"),
            awards=tuple(Ref(self.network.origin(award.log_id), award.handle) for award in awards),
        )

    def award(self, row: ObjectRow) -> AwardView:
        """A row of an award, as it is shown."""
        return self._kept(row, AwardView, self._make_award)

    def _make_award(self, row: ObjectRow) -> AwardView:
        common = self._common(row)
        state: AwardState = common["state"]
        return AwardView(
            **common,
            disputed=row.disputed is not None,
            number=self.private(row, "number"),
            citizen=self._owner(row),
            payee=self.private(row, "payee"),
            account_tail=_tail(self.private(row, "account")),
            payer=self.network.name(state.payer),
        )

    def payment(self, row: ObjectRow) -> PaymentView:
        """A row of a payment, as it is shown."""
        return self._kept(row, PaymentView, self._make_payment)

    def _make_payment(self, row: ObjectRow) -> PaymentView:
        common = self._common(row)
        # Whoever pays does not vouch for itself: what it says that the citizen said is believed at its own node alone.
        own = self.network.own.id
        words = [word for word in self.below(common["ref"], "word") if word.log_id == own or word.log_id != row.log_id]
        return PaymentView(
            **common,
            disputed=row.disputed is not None,
            number=self.private(row, "number"),
            citizen=self._owner(row),
            account_tail=_tail(self.private(row, "account")),
            word=self._word(words[-1]) if words else None,
        )

    def _word(self, row: ObjectRow) -> WordView:
        return WordView(**self._common(row))

    def time_of(self, log_id: int, index: int) -> int:
        """When a record was signed, in seconds since 1970; 0 when it is not here."""
        for key, row in self._memory.rows.items():
            if row is not None and key[0] == log_id and row.idx == index:
                return self._decoded(row).head.at
        return rows.read_record_time(self._conn, log_id, index) or 0


def _oldest_first(row: ObjectRow) -> tuple[int, int, str]:
    return row.created, row.first_idx, row.handle


def _tail(account: object) -> str | None:
    return account[-TAIL_DIGITS:] if isinstance(account, str) else None
