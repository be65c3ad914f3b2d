"""The page of attacks tells the truth: each test that it names is there, and each attack is tried on each change."""

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "attacks.md"
NAME = re.compile(r"`([\w/]+\.py)::(test_\w+)`")
LINES = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ") and "::" in line]
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in LINES]


def attack_marked(nodes: list[ast.expr]) -> bool:
    """Whether one of these is `pytest.mark.attack`."""
    return any(ast.unparse(node) == "pytest.mark.attack" for node in nodes)


def functions_of(file: Path) -> dict[str, bool]:
    """The tests of a file, and whether each runs with `make attack` only."""
    body = ast.parse(file.read_text("utf-8")).body
    marks = [one.value for one in body if isinstance(one, ast.Assign) and ast.unparse(one.targets[0]) == "pytestmark"]
    for_all = attack_marked([node for mark in marks for node in ast.walk(mark) if isinstance(node, ast.expr)])
    functions = [one for one in body if isinstance(one, ast.FunctionDef) and one.name.startswith("test_")]
    return {one.name: for_all or attack_marked(one.decorator_list) for one in functions}


def named(text: str) -> list[tuple[str, str]]:
    """The tests in a cell: file and name."""
    return NAME.findall(text)


def test_the_page_has_rows():
    assert len(ROWS) > 50


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:40])
def test_each_attack_is_tried_with_each_change_and_each_test_is_there(row):
    always, in_full = map(named, row[1:])
    assert always, "nothing of it runs with `make test`"
    for file, name in (*always, *in_full):
        assert name in functions_of(TESTS / file), f"{file}::{name} is not there"
    assert [one for one in always if functions_of(TESTS / one[0])[one[1]]] == [], "these run with `make attack` only"
    assert [one for one in in_full if not functions_of(TESTS / one[0])[one[1]]] == [], (
        "these run with `make test` as well"
    )


def test_each_test_of_the_attacks_is_named():
    told = {one for row in ROWS for part in row[1:] for one in named(part)}
    there = {
        (f"attacks/{file.name}", name) for file in (TESTS / "attacks").glob("test_*.py") for name in functions_of(file)
    }
    assert there - told == set()
