"""Who may see what: a person their own, anyone else only with the number and the query code of the slip.

Whatever a stranger types, a number that exists or not, ours or another's, the answer is one fixed text after equal
work: nobody learns here whether somebody is in our files.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.routing import Request
from bot.understanding import find_number
from handlers.services import Services
from ledger.facts import Facts
from ledger.records import numbers
from ledger.records.funds import Ref
from ledger.views import AwardView, Binding, CaseView, PaymentView

SLIP = "slip"
SLIP_SECONDS = 1_800  # how long the choices below an answer work for somebody who is not bound
AGAIN = {"进度": "看进度", "补贴": "看这笔钱", "经过": "看经过"}

LEVEL_TO_ACT = 1  # bound at the counter, by somebody who looked at the ID card
DAY_SECONDS = 86_400  # a new binding waits so long before it may say anything about money

_TAIL = re.compile(r"[0-9]{4}")


class Withheld(StrEnum):
    """Why nothing is shown: keys of the catalogue."""

    ASK = "number.ask"
    STRANGER = "number.stranger"
    MISTYPED = "number.mistyped"
    WAIT = "number.wait"


@dataclass(frozen=True, slots=True)
class Seen:
    """Something that this person may see."""

    topic: str  # case, award, payment
    ref: Ref
    typed: str  # the number by which it was asked for
    binding: Binding | None  # None: by query code, for somebody who may be the family

    def says(self, word: str, request: Request) -> str:
        """A command about it again: with its number for whoever is bound, else about what the slip opened just now.

        The query code is never written into a link or kept: whoever finds them would have the code.
        """
        if self.binding is not None and self.typed:
            return f"{word} {self.typed}"
        request.session.data[SLIP] = {
            "topic": self.topic,
            **self.ref.claim(),
            "typed": self.typed,
            "until": int(request.now.timestamp()) + SLIP_SECONDS,
        }
        return AGAIN[word]


def by_slip(request: Request) -> Seen | None:
    """What a number and query code opened just now."""
    slip = request.session.data.get(SLIP)
    if slip is None or slip["until"] < request.now.timestamp():
        return None
    return Seen(slip["topic"], Ref(slip["log"], slip["sub"]), slip["typed"], None)


def look(argument: str, request: Request, services: Services, facts: Facts) -> Seen | Withheld | list[Seen]:
    """What the typed number or last four digits stand for; several when they fit several of one's own."""
    bindings = facts.citizens_of(request.sender)
    typed, _, code = find_number(argument).partition(" ")
    if typed:
        return _by_number(typed, code, bindings, request, services, facts)
    if not _TAIL.fullmatch(argument):
        return Withheld.ASK
    facts.find(argument)  # finds nothing: the same work as for a number of somebody else's
    own = [seen for binding in bindings for seen in _ending_in(argument, binding, facts)]
    return (own[0] if len(own) == 1 else own) or Withheld.STRANGER


def _by_number(
    typed: str, code: str, bindings: list[Binding], request: Request, services: Services, facts: Facts
) -> Seen | Withheld:
    if not numbers.holds(typed):
        return Withheld.MISTYPED
    desk = services.node.desk
    found = facts.find(typed)
    binding = None if found is None else next((one for one in bindings if one.citizen == found.citizen), None)
    if found is not None and binding is not None:
        return Seen(found.topic, found.ref, typed, binding)
    if not code:
        return Withheld.STRANGER
    allowed = desk.allow_try(request.sender, typed)
    if not allowed:
        return Withheld.WAIT
    services.sleep(allowed.slow_seconds)  # whether or not the number exists
    if found is not None and found.code_ok(code):
        return Seen(found.topic, found.ref, typed, None)
    desk.note_wrong(request.sender, typed)
    return Withheld.STRANGER


def _ending_in(tail: str, binding: Binding, facts: Facts) -> list[Seen]:
    things: dict[str, Sequence[CaseView | AwardView | PaymentView]] = {
        "case": facts.cases_of(binding.citizen),
        "award": facts.awards_of_citizen(binding.citizen),
        "payment": facts.payments_of_citizen(binding.citizen),
    }
    return [
        Seen(topic, one.ref, one.number, binding)
        for topic, own in things.items()
        for one in own
        if one.number is not None and one.number.endswith(tail)
    ]


def may_act(bindings: list[Binding]) -> list[Binding]:
    """The bindings that let a person speak as the citizen."""
    return [binding for binding in bindings if binding.level >= LEVEL_TO_ACT]


def is_settled(binding: Binding, now: int) -> bool:
    """Whether it is old enough for words about money: whoever steals a binding code has no use of it today."""
    return binding.since + DAY_SECONDS <= now
