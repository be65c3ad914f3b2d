"""Proves that an entry is in a tree, and that a tree only grew, with about log2(size) hashes.

A proof is made from complete subtrees, which never change once they exist, and is checked with nothing but the roots.
"""

from collections.abc import Callable, Sequence

from ledger.merkle.errors import BadProof, OutOfRange
from ledger.merkle.hashing import EMPTY_ROOT, HASH_BYTES, Hash, join_subtrees, node_hash

# The node at (level, index): the root of the complete subtree of leaves [index * 2**level, (index + 1) * 2**level).
ReadNode = Callable[[int, int], Hash]

PROOF_HASHES_MAX = 63  # tlog-witness; enough for trees of up to 2**62 leaves


def subtree_root(start: int, end: int, read: ReadNode) -> Hash:
    """Return the root over the leaves [start, end), as RFC 6962 splits trees.

    `start` must be a multiple of the least power of two that is not below `end - start`.
    """
    width = end - start
    if width < 1 or start % (1 << (width - 1).bit_length()):
        raise OutOfRange(f"leaves {start} to {end} are no subtree")
    subtrees = []
    for level in reversed(range(width.bit_length())):
        if width >> level & 1:
            subtrees.append(read(level, start >> level))
            start += 1 << level
    return join_subtrees(subtrees)


def root_at(size: int, read: ReadNode) -> Hash:
    """Return the root that the tree had at this size."""
    return subtree_root(0, size, read) if size else EMPTY_ROOT


def prove_inclusion(index: int, size: int, read: ReadNode) -> list[Hash]:
    """Return the siblings from leaf `index` up to the root of the tree of `size` (RFC 6962 section 2.1.1)."""
    if not 0 <= index < size:
        raise OutOfRange(f"a tree of size {size} has no leaf {index}")
    start, end = 0, size
    siblings = []
    while end - start > 1:
        middle = start + _left_width(end - start)
        if index < middle:
            siblings.append(subtree_root(middle, end, read))
            end = middle
        else:
            siblings.append(subtree_root(start, middle, read))
            start = middle
    return siblings[::-1]


def check_inclusion(index: int, size: int, leaf: Hash, proof: Sequence[Hash], root: Hash) -> None:
    """Check that `leaf` stands at `index` in the tree of `size` with this root; raise BadProof if not proven."""
    if inclusion_root(index, size, leaf, proof) != root:
        raise BadProof(f"leaf {index} of {size}: the proof leads to another root")


def inclusion_root(index: int, size: int, leaf: Hash, proof: Sequence[Hash]) -> Hash:
    """Return the root that the tree must have if leaf and proof are true."""
    if not 0 <= index < size:
        raise BadProof(f"a tree of size {size} has no leaf {index}")
    # Up to where the paths to this leaf and to the last one part, siblings stand on both sides; above, only left.
    inner = (index ^ (size - 1)).bit_length()
    _check_shape(proof, inner + (index >> inner).bit_count())
    _check_hashes((leaf,))  # in a tree of one, the leaf itself is the root: a short one would match a short one
    return _climb_border(_climb_inner(leaf, index, proof[:inner]), proof[inner:])


def prove_consistency(old: int, size: int, read: ReadNode) -> list[Hash]:
    """Return the hashes that lead from the root at `old` to the root at `size` (RFC 6962 section 2.1.2).

    Empty when there is nothing to prove: the tree was empty (C2SP tlog-witness), or has not grown.
    """
    if not 0 <= old <= size:
        raise OutOfRange(f"a tree of size {size} never had size {old}")
    if old in {0, size}:
        return []
    hashes = prove_both_roots(old, size, read)
    # The subtree from which the way starts is the older root itself, and the verifier has that.
    return hashes[1:] if _is_power_of_two(old) else hashes


def prove_both_roots(old: int, size: int, read: ReadNode) -> list[Hash]:
    """Return a consistency proof with its first subtree always written out, for `both_roots` to read.

    Unlike `prove_consistency` it shows what the older root *would* have been, and so proves that a log forked.
    """
    if not 0 < old < size:
        raise OutOfRange(f"no way leads from size {old} to size {size}")
    start, end = 0, size
    hashes = []
    while end != old:
        middle = start + _left_width(end - start)
        if old <= middle:
            hashes.append(subtree_root(middle, end, read))
            end = middle
        else:
            hashes.append(subtree_root(start, middle, read))
            start = middle
    return [subtree_root(start, end, read), *reversed(hashes)]


def check_consistency(old: int, size: int, old_root: Hash, root: Hash, proof: Sequence[Hash]) -> None:
    """Check that the tree of `size` begins with the tree of `old`; raise BadProof if not proven.

    At `old` 0 there is nothing to begin with: the empty proof passes, and `old_root` is not looked at.
    """
    if not 0 <= old <= size:
        raise BadProof(f"a tree of size {size} never had size {old}")
    if size == 0 and root != EMPTY_ROOT:
        raise BadProof("the empty tree has another root")
    if old in {0, size}:
        _check_shape(proof, 0)
        if old == size and old_root != root:
            raise BadProof(f"two roots for size {size}")
        return
    found_old, found = both_roots(old, size, [old_root, *proof] if _is_power_of_two(old) else proof)
    if found_old != old_root or found != root:
        raise BadProof(f"size {old} to {size}: the proof leads to another root")


def both_roots(old: int, size: int, proof: Sequence[Hash]) -> tuple[Hash, Hash]:
    """Return the older and the newer root that such a proof (see `prove_both_roots`) leads to."""
    if not 0 < old < size:
        raise BadProof(f"no way leads from size {old} to size {size}")
    # The way starts at the last complete subtree of the older tree, `level` above the leaves, at `index` there.
    level = (old & -old).bit_length() - 1
    index, last = (old - 1) >> level, (size - 1) >> level
    inner = (index ^ last).bit_length()
    _check_shape(proof, 1 + inner + (index >> inner).bit_count())
    start, *path = proof
    older = _climb_border(_climb_inner_left(start, index, path[:inner]), path[inner:])
    newer = _climb_border(_climb_inner(start, index, path[:inner]), path[inner:])
    return older, newer


def _left_width(width: int) -> int:
    """RFC 6962: the left subtree holds the largest power of two smaller than the whole."""
    return 1 << (width - 1).bit_length() - 1


def _is_power_of_two(number: int) -> bool:
    return number.bit_count() == 1


def _check_shape(proof: Sequence[Hash], expected: int) -> None:
    if len(proof) != expected:
        raise BadProof(f"a proof of {len(proof)} hashes where {expected} belong")
    _check_hashes(proof)


def _check_hashes(hashes: Sequence[Hash]) -> None:
    if any(len(one) != HASH_BYTES for one in hashes):
        raise BadProof(f"a hash has not {HASH_BYTES} bytes")


def _climb_inner(node: Hash, index: int, siblings: Sequence[Hash]) -> Hash:
    for level, sibling in enumerate(siblings):
        node = node_hash(sibling, node) if index >> level & 1 else node_hash(node, sibling)
    return node


def _climb_inner_left(node: Hash, index: int, siblings: Sequence[Hash]) -> Hash:
    """Climb as the older tree did: what stands to the right had not been written yet."""
    return _climb_border(node, [sibling for level, sibling in enumerate(siblings) if index >> level & 1])


def _climb_border(node: Hash, siblings: Sequence[Hash]) -> Hash:
    for sibling in siblings:
        node = node_hash(sibling, node)
    return node
