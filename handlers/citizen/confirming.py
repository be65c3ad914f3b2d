"""确认, 取消 and a bare digit: what they mean depends on what was read back last."""

from bot.replies import Reply
from bot.routing import Request
from handlers.citizen import cases, payments, people, received, withdraw
from handlers.citizen import help as helping
from handlers.citizen.phrases import Topic
from handlers.citizen.voice import voice
from handlers.dialogue import answer, asked, drop, let_pass, lines
from handlers.services import Services
from ledger.records.funds import Ref


def yes(request: Request, services: Services) -> Reply:
    """A yes to the read-back just above; later it only repeats the read-back."""
    about = asked(request.session)
    if about is None:
        say = voice(request, services)
        return answer(request, lines(say.say("nothing-to-confirm"), helping.offered(say)), helping.choices(say))
    if about["act"] == withdraw.ACT:
        return withdraw.confirm(request, services, Ref.of(about))
    return received.confirm(request, services, Ref.of(about), about["amount"])


def repeat(request: Request, services: Services) -> Reply:
    """Read back once more what waits for a yes; this confirms nothing, whatever came before."""
    let_pass(request.session)
    return yes(request, services)


def no(request: Request, services: Services) -> Reply:
    """Drop what was read back; with nothing open, start again. "取消？" only asks, and leaves it open."""
    if "?" in request.typed and asked(request.session) is not None and request.sealed:
        return repeat(request, services)
    if not drop(request.session):
        return helping.menu(request, services)
    say = voice(request, services)
    return answer(request, lines(say.say("dropped"), helping.offered(say)), helping.choices(say))


def later(request: Request, services: Services) -> Reply:
    """The person wants to look first; nothing is recorded."""
    drop(request.session)
    return answer(request, voice(request, services).say("word.later"))


def thanks(request: Request, services: Services) -> Reply:
    """谢谢, 好的, 是的: it confirms nothing. A yes in other words hears again what is to be confirmed, and how."""
    if request.taken_for != Topic.THANKS and asked(request.session) is not None and request.sealed:
        return repeat(request, services)
    return answer(request, voice(request, services).say("thanks"))


def declined(request: Request, services: Services) -> Reply:
    """不用了: it drops what was read back, and is a thank-you else."""
    return no(request, services) if asked(request.session) is not None else thanks(request, services)


def digit(request: Request, services: Services) -> Reply:
    """A bare digit that no list offers, or one that asks: it repeats what is read back, else it means the menu."""
    if asked(request.session) is not None and request.sealed:
        return repeat(request, services)
    match request.text.strip(" ?"):
        case "1":
            return cases.progress(request, services)
        case "2":
            return payments.progress(request, services)
        case "3":
            return people.human(request, services)
    return helping.menu(request, services)
