"""What a record said, in a few words, as officers read it."""

from handlers.citizen.history_lines import what_happened
from handlers.citizen.voice import Voice, record_name
from handlers.locale import Own
from ledger.views import HistoryLine

# Where the citizens' sentence speaks to the citizen.
_VARIANTS = {"payment-reported": "outcome", "citizen-word": "word", "bank-result": "outcome"}


def what_was_said(say: Voice, line: HistoryLine) -> Own:
    """One record in a few words."""
    if line.kind == "amendment":
        return say.say("said.amendment", record=record_name(str(line.clear["amends"])))
    variant = line.clear.get(_VARIANTS.get(line.kind, ""))
    key = f"said.{line.kind}.{variant}"
    if not say.say.has(key):
        return what_happened(say, line)
    code = line.clear.get("reason")
    known = isinstance(code, str) and say.say.has(f"iso.{code}")
    reason = say.say("said.reason", code=code, reason=say.say(f"iso.{code}")) if known else Own()
    return say.say(key, reason=reason)
