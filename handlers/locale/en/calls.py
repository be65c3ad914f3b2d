"""What officers read on the list of whom to telephone."""

TEXTS: dict[str, str] = {
    "calls.head": "News did not reach {count} people; please telephone:",
    "calls.none": "Nobody has to be telephoned now.",
    "calls.all": "the whole call list",
    "do.called": "called",
    "calls.line": "since {day} {name} {number} {about}: {what}{news}",
    "calls.line.news": " ({count} messages)",
    "calls.line.security": "since {day} a message without a number; please wait until the person asks.",
    "calls.which": "Please add the number on the list: {word} and the number. #待办 has the list.",
    "calls.unknown": "That is not on the list: somebody has called already, or the person has read it.",
    "calls.noted": "Noted as called. The person still reads it above their next answer. No record was made.",
    "calls.undo": "a mistake, put it back",
    "calls.back": "It is back on the list.",
    "staff.nameless-person": "(name not shown)",
}
