"""What officers can write here, and what will come later."""

from bot.replies import Reply
from handlers.dialogue import answer, lines
from handlers.staff.door import Turn, is_signed_in, sign_in_first
from ledger.second_factor import READING_SECONDS


def not_open(turn: Turn) -> Reply:
    """A word of a later stage."""
    first = None if is_signed_in(turn, READING_SECONDS) else sign_in_first(turn)
    return answer(turn.request, lines(first, turn.say.say("not-open"), turn.say.say("staff.help")))


def not_understood(turn: Turn) -> Reply:
    """A staff sign with a word behind it that nobody knows: no command, so no sign-in is asked for."""
    unknown = turn.say.say("staff.not-understood", word=turn.request.text)
    return answer(turn.request, lines(unknown, turn.say.say("staff.help")))
