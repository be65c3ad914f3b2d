"""What people read while this department's system finds its records again."""

TEXTS: dict[str, str] = {
    "behind": (
        "Our system is being restored, so this was not done and nothing was noted down. "
        "Please send it again in a while."
    ),
    "frozen": (
        "Our system can take nothing down now, so this was not done. Please telephone us or come to the window."
    ),
    "staff.frozen": (
        "This department's log has ended: nothing can be signed in it, and nothing changed. "
        "Please ask the system's administrator."
    ),
    "trust.behind": (
        "Our system is being restored: what was done lately may be missing here, and will be cross-checked with the "
        "other departments again."
    ),
    "staff.behind": (
        "The system is being restored and does not yet hold all that was signed, so nothing can be signed now. "
        "This was not signed and nothing changed. It goes on by itself; please send it again in a while."
    ),
    "inbox.behind": (
        "⚠ Nothing can be signed now: the system is fetching records that we signed back from the other departments, "
        "and goes on by itself when they are all here."
    ),
    "inbox.stolen": (
        "⚠ Another department has received records that bear our signature and that we did not sign: somebody may have "
        "our key. Please tell the system's administrator now."
    ),
}
