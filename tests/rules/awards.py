"""Awards and payments as the rules see them, made in one line each."""

from dataclasses import replace
from hashlib import sha256

from ledger.records import base64url
from ledger.records.funds import AwardState, AwardStatus, PaymentState, PaymentStatus, Ref
from ledger.rules.snapshot import Act, AwardPart, AwardSnapshot, PaymentPart

CIVIL, FINANCE, POLICE = "minzheng.test/log", "caizheng.test/log", "gongan.test/log"
NAMES = {CIVIL: "民政局", FINANCE: "财政局", POLICE: "公安局"}
AWARD = Ref(CIVIL, "award")


def leaf(name):
    return sha256(name.encode()).digest()


def act(name, person):
    return Act(base64url.encode(leaf(name)), person)


def award(amount=300_000, *, status=AwardStatus.APPROVED, payer=FINANCE, proposed_by="林芳", approved_by="高伟"):
    state = AwardState("case", "temporary-assistance", amount, payer, status)
    approved = act("approved", approved_by) if status is AwardStatus.APPROVED else None
    return AwardPart(state, NAMES[CIVIL], NAMES[payer], act("proposed", proposed_by), approved)


def payment(
    name, amount, status=PaymentStatus.SENT, *, log=FINANCE, ordered_by="吴倩", released_by="马骏", reissues=None
):
    state = PaymentState(AWARD, amount, status, reissues)
    released = None if status is PaymentStatus.CREATED else act(f"{name} released", released_by)
    return PaymentPart(Ref(log, name), state, NAMES[log], act(name, ordered_by), released)


def snapshot(award_part, *payments):
    return AwardSnapshot(AWARD, award_part, payments)


def with_status(part, status):
    return replace(part, state=replace(part.state, status=status))
