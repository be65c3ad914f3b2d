"""One line of the doctor's page."""

from dataclasses import dataclass

PERIODS_BEHIND_MAX = 3


@dataclass(frozen=True, slots=True)
class Line:
    """One thing looked at."""

    what: str
    good: bool
    found: str
    mend: str = ""  # of a red one
    kind: str = ""  # where `what` names one of several, or has a space in it

    @property
    def topic(self) -> str:
        """What the words for officers are found by."""
        return self.kind or self.what
