import pytest
from cryptography.exceptions import InvalidSignature
from hypothesis import given
from hypothesis import strategies as st

from ledger.merkle.add_checkpoint import ADD_CHECKPOINT_BYTES_MAX, AddCheckpoint, parse_add_checkpoint
from ledger.merkle.checkpoint import Checkpoint
from ledger.merkle.cosignature import open_cosigned, parse_checkpoint_unverified
from ledger.merkle.errors import BadProof, BadSignature, MalformedRequest
from ledger.merkle.hashing import EMPTY_ROOT, Hash
from ledger.merkle.note import SignatureKind, Verifier
from ledger.merkle.proofs import PROOF_HASHES_MAX, check_consistency
from tests.merkle.oracle import literal_vectors
from tests.merkle.people import SIGNED

CASES = literal_vectors()["witness_add_checkpoint"]
LOG = Verifier(CASES["log_origin"], SignatureKind.ED25519, bytes.fromhex(CASES["log_ed25519_public_key_hex"]))
HASHES = st.lists(st.binary(min_size=32, max_size=32).map(Hash), max_size=PROOF_HASHES_MAX).map(tuple)
BODY = AddCheckpoint(5, (EMPTY_ROOT, EMPTY_ROOT), SIGNED).to_bytes()


class Witness:
    """The checks of tlog-witness in their order, out of the pieces that the package offers."""

    def __init__(self) -> None:
        self.seen = Checkpoint(LOG.name, 0, EMPTY_ROOT)

    def answer(self, body: bytes) -> tuple[int, str]:
        try:
            request = parse_add_checkpoint(body)
            if parse_checkpoint_unverified(request.signed).origin != LOG.name:
                return 404, ""
            checkpoint = open_cosigned(request.signed, [LOG]).checkpoint
            if request.old > checkpoint.size:
                return 400, ""
            if request.old != self.seen.size:
                return 409, f"{self.seen.size}\n"
            check_consistency(request.old, checkpoint.size, self.seen.root, checkpoint.root, request.proof)
        except MalformedRequest:
            return 400, ""
        except BadSignature:
            return 403, ""
        except BadProof:
            return 422, ""
        self.seen = checkpoint
        return 200, ""


def test_the_nine_steps_of_litewitness_are_answered_as_the_specification_says():
    witness = Witness()
    for number, step in enumerate(CASES["steps"]):
        status, body = witness.answer(step["req"].encode())
        assert status == step["status"], (number, step.get("why"))
        assert body == step.get("body", body)
    assert witness.seen.size == 5


def test_of_two_requests_from_the_same_size_the_later_one_conflicts():
    held, first = Witness(), Witness()
    for step in CASES["steps"][:1]:
        assert held.answer(step["req"].encode()) == first.answer(step["req"].encode()) == (200, "")
    request = parse_add_checkpoint(CASES["steps"][6]["req"].encode())
    checkpoint = parse_checkpoint_unverified(request.signed)
    check_consistency(1, checkpoint.size, held.seen.root, checkpoint.root, request.proof)
    assert checkpoint.root.hex() == CASES["race"].split()[-1]


@given(st.integers(0, 2**63 - 1), HASHES)
def test_a_request_is_read_back(old, proof):
    request = AddCheckpoint(old, proof, SIGNED)
    assert parse_add_checkpoint(request.to_bytes()) == request


@pytest.mark.parametrize(
    "change",
    [
        lambda body: b"",
        lambda body: b"\n",
        lambda body: b"\n\n" + SIGNED,
        lambda body: body.replace(b"old 5", b"old 05"),
        lambda body: body.replace(b"old 5", b"old +5"),
        lambda body: body.replace(b"old 5", b"old -5"),
        lambda body: body.replace(b"old 5", b"old  5"),
        lambda body: body.replace(b"old 5", b"old 5 "),
        lambda body: body.replace(b"old 5", b"old"),
        lambda body: body.replace(b"old 5", b"Old 5"),
        lambda body: body.replace(b"old 5", b"new 5"),
        lambda body: body.replace(b"old 5", b"old 9223372036854775808"),
        lambda body: body.replace(b"old 5", "old ５".encode()),
        lambda body: body.replace(b"old 5\n", b"old 5\r\n"),
        lambda body: body.replace(b"old 5\n", b""),
        lambda body: body.replace(b"old 5\n", b"old 5\nold 5\n"),
        lambda body: body.replace(b"old 5\n", b"old 5\nAAAA\n"),
        lambda body: body.replace(b"=\n", b"\n", 1),
        lambda body: body.replace(b"=\n", b"= \n", 1),
        lambda body: body.replace(b"\n\n", b"\n", 1),
        lambda body: body.replace(b"\n\n", b"\n\n\n", 1),
        lambda body: body.removesuffix(SIGNED),
        lambda body: body[:-1],
        lambda body: body + b"\n",
        lambda body: b"\xef\xbb\xbf" + body,
        lambda body: body.replace(b"\n23\n", b"\n023\n"),
    ],
)
def test_a_request_has_one_spelling(change):
    assert change(BODY) != BODY
    with pytest.raises(MalformedRequest):
        parse_add_checkpoint(change(BODY))


def test_63_hashes_are_read_and_64_are_not():
    line = b"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
    assert len(parse_add_checkpoint(b"old 1\n" + line * 63 + b"\n" + SIGNED).proof) == 63
    with pytest.raises(MalformedRequest):
        parse_add_checkpoint(b"old 1\n" + line * 64 + b"\n" + SIGNED)


@pytest.mark.parametrize(("old", "proof"), [(-1, ()), (2**63, ()), (1, (Hash(b""),)), (1, (EMPTY_ROOT,) * 64)])
def test_a_request_that_cannot_be_is_not_built(old, proof):
    with pytest.raises(MalformedRequest):
        AddCheckpoint(old, proof, SIGNED)


@pytest.mark.parametrize(
    "body",
    [bytes(ADD_CHECKPOINT_BYTES_MAX + 1), b"old 1\n" + b"A" * 5000 + b"\n\n" + SIGNED],
    ids=["whole", "a hash"],  # a signature is another one in each process, and names no test
)
def test_an_oversized_request_is_refused(body):
    with pytest.raises(MalformedRequest):
        parse_add_checkpoint(body)


@given(st.binary(max_size=120))
def test_any_bytes_are_refused_by_name(data):
    with pytest.raises(MalformedRequest):
        parse_add_checkpoint(data)


@given(st.data())
def test_a_mutated_request_is_refused_or_says_what_it_says(data):
    place = data.draw(st.integers(0, len(BODY) - 1))
    mutated = BODY[:place] + data.draw(st.binary(max_size=2)) + BODY[place + data.draw(st.integers(0, 2)) :]
    try:
        request = parse_add_checkpoint(mutated)
    except MalformedRequest:
        return
    assert request.to_bytes() == mutated


def test_the_key_of_the_log_in_the_vectors_is_the_one_that_signed():
    step = CASES["steps"][0]["req"].encode()
    try:
        open_cosigned(parse_add_checkpoint(step).signed, [LOG])
    except (BadSignature, InvalidSignature):
        pytest.fail("the log's key does not verify its own first checkpoint")
