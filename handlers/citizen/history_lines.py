"""The story of a case in sentences, a line a record."""

from collections.abc import Sequence

from handlers.citizen.voice import Voice
from handlers.dialogue import lines
from handlers.locale import Own
from ledger.views import HistoryLine

LINES_MAX = 20  # the newest; a chat answer has 2,048 bytes

# What tells records of one kind apart.
_VARIANTS = {"payment-reported": "outcome", "bank-result": "outcome", "citizen-word": "word"}


def history_lines(voice: Voice, title: Own, history: Sequence[HistoryLine]) -> Own:
    """Everything that was said about it, in order."""
    shown = history[-LINES_MAX:]
    left_out = len(history) - len(shown)
    earlier = voice.say("history.earlier", count=left_out) if left_out else None
    return lines(voice.say("history.title", matter=title), earlier, *(_line(voice, one) for one in shown))


def _line(voice: Voice, one: HistoryLine) -> Own:
    said = {"department": voice.name(one.department), "what": what_happened(voice, one)}
    # A bank's word names the bank; what came from the office's own system would else read as typed by hand.
    source = ".file" if "file" in one.clear and one.kind != "bank-result" else ""
    if one.on is None:
        return voice.say(f"history.line{source}", day=voice.day(one.at), **said)
    return voice.say(f"history.line.late{source}", day=voice.iso(one.on), entered=voice.day(one.at), **said)


def what_happened(voice: Voice, one: HistoryLine) -> Own:
    """What a record said, in a few words."""
    variant = one.clear.get(_VARIANTS.get(one.kind, ""))
    key = f"history.{one.kind}" + (f".{variant}" if isinstance(variant, str) else "")
    amount = one.clear.get("amount")
    return voice.say(
        key if voice.say.has(key) else "history.other",
        amount=voice.money(amount) if isinstance(amount, int) else "",
    )
