"""The six digits on each officer's telephone (RFC 6238), and which of them were sent already.

A code counts once. Whoever has just signed in with it would wait for half a minute; the next code, which accounts
accept a step early, is shown in its place.
"""

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pyotp

STEP_SECONDS = 30
EARLY_STEPS = 1  # an account accepts the code of the step before, of this one and of the next

_SIX_DIGITS = re.compile(r"(?<![0-9])[0-9]{6}(?![0-9])")


@dataclass(slots=True)
class Authenticator:
    """All officers' telephones, by openid."""

    secrets: Mapping[str, str] = field(repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _spent: dict[str, set[int]] = field(default_factory=dict)  # steps

    def note(self, openid: str, text: str, now: datetime) -> None:
        """Remember that a code was sent."""
        secret, typed = self.secrets.get(openid), set(_SIX_DIGITS.findall(text))
        if not secret or not typed:
            return
        step = _step(now)
        near = range(step - EARLY_STEPS, step + EARLY_STEPS + 1)
        with self._lock:
            spent = {one for one in self._spent.get(openid, ()) if one >= step - EARLY_STEPS}
            self._spent[openid] = spent | {one for one in near if _code(secret, one) in typed}

    def shown(self, openid: str, now: datetime) -> dict[str, Any] | None:
        """The code to use now and for how long it is the one; None for whoever is no officer.

        `code` is None when those that count are spent, and the next comes in `left` seconds.
        """
        secret = self.secrets.get(openid)
        if not secret:
            return None
        step = _step(now)
        with self._lock:
            spent = self._spent.get(openid, set())
            usable = next((one for one in (step, step + EARLY_STEPS) if one not in spent), None)
        left = STEP_SECONDS - int(now.timestamp()) % STEP_SECONDS
        return {
            "code": None if usable is None else _code(secret, usable),
            "left": left,
            "early": usable == step + EARLY_STEPS,
        }


def _step(now: datetime) -> int:
    return int(now.timestamp()) // STEP_SECONDS


def _code(secret: str, step: int) -> str:
    return pyotp.TOTP(secret).at(step * STEP_SECONDS)
