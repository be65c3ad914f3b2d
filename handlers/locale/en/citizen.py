"""What citizens read about the conversation itself: greeting, help, numbers, binding, people."""

TEXTS: dict[str, str] = {
    "and": ", ",
    "window": "the service window",
    "moment": "{day}, {time}",
    # greeting and help
    "welcome": "Hello, this is {area}{department}. Reply with a digit:\n{choices}\nOr send the number on your slip.",
    "menu.progress": "Where is my application",
    "menu.payment": "Has my money arrived",
    "menu.human": "Find a person",
    "menu.here": "Reply with a digit:\n{choices}\nOr send the number on your slip.",
    "help": (
        "You can write:\nprogress, number and query code: where an application is\n"
        "payment, number and query code: whether money arrived\n"
        "my cases, my payments: after binding, without a number\nreceived: tell us that money arrived\n"
        "withdraw: take an application back\nbind and a binding code, unbind\nhuman: find a person\n"
        "menu: start again. 中文: Chinese"
    ),
    "help.or": "You can also:\n{choices}",
    "not-understood": "I did not understand that. Reply with a digit:\n{choices}\nOr send the number on your slip.",
    "not-understood.topic": (
        "You seem to mean “{topic}”; the rest I did not understand. Reply with a digit:\n{choices}\n"
        "Or send the number on your slip."
    ),
    "not-understood.english": "For English, please write: English",
    "not-open": "This is not available yet.",
    "thanks": "You are welcome. Write again whenever you need something.",
    "dropped": "All right. Nothing was recorded and nothing was changed.",
    "nothing-to-confirm": "Nothing is waiting for your yes.",
    "language": "From now on I answer in English.",
    "busy": "Many people are asking now and this was not done. Please send it again in a moment.",
    "failed": (
        "Something went wrong here, and this may not have been done. Please look again in a moment, "
        "or write “human” to find a person."
    ),
    "not-sealed": (
        "A message sent this way does not show us that it is you, so this cannot be done here. Please ask a person."
    ),
    "heads.one": "You have {count} new message:\n{notices}",
    "heads.many": "You have {count} new messages:\n{notices}",
    # people
    "human.why.not-received": (
        "You say that the money did not arrive. Recording this here is not available yet: please tell a person, "
        "who will ask the bank."
    ),
    "human.why.wrong-amount": (
        "You say that the amount is wrong. Recording this here is not available yet: please tell a person, "
        "who will look into it."
    ),
    # kinds of messages
    "voice.empty": (
        "I cannot listen to voice messages. Tap the input box and use the keyboard's microphone: it writes what you "
        "say. Or reply 1 {progress}, 2 {payment}, 3 {human}."
    ),
    "voice.progress": "progress",
    "voice.payment": "payment",
    "image": (
        "I cannot read pictures, and did not keep it. The number on your slip, typed, is enough; "
        "papers are brought to {place}.\n{choices}"
    ),
    "video": "I cannot watch videos, and did not keep it. Please write, or reply with a digit:\n{choices}",
    "location": "Thank you for the place; it is not needed and was not kept. To find our window:\n{human}",
    "link": (
        "I cannot open pages that others forward; please be careful with their links. Reply with a digit:\n{choices}"
    ),
    "sticker": "Thank you. To ask something, reply with a digit:\n{choices}",
    "masked": (
        "Please do not send ID or bank card numbers here; I did not keep it. The number on your slip is enough."
    ),
    # numbers
    "number.ask": (
        "Please send the number on your slip, with the query code of 8 digits behind it.\n"
        "If you were bound at the counter, “my cases” needs no number."
    ),
    "number.stranger": "To see this, please add the query code of 8 digits from the slip behind the number.",
    "number.mistyped": "One digit of the number seems to be wrong. Please look at the slip again.",
    "number.wait": (
        "Too many wrong query codes. Please try again in an hour. If it is urgent, bring the slip to the window."
    ),
    # binding
    "bind.how": (
        "Bring your ID card to the window, get a binding code, and send: bind and the code. "
        "After that you need no number, and are told of news."
    ),
    "bind.done": (
        "Bound. From now on “my cases” and “my payments” need no number.\n"
        "You can confirm here that money arrived from {since} on."
    ),
    "bind.officer": "Bound, {name}. Please sign in first: #登录 and the code of 6 digits.",
    "bind.told": (
        "On {day} at {time} another WeChat account was bound to your data. If that was not you, "
        "telephone or come at once: {window} {phone}"
    ),
    "bind.wrong": "The binding code is wrong, too old or used. Please get another one at the window.",
    "bind.wait": "Too many wrong binding codes. Please try again in an hour, or ask at the window.",
    "unbind.done": (
        "Unbound. This WeChat account no longer sees your cases and payments, and gets no messages about them. "
        "To bind again, get a binding code at the window."
    ),
    "unbind.none": "This WeChat account is not bound to anybody.",
    "need-binding": "Only the person concerned can do this, after binding. {how}",
    "need-day": "To protect your money, a new binding waits a day. Please come back after {since}.",
}
