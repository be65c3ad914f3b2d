"""What one department says of one finding: whoever is concerned explains it, an auditor of another one concludes it.

The handle of such an object is made of the finding's name, so that everybody finds what every log says of it. Who is
concerned stands in other logs: that is a rule (`ledger.rules.answers`).
"""

from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple

from ledger.errors import IllegalStep
from ledger.records import base64url
from ledger.records.statement import Record

EXPLAINED, CONCLUDED = "finding-explained", "finding-concluded"  # the two kinds
ANSWERS = frozenset({EXPLAINED, CONCLUDED})
HANDLE_BYTES = 16

_DOMAIN = b"onetrip-finding/v1\n"


class Outcome(StrEnum):
    """What an auditor may conclude."""

    SETTLED = "settled"  # 已说明
    CONFIRMED = "confirmed"  # 属实
    FALSE_ALARM = "false-alarm"  # 误报


class AnswerState(NamedTuple):
    """What a department has said of a finding."""

    finding: str
    rule: str
    outcome: Outcome | None = None  # None: it has explained, as often as it had to


def handle_of(finding: str) -> str:
    """The handle of what any department says of this finding, in its own log."""
    return base64url.encode(sha256(_DOMAIN + finding.encode("ascii")).digest()[:HANDLE_BYTES])


def apply_answer(state: AnswerState | None, record: Record) -> AnswerState:
    """What the department has said after one more record; raises IllegalStep."""
    named = AnswerState(record.clear["finding"], record.clear["rule"])
    if record.sub != handle_of(named.finding) or (state is not None and state.rule != named.rule):
        raise IllegalStep(record.kind, "none", "another-finding")
    if state is not None and state.outcome is not None:  # a decision is made once
        raise IllegalStep(record.kind, "concluded", "already-concluded")
    return named._replace(outcome=Outcome(record.clear["outcome"])) if record.kind == CONCLUDED else named
