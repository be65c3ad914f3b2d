"""The last four digits: enough for one's own, and nothing for anyone else."""

import re

from handlers import ROUTES
from handlers.citizen import phrases


def test_only_four_digits_alone_are_taken_for_the_end_of_a_number():
    pattern = phrases.LAST_FOUR[0]
    assert re.search(pattern, "0104")
    assert not any(re.search(pattern, text) for text in ("010", "01040", "0104 吗", "进度 0104"))


def test_the_row_stands_in_the_table_of_the_conversation():
    assert any(phrases.LAST_FOUR[0] in getattr(row, "phrases", ()) for row in ROUTES)
