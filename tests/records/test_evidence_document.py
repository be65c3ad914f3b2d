"""A document of evidence shows what it shows to whoever has the keys, and nothing that was done to it shows more."""

import itertools
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import ForkFound, MalformedEvidence, Rejected
from ledger.merkle.cosignature import MldsaCosigner, TimedSigner
from ledger.merkle.errors import BadProof, MerkleError, NoKnownSignature
from ledger.merkle.hashing import as_hash
from ledger.merkle.note import format_vkey, parse_note_unverified, sign_note
from ledger.peers.evidence import Head, check_same_history
from ledger.records import evidence
from ledger.records.evidence import REWRITTEN, TWO_ROOTS, Evidence, Shown, check_file, format_evidence, parse_evidence
from tests.fakes.peer import FakeLog

LOG = FakeLog("peer.example/log").grow(40)
OTHER = FakeLog("other.example/log").grow(40)
FORKED = LOG.fork().rewrite(2, b"rewritten")


def head(log: FakeLog, size: int) -> Head:
    return Head(log.origin, size, log.checkpoint(size).root, log.signed(size))


def kept(small: int, large: int) -> Evidence:
    """What a node keeps: 40 records as they were signed, and another tree of the same log."""
    with pytest.raises(ForkFound) as caught:
        check_same_history(head(LOG, small), head(FORKED, large), FORKED.read())
    fork = caught.value
    return Evidence(fork.older, fork.newer, tuple(as_hash(one) for one in fork.proof))


def document(small: int, large: int) -> bytes:
    return format_evidence(evidence.make_file(kept(small, large), [LOG.signer.verifier], []))


def shows(data: bytes, *keys: Any) -> Shown | None:
    try:
        return check_file(parse_evidence(data), keys)
    except (Rejected, MerkleError):
        return None


SIZES = [(5, 5), (40, 40), (5, 40), (8, 40), (32, 33), (3, 4)]
DOCUMENTS = {sizes: document(*sizes) for sizes in SIZES}


@pytest.mark.parametrize("sizes", SIZES)
def test_it_says_which_log_signed_which_two_heads(sizes):
    small, large = sizes
    for keys in ((), (LOG.signer.verifier,), (OTHER.signer.verifier, LOG.signer.verifier)):
        found = check_file(parse_evidence(DOCUMENTS[sizes]), keys)
        assert (found.origin, found.kind) == (LOG.origin, TWO_ROOTS if small == large else REWRITTEN)
        assert {(one.size, one.root) for one in (found.older, found.newer)} == {
            (small, LOG.checkpoint(small).root),
            (large, FORKED.checkpoint(large).root),
        }
        assert found.older.signed_by == found.newer.signed_by == (LOG.signer.verifier.ref,)


def test_one_thing_has_one_document_whichever_head_was_found_first():
    one = kept(5, 5)
    turned = Evidence(one.newer, one.older)
    key = [LOG.signer.verifier]
    assert format_evidence(evidence.make_file(turned, key, [])) == DOCUMENTS[5, 5]
    said = json.loads(DOCUMENTS[5, 5])
    said["older"], said["newer"] = said["newer"], said["older"]
    assert shows(json.dumps(said).encode()) is None


def test_how_its_json_is_laid_out_carries_nothing():
    said = json.loads(DOCUMENTS[5, 40])
    for text in (json.dumps(said), json.dumps(said, indent=4, sort_keys=True), json.dumps(said, ensure_ascii=False)):
        assert shows(text.encode()) == shows(DOCUMENTS[5, 40])


def test_keys_of_others_show_nothing():
    liar = FakeLog(LOG.origin)
    assert shows(DOCUMENTS[5, 40], liar.signer.verifier) is None
    assert shows(DOCUMENTS[5, 40], OTHER.signer.verifier) is None
    with pytest.raises(NoKnownSignature):
        check_file(parse_evidence(DOCUMENTS[5, 5]), [OTHER.signer.verifier])


def test_two_heads_that_can_both_be_true_show_nothing_whatever_the_document_says():
    for small, large in ((5, 40), (5, 5), (0, 40)):
        proofs: list[list[str]] = [[], json.loads(DOCUMENTS[5, 40])["proof"]]
        for proof in proofs:
            said = json.loads(DOCUMENTS[5, 40]) | {
                "kind": TWO_ROOTS if small == large else REWRITTEN,
                "older": LOG.signed(small).decode(),
                "newer": LOG.signed(large).decode(),
                "proof": proof,
            }
            assert shows(json.dumps(said).encode()) is None
    with pytest.raises(BadProof):
        evidence.make_file(Evidence(LOG.signed(5), LOG.signed(5)), [LOG.signer.verifier], [])


def test_who_had_seen_a_head_is_told_for_the_keys_that_were_given_and_for_no_others():
    witness = MldsaCosigner("police.example/witness", MLDSA44PrivateKey.generate())
    text = LOG.checkpoint(5).text()
    signed = sign_note(text, [LOG.signer, TimedSigner(witness, 1_790_000_000)])
    made = evidence.make_file(Evidence(signed, FORKED.signed(5)), [LOG.signer.verifier], [witness.verifier])
    read = parse_evidence(format_evidence(made))
    assert [one.seen_by for one in _heads(check_file(read))] == [(), ()]
    told = check_file(read, [LOG.signer.verifier, witness.verifier])
    assert [one.time for head in _heads(told) for one in head.seen_by] == [1_790_000_000]
    with pytest.raises(NoKnownSignature):  # a witness alone is not the log
        check_file(read, [witness.verifier])


def _heads(found: Shown) -> tuple[Any, Any]:
    return found.older, found.newer


# --- nothing mutated shows something else ---


@given(st.sampled_from(SIZES), st.data())
def test_no_flipped_missing_or_added_byte_makes_it_show_something_else(sizes, data):
    raw = bytearray(DOCUMENTS[sizes])
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(raw) - 1))
        how = data.draw(st.sampled_from(("flip", "drop", "add")))
        if how == "flip":
            raw[at] ^= 1 << data.draw(st.integers(0, 7))
        elif how == "drop":
            del raw[at : at + data.draw(st.integers(1, 64))]
        else:
            raw.insert(at, data.draw(st.integers(0, 255)))
    assert shows(bytes(raw), LOG.signer.verifier) in {None, shows(DOCUMENTS[sizes])}
    assert shows(bytes(raw)) in {None, shows(DOCUMENTS[sizes])}


def _others(sizes: tuple[int, int]) -> dict[str, list[object]]:
    said, other = json.loads(DOCUMENTS[sizes]), json.loads(DOCUMENTS[8, 40])
    notes = [LOG.signed(4), LOG.signed(40), FORKED.signed(4), OTHER.signed(5), FORKED.signed(40)]
    return {
        "version": [0, 2, True, "1", None, 1.0],
        "kind": [TWO_ROOTS, REWRITTEN, "", "another", None],
        "origin": [OTHER.origin, "", LOG.origin + " ", None, 5],
        "vkeys": [[], [OTHER.vkey], [LOG.vkey, OTHER.vkey], [LOG.vkey] * 2, [FakeLog(LOG.origin).vkey], LOG.vkey, [1]],
        "older": [*(note.decode() for note in notes), said["newer"], "", None, said["older"] + "x\n"],
        "newer": [*(note.decode() for note in notes), said["older"], "", None, said["newer"] * 2],
        "proof": [[], other["proof"], said["proof"][::-1], [*said["proof"], *said["proof"]], [""], ["AA=="], None],
    }


@given(st.sampled_from(SIZES), st.data())
def test_no_exchanged_part_makes_it_show_something_else(sizes, data):
    said = json.loads(DOCUMENTS[sizes])
    for name in data.draw(st.lists(st.sampled_from(sorted(said)), min_size=1, max_size=3, unique=True)):
        said[name] = data.draw(st.sampled_from(_others(sizes)[name]))
    found = shows(json.dumps(said).encode(), LOG.signer.verifier)
    if found is None:
        return
    # Only what this log did sign, and what cannot be true together, is ever shown.
    signed = {(size, log.checkpoint(size).root) for log in (LOG, FORKED) for size in range(1, 41)}
    assert found.origin == LOG.origin
    assert {(one.size, one.root) for one in _heads(found)} <= signed
    real = json.loads(DOCUMENTS[sizes])
    if (said["older"], said["newer"]) == (real["older"], real["newer"]):
        assert found == shows(DOCUMENTS[sizes])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'{"a": 1}',
        b"\xff",
        b"{" * 5000,
        b" " * (evidence.EVIDENCE_BYTES_MAX + 1),
        DOCUMENTS[5, 40].replace(b'"version": 1', b'"version": 1, "version": 1'),
        DOCUMENTS[5, 40].replace(b'"version": 1', b'"version": 1, "more": 1'),
        DOCUMENTS[5, 40].replace(b'"version": 1', b'"version": 1.0'),
        DOCUMENTS[5, 40].replace(b'"version": 1', b'"version": true'),
        DOCUMENTS[5, 40] + b"{}",
        DOCUMENTS[5, 40][:-3],
    ],
    ids=itertools.count(),  # not by their bytes: these keys are made anew in each process
)
def test_what_is_no_document_is_refused_where_it_is_read(data):
    with pytest.raises(MalformedEvidence):
        parse_evidence(data)


def test_lists_are_read_up_to_their_bounds_and_no_further():
    said = json.loads(DOCUMENTS[5, 40])
    for name, count in (("proof", evidence.HASHES_MAX), ("vkeys", evidence.VKEYS_MAX)):
        values = said["proof"][:1] * count if name == "proof" else [FakeLog(LOG.origin).vkey for _ in range(count)]
        parse_evidence(json.dumps(said | {name: values}).encode())
        with pytest.raises(MalformedEvidence, match="at most"):
            parse_evidence(json.dumps(said | {name: [*values, values[0]]}).encode())


def test_a_line_in_another_spelling_or_twice_is_refused():
    said = json.loads(DOCUMENTS[5, 40])
    line = said["older"].rpartition("\n\n")[2]
    stranger = "— stranger.example AAAAAAE=\n"
    assert parse_note_unverified((said["older"] + stranger).encode())
    for added in (line, stranger.replace("AAAAAAE=", "AAAAAAF=")):
        with pytest.raises(MalformedEvidence, match="line"):
            parse_evidence(json.dumps(said | {"older": said["older"] + added}).encode())
    assert shows(json.dumps(said | {"older": said["older"] + stranger}).encode()) == shows(DOCUMENTS[5, 40])
    assert format_vkey(LOG.signer.verifier) == LOG.vkey
