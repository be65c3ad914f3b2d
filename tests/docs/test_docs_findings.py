"""The page of findings lists each rule, by the name that officers read."""

import re
from pathlib import Path

from handlers.locale import words_in
from ledger.findings import MONEY_RULES, UNCREDITED

PAGE = Path(__file__).parents[2] / "docs" / "findings.md"
ROW = re.compile(r"^\| (R\d\d) \| ([^|]+) \| [^|]+ \| ([SAW ]+) \|$", re.MULTILINE)


def test_each_rule_is_listed_once_by_its_own_name():
    rows = ROW.findall(PAGE.read_text("utf-8"))
    say = words_in("zh")
    rules = [f"R{number:02}" for number in range(100) if say.has(f"rule.R{number:02}")]
    assert [rule for rule, _name, _grave in rows] == rules
    assert {rule: name for rule, name, _grave in rows} == {rule: say(f"rule.{rule}") for rule in rules}
    assert {rule for rule, _name, grave in rows if "S" in grave} == {*MONEY_RULES} - {UNCREDITED}
