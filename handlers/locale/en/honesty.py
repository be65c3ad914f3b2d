"""What people read about a log that was rewritten, and about a department that has not looked lately."""

TEXTS: dict[str, str] = {
    "finding.rewritten.amounts": (
        "⚠ What {department} shows now is not what it signed on {day}: it signed {was} then, and shows {now} now. "
        "{holders} each hold a copy from that time, which can serve as evidence."
    ),
    "finding.rewritten.amounts.one": (
        "⚠ What {department} shows now is not what it signed on {day}: it signed {was} then, and shows {now} now. "
        "{holders} holds a copy from that time, which can serve as evidence."
    ),
    "finding.no-trip": "{finding} You need not come again.",
    "findings.rewritten": "{id} {rule} {told} ({state})\n{page}",
    "trust.between": " ",
    "trust.late": "{department} holds a copy too, and has not cross-checked it since {since}.",
}
