"""Money: what one department approved, and what another one ordered and paid, must be the same (R01 to R19).

Each rule compares records of two departments, or the persons behind two records. None of them knows who is right.
"""

from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any

from ledger.records.funds import AwardStatus, PaymentStatus
from ledger.rules.mismatch import Mismatch
from ledger.rules.snapshot import Act, AwardPart, AwardSnapshot, PaymentPart

Rule = Callable[[AwardSnapshot], Iterator[Mismatch]]

# A cancelled order never was; the re-issue stands in the place of its original.
_NO_ORDER = frozenset({PaymentStatus.CANCELLED, PaymentStatus.REISSUED})


def orders(snapshot: AwardSnapshot) -> tuple[PaymentPart, ...]:
    """The orders that stand: those that failed too, until another takes their place."""
    return tuple(payment for payment in snapshot.payments if payment.state.status not in _NO_ORDER)


def ordered_fen(snapshot: AwardSnapshot) -> int:
    """What has been ordered, in fen."""
    return sum(payment.state.amount for payment in orders(snapshot))


def paid_fen(snapshot: AwardSnapshot) -> int:
    """What has left and has not come back, as far as the payer says, in fen."""
    return sum(payment.state.amount for payment in snapshot.payments if payment.state.is_out)


def paid_more_than_approved(snapshot: AwardSnapshot) -> Iterator[Mismatch]:
    """R01: paid − returned ≤ approved, per award. The approver's award against the payer's payments."""
    award = _approved(snapshot)
    if award is None or paid_fen(snapshot) <= award.state.amount:
        return
    released = tuple(payment for payment in snapshot.payments if payment.state.is_out)
    yield _on_amounts("R01", snapshot, award, released)


def payment_without_award(snapshot: AwardSnapshot) -> Iterator[Mismatch]:
    """R09: every payment has an award. A payer's payment against the approver's award.

    The award must be approved and name this payer. It may merely not have arrived yet: whoever folds waits before
    this becomes a finding; a desk does not wait, as it pays nothing that it has not seen approved. (That every award
    has a case is said inside one log, where `fold.apply` refuses an award without one.)
    """
    award = snapshot.award
    for payment in orders(snapshot):
        if award is None or award.state.status is not AwardStatus.APPROVED or award.state.payer != payment.ref.log:
            yield Mismatch("R09", "S", (payment.ordered.leaf,), payment.ref, _unfounded(snapshot, award, payment))


def same_person_twice(snapshot: AwardSnapshot) -> Iterator[Mismatch]:
    """R10: who proposed and approved the award, ordered and released the payment are pairwise different persons.

    Persons can be told apart inside one log only: each department's digests are made under its own secret. Between two
    departments R11 stands for it.
    """
    award = snapshot.award
    of_award = [] if award is None else _acts(award.proposed, award.approved)
    yield from _pairs(snapshot, of_award)
    for payment in orders(snapshot):
        of_payment = _acts(payment.ordered, payment.released)
        together = of_award if payment.ref.log == snapshot.ref.log else []
        yield from _pairs(snapshot, of_payment, together)


def payer_is_approver(snapshot: AwardSnapshot) -> Iterator[Mismatch]:
    """R11: the department that approves and the one that pays are different. The award's log against the payment's."""
    award = snapshot.award
    if award is not None and award.state.payer == snapshot.ref.log:
        yield Mismatch("R11", "S", (award.proposed.leaf,), snapshot.ref, _departments(snapshot, award))
    for payment in orders(snapshot):
        if payment.ref.log == snapshot.ref.log:
            leaves = (payment.ordered.leaf, *(() if award is None else (award.proposed.leaf,)))
            yield Mismatch("R11", "S", leaves, payment.ref, _unfounded(snapshot, award, payment))


def ordered_not_as_approved(snapshot: AwardSnapshot) -> Iterator[Mismatch]:
    """R19: once something is ordered, the orders of an award are together what was approved.

    The approver's award against the payer's orders; a re-issue takes the place of its original.
    """
    award, standing = _approved(snapshot), orders(snapshot)
    if award is not None and standing and ordered_fen(snapshot) != award.state.amount:
        yield _on_amounts("R19", snapshot, award, standing)


def credited_fen(snapshot: AwardSnapshot) -> int:
    """What a bank's own file says has arrived, in fen; an officer's word is not the bank's."""
    return sum(one.state.amount for one in snapshot.payments if one.state.status is PaymentStatus.CREDITED)


def waits_for_money(snapshot: AwardSnapshot) -> bool:
    """Whether something was approved that no bank says has arrived."""
    award = _approved(snapshot)
    return award is not None and credited_fen(snapshot) < award.state.amount


def not_credited(snapshot: AwardSnapshot, late_from: int, now: int) -> Iterator[Mismatch]:
    """R44: approved − credited > 0, N working days after the approval. The approver's award against the banks' files.

    `late_from`: the first moment after those days, seconds since 1970.
    """
    award = _approved(snapshot)
    if award is None or now < late_from or not waits_for_money(snapshot):
        return
    decided, standing, credited = award.approved or award.proposed, orders(snapshot), credited_fen(snapshot)
    facts = _departments(snapshot, award) | {
        "approved": award.state.amount,
        "credited": credited,
        "missing": award.state.amount - credited,
        "payments": [payment.ref.claim() for payment in standing],
    }
    leaves = (decided.leaf, *(payment.ordered.leaf for payment in standing))
    yield Mismatch("R44", "A", leaves, snapshot.ref, facts)


MONEY: tuple[Rule, ...] = (
    paid_more_than_approved,
    payment_without_award,
    same_person_twice,
    payer_is_approver,
    ordered_not_as_approved,
)


def money(snapshot: AwardSnapshot) -> list[Mismatch]:
    """Ask every rule about money."""
    return [mismatch for rule in MONEY for mismatch in rule(snapshot)]


def _approved(snapshot: AwardSnapshot) -> AwardPart | None:
    award = snapshot.award
    return award if award is not None and award.state.status is AwardStatus.APPROVED else None


def _on_amounts(rule: str, snapshot: AwardSnapshot, award: AwardPart, payments: tuple[PaymentPart, ...]) -> Mismatch:
    decided = award.approved or award.proposed
    facts = _departments(snapshot, award) | {
        "approved": award.state.amount,
        "ordered": ordered_fen(snapshot),
        "paid": paid_fen(snapshot),
        "missing": award.state.amount - ordered_fen(snapshot),
        "payments": [payment.ref.claim() for payment in payments],
    }
    return Mismatch(rule, "S", (decided.leaf, *(payment.ordered.leaf for payment in payments)), snapshot.ref, facts)


def _departments(
    snapshot: AwardSnapshot, award: AwardPart | None, payment: PaymentPart | None = None
) -> dict[str, Any]:
    """Who is concerned: the payer that acted, or else the one that the award names."""
    payer = payment.department if payment is not None else award.payer if award is not None else None
    if payment is None and snapshot.payments:
        payer = snapshot.payments[-1].department
    approver = None if award is None else award.department
    concerned = [name for name in (approver, payer) if name is not None]
    return {
        "award": snapshot.ref.claim(),
        "approver": approver,
        "payer": payer,
        "departments": list(dict.fromkeys(concerned)),
    }


def _unfounded(snapshot: AwardSnapshot, award: AwardPart | None, payment: PaymentPart) -> dict[str, Any]:
    return _departments(snapshot, award, payment) | {
        "ordered": payment.state.amount,
        "award_status": None if award is None else str(award.state.status),
        "payments": [payment.ref.claim()],
    }


def _acts(*acts: Act | None) -> list[Act]:
    return [act for act in acts if act is not None]


def _pairs(snapshot: AwardSnapshot, acts: list[Act], others: list[Act] | None = None) -> Iterator[Mismatch]:
    crossed = [(one, other) for one in acts for other in others or ()]
    for one, other in [*combinations(acts, 2), *crossed]:
        if one.person and one.person == other.person:
            yield Mismatch("R10", "S", (one.leaf, other.leaf), snapshot.ref, _departments(snapshot, snapshot.award))
