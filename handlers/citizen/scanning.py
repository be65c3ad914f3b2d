"""A QR code of ours is scanned, by a follower or by somebody who follows by scanning it.

Two kinds are given out: at the counter, one that ties an account to a person; on each slip, one that says number and
query code so that nobody has to type them.
"""

import re
from dataclasses import replace

from bot.messages import Message, Scanned, Subscribed
from bot.replies import Reply
from bot.routing import Request
from handlers.citizen import binding, cases
from handlers.citizen import help as helping
from handlers.services import Services

_BIND = re.compile(r"bind_([0-9]{8})", re.ASCII)
_SLIP = re.compile(r"slip_([0-9]{12,20})_([0-9]{8})", re.ASCII)


def bind_scene(code: str) -> str:
    """The scene of a binding code."""
    return f"bind_{code}"


def slip_scene(number: str, query_code: str) -> str:
    """The scene of a slip."""
    return f"slip_{number}_{query_code}"


def scanned(request: Request, services: Services) -> Reply:
    """Do what the code stands for; a code that is not ours is greeted like everybody else."""
    scene = _scene_of(request.message)
    if (found := _BIND.fullmatch(scene)) is not None:
        return binding.scanned(request, services, found[1])
    if (found := _SLIP.fullmatch(scene)) is not None:
        typed = f"{found[1]} {found[2]}"
        # As if number and code had been typed, with the same limits for whoever guesses.
        return cases.progress(replace(request, text=f"进度 {typed}", argument=typed, understood="进度"), services)
    return helping.greet(request, services)


def _scene_of(message: Message) -> str:
    match message:
        case Scanned(scene=scene):
            return scene
        case Subscribed(scene=str(scene)):
            return scene
    return ""
