"""What the rules look at: one award and every payment that names it, from all the logs that we hold, at one moment.

Whoever has the database builds a snapshot; a rule only reads it.
"""

from typing import NamedTuple

from ledger.records import base64url
from ledger.records.funds import AwardState, PaymentState, Ref


class Act(NamedTuple):
    """One signed record that a rule compares, and the person who signed it."""

    record_id: str
    person: str  # digest; says "the same person" only inside one log, whose secret made it. "": nobody known

    @property
    def leaf(self) -> bytes:
        """The record's leaf hash."""
        return base64url.decode(self.record_id)


class AwardPart(NamedTuple):
    """The award as its own log has it."""

    state: AwardState
    department: str  # name of the department that approves
    payer: str  # name of the department that it says is to pay
    proposed: Act  # the newest award-proposed
    approved: Act | None  # the newest award-approved, while the award is APPROVED


class PaymentPart(NamedTuple):
    """One payment as the payer's log has it."""

    ref: Ref
    state: PaymentState
    department: str  # name of the department whose log it is in
    ordered: Act  # the payment-created
    released: Act | None  # the payment-released, once there is one


class AwardSnapshot(NamedTuple):
    """An award and all its payments."""

    ref: Ref  # of the award, also when only a payment has named it so far
    award: AwardPart | None  # None: nothing of it is known here (yet)
    payments: tuple[PaymentPart, ...] = ()  # whatever their status, oldest first
