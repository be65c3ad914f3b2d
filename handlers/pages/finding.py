"""The page of a finding: what does not agree, which signed records say so, who is asked to explain it and by when.

Public on purpose: it accuses nobody, and shows what the logs show to everybody. Programs get the same as JSON, and what
convicts a log also as a file that anybody can check.
"""

import json
from collections.abc import Mapping
from functools import partial

from flask import Blueprint, Response, render_template, url_for

from handlers.citizen.receipt_lines import what_it_says
from handlers.citizen.trust import rewritten_line
from handlers.citizen.voice import Voice
from handlers.locale import Own
from handlers.pages.public import (
    JSON,
    OTHER,
    View,
    answer,
    asked_language,
    fresh,
    guarded,
    not_kept,
    problem,
    public_voice,
    wants_a_page,
)
from handlers.rewritten import RULE, Rewritten
from handlers.services import Known
from ledger.exhibits import Exhibit, Source, as_document, read_exhibit
from ledger.facts import Facts
from ledger.merkle.cosignature import parse_checkpoint_unverified
from ledger.merkle.encoding import encode_base64
from ledger.receipts import read_receipt
from ledger.records.evidence import EvidenceFile, format_evidence
from ledger.views import FindingStep

SOURCES_SHOWN_MAX = 4
STEPS_SHOWN_MAX = 9
UNKNOWN = "no finding of this name was ever raised at this node"
AMOUNTS = ("approved", "ordered", "paid")


def add(blueprint: Blueprint, services: Known) -> None:
    """Add the page, its JSON and its evidence to the pages of a node."""
    views: tuple[tuple[str, str, View], ...] = (
        ("/findings/<finding>", "finding", partial(_page, services)),
        ("/findings/<finding>.json", "finding-json", partial(_json, services)),
        ("/findings/<finding>/evidence.json", "finding-evidence", partial(_evidence, services)),
    )
    for path, name, view in views:
        blueprint.add_url_rule(path, name, guarded(view, services), methods=["GET"])


def _page(services: Known, finding: str) -> Response:
    with services.node.reading() as facts:
        exhibit = _read(services, facts, finding)
        told = None if exhibit is None else Rewritten.of(facts, exhibit.finding)
    if exhibit is not None:
        return fresh(answer(_rendered("finding/page.html", services, _shown(services, exhibit, told)), "text/html"))
    if not wants_a_page():
        return problem(UNKNOWN, {})
    say = public_voice(services)
    lines = [say.say("exhibit.unknown"), say.say("exhibit.unknown.elsewhere", here=say.name(services.node.name))]
    content = {"title": say.say("exhibit.unknown.title"), "lines": lines}
    return answer(_rendered("receipt/none.html", services, content), "text/html", 404, not_kept())


def _json(services: Known, finding: str) -> Response:
    with services.node.reading() as facts:
        exhibit = _read(services, facts, finding)
    if exhibit is None:
        return problem(UNKNOWN, {})
    said = as_document(exhibit, services.node.public_url)
    return fresh(answer(json.dumps(said, ensure_ascii=False, indent=1), JSON))


def _evidence(services: Known, finding: str) -> Response:
    with services.node.reading() as facts:
        exhibit = _read(services, facts, finding)
    if exhibit is None or exhibit.evidence is None:
        return problem("no evidence of its own stands behind a finding of this name", {})
    named = {"Content-Disposition": f'attachment; filename="evidence-{exhibit.finding.id}.json"'}
    return fresh(answer(format_evidence(exhibit.evidence), JSON, 200, named))


def _read(services: Known, facts: Facts, finding: str) -> Exhibit | None:
    return facts.ask(lambda conn: read_exhibit(conn, services.node, finding))


# --- what is shown ---


def _shown(services: Known, exhibit: Exhibit, told: Rewritten | None) -> dict[str, object]:
    say, found = public_voice(services), exhibit.finding
    key = f"rule.{found.rule}"
    return {
        "finding": found.id,
        "title": say.say(key if say.say.has(key) else "exhibit.other"),
        "name": say.say("exhibit.name", id=found.id, rule=found.rule),
        "what": _what(say, exhibit, told),
        "rows": _rows(say, exhibit),
        "life": [_step(say, step) for step in exhibit.life[-STEPS_SHOWN_MAX:]],
        "sources": [_source(services, say, one) for one in exhibit.sources[:SOURCES_SHOWN_MAX]],
        "more": len(exhibit.sources) > SOURCES_SHOWN_MAX,
        "log": None if exhibit.sources else _log(say, exhibit),
        "command": f"python app.py check evidence-{found.id}.json --vkey VKEY",
        **_heads(say, exhibit.evidence, _concerned(say, exhibit)),
    }


def _what(say: Voice, exhibit: Exhibit, told: Rewritten | None) -> Own | None:
    """The sentence with the figures, where there are any."""
    found = exhibit.finding
    if told is not None:
        return rewritten_line(say, told)
    if found.rule == RULE and exhibit.evidence is None:
        return say.say("receipt.finding.rewritten", department=_concerned(say, exhibit))
    names = ("approver", "payer")
    if all(isinstance(found.facts.get(name), int) for name in AMOUNTS) and all(map(found.facts.get, names)):
        amounts = {name: say.money(found.facts[name]) for name in AMOUNTS}
        who = {name: say.name(found.facts[name]) for name in names}
        return say.say("receipt.finding.amounts", **who, **amounts)
    return None


def _rows(say: Voice, exhibit: Exhibit) -> list[tuple[Own, Own]]:
    found = exhibit.finding
    rows = [
        (say.say("exhibit.state"), _state(say, found.state)),
        (say.say("exhibit.departments"), _concerned(say, exhibit)),
        (say.say("exhibit.answer-by"), say.iso(found.answer_by)),
        (say.say("exhibit.raised"), _moment(say, found.raised_at)),
    ]
    return rows if found.ended_at is None else [*rows, (say.say("exhibit.ended"), _moment(say, found.ended_at))]


def _state(say: Voice, state: str) -> Own:
    """What a state is called; one that has no words yet, by its name."""
    key = f"exhibit.state.{state}"
    return say.say(key) if say.say.has(key) else Own(state)


def _step(say: Voice, step: FindingStep) -> Own:
    who = Own() if step.department is None else say.name(step.department)
    what = say.say(f"findings.step.{step.step}", department=who)
    return say.say("findings.step", day=say.day(step.at), time=say.clock(step.at), what=what, words=Own())


def _moment(say: Voice, at: int) -> Own:
    return say.say("exhibit.moment", day=say.day(at), time=say.clock(at))


def _concerned(say: Voice, exhibit: Exhibit) -> Own:
    return say.departments(tuple(str(name) for name in exhibit.finding.facts.get("departments", ())))


def _source(services: Known, say: Voice, source: Source) -> tuple[Own, Own, str | None]:
    """Whose record, what it says at which place, and the way to its receipt."""
    told = None if source.record is None else read_receipt(services.node.engine, source.record.record_id)
    what = say.say("record.other") if told is None else what_it_says(say, told)
    url = None if told is None else f"/receipts/{told.record_id}?lang={asked_language()}"
    return say.name(source.department), say.say("exhibit.source", what=what, index=source.index), url


def _log(say: Voice, exhibit: Exhibit) -> Own | None:
    origin = exhibit.finding.facts.get("log")
    return None if origin is None else say.say("exhibit.log", origin=str(origin))


def _heads(say: Voice, file: EvidenceFile | None, department: Own) -> dict[str, object]:
    if file is None:
        return {"heads": []}
    both = [parse_checkpoint_unverified(note) for note in (file.evidence.older, file.evidence.newer)]
    told = [say.say("exhibit.evidence.head", size=one.size, root=encode_base64(one.root)) for one in both]
    return {"heads": told, "signed": say.say("exhibit.evidence.what", department=department)}


def _rendered(template: str, services: Known, content: Mapping[str, object]) -> str:
    spoken = asked_language()
    say = public_voice(services).say
    return render_template(
        template,
        say=say,
        heading=say("exhibit.title"),
        language=spoken,
        other=OTHER[spoken],
        department=services.node.name,
        style=url_for("pages.static", filename="receipt.css"),
        **content,
    )
