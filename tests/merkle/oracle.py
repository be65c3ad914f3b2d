"""RFC 6962 section 2.1 in its own recursive words, slow and plain: what the quick code is measured against."""

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from ledger.merkle.hashing import Hash, leaf_hash, node_hash

VECTORS = Path(__file__).parents[1] / "vectors"


def literal_vectors() -> Any:
    return json.loads((VECTORS / "literal-vectors.json").read_text(encoding="utf-8"))


def proof_vectors(kind: str) -> list[tuple[str, dict[str, Any]]]:
    root = VECTORS / "transparency-dev-merkle" / "testdata" / kind
    files = sorted(root.rglob("*.json"))
    return [(str(file.relative_to(root)), json.loads(file.read_text(encoding="utf-8"))) for file in files]


def entry(number: int) -> bytes:
    return f"entry {number}".encode()


def split(width: int) -> int:
    k = 1
    while k * 2 < width:
        k *= 2
    return k


class Oracle:
    """A log whose entry i is `entry(i)`."""

    def __init__(self) -> None:
        self.mth = cache(self._mth)

    def _mth(self, start: int, end: int) -> Hash:
        width = end - start
        if width == 0:
            return Hash(hashlib.sha256(b"").digest())
        if width == 1:
            return Hash(hashlib.sha256(b"\x00" + entry(start)).digest())
        middle = start + split(width)
        return Hash(hashlib.sha256(b"\x01" + self.mth(start, middle) + self.mth(middle, end)).digest())

    def path(self, m: int, start: int, end: int) -> list[Hash]:
        """PATH(m, D[start:end])."""
        if end - start == 1:
            return []
        k = split(end - start)
        if m < k:
            return [*self.path(m, start, start + k), self.mth(start + k, end)]
        return [*self.path(m - k, start + k, end), self.mth(start, start + k)]

    def proof(self, m: int, end: int) -> list[Hash]:
        """PROOF(m, D[0:end]) for 0 < m <= end."""
        return self._subproof(m, 0, end, whole=True)

    def _subproof(self, m: int, start: int, end: int, *, whole: bool) -> list[Hash]:
        width = end - start
        if m == width:
            return [] if whole else [self.mth(start, end)]
        k = split(width)
        if m <= k:
            return [*self._subproof(m, start, start + k, whole=whole), self.mth(start + k, end)]
        return [*self._subproof(m - k, start + k, end, whole=False), self.mth(start, start + k)]


class Nodes:
    """A tree in memory, read as a log reads its storage: complete subtrees only."""

    def __init__(self, size: int) -> None:
        self.levels: list[list[Hash]] = [[leaf_hash(entry(number)) for number in range(size)]]
        while len(self.levels[-1]) > 1:
            below = self.levels[-1]
            pairs = zip(below[0::2], below[1::2], strict=False)
            self.levels.append([node_hash(left, right) for left, right in pairs])

    def __call__(self, level: int, index: int) -> Hash:
        return self.levels[level][index]


def flip_bit(data: bytes, bit: int) -> bytes:
    flipped = bytearray(data)
    flipped[bit // 8 % len(data)] ^= 1 << bit % 8
    return bytes(flipped)
