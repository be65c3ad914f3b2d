"""Puts together, from all the logs we hold, what the rules of cross-verification look at."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Self

from sqlalchemy import Connection

from ledger.records import codec
from ledger.records.fold import Folded, State
from ledger.records.funds import AwardState, PaymentState, Ref
from ledger.rules.snapshot import Act, AwardPart, AwardSnapshot, PaymentPart
from ledger.storage.facts import Begun
from ledger.storage.many import Stored, read_objects, read_objects_below
from ledger.storage.network import Network
from ledger.storage.signers import read_persons

NOBODY = ""  # the person behind a key that no enrolment names; never the same person as another
NOTHING: Mapping[Ref, Folded] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Dossier:
    """An award and its payments as the database has them, and the names that go with them."""

    ref: Ref
    award: AwardState | None
    payments: Mapping[Ref, PaymentState]  # oldest first
    network: Network
    persons: Mapping[tuple[str, str], str]  # log, kid -> digest; of all that were read along with it
    begun: Mapping[Ref, Begun]  # likewise: when each object's first record was made

    @classmethod
    def read(cls, conn: Connection, ref: Ref) -> Self:
        """Read all that is known of an award; only its payments may be known so far."""
        return cls.read_some(conn, [ref])[0]

    @classmethod
    def read_some(cls, conn: Connection, refs: Sequence[Ref], known: Mapping[Ref, Folded] = NOTHING) -> list[Self]:
        """Read them of several awards, all at once, in their order; `known`: what need not be decoded again."""
        net = Network.read(conn)
        below = _read_below(conn, net, refs)
        stored = _read_stored(conn, net, [ref for ref in refs if ref not in known or below[ref]])
        states: dict[Ref, State] = {ref: known[ref].state for ref in refs if ref in known}
        for ref, row in [*stored.items(), *(pair for pairs in below.values() for pair in pairs)]:
            folded = known.get(ref)
            states[ref] = (codec.load(row.topic, row.folded) if folded is None else folded).state
        begun = {ref: _begun(ref, net, row) for ref, row in stored.items()}
        persons = _persons(conn, net, states)
        made = []
        for ref in refs:
            award = states.get(ref)
            payments: dict[Ref, PaymentState] = {}
            for one, row in below[ref]:
                state = states[one]
                if isinstance(state, PaymentState):
                    payments[one] = state
                    begun[one] = _begun(one, net, row)
            made.append(cls(ref, award if isinstance(award, AwardState) else None, payments, net, persons, begun))
        return made

    def changed(self, log: str, changes: Mapping[str, Folded], kid: str, person: str) -> Self:
        """The same after a record that `kid` is about to sign in that log."""
        award, payments = self.award, dict(self.payments)
        for handle, folded in changes.items():
            if isinstance(folded.state, AwardState) and Ref(log, handle) == self.ref:
                award = folded.state
            if isinstance(folded.state, PaymentState) and folded.state.award == self.ref:
                payments[Ref(log, handle)] = folded.state
        return type(self)(self.ref, award, payments, self.network, {**self.persons, (log, kid): person}, self.begun)

    def snapshot(self) -> AwardSnapshot:
        """What the rules look at."""
        award = None if self.award is None else self._award_part(self.award)
        return AwardSnapshot(
            self.ref, award, tuple(self._payment_part(ref, state) for ref, state in self.payments.items())
        )

    def _award_part(self, state: AwardState) -> AwardPart:
        name = self.network.name
        proposed = self._act(self.ref.log, state.proposed_in, state.proposed_by)
        assert proposed is not None  # an award begins with its proposal
        approved = self._act(self.ref.log, state.approved_in, state.approved_by)
        return AwardPart(state, name(self.ref.log), name(state.payer), proposed, approved)

    def _payment_part(self, ref: Ref, state: PaymentState) -> PaymentPart:
        ordered = self._act(ref.log, state.ordered_in, state.ordered_by)
        assert ordered is not None  # a payment begins with its order
        released = self._act(ref.log, state.released_in, state.released_by)
        return PaymentPart(ref, state, self.network.name(ref.log), ordered, released)

    def _act(self, log: str, record_id: str | None, kid: str | None) -> Act | None:
        if record_id is None or kid is None:
            return None
        return Act(record_id, self.persons.get((log, kid), NOBODY))


def read_some(conn: Connection, refs: Sequence[Ref]) -> dict[Ref, Folded]:
    """Those of these objects that are known."""
    stored = _read_stored(conn, Network.read(conn), refs) if refs else {}
    return {ref: codec.load(row.topic, row.folded) for ref, row in stored.items()}


def _read_stored(conn: Connection, net: Network, refs: Iterable[Ref]) -> dict[Ref, Stored]:
    found: dict[Ref, Stored] = {}
    for origin, handles in by_log(refs).items():
        log_id = net.log_id(origin)
        if log_id is not None:
            found |= {Ref(origin, row.handle): row for row in read_objects(conn, log_id, handles)}
    return found


def _read_below(conn: Connection, net: Network, refs: Iterable[Ref]) -> dict[Ref, list[tuple[Ref, Stored]]]:
    found: dict[Ref, list[tuple[Ref, Stored]]] = {ref: [] for ref in refs}
    for origin, handles in by_log(found).items():
        for row in read_objects_below(conn, origin, handles):
            assert row.ref_handle is not None  # it was found by it
            found[Ref(origin, row.ref_handle)].append((Ref(net.origin(row.log_id), row.handle), row))
    return found


def by_log(refs: Iterable[Ref]) -> dict[str, list[str]]:
    """The handles of objects by the log that they are in."""
    handles: dict[str, list[str]] = {}
    for ref in refs:
        handles.setdefault(ref.log, []).append(ref.sub)
    return handles


def _begun(ref: Ref, net: Network, row: Stored) -> Begun:
    return Begun(row.created, net.watches(ref.log, row.first_idx))


def _persons(conn: Connection, net: Network, states: Mapping[Ref, State]) -> dict[tuple[str, str], str]:
    kids: dict[str, set[str]] = {}
    for ref, state in states.items():
        match state:
            case AwardState():
                signed = (state.proposed_by, state.approved_by)
            case PaymentState():
                signed = (state.ordered_by, state.released_by)
            case _:
                continue
        kids.setdefault(ref.log, set()).update(kid for kid in signed if kid is not None)
    found: dict[tuple[str, str], str] = {}
    for log, wanted in kids.items():
        log_id = net.log_id(log)
        assert log_id is not None  # it was read from there
        found |= {(log, kid): person for kid, person in read_persons(conn, log_id, wanted).items()}
    return found


def award_snapshot(conn: Connection, ref: Ref) -> AwardSnapshot:
    """An award and all its payments, from every log that we hold, at this moment."""
    return Dossier.read(conn, ref).snapshot()
