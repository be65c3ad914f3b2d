"""Keeps the full tiles that were asked for last, so that many readers of one tile are one question to the database.

A full tile never changes. It is kept for a second all the same, and no longer than a checkpoint may be: whoever puts
another database in this one's place is not contradicted by what was read before.
"""

from collections.abc import Callable
from time import monotonic

KEPT_SECONDS = 1.0
TILES_MAX = 256  # of 8 KiB

Key = tuple[int, str]  # log id and path


class Shelf:
    """The tiles of one process; its threads share them."""

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        self._clock = clock or monotonic
        self._tiles: dict[Key, tuple[float, bytes]] = {}

    def take(self, key: Key) -> bytes | None:
        """A tile that was put here a moment ago."""
        kept = self._tiles.get(key)
        return kept[1] if kept is not None and self._clock() - kept[0] < KEPT_SECONDS else None

    def put(self, key: Key, tile: bytes) -> None:
        """Keep a tile; when there are too many, all others go."""
        if len(self._tiles) >= TILES_MAX:
            self._tiles.clear()
        self._tiles[key] = (self._clock(), tile)
