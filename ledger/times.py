"""The clock that people live by: records are in UTC, days are days in China."""

from datetime import date, datetime, timedelta, timezone
from functools import lru_cache

CHINA = timezone(timedelta(hours=8), "Asia/Shanghai")  # no summer time since 1991
DAY_SECONDS = 86_400


def day_in_china(at: int) -> date:
    """The day that people call it, of a moment in seconds since 1970."""
    return datetime.fromtimestamp(at, CHINA).date()


@lru_cache(1_000)
def start_of_day(day: str) -> int:
    """The moment at which a day written YYYY-MM-DD begins, in seconds since 1970."""
    return int(datetime.fromisoformat(day).replace(tzinfo=CHINA).timestamp())
