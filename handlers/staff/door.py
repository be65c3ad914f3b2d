"""Who comes to the staff's side of the counter, and for how long a sign-in lets them stay.

For anybody else a staff command is not understood, whatever it says.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from bot.messages import Text
from bot.replies import Reply, text
from bot.routing import Handler, Request
from bot.understanding import as_written, simplify, tidy
from handlers.citizen import help as helping
from handlers.citizen.voice import Voice, voice
from handlers.dialogue import answer
from handlers.locale import Own
from handlers.services import Services
from ledger.errors import Behind, Unavailable
from ledger.freezing import Frozen
from ledger.second_factor import READING_SECONDS, SIGNING_SECONDS
from ledger.views import Officer

SIGNED_IN = "staff"

_LIKE_AN_OFFICER = re.compile(r"[#/]|[0-9]{6}$|确认 ?[0-9]")


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of an officer, with all that its answer is made from."""

    request: Request
    services: Services
    officer: Officer
    say: Voice

    @property
    def origin(self) -> str:
        """Our own log."""
        return self.services.node.origin

    def written(self, words: str) -> str:
        """These words of the message as the officer wrote them, for a record; never what a mask has hidden."""
        said = self.request.message
        return as_written(said.content, words) if isinstance(said, Text) and not self.request.masked else words

    @property
    def name(self) -> str:
        """The officer's name; a role's word when it was erased."""
        return self.officer.name or self.say.say("staff.nameless")


StaffHandler = Callable[[Turn], Reply]


def is_officer(request: Request, services: Services) -> bool:
    """Guard: the account of an officer in force, by a sealed message."""
    if not request.sealed:
        return False
    try:
        with services.node.reading() as facts:
            return facts.officer_of(request.sender) is not None
    except Unavailable:
        return True  # the handler asks again: a busy database must not turn an officer's command into small talk


def busy(request: Request, services: Services) -> Reply:
    """The database let nothing be done: who may have wanted to sign reads that nothing was signed.

    Whoever writes like an officer reads so, as nobody can be looked up now.
    """
    message = request.message
    if isinstance(message, Text) and _LIKE_AN_OFFICER.match(simplify(tidy(message.content))):
        return text(services.words(request)("staff.busy"))
    return helping.busy(request, services)


def sign_in(turn: Turn, at: int) -> None:
    """From now on this account is signed in."""
    turn.request.session.data[SIGNED_IN] = {"officer": turn.officer.handle, "at": at}


def sign_out(turn: Turn) -> None:
    """Not signed in any more."""
    turn.request.session.data.pop(SIGNED_IN, None)


def is_signed_in(turn: Turn, within_seconds: int) -> bool:
    """Whether this officer, and not one who had the account before, signed in so recently."""
    found = turn.request.session.data.get(SIGNED_IN)
    if found is None or found["officer"] != turn.officer.handle:
        return False
    return bool(0 <= turn.say.now - found["at"] < within_seconds)


def sign_in_first(turn: Turn) -> Own:
    """What everything else is answered with before."""
    return turn.say.say("staff.sign-in-first")


def to_read(handler: StaffHandler) -> Handler[Services]:
    """A handler for officers who signed in within a shift."""
    return _staff(handler, READING_SECONDS)


def to_sign(handler: StaffHandler) -> Handler[Services]:
    """A handler for officers who signed in just now."""

    def whole(turn: Turn) -> Reply:
        turn.services.node.desk.log.check_whole()  # told at the command, and not only when it is confirmed
        return handler(turn)

    return _staff(whole, SIGNING_SECONDS)


def to_come_in(handler: StaffHandler) -> Handler[Services]:
    """A handler for officers who may not have signed in yet."""
    return _staff(handler, None)


def _staff(handler: StaffHandler, within_seconds: int | None) -> Handler[Services]:
    def handle(request: Request, services: Services) -> Reply:
        try:
            turn = _arrive(request, services)
            if turn is None:  # revoked since the guard looked
                return helping.not_understood(request, services)
            if within_seconds is not None and not is_signed_in(turn, within_seconds):
                return answer(request, sign_in_first(turn))
            return handler(turn)
        except Frozen:
            return text(services.words(request)("staff.frozen"))
        except Behind:
            return text(services.words(request)("staff.behind"))
        except Unavailable:
            return text(services.words(request)("staff.busy"))

    return handle


def _arrive(request: Request, services: Services) -> Turn | None:
    with services.node.reading() as facts:
        officer = facts.officer_of(request.sender)
    return None if officer is None else Turn(request, services, officer, voice(request, services))
