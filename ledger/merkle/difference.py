"""Finds the first leaf at which two trees part, by comparing complete subtrees from the top down."""

from ledger.merkle.proofs import ReadNode


def first_difference(size: int, one: ReadNode, other: ReadNode) -> int | None:
    """Return the first of the leaves [0, size) that is not the same in both trees; None when they begin alike.

    Both trees must hold that many leaves. About log2(size) nodes of each are read.
    """
    start = 0
    for level in reversed(range(size.bit_length())):
        if size >> level & 1:
            if one(level, start >> level) != other(level, start >> level):
                return _first_below(level, start >> level, one, other)
            start += 1 << level
    return None


def _first_below(level: int, index: int, one: ReadNode, other: ReadNode) -> int:
    """Descend from a node that differs: where its left half is the same, the right one differs."""
    while level:
        level, index = level - 1, index * 2
        if one(level, index) == other(level, index):
            index += 1
    return index
