"""What is said in the chat when somebody stands at the counter: taking in, binding, another account."""

TEXTS: dict[str, str] = {
    # #收件
    "do.take-in": "take in",
    "act.take-in": "take an application in",
    "take-in.list": "Which one is it? Tap it, or send its number:\n{lines}",
    "take-in.no-matters": "{department} has no matters that are taken in here.",
    "take-in.page": "Taking in: {what}. Please type name, ID number and card on the page, never into the chat.",
    "page.open": "Open the page",
    "page.rules": "It works until {time}, once. Whoever has it acts in your name: please do not forward it.",
    "notice.taken-in": "Taken in: {matter} {name}, number {number}.\n{choices}",
    "notice.account-given": "Account registered: {what} {name}, ending in {tail}, number {number}. Record {record}.",
    # #绑码
    "do.bind-code": "binding code",
    "act.bind-code": "give a binding code",
    "bind-code.nobody": "It is not known whose this is.",
    "bind-code.title": "Binding {name}: the person scans this code",
    "bind-code.told": (
        "{title}.\nLook at the person's ID card first; then open this and let them scan it with their own WeChat. "
        "It works until {time}, once.\nIf scanning fails, they send: bind {code}"
    ),
    "bind-code.words": (
        "No QR code can be made now; please bind with digits: {title}.\nLook at the person's ID card first. Then they "
        "send from their own WeChat:\nbind {code}\nIt works until {time}, once."
    ),
    # #登记账户
    "do.account": "another account",
    "act.account": "register another account",
    "account.page": "Another account: {what}. Please type the card on the page, never into the chat.",
    "account.no-award": "No money has been awarded here yet, so no account is needed.",
    "account.arrived": "This money has arrived; another account would change nothing.",
    "account.on-its-way": "This money is being paid, so its account stays; if it fails, register another then.",
    # who scans
    "label.my-cases": "my cases",
    "label.my-payments": "my payments",
    "bind.already": "You were bound already; there is no need to scan again.",
    "bind.is-slip": "This is the number on a slip: it needs no binding. Just send the number and the query code.",
    "bind.scan-wrong": (
        "This QR code is too old, or somebody has used it. Please ask at the window for another one, and scan it with "
        "your own WeChat within 5 minutes."
    ),
}
