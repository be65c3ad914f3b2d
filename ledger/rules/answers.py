"""Answers to findings: who may explain one and who may conclude it, and what it is after all that was said.

What an answer names is compared with what the rules found: an explanation is for a department concerned to give, a
decision for an auditor of a department that is not. There is no order between logs, so none counts here.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from ledger.records import base64url
from ledger.records.answers import CONCLUDED, Outcome
from ledger.rules.logs import LogRef, refused_record
from ledger.rules.mismatch import Mismatch, finding_id

UNKNOWN, NOT_CONCERNED, CONCERNED = "finding-unknown", "not-concerned", "concerned"
REASONS = frozenset({UNKNOWN, NOT_CONCERNED, CONCERNED})

# What every department that holds the records finds; the others compare heads, or the clock, as one department saw it.
_COMPARE_HEADS = frozenset({"R35", "R36", "R37", "R38", "R48"})
# Whose decision stands when two auditors came to different ones: nobody can talk away what another has confirmed.
_GRAVEST_FIRST = (Outcome.CONFIRMED, Outcome.SETTLED, Outcome.FALSE_ALARM)


@dataclass(frozen=True, slots=True)
class Answer:
    """One record that names a finding."""

    log: LogRef  # in which it stands
    index: int
    leaf: bytes
    sub: str
    kind: str
    rule: str
    compared: Sequence[str]  # base64url; empty when it does not say
    outcome: str | None
    at: int  # `iat`


@dataclass(frozen=True, slots=True)
class Found:
    """A finding, as far as an answer to it is concerned."""

    name: str
    rule: str
    departments: Collection[str]  # names of those concerned


def refusal(kind: str, rule: str, department: str, found: Found | None) -> str | None:
    """Why a department may not say this of a finding, as a slug of the message catalogue; None when it may."""
    if found is None or found.rule != rule:
        return UNKNOWN
    concerned = department in found.departments
    if kind == CONCLUDED:
        return CONCERNED if concerned else None
    return None if concerned else NOT_CONCERNED


def is_named_right(finding: str, answer: Answer) -> bool:
    """Whether the name is that of what the answer says was compared."""
    return finding_id(answer.rule, [base64url.decode(one) for one in answer.compared]) == finding


def is_everybodys(rule: str) -> bool:
    """Whether whoever holds the records compared finds the same."""
    return rule not in _COMPARE_HEADS


def refused_answer(answer: Answer, reason: str) -> Mismatch:
    """R50: a record that explains or decides a finding which is not its department's to explain or to decide."""
    return refused_record(answer.log, answer.leaf, answer.index, answer.sub, reason)


def said_of(answers: Iterable[Answer]) -> str | None:
    """What departments have said of a finding, taken together: a decision, or that it is explained, or nothing."""
    outcomes = [answer.outcome for answer in answers]
    decided = next((outcome for outcome in _GRAVEST_FIRST if outcome in outcomes), None)
    if decided is not None:
        return str(decided)
    return "explained" if outcomes else None
