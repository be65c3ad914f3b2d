"""The form of #收件: an application is typed in once, checked, and becomes a case with a slip."""

from collections.abc import Iterator, Mapping

from flask import Response

from bot.errors import ApiUnreachable, NotSent
from handlers.citizen.scanning import slip_scene
from handlers.citizen.voice import voice_for
from handlers.dialogue import lines
from handlers.locale import Own
from handlers.matters import Matter
from handlers.pages import fields, slip
from handlers.pages.forms import Check, Checked, check_fields, relation_checks, relations, words
from handlers.pages.slip import Beside
from handlers.pages.visits import Gone, Visit
from handlers.staff.commands import choice
from handlers.staff.things import masked
from ledger.desk import Opened
from ledger.errors import Unavailable
from ledger.records.jsonstrict import Json

_ANOTHER_NAME = "field.id.another-name"
QR_SECONDS = 30 * 86_400  # Tencent's longest for a code with a scene


def show(
    visit: Visit, *, status: int = 200, wrong: Mapping[str, Own] | None = None, banner: Own | None = None
) -> Response:
    """The form, with what was typed already."""
    matter = _matter(visit)
    return visit.shown(
        "counter/case_form.html",
        status=status,
        matter=matter,
        papers=list(_papers(visit, matter)),
        relations=relations(visit),
        until=visit.say.clock(visit.ticket.expires),
        wrong=wrong or {},
        another_name=bool(wrong and wrong.get("id_number") == visit.say.say(_ANOTHER_NAME)),
        banner=banner,
        words=words(visit),
    )


def submit(visit: Visit) -> Response:
    """Take the application in, or say beside each field what is wrong with it."""
    matter = _matter(visit)
    checked = _check(visit, matter)
    if checked.wrong:
        now = visit.again()
        # The same form may come in twice at one moment: while this one was looked at, the other became the case.
        return show(visit, wrong=checked.wrong) if now.ticket.became is None else done(now)
    desk, ticket = visit.services.node.desk, visit.ticket
    try:
        opened = desk.open_case(matter.code, checked.private, by=ticket.officer, once=ticket.once)
    except Unavailable:
        return show(visit, status=503, banner=visit.say.say("form.busy"))
    _tell_officer(visit, matter, opened, str(checked.private["applicant"]))
    return done(visit.again())


def done(visit: Visit) -> Response:
    """The slip; for the same form again the same one, whatever it says now."""
    beside = slip.parse_beside(visit.ticket.slip)
    if beside is None:
        beside = Beside(_qr(visit), _missing(visit))
        visit.services.node.desk.keep_slip(visit.ticket, slip.print_beside(beside))
    return slip.shown(visit, beside)


def _matter(visit: Visit) -> Matter:
    matter = visit.services.matters.get(visit.ticket.about)
    if matter is None:  # its file was taken away meanwhile
        raise Gone
    return matter


def _papers(visit: Visit, matter: Matter) -> Iterator[tuple[str, str, bool, str]]:
    """Index, name, whether it is here, and whom it is taken from: then the citizen is never asked for it."""
    brought = visit.typed.getlist("papers")
    for index, paper in enumerate(matter.papers):
        taken_from = "" if paper.source == "citizen" else paper.source
        yield str(index), paper.name, str(index) in brought, taken_from


def _missing(visit: Visit) -> tuple[str, ...]:
    papers = _papers(visit, _matter(visit))
    return tuple(name for _index, name, is_here, taken_from in papers if not (is_here or taken_from))


def _check(visit: Visit, matter: Matter) -> Checked:
    checks: list[tuple[str, Check]] = [
        ("applicant", fields.name),
        ("id_number", lambda typed: fields.id_number(typed, visit.say.today)),
        ("phone", fields.phone),
    ]
    if matter.programme is not None:  # about money
        applicant = visit.value("applicant")
        checks += [
            ("payee", lambda typed: fields.name(typed if typed.strip() else applicant)),
            *relation_checks(visit, applicant),
            ("account", fields.card),
        ]
    checked = check_fields(visit, checks)
    if "applicant" in checked.wrong and not visit.value("payee").strip():
        checked.wrong.pop("payee", None)  # it is said once
    if not checked.wrong and _is_known_by_another_name(visit, checked.private):
        checked.wrong["id_number"] = visit.say.say(_ANOTHER_NAME)
    checked.private["place"] = matter.place
    return checked


def _is_known_by_another_name(visit: Visit, private: Mapping[str, Json]) -> bool:
    """Whether earlier cases name this ID number's person otherwise, and nobody has looked at the card again.

    A slip in the number that still holds would put this case into a stranger's hands.
    """
    if visit.value("same_person"):
        return False
    with visit.services.node.reading() as facts:
        citizen = facts.citizen_with(str(private["id_number"]))
        names = {case.applicant for case in facts.cases_of(citizen)} if citizen is not None else set()
    return bool(names - {None}) and private["applicant"] not in names


def _qr(visit: Visit) -> str | None:
    """What WeChat opens the case by; None when it makes no code now, and the slip says it in words."""
    try:
        return visit.services.qr(slip_scene(*slip.number_and_code(visit)), QR_SECONDS).says
    except (NotSent, ApiUnreachable):
        return None


def _tell_officer(visit: Visit, matter: Matter, opened: Opened, applicant: str) -> None:
    """Tell the chat that the link came from; #待办 shows the case as well."""
    services = visit.services
    openid = visit.officers_account()
    if openid is None:
        return
    say = voice_for(services.outbox.language_of(openid), services)
    onward = [choice(say, key, opened.number).link for key in ("accept", "correct", "bind-code")]
    told = say.say(
        "notice.taken-in",
        matter=say.matter(matter.code),
        name=masked(applicant),
        number=opened.number,
        choices=lines(*onward),
    )
    services.outbox.put(visit.ticket.once, openid, told, opened.submitted.record_id)
