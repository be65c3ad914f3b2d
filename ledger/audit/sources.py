"""Where a log can be read from for a verification: a folder or a node that serves its tiles, or the rows of a database.

Whatever is missing or not in its form is handed on as None: that it is missing is for the verification to say.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ledger.merkle.errors import MerkleError
from ledger.merkle.hashing import ENTRY_BYTES_MAX, Hash
from ledger.merkle.note import NOTE_BYTES_MAX
from ledger.merkle.tiles import TILE_BYTES, TILE_WIDTH, Bundle, Tile, bundle_path, parse_bundle, tile_hashes, tile_path
from ledger.peers.client import PeerClient

BUNDLE_BYTES_MAX = TILE_WIDTH * (ENTRY_BYTES_MAX + 2)

Fetch = Callable[[str, int], bytes | None]  # a path below the log's prefix, and how much may come; None: not there


@dataclass(frozen=True, slots=True)
class Batch:
    """Up to 256 neighbouring entries as they are stored, and the leaf hashes stored for them."""

    start: int
    leaves: Sequence[Hash | None]
    entries: Sequence[bytes | None]


class Source(Protocol):
    """A log, as somebody has it."""

    def size(self) -> int:
        """How many entries it is said to hold."""
        ...

    def notes(self) -> Sequence[bytes]:
        """Every signed checkpoint that it keeps, the one that is shown last."""
        ...

    def batch(self, bundle: Bundle) -> Batch:
        """The entries of a bundle."""
        ...

    def hashes(self, tile: Tile) -> Sequence[Hash | None]:
        """The content of a tile above level 0, one value for each hash of its width."""
        ...


class TileSource:
    """A log as files in the layout of c2sp.org/tlog-tiles."""

    def __init__(self, fetch: Fetch, size: int, note: bytes) -> None:
        """`size` is what the checkpoint `note` says, not yet believed."""
        self._fetch = fetch
        self._size = size
        self._note = note

    def size(self) -> int:
        """How many entries the checkpoint counts."""
        return self._size

    def notes(self) -> Sequence[bytes]:
        """The one checkpoint."""
        return (self._note,)

    def batch(self, bundle: Bundle) -> Batch:
        """The entries of a bundle, and the tile of level 0 above them."""
        return Batch(bundle.index * TILE_WIDTH, self.hashes(Tile(0, bundle.index, bundle.width)), self._entries(bundle))

    def hashes(self, tile: Tile) -> Sequence[Hash | None]:
        """The content of a tile, all of it None when it is not there or malformed."""
        data = self._fetch(tile_path(tile), TILE_BYTES)
        try:
            return [None] * tile.width if data is None else tile_hashes(tile, data)
        except MerkleError:
            return [None] * tile.width

    def _entries(self, bundle: Bundle) -> Sequence[bytes | None]:
        data = self._fetch(bundle_path(bundle), BUNDLE_BYTES_MAX)
        try:
            return [None] * bundle.width if data is None else parse_bundle(data, bundle.width)
        except MerkleError:
            return [None] * bundle.width


def fetch_from_folder(folder: Path) -> Fetch:
    """Read the files of a folder; a path never leads out of it, as only paths of tiles are asked for."""

    def fetch(path: str, bytes_max: int) -> bytes | None:
        try:
            with (folder / path).open("rb") as file:
                data = file.read(bytes_max + 1)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        return data if len(data) <= bytes_max else None

    return fetch


def fetch_from_node(client: PeerClient, prefix: str) -> Fetch:
    """Ask a node, below the URL at which its checkpoint stands; raises PeerUnreachable when it does not answer."""

    def fetch(path: str, bytes_max: int) -> bytes | None:
        return client.get_if_any(f"{prefix}/{path}", bytes_max=bytes_max)

    return fetch


def read_note(fetch: Fetch) -> bytes | None:
    """The checkpoint, None when there is none."""
    return fetch("checkpoint", NOTE_BYTES_MAX)
