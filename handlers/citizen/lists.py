"""A numbered list, ten a page: a bare number opens one of its lines."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.replies import Reply
from bot.routing import Request
from handlers.citizen.voice import Voice
from handlers.dialogue import Choice, answer, lines
from handlers.locale import Own

PAGE_LINES = 10
_PAGE = re.compile(r"[1-9][0-9]?")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a list."""

    label: Own
    says: str  # what its number stands for; "" when it cannot be opened


def page_of(argument: str) -> int:
    """The page that was asked for, from 1 on."""
    return int(argument) if _PAGE.fullmatch(argument) else 1


def listed(
    request: Request, voice: Voice, key: str, word: str, every: Sequence[Line], page: int, *, above: Own | None = None
) -> Reply:
    """One page of a list under the text `key`; `word` with a page number opens another page."""
    first = (page - 1) * PAGE_LINES
    if first >= len(every):
        first, page = 0, 1
    shown = every[first : first + PAGE_LINES]
    choices = [Choice(line.label, line.says) for line in shown]
    if first + PAGE_LINES < len(every):
        choices.append(voice.choice("mine.more", f"{word} {page + 1}"))
    body = lines(above, voice.say(key, lines=printed(choices, first + 1)))
    return answer(request, body, choices, first=first + 1)


def printed(choices: Sequence[Choice], first: int = 1) -> Own:
    """The lines with their numbers; what cannot be opened is not drawn as if it could."""
    return Own("\n".join(f"{at} {one.link if one.says else one.label}" for at, one in enumerate(choices, first)))
