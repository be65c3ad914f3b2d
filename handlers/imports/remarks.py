"""What is to be said of a file or of one of its lines: a sentence of the catalogue, and what it is about.

Nothing personal stands in a remark: what a cell holds is told only where it is a word that somebody must look up.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

SHOWN_CHARACTERS_MAX = 20
HIDDEN = "***"
_NUMBER_OF_SOMEBODY = re.compile(r"[0-9]{5,}")


class Fen(int):
    """An amount among the values of a remark: shown as money."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Remark:
    """One sentence: its key, the column it is about as the file calls it, and what it needs."""

    key: str
    column: str | None = None
    values: Mapping[str, object] = field(default_factory=dict)


class FileWrong(Exception):
    """The file as a whole cannot be read."""

    def __init__(self, key: str, line: int | None = None, **values: object) -> None:
        super().__init__(key)
        self.line = line
        self.remark = Remark(key, None, values)


class CellWrong(Exception):
    """A cell does not hold what its column is for."""

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(key)
        self.key = key
        self.values = values


def shown(word: str) -> str:
    """A word of the file, short enough to read and without the numbers of people and accounts."""
    masked = _NUMBER_OF_SOMEBODY.sub("*****", word.strip())
    return masked if len(masked) <= SHOWN_CHARACTERS_MAX else masked[:SHOWN_CHARACTERS_MAX] + "…"


def discreet(remarks: Sequence[Remark], *, shifted: bool) -> tuple[Remark, ...]:
    """What is wrong with a line, without the unknown word in it where that may be anything.

    A word is told only when it is all that is wrong, and the cells of the line are not `shifted`: else somebody's name
    may stand where the word should. Whoever calls this also holds the word against the names of the whole file.
    """
    if len(remarks) == 1 and not shifted:
        return tuple(remarks)
    return tuple(
        replace(one, values={**one.values, "word": HIDDEN}) if "word" in one.values else one for one in remarks
    )
