"""What anybody reads about a finding. It accuses nobody, and addresses nobody."""

TEXTS: dict[str, str] = {
    "exhibit.title": "Finding",
    "exhibit.name": "Finding {id}, rule {rule}",
    "exhibit.other": "Records about the same matter do not agree",
    "exhibit.state": "Now",
    "exhibit.state.open": "to be explained",
    "exhibit.state.explained": "explained; an audit office has to decide",
    "exhibit.state.settled": "decided: explained",
    "exhibit.state.confirmed": "decided: it is so",
    "exhibit.state.false-alarm": "decided: a false alarm",
    "exhibit.state.ended": "they agree again",
    "exhibit.departments": "Departments",
    "exhibit.answer-by": "Explain by",
    "exhibit.raised": "Found",
    "exhibit.ended": "Ended",
    "exhibit.moment": "{day}, {time}",
    "exhibit.sources": "The records that were compared",
    "exhibit.source": "{what} (no. {index})",
    "exhibit.sources.more": "There are more; the version for programs lists them.",
    "exhibit.log": "Compared was the log as a whole: {origin}",
    "exhibit.evidence": "Evidence",
    "exhibit.evidence.what": "{department} has signed two lists of records, of which one at most is true:",
    "exhibit.evidence.head": "{size} records, root {root}",
    "exhibit.evidence.file": "Download the evidence",
    "exhibit.meaning": (
        "A finding: signed records do not agree. It does not say who is wrong, and only asks for an explanation. "
        "Whoever holds the same records finds the same."
    ),
    "exhibit.more": "What became of it, and how to check it",
    "exhibit.how.records": "Behind each record above is a receipt that anyone can check.",
    "exhibit.how.evidence": (
        "With the evidence and this department's public key (ask two departments that are not concerned), on your own "
        "computer, trusting no department:"
    ),
    "exhibit.how.json": "The same for programs",
    "exhibit.unknown.title": "There is no such finding here",
    "exhibit.unknown": "Please look whether the address is complete: its last part has 8 characters.",
    "exhibit.unknown.elsewhere": "{here} never found it itself. What another department found stands on its own pages.",
}
