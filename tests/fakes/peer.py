"""A log that is nobody's department: grows, signs, proves, serves, and forks when told to."""

import copy
from dataclasses import dataclass, field

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.merkle.add_checkpoint import AddCheckpoint
from ledger.merkle.checkpoint import Checkpoint
from ledger.merkle.hashing import Hash, leaf_hash, root_of
from ledger.merkle.note import Ed25519Signer, format_vkey, sign_note
from ledger.merkle.proofs import ReadNode, prove_consistency
from ledger.merkle.tiles import TILE_HEIGHT, Tile, encode_bundle, parse_bundle_path, parse_tile_path


@dataclass
class FakeLog:
    """A tiled log in memory, with one Ed25519 key."""

    origin: str = "stranger.example/log"
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    entries: list[bytes] = field(default_factory=list)

    @property
    def signer(self) -> Ed25519Signer:
        return Ed25519Signer(self.origin, self.key)

    @property
    def vkey(self) -> str:
        return format_vkey(self.signer.verifier)

    def __deepcopy__(self, memo: object) -> "FakeLog":
        return FakeLog(self.origin, self.key, list(self.entries))

    def append(self, *entries: bytes) -> "FakeLog":
        self.entries += entries
        return self

    def grow(self, count: int) -> "FakeLog":
        return self.append(*(f"{self.origin} {len(self.entries) + at}".encode() for at in range(count)))

    def fork(self) -> "FakeLog":
        """Another history under the same key, from here on or, after `rewrite`, from before."""
        return copy.deepcopy(self)

    def rewrite(self, index: int, entry: bytes) -> "FakeLog":
        self.entries[index] = entry
        return self

    def node(self, level: int, index: int) -> Hash:
        leaves = [leaf_hash(entry) for entry in self.entries[index << level : (index + 1) << level]]
        return root_of(leaves)

    def read(self) -> ReadNode:
        return self.node

    def checkpoint(self, size: int | None = None) -> Checkpoint:
        size = len(self.entries) if size is None else size
        return Checkpoint(self.origin, size, root_of(leaf_hash(entry) for entry in self.entries[:size]))

    def signed(self, size: int | None = None) -> bytes:
        return sign_note(self.checkpoint(size).text(), [self.signer])

    def proof(self, old: int, size: int | None = None) -> tuple[Hash, ...]:
        return tuple(prove_consistency(old, len(self.entries) if size is None else size, self.node))

    def question(self, old: int, size: int | None = None) -> bytes:
        """The body of an add-checkpoint request."""
        return AddCheckpoint(old, self.proof(old, size), self.signed(size)).to_bytes()

    def tile(self, tile: Tile) -> bytes:
        first = tile.index << TILE_HEIGHT
        return b"".join(self.node(TILE_HEIGHT * tile.level, first + at) for at in range(tile.width))

    def site(self, request: httpx.Request) -> httpx.Response:
        """Serve it as tlog-tiles says."""
        path = request.url.path.removeprefix("/log/")
        if path == "checkpoint":
            return httpx.Response(200, content=self.signed())
        if path.startswith("tile/entries/"):
            bundle = parse_bundle_path(path)
            first = bundle.index << TILE_HEIGHT
            return httpx.Response(200, content=encode_bundle(self.entries[first : first + bundle.width]))
        if path.startswith("tile/"):
            return httpx.Response(200, content=self.tile(parse_tile_path(path)))
        return httpx.Response(404)
