"""How people ask in English: which of our topics their words mean, the narrow ones first."""

import re

_HI = r"(?:(?:hi|hello|hey|excuse me|good (?:morning|afternoon|evening|day))(?: there| everyone)?\W*)"
_LOST = r"\b(?:lost|lose|forgot|forgotten|what|where|find)\b"
_TABLE: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("urgent", (r"\b(?:starving|nothing to eat|want to die|kill myself|dying)\b",)),
    ("greeting", (rf"^\W*{_HI}+$", r"\bwho are you\b", r"\bare you a (?:bot|robot|machine)\b")),
    (
        "thanks",
        (
            r"\bthank|\bthx\b|\bbye\b",
            rf"^\W*{_HI}?(?:ok(?:ay)?|great|fine|got it|i see|all right|alright)(?: great| then| thanks)?\W*$",
        ),
    ),
    ("receipt", (r"\breceipts?\b",)),
    (
        "notices",
        (
            r"\bnotif|\bremind|\blet me know\b|\btell me when\b|\bsubscri(?:be|ption)",
            r"\b(?:stop|no more|turn (?:on|off)) .*(?:messag|notice)",
        ),
    ),
    ("withdraw", (r"\bwithdraw|\bcancel (?:my|the) (?:application|case)|\btake (?:it|my application) back",)),
    ("bind", (r"\b(?:un)?bind(?:ing)?\b|\blink my (?:account|wechat)",)),
    (
        "slip",
        (
            rf"\b(?:slip|query code|case number)\b.*{_LOST}",
            rf"{_LOST}.*\b(?:slip|query code|case number)",
        ),
    ),
    (
        "account",
        (
            r"\b(?:bank )?(?:card|account)\b.*\b(?:chang|lost|closed|wrong|new|block)",
            r"\b(?:chang|lost|new|closed|wrong)\w*\b.*\b(?:card|account)\b",
        ),
    ),
    (
        "elsewhere",
        (
            r"\b(?:passport|visa|(?:driv(?:ing|er'?s)|business) licen[cs]e|marriage|divorce|hukou|housing fund)\b",
            r"\b(?:get married|birth (?:permit|certificate)|(?:health|medical|social) insurance|household regist)",
        ),
    ),
    ("apply", (r"\bhow (?:can|do|to) (?:i )?apply|\bapply for\b|\beligib|\bqualif|\brequirements?\b",)),
    (
        "human",
        (r"\b(?:human|person|someone|somebody|operator|agent|staff|complain|talk to|speak (?:to|with))\b",),
    ),
    (
        "window",
        (
            r"\b(?:phone|telephone|address|hours|open(?:ing)?|close[sd]?|office|window|located|contact)\b",
            r"\bwhere are you\b|\bcall you\b",
        ),
    ),
    ("papers", (r"\b(?:documents?|papers?|missing)\b",)),
    (
        "money",
        (
            r"\b(?:money|paid|pay|payments?|payout|subsid\w+|allowance|benefits?|transfer\w*|deposit\w*|credited)\b",
            r"\b(?:cash|bank|grant|amount|less than)\b",
        ),
    ),
    (
        "progress",
        (
            r"\b(?:status|progress|application|applied|case|approv\w*|decision|decided|how (?:long|far)|ready)\b",
            r"\b(?:permit|result|news|update|finished|done|accepted|refused)\b",
        ),
    ),
    ("help", (r"\bhelp\b|\bhow does (?:this|it) work|\bwhat can (?:you|i)\b|\bhow to use\b",)),
    ("menu", (r"^\W*(?:start over|restart|home|exit|quit|main menu)\W*$",)),
)
_PATTERNS = tuple((topic, re.compile("|".join(patterns), re.IGNORECASE)) for topic, patterns in _TABLE)


def meaning(text: str) -> str:
    """The topic that English words mean, "" when none."""
    return next((topic for topic, pattern in _PATTERNS if pattern.search(text)), "")
