"""The receipt page: what a record says, in which log it stands, who has stored it, and how anyone can check that.

Public on purpose, and harmless: it shows what the logs show to everybody, and nothing from the vault. Programs get the
same thing as a file; while no quorum has cosigned the record, both get the promise and are told when to come back.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from functools import partial, wraps

import segno
from flask import Blueprint, Response, render_template, request, url_for

from handlers.citizen.receipt_lines import (
    finding_lines,
    later,
    moment,
    roles,
    stored_by,
    wait_seconds,
    what_it_says,
)
from handlers.citizen.voice import Voice, voice_for
from handlers.locale import Own
from handlers.services import Services
from ledger.errors import Unavailable
from ledger.peers.promises import PATH
from ledger.receipts import Told, make_receipt, promise_for, read_receipt
from ledger.records.check_code import check_code, in_groups
from ledger.records.kinds import DESK
from ledger.storage.engine import reading
from ledger.storage.network import read_urls

FRESH = "public, max-age=10"  # cosignatures are renewed with each round
NEVER = "no-store"
BUSY_SECONDS = 1
TEXT = "text/plain; charset=utf-8"
PROBLEM = "application/problem+json"  # RFC 9457
LANGUAGES = ("zh", "en")
OTHER = {"zh": "en", "en": "zh"}

View = Callable[..., Response]


def add(blueprint: Blueprint, services: Services) -> None:
    """Add the page and the file to the pages of a node."""
    views: tuple[tuple[str, str, View], ...] = (
        ("/receipts/<record>", "receipt", partial(_page, services)),
        ("/receipts/<record>.tlog-proof", "receipt-file", partial(_file, services)),
    )
    for path, name, view in views:
        blueprint.add_url_rule(path, name, _guarded(view, services), methods=["GET"])


def _guarded(view: View, services: Services) -> View:
    """The same view; when the database answers nothing now, people are asked to come back."""

    @wraps(view, assigned=())
    def guarded(**path: str) -> Response:
        try:
            return view(**path)
        except Unavailable:
            told = voice_for(_language(), services).say("receipt.busy")
            return _answer(told, TEXT, 503, {"Retry-After": str(BUSY_SECONDS), "Cache-Control": NEVER})

    return guarded


def _voice(services: Services) -> Voice:
    """Every day with its year: a receipt may be printed, and read in another one."""
    return replace(voice_for(_language(), services), today=date.min)


def _language() -> str:
    wanted = request.args.get("lang", "")
    return wanted if wanted in LANGUAGES else LANGUAGES[0]


def _page(services: Services, record: str) -> Response:
    told = read_receipt(services.node.engine, record)
    if told is None:
        return _unknown(services, record)
    if not told.proven:
        return _not_yet(services, told)
    return _fresh(_answer(_rendered("receipt/page.html", services, told, _shown(services, told)), "text/html"))


def _file(services: Services, record: str) -> Response:
    told = read_receipt(services.node.engine, record)
    if told is None:
        return _unknown(services, record)
    if not told.proven:
        return _not_yet(services, told)
    made = make_receipt(services.node.engine, told.record_id)
    if made is None:
        return _problem("its signer's key does not count at its index: nothing proves who said it", {})
    named = {"Content-Disposition": f'attachment; filename="{told.record_id}.tlog-proof"'}
    return _fresh(_answer(made, TEXT, 200, named))


# --- not here, not yet ---


def _unknown(services: Services, record: str) -> Response:
    if not _wants_a_page():
        return _problem("no log that this node holds has a record of this name", {})
    say = _voice(services)
    here = say.name(services.node.name)
    content = {
        "title": say.say("receipt.unknown.title"),
        "lines": [say.say("receipt.unknown", here=here), say.say("receipt.unknown.code")],
    }
    return _answer(_rendered("receipt/none.html", services, None, content, record), "text/html", 404, _not_kept())


def _not_yet(services: Services, told: Told) -> Response:
    """404 with the promise, and when to come back: for people as a page, for programs as a problem document."""
    seconds = wait_seconds(services.node, told, services.node.now())
    headers = _not_kept() | {"Retry-After": str(seconds)}
    promise = promise_for(told, services.node.keys)
    elsewhere = None if told.url is None else f"{told.url}/receipts/{told.record_id}"
    leave_at = _leave_at(services) if promise else []
    if not _wants_a_page():
        known = {
            "log": told.origin,
            "index": told.index,
            "promise": promise,
            "see": elsewhere,
            "leave_at": leave_at or None,
        }
        held = {name: value for name, value in known.items() if value is not None}
        return _problem("no quorum of departments has cosigned it yet", held, headers)
    say = _voice(services)
    department = say.name(told.department)
    wait = say.say("receipt.wait", department=department, index=told.index, time=later(say, seconds))
    key = "receipt.wait.elsewhere" if elsewhere else "receipt.wait.promise"
    more = [say.say(key, department=department)] if promise or elsewhere else []
    content = {
        "title": say.say("receipt.wait.title"),
        "lines": [what_it_says(say, told), wait, *more],
        "promise": promise,
        "elsewhere": elsewhere,
        "leave": say.say("receipt.wait.leave") if leave_at else None,
        "leave_at": leave_at,
    }
    return _answer(_rendered("receipt/none.html", services, told, content), "text/html", 404, headers)


def _leave_at(services: Services) -> list[str]:
    """Where the promise can be left, so that another department looks whether it is kept."""
    with reading(services.node.engine) as conn:
        return [f"{url}{PATH}" for _origin, url in sorted(read_urls(conn).items())]


def _wants_a_page() -> bool:
    """Whether a browser asks: it names HTML, where a program takes anything or wants JSON."""
    accepted = request.accept_mimetypes
    return "text/html" in accepted.values() and accepted["text/html"] >= accepted["application/json"]


def _not_kept() -> dict[str, str]:
    return {"Cache-Control": NEVER, "Vary": "Accept"}


def _problem(detail: str, more: Mapping[str, object], headers: Mapping[str, str] | None = None) -> Response:
    said = {"type": "about:blank", "title": "Not Found", "status": 404, "detail": detail, **more}
    return _answer(json.dumps(said, ensure_ascii=False), PROBLEM, 404, headers or _not_kept())


# --- what is shown ---


def _shown(services: Services, told: Told) -> dict[str, object]:
    say = _voice(services)
    here, department = say.name(services.node.name), say.name(told.department)
    code = in_groups(check_code(told.record.leaf))
    return {
        "says": what_it_says(say, told),
        "whose": _whose(say, told, department, here),
        "rows": _rows(say, told, department),
        "keepers": [
            (
                say.name(one.department),
                say.say("receipt.keepers.stored" if one.stored is not None else "receipt.keepers.seen"),
                moment(say, "receipt.keepers.moment", one.stored or one.seen or 0),
            )
            for one in told.keepers
        ],
        "nobody": None if stored_by(told) else say.say("receipt.keepers.none"),
        "warnings": [
            *([] if told.folded else [say.say("receipt.unchecked", here=here)]),
            *finding_lines(say, told),
        ],
        "code": code,
        "chat": say.say("receipt.chat", code=code),
        "place": say.say("receipt.how.log", origin=told.origin, index=told.index),
        "signed": bool(told.roles),
        "command": f"python app.py check {told.record_id}.tlog-proof --policy FILE",
    }


def _whose(say: Voice, told: Told, department: Own, here: Own) -> Own:
    if told.own:
        return say.say("receipt.own", department=department)
    key = "receipt.mirrored" if told.folded and stored_by(told) else "receipt.mirrored.only"
    return say.say(key, department=department, here=here)


def _rows(say: Voice, told: Told, department: Own) -> list[tuple[Own, Own]]:
    """What is told beside the sentence, a label and a value each."""
    subject, on = told.subject, told.record.clear.get("on")
    rows = [(say.say("receipt.by"), _by(say, told, department))]
    if subject.matter is not None and told.record.kind.startswith(("award-", "account-", "payment-", "bank-")):
        rows.append((say.say("receipt.matter"), say.matter(subject.matter)))
    if subject.payer is not None and told.record.kind.startswith("award-"):
        rows.append((say.say("receipt.payer"), say.name(subject.payer)))
    late = told.folded and isinstance(on, str)
    at = moment(
        say,
        "receipt.at.late" if late else "receipt.at.moment",
        told.record.iat,
        on=say.iso(str(on)) if late else Own(),
    )
    rows.append((say.say("receipt.at"), at))
    rows.append((say.say("receipt.where"), say.say("receipt.where.log", department=department, index=told.index)))
    if told.before_network:
        rows.append((say.say("receipt.before"), say.say("receipt.before.why")))
    return rows


def _by(say: Voice, told: Told, department: Own) -> Own:
    if not told.roles:
        return say.say("receipt.by.nobody")
    if DESK in told.roles:
        return say.say("receipt.by.desk", department=department)
    return say.say("receipt.by.officer", department=department, roles=roles(say, told.roles))


def _rendered(
    template: str, services: Services, told: Told | None, content: Mapping[str, object], record: str = ""
) -> str:
    language = _language()
    record = told.record_id if told is not None else record
    url = f"{services.node.public_url}/receipts/{record}"
    return render_template(
        template,
        say=_voice(services).say,
        language=language,
        other=OTHER[language],
        department=services.node.name,
        record=record,
        style=url_for("pages.static", filename="receipt.css"),
        qr=segno.make(url, error="m", micro=False).svg_data_uri(border=2, omitsize=True) if told else None,
        **content,
    )


def _answer(body: str | bytes, kind: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    response = Response(body, status, headers)
    response.content_type = f"{kind}; charset=utf-8" if kind == "text/html" else kind
    return response


def _fresh(response: Response) -> Response:
    """With a name for these very bytes: whoever has them already is told so, and gets none."""
    response.headers["Cache-Control"] = FRESH
    response.add_etag()
    response.make_conditional(request)
    return response
