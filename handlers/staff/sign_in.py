"""#登录 and #退出: six digits from the officer's telephone, fifteen minutes to sign and a shift to read."""

import re

from bot.replies import Reply
from handlers.dialogue import answer, lines
from handlers.staff import drafts
from handlers.staff.commands import choice
from handlers.staff.door import Turn, sign_in, sign_in_first, sign_out
from handlers.staff.refusals import roles_named, why
from ledger.errors import Refused

_SIX_DIGITS = re.compile(r"[0-9]{6}")


def enter(turn: Turn) -> Reply:
    """Sign in; the code is spent, and cannot sign anything."""
    code = turn.request.argument.replace(" ", "")
    if not _SIX_DIGITS.fullmatch(code):
        return answer(turn.request, sign_in_first(turn))
    try:
        at = turn.services.node.desk.sign_in(turn.officer.handle, code, turn.request.delivery_key)
    except Refused as error:
        return answer(turn.request, turn.say.say("staff.not-signed-in", why=why(turn.say, error)))
    sign_in(turn, at)
    onward = [choice(turn.say, "inbox"), choice(turn.say, "findings")]
    said = turn.say.say("staff.signed-in", name=turn.name, roles=roles_named(turn.say, turn.officer.roles))
    return answer(turn.request, lines(said, *(one.link for one in onward)), onward)


def leave(turn: Turn) -> Reply:
    """Sign out; what waits for a signature is dropped."""
    drafts.discard(turn.request.session)
    sign_out(turn)
    return answer(turn.request, turn.say.say("staff.signed-out"))
