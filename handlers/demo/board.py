"""The demo's levers as whoever presses them sees them: which may be pulled now, what is happening, what came of it.

The one thing that the thread which listens and the thread which works share. One lever at a time: a second one is
refused until the first has ended, and while a department is stopped only its return may be asked for.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from handlers.demo.errors import LeverHeld, LeverUnknown
from handlers.demo.words import Said, both


class Lever(StrEnum):
    """What can be done to the demo from outside."""

    REWRITE = "rewrite"  # the finance department rewrites its books
    RESTORE = "restore"  # everything as it was before that
    PAUSE = "pause"  # a department stands still for a while
    RESUME = "resume"  # … and goes on at once
    RESET = "reset"  # everything as it was when the demo began


@dataclass(frozen=True, slots=True)
class Pull:
    """A lever that somebody pulled."""

    lever: Lever
    department: str = ""


@dataclass(slots=True)
class Board:
    """What stands on it; safe among threads."""

    departments: Sequence[str]
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _pulled: Pull | None = None  # nobody has begun with it yet
    _running: Pull | None = None
    _resume: bool = False  # the department that stands still is wanted back
    _said: Said | None = None
    _failed: bool = False
    _rewritten: bool = False
    _done: list[str] = field(default_factory=list)
    _beginnings: int = 1

    # --- whoever listens ---

    def pull(self, lever: str, department: str = "") -> None:
        """Ask for a lever; raises LeverUnknown, or LeverHeld while it cannot be pulled."""
        if lever not in set(Lever):
            raise LeverUnknown(f"'lever' must be one of {', '.join(Lever)}")
        wanted = Pull(Lever(lever), department)
        if wanted.lever is Lever.PAUSE and department not in self.departments:
            raise LeverUnknown(f"'department' must be one of {', '.join(self.departments)}")
        with self._changed:
            if wanted.lever not in self._may():
                raise LeverHeld(self._why_not(wanted.lever))
            if wanted.lever is Lever.RESUME:
                self._resume = True
            else:
                self._pulled, self._running, self._resume = wanted, wanted, False
                self._said, self._failed = None, False
            self._changed.notify_all()

    def _may(self) -> set[Lever]:
        if self._running is not None:
            is_standing = self._running.lever is Lever.PAUSE and not self._resume
            return {Lever.RESUME} if is_standing else set()
        return {Lever.PAUSE, Lever.RESET, Lever.RESTORE if self._rewritten else Lever.REWRITE}

    def _why_not(self, lever: Lever) -> Said:
        if self._running is not None and lever is not Lever.RESUME:
            return both("lever.held")
        return both(f"lever.{lever}.useless")

    def state(self) -> dict[str, Any]:
        """All that a page needs, in both languages."""
        with self._changed:
            may = self._may()
            levers = [
                {
                    "name": str(lever),
                    "label": both(f"lever.{lever}.label"),
                    "hint": both(f"lever.{lever}.hint"),
                    "enabled": lever in may,
                    "departments": list(self.departments) if lever is Lever.PAUSE else [],
                }
                for lever in Lever
            ]
            return {
                "levers": levers,
                "running": None if self._running is None else str(self._running.lever),
                "says": self._said,
                "failed": self._failed,
                "done": list(self._done),
                "beginnings": self._beginnings,
            }

    # --- whoever works ---

    def next(self, seconds: float) -> Pull | None:
        """The lever that was pulled, waited for as long as this."""
        with self._changed:
            self._changed.wait_for(lambda: self._pulled is not None, seconds)
            pulled, self._pulled = self._pulled, None
            return pulled

    def say(self, key: str, **values: object) -> None:
        """What is happening, in one sentence."""
        with self._changed:
            self._said = both(f"lever.{key}", **values)

    def wanted_back(self, seconds: float) -> bool:
        """Whether the department that stands still is wanted back, waited for as long as this."""
        with self._changed:
            return self._changed.wait_for(lambda: self._resume, seconds)

    def end(self, key: str, **values: object) -> None:
        """It is done; another lever may be pulled."""
        with self._changed:
            assert self._running is not None  # only what runs can end
            lever = self._running.lever
            if lever is not Lever.PAUSE:
                self._rewritten = lever is Lever.REWRITE
            self._said = both(f"lever.{key}", **values)
            self._done.append(str(lever))
            if lever is Lever.RESET:
                self._done.clear()
                self._beginnings += 1
            self._running = None

    def fail(self, why: Said, *, rewritten: bool | None = None) -> None:
        """It could not be done; `rewritten`: how the books stand all the same."""
        with self._changed:
            if rewritten is not None:
                self._rewritten = rewritten
            self._said = {language: both("lever.failed", why=text)[language] for language, text in why.items()}
            self._failed, self._running = True, None
