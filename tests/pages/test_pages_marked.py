"""Each page of a node of invented people says so at its head, in both languages; no page of a real one does."""

import pytest

from handlers.locale import TEXTS
from tests.pages.counter import Counter


@pytest.mark.parametrize("language", TEXTS)
def test_a_page_says_that_it_is_a_test_exactly_when_its_log_is_one(counter: Counter, language):
    paths = (counter.link(), "/intake/nothing-at-all-here", "/receipts/" + "A" * 43)
    for origin, marks in ((counter.services.node.origin, 0), ("21.example/test/log", 1)):
        setattr(counter.services.node, "origin", origin)  # noqa: B010 -- the name of a node's log never changes
        for path in paths:
            said = counter.look(f"{path}?lang={language}", headers={"Accept": "text/html"}).get_data(as_text=True)
            assert said.count(TEXTS[language]["test.mark"]) == marks, path
