"""Checks the six digits from an officer's telephone: each code counts once, and guessing ends in a lock.

A verdict is returned, not raised, because a wrong code must stay counted when the act is refused: whoever asked commits
first and raises then. TOTP is RFC 6238 with SHA-1, six digits and 30 seconds, as every app has it.
"""

import hmac
from datetime import UTC, datetime

import pyotp
from sqlalchemy import Connection

from ledger.errors import CodeLocked, CodeUsed, CodeWrong, Refused
from ledger.storage import officers as rows
from ledger.storage.officers import OfficerRow

STEP_SECONDS = 30
STEPS_AROUND = 1  # a telephone's clock may be wrong by so much
WRONG_MAX = 5
LOCK_SECONDS = 15 * 60
REMEMBERED_STEPS = 24 * 3600 // STEP_SECONDS  # also when the node's clock is put back by hours

SIGNING_SECONDS = 15 * 60  # so long a sign-in lets an officer sign
READING_SECONDS = 8 * 3600  # a shift: so long it lets them read


def new_secret() -> str:
    """A fresh secret in base32 without padding."""
    return pyotp.random_base32()


def spend_code(conn: Connection, officer: OfficerRow, secret: str, code: str, *, once: str, now: int) -> Refused | None:
    """Use up a code, or say why it does not count: CodeLocked, CodeUsed or CodeWrong. Always commit afterwards.

    `once`: the same deed asking again, after a crash, finds its own code used, and may go on.
    """
    # A lock further ahead than any lock can be comes from a clock that has been put right since.
    if now < officer.totp_locked_until <= now + 2 * LOCK_SECONDS:
        return CodeLocked(_moment(officer.totp_locked_until))
    step = _matching_step(secret, code, now)
    if step is None:
        return _count_wrong(conn, officer, now)
    used_for = rows.used_for(conn, officer.handle, step)
    if used_for is not None:
        # It was right: the officer merely has to wait, and nothing is counted against them.
        return None if hmac.compare_digest(used_for.encode(), once.encode()) else CodeUsed(_next_after(step, now))
    rows.use(conn, officer.handle, step, once, forget_before=now // STEP_SECONDS - REMEMBERED_STEPS)
    if officer.totp_wrong:
        rows.note_wrong(conn, officer.handle, 0, 0)
    return None


def _matching_step(secret: str, code: str, now: int) -> int | None:
    totp, current = pyotp.TOTP(secret), now // STEP_SECONDS
    typed = code.encode(errors="replace")  # a lone surrogate is no digit either
    found = None
    for step in range(current - STEPS_AROUND, current + STEPS_AROUND + 1):
        # All of them are compared, whichever fits: the time taken says nothing.
        if hmac.compare_digest(totp.generate_otp(step).encode(), typed):
            found = step
    return found


def _count_wrong(conn: Connection, officer: OfficerRow, now: int) -> Refused:
    # A lock that has run out begins a new count.
    wrong = 1 if officer.totp_wrong >= WRONG_MAX else officer.totp_wrong + 1
    if wrong < WRONG_MAX:
        rows.note_wrong(conn, officer.handle, wrong, 0)
        return CodeWrong(WRONG_MAX - wrong)
    rows.note_wrong(conn, officer.handle, wrong, now + LOCK_SECONDS)
    return CodeLocked(_moment(now + LOCK_SECONDS))


def _next_after(step: int, now: int) -> datetime:
    return _moment((max(step, now // STEP_SECONDS) + 1) * STEP_SECONDS)


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
