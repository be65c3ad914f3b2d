"""Many acts, one transaction: all of them or none, one code for the whole, and a refusal names its place."""

import pytest

from ledger.batches import Deed, done_beginning, recall_all, rehearse_all, submit_all
from ledger.errors import CodeUsed, CodeWrong, DeedRefused, RoleMissing
from ledger.records.statement import Statement
from ledger.scribe import new_handle
from tests.desk.world import Town


def three(private=None) -> tuple[str, list[Deed]]:
    case = new_handle()
    told = {"applicant": "王桂兰", "payee": "王桂兰", "account": "6217000010001230836"} | (private or {})
    return case, [
        Deed(1, Statement("case-submitted", case, {"matter": "m1"}, told), f"1:{case}"),
        Deed(2, Statement("case-accepted", case), f"2:{case}"),
        Deed(3, Statement("case-completed", case, {"step": 0}), f"3:{case}"),
    ]


def submit(town: Town, deeds, code: str | None = None, once: str = "batch"):
    town.clock.wait(30)
    officer = town.civil.staff["林芳"].handle
    return submit_all(town.civil.desk, deeds, by=officer, code=code or town.civil.code("林芳"), once=once)


def test_each_act_sees_the_one_before(either_town: Town):
    case, deeds = three()
    done = submit(either_town, deeds)
    assert [one.already for one in done] == [False] * 3
    assert [one.index for one in done] == list(range(done[0].index, done[0].index + 3))
    with either_town.civil.facts() as facts:
        found = facts.case(either_town.civil.ref(case))
    assert found is not None
    assert found.state.status == "IN_STEP"
    assert either_town.civil.size() == done[-1].index + 1


def test_one_refused_refuses_all_and_is_named(either_town: Town):
    _case, deeds = three()
    size = either_town.civil.size()
    with pytest.raises(DeedRefused) as caught:
        submit(either_town, [*deeds, Deed(9, Statement("case-accepted", new_handle()), "9")])
    assert (caught.value.place, caught.value.reason) == (9, "illegal-step")
    assert either_town.civil.size() == size
    assert recall_all(either_town.civil.desk, [deed.once for deed in deeds]) == {}


def test_a_rehearsal_finds_the_same_and_changes_nothing(town: Town):
    _case, deeds = three()
    officer, size = town.civil.staff["林芳"].handle, town.civil.size()
    wrong = [
        Deed(7, Statement("case-approved", deeds[0].statement.sub), "7"),
        Deed(8, Statement("case-accepted", "A" * 22), "8"),
    ]
    refused = rehearse_all(town.civil.desk, [*deeds, *wrong], officer)
    assert {place: error.reason for place, error in refused.items()} == {7: "role-missing", 8: "illegal-step"}
    assert isinstance(refused[7], RoleMissing)
    assert town.civil.size() == size
    approver = town.civil.staff["高伟"].handle
    assert set(rehearse_all(town.civil.desk, deeds, approver)) == {1, 2, 3}


def test_the_whole_again_is_already_done_and_a_part_of_it_is_refused(town: Town):
    _case, deeds = three()
    first = submit(town, deeds)
    size = town.civil.size()
    again = submit(town, deeds, code="no code at all")
    assert [(one.already, one.index) for one in again] == [(True, one.index) for one in first]
    _other, more = three()
    with pytest.raises(DeedRefused) as caught:
        submit(town, [*more, deeds[1]], once="other")
    assert (caught.value.place, caught.value.reason) == (2, "changed-meanwhile")
    assert town.civil.size() == size


def test_one_code_serves_one_batch_and_a_wrong_one_stays_counted(town: Town):
    _case, deeds = three()
    size = town.civil.size()
    with pytest.raises(CodeWrong) as first:
        submit(town, deeds, code="12345")
    with pytest.raises(CodeWrong) as second:
        submit(town, deeds, code="12345")
    assert second.value.tries_left == first.value.tries_left - 1
    assert town.civil.size() == size
    town.clock.wait(30)
    code = town.civil.code("林芳")
    town.clock.wait(-30)
    submit(town, deeds, code=code)
    _other, more = three()
    town.clock.wait(-30)
    with pytest.raises(CodeUsed):
        submit(town, more, code=code, once="other")


def test_a_refused_batch_spends_no_code(town: Town):
    _case, deeds = three()
    town.clock.wait(30)
    code = town.civil.code("林芳")
    town.clock.wait(-30)
    with pytest.raises(DeedRefused):
        submit(town, [Deed(1, Statement("case-accepted", new_handle()), "x")], code=code)
    town.clock.wait(-30)
    assert len(submit(town, deeds, code=code)) == 3


def test_who_comes_twice_in_one_batch_is_one_citizen(town: Town):
    first, deeds = three({"id_number": "330199195902140026"})
    second, more = three({"id_number": "330199195902140026"})
    third, others = three({"id_number": "330199198710090048"})
    submit(town, [*deeds, *more, *others])
    with town.civil.facts() as facts:
        cases = [facts.case(town.civil.ref(case)) for case in (first, second, third)]
    owners = [case and case.citizen for case in cases]
    assert owners[0] == owners[1] != owners[2]


def test_deeds_are_found_by_how_their_names_begin(either_town: Town):
    _case, deeds = three()
    submit(either_town, deeds)
    assert done_beginning(either_town.civil.desk, "1:") == {deeds[0].once}
    assert done_beginning(either_town.civil.desk, "nothing") == frozenset()


def test_the_name_of_a_deed_hides_what_it_is_made_of(town: Town):
    name = town.civil.desk.name_deed("case", "SP-2026-0117")
    assert (
        name == town.civil.desk.name_deed("case", "SP-2026-0117") != town.civil.desk.name_deed("case", "SP-2026-0118")
    )
    assert name != town.finance.desk.name_deed("case", "SP-2026-0117")
    assert "0117" not in name
    assert len(name) < 150
