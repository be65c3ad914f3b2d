"""What anybody reads about a record that is kept as evidence: the receipt page, receipt and check."""

TEXTS: dict[str, str] = {
    # what a record says, for anyone
    "record.case-submitted": "Application “{matter}” received",
    "record.case-accepted": "Application “{matter}” accepted",
    "record.case-not-accepted": "Application “{matter}” not accepted",
    "record.case-correction-due": "Papers asked for in “{matter}”, due by {until}",
    "record.case-correction-brought": "Missing papers received in “{matter}”",
    "record.case-completed": "Application “{matter}” examined",
    "record.case-returned": "Application “{matter}” sent back to be examined again",
    "record.case-approved": "Application “{matter}” approved",
    "record.case-refused": "Application “{matter}” not approved",
    "record.case-withdrawn": "Application “{matter}” withdrawn",
    "record.award-proposed": "{what} {amount} proposed",
    "record.award-approved": "{what} {amount} approved",
    "record.award-returned": "{what} {amount} sent back to be examined again",
    "record.award-refused": "{what} {amount} not approved",
    "record.account-given": "Another account registered for {what}",
    "record.payment-created": "{what} {amount} put on the list of payments",
    "record.payment-released": "{what} {amount} sent to the bank",
    "record.payment-reported.accepted": "Entered: the bank transferred {what} {amount} (no bank receipt yet)",
    "record.payment-reported.rejected": "Entered: {what} {amount} could not be paid to the account{reason}",
    "record.payment-reported.returned": "Entered: {what} {amount} came back{reason}",
    "record.bank-result.accepted": "The bank is transferring {what} {amount}",
    "record.bank-result.held": "The bank has not credited {what} {amount} for now",
    "record.bank-result.credited": "The bank's receipt: {what} {amount} credited",
    "record.bank-result.rejected": "The bank's receipt: {what} {amount} could not be paid to the account{reason}",
    "record.bank-result.returned": "The bank's receipt: {what} {amount} came back{reason}",
    "record.citizen-word.received": "The person said: {what} {amount} received",
    "record.citizen-word.received-with-issues": "The person said: {what} received, with a wrong amount",
    "record.citizen-word.not-received": "The person said: {what} not received",
    "record.amendment": "A mistaken record corrected",
    "record.genesis": "{member} began its log",
    "record.membership.added": "{member} joined those who check each other",
    "record.membership.removed": "{member} left those who check each other",
    "record.epoch-founded": "Departments agreed to check each other",
    "record.epoch-agreed.joined": "Agreed that {member} joins those who check each other",
    "record.epoch-agreed.left": "Agreed that {member} leaves those who check each other",
    "record.rotation.log": "New keys for the log",
    "record.rotation.witness": "New keys for the witness",
    "record.rotation.mirror": "New keys for the mirror",
    "record.rotation.desk": "A new key for the desk",
    "record.rotation.vault": "A new key for the vault",
    "record.enrolment": "An officer enrolled (roles: {roles})",
    "record.renewal": "An officer's key and second factor renewed",
    "record.revocation": "An officer's signature ended",
    "record.other": "A record of a kind not known here yet",
    "record.money": "A sum",
    "record.reason": " ({code} {words})",
    # the page
    "receipt.title": "Receipt",
    "receipt.language": "中文",
    "receipt.own": "A record of {department}",
    "receipt.mirrored": "A record of {department}; {here} has stored and checked it",
    "receipt.mirrored.only": "A record of {department}; {here} has stored it",
    "receipt.by": "Said by",
    "receipt.by.officer": "An officer of {department} ({roles})",
    "receipt.by.desk": "{department} (its system)",
    "receipt.by.nobody": "A key that did not count then",
    "receipt.matter": "Matter",
    "receipt.payer": "Paid by",
    "receipt.at": "When",
    "receipt.at.moment": "{day}, {time}",
    "receipt.at.late": "Of {on}, entered on {day}, {time}",
    "receipt.where": "Kept in",
    "receipt.where.log": "The log of {department}, index {index}",
    "receipt.before": "Entered early",
    "receipt.before.why": "Before the network began",
    "receipt.keepers": "Who has a copy",
    "receipt.keepers.stored": "stored, checked",
    "receipt.keepers.seen": "witnessed, not stored yet",
    "receipt.keepers.moment": "{day}, {time}",
    "receipt.keepers.none": "No other department has stored it yet.",
    "receipt.meaning": "Kept as evidence: it stands in a list of which every department has a copy; any change shows.",
    "receipt.code": "Check code",
    "receipt.qr": "QR code of this page",
    "receipt.elsewhere": "Other departments' WeChat accounts check it too. Send:",
    "receipt.how": "Check it yourself",
    "receipt.chat": "check {code}",
    "receipt.how.log": "The log is called {origin}; the index is {index}.",
    "receipt.how.file": "Download the receipt file",
    "receipt.how.command": (
        "With it and a policy file (ask a department that is not concerned; python app.py policy writes it), run on "
        "your own computer:"
    ),
    "receipt.how.tools": "Other C2SP tools check this file as well. No department's server need be trusted.",
    "receipt.no-file": "The signature of this record does not count, so there is no receipt file.",
    "receipt.unchecked": "This record did not pass the check of {here}; see the finding.",
    "receipt.finding.amounts": "{approver} approved {approved}, {payer} ordered {ordered} and paid {paid}. ",
    "receipt.finding.rewritten": "What {department} shows now differs from what it signed before. ",
    "receipt.finding.other": "Records do not agree. ",
    "receipt.finding": "Finding {id}: {what}{department} is asked to explain before {day}.",
    "receipt.finding.explained": (
        "Finding {id}: {what}{department} has explained it; an auditor of another department looks at that."
    ),
    "receipt.finding.confirmed": "Finding {id}: {what}An auditor of another department looked into it: it is so.",
    # not yet, not here
    "receipt.wait.title": "The receipt is not ready yet",
    "receipt.wait": (
        "{department} has entered this record (index {index}); too few departments have witnessed it yet. "
        "Please open this page again after {time}."
    ),
    "receipt.wait.promise": (
        "Until then, this is the promise of {department}. Keep it: should the record be missing later, you can show "
        "it to any department."
    ),
    "receipt.wait.leave": (
        "You may leave this promise with another department: POST the text above, as it is, to one of these "
        "addresses. If the record is not in the log within an hour, that department says so in public (finding R48)."
    ),
    "receipt.wait.elsewhere": "The promise of {department} is on its own page:",
    "receipt.unknown.title": "There is no such record here",
    "receipt.unknown": (
        "Please see whether the address is complete: its last part has 43 characters, capital and small letters "
        "differ. Or another department has just entered it, and it has not come to {here} yet."
    ),
    "receipt.unknown.code": "With the check code of 12 characters, send in WeChat: check and the code.",
    "receipt.busy": "Many people are looking now; please open this page again in a moment.",
    # in the chat
    "slip.receipt": "{title}\nNewest, {day}, {department}: {what}.\n{page}\nCheck code {code}\n{kept}",
    "slip.wait": (
        "{title}\nNewest, {day}, {department}: {what}.\nJust entered, and too few departments have witnessed it yet; "
        "the receipt opens after {time}:\n{page}\nCheck code {code}"
    ),
    "slip.promise": "Until then, this is the promise of {department}; please keep it:\n{promise}",
    "slip.open": "open the receipt",
    "slip.kept": "{departments} have each stored a copy.",
    "slip.kept.one": "{departments} has stored a copy.",
    "slip.kept.none": "No other department has stored it yet.",
    "slip.before": "Entered before the departments witnessed each other.",
    "slip.earlier": "Earlier:\n{lines}",
    "slip.line": "{day} {department}: {what}",
    "slip.none": "There is no record of this here yet; please look again soon.",
    "slip.title.case": "Receipts of {matter}",
    "slip.title.money": "Receipts of {what}",
    "slip.which": "Of which one do you want the receipts? Reply with a digit:\n{lines}",
    "mine.receipts": "Your receipts, the newest first:\n{lines}\nReply with a digit to open one.",
    "mine.receipts.none": "There are no receipts of yours yet.",
    "code.ask": "Please send the check code of 12 characters from the receipt, like: check 7K2M-9QXD-4TNB",
    "code.wrong": (
        "That is no check code: it has 12 characters, digits and letters, never the letter U. "
        "Please look at the receipt again."
    ),
    "code.unknown": (
        "Neither {here} nor the copies kept here of other departments' logs have this check code. Please look at the "
        "receipt again; if it is new, try in a few minutes, or ask the department that gave the receipt."
    ),
    "code.good": "Check code {code}\n{what}.\nEntered by {department}, {day}, {time}, index {index}.\n{kept}\n{page}",
    "code.wait": (
        "Check code {code}\n{what}.\nEntered by {department}, {day}, {time}, index {index}.\n"
        "Too few departments have witnessed it yet; please check again after {later}."
    ),
    "code.unchecked": (
        "Check code {code}\n{department} has such a record ({day}, {time}, index {index}), and it did not pass the "
        "check of {here}: please do not rely on it."
    ),
    "code.kept": "{count} other departments have stored it: {departments}.",
    "code.kept.one": "1 other department has stored it: {departments}.",
    "code.kept.none": "No other department has stored it yet.",
    "code.twice": "{count} records have the same check code. That should not be: please tell a person.",
}
