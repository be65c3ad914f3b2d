"""A Rust implementation from PyPI reads our notes and checkpoints and judges our proofs, and refuses what was altered.

It knows the signature type 0x01 alone; other lines it has to pass over, as the specification says.
"""

import random

import pytest

from ledger.merkle.checkpoint import Checkpoint
from ledger.merkle.cosignature import TimedSigner, cosign
from ledger.merkle.hashing import leaf_hash, root_of
from ledger.merkle.note import add_signatures, sign_note
from ledger.merkle.proofs import prove_consistency, prove_inclusion, root_at, subtree_root

ml = pytest.importorskip("metamorphic_log", reason="metamorphic-log DID NOT READ OUR NOTES: no wheel for this machine")

SIZES = [1, 2, 3, 7, 8, 9, 64, 65, 255, 256, 257, 300]
LEAVES = [leaf_hash(b"entry %d" % index) for index in range(max(SIZES))]
SEED = 20_261_127


def node(level, index):
    return root_of(LEAVES[index << level : (index + 1) << level])


def note_of(keys, size):
    text = Checkpoint(keys.origin, size, root_at(size, node)).text()
    return sign_note(text, (keys.log[0], TimedSigner(keys.log[1], 1_790_000_000)))


def flipped(data, chance):
    bit = chance.randrange(len(data) * 8)
    return data[: bit // 8] + bytes([data[bit // 8] ^ (1 << bit % 8)]) + data[bit // 8 + 1 :]


@pytest.mark.parametrize("size", SIZES)
def test_it_reads_our_checkpoint_with_all_its_cosignatures(node_keys, size):
    note = note_of(node_keys, size)
    text = note.decode().partition("\n\n")[0] + "\n"
    lines = [cosign(text, 1_790_000_001, key) for key in (*node_keys.witness, *node_keys.mirror)]
    read = ml.checkpoint_verify(add_signatures(note, lines).decode(), node_keys.log_vkeys[:1])
    assert (read.origin, read.size, read.root, read.extensions) == (node_keys.origin, size, root_at(size, node), [])


def test_it_refuses_a_checkpoint_with_one_bit_flipped(node_keys):
    chance, note = random.Random(SEED), note_of(node_keys, 300)
    end_of_first_line = note.index(b"\n", note.index("—".encode()))
    for _ in range(200):
        altered = flipped(note[:end_of_first_line], chance) + note[end_of_first_line:]
        with pytest.raises((ml.VerifyError, UnicodeDecodeError)):
            ml.checkpoint_verify(altered.decode(), node_keys.log_vkeys[:1])


@pytest.mark.parametrize("size", SIZES)
def test_it_believes_our_inclusion_proofs_and_none_with_a_bit_flipped(size):
    chance, root = random.Random(f"{SEED} {size}"), root_at(size, node)
    for index in range(size):
        proof = [bytes(one) for one in prove_inclusion(index, size, node)]
        ml.verify_inclusion(index, size, LEAVES[index], proof, root)
        if proof:
            at = chance.randrange(len(proof))
            altered = [*proof[:at], flipped(proof[at], chance), *proof[at + 1 :]]
            with pytest.raises(ml.VerifyError):
                ml.verify_inclusion(index, size, LEAVES[index], altered, root)


@pytest.mark.parametrize("size", SIZES)
def test_it_believes_our_consistency_proofs_and_none_with_a_bit_flipped(size):
    chance, root = random.Random(f"{SEED} {size}"), root_at(size, node)
    for old in range(1, size):
        proof = [bytes(one) for one in prove_consistency(old, size, node)]
        older = root_at(old, node)
        ml.verify_consistency(old, size, proof, older, root)
        at = chance.randrange(len(proof))
        altered = [*proof[:at], flipped(proof[at], chance), *proof[at + 1 :]]
        with pytest.raises(ml.VerifyError):
            ml.verify_consistency(old, size, altered, older, root)
    assert subtree_root(0, size, node) == root
