"""Puts together, from all the logs we hold, what the rules of cross-verification look at."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from sqlalchemy import Connection

from ledger.records import base64url, codec
from ledger.records.fold import Folded
from ledger.records.funds import AwardState, PaymentState, Ref
from ledger.rules.snapshot import Act, AwardPart, AwardSnapshot, PaymentPart
from ledger.storage import facts as rows
from ledger.storage.network import Network

NOBODY = ""  # the person behind a key that no enrolment names; never the same person as another


@dataclass(frozen=True, slots=True)
class Dossier:
    """An award and its payments as the database has them, and the names that go with them."""

    ref: Ref
    award: AwardState | None
    payments: Mapping[Ref, PaymentState]  # oldest first
    network: Network
    persons: Mapping[tuple[str, str], str]  # log, kid -> digest

    @classmethod
    def read(cls, conn: Connection, ref: Ref, network: Network | None = None) -> Self:
        """Read all that is known of an award; only its payments may be known so far."""
        net = network or Network.read(conn)
        log_id = net.log_id(ref.log)
        found = None if log_id is None else rows.read_object(conn, (log_id, ref.sub))
        award = None if found is None else codec.load(found[0], found[1]).state
        payments = {}
        for one, handle, _status in rows.read_children(conn, ref.log, ref.sub):
            row = rows.read_object(conn, (one, handle))
            state = None if row is None else codec.load(row[0], row[1]).state
            if isinstance(state, PaymentState):
                payments[Ref(net.origin(one), handle)] = state
        good = award if isinstance(award, AwardState) else None
        return cls(ref, good, payments, net, _persons(conn, net, ref, good, payments))

    def changed(self, log: str, changes: Mapping[str, Folded], kid: str, person: str) -> Self:
        """The same after a record that `kid` is about to sign in that log."""
        award, payments = self.award, dict(self.payments)
        for handle, folded in changes.items():
            if isinstance(folded.state, AwardState) and Ref(log, handle) == self.ref:
                award = folded.state
            if isinstance(folded.state, PaymentState) and folded.state.award == self.ref:
                payments[Ref(log, handle)] = folded.state
        return type(self)(self.ref, award, payments, self.network, {**self.persons, (log, kid): person})

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
        return Act(base64url.decode(record_id), self.persons.get((log, kid), NOBODY))


def _persons(
    conn: Connection, net: Network, ref: Ref, award: AwardState | None, payments: Mapping[Ref, PaymentState]
) -> dict[tuple[str, str], str]:
    kids: dict[str, set[str]] = {}
    if award is not None:
        kids[ref.log] = {kid for kid in (award.proposed_by, award.approved_by) if kid is not None}
    for payment, state in payments.items():
        signed = {kid for kid in (state.ordered_by, state.released_by) if kid is not None}
        kids.setdefault(payment.log, set()).update(signed)
    found: dict[tuple[str, str], str] = {}
    for log, wanted in kids.items():
        log_id = net.log_id(log)
        assert log_id is not None  # it was read from there
        found |= {(log, kid): person for kid, person in rows.read_persons(conn, log_id, wanted).items()}
    return found


def award_snapshot(conn: Connection, ref: Ref) -> AwardSnapshot:
    """An award and all its payments, from every log that we hold, at this moment."""
    return Dossier.read(conn, ref).snapshot()
