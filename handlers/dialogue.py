"""What is open between two messages of one person: choices to tap, and a read-back that waits for its yes.

A `1` belongs to the newest list, because every answer replaces the choices. A yes counts only for the read-back just
above it: each message after a read-back is counted, and only the first may confirm.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.replies import TEXT_BYTES_MAX, NewsReply, Reply, TextReply, choice, shorten, text
from bot.routing import Request, Route
from bot.sessions import Session
from handlers.locale import Own, Words
from handlers.services import Services
from ledger.errors import Behind, Unavailable
from ledger.freezing import Frozen
from ledger.records.claims import is_test

YES = "确认"  # what a person types, and what "1" stands for below a read-back
ASKED = "asked"
TURN = "turn"
DRAFTS_TODAY = "drafts"
MUCH_LATER = 2  # turns are not counted further: a session that nothing changed need not be stored


@dataclass(frozen=True, slots=True)
class Choice:
    """One way on: what it is called, and the words that it stands for."""

    label: str
    says: str

    @property
    def link(self) -> Own:
        """Something to tap that says it."""
        return Own(choice(self.label, self.says))


def answer(request: Request, content: str, choices: Sequence[Choice] = (), *, first: int = 1) -> TextReply:
    """Say something; from now on the digits stand for these choices and for no older ones."""
    request.session.choices = {str(digit): one.says for digit, one in enumerate(choices, first) if one.says}
    return text(content)


def numbered(choices: Sequence[Choice], *, first: int = 1) -> Own:
    """The choices as a list to read, tap or type."""
    return Own("\n".join(f"{digit} {one.link}" for digit, one in enumerate(choices, first)))


def tail(say: Words, choices: Sequence[Choice]) -> Own:
    """Two or three choices in one sentence."""
    names = ("first", "second", "third")[: len(choices)]
    return say(f"tail.{len(choices)}", **{name: one.link for name, one in zip(names, choices, strict=True)})


def lines(*parts: str | None) -> Own:
    """Lines one below the other, without those that are not there."""
    return Own("\n".join(part for part in parts if part))


# --- a read-back and its yes ---


def ask(session: Session, act: str, about: Mapping[str, Any]) -> None:
    """Remember what was just read back; whatever was asked before is dropped."""
    session.data[ASKED] = {"act": act, **about}
    session.data[TURN] = 0


def asked(session: Session) -> Mapping[str, Any] | None:
    """What waits for a yes, if anything."""
    found: Mapping[str, Any] | None = session.data.get(ASKED)
    return found


def nothing_between(session: Session) -> bool:
    """Whether this message is the first one after the read-back."""
    return bool(session.data.get(TURN) == 1)


def let_pass(session: Session) -> None:
    """This message was no yes: from now on something has come between, and a yes only repeats the read-back."""
    if TURN in session.data:
        session.data[TURN] = MUCH_LATER


def drop(session: Session) -> bool:
    """Forget what was asked; says whether there was anything."""
    session.data.pop(TURN, None)
    return session.data.pop(ASKED, None) is not None


def forget(session: Session) -> None:
    """Nothing that was shown or asked here is open any more; the numbers of today's drafts are not given again."""
    session.data = {name: value for name, value in session.data.items() if name == DRAFTS_TODAY}


def counting(row: Route[Services]) -> Route[Services]:
    """The same row, whose handler finds its message counted."""
    handler = row.handler

    def handle(request: Request, services: Services) -> Reply:
        data = request.session.data
        if TURN in data:
            data[TURN] = min(data[TURN] + 1, MUCH_LATER)
        return handler(request, services)

    return replace(row, handler=handle)


def guarded(row: Route[Services]) -> Route[Services]:
    """The same row; when the ledger lets nothing be done now, the person is asked to try again."""
    handler = row.handler

    def handle(request: Request, services: Services) -> Reply:
        try:
            return handler(request, services)
        except Frozen:
            return text(services.words(request)("frozen"))
        except Behind:
            return text(services.words(request)("behind"))
        except Unavailable:
            return text(services.words(request)("busy"))

    return replace(row, handler=handle)


def marked(row: Route[Services]) -> Route[Services]:
    """The same row; a node of invented people says so below every answer."""
    handler = row.handler

    def handle(request: Request, services: Services) -> Reply:
        reply = handler(request, services)
        return _as_test(reply, services.words(request)("test.mark")) if is_test(services.node.origin) else reply

    return replace(row, handler=handle)


def _as_test(reply: Reply, mark: str) -> Reply:
    match reply:
        case TextReply(content):
            return TextReply(f"{shorten(content, TEXT_BYTES_MAX - len(mark.encode()) - 1)}\n{mark}")
        case NewsReply(title, description):
            return replace(reply, title=f"{mark} {title}", description=f"{description}\n{mark}")
    return reply
