"""Reads what departments have said of a finding, and sorts out which of it counts.

An answer may arrive before what it answers. Nothing is remembered beside the log for that: the handle of an answer is
made of the finding's name, so what was said is always found from the finding.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from ledger.errors import Refused
from ledger.records import base64url
from ledger.records.answers import handle_of
from ledger.records.funds import Ref
from ledger.records.jsonstrict import Json
from ledger.records.statement import Record, Statement, parse_record
from ledger.rules.answers import Answer, Found, is_everybodys, is_named_right, refusal, said_of
from ledger.rules.logs import STOLEN_KEY, LogRef
from ledger.rules.mismatch import finding_id
from ledger.storage import entries
from ledger.storage import findings as rows
from ledger.storage.facts import read_story
from ledger.storage.network import Network
from ledger.views import Finding, FindingStep


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of all answers to one finding."""

    said: str | None  # by those that count, taken together
    refused: Sequence[tuple[Answer, str]]  # those that count for nothing, and why
    counted: Sequence[Answer]  # in the order of their time, and of their leaves where that is the same
    waiting: Sequence[Answer] = ()  # to what was not found here, and may have been elsewhere


def statement(kind: str, found: Finding, words: str, outcome: str | None = None) -> Statement:
    """What a department is about to say of a finding."""
    clear: dict[str, Json] = {"finding": found.id, "rule": found.rule}
    if found.compared:
        clear["compared"] = list(found.compared)
    if outcome is not None:
        clear["outcome"] = outcome
    return Statement(kind, handle_of(found.id), clear, {"words": words})


def check(conn: Connection, said: Statement, department: str) -> None:
    """Check that this department may say it of a finding that is known here; raises Refused."""
    found = rows.read_finding(conn, str(said.clear["finding"]))
    reason = refusal(said.kind, str(said.clear["rule"]), department, _found(found))
    if reason is not None:
        raise Refused(reason)
    if found is not None and found.is_decided:
        raise Refused("already-concluded")


def about(conn: Connection, said: Statement) -> Ref | None:
    """The object that the finding concerns: what is said of it in private belongs to the same person."""
    name = said.clear.get("finding")
    found = rows.read_finding(conn, name) if isinstance(name, str) else None
    return None if found is None else found.about


def judge(conn: Connection, finding: str) -> Judged:
    """Sort out what was said of a finding; it may not have been found here (yet)."""
    found = _found(rows.read_finding(conn, finding))
    counted, refused, waiting = [], [], []
    for answer in _read(conn, finding):
        if found is None and _may_exist(conn, finding, answer):
            waiting.append(answer)
        elif reason := refusal(answer.kind, answer.rule, answer.log.department, found):
            refused.append((answer, reason))
        elif not _with_stolen_key(conn, answer):
            counted.append(answer)
    return Judged(said_of(counted), refused, counted, waiting)


def _found(finding: Finding | None) -> Found | None:
    if finding is None:
        return None
    return Found(finding.id, finding.rule, tuple(map(str, finding.facts.get("departments", ()))))


def _may_exist(conn: Connection, finding: str, answer: Answer) -> bool:
    """Whether others may have found what was not found here.

    What was mended between two looks of ours, or compares heads as one department saw them.
    """
    if not answer.compared or not is_named_right(finding, answer):
        return False
    leaves = (base64url.decode(one) for one in answer.compared)
    return not is_everybodys(answer.rule) or all(entries.entry_of_leaf(conn, leaf) is not None for leaf in leaves)


def _with_stolen_key(conn: Connection, answer: Answer) -> bool:
    found = rows.read_finding(conn, finding_id("R50", [answer.leaf]))
    return found is not None and found.facts.get("reason") == STOLEN_KEY


def _read(conn: Connection, finding: str) -> list[Answer]:
    story = read_story(conn, [handle_of(finding)])
    if not story:
        return []
    network = Network.read(conn)
    found = [_answer(network, row.log_id, row.idx, parse_record(bytes(row.entry))) for row in story]
    return sorted(found, key=lambda answer: (answer.at, answer.leaf))


def _answer(network: Network, log_id: int, index: int, record: Record) -> Answer:
    log = LogRef(record.iss, network.name(network.origin(log_id)))
    clear = record.clear
    named = (clear["rule"], tuple(clear.get("compared", ())), clear.get("outcome"))
    return Answer(log, index, record.leaf, record.sub, record.kind, *named, record.iat)


# --- the life of a finding ---


def read_life(conn: Connection, finding: str) -> list[FindingStep]:
    """What a finding has been and what was said of it: raised first, then by time."""
    derived = _derived(rows.read_steps(conn, finding))
    said = [
        FindingStep(each.at, each.outcome or "explained", each.log.department, base64url.encode(each.leaf))
        for each in judge(conn, finding).counted
    ]
    return [*derived[:1], *sorted([*derived[1:], *said], key=lambda step: step.at)]


def _derived(steps: Sequence[rows.Step]) -> list[FindingStep]:
    told, before = [], None
    for each in steps:
        opened = {None: "raised", rows.OPEN: "changed", rows.ENDED: "returned"}[before]
        told.append(FindingStep(each.at, opened if each.state == rows.OPEN else "ended"))
        before = each.state
    return told
