"""Money: an award in the approver's log, its payments in the payer's, and the citizen's own word.

Each is folded from the records of one log; what joins the logs are the rules in `ledger.rules`.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from ledger.errors import IllegalStep
from ledger.records.statement import Record


class Ref(NamedTuple):
    """An object in any log."""

    log: str  # origin
    sub: str  # handle

    @classmethod
    def of(cls, claim: Mapping[str, str]) -> "Ref":
        """Read the clear claim of that shape."""
        return cls(claim["log"], claim["sub"])

    def claim(self) -> dict[str, str]:
        """The clear claim that names this object."""
        return {"log": self.log, "sub": self.sub}


class AwardStatus(StrEnum):
    """The states of an award."""

    PROPOSED = "PROPOSED"
    APPROVED = "APPROVED"
    RETURNED = "RETURNED"
    REFUSED = "REFUSED"
    CANCELLED = "CANCELLED"


class AwardState(NamedTuple):
    """What is true of an award after some records of its log."""

    case: str  # handle in the same log
    programme: str
    amount: int  # fen; proposed, then approved
    payer: str  # origin of the department that pays
    status: AwardStatus
    period: str | None = None  # YYYY-MM of a monthly benefit
    proposed_by: str | None = None  # kid
    proposed_in: str | None = None  # id of the newest award-proposed: what a rule compares
    approved_by: str | None = None  # kid
    approved_in: str | None = None  # id of the award-approved
    approved: int | None = None  # seconds since 1970
    account_given: int | None = None  # when an account was given again


def apply_award(state: AwardState | None, record: Record) -> AwardState:
    """The award after one more record; raises IllegalStep."""
    kind, clear = record.kind, record.clear
    status = "none" if state is None else str(state.status)
    if kind == "award-proposed" and (state is None or state.status is AwardStatus.RETURNED):
        if state is not None and state.case != clear["case"]:
            raise IllegalStep(kind, status, "another-case")
        return AwardState(
            clear["case"],
            clear["programme"],
            clear["amount"],
            clear["payer"],
            AwardStatus.PROPOSED,
            clear.get("period"),
            proposed_by=record.kid,
            proposed_in=record.record_id,
        )
    if state is not None and state.status is AwardStatus.PROPOSED:
        if kind == "award-approved":
            return state._replace(
                status=AwardStatus.APPROVED,
                amount=clear["amount"],
                approved_by=record.kid,
                approved_in=record.record_id,
                approved=record.iat,
            )
        if kind in _NOT_APPROVED:
            return state._replace(status=_NOT_APPROVED[kind])
    if state is not None and kind == "account-given" and state.status is AwardStatus.APPROVED:
        return state._replace(account_given=record.iat)
    raise IllegalStep(kind, status)


_NOT_APPROVED = {"award-returned": AwardStatus.RETURNED, "award-refused": AwardStatus.REFUSED}


class PaymentStatus(StrEnum):
    """The states of a payment, beside the ISO 20022 status each one stands for."""

    CREATED = "CREATED"
    SENT = "SENT"  # RCVD, PDNG, ACTC
    ACCEPTED = "ACCEPTED"  # ACCP, ACSP; or an officer's word that the bank did it
    HELD = "HELD"  # ACWP, BLCK
    CREDITED = "CREDITED"  # ACCC; only a bank's own file says so
    REJECTED = "REJECTED"  # RJCT
    RETURNED = "RETURNED"  # came back after it was credited
    REISSUED = "REISSUED"  # another payment has taken its place
    CANCELLED = "CANCELLED"  # entered by mistake and taken back before it was sent


FAILED = frozenset({PaymentStatus.REJECTED, PaymentStatus.RETURNED})
# AM05/DUPL: it may have been paid twice already. MD07: said to be dead; nothing more is done before the family has
# answered, as living people have been marked dead.
NEVER_REISSUED = frozenset({"AM05", "DUPL", "MD07"})
# The account is closed: the award's log must hold another one first.
NEEDS_ANOTHER_ACCOUNT = frozenset({"AC04", "AC07"})
_MONEY_OUT = frozenset({PaymentStatus.SENT, PaymentStatus.ACCEPTED, PaymentStatus.HELD, PaymentStatus.CREDITED})


class PaymentState(NamedTuple):
    """What is true of a payment after some records of its log."""

    award: Ref
    amount: int  # fen
    status: PaymentStatus
    reissues: str | None = None  # handle of the payment whose place it takes
    reissued_by: str | None = None  # handle of the payment that took its place
    ordered_by: str | None = None  # kid
    ordered_in: str | None = None  # id of the payment-created
    released_by: str | None = None  # kid
    released_in: str | None = None  # id of the payment-released
    released: int | None = None  # seconds since 1970
    reason: str | None = None  # ISO 20022 reason code of a failure
    source: str = "officer"  # of the last result: `officer`, or `bank` when the bank's own file says it
    happened_on: str | None = None  # the day the bank did it, when the record says so

    @property
    def is_out(self) -> bool:
        """Whether the money has left, as far as the payer says."""
        return self.status in _MONEY_OUT

    @property
    def has_failed(self) -> bool:
        """Whether it did not arrive, and nothing has taken its place yet."""
        return self.status in FAILED


_OUTCOMES = {
    "accepted": PaymentStatus.ACCEPTED,
    "held": PaymentStatus.HELD,
    "credited": PaymentStatus.CREDITED,
    "rejected": PaymentStatus.REJECTED,
    "returned": PaymentStatus.RETURNED,
}
# After what each result may come. An officer's word never overrules the bank's file.
_AFTER = {
    PaymentStatus.ACCEPTED: {PaymentStatus.SENT, PaymentStatus.HELD},
    PaymentStatus.HELD: {PaymentStatus.SENT, PaymentStatus.ACCEPTED},
    PaymentStatus.CREDITED: {PaymentStatus.SENT, PaymentStatus.ACCEPTED, PaymentStatus.HELD},
    PaymentStatus.REJECTED: {PaymentStatus.SENT, PaymentStatus.ACCEPTED, PaymentStatus.HELD},
    PaymentStatus.RETURNED: {PaymentStatus.ACCEPTED, PaymentStatus.CREDITED},
}


def apply_payment(state: PaymentState | None, record: Record, *, handle: str) -> PaymentState:
    """The payment `handle` after one more record: its own, or that of the payment which takes its place.

    Raises IllegalStep.
    """
    kind, clear = record.kind, record.clear
    if state is None:
        if kind != "payment-created":
            raise IllegalStep(kind, "none")
        return PaymentState(
            Ref.of(clear["award"]),
            clear["amount"],
            PaymentStatus.CREATED,
            reissues=clear.get("reissues"),
            ordered_by=record.kid,
            ordered_in=record.record_id,
        )
    if kind == "payment-created" and record.sub != handle and state.status in FAILED:
        if Ref.of(clear["award"]) != state.award or clear["amount"] > state.amount:
            raise IllegalStep(kind, state.status, "more-than-the-original")
        if state.reason in NEVER_REISSUED:
            raise IllegalStep(kind, state.status, "never-reissued")
        return state._replace(status=PaymentStatus.REISSUED, reissued_by=record.sub)
    if kind == "payment-released" and state.status is PaymentStatus.CREATED:
        return state._replace(
            status=PaymentStatus.SENT,
            released_by=record.kid,
            released_in=record.record_id,
            released=record.iat,
        )
    if kind in {"payment-reported", "bank-result"}:
        return _with_result(state, record)
    raise IllegalStep(kind, state.status)


def _with_result(state: PaymentState, record: Record) -> PaymentState:
    status = _OUTCOMES[record.clear["outcome"]]
    by_bank = record.kind == "bank-result"
    # The bank's file may confirm what an officer typed.
    confirms = by_bank and state.source == "officer" and status is state.status
    if not confirms and state.status not in _AFTER[status]:
        raise IllegalStep(record.kind, state.status)
    failed = status in FAILED
    if failed != ("reason" in record.clear):
        raise IllegalStep(record.kind, state.status, "reason-missing" if failed else "reason-without-failure")
    return state._replace(
        status=status,
        reason=record.clear.get("reason"),
        source="bank" if by_bank else "officer",
        happened_on=record.clear.get("on"),
    )


class WordState(NamedTuple):
    """What a citizen said about a payment."""

    payment: Ref
    word: str  # received, received-with-issues, not-received
    said: int  # seconds since 1970
    amount: int | None = None  # fen, when it is another than was paid


def apply_word(state: WordState | None, record: Record) -> WordState:
    """A word stands for itself: nothing follows it; raises IllegalStep."""
    if state is not None or record.kind != "citizen-word":
        raise IllegalStep(record.kind, "none" if state is None else "said")
    if (record.clear["word"] == "received-with-issues") != ("amount" in record.clear):
        raise IllegalStep(record.kind, "none", "amount-missing")
    return WordState(Ref.of(record.clear["payment"]), record.clear["word"], record.iat, record.clear.get("amount"))


def void_award(state: AwardState) -> AwardState:
    """The award when its first record was a mistake."""
    return state._replace(status=AwardStatus.CANCELLED)


def void_payment(state: PaymentState) -> PaymentState:
    """The payment when its order was a mistake and nothing has been sent."""
    return state._replace(status=PaymentStatus.CANCELLED)
