"""A desk whose database fails, whose disk is full, or that is killed: what was acknowledged is there, and once."""

import itertools
import multiprocessing
import os
import random
import signal
import threading
import time
from dataclasses import dataclass, field

import pytest
from sqlalchemy import event

from ledger.audit.verify import Trust, verify_database
from ledger.desk import Desk
from ledger.errors import Busy
from ledger.merkle.note import parse_vkey
from ledger.records.statement import Statement
from ledger.scribe import Submitted, new_handle
from tests.desk.processes import reopened
from tests.desk.world import ACCOUNT, Department, Town
from tests.fakes.failing import Breakdown

SEED = 20261127
WRITERS = 3  # threads of one process
_fork = multiprocessing.get_context("fork")


def verified(department: Department) -> None:
    """Sign what is new, as the scheduler would, and verify all of it: entries, tiles, signatures, facts and vault."""
    department.log.sign_new_head()
    trust = Trust(tuple(parse_vkey(vkey) for vkey in department.keys.log_vkeys))
    report = verify_database(department.engine, trust=trust, vault_key=department.keys.vault_key)
    assert [str(fault) for fault in report.faults] == []
    assert report.size == department.size()


def hand_in(desk: Desk, officer: str, once: str) -> Submitted:
    private = {"applicant": "王小明", "payee": "王小明", "account": ACCOUNT}
    statement = Statement("case-submitted", new_handle(), {"matter": "linshi-jiuzhu"}, private)
    return desk.submit(statement, by=officer, once=once)


@pytest.mark.parametrize("after", [False, True], ids=["not done", "done and not told"])
def test_each_database_call_of_an_act_that_fails_makes_it_happen_once_or_not_at_all(either_town, after):
    civil: Department = either_town.civil
    officer, size = civil.staff["林芳"].handle, civil.size()
    breakdown = Breakdown(civil.engine)
    for call in itertools.count(1):
        breakdown.fail_at(call, after=after)
        try:
            done = hand_in(civil.desk, officer, f"deed-{call}")
        except Busy:
            assert breakdown.mend()
            assert civil.size() == size
            done = hand_in(civil.desk, officer, f"deed-{call}")  # WeChat delivers it again
            assert not done.already
        else:
            # When only the answer to the commit was lost, the desk asks the database whether it was done.
            assert done.already is breakdown.mend()
            if not done.already:
                break
            assert (after, breakdown.calls[-1]) != (False, "COMMIT")
        size += 1
        assert done.index == size - 1
        assert civil.size() == size
        assert hand_in(civil.desk, officer, f"deed-{call}").already
    assert len(breakdown.calls) > 12
    verified(civil)


def test_each_database_call_of_a_decision_that_fails_spends_its_code_once_or_not_at_all(town: Town):
    civil = town.civil
    case, _code = town.apply()
    civil.act("林芳", "case-accepted", case)
    award = town.propose(case)
    civil.clock.wait(30)
    officer, code = civil.staff["高伟"].handle, civil.code("高伟")
    statement, size = Statement("award-approved", award, {"amount": 2_000_000}), civil.size()
    breakdown = Breakdown(civil.engine)
    for call in itertools.count(1):
        breakdown.fail_at(call)
        try:
            civil.desk.submit(statement, by=officer, once="delivery", code=code)
        except Busy:
            assert breakdown.mend()
            assert civil.size() == size
        else:
            breakdown.mend()
            break
    assert call > 20
    assert civil.size() == size + 1
    verified(civil)


def test_a_disk_that_is_full_in_the_middle_of_an_act_is_busy_and_nothing_is_half_done(town: Town):
    civil = town.civil
    officer, size = civil.staff["林芳"].handle, civil.size()
    with civil.engine.connect() as connection:
        limit = [connection.exec_driver_sql("PRAGMA page_count").scalar_one() + 3]

    @event.listens_for(civil.engine, "begin")
    def shrink_disk(connection):
        connection.connection.driver_connection.execute(f"PRAGMA max_page_count = {limit[0]}")

    full = 0
    for number in range(60):
        try:
            hand_in(civil.desk, officer, f"deed-{number}")
        except Busy:
            full += 1
            assert civil.size() == size
            limit[0] += 1  # a little room, so that it fails at another page the next time
        else:
            size += 1
    assert full > 10
    assert size > 10
    assert civil.size() == size
    limit[0] += 1_000
    hand_in(civil.desk, officer, "the disk was cleaned up")
    verified(civil)


# --- kill -9 ---


@dataclass
class Told:
    """What a writer said before it was killed: by the name of the deed, the record and its index."""

    deeds: dict[str, tuple[str, int]] = field(default_factory=dict)
    done: list[int] = field(default_factory=lambda: [0] * WRITERS)  # deeds of each thread

    def hear(self, said: bytes) -> None:
        for line in said.split(b"\n")[:-1]:  # a last line cut off by its death was not yet said
            thread, number, record_id, index = line.decode().split()
            name = f"{thread}-{number}"
            assert name not in self.deeds
            self.deeds[name] = record_id, int(index)
            self.done[int(thread)] = int(number) + 1


def write_until_killed(department: Department, done: list[int], out: int) -> None:
    """Several threads submit, sign and publish, each beginning again with the deed that nobody acknowledged."""
    desk = reopened(department)
    officer = department.staff["林芳"].handle

    def work(thread: int) -> None:
        for number in itertools.count(done[thread]):
            try:
                submitted = hand_in(desk, officer, f"{thread}-{number}")
            except Busy:
                os._exit(1)  # nobody else writes here
            os.write(out, f"{thread} {number} {submitted.record_id} {submitted.index}\n".encode())
            if thread == 0 and number % 4 == 3:
                head = desk.log.sign_new_head()
                if head is not None:
                    desk.log.publish(head.size)

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def kill_at(department: Department, told: Told, seconds: float) -> None:
    """Let a process write, and kill it so many seconds after its first acknowledgement."""
    department.engine.dispose()
    heard, said = os.pipe()
    writer = _fork.Process(target=write_until_killed, args=(department, told.done, said))
    writer.start()
    os.close(said)
    with os.fdopen(heard, "rb") as pipe:
        first = pipe.readline()
        assert first
        time.sleep(seconds)
        assert writer.pid is not None
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
        told.hear(first + pipe.read())
    assert writer.exitcode == -signal.SIGKILL


def check_told(department: Department, told: Told, before: int) -> None:
    """Everything acknowledged stands where it was said to stand, and nothing else but what nobody was told yet."""
    records = department.records()
    assert all(records[index].record_id == record_id for record_id, index in told.deeds.values())
    assert len({record.leaf for record in records}) == len(records)
    assert len(told.deeds) <= len(records) - before <= len(told.deeds) + WRITERS


def killed_again_and_again(town: Town, kills: int) -> None:
    civil, moments = town.civil, random.Random(SEED)
    before, told = civil.size(), Told()
    for number in range(kills):
        kill_at(civil, told, moments.uniform(0, 0.03))
        check_told(civil, told, before)
        if number % 10 == 9:
            verified(civil)
    # Each deed that nobody had acknowledged is asked for again: it is done now, or it was.
    officer = civil.staff["林芳"].handle
    for thread in range(WRITERS):
        hand_in(civil.desk, officer, f"{thread}-{told.done[thread]}")
    assert civil.size() - before == len(told.deeds) + WRITERS
    verified(civil)


@pytest.mark.slow
def test_a_desk_killed_at_any_moment_loses_and_doubles_nothing_that_it_acknowledged(either_town):
    killed_again_and_again(either_town, 10)


@pytest.mark.attack
def test_a_desk_killed_at_two_hundred_moments_loses_and_doubles_nothing_that_it_acknowledged(either_town):
    killed_again_and_again(either_town, 200)
