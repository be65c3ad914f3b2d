"""Says in one short line above an answer what the question was taken for, when it was not an exact word or a number.

The worst that a bot can do is to misunderstand without noticing; whoever reads this line notices.
"""

import re
from dataclasses import replace

from bot.messages import Voice as Spoken
from bot.replies import TEXT_BYTES_MAX, Reply, TextReply
from bot.routing import Request, Route
from handlers.citizen import english
from handlers.citizen.named import named_matters
from handlers.citizen.voice import Voice, voice
from handlers.dialogue import lines
from handlers.locale import Own
from handlers.services import Services

HEARD_CHARACTERS_MAX = 40

# A number was meant whatever stands around it, and its answer begins with what it is the number of, or is the one
# fixed text for strangers.
_NUMBER = re.compile(r"[0-9]{4}")


def telling(row: Route[Services]) -> Route[Services]:
    """The same row; its answer begins with what was understood."""
    handler = row.handler

    def handle(request: Request, services: Services) -> Reply:
        reply = handler(request, services)
        return reply if _NUMBER.search(request.text) else _told(reply, request, services)

    return replace(row, handler=handle)


def _told(reply: Reply, request: Request, services: Services) -> Reply:
    say = voice(request, services)
    first = lines(_heard(request, say), _understood(request, say, services))
    if not first or not isinstance(reply, TextReply):
        return reply
    together = f"{first}\n{reply.content}"
    # An answer is never cut for it.
    return TextReply(together) if len(together.encode()) <= TEXT_BYTES_MAX else reply


def _heard(request: Request, say: Voice) -> Own | None:
    """What WeChat wrote down of a voice: it often hears another word."""
    if not isinstance(request.message, Spoken) or not request.typed:
        return None
    return say.say("heard", words=request.typed[:HEARD_CHARACTERS_MAX])


def _understood(request: Request, say: Voice, services: Services) -> Own | None:
    taken = request.taken_for
    if not taken:
        return None
    if request.understood:  # a command, through a slip or among other words
        return say.say("taken.word", word=taken)
    key = f"taken.{taken}"
    if not say.say.has(key):
        return None  # the answer itself says it: a greeting, thanks, the menu
    about = [say.matter(code) for code in named_matters(request.text, services)]
    line = say.say(key, about=say.say("taken.about", names=Own(say.say("and").join(about))) if about else Own())
    return lines(line, _in_english(request, say))


def _in_english(request: Request, say: Voice) -> Own | None:
    """Somebody who writes English may read it better, and has not said so yet."""
    wrote_english = not request.session.language and request.text.isascii() and english.meaning(request.text)
    return say.say("taken.english") if wrote_english else None
