"""A record and what stands behind it, in words for anyone: only what is public in the logs, and nobody is addressed.

Pure: what the ledger tells in, sentences out.
"""

from collections.abc import Sequence

from handlers.citizen.trust import FOR_STAFF
from handlers.citizen.voice import Voice
from handlers.locale import Own
from ledger.errors import MalformedRecord
from ledger.log import PUBLISH_WAIT_SECONDS
from ledger.node import Node
from ledger.receipts import Keeper, Told
from ledger.records.proven import IAT_MAX
from ledger.records.statement import Record, check_schema
from ledger.views import Finding

YOUNG_SECONDS = 60  # a record so young waits for the next publication, an older one for departments that are away
MINUTE_SECONDS = 60

# What tells records of one kind apart.
_VARIANTS = {
    "payment-reported": "outcome",
    "bank-result": "outcome",
    "citizen-word": "word",
    "membership": "change",
    "epoch-agreed": "change",
    "rotation": "role",
}
_AMOUNTS = ("approved", "ordered", "paid")
_REWRITTEN = "R36"


def what_it_says(voice: Voice, told: Told) -> Own:
    """What the record says, in one sentence without its full stop."""
    record, subject = told.record, told.subject
    matter = record.clear.get("matter", subject.matter)
    if not _is_well_formed(record) or (matter is None and record.kind.startswith("case-")):
        return voice.say("record.other")
    variant = record.clear.get(_VARIANTS.get(record.kind, ""))
    key = f"record.{record.kind}" + (f".{variant}" if variant else "")
    amount = record.clear.get("amount", subject.amount)
    return voice.say(
        key if voice.say.has(key) else "record.other",
        matter=voice.matter(matter) if matter is not None else Own(),
        what=voice.what(subject.programme, subject.period) if subject.programme else voice.say("record.money"),
        amount=voice.money(amount) if amount is not None else Own(),
        until=voice.iso(record.clear["until"]) if "until" in record.clear else Own(),
        reason=_reason(voice, record.clear.get("reason")),
        roles=roles(voice, record.clear.get("roles", ())),
        member=voice.name(record.clear.get("department", "")),
    )


def _is_well_formed(record: Record) -> bool:
    """Whether its claims have the shapes of its kind: a peer's log may hold anything."""
    try:
        check_schema(record)
    except MalformedRecord:
        return False
    return True


def _reason(voice: Voice, code: str | None) -> Own:
    if code is None:
        return Own()
    key = f"iso.{code}"
    return voice.say("record.reason", code=code, words=voice.say(key) if voice.say.has(key) else Own())


def roles(voice: Voice, names: Sequence[str]) -> Own:
    """What somebody may sign."""
    return Own(voice.say("and").join(voice.say(f"role.{name}") for name in names))


def moment(voice: Voice, key: str, at: int, **more: object) -> Own:
    """A day and a time of day, in the sentence `key`."""
    at = min(at, IAT_MAX)  # a record that was refused may claim any time, and a cosignature too
    return voice.say(key, day=voice.day(at), time=voice.clock(at), **more)


def stored_by(told: Told) -> list[Keeper]:
    """The departments that have stored and checked it, other than the one that said it."""
    return [one for one in told.keepers if one.stored is not None]


def kept(voice: Voice, told: Told, key: str) -> Own:
    """How many others have stored it, in one of the sentences below `key`."""
    names = tuple(one.department for one in stored_by(told))
    variant = {0: f"{key}.none", 1: f"{key}.one"}.get(len(names), key)
    return voice.say(variant, count=len(names), departments=voice.departments(names))


def wait_seconds(node: Node, told: Told, now: int) -> int:
    """How long it may take until a quorum has cosigned it."""
    if told.own and now - told.record.iat < YOUNG_SECONDS:
        return node.settings.checkpoint_seconds + int(PUBLISH_WAIT_SECONDS)
    return node.round_seconds


def later(voice: Voice, seconds: int) -> Own:
    """The time of day after so many seconds, by the full minute: nobody looks at seconds."""
    return voice.clock(-(-(voice.now + seconds) // MINUTE_SECONDS) * MINUTE_SECONDS)


def finding_lines(voice: Voice, told: Told) -> list[Own]:
    """What does not agree about its object, and who is asked to explain it; it accuses nobody."""
    return [_finding(voice, one) for one in told.findings if one.severity != FOR_STAFF]


def _finding(voice: Voice, found: Finding) -> Own:
    facts = found.facts
    concerned = voice.departments(tuple(str(name) for name in facts.get("departments", ())))
    asked, what = concerned, voice.say("receipt.finding.other")
    if found.rule == _REWRITTEN:
        what = voice.say("receipt.finding.rewritten", department=concerned)
    elif all(isinstance(facts.get(name), int) for name in _AMOUNTS):
        asked = voice.name(str(facts["payer"]))
        amounts = {name: voice.money(facts[name]) for name in _AMOUNTS}
        what = voice.say("receipt.finding.amounts", approver=voice.name(str(facts["approver"])), payer=asked, **amounts)
    key = "receipt.finding" if found.state == "open" else f"receipt.finding.{found.state}"
    return voice.say(key, id=found.id, what=what, department=asked, day=voice.iso(found.answer_by))
