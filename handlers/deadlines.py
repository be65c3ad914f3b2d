"""By when somebody must answer: in calendar days, or in working days where the law of the matter says so."""

from datetime import date, timedelta

from handlers.matters import WORKING_DAYS
from ledger.workdays import Deadline, after_working_days

__all__ = ["Deadline", "after"]


def after(start: date, days: int, unit: str) -> Deadline:
    """The last day when `days` are given from `start`, whose own day does not count (民法典 201)."""
    if unit == WORKING_DAYS:
        return after_working_days(start, days)
    return Deadline(start + timedelta(days=days))
