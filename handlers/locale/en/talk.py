"""What citizens read around their questions: what was understood, where people are, guidance, and their messages."""

TEXTS: dict[str, str] = {
    "test.mark": "[TEST] People and matters are invented, and nothing of it counts.",
    "test.title": "TEST {title}",
    # what a question was taken for
    "heard": "What I heard: “{words}”.",
    "taken.about": " ({names})",
    "taken.word": "I took it for “{word}”.",
    "taken.english": "For English, please write: English",
    "taken.money": "You ask about a payment{about}.",
    "taken.progress": "You ask about progress{about}.",
    "taken.papers": "You ask about papers{about}.",
    "taken.apply": "You ask how to apply{about}.",
    "taken.withdraw": "You speak of withdrawing an application.",
    "taken.account": "You speak of a bank card or account.",
    "taken.receipt": "You ask about a receipt.",
    "taken.notices": "You speak of our messages.",
    "taken.bind": "You ask about binding.",
    "taken.slip": "You ask about the number and the query code.",
    "taken.human": "You look for a person.",
    "taken.window": "You ask about the window, its hours and telephone.",
    "mine.cases.other": "There is no application “{names}” of yours.",
    "mine.payments.other": "There is no “{names}” of yours.",
    # people
    "human.window": "Our staff are here for you: {window}.",
    "human.no-window": (
        "The address of the window is not entered here yet. Please come to the service window of {area}{department}, "
        "with your ID card or the slip."
    ),
    "human.hours": "Hours: {hours}. {now}",
    "human.no-hours": "The hours are not entered here yet; please telephone before you come.",
    "human.open": "It is open now, until {until}.",
    "human.closed": "It is closed now, and opens on {day} at {time}.",
    "human.phone": "Telephone: {phone}.",
    "human.no-phone": "The telephone number is not entered here yet.",
    "human.12345": "You may also call 12345, the government's service line.",
    "human.family": "Your family may also come and ask with the slip.",
    "human.urgent": (
        "If anybody is in danger, please call 110 or 120 now. If you cannot go on, tell our staff, or call 12345:"
    ),
    # guidance
    "guide": "{body}\n{choices}",
    "guide.mine": "my applications",
    "guide.bind": (
        "To bind: bring your ID card to the window, get a binding code, and send: bind and the code.\n"
        "To unbind: write “unbind”.\n"
        "A new telephone with the same WeChat account needs nothing; for another account, get a new code at the "
        "window."
    ),
    "guide.slip": (
        "The number and the query code of 8 digits stand on the slip that you got; please send both: the number, a "
        "space, "
        "the code.\nIf the slip is lost, bring your ID card to the window, and our staff look it up.\n"
        "Whoever was bound at the window needs no number.\n"
        "ID and telephone numbers are not needed; please do not send them here."
    ),
    "guide.account": (
        "Another card or account is registered at the window, by yourself: bring your ID card and the new card to "
        "{place}. "
        "Please do not send the number here.\n"
        "What could not be paid to the old card is paid again after that; no new application is needed."
    ),
    "guide.withdraw": (
        "An application that is not decided yet can be withdrawn. It then ends, and to go on you would apply again. "
        "If you want that, I first read it back to you:"
    ),
    "guide.withdraw.begin": "withdraw it",
    "guide.apply": "You apply at the window. Which one do you mean? Reply with a digit to see what to bring:",
    "guide.apply.theirs": "This is done by {department}.",
    "guide.apply.where": (
        "For {matter} please come to {place}. Our staff look at the papers and tell you what is missing."
    ),
    "guide.apply.bring": "Please bring: {papers}.",
    "guide.apply.fetched": "You need not bring these, we take them from other departments: {papers}.",
    "guide.elsewhere": (
        "What you want does not seem to be done here. Please call 12345: they tell you which department does it and "
        "what to bring, so that you need not come in vain."
    ),
    "guide.elsewhere.theirs": "What other departments do here: {matters}.",
    "guide.elsewhere.whose": "{matter} ({department})",
    "guide.elsewhere.ours": "What {department} takes applications for; reply with a digit to see what to bring:",
    # messages
    "messages.on": (
        "Messages are on. This is how you hear of news:\nWithin 48 hours of a message of yours, here in the chat."
    ),
    "messages.subscribed": "After that, by the notice that you subscribed to.",
    "messages.not-subscribed": (
        "After that WeChat lets us send only what you tapped for. You have not subscribed, or it is used up."
    ),
    "messages.no-subscription": (
        "After that WeChat does not let us write first, and this department has no subscription notice yet."
    ),
    "messages.last": (
        "What cannot be brought to you stands above the next answer you get, and on the list of whom our staff "
        "telephone."
    ),
    "messages.off": (
        "Messages are off: we do not write first. News stands above the next answer you get.\n"
        "You still hear of it when somebody binds your data."
    ),
    "messages.turned-off": "All right, messages are off now.",
    "messages.turned-on": "All right, messages are on now.",
    "messages.unbound": "This WeChat account is not bound, so there is nobody's news to send to you yet. {how}",
    "messages.turn-off": "turn messages off",
    "messages.turn-on": "turn messages on",
    "messages.subscribe": "subscribe",
    "messages.offer": "Do you want to be told when the money is there?",
    "messages.want": "yes, tell me",
    "messages.tap": "open the subscription",
    "messages.how-to-tap": (
        "WeChat wants you to tap for it yourself: {link}, then “Subscribe” (订阅).\n"
        "After that we can tell you even when the 48 hours are over. Without it you can still ask at any "
        "time.\n{choices}"
    ),
    "messages.tapped": "You are subscribed. News can reach you by a notice when the 48 hours are over.",
    "messages.not-tapped": "All right, no subscription. News stands above the next answer you get.",
    # fields of a subscription notice
    "field.title": "A new message",
    "field.security": "New account bound",
    "field.look": "See the account",
    # kinds of messages
    "unsupported": (
        "I cannot open this kind of message, and did not keep it. Please write, or reply with a digit:\n{choices}"
    ),
    "file": "I cannot open files, and did not keep it. Papers are brought to the window: {place}.\n{choices}",
}
