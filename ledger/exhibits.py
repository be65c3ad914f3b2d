"""Tells anybody what there is to know of a finding: which signed sources it compares, and what shows it to whom.

Only what the logs show to everybody is told here: a finding's facts by their names, and never a value of the vault.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection

from ledger.answers import read_life
from ledger.errors import MalformedRecord
from ledger.findings import MONEY_RULES
from ledger.merkle.hashing import leaf_hash
from ledger.peers.evidence_files import read_file
from ledger.peers.home import Home
from ledger.records import base64url
from ledger.records.evidence import EvidenceFile, as_members
from ledger.records.funds import Ref
from ledger.records.proven import IAT_MAX
from ledger.records.statement import Record, parse_record
from ledger.rules import money
from ledger.rules.snapshot import AwardSnapshot
from ledger.snapshots import award_snapshot
from ledger.storage import entries
from ledger.storage import findings as rows
from ledger.storage.network import Network
from ledger.times import CHINA
from ledger.views import Finding, FindingStep

SOURCES_MAX = 16  # shown of one finding: a payer can hang any number of payments on one award

AMOUNTS = ("approved", "ordered", "paid", "missing")
_TOLD = ("award_status", "kind", "index", "reason", "since", "promise", "differs")


@dataclass(frozen=True, slots=True)
class Source:
    """One of the records that a finding compares, and where it stands."""

    log: str
    department: str
    index: int
    leaf: bytes
    record: Record | None  # None: these bytes are none


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A finding with all that stands behind it."""

    finding: Finding
    life: tuple[FindingStep, ...]  # what it has been, and what departments said of it
    sources: tuple[Source, ...]
    evidence: EvidenceFile | None  # of a log that signed two histories


def read_exhibit(conn: Connection, home: Home, finding: str) -> Exhibit | None:
    """One finding, open or ended; None when there never was one of this name here."""
    found = rows.read_finding(conn, finding)
    if found is None:
        return None
    network = Network.read(conn)
    sources = tuple(islice(_compared(conn, network, found), SOURCES_MAX))
    return Exhibit(found, tuple(read_life(conn, finding)), sources, read_file(conn, home, finding))


def finding_url(public_url: str, finding: str) -> str:
    """Where anybody reads about a finding at the node of this URL."""
    return f"{public_url}/findings/{finding}"


def as_document(exhibit: Exhibit, public_url: str) -> dict[str, Any]:
    """What programs read of it; what does not apply is left out. Amounts are in fen, times in China."""
    found, facts = exhibit.finding, exhibit.finding.facts
    said = {
        "id": found.id,
        "url": finding_url(public_url, found.id),
        "rule": found.rule,
        "severity": found.severity,
        "state": found.state,
        "departments": list(facts.get("departments", ())),
        "about": None if found.about is None else found.about.claim(),
        "log": facts.get("log"),
        "raised_at": moment(found.raised_at),
        "answer_by": found.answer_by,
        "ended_at": None if found.ended_at is None else moment(found.ended_at),
        "history": [_step(step) for step in exhibit.life],
        "amounts": {name: facts[name] for name in AMOUNTS if facts.get(name) is not None} or None,
        "sources": [_shown(source, public_url) for source in exhibit.sources],
        **{name: facts.get(name) for name in _TOLD},
        "evidence": None if exhibit.evidence is None else as_members(exhibit.evidence),
    }
    return {name: value for name, value in said.items() if value is not None}


def moment(at: int) -> str:
    """A moment in seconds since 1970, as RFC 3339 writes it; a record may claim any."""
    return datetime.fromtimestamp(min(at, IAT_MAX), CHINA).isoformat()


def _step(step: FindingStep) -> Mapping[str, str]:
    said = {"at": moment(step.at), "step": step.step, "department": step.department, "record": step.record}
    return {name: value for name, value in said.items() if value is not None}


def _shown(source: Source, public_url: str) -> Mapping[str, Any]:
    place = {"log": source.log, "department": source.department, "index": source.index}
    record = source.record
    if record is None:
        return {**place, "leaf": base64url.encode(source.leaf)}
    amount = record.clear.get("amount")
    return {
        **place,
        "leaf": base64url.encode(source.leaf),
        "kind": record.kind,
        "at": moment(record.iat),
        **({"amount": amount} if isinstance(amount, int) else {}),
        "receipt": f"{public_url}/receipts/{record.record_id}",
    }


# --- which records it compares ---


def _compared(conn: Connection, network: Network, found: Finding) -> Iterator[Source]:
    facts = found.facts
    if found.rule in MONEY_RULES and "award" in facts:
        for leaf in _of_money(award_snapshot(conn, Ref.of(facts["award"])), found):
            yield from _wherever(conn, network, leaf)
        return
    log_id = network.log_id(facts.get("log", ""))
    index = facts.get("index", facts.get("differs", {}).get("index"))
    if log_id is not None and index is not None:
        yield from _at(conn, network, log_id, index)


def _of_money(snapshot: AwardSnapshot, found: Finding) -> Sequence[bytes]:
    for mismatch in money(snapshot):
        if mismatch.id == found.id:
            return mismatch.compared
    # It has ended: what its facts name, as far as that is still there.
    award = snapshot.award
    decided = [] if award is None else [award.approved or award.proposed]
    named = [Ref.of(claim) for claim in found.facts.get("payments", ())]
    return [act.leaf for act in (*decided, *(each.ordered for each in snapshot.payments if each.ref in named))]


def _wherever(conn: Connection, network: Network, leaf: bytes) -> Iterator[Source]:
    """The record of that leaf, in the log that it was made for."""
    entry = entries.entry_of_leaf(conn, leaf)
    record = None if entry is None else parse_record(bytes(entry))  # it was folded, and so is one
    log_id = None if record is None else network.log_id(record.iss)
    index = None if log_id is None else entries.first_index(conn, log_id, leaf)
    if log_id is not None and index is not None:
        yield from _at(conn, network, log_id, index)


def _at(conn: Connection, network: Network, log_id: int, index: int) -> Iterator[Source]:
    if index >= entries.read_edge(conn, log_id).size:
        return
    entry = bytes(entries.read_entries(conn, log_id, index, index + 1)[0])
    origin = network.origin(log_id)
    try:
        record: Record | None = parse_record(entry)
    except MalformedRecord:
        record = None
    yield Source(origin, network.name(origin), index, leaf_hash(entry), record)
