"""Killed in the middle, or twice at the same moment: all of a file is there, once, or nothing of it."""

import multiprocessing
import os
import signal

import pytest

from handlers.imports.plan import Outcome, take_in
from ledger.desk import Desk
from ledger.errors import DeedRefused
from tests.desk.processes import WAIT_SECONDS, at_once, reopened
from tests.imports.office import LI, Bureau, everything, outcomes, write

_fork = multiprocessing.get_context("fork")


def file_of(bureau: Bureau) -> bytes:
    rows = [bureau.decided(), bureau.row(办件编号="SP-2", 姓名="孙丽", 身份证号=LI), bureau.decided(办件编号="SP-3")]
    return write(rows)


def importing(bureau: Bureau, raw: bytes, who: str = "林芳"):
    """Taking a file in, as another worker process does it: looked at before, signed there."""
    plan = bureau.look(raw, who)
    department, officer = bureau.officer(who)
    office, code = bureau.office(department), department.code(who)

    def deed(desk: Desk) -> None:
        office.node.desk = desk  # type: ignore[misc]  # the stand-in of this process
        take_in(plan, office, officer, code)

    return deed


def kill_at(bureau: Bureau, deed, entry: int) -> None:
    """Let a real process take a file in, and die by SIGKILL at its nth record."""

    def work() -> None:
        desk = reopened(bureau.town.civil)
        enter = desk._scribe.enter
        counted: list[None] = []

        def counting(*args, **kwargs):
            counted.append(None)
            if len(counted) == entry:
                os.kill(os.getpid(), signal.SIGKILL)
            return enter(*args, **kwargs)

        setattr(desk._scribe, "enter", counting)  # noqa: B010 -- a blow, not an assignment
        deed(desk)

    bureau.town.civil.engine.dispose()
    worker = _fork.Process(target=work)
    worker.start()
    worker.join(WAIT_SECONDS)
    assert worker.exitcode == -signal.SIGKILL


@pytest.mark.parametrize("entry", [1, 4, 7])
def test_a_process_killed_in_the_middle_leaves_nothing_half_done(either_bureau: Bureau, entry):
    bureau = either_bureau
    bureau.town.clock.wait(30)
    raw = file_of(bureau)
    before = everything(bureau.town.civil)
    deed = importing(bureau, raw)
    kill_at(bureau, deed, entry)
    assert everything(bureau.town.civil) == before
    deed(bureau.town.civil.desk)  # the code was not spent either
    assert len(bureau.kinds()) == 7


def test_a_process_killed_after_the_commit_has_done_all_of_it_once(either_bureau: Bureau):
    bureau = either_bureau
    bureau.town.clock.wait(30)
    raw = file_of(bureau)
    deed = importing(bureau, raw)

    def die_afterwards() -> None:
        deed(reopened(bureau.town.civil))
        os.kill(os.getpid(), signal.SIGKILL)

    bureau.town.civil.engine.dispose()
    worker = _fork.Process(target=die_afterwards)
    worker.start()
    worker.join(WAIT_SECONDS)
    assert worker.exitcode == -signal.SIGKILL
    assert len(bureau.kinds()) == 7
    before = everything(bureau.town.civil)
    assert outcomes(bureau.look(raw)) == [Outcome.UNCHANGED] * 3
    deed(bureau.town.civil.desk)  # whoever asks again reads what came of it
    assert everything(bureau.town.civil) == before


def test_the_same_file_in_two_processes_at_once_is_taken_in_once(either_bureau: Bureau):
    bureau = either_bureau
    bureau.town.clock.wait(30)
    deed = importing(bureau, file_of(bureau))
    assert at_once(bureau.town.civil, [deed, deed]) == ["done", "done"]
    assert len(bureau.kinds()) == 7
    assert len(bureau.cases()) == 3


def test_two_files_about_one_case_at_once_are_one_case(either_bureau: Bureau):
    """The second finds that somebody has done a part of it: it looked at what is not so any more."""
    bureau = either_bureau
    bureau.town.civil.enrol("周敏", "clerk")
    bureau.town.clock.wait(30)
    first = importing(bureau, write([bureau.row(), bureau.row(办件编号="SP-2")]))
    second = importing(bureau, write([bureau.row(办件编号="SP-3"), bureau.decided()]), "周敏")
    assert at_once(bureau.town.civil, [first, second]) == ["changed-meanwhile", "done"]
    assert len(bureau.cases()) == 2
    assert len(bureau.kinds()) in {2, 4}


def test_what_somebody_did_between_look_and_code_refuses_the_whole(bureau: Bureau):
    bureau.take(write([bureau.row()]))
    bureau.town.clock.wait(30)
    moved = write([bureau.row(办件编号="SP-9"), bureau.row(收件日期=bureau.day(1), 受理日期=bureau.day(0))])
    plan = bureau.look(moved)
    case = bureau.only_case()
    bureau.town.civil.act("林芳", "case-withdrawn", case.ref.sub)
    before = everything(bureau.town.civil)
    with pytest.raises(DeedRefused, match="illegal-step") as caught:
        bureau.sign(plan, "林芳")
    assert caught.value.place == 3
    assert everything(bureau.town.civil) == before
