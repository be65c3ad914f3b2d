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
