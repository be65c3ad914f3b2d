"""How many messages an account may push to a person, and until when: each act of the person renews it.

Tencent's table (客服消息, 下发条数): a message of the person opens 48 hours; a menu tap, a follow or a scan one
minute. Allowances do not add up: the larger number and the later end hold.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.sandbox.errors import ApiRefused


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one act of the person opens."""

    messages: int
    lasts: timedelta


# Accounts registered since June 2023 get 5; the older ones that departments run keep 20.
AFTER_MESSAGE = Allowance(20, timedelta(hours=48))
AFTER_TAP = Allowance(3, timedelta(minutes=1))
NEVER = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Grant:
    """What is left of it for one person at one account."""

    left: int = 0
    until: datetime = NEVER

    def renewed(self, allowance: Allowance, now: datetime) -> "Grant":
        """Open it again, because the person did something. What is left of one that ended counts for nothing."""
        if now > self.until:
            return Grant(allowance.messages, now + allowance.lasts)
        return Grant(max(self.left, allowance.messages), max(self.until, now + allowance.lasts))

    def spent(self, now: datetime) -> "Grant":
        """Take one message from it, or refuse as Tencent does."""
        if now > self.until:
            raise ApiRefused(45015, "response out of time limit or subscription is canceled")
        if self.left <= 0:
            raise ApiRefused(45047, "out of response count limit")
        return Grant(self.left - 1, self.until)
