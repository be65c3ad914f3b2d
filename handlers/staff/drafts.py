"""What is read back to an officer before it is signed, and the one way from there to a signature.

One draft is open at a time. It ends when it is signed, by 取消 or 0, after five minutes, or when another is begun; a
look or a question leaves it open. Its number tells a late yes to an old draft from a yes to this one.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.replies import Reply
from bot.routing import Request
from bot.sessions import Session
from handlers.citizen.voice import record_name
from handlers.dialogue import DRAFTS_TODAY, TURN, Choice, answer, asked, drop, lines, nothing_between
from handlers.locale import Own
from handlers.services import Services
from handlers.staff.commands import choice
from handlers.staff.door import Turn, is_officer, is_signed_in, sign_in_first
from handlers.staff.refusals import CODE_REFUSED, why
from ledger.authority import NEEDS_CODE
from ledger.errors import Refused
from ledger.facts import Facts
from ledger.records.funds import Ref
from ledger.records.jsonstrict import Json
from ledger.records.statement import Statement
from ledger.second_factor import SIGNING_SECONDS

DRAFT = "draft"
DRAFT_SECONDS = 300
DROP_WORDS = ("0", "算了", "cancel")

_HAS_DIGIT = re.compile(r"[0-9]")
_NUMBER = re.compile(r"[1-9][0-9]{0,4}")


@dataclass(frozen=True, slots=True)
class Draft:
    """What an officer is about to say, in the form of a record and in words."""

    act: str  # its key in `commands`
    statement: Statement
    line: Own  # what will be signed
    who: Own  # who signs, and who did the step before
    account_of: str | None = None  # handle of the award whose account this one takes over: read only when it is signed
    done: Own | None = None  # what has been signed, where it is said in other words than before


# --- guards ---


def is_confirmed_here(request: Request, services: Services) -> bool:
    """Guard of 确认: for an officer's draft, or with a draft's number; a citizen's newer read-back comes first."""
    if _HAS_DIGIT.search(request.text):
        return is_officer(request, services)
    return _is_newest(request) and is_officer(request, services)


def is_dropped_here(request: Request, services: Services) -> bool:
    """Guard of 取消."""
    return _is_newest(request) and is_officer(request, services)


def _is_newest(request: Request) -> bool:
    return DRAFT in request.session.data and asked(request.session) is None


# --- opening and closing ---


def begin(turn: Turn, draft: Draft, as_read: str) -> Reply:
    """Read a draft back; whatever was open before is dropped. `as_read`: what the desk has checked it against."""
    session = turn.request.session
    drop(session)
    session.data[DRAFT] = {
        "number": _next_number(turn),
        "at": turn.say.now,
        "officer": turn.officer.handle,
        "act": draft.act,
        "kind": draft.statement.kind,
        "sub": draft.statement.sub,
        "clear": dict(draft.statement.clear),
        "private": dict(draft.statement.private),
        "account_of": draft.account_of,
        "as_read": as_read,
        "line": draft.line,
        "done": draft.done or draft.line,
        "who": draft.who,
    }
    return _read_back(turn, session.data[DRAFT])


def _next_number(turn: Turn) -> int:
    """Drafts are counted by the day, so that a number stands for one draft only."""
    counted = turn.request.session.data.get(DRAFTS_TODAY)
    today = turn.say.today.isoformat()
    last = counted["last"] if counted and counted["day"] == today else 0
    turn.request.session.data[DRAFTS_TODAY] = {"day": today, "last": last + 1}
    return int(last + 1)


def discard(session: Session) -> Mapping[str, Any] | None:
    """Forget the open draft; returns it."""
    session.data.pop(TURN, None)
    found: Mapping[str, Any] | None = session.data.pop(DRAFT, None)
    return found


def _open_draft(turn: Turn) -> Mapping[str, Any] | None:
    """The draft of this officer, if it still counts."""
    kept: Mapping[str, Any] | None = turn.request.session.data.get(DRAFT)
    if kept is None:
        return None
    is_fresh = 0 <= turn.say.now - kept["at"] < DRAFT_SECONDS
    if kept["officer"] == turn.officer.handle and is_fresh:
        return kept
    discard(turn.request.session)
    return None


def _read_back(turn: Turn, kept: Mapping[str, Any]) -> Reply:
    turn.request.session.data[TURN] = 0  # a yes counts from here
    number, say = kept["number"], turn.say.say
    if kept["kind"] in NEEDS_CODE:
        how = say("draft.how.code")
    else:
        yes = Choice(say("draft.yes", number=number), f"确认 {number}")
        how = say("draft.how.yes", yes=yes.link, no=Choice(say("draft.no"), "取消").link)
    said = say("draft", number=number, line=Own(kept["line"]), who=Own(kept["who"]), how=how)
    return answer(turn.request, said)


# --- what the officer says to it ---


def confirm(turn: Turn) -> Reply:
    """确认: signs the draft that is open, if it is the one meant and needs no code."""
    kept = _open_draft(turn)
    named = turn.request.argument.strip()
    if kept is None or (named and not _is_named(named, kept)):
        return _stale(turn, kept, named)
    if kept["kind"] in NEEDS_CODE or not (named or nothing_between(turn.request.session)):
        return _read_back(turn, kept)
    if not is_signed_in(turn, SIGNING_SECONDS):
        return answer(turn.request, sign_in_first(turn))
    return _sign(turn, kept, None)


def _is_named(named: str, kept: Mapping[str, Any]) -> bool:
    return _NUMBER.fullmatch(named) is not None and int(named) == kept["number"]


def six_digits(turn: Turn) -> Reply:
    """A code alone: signs the open draft, when that needs one."""
    kept = _open_draft(turn)
    if kept is None:
        return answer(turn.request, turn.say.say("draft.none"))
    if kept["kind"] not in NEEDS_CODE:
        return _read_back(turn, kept)  # the code is not spent on what needs none
    if not is_signed_in(turn, SIGNING_SECONDS):
        return answer(turn.request, sign_in_first(turn))  # nor here: it can sign in
    return _sign(turn, kept, turn.request.argument)


def cancel(turn: Turn) -> Reply:
    """取消 or 0: nothing was signed."""
    kept = discard(turn.request.session)
    number = kept["number"] if kept else ""
    return answer(turn.request, turn.say.say("draft.dropped", number=number))


def _stale(turn: Turn, kept: Mapping[str, Any] | None, named: str) -> Reply:
    say = turn.say.say
    stale = say("draft.stale", number=named) if named else say("draft.expired")
    waiting = say("draft.waiting", number=kept["number"]) if kept else None
    return answer(turn.request, lines(stale, waiting))


def _sign(turn: Turn, kept: Mapping[str, Any], code: str | None) -> Reply:
    """Sign what was read back, and nothing else; the delivery's own key makes a repeat find what was done."""
    say, desk = turn.say, turn.services.node.desk
    try:
        statement = _statement(turn, kept)
        once, as_read = turn.request.delivery_key, kept["as_read"]
        done = desk.submit(statement, by=turn.officer.handle, once=once, code=code, as_read=as_read)
    except CODE_REFUSED as error:
        return answer(turn.request, say.say("draft.code-refused", why=why(say, error), number=kept["number"]))
    except Refused as error:
        discard(turn.request.session)
        act = say.say(f"act.{kept['act']}")
        return answer(turn.request, say.say("draft.refused", act=act, why=why(say, error)))
    discard(turn.request.session)
    onward = [choice(say, "inbox")]
    name = record_name(done.record_id)
    said = say.say("draft.signed", line=Own(kept["done"]), record=name, index=done.index)
    return answer(turn.request, lines(said, *(one.link for one in onward)), onward)


def _statement(turn: Turn, kept: Mapping[str, Any]) -> Statement:
    private: dict[str, Json] = dict(kept["private"])
    if kept["account_of"] is not None:
        with turn.services.node.reading() as facts:
            private |= account_of(facts, Ref(turn.origin, kept["account_of"]))
    return Statement(kept["kind"], kept["sub"], kept["clear"], private)


def account_of(facts: Facts, award: Ref) -> dict[str, Json]:
    """Payee and account of an earlier award: they stay in the vault until the very moment of signing."""
    told = {name: facts.private(award, name) for name in ("payee", "account")}
    return {name: value for name, value in told.items() if value is not None}
