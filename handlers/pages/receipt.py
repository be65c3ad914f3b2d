"""The receipt page: what a record says, in which log it stands, who has stored it, and how anyone can check that.

Public on purpose, and harmless: it shows what the logs show to everybody, and nothing from the vault. Programs get the
same thing as a file; while no quorum has cosigned the record, both get the promise and are told when to come back.
"""

from collections.abc import Mapping
from functools import partial

import segno
from flask import Blueprint, Response, render_template, url_for

from handlers.citizen.receipt_lines import (
    finding_lines,
    later,
    moment,
    roles,
    stored_by,
    wait_seconds,
    what_it_says,
)
from handlers.citizen.voice import Voice
from handlers.locale import Own
from handlers.pages.public import (
    OTHER,
    TEXT,
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
from handlers.services import Known
from ledger.peers.promises import PATH
from ledger.receipts import Told, make_receipt, promise_for, read_receipt
from ledger.records.check_code import check_code, in_groups
from ledger.records.kinds import DESK
from ledger.storage.engine import reading
from ledger.storage.network import read_urls


def add(blueprint: Blueprint, services: Known) -> None:
    """Add the page and the file to the pages of a node."""
    views: tuple[tuple[str, str, View], ...] = (
        ("/receipts/<record>", "receipt", partial(_page, services)),
        ("/receipts/<record>.tlog-proof", "receipt-file", partial(_file, services)),
    )
    for path, name, view in views:
        blueprint.add_url_rule(path, name, guarded(view, services), methods=["GET"])


def _page(services: Known, record: str) -> Response:
    told = read_receipt(services.node.engine, record)
    if told is None:
        return _unknown(services, record)
    if not told.proven:
        return _not_yet(services, told)
    return fresh(answer(_rendered("receipt/page.html", services, told, _shown(services, told)), "text/html"))


def _file(services: Known, record: str) -> Response:
    told = read_receipt(services.node.engine, record)
    if told is None:
        return _unknown(services, record)
    if not told.proven:
        return _not_yet(services, told)
    made = make_receipt(services.node.engine, told.record_id)
    if made is None:
        return problem("its signer's key does not count at its index: nothing proves who said it", {})
    named = {"Content-Disposition": f'attachment; filename="{told.record_id}.tlog-proof"'}
    return fresh(answer(made, TEXT, 200, named))


# --- not here, not yet ---


def _unknown(services: Known, record: str) -> Response:
    if not wants_a_page():
        return problem("no log that this node holds has a record of this name", {})
    say = public_voice(services)
    here = say.name(services.node.name)
    content = {
        "title": say.say("receipt.unknown.title"),
        "lines": [say.say("receipt.unknown", here=here), say.say("receipt.unknown.code")],
    }
    return answer(_rendered("receipt/none.html", services, None, content, record), "text/html", 404, not_kept())


def _not_yet(services: Known, told: Told) -> Response:
    """404 with the promise, and when to come back: for people as a page, for programs as a problem document."""
    seconds = wait_seconds(services.node, told, services.node.now())
    headers = not_kept() | {"Retry-After": str(seconds)}
    promise = promise_for(told, services.node.keys)
    elsewhere = None if told.url is None else f"{told.url}/receipts/{told.record_id}"
    leave_at = _leave_at(services) if promise else []
    if not wants_a_page():
        known = {
            "log": told.origin,
            "index": told.index,
            "promise": promise,
            "see": elsewhere,
            "leave_at": leave_at or None,
        }
        held = {name: value for name, value in known.items() if value is not None}
        return problem("no quorum of departments has cosigned it yet", held, headers)
    say = public_voice(services)
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
    return answer(_rendered("receipt/none.html", services, told, content), "text/html", 404, headers)


def _leave_at(services: Known) -> list[str]:
    """Where the promise can be left, so that another department looks whether it is kept."""
    with reading(services.node.engine) as conn:
        return [f"{url}{PATH}" for _origin, url in sorted(read_urls(conn).items())]


# --- what is shown ---


def _shown(services: Known, told: Told) -> dict[str, object]:
    say = public_voice(services)
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
    template: str, services: Known, told: Told | None, content: Mapping[str, object], record: str = ""
) -> str:
    spoken = asked_language()
    record = told.record_id if told is not None else record
    url = f"{services.node.public_url}/receipts/{record}"
    return render_template(
        template,
        say=public_voice(services).say,
        language=spoken,
        other=OTHER[spoken],
        department=services.node.name,
        record=record,
        style=url_for("pages.static", filename="receipt.css"),
        qr=segno.make(url, error="m", micro=False).svg_data_uri(border=2, omitsize=True) if told else None,
        **content,
    )
