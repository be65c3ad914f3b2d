"""Six digits count once, for one officer, for half a minute; guessing ends in a lock."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pyotp
import pytest

from ledger.errors import CodeLocked, CodeUsed, CodeWrong, OfficerUnknown
from ledger.records.statement import Statement
from ledger.second_factor import LOCK_SECONDS, STEP_SECONDS, WRONG_MAX
from tests.desk.world import START


@pytest.fixture
def boss(town):
    """An officer who tries codes."""
    officer = town.civil.staff["高伟"]
    town.clock.at = START - START % STEP_SECONDS

    class Boss:
        handle = officer.handle
        tries = 0

        def code(self, steps: int = 0) -> str:
            return pyotp.TOTP(officer.totp_secret).at(town.clock() + steps * STEP_SECONDS)

        def wrong(self) -> str:
            near = {self.code(steps) for steps in range(-2, 3)}
            return next(code for code in (f"{n:06d}" for n in range(10)) if code not in near)

        def sign_in(self, code: str, once: str | None = None):
            self.tries += 1
            return town.civil.desk.sign_in(self.handle, code, once or f"try-{self.tries}")

    return Boss()


@pytest.mark.parametrize(("steps", "good"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_code_counts_one_step_around_now(boss, steps, good):
    if good:
        boss.sign_in(boss.code(steps))
    else:
        with pytest.raises(CodeWrong):
            boss.sign_in(boss.code(steps))


def test_a_used_code_is_refused_with_the_time_of_the_next_and_is_no_wrong_one(town, boss):
    code = boss.code()
    boss.sign_in(code)
    for _ in range(WRONG_MAX + 1):
        with pytest.raises(CodeUsed) as caught:
            boss.sign_in(code)
        assert caught.value.next_at == datetime.fromtimestamp(town.clock() + STEP_SECONDS, UTC)
    boss.sign_in(boss.code(1))


def test_the_code_spent_on_signing_in_cannot_sign(town, boss):
    case, _code = town.apply()
    town.civil.act("林芳", "case-accepted", case)
    town.civil.act("林芳", "case-completed", case, {"step": 0})
    code, size = boss.code(), town.civil.size()
    boss.sign_in(code)
    with pytest.raises(CodeUsed):
        town.civil.desk.submit(Statement("case-approved", case), by=boss.handle, once="x", code=code)
    assert town.civil.size() == size


def test_a_repeat_of_the_same_delivery_is_the_same_use(boss):
    code = boss.code()
    boss.sign_in(code, once="delivery")
    boss.sign_in(code, once="delivery")


def test_wrong_codes_stay_counted_though_the_act_is_refused(town, boss):
    case, _code = town.apply()
    town.civil.act("林芳", "case-accepted", case)
    town.civil.act("林芳", "case-completed", case, {"step": 0})
    size = town.civil.size()
    for left in range(WRONG_MAX - 1, 0, -1):
        with pytest.raises(CodeWrong) as wrong:
            town.civil.desk.submit(Statement("case-approved", case), by=boss.handle, once=f"w{left}", code=boss.wrong())
        assert wrong.value.tries_left == left
    with pytest.raises(CodeLocked) as locked:
        town.civil.desk.submit(Statement("case-approved", case), by=boss.handle, once="w", code=boss.wrong())
    assert locked.value.until == datetime.fromtimestamp(town.clock() + LOCK_SECONDS, UTC)
    with pytest.raises(CodeLocked):
        boss.sign_in(boss.code())  # the right one does not count now
    assert town.civil.size() == size


def test_wrong_codes_that_share_a_commit_with_other_acts_stay_counted_and_those_are_done(town, boss):
    case, _code = town.apply()
    town.civil.act("林芳", "case-accepted", case)
    town.civil.act("林芳", "case-completed", case, {"step": 0})
    group, size, wrong = town.civil.log.group, town.civil.size(), boss.wrong()
    inside, go_on = threading.Event(), threading.Event()

    def hold(_connection):
        inside.set()
        assert go_on.wait(30)

    def approve(place):
        with pytest.raises(CodeWrong) as refused:
            town.civil.desk.submit(Statement("case-approved", case), by=boss.handle, once=f"w{place}", code=wrong)
        return refused.value.tries_left

    with ThreadPoolExecutor(4) as pool:
        leads = pool.submit(group.run, hold)
        assert inside.wait(30)
        refused = [pool.submit(approve, place) for place in range(2)]
        done = pool.submit(town.apply)
        while len(group._waiting) < 3:
            pass
        go_on.set()
        leads.result(30)
        assert sorted(one.result(30) for one in refused) == [WRONG_MAX - 2, WRONG_MAX - 1]
        done.result(30)
    assert town.civil.size() == size + 1
    with pytest.raises(CodeWrong) as again:
        boss.sign_in(wrong)
    assert again.value.tries_left == WRONG_MAX - 3


def lock(boss) -> None:
    for _ in range(WRONG_MAX - 1):
        with pytest.raises(CodeWrong):
            boss.sign_in(boss.wrong())
    with pytest.raises(CodeLocked):
        boss.sign_in(boss.wrong())


def test_the_lock_ends_after_its_time_and_the_count_begins_anew(town, boss):
    lock(boss)
    town.clock.wait(LOCK_SECONDS - 1)
    with pytest.raises(CodeLocked):
        boss.sign_in(boss.code())
    town.clock.wait(1)
    with pytest.raises(CodeWrong) as wrong:
        boss.sign_in(boss.wrong())
    assert wrong.value.tries_left == WRONG_MAX - 1
    boss.sign_in(boss.code())


def test_a_lock_from_a_clock_that_ran_ahead_locks_nobody_for_long(town, boss):
    town.clock.wait(365 * 24 * 3600)
    lock(boss)
    town.clock.wait(-2)  # merely kept right: the lock holds
    with pytest.raises(CodeLocked):
        boss.sign_in(boss.code())
    town.clock.wait(-364 * 24 * 3600)
    boss.sign_in(boss.code())


def test_a_right_code_forgives_the_wrong_ones_before(boss):
    for _ in range(WRONG_MAX - 1):
        with pytest.raises(CodeWrong):
            boss.sign_in(boss.wrong())
    boss.sign_in(boss.code())
    with pytest.raises(CodeWrong) as wrong:
        boss.sign_in(boss.wrong())
    assert wrong.value.tries_left == WRONG_MAX - 1


def test_one_officers_lock_is_not_anothers(town, boss):
    lock(boss)
    town.civil.desk.sign_in(town.civil.staff["林芳"].handle, town.civil.code("林芳"), "hers")


def test_another_officers_code_is_wrong(town, boss):
    with pytest.raises(CodeWrong):
        boss.sign_in(town.civil.code("林芳"))


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "１２３４５６", "\ud800", "0" * 10_000])
def test_what_is_no_code_is_a_wrong_code_and_no_crash(boss, code):
    with pytest.raises(CodeWrong):
        boss.sign_in(code)


def test_a_renewed_officer_has_another_secret_and_the_old_telephone_is_nobodys(town, boss):
    town.civil.desk.bind("openid-old", town.civil.staff["高伟"].binding_code)
    access = town.civil.desk.renew(boss.handle)
    with town.civil.facts() as facts:
        assert facts.officer_of("openid-old") is None
    with pytest.raises(CodeWrong):
        boss.sign_in(boss.code())
    town.civil.desk.sign_in(boss.handle, pyotp.TOTP(access.totp_secret).at(town.clock()), "new")
    town.civil.desk.bind("openid-new", access.binding_code)
    with town.civil.facts() as facts:
        assert facts.officer_of("openid-new").name == "高伟"


def test_a_revoked_officer_signs_in_no_more(town, boss):
    town.civil.desk.bind("openid", town.civil.staff["高伟"].binding_code)
    town.civil.desk.revoke(boss.handle)
    with pytest.raises(OfficerUnknown):
        boss.sign_in(boss.code())
    with town.civil.facts() as facts:
        assert facts.officer_of("openid") is None
