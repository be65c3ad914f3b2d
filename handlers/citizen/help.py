"""Greeting, menu, people, and kind answers to what nobody can use: every dead end offers three numbers and a person."""

import re
from collections.abc import Callable, Sequence

from bot.replies import SILENCE, Reply
from bot.routing import STAFF_SIGNS, Request
from bot.sessions import Session
from handlers.citizen.voice import Voice, voice
from handlers.dialogue import Choice, answer, lines, numbered
from handlers.locale import Own, words_in
from handlers.services import Services

_IS_LATIN: Callable[[str], object] = re.compile(r"[ -~]*[A-Za-z]{3}[ -~]*").fullmatch

# Words that later stages bring, with what else people call them.
LATER: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("公示", ()),
    ("资金去向", ("trail",)),
    ("证照", ("我的证照", "电子证照")),
    ("同意共享", ("撤回同意",)),
    ("谁查过我的信息", ("谁查过我",)),
    ("删除我的数据", ("删除数据",)),
    ("投诉", ("我要投诉", "举报")),
)


def choices(say: Voice) -> list[Choice]:
    """The three ways on that always work."""
    return [
        say.choice("menu.progress", "进度"),
        say.choice("menu.payment", "补贴"),
        say.choice("menu.human", "人工"),
    ]


def offered(say: Voice) -> Own:
    """The three ways on, below another answer."""
    return say.say("help.or", choices=numbered(choices(say)))


def with_choices(key: str, request: Request, services: Services, **values: object) -> Reply:
    """An answer that ends with the three ways on."""
    say = voice(request, services)
    onward = choices(say)
    return answer(request, say.say(key, choices=numbered(onward), **values), onward)


def greet(request: Request, services: Services) -> Reply:
    """Who this is, and what can be asked."""
    say = voice(request, services)
    names = {"area": say.area(), "department": say.name(services.node.name)}
    return with_choices("welcome", request, services, **names)


def silent(_request: Request, _services: Services) -> Reply:
    """Nobody waits for an answer to this."""
    return SILENCE


def menu(request: Request, services: Services) -> Reply:
    """Start again."""
    return with_choices("menu.here", request, services)


def helped(request: Request, services: Services) -> Reply:
    """What can be written here."""
    say = voice(request, services)
    return answer(request, lines(say.say("help"), offered(say)), choices(say))


def speak_english(request: Request, services: Services) -> Reply:
    """English from now on."""
    request.session.language = "en"
    return _in_new_language(request, services)


def speak_chinese(request: Request, services: Services) -> Reply:
    """Chinese from now on."""
    request.session.language = "zh"
    return _in_new_language(request, services)


def _in_new_language(request: Request, services: Services) -> Reply:
    say = voice(request, services)
    return answer(request, lines(say.say("language"), offered(say)), choices(say))


def not_open(request: Request, services: Services) -> Reply:
    """A word of a later stage."""
    say = voice(request, services)
    return answer(request, lines(say.say("not-open"), say.say("help"), offered(say)), choices(say))


def not_understood(request: Request, services: Services) -> Reply:
    """Say what was understood of it, offer the three numbers and a person.

    A staff sign gets the bare text whatever follows it: nobody finds out by it which commands there are.
    """
    topic = "" if request.typed.startswith(STAFF_SIGNS) else _topic(request.text, services)
    key = "not-understood.topic" if topic else "not-understood"
    say, onward = voice(request, services), choices(voice(request, services))
    latin = not request.session.language and _IS_LATIN(request.typed)
    hint = say.say("not-understood.english") if latin else None
    return answer(request, lines(say.say(key, topic=topic, choices=numbered(onward)), hint), onward)


def _topic(text: str, services: Services) -> str:
    """The longest of our own names that stands in it: a stranger's words are not repeated."""
    ours = [name for matter in services.matters.values() for name in (matter.name, *matter.also)]
    ours += [name for one in services.programmes.values() for name in (one.name, one.money, one.payer, one.approver)]
    return max((name for name in ours if name in text), key=len, default="")


def masked(request: Request, services: Services) -> Reply:
    """It held an ID or card number, which is gone already."""
    return answer(request, voice(request, services).say("masked"))


# --- what the bot says without a handler ---


def busy(request: Request, services: Services) -> Reply:
    """The database let nothing be done."""
    return answer(request, voice(request, services).say("busy"))


def failed(request: Request, services: Services) -> Reply:
    """A handler broke, perhaps after its deed."""
    return answer(request, voice(request, services).say("failed"))


def heads(notices: Sequence[str], session: Session) -> str:
    """Notices that could not be sent, above the person's next answer."""
    key = "heads.one" if len(notices) == 1 else "heads.many"
    return words_in(session.language)(key, count=len(notices), notices=Own("\n\n".join(notices)))
