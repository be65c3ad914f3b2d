"""/doctor/<token>: the doctor's green and red lines in a browser, for the officer whose chat gave the link.

It says where files lie and what does not work: nobody else's business. Looking changes nothing.
"""

from collections.abc import Callable, Sequence
from functools import partial
from threading import Lock

from flask import Blueprint, Response

from handlers.doctor_lines import Line
from handlers.locale import Own
from handlers.pages.intake import behind_a_link
from handlers.pages.visits import Gone, Visit, arrive, page, visitors_voice
from handlers.services import Services
from ledger.desk import Purpose


class OneAtATime:
    """It asks every department and waits for each: whoever reloads the page must not take all that answers people."""

    def __init__(self, examine: Callable[[], Sequence[Line]]) -> None:
        self._examine = examine
        self._lock = Lock()

    def look(self) -> Sequence[Line] | None:
        """What there is to see now; None while somebody else is looking."""
        if not self._lock.acquire(blocking=False):
            return None
        try:
            return self._examine()
        finally:
            self._lock.release()


def add(pages: Blueprint, services: Services) -> None:
    """Add it to the pages of a node."""
    doors = behind_a_link("doctor", services)
    look = partial(_look, services, OneAtATime(services.examine))
    doors.add_url_rule("/doctor/<token>", "look", look, methods=["GET"])
    pages.register_blueprint(doors)


def _look(services: Services, examination: OneAtATime, token: str) -> Response:
    visit = arrive(services, token)
    if visit.ticket.purpose is not Purpose.DOCTOR:
        raise Gone
    say = visitors_voice(services)
    lines = examination.look()
    if lines is None:
        return page(say, "doctor/wait.html", status=503)
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
