"""What stands on the counter's one-time pages and on the slip: read by officers, and taken home by citizens."""

TEXTS: dict[str, str] = {
    "page.other-language": "中文",
    # links that open nothing
    "page.gone.title": "This page cannot be opened any more",
    "page.gone": (
        "The link was used, is older than 30 minutes, or is not complete. What was taken in stands in #待办. For a new "
        "page go back to WeChat and send #收件 and the matter once more, or #登记账户 and the number."
    ),
    "page.foreign.title": "Nothing was taken in",
    "page.foreign": (
        "This form was not sent from our page, so nothing was taken in. Please go back to WeChat, open the page by its "
        "link, and fill it in again."
    ),
    "page.too-long.title": "Nothing was taken in",
    "page.too-long": "There were too many words, so nothing was taken in. Please go back, make it shorter and send it.",
    "page.busy.title": "The system is busy",
    "page.busy": "The system is busy. Please send it again in a while: one form is taken in only once.",
    "form.busy": (
        "The system is busy. Please send it again in a while: what you typed is still there, and one form is taken in "
        "only once."
    ),
    "page.failed.title": "Something went wrong on our side",
    "page.failed": (
        "Please go back and send it once more: one form is taken in only once. If that fails, send #待办 in WeChat and "
        "look whether it was taken in."
    ),
    # forms
    "form.until": "Please send it before {time}. It can be sent once, and nobody else can open it.",
    "form.wrong": "Not taken in yet. Please mend:",
    "field.applicant": "Name of the applicant",
    "field.applicant.hint": "As it stands on the ID card.",
    "field.id": "ID number",
    "field.id.hint": "18 characters; the last one may be X.",
    "field.phone": "Telephone",
    "field.phone.hint": "A mobile number, or a landline with its area code. Without one, somebody of the family.",
    "field.card": "Bank card number",
    "field.card.hint": "As on the front of the social security or bank card; spaces are fine.",
    "field.payee": "Payee",
    "field.payee.hint": "Leave it empty when the applicant is paid.",
    "field.relation": "The payee is the applicant's",
    "field.relation.hint": "Only when somebody else is paid.",
    "field.new-payee": "Payee",
    "field.new-payee.hint": "The holder of the new card.",
    "field.new-relation.hint": "Only when it is not {name} who is paid.",
    "field.same-person": "I looked at the ID card again: name and number are right, it is the same person",
    "relation.spouse": "spouse",
    "relation.child": "child",
    "relation.parent": "parent",
    "relation.guardian": "guardian",
    "relation.relative": "other relative",
    "relation.other": "somebody else",
    # what is wrong
    "field.name.missing": "Please type the name.",
    "field.name.long": "The name is too long; at most {count} characters.",
    "field.name.characters": "A name has letters, dots and hyphens only; please leave other signs and digits out.",
    "field.id.missing": "Please type the ID number.",
    "field.id.old": "This is an old number of 15 digits; please take the 18 characters from the ID card.",
    "field.id.characters": "An ID number has 17 digits and one digit or X; please leave everything else out.",
    "field.id.length": "An ID number has 18 characters, this one has {count}; please look at the card again.",
    "field.id.date": "Characters 7 to 14 are the day of birth, and there is no such day; please look again.",
    "field.id.check": "This number does not add up: one character is probably wrong. Please look at the card again.",
    "field.id.another-name": (
        "This number is known here under another name. Please look at the card again: mend the number if it is wrong; "
        "if all is right, tick the box below."
    ),
    "field.phone.missing": "Please type a telephone number.",
    "field.phone.form": "A mobile number has 11 digits and begins with 1; a landline begins with its area code, 0…",
    "field.card.missing": "Please type the card number.",
    "field.card.characters": "A card number has digits only; please leave everything else out.",
    "field.card.length": "A card number has {least} to {most} digits, this one has {count}; please look again.",
    "field.card.check": "This card number does not add up: one digit is probably wrong. Please look at the card again.",
    "field.relation.missing": "Somebody else is paid: please choose how they belong to the applicant.",
    # an application
    "case-form.title": "Taking in: {matter}",
    "case-form.person": "Applicant",
    "case-form.money": "Where the money goes",
    "case-form.papers": "Papers that were brought",
    "case-form.papers.hint": (
        "Tick what was brought. You may take it in without some; then tell everything that is missing at once by #补正."
    ),
    "case-form.taken": "{paper}: taken from {department}, not asked of the person.",
    "case-form.send": "Take in and make the slip",
    "case-form.send.hint": "Once taken in it stands in the log: it can be corrected, never deleted.",
    # another account
    "account-form.title": "Another account",
    "account-form.what": "{what}, number {number}, paid to {name} until now",
    "account-form.old": "The account until now ends in {tail}.",
    "account-form.check": "Next: compare",
    "account-check.title": "Please compare it with the card",
    "account-check.hint": (
        "Read it to the person and compare digit by digit. Once confirmed it stands in the log: it can be corrected, "
        "never deleted."
    ),
    "account-check.what": "Which money",
    "account-check.relation": " (the applicant's {relation})",
    "account-check.confirm": "All is right: register it",
    "account-check.change": "Change something",
    "account-done.title": "The account is registered",
    "account-done.what": "{what}, number {number}, will be paid to the card ending in {tail}.",
    "account-done.next": "{payer} has it within a minute, as a rule, and can pay again; no new application is needed.",
    "account-done.by": "What failed is paid again before {day}.",
    "account-done.record": "Record {record}",
    # after it, for the clerk
    "slip.done.title": "Taken in",
    "slip.done.accept": "If the papers are complete, now send in WeChat:",
    "slip.done.missing": "Papers are missing. Now send in WeChat (all of them at once):",
    "slip.done.give": "Please hand the slip over. This page closes after 15 minutes.",
    "slip.print": "Print the slip",
    "slip.image": "Save as an image",
    "slip.qr": "QR code that shows the progress",
    # the slip
    "slip.title": "{area} {department}: slip",
    "slip.matter": "Matter: {matter}",
    "slip.number": "Number {number}",
    "slip.code": "Query code {code}",
    "slip.day": "We received your application on {day}.",
    "slip.next": "Next: before {day} we tell you whether it is accepted. You need do nothing now.",
    "slip.next.missing": "Next: bring the missing papers; before {day} we tell you whether it is accepted.",
    "slip.missing": "Missing: {papers}. Please bring them to {place}; the officer tells you the last day.",
    "slip.ask": (
        "To ask: scan the QR code with WeChat; or follow the account {department} and send number and query code. "
        "Your family can ask with this slip too."
    ),
    "slip.ask.words": (
        "To ask: follow the account {department} and send number and query code; the QR code holds the words to send. "
        "Your family can ask with this slip too."
    ),
    "slip.window": "Find a person: {window}, {hours}",
    "slip.phone": "Telephone: {phone}",
}
