"""The rules of cross-verification: pure, one small function a rule, each with the two signed sources it compares."""

from ledger.rules.mismatch import Mismatch, finding_id
from ledger.rules.money import money, not_credited, waits_for_money
from ledger.rules.snapshot import Act, AwardPart, AwardSnapshot, PaymentPart

__all__ = [
    "Act",
    "AwardPart",
    "AwardSnapshot",
    "Mismatch",
    "PaymentPart",
    "finding_id",
    "money",
    "not_credited",
    "waits_for_money",
]
