"""/doctor/<token>: the doctor's green and red lines in a browser, for the officer whose chat gave the link.

It says where files lie and what does not work: nobody else's business. Looking changes nothing.
"""

from functools import partial

from flask import Blueprint, Response

from handlers.doctor_lines import Line
from handlers.locale import Own
from handlers.pages.intake import behind_a_link
from handlers.pages.visits import Gone, Visit, arrive, page, visitors_voice
from handlers.services import Services
from ledger.desk import Purpose


def add(pages: Blueprint, services: Services) -> None:
    """Add it to the pages of a node."""
    doors = behind_a_link("doctor", services)
    doors.add_url_rule("/doctor/<token>", "look", partial(_look, services), methods=["GET"])
    pages.register_blueprint(doors)


def _look(services: Services, token: str) -> Response:
    visit = arrive(services, token)
    if visit.ticket.purpose is not Purpose.DOCTOR:
        raise Gone
    lines = services.examine()
    say = visitors_voice(services)
    return page(
        say,
        "doctor/doctor.html",
        node=services.node.name,
        red=[_told(visit, line) for line in lines if not line.good],
        green=[_told(visit, line) for line in lines if line.good],
        at=Own(f"{say.day(say.now)} {say.clock(say.now)}"),
        until=say.clock(visit.ticket.expires),
    )


def _told(visit: Visit, line: Line) -> dict[str, str]:
    say = visit.say.say
    name = say(f"doctor.name.{line.topic}")
    # Which key, which department: the line itself says it, in the words of the terminal.
    which = "" if line.kind not in {"key", "department", "of-us"} else line.what
    return {
        "name": name,
        "which": which,
        "found": line.found,
        "mend": line.mend,
        "help": say(f"doctor.mend.{line.topic}"),
    }
