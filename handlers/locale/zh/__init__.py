"""Chinese, as people at a counter speak it."""

from handlers.locale.zh import (
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
