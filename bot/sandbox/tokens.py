"""Access tokens as Tencent hands them out: 7,200 seconds, the newest kills the one before.

`token` and `stable_token` are two lines that do not touch each other. The stable one returns the same token while
more than five minutes of it are left; within the last five the new and the old are both good.
"""

import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.sandbox.errors import ApiRefused

TOKEN_LASTS = timedelta(seconds=7200)
HANDOVER = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Token:
    """One access token and the moment it ends."""

    value: str = field(repr=False)
    ends: datetime

    def seconds_left(self, now: datetime) -> int:
        """What `expires_in` says."""
        return int((self.ends - now).total_seconds())


@dataclass(slots=True)
class TokenLine:
    """The living tokens of one account, oldest first."""

    plain: list[Token] = field(default_factory=list)
    stable: list[Token] = field(default_factory=list)

    def renew_plain(self, now: datetime) -> Token:
        """`token`: always a new one; the one before is dead at once, so that two that do not share show."""
        self.plain = [_new(now)]
        return self.plain[0]

    def renew_stable(self, now: datetime, *, force: bool) -> Token:
        """`stable_token`: the same while it is good for a while yet; forced, a new one that kills the others."""
        if force or not self.stable or now >= self.stable[-1].ends:
            self.stable = [_new(now)]
        elif self.stable[-1].ends - now <= HANDOVER:
            self.stable = [self.stable[-1], _new(now)]
        return self.stable[-1]

    def check(self, value: str, now: datetime) -> bool:
        """Whether `value` is one of ours and good; raises 42001 for one that ended."""
        for token in (*self.plain, *self.stable):
            if hmac.compare_digest(token.value.encode(), value.encode()):
                if now >= token.ends:
                    raise ApiRefused(42001, "access_token expired")
                return True
        return False


def _new(now: datetime) -> Token:
    return Token(secrets.token_urlsafe(64), now + TOKEN_LASTS)
