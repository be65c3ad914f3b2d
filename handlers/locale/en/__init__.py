"""Plain English, for those who asked for it."""

from handlers.locale.en import (
    calls,
    cases,
    citizen,
    counter,
    counter_pages,
    demo,
    doctor,
    epochs,
    findings,
    honesty,
    imports,
    money,
    receipts,
    recovery,
    staff,
    talk,
)

TEXTS = {
    **citizen.TEXTS,
    **cases.TEXTS,
    **money.TEXTS,
    **receipts.TEXTS,
    **recovery.TEXTS,
    **staff.TEXTS,
    **counter.TEXTS,
    **counter_pages.TEXTS,
    **imports.TEXTS,
    **honesty.TEXTS,
    **demo.TEXTS,
    **findings.TEXTS,
    **epochs.TEXTS,
    **doctor.TEXTS,
    **talk.TEXTS,
    **calls.TEXTS,
}
