import base64
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.merkle.checkpoint import Checkpoint
from ledger.merkle.cosignature import TimedSigner
from ledger.merkle.errors import (
    BadProof,
    BadSignature,
    MalformedNote,
    MalformedTlogProof,
    MerkleError,
    NoKnownSignature,
    QuorumMissing,
)
from ledger.merkle.hashing import EMPTY_ROOT, Hash
from ledger.merkle.note import Ed25519Signer, SignatureLine, Signer, add_signatures, sign_note
from ledger.merkle.policy import Policy, PolicyGroup, PolicyLog, PolicyWitness
from ledger.merkle.proofs import prove_inclusion
from ledger.merkle.tlog_proof import (
    EXTRA_BYTES_MAX,
    TLOG_PROOF_BYTES_MAX,
    TlogProof,
    check_tlog_proof,
    parse_tlog_proof,
)
from tests.merkle.oracle import flip_bit, literal_vectors
from tests.merkle.people import (
    CHECKPOINT,
    LOG,
    LOG_MLDSA,
    LOGS,
    MIRROR_MLDSA,
    NODES,
    NOW,
    SIGNED,
    SIZE,
    STRANGER,
    TEXT,
    WITNESS,
    WITNESS_MLDSA,
)

CASES = literal_vectors()["tlog_proof"]
INDEX = 11
LEAF = NODES(0, INDEX)
PROOF = TlogProof(INDEX, tuple(prove_inclusion(INDEX, SIZE, NODES)), SIGNED, b"extra")
POLICY = Policy(
    tuple(PolicyLog(log) for log in LOGS),
    (
        PolicyWitness("ed", WITNESS.verifier),
        PolicyWitness("ml", WITNESS_MLDSA.verifier),
        PolicyWitness("m", MIRROR_MLDSA.verifier),
    ),
    (PolicyGroup("two", 2, ("ed", "ml", "m")),),
    "two",
)
PROOFS = st.builds(
    TlogProof,
    st.integers(0, 2**63 - 1),
    st.lists(st.binary(min_size=32, max_size=32).map(Hash), max_size=63).map(tuple),
    st.binary(min_size=1, max_size=50),
    st.binary(max_size=50),
)


@given(PROOFS)
def test_a_proof_is_read_back(proof):
    assert parse_tlog_proof(proof.to_bytes()) == proof


@pytest.mark.parametrize("case", CASES["marshal"])
def test_proofs_are_written_as_transparency_dev_writes_them(case):
    hashes = tuple(Hash(base64.b64decode(one)) for one in case["hashes"])
    proof = TlogProof(case["index"], hashes, case["checkpoint"].encode(), base64.b64decode(case.get("extra", "")))
    assert proof.to_bytes().decode() == case["want"]
    assert parse_tlog_proof(case["want"].encode()) == proof


@pytest.mark.parametrize("text", CASES["invalid"], ids=range(len(CASES["invalid"])))
def test_proofs_that_transparency_dev_refuses_are_refused(text):
    with pytest.raises(MalformedTlogProof):
        parse_tlog_proof(text.encode())


@pytest.mark.parametrize(
    "change",
    [
        lambda data: b"",
        lambda data: b"\n" + data,
        lambda data: data.replace(b"@v1", b"@v2"),
        lambda data: data.replace(b"@v1\n", b"@v1 \n"),
        lambda data: data.replace(b"\n", b"\r\n"),
        lambda data: data.replace(b"extra ZXh0cmE=", b"extra "),
        lambda data: data.replace(b"extra ZXh0cmE=", b"extra ZXh0cmE"),
        lambda data: data.replace(b"extra ZXh0cmE=", b"extra ZXh0cmF="),
        lambda data: data.replace(b"extra ZXh0cmE=\n", b"extra ZXh0cmE=\nextra ZXh0cmE=\n"),
        lambda data: data.replace(b"index 11", b"index 011"),
        lambda data: data.replace(b"index 11", b"index +11"),
        lambda data: data.replace(b"index 11", b"index  11"),
        lambda data: data.replace(b"index 11", b"index 9223372036854775808"),
        lambda data: data.replace(b"index 11\n", b""),
        lambda data: data.replace(b"index 11\n", b"index 11\nindex 11\n"),
        lambda data: data.replace(b"=\n\n", b"\n\n"),
        lambda data: data.replace(b"=\n\n", b"=\nAAAA\n\n"),
        lambda data: data.replace(b"index 11\n", b"index 11\n" + b"A" * 43 + b"=\n" * 1 + (b"A" * 43 + b"=\n") * 60),
        lambda data: data[: data.index(b"\n\n")],
        lambda data: data[: data.index(b"\n\n") + 2],
        lambda data: data + bytes(TLOG_PROOF_BYTES_MAX),
    ],
)
def test_a_proof_has_one_spelling(change):
    data = PROOF.to_bytes()
    assert change(data) != data
    with pytest.raises(MalformedTlogProof):
        parse_tlog_proof(change(data))


@pytest.mark.parametrize(
    ("index", "hashes", "signed", "extra"),
    [
        (-1, (), b"x", b""),
        (2**63, (), b"x", b""),
        (0, (EMPTY_ROOT,) * 64, b"x", b""),
        (0, (Hash(b""),), b"x", b""),
        (0, (), b"", b""),
        (0, (), b"x", bytes(EXTRA_BYTES_MAX + 1)),
    ],
)
def test_a_proof_that_cannot_be_is_not_built(index, hashes, signed, extra):
    with pytest.raises(MalformedTlogProof):
        TlogProof(index, hashes, signed, extra)


def test_the_largest_proof_is_read_back():
    largest = TlogProof(2**63 - 1, (EMPTY_ROOT,) * 63, b"x" * 512 * 1024, bytes(EXTRA_BYTES_MAX))
    assert parse_tlog_proof(largest.to_bytes()) == largest


def test_a_leaf_that_was_logged_and_seen_by_a_quorum_is_believed():
    opened = check_tlog_proof(parse_tlog_proof(PROOF.to_bytes()), LEAF, POLICY)
    assert opened.checkpoint == CHECKPOINT


def test_the_extra_data_proves_nothing():
    check_tlog_proof(replace(PROOF, extra=b"anything"), LEAF, POLICY)


@pytest.mark.parametrize(
    "bad",
    [
        replace(PROOF, index=INDEX + 1),
        replace(PROOF, index=SIZE),
        replace(PROOF, hashes=PROOF.hashes[1:]),
        replace(PROOF, hashes=(*PROOF.hashes, EMPTY_ROOT)),
        replace(PROOF, hashes=PROOF.hashes[::-1]),
    ],
)
def test_a_leaf_that_is_not_proven_is_not_believed(bad):
    with pytest.raises(BadProof):
        check_tlog_proof(bad, LEAF, POLICY)


@given(st.integers(0, SIZE * 256 - 1))
def test_another_leaf_is_not_believed(bit):
    with pytest.raises(BadProof):
        check_tlog_proof(PROOF, Hash(flip_bit(LEAF, bit)), POLICY)
    if bit % SIZE != INDEX:
        with pytest.raises(BadProof):
            check_tlog_proof(PROOF, NODES(0, bit % SIZE), POLICY)


def signed_by(*signers: Signer) -> TlogProof:
    return replace(PROOF, signed=sign_note(TEXT, signers))


@pytest.mark.parametrize("signers", [[], [TimedSigner(WITNESS, NOW)], [STRANGER]])
def test_too_few_witnesses_are_no_quorum(signers):
    with pytest.raises(QuorumMissing):
        check_tlog_proof(signed_by(LOG, *signers), LEAF, POLICY)


def test_the_same_witness_twice_is_one_witness():
    lines = [TimedSigner(WITNESS, NOW), TimedSigner(WITNESS, NOW + 1), TimedSigner(WITNESS, NOW + 2)]
    with pytest.raises(QuorumMissing):
        check_tlog_proof(signed_by(LOG, *lines), LEAF, POLICY)


def test_witnesses_without_the_log_are_not_enough():
    with pytest.raises(NoKnownSignature):
        check_tlog_proof(signed_by(TimedSigner(WITNESS, NOW), TimedSigner(WITNESS_MLDSA, NOW)), LEAF, POLICY)


def test_a_log_outside_the_policy_is_not_believed():
    foreign = Checkpoint(STRANGER.name, CHECKPOINT.size, CHECKPOINT.root).text()
    signers: list[Signer] = [STRANGER, TimedSigner(WITNESS, NOW), TimedSigner(WITNESS_MLDSA, NOW)]
    with pytest.raises(NoKnownSignature):
        check_tlog_proof(replace(PROOF, signed=sign_note(foreign, signers)), LEAF, POLICY)
    renamed = Ed25519Signer(STRANGER.name, LOG.private_key)
    with pytest.raises(NoKnownSignature):
        check_tlog_proof(replace(PROOF, signed=sign_note(foreign, [renamed, *signers[1:]])), LEAF, POLICY)


def test_a_bad_line_of_a_witness_of_the_policy_spoils_the_proof():
    forged = SignatureLine(MIRROR_MLDSA.name, MIRROR_MLDSA.verifier.key_id, bytes(2428))
    with pytest.raises(BadSignature):
        check_tlog_proof(replace(PROOF, signed=add_signatures(SIGNED, [forged])), LEAF, POLICY)


def test_a_checkpoint_that_is_no_note_is_refused():
    with pytest.raises(MalformedNote):
        check_tlog_proof(replace(PROOF, signed=b"checkpoint\n"), LEAF, POLICY)


def test_the_logs_ml_dsa_key_alone_carries_the_proof():
    signers = [TimedSigner(LOG_MLDSA, NOW), TimedSigner(WITNESS, NOW), TimedSigner(WITNESS_MLDSA, NOW)]
    check_tlog_proof(signed_by(*signers), LEAF, POLICY)


@given(st.data())
def test_no_mutated_proof_is_accepted_for_another_leaf_or_place(data):
    raw = PROOF.to_bytes()
    place = data.draw(st.integers(0, len(raw) - 1))
    mutated = raw[:place] + data.draw(st.binary(max_size=2)) + raw[place + data.draw(st.integers(0, 2)) :]
    try:
        proof = parse_tlog_proof(mutated)
        opened = check_tlog_proof(proof, LEAF, POLICY)
    except MerkleError:
        return
    assert (proof.index, proof.hashes, opened.checkpoint) == (INDEX, PROOF.hashes, CHECKPOINT)
    assert POLICY.is_met(opened.cosigned_by)
