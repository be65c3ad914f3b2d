"""What one account may ask of each API on one day of Beijing time, and the refusal of the next call."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone

from bot.sandbox.errors import ApiRefused

BEIJING = timezone(timedelta(hours=8))  # no summer time since 1991

# Tencent's 接口调用频次 table for a verified service account.
CALLS_A_DAY_MAX = {
    "token": 2_000,
    "stable_token": 500_000,
    "custom/send": 500_000,
    "subscribe/bizsend": 100_000,
    "menu/create": 1_000,
    "menu/get": 10_000,
    "menu/delete": 1_000,
    "user/info": 5_000_000,
    "qrcode/create": 100_000,
}


@dataclass(slots=True)
class DailyQuota:
    """Counts one account's calls of one day."""

    day: date = date.min
    calls: Counter[str] = field(default_factory=Counter)

    def spend(self, api: str, now: datetime) -> None:
        """Count one call, or refuse it with 45009."""
        today = now.astimezone(BEIJING).date()
        if today != self.day:
            self.day, self.calls = today, Counter()
        if self.calls[api] >= CALLS_A_DAY_MAX[api]:
            raise ApiRefused(45009, "reach max api daily quota limit")
        self.calls[api] += 1
