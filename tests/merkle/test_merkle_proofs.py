import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.merkle.errors import BadProof, OutOfRange
from ledger.merkle.hashing import EMPTY_ROOT, HASH_BYTES, Hash
from ledger.merkle.proofs import (
    PROOF_HASHES_MAX,
    both_roots,
    check_consistency,
    check_inclusion,
    prove_both_roots,
    prove_consistency,
    prove_inclusion,
    root_at,
    subtree_root,
)
from tests.merkle.oracle import Nodes, Oracle, flip_bit, proof_vectors

SIZE = 300
ORACLE = Oracle()
NODES = Nodes(SIZE)
GARBAGE = Hash(b"\xa5" * HASH_BYTES)

# C2SP tlog-witness: "If the old size is zero, the consistency proof MUST be empty, because the empty tree is consistent
# with any tree". transparency-dev/merkle calls the same an error, as nothing is proven; there we follow C2SP.
OLD_SIZE_ZERO_PASSES = {
    "additional/size1-is-zero-and-does-not-equal-size2.json",
    "additional/size1-is-zero-and-size2-is-not-zero.json",
}


def hashes(proof: list[str] | None) -> list[Hash]:
    return [Hash(base64.b64decode(one)) for one in proof or []]


def root(size: int) -> Hash:
    return ORACLE.mth(0, size)


def leaf(index: int) -> Hash:
    return ORACLE.mth(index, index + 1)


@pytest.mark.parametrize(("name", "case"), proof_vectors("inclusion"))
def test_inclusion_vector(name, case):
    args = (
        case["leafIdx"],
        case["treeSize"],
        *hashes([case["leafHash"]]),
        hashes(case["proof"]),
        *hashes([case["root"]]),
    )
    if case["wantErr"]:
        with pytest.raises(BadProof):
            check_inclusion(*args)
    else:
        check_inclusion(*args)


@pytest.mark.parametrize(("name", "case"), proof_vectors("consistency"))
def test_consistency_vector(name, case):
    args = case["size1"], case["size2"], *hashes([case["root1"], case["root2"]]), hashes(case["proof"])
    if case["wantErr"] and name not in OLD_SIZE_ZERO_PASSES:
        with pytest.raises(BadProof):
            check_consistency(*args)
    else:
        check_consistency(*args)


def test_the_vectors_are_all_there():
    assert len(proof_vectors("inclusion")) > 90
    assert len(proof_vectors("consistency")) > 90


def test_every_leaf_of_every_size_is_proven_as_the_rfc_says():
    for size in range(1, SIZE + 1):
        for index in range(size):
            proof = prove_inclusion(index, size, NODES)
            assert proof == ORACLE.path(index, 0, size)
            check_inclusion(index, size, leaf(index), proof, root(size))


def test_every_older_size_of_every_size_is_proven_as_the_rfc_says():
    for size in range(1, SIZE + 1):
        for old in range(1, size + 1):
            proof = prove_consistency(old, size, NODES)
            assert proof == ORACLE.proof(old, size)
            check_consistency(old, size, root(old), root(size), proof)


def test_a_flipped_bit_in_any_hash_of_an_inclusion_proof_is_found():
    for size in range(1, SIZE + 1):
        for index in range(size):
            proof = ORACLE.path(index, 0, size)
            for place in range(len(proof)):
                bad = [*proof[:place], Hash(flip_bit(proof[place], 7 * size + 11 * index + place)), *proof[place + 1 :]]
                with pytest.raises(BadProof):
                    check_inclusion(index, size, leaf(index), bad, root(size))


@pytest.mark.parametrize(
    "sizes",
    [[*range(1, 130), 192, 255, 256, 257, 299, 300], pytest.param(range(1, SIZE + 1), marks=pytest.mark.attack)],
    ids=["some", "every"],
)
def test_a_flipped_bit_in_any_hash_of_a_consistency_proof_is_found(sizes):
    for size in sizes:
        for old in range(1, size):
            proof = ORACLE.proof(old, size)
            for place in range(len(proof)):
                bad = [*proof[:place], Hash(flip_bit(proof[place], 7 * size + 11 * old + place)), *proof[place + 1 :]]
                with pytest.raises(BadProof):
                    check_consistency(old, size, root(old), root(size), bad)


@pytest.mark.parametrize("bit", range(HASH_BYTES * 8))
def test_each_single_bit_of_leaf_roots_and_proof_counts(bit):
    proof, growth = ORACLE.path(11, 0, 23), ORACLE.proof(11, 23)
    for args in [
        (11, 23, Hash(flip_bit(leaf(11), bit)), proof, root(23)),
        (11, 23, leaf(11), proof, Hash(flip_bit(root(23), bit))),
        (11, 23, leaf(11), [Hash(flip_bit(proof[0], bit)), *proof[1:]], root(23)),
    ]:
        with pytest.raises(BadProof):
            check_inclusion(*args)
    for old_root, new_root in [(Hash(flip_bit(root(11), bit)), root(23)), (root(11), Hash(flip_bit(root(23), bit)))]:
        with pytest.raises(BadProof):
            check_consistency(11, 23, old_root, new_root, growth)


@given(st.integers(1, SIZE), st.data())
def test_a_proof_holds_at_its_own_place_only(size, data):
    index, other = data.draw(st.integers(0, size - 1)), data.draw(st.integers(-2, SIZE + 2))
    proof = ORACLE.path(index, 0, size)
    if other != index:
        with pytest.raises(BadProof):
            check_inclusion(other, size, leaf(index), proof, root(size))


@given(st.integers(2, SIZE), st.data())
def test_a_proof_with_a_hash_missing_doubled_swapped_or_added_is_refused(size, data):
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size - 1))
    for proof, check in [
        (ORACLE.path(index, 0, size), lambda bad: check_inclusion(index, size, leaf(index), bad, root(size))),
        (ORACLE.proof(old, size), lambda bad: check_consistency(old, size, root(old), root(size), bad)),
    ]:
        at = data.draw(st.integers(0, len(proof) - 1))
        mutants = [
            proof[:at] + proof[at + 1 :],
            [*proof[: at + 1], *proof[at:]],
            [*proof, GARBAGE],
            [GARBAGE, *proof],
            [*proof[:at], Hash(proof[at][:-1]), *proof[at + 1 :]],
            [*proof[:at], Hash(proof[at] + b"\0"), *proof[at + 1 :]],
        ]
        if len(proof) > 1:
            mutants.append([*proof[1:], proof[0]])
        for bad in mutants:
            with pytest.raises(BadProof):
                check(bad)


def test_a_tree_never_proves_that_it_shrank():
    with pytest.raises(BadProof):
        check_consistency(5, 4, root(5), root(4), [])
    with pytest.raises(OutOfRange):
        prove_consistency(5, 4, NODES)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 1), (5, 3)])
def test_a_leaf_that_is_not_there_has_no_proof(index, size):
    with pytest.raises(OutOfRange):
        prove_inclusion(index, size, NODES)
    with pytest.raises(BadProof):
        check_inclusion(index, size, leaf(0), [], leaf(0))


@pytest.mark.parametrize("size", [1, 2, 7, 300])
def test_from_old_size_0_the_empty_proof_and_no_other_passes(size):
    assert prove_consistency(0, size, NODES) == []
    check_consistency(0, size, EMPTY_ROOT, root(size), [])
    with pytest.raises(BadProof):
        check_consistency(0, size, EMPTY_ROOT, root(size), [root(size)])


def test_the_empty_tree_has_the_empty_root():
    assert root_at(0, NODES) == EMPTY_ROOT
    check_consistency(0, 0, EMPTY_ROOT, EMPTY_ROOT, [])
    with pytest.raises(BadProof):
        check_consistency(0, 0, GARBAGE, GARBAGE, [])


def test_equal_sizes_need_equal_roots_and_no_proof():
    check_consistency(7, 7, root(7), root(7), [])
    with pytest.raises(BadProof):
        check_consistency(7, 7, root(7), GARBAGE, [])
    with pytest.raises(BadProof):
        check_consistency(7, 7, root(7), root(7), [GARBAGE])


def test_the_written_out_proof_shows_both_roots_at_every_size():
    for size in range(2, 70):
        for old in range(1, size):
            assert both_roots(old, size, prove_both_roots(old, size, NODES)) == (root(old), root(size))


@pytest.mark.parametrize("old", [0, 8, 9])
def test_no_way_leads_from_nothing_to_itself_or_back(old):
    with pytest.raises(OutOfRange):
        prove_both_roots(old, 8, NODES)
    with pytest.raises(BadProof):
        both_roots(old, 8, [GARBAGE])


@pytest.mark.parametrize(("start", "end"), [(0, 0), (3, 2), (1, 3), (2, 5), (4, 12)])
def test_what_is_no_subtree_has_no_root(start, end):
    with pytest.raises(OutOfRange):
        subtree_root(start, end, NODES)


@given(st.integers(1, 2**62), st.data())
def test_the_longest_proof_has_63_hashes(size, data):
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    assert len(prove_inclusion(index, size, lambda _level, _index: GARBAGE)) <= PROOF_HASHES_MAX
    assert len(prove_consistency(old, size, lambda _level, _index: GARBAGE)) <= PROOF_HASHES_MAX


@given(st.integers(1, 2**40), st.data())
def test_a_proof_reads_only_complete_nodes(size, data):
    def read(level: int, index: int) -> Hash:
        assert (index + 1) << level <= size
        return GARBAGE

    prove_inclusion(data.draw(st.integers(0, size - 1)), size, read)
    prove_consistency(data.draw(st.integers(0, size)), size, read)
