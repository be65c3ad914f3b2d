"""What a simulated department keeps and signs with: in memory and cheap, behind the interfaces of the real ones."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from hmac import compare_digest
from pathlib import Path
from typing import Any

from ledger.high_water import HighWater, Marks
from ledger.merkle.errors import BadSignature
from ledger.merkle.hashing import CompactRange, Hash, leaf_hash, node_hash
from ledger.merkle.messages import cosignature_v1_message, join_timed, split_timed
from ledger.merkle.note import SignatureLine
from ledger.merkle.proofs import root_at
from ledger.merkle.tiles import TILE_HEIGHT, Tile
from ledger.merkle.vkeys import SignatureKind, Verifier

_MAC_BYTES = 32


class CheapVerifier(Verifier):
    """Checks a keyed hash in the place of a signature: whoever can check can also sign, which nobody here does."""

    __slots__ = ()

    def check(self, text: str, blob: bytes) -> None:
        if self.kind is SignatureKind.ED25519:
            found, message = blob, text.encode()
        else:
            time, found = split_timed(blob, _MAC_BYTES)
            message = cosignature_v1_message(text, time)
        if not compare_digest(found, _mac(self.public_key, message)):
            raise BadSignature(self.name, self.key_id)


@dataclass(frozen=True)
class CheapKey:
    """A key of a log or of a witness."""

    name: str
    kind: SignatureKind
    verifier: Verifier = field(init=False)

    def __post_init__(self) -> None:
        secret = blake2b(self.name.encode(), digest_size=32).digest()
        object.__setattr__(self, "verifier", CheapVerifier(self.name, self.kind, secret))

    def sign(self, text: str) -> SignatureLine:
        """As a log signs: a `Signer` of notes."""
        return SignatureLine(self.name, self.verifier.key_id, _mac(self.verifier.public_key, text.encode()))

    def stamp(self, text: str, time: int) -> tuple[SignatureLine, ...]:
        """As a witness cosigns."""
        mac = _mac(self.verifier.public_key, cosignature_v1_message(text, time))
        return (SignatureLine(self.name, self.verifier.key_id, join_timed(time, mac)),)


class MemoryMark(HighWater):
    """The real high-water mark, but for its file."""

    def __init__(self) -> None:
        super().__init__(Path("in-memory"))
        self._marks: Marks = {"log": None, "witness": {}, "strange": [], "waiting": False, "retiring": False}

    @contextmanager
    def _locked(self) -> Iterator[None]:
        yield

    def _read(self) -> Marks:
        return self._marks

    def _write(self, marks: Mapping[str, Any]) -> None:
        self._marks = dict(marks)


class Tree:
    """A log's entries with every complete subtree above them."""

    def __init__(self, entries: list[bytes] | None = None) -> None:
        self.entries: list[bytes] = []
        self._levels: list[list[Hash]] = [[]]
        self._roots: dict[int, Hash] = {}
        for entry in entries or ():
            self.append(entry)

    @property
    def size(self) -> int:
        return len(self.entries)

    def append(self, entry: bytes) -> None:
        self.entries.append(entry)
        node, level = leaf_hash(entry), 0
        self._levels[0].append(node)
        while len(self._levels[level]) % 2 == 0:
            node, level = node_hash(self._levels[level][-2], node), level + 1
            if level == len(self._levels):
                self._levels.append([])
            self._levels[level].append(node)

    def node(self, level: int, index: int) -> Hash:
        return self._levels[level][index]

    def root(self, size: int) -> Hash:
        """The root that it had at this size."""
        if size not in self._roots:
            self._roots[size] = root_at(size, self.node)
        return self._roots[size]

    def edge(self) -> CompactRange:
        bits = [level for level in reversed(range(self.size.bit_length())) if self.size >> level & 1]
        return CompactRange(self.size, tuple(self._levels[level][(self.size >> level) - 1] for level in bits))

    def tile(self, tile: Tile) -> bytes:
        level, first = TILE_HEIGHT * tile.level, tile.index << TILE_HEIGHT
        return b"".join(self._levels[level][first : first + tile.width]) if level < len(self._levels) else b""


def _mac(key: bytes, message: bytes) -> bytes:
    return blake2b(message, key=key, digest_size=_MAC_BYTES).digest()
