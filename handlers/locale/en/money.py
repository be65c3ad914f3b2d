"""What citizens read about money, about who else holds the records, and about what does not agree."""

TEXTS: dict[str, str] = {
    "pay.title": "{what} (number {number})",
    "pay.title.no-number": "{what}",
    "money.monthly": "{money} of {month}",
    # the award
    "award.PROPOSED": "{department} is examining it; it is not approved yet. You need do nothing now.",
    "award.APPROVED": "{department} approved {amount} on {day}.",
    "award.RETURNED": "{department} is examining it again, since {day}. You need do nothing now.",
    "award.REFUSED": "{department} did not approve it, on {day}.",
    "award.CANCELLED": "This was entered by mistake and cancelled on {day}.",
    "award.none": "No amount has been decided yet. Once it is, you see here where the money is.",
    # the payment
    "pay.none": "{payer} has not paid yet.",
    "pay.by": "It reaches your card before {day}. You need do nothing now.",
    "pay.late": "This is later than promised, and we are pressing for it. You need do nothing now.",
    "pay.CREATED": "{day}, {payer}: {what} {amount} is on the list, not yet sent to the bank.",
    "pay.SENT": "{day}: {what} {amount} was sent to the bank, which has not handled it yet.",
    "pay.ACCEPTED.officer": "{payer} entered: the bank transferred {amount} on {day} (no receipt from the bank yet).",
    "pay.ACCEPTED.bank": "{day}: the bank is transferring {what} {amount}.",
    "pay.HELD": "{day}: the bank has not credited {what} {amount} for now, and we are asking. You need do nothing now.",
    "pay.CREDITED": "{day}, the bank's receipt: {what} {amount} was credited to your card ending in {tail}.",
    "pay.CREDITED.no-tail": "{day}, the bank's receipt: {what} {amount} was credited to your card.",
    "pay.failed": "{what} {amount} could not be paid to your card, on {day}.",
    "pay.REISSUED": "{what} {amount} could not be paid to your card and was issued again.",
    "pay.CANCELLED": "{payer} entered a payment by mistake and cancelled it on {day}.",
    "pay.short": "{approved} was approved, only {paid} was paid, {missing} is missing.",
    "pay.account-again": (
        "Another account was registered on {day}; it is paid again before {by}. You need do nothing now."
    ),
    "pay.nothing-to-do": "You need not do anything now.",
    "pay.account-again.late": (
        "Another account was registered on {day}; paying again is later than promised, and we are pressing for it. "
        "You need do nothing now."
    ),
    # why it failed, who acts, what we do
    "fail.number": (
        "Why: the account number that we have is wrong.\nPlease: bring your ID card and bank card to {place}.\n"
        "We: pay again within {reissue} working days of that; no new application, no money lost."
    ),
    "fail.closed": (
        "Why: the account of {card} was closed.\nPlease: bring your ID card and new card to {place}.\n"
        "We: pay again within {reissue} working days of that; no new application, no money lost."
    ),
    "fail.frozen": (
        "Why: the account of {card} is frozen or reported lost.\n"
        "Please: bring your ID card and the card to your bank.\n"
        "We: pay within {retry} working days once it works again; no new application, no money lost."
    ),
    "fail.type": (
        "Why: the account of {card} cannot receive this money.\n"
        "Please: bring your ID card and another card to {place}.\n"
        "We: pay again within {reissue} working days of that; no new application, no money lost."
    ),
    "fail.twice": (
        "Why: the bank says that this money was sent twice.\nYou need do nothing now.\n"
        "We: find out first, and tell you here."
    ),
    "fail.amount": (
        "Why: the amount sent to the bank is not that of the list.\nYou need do nothing now.\n"
        "We: {payer} finds out first, and you are told here."
    ),
    "fail.name": (
        "Why: the name of the account is not the one registered.\n"
        "Please: bring your ID card and bank card to {place}.\n"
        "We: pay again within {reissue} working days of that; no new application, no money lost."
    ),
    "fail.bank-code": (
        "Why: the code of the bank was registered wrongly; our mistake.\nYou need do nothing now.\n"
        "We: correct it and pay again; no money lost."
    ),
    "fail.dead": (
        "Why: the bank has the payee down as deceased. If that is wrong, we apologise.\n"
        "Please: come to {place}, yourself or your family, or telephone us.\n"
        "We: take nothing away before we have asked."
    ),
    "fail.other": "Why: the bank did not say.\nYou need do nothing now.\nWe: are asking the bank, and tell you here.",
    "fail.inquiry": (
        "Why: the money was sent back to be looked into.\nYou need do nothing now.\n"
        "We: are looking into it, and tell you here."
    ),
    "fail.bank": (
        "Why: a fault at the bank, not with your card.\nYou need do nothing now.\n"
        "We: pay again once the bank works; no money lost."
    ),
    "fail.card": "your old card ending in {tail}",
    "fail.card.no-tail": "the registered card",
    # the citizen's own word
    "ask": "How much did you receive?\n{choices}",
    "ask.yes": "Received, {amount}",
    "ask.wrong": "Received, but another amount",
    "ask.no": "Not received",
    "ask.later": "I will look first",
    "word.said.received": "On {day} you said: received, {amount}.",
    "word.said.received-with-issues": "On {day} you said: received, but another amount.",
    "word.said.not-received": "On {day} you said: not received.",
    "word.done": "Noted: on {day} you said that {what} {amount} arrived. Thank you. Record {record}.",
    "word.later": "All right. Once you have looked and it is there, write “received”.",
    "word.none": "No money is waiting for your word. When it is on your card, write “received”.",
    "word.already": "What you said on {day} is noted; there is no need to say it again.",
    "word.gone": (
        "This money does not wait for your word now: you may have said it already, or something changed at the bank. "
        "Please look with “payment”."
    ),
    "word.list": "Several payments wait for your word. Which one do you mean? Reply with a digit:\n{lines}",
    "word.line": "{day}, {what} {amount}",
    "word.changed": "Something has just changed, and nothing was noted. Please look again.",
    # lists
    "mine.payments": "Your payments:\n{lines}\nReply with a digit to open one.",
    "mine.payment": "{what} {amount}, {status}, {day}",
    "mine.payments.none": "Nothing has been awarded to you yet. For applications, write “my cases”.",
    "pay.earlier": "Earlier ones:\n{lines}",
    "short.award.PROPOSED": "not approved yet",
    "short.award.APPROVED": "approved, not yet paid",
    "short.award.RETURNED": "being examined again",
    "short.award.REFUSED": "not approved",
    "short.award.CANCELLED": "entered by mistake, cancelled",
    "short.pay.CREATED": "on the list",
    "short.pay.SENT": "sent to the bank",
    "short.pay.ACCEPTED.officer": "{payer} says: transferred",
    "short.pay.ACCEPTED.bank": "the bank is transferring it",
    "short.pay.HELD": "the bank has not credited it for now",
    "short.pay.CREDITED": "credited, by the bank's receipt",
    "short.pay.REJECTED": "could not be paid to your card",
    "short.pay.RETURNED": "could not be paid to your card",
    "short.pay.REISSUED": "issued again",
    "short.pay.CANCELLED": "entered by mistake, cancelled",
    # who else holds it
    "trust": "{departments} hold a copy each, cross-checked {age} and equal. A change would be noticed.",
    "trust.one": "{departments} holds a copy, cross-checked {age} and equal. A change would be noticed.",
    "trust.new": "Just recorded; other departments have not cross-checked it yet, which mostly takes a minute.",
    "trust.stale": (
        "Other departments could not cross-check it for {age}. We are looking into it; it does not delay your affairs."
    ),
    "age.now": "just now",
    "age.minutes-ago": "{count} min ago",
    "age.minutes": "{count} min",
    "age.hours": "{count} h",
    "age.days": "{count} days",
    # what does not agree
    "finding.less": (
        "{approver} approved {approved}, {payer} paid only {given}, {missing} is missing. {by} found it when "
        "cross-checking, and it is a finding. {then} You need not come again."
    ),
    "finding.less-ordered": (
        "{approver} approved {approved}, {payer} ordered only {given}, {missing} is missing. {by} found it when "
        "cross-checking, and it is a finding. {then} You need not come again."
    ),
    "finding.more": (
        "{approver} approved {approved}, {payer} paid {given}, {extra} too much. {by} found it when cross-checking, "
        "and it is a finding. {then} You need do nothing now."
    ),
    "finding.rewritten": (
        "⚠ What {department} shows now is not what it signed before. "
        "{by} found it when cross-checking; it is an open "
        "finding, and the old copy is kept as evidence. You need not come again."
    ),
    "finding.other": (
        "{by} found when cross-checking that records about this do not agree, and it is a finding. "
        "{then} You need not come again."
    ),
    "finding.not-arrived": (
        "{approver} approved {approved}; the time for it is over, and banks say that only {credited} arrived: "
        "{missing} is missing. {by} found it when cross-checking, and it is a finding. {then} You need not come again."
    ),
    "finding.nothing-arrived": (
        "{approver} approved {approved}; the time for it is over, and no bank says that it arrived. {by} found it when "
        "cross-checking, and it is a finding. {then} You need not come again."
    ),
    "finding.then.open": "{department} is asked to explain before {day}, and you are told here.",
    "finding.then.explained": (
        "{department} explained it on {day}; an auditor who has nothing to do with it looks at that, and you are told "
        "here."
    ),
    "finding.then.confirmed": (
        "{department} looked into it on {day}: it is so, and is not mended yet. Once it is, this will say so."
    ),
    "finding.result.settled": (
        "About the earlier finding: {department} looked at the explanation on {day}, and it is settled. You need do "
        "nothing now."
    ),
    "finding.result.false-alarm": (
        "About the earlier finding: {department} looked into it on {day}. It was a false alarm, and the records are "
        "right. You need do nothing now."
    ),
    "finding.result.confirmed": (
        "About the earlier finding: {department} looked into it on {day}. It was so, and was mended on {mended}. You "
        "need do nothing now."
    ),
    # notices
    "notice": "News about {title}.\n{day}, {department}: {what}.\n{more}\nRecord {record}.",
    "notice.bare": "There is news for you.\nFor more, write “my cases” or “my payments”.\nRecord {record}.",
    "notice.money-title": "{what} {amount}",
    "notice.some-money": "a payment to you",
    "notice.look": "For more, write “progress {number}”.",
    "notice.look-money": "For more, write “payment {number}”.",
    "notice.look.no-number": "For more, write “my cases”.",
    "notice.look-money.no-number": "For more, write “my payments”.",
    "notice.credited": "When you have seen the money, please write “received”.",
}
