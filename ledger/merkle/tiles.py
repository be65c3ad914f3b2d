"""Cuts the tree into tiles of 256 hashes, files that never change once they are full (c2sp.org/tlog-tiles)."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, TypeVar

from ledger.merkle.encoding import SIZE_MAX
from ledger.merkle.errors import EntryTooLong, MalformedTile, OutOfRange
from ledger.merkle.hashing import ENTRY_BYTES_MAX, HASH_BYTES, CompactRange, Hash, node_hash, root_of, split_hashes
from ledger.merkle.proofs import ReadNode

TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT
TILE_BYTES = TILE_WIDTH * HASH_BYTES
LEVEL_MAX = 63  # what the specification allows in a path; a tree of SIZE_MAX ends at level 7

_LENGTH_BYTES = 2
_TILE_PATH = re.compile(r"tile/(0|[1-9][0-9]?)/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?", re.ASCII)
_BUNDLE_PATH = re.compile(r"tile/entries/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Tile:
    """One tile: `width` hashes, each over 256**level leaves, the first of them number 256 * index of that level."""

    level: int
    index: int
    width: int = TILE_WIDTH

    def __post_init__(self) -> None:
        if not 0 <= self.level <= LEVEL_MAX:
            raise MalformedTile(f"no tile has level {self.level}")
        _check_place(self.index, self.width)

    @property
    def is_full(self) -> bool:
        """A full tile never changes; a partial one is replaced by its wider successors."""
        return self.width == TILE_WIDTH


@dataclass(frozen=True, slots=True)
class Bundle:
    """The `width` entries under the tile of level 0 with the same index."""

    index: int
    width: int = TILE_WIDTH

    def __post_init__(self) -> None:
        _check_place(self.index, self.width)


class Leaves(NamedTuple):
    """The leaf hashes of new entries."""

    hashes: Sequence[Hash]
    # Where the entries fill full tiles behind full tiles: the root of each. Nothing below need be hashed again.
    roots: Sequence[Hash] = ()

    def behind(self, edge: CompactRange) -> CompactRange:
        """The tree with these leaves behind those that it has."""
        if not self.roots:
            return edge.extend(self.hashes)
        # Above full tiles the tree is the tree of their roots.
        tiles = CompactRange(edge.size // TILE_WIDTH, edge.hashes).extend(self.roots)
        return CompactRange(tiles.size * TILE_WIDTH, tiles.hashes)


FetchTile = Callable[[Tile], bytes]

_Place = TypeVar("_Place", Tile, Bundle)


def tile_path(tile: Tile) -> str:
    """Write where a tile is served, below the log's prefix: `tile/0/x001/x234/067.p/5`."""
    return f"tile/{tile.level}/{_place_path(tile.index, tile.width)}"


def parse_tile_path(path: str) -> Tile:
    """Read such a path; raise MalformedTile unless it is in its one spelling."""
    if not (found := _TILE_PATH.fullmatch(path)):
        raise MalformedTile(f"not a tile's path: {path[:64]!r}")
    tile = Tile(int(found[1]), _parse_index(found[2]), int(found[3] or TILE_WIDTH))
    return _same_spelling(tile, tile_path(tile), path)


def bundle_path(bundle: Bundle) -> str:
    """Write where a bundle of entries is served: `tile/entries/000.p/5`."""
    return f"tile/entries/{_place_path(bundle.index, bundle.width)}"


def parse_bundle_path(path: str) -> Bundle:
    """Read such a path; raise MalformedTile unless it is in its one spelling."""
    if not (found := _BUNDLE_PATH.fullmatch(path)):
        raise MalformedTile(f"not a bundle's path: {path[:64]!r}")
    bundle = Bundle(_parse_index(found[1]), int(found[2] or TILE_WIDTH))
    return _same_spelling(bundle, bundle_path(bundle), path)


def partial_width(size: int, level: int) -> int:
    """Return how many hashes the last tile of a level holds if it is not full; 0 if there is none."""
    return (size >> TILE_HEIGHT * level) % TILE_WIDTH


def tile_at(level: int, index: int, size: int) -> Tile:
    """Return the tile at this place as the tree of `size` has it, full or partial; raise OutOfRange if it has none."""
    width = min((size >> TILE_HEIGHT * level) - index * TILE_WIDTH, TILE_WIDTH)
    if width < 1 or index < 0:
        raise OutOfRange(f"a tree of size {size} has no tile {index} at level {level}")
    return Tile(level, index, width)


def tiles_of(size: int) -> Iterator[Tile]:
    """Go through every tile of a tree of this size, full and partial, from the leaves up."""
    return new_tiles(0, size)


def new_tiles(old: int, new: int) -> Iterator[Tile]:
    """Go through the tiles that a tree has at size `new` and did not have at size `old`."""
    if not 0 <= old <= new:
        raise OutOfRange(f"a tree of size {new} never had size {old}")
    for level in range(LEVEL_MAX):
        old_width, width = old >> TILE_HEIGHT * level, new >> TILE_HEIGHT * level
        if width == old_width:
            return  # what did not grow here did not grow above
        for index in range(old_width // TILE_WIDTH, -(-width // TILE_WIDTH)):
            yield tile_at(level, index, new)


def bundles_of(size: int) -> Iterator[Bundle]:
    """Go through every bundle of entries of a log of this size."""
    for index in range(-(-size // TILE_WIDTH)):
        yield Bundle(index, min(size - index * TILE_WIDTH, TILE_WIDTH))


def tile_hashes(tile: Tile, data: bytes) -> list[Hash]:
    """Cut a tile's content into its hashes; raise MalformedTile unless there are as many as its width says."""
    return split_hashes(_whole(tile, data))


def _whole(tile: Tile, data: bytes) -> bytes:
    if len(data) != tile.width * HASH_BYTES:
        raise MalformedTile(f"{tile_path(tile)} has {len(data)} bytes, not {tile.width * HASH_BYTES}")
    return data


def grow_tiles(size: int, leaves: Sequence[Hash], fetch: FetchTile) -> dict[Tile, bytes]:
    """Return the content of each of `new_tiles(size, size + len(leaves))`.

    Only the partial tile at the right edge of a level is fetched: nothing that is full is read or written again.
    """
    grown: dict[Tile, bytes] = {}
    level, added = 0, list(leaves)
    while added:
        edge = size >> TILE_HEIGHT * level
        data = _edge_data(level, size, fetch) + b"".join(added)
        added = []
        for at in range(0, len(data), TILE_BYTES):
            content = data[at : at + TILE_BYTES]
            tile = Tile(level, edge // TILE_WIDTH + at // TILE_BYTES, len(content) // HASH_BYTES)
            grown[tile] = content
            # A partial tile is never hashed upward: its hash would change with the next leaf.
            if tile.is_full:
                added.append(root_of(split_hashes(content)))
        level += 1
    return grown


def grow_tiles_above(size: int, leaves: Leaves, fetch: FetchTile) -> dict[Tile, bytes]:
    """Return the same of the tiles above level 0."""
    if not leaves.roots:
        return {tile: data for tile, data in grow_tiles(size, leaves.hashes, fetch).items() if tile.level}
    grown = grow_tiles(size // TILE_WIDTH, leaves.roots, lambda tile: fetch(_one_up(tile)))
    return {_one_up(tile): data for tile, data in grown.items()}


def _one_up(tile: Tile) -> Tile:
    return Tile(tile.level + 1, tile.index, tile.width)


def tile_node(fetch: FetchTile, size: int) -> ReadNode:
    """Return a reader of the tree of `size` out of its tiles, each fetched once.

    It believes what it fetches: a proof made from it holds only when it has been checked against a signed root.
    """
    fetched: dict[Tile, Sequence[Sequence[Hash]]] = {}

    def read(level: int, index: int) -> Hash:
        tile_level, height = divmod(level, TILE_HEIGHT)
        first = index << height
        tile = tile_at(tile_level, first // TILE_WIDTH, size)
        if tile not in fetched:
            data = _whole(tile, fetch(tile))
            # The few tiles above those of the leaves come again and again: what they hash to is kept.
            fetched[tile] = _kept_nodes_of(data) if tile.level else _nodes_of(data)
        at = first % TILE_WIDTH >> height
        if at >= len(fetched[tile][height]):
            raise OutOfRange(f"a tree of size {size} has no complete node {index} at level {level}")
        return fetched[tile][height][at]

    return read


def _nodes_of(data: bytes) -> list[list[Hash]]:
    """The hashes of a tile, and above them the complete nodes of each level within it."""
    levels = [split_hashes(data)]
    for _ in range(TILE_HEIGHT - 1):
        levels.append([node_hash(*pair) for pair in zip(levels[-1][::2], levels[-1][1::2], strict=False)])
    return levels


_kept_nodes_of = lru_cache(maxsize=64)(_nodes_of)  # some 32 KB each


def encode_bundle(entries: Iterable[bytes]) -> bytes:
    """Write entries one after another, each behind its length in two bytes."""
    return b"".join(_length(entry) + entry for entry in entries)


def parse_bundle(data: bytes, width: int) -> list[bytes]:
    """Read exactly `width` entries; raise MalformedTile if bytes are missing or left over."""
    entries: list[bytes] = []
    at = 0
    for _ in range(width):
        start = at + _LENGTH_BYTES
        at = start + int.from_bytes(data[at:start], "big")
        # A cut-off length reads as a smaller number, so `start` has to be looked at as well.
        if max(start, at) > len(data):
            raise MalformedTile(f"a bundle ends in its entry {len(entries)} of {width}")
        entries.append(data[start:at])
    if at != len(data):
        raise MalformedTile(f"{len(data) - at} bytes after the last entry of a bundle")
    return entries


def _check_place(index: int, width: int) -> None:
    if not 0 <= index <= SIZE_MAX // TILE_WIDTH or not 1 <= width <= TILE_WIDTH:
        raise MalformedTile(f"no tile has index {index} and width {width}")


def _place_path(index: int, width: int) -> str:
    digits = str(index)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    path = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
    return path if width == TILE_WIDTH else f"{path}.p/{width}"


def _parse_index(groups: str) -> int:
    return int(groups.replace("/", "").replace("x", ""))


def _same_spelling(value: _Place, spelled: str, path: str) -> _Place:
    if spelled != path:
        raise MalformedTile(f"{path[:64]!r} is spelled {spelled!r}")
    return value


def _edge_data(level: int, size: int, fetch: FetchTile) -> bytes:
    width = partial_width(size, level)
    if not width:
        return b""
    edge = tile_at(level, size >> TILE_HEIGHT * (level + 1), size)
    return b"".join(tile_hashes(edge, fetch(edge)))


def _length(entry: bytes) -> bytes:
    if len(entry) > ENTRY_BYTES_MAX:
        raise EntryTooLong(len(entry), ENTRY_BYTES_MAX)
    return len(entry).to_bytes(_LENGTH_BYTES, "big")
