"""Hashes entries into one root, so that changing, moving or dropping any of them changes it (RFC 6962 section 2.1)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NewType, Self

from ledger.merkle.errors import EntryTooLong, MalformedHash

Hash = NewType("Hash", bytes)

HASH_BYTES = 32
ENTRY_BYTES_MAX = 65535  # tlog-tiles writes an entry's length in two bytes
EMPTY_ROOT = Hash(sha256(b"").digest())

# A leaf can never pass for a node: the first byte that is hashed tells them apart.
_LEAF = b"\x00"
_NODE = b"\x01"


def as_hash(data: bytes) -> Hash:
    """Take bytes from outside as a hash; raise MalformedHash unless there are 32."""
    if len(data) != HASH_BYTES:
        raise MalformedHash(f"a hash has {HASH_BYTES} bytes, not {len(data)}")
    return Hash(data)


def split_hashes(blob: bytes) -> list[Hash]:
    """Cut hashes written one after another; raise MalformedHash if bytes are left over."""
    if len(blob) % HASH_BYTES:
        raise MalformedHash(f"{len(blob)} bytes are no whole number of hashes")
    return [Hash(blob[at : at + HASH_BYTES]) for at in range(0, len(blob), HASH_BYTES)]


def leaf_hash(entry: bytes) -> Hash:
    """Hash one entry, of at most ENTRY_BYTES_MAX bytes."""
    if len(entry) > ENTRY_BYTES_MAX:
        raise EntryTooLong(len(entry), ENTRY_BYTES_MAX)
    return Hash(sha256(_LEAF + entry).digest())


def node_hash(left: Hash, right: Hash) -> Hash:
    """Hash two neighbouring subtrees into the one that holds both."""
    return Hash(sha256(_NODE + left + right).digest())


@dataclass(frozen=True, slots=True)
class CompactRange:
    """The least one must remember of a tree to go on building it: the roots of its complete subtrees.

    There is one for each bit that is set in `size`, the largest subtree first.
    """

    size: int = 0
    hashes: tuple[Hash, ...] = ()

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.hashes) != self.size.bit_count():
            raise MalformedHash(f"{len(self.hashes)} subtrees cannot make a tree of size {self.size}")
        if any(len(subtree) != HASH_BYTES for subtree in self.hashes):
            raise MalformedHash(f"a subtree's hash has not {HASH_BYTES} bytes")

    @classmethod
    def from_bytes(cls, size: int, blob: bytes) -> Self:
        """Read what `to_bytes` wrote for a tree of this size."""
        return cls(size, tuple(split_hashes(blob)))

    def to_bytes(self) -> bytes:
        """Write the hashes one after another; the size is kept beside them."""
        return b"".join(self.hashes)

    def append(self, leaf: Hash) -> Self:
        """Return the range with one more leaf."""
        return self.extend((leaf,))

    def extend(self, leaves: Iterable[Hash]) -> Self:
        """Return the range with these leaves after those it has."""
        size, subtrees = self.size, list(self.hashes)
        for leaf in leaves:
            size += 1
            subtree = leaf
            # As in adding one to a binary number: each carry joins two complete subtrees of the same size.
            for _ in range((size & -size).bit_length() - 1):
                subtree = node_hash(subtrees.pop(), subtree)
            subtrees.append(subtree)
        return type(self)(size, tuple(subtrees))

    def root(self) -> Hash:
        """Return the root of the whole tree."""
        return join_subtrees(self.hashes)


def join_subtrees(subtrees: Sequence[Hash]) -> Hash:
    """Join complete subtrees, the largest first, into the root above them; none is the empty tree."""
    if not subtrees:
        return EMPTY_ROOT
    root = subtrees[-1]
    for left in reversed(subtrees[:-1]):
        root = node_hash(left, root)
    return root


def root_of(leaves: Iterable[Hash]) -> Hash:
    """Return the root of the tree with these leaves."""
    level = list(leaves)
    while len(level) > 1:
        # A last one that is alone goes up as it is: that is where RFC 6962 splits a tree.
        alone = level[-1:] if len(level) % 2 else []
        level = [node_hash(left, right) for left, right in zip(level[::2], level[1::2], strict=False)] + alone
    return level[0] if level else EMPTY_ROOT
