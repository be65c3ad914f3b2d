"""While the department's records are being found again, people are told that the newest may be missing."""

from handlers.locale import TEXTS
from tests.handlers_citizen.chats import trust_line


def lose_something(stage):
    civil = stage.town.civil
    civil.log._high_water.raise_log(civil.size() + 2, bytes(32))


def test_the_line_of_trust_says_that_the_newest_may_be_missing(stage):
    opened = stage.hand_in()
    person = stage.bind(opened.citizen)
    before = person.reads("进度")
    lose_something(stage)
    after = person.reads("进度")
    assert trust_line(after) == TEXTS["zh"]["trust.behind"]
    assert [line for line in after.split("\n") if "核对" not in line] == [
        line for line in before.split("\n") if "核对" not in line
    ]


def test_a_citizens_own_act_is_not_taken_and_they_read_that(stage):
    opened = stage.hand_in()
    person = stage.bind(opened.citizen)
    assert "1 撤回" in person.reads(f"撤回申请 {opened.number}")
    before = stage.size()
    lose_something(stage)
    assert person.reads("1") == TEXTS["zh"]["behind"]
    assert stage.size() == before
