"""Grows the tree once more from its leaves, and holds every stored hash and every signed root against it."""

from collections import deque
from collections.abc import Callable, Sequence

from ledger.audit.report import Faults
from ledger.merkle.hashing import CompactRange, Hash, root_of
from ledger.merkle.tiles import TILE_WIDTH, Tile, tile_path

ReadTile = Callable[[Tile], Sequence[Hash | None]]


class TreeCheck:
    """The tree as far as it has been read: one open tile a level, whatever the size of the log."""

    def __init__(self, read: ReadTile, roots: dict[int, list[tuple[str, Hash]]], faults: Faults) -> None:
        """`roots`: at these sizes the log has signed these roots, each with the name of what holds it."""
        self._read = read
        self._roots = roots
        self._faults = faults
        self._open: dict[int, list[Hash]] = {}  # by level: the hashes of the tile being filled
        self._done: dict[int, int] = {}  # by level: how many of its tiles are full
        self._sizes = deque(sorted(roots))  # those that have not been reached
        self._tiles = CompactRange()  # the tree above the full tiles of level 0
        self.edge = CompactRange()
        self._check_roots()

    def add(self, leaves: Sequence[Hash], root: Hash | None = None) -> None:
        """Grow by one batch of at most 256 leaves, begun at a multiple of 256; `root` is theirs, if it is known."""
        start = self.edge.size
        while self._sizes and self._sizes[0] < start + len(leaves):
            self.edge = self.edge.extend(leaves[self.edge.size - start : self._sizes[0] - start])
            self._check_roots()
        if len(leaves) == TILE_WIDTH:
            whole = root or root_of(leaves)
            # Above full tiles the tree is the tree of their roots.
            self._tiles = self._tiles.append(whole)
            self.edge = CompactRange(self._tiles.size * TILE_WIDTH, self._tiles.hashes)
            self._put(1, whole)
        else:
            self.edge = self.edge.extend(leaves[self.edge.size - start :])
        self._check_roots()

    def finish(self) -> None:
        """Look at the tiles that never became full, and at roots that were signed beyond the last entry."""
        for level, hashes in sorted(self._open.items()):
            if hashes:
                self._check_tile(level, hashes)
        for size, signed in sorted(self._roots.items()):
            if size > self.edge.size:
                for name, _root in signed:
                    self._faults.add("checkpoint", size, f"{name} signs {size} entries, {self.edge.size} are here")

    def _put(self, level: int, one: Hash) -> None:
        hashes = self._open.setdefault(level, [])
        hashes.append(one)
        if len(hashes) == TILE_WIDTH:
            self._check_tile(level, hashes)
            self._open[level] = []
            self._done[level] = self._done.get(level, 0) + 1
            self._put(level + 1, root_of(hashes))

    def _check_tile(self, level: int, expected: Sequence[Hash]) -> None:
        tile = Tile(level, self._done.get(level, 0), len(expected))
        for at, (one, stored) in enumerate(zip(expected, self._read(tile), strict=True)):
            if one != stored:
                width = TILE_WIDTH**level
                first = (tile.index * TILE_WIDTH + at) * width
                state = "is missing" if stored is None else "is another than its entries give"
                covered = f"hash {at}, over the entries {first} to {first + width - 1},"
                self._faults.add("tile", tile_path(tile), f"{covered} {state}")

    def _check_roots(self) -> None:
        while self._sizes and self._sizes[0] <= self.edge.size:
            self._sizes.popleft()
        for name, root in self._roots.get(self.edge.size, ()):
            if root != self.edge.root():
                self._faults.add("checkpoint", self.edge.size, f"the root in {name} is another than the entries give")
