"""Counts working days by the State Council's list of holidays.

The list for a year is published in the November before. For years that nobody has published, only weekends count, and
the answer says which year that was.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import chinese_calendar

SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Deadline:
    """The last day, and the first year on the way to it whose holidays are not published."""

    day: date
    unpublished: int | None = None


@lru_cache(1_000)
def after_working_days(start: date, days: int) -> Deadline:
    """The last day when so many working days are given from `start`, whose own day does not count (民法典 201)."""
    day, left, unpublished = start, days, None
    while left > 0:
        day += timedelta(days=1)
        works = is_workday(day)
        if works is None:
            unpublished = unpublished or day.year
            works = day.weekday() < SATURDAY
        left -= works
    return Deadline(day, unpublished)


def is_workday(day: date) -> bool | None:
    """Whether people work on that day; None where the year's list is not known."""
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:  # how chinesecalendar says that it does not know the year
        return None
