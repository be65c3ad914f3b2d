"""A receipt as a file: it holds for whoever has the policy and nothing else, and no other thing passes for one."""

import base64
import json
import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.errors import MalformedReceipt, Rejected, UnknownSigner
from ledger.merkle.errors import BadProof, MalformedTlogProof, MerkleError, NoKnownSignature, QuorumMissing
from ledger.merkle.note import format_note, parse_note_unverified
from ledger.merkle.policy import format_policy, parse_policy
from ledger.merkle.tlog_proof import TLOG_PROOF_BYTES_MAX, parse_tlog_proof
from ledger.receipts import make_receipt, read_by_code
from ledger.records import base64url
from ledger.records.check_code import check_code
from ledger.records.epochs import EpochName
from ledger.records.receipt import check_receipt, parse_receipt, write_receipt
from ledger.records.statement import parse_record
from tests.merkle.oracle import flip_bit
from tests.receipts import outsider
from tests.receipts.rig import Bureau, make_bureau

REFUSED = (MerkleError, Rejected)
FLIPS = 400  # of some hundred thousand, in the short run


def made(bureau: Bureau, record, at=None) -> bytes:
    written = make_receipt((at or bureau.civil).engine, record.record_id)
    assert written is not None
    return written


@pytest.fixture(scope="module")
def policy(calm: Bureau):
    """As a department that is not concerned writes it."""
    return calm.policy(calm.police)


@pytest.fixture(scope="module")
def approval(calm: Bureau) -> bytes:
    return made(calm, calm.record(calm.civil, "award-approved"))


@pytest.fixture(scope="module")
def spare(calm: Bureau, approval: bytes, policy) -> bytes:
    """The same with only the lines that this policy counts, and no witness more than it wants."""
    proof = parse_tlog_proof(approval)
    note = parse_note_unverified(proof.signed)
    logs = [line for line in note.unverified if line.ref in {key.ref for key in policy.log_verifiers}]
    witnesses = [line for line in note.unverified if line.ref in {key.ref for key in policy.witness_verifiers}]
    lines = [*logs, *witnesses[: policy.groups[0].threshold]]
    return replace(proof, signed=format_note(note.text, lines)).to_bytes()


# --- what holds ---


@pytest.mark.parametrize("kind", ["genesis", "enrolment", "case-submitted", "award-proposed", "award-approved"])
def test_every_record_of_a_log_has_a_receipt_that_holds(calm: Bureau, policy, kind: str):
    record = calm.record(calm.civil, kind)
    checked = check_receipt(made(calm, record), policy)
    assert checked.record == record
    assert checked.opened.checkpoint.origin == calm.civil.origin
    assert checked.signer.kid == record.kid
    assert len(checked.opened.cosignatures) >= policy.groups[0].threshold


@pytest.mark.parametrize("name", ["民政局", "财政局", "公安局"])
def test_any_member_makes_the_receipt_of_any_members_record(calm: Bureau, policy, name: str):
    node = calm.county.nodes[name]
    for owner, kind in ((calm.civil, "award-approved"), (calm.finance, "bank-result"), (calm.police, "membership")):
        record = calm.record(owner, kind)
        checked = check_receipt(made(calm, record, node), policy)
        assert (checked.record, checked.opened.checkpoint.origin) == (record, owner.origin)


def test_every_member_writes_a_policy_under_which_it_holds(calm: Bureau, approval: bytes):
    for node in calm.county.nodes.values():
        for ed25519 in (False, True):
            assert check_receipt(approval, calm.policy(node, ed25519=ed25519)).record.kind == "award-approved"


def test_it_is_the_same_for_who_reads_and_writes_it_again(approval: bytes):
    assert write_receipt(parse_receipt(approval)) == approval


def test_an_independent_verifier_agrees_about_every_record(calm: Bureau):
    """`outsider` was written from the C2SP texts: it opens our proofs with our policies, of both kinds."""
    for ed25519 in (False, True):
        policy = format_policy(calm.policy(calm.police, ed25519=ed25519))
        for node in (calm.civil, calm.finance):
            for record in calm.department(node).records():
                seen = outsider.check(made(calm, record, node), policy, record.leaf)
                assert len(seen) >= 2


def test_an_independent_verifier_refuses_what_we_refuse(calm: Bureau, approval: bytes, policy):
    text = format_policy(policy)
    leaf = calm.record(calm.civil, "award-approved").leaf
    other = calm.record(calm.civil, "award-proposed").leaf
    with pytest.raises(outsider.Wrong):
        outsider.check(approval, text, other)
    alone = text.replace(b"group quorum 2", b"group quorum all")
    outsider.check(approval, alone, leaf)
    with pytest.raises(outsider.Wrong, match="quorum"):
        outsider.check(without_witnesses(approval, keep=1), text, leaf)


@pytest.mark.parametrize("kind", ["mldsa", "ed25519"])
def test_what_torchwood_has_verified_is_what_we_read_and_write(kind: str):
    """filippo.io/torchwood 0.10.0, `VerifyProof`: this file with each of these policies, and not another leaf."""
    folder = Path(__file__).parent / "verified-by-torchwood"
    proof, policy = (folder / "x.tlog-proof").read_bytes(), (folder / f"{kind}.policy").read_bytes()
    checked = check_receipt(proof, parse_policy(policy))
    assert checked.record.record_id == "twWYjCv-dpvcaymg3POi7em7ccgUfRNn9ZKcYVI3HvE"
    assert write_receipt(parse_receipt(proof)) == proof
    assert len(outsider.check(proof, policy, checked.record.leaf)) == 4


def test_the_entry_in_it_hashes_to_the_records_name(calm: Bureau, approval: bytes):
    record = calm.record(calm.civil, "award-approved")
    extra = json.loads(parse_tlog_proof(approval).extra)
    assert extra.keys() == {"entry", "enrolment"}
    assert extra["enrolment"].keys() == {"index", "entry", "proof"}
    assert parse_record(extra["entry"].encode()).record_id == record.record_id
    assert all(len(base64.b64decode(one, validate=True)) == 32 for one in extra["enrolment"]["proof"])


def test_either_database_finds_tells_and_proves(tmp_path: Path, database_url: str):
    bureau = make_bureau(tmp_path, url=database_url)
    record = bureau.record(bureau.civil, "award-approved")
    [told] = read_by_code(bureau.civil.engine, check_code(record.leaf))
    assert (told.record, told.proven, told.own) == (record, True, True)
    assert check_receipt(made(bureau, record), bureau.policy(bureau.police)).record == record
    bureau.county.close()


# --- one flipped bit ---


def test_one_flipped_bit_is_refused(spare: bytes, policy):
    check_receipt(spare, policy)
    for bit in random.Random(8).sample(range(8 * len(spare)), FLIPS):
        with pytest.raises(REFUSED):
            check_receipt(flip_bit(spare, bit), policy)


@pytest.mark.attack
@pytest.mark.slow
def test_every_flipped_bit_is_refused(spare: bytes, policy):
    for bit in range(8 * len(spare)):
        with pytest.raises(REFUSED):
            check_receipt(flip_bit(spare, bit), policy)


def test_a_flipped_bit_in_what_nobody_counts_changes_nothing_that_is_said(approval: bytes, policy):
    """The file as it is served has lines for others' policies too; C2SP has strangers' lines ignored."""
    expected = check_receipt(approval, policy)
    ignored = 0
    for bit in random.Random(9).sample(range(8 * len(approval)), FLIPS):
        try:
            checked = check_receipt(flip_bit(approval, bit), policy)
        except REFUSED:
            continue
        ignored += 1
        assert (checked.record, checked.index, checked.signer) == (expected.record, expected.index, expected.signer)
        assert checked.opened.checkpoint == expected.opened.checkpoint
        assert checked.opened.cosigned_by <= expected.opened.cosigned_by
        assert policy.is_met(checked.opened.cosigned_by)
    assert 0 < ignored < FLIPS


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(st.data())
def test_no_other_extra_data_pass(spare: bytes, policy, data):
    proof = parse_tlog_proof(spare)
    place = data.draw(st.integers(0, len(proof.extra) - 1))
    cut = place + data.draw(st.integers(0, 3))
    extra = proof.extra[:place] + data.draw(st.binary(max_size=3)) + proof.extra[cut:]
    if extra in {proof.extra, b""}:
        return
    with pytest.raises(REFUSED):
        check_receipt(replace(proof, extra=extra).to_bytes(), policy)


# --- forged on purpose ---


def without_witnesses(data: bytes, *, keep: int) -> bytes:
    """As it would be while only so many witnesses had cosigned."""
    proof = parse_tlog_proof(data)
    note = parse_note_unverified(proof.signed)
    hosts = sorted({line.name for line in note.unverified if line.name.endswith("/witness")})[:keep]
    lines = [line for line in note.unverified if line.name.endswith("/log") or line.name in hosts]
    return replace(proof, signed=format_note(note.text, lines)).to_bytes()


def test_another_record_does_not_pass_under_this_proof(calm: Bureau, approval: bytes, policy):
    this, other = parse_receipt(approval), parse_receipt(made(calm, calm.record(calm.civil, "award-proposed")))
    swapped = replace(this, record=replace(this.record, entry=other.record.entry), enrolment=other.enrolment)
    with pytest.raises(BadProof):
        check_receipt(write_receipt(swapped), policy)
    moved = replace(this, record=replace(this.record, index=other.record.index, proof=other.record.proof))
    with pytest.raises(BadProof):
        check_receipt(write_receipt(moved), policy)


def test_a_record_of_another_log_does_not_pass(calm: Bureau, approval: bytes, policy):
    this, other = parse_receipt(approval), parse_receipt(made(calm, calm.record(calm.finance, "bank-result")))
    with pytest.raises(BadProof):
        check_receipt(write_receipt(replace(other, signed=this.signed)), policy)


@pytest.mark.parametrize("keep", [0, 1])
def test_a_checkpoint_without_a_quorum_is_not_enough(approval: bytes, policy, keep: int):
    with pytest.raises(QuorumMissing):
        check_receipt(without_witnesses(approval, keep=keep), policy)
    check_receipt(without_witnesses(approval, keep=2), policy)


def test_witnesses_without_the_log_are_not_enough(approval: bytes, policy):
    proof = parse_tlog_proof(approval)
    note = parse_note_unverified(proof.signed)
    lines = [line for line in note.unverified if not line.name.endswith("/log")]
    with pytest.raises(NoKnownSignature):
        check_receipt(replace(proof, signed=format_note(note.text, lines)).to_bytes(), policy)


def test_the_enrolment_of_another_officer_does_not_pass(calm: Bureau, approval: bytes, policy):
    this, other = parse_receipt(approval), parse_receipt(made(calm, calm.record(calm.civil, "award-proposed")))
    with pytest.raises(UnknownSigner):
        check_receipt(write_receipt(replace(this, enrolment=other.enrolment)), policy)


def test_what_puts_no_key_in_force_is_no_enrolment(calm: Bureau, approval: bytes, policy):
    this, other = parse_receipt(approval), parse_receipt(made(calm, calm.record(calm.civil, "award-proposed")))
    for logged in (this.record, other.record):
        with pytest.raises(UnknownSigner):
            check_receipt(write_receipt(replace(this, enrolment=logged)), policy)


def test_an_enrolment_that_is_not_in_the_log_does_not_pass(calm: Bureau, approval: bytes, policy):
    """An officer's key of one's own making, written into the file alone."""
    this = parse_receipt(approval)
    entry = bytearray(this.enrolment.entry)
    entry[-1] ^= 1
    for forged in (
        replace(this.enrolment, entry=bytes(entry)),
        replace(this.enrolment, index=this.enrolment.index + 1),
        replace(this.enrolment, proof=this.enrolment.proof[:-1]),
    ):
        with pytest.raises(REFUSED):
            check_receipt(write_receipt(replace(this, enrolment=forged)), policy)


@pytest.mark.parametrize(
    "extra",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"\xff",
        b'{"entry":"x"}',
        b'{"enrolment":{},"entry":"x"}',
        b'{"enrolment":{"entry":"x","index":true,"proof":[]},"entry":"x"}',
        b'{"enrolment":{"entry":"x","index":-1,"proof":[]},"entry":"x"}',
        b'{"enrolment":{"entry":"x","index":0,"proof":"AAAA"},"entry":"x"}',
        b'{"enrolment":{"entry":"x","index":0,"proof":[1]},"entry":"x"}',
        b'{"enrolment":{"entry":"x","index":0,"proof":["AAAA"]},"entry":"x"}',
        b'{"enrolment":{"entry":1,"index":0,"proof":[]},"entry":"x"}',
        '{"enrolment":{"entry":"王","index":0,"proof":[]},"entry":"x"}'.encode(),
        b'{"enrolment":{"entry":"x","index":0,"proof":[]},"entry":"x","more":1}',
        b'{"enrolment":{"entry":"x","index":0,"proof":[]}, "entry":"x"}',
        b'{"enrolment":{"entry":"x","index":0,"proof":[]},"entry":"x","entry":"y"}',
        b'{"enrolment":{"entry":"x","index":0,"proof":[]},"entry":"x","epoch":2}',
        b'{"enrolment":{"entry":"x","index":0,"proof":[]},"entry":"x","epoch":{"name":"x","number":2}}',
        b"[" * 70_000,
    ],
)
def test_extra_data_of_another_form_are_no_receipt(approval: bytes, policy, extra: bytes):
    with pytest.raises(MalformedReceipt):
        check_receipt(replace(parse_tlog_proof(approval), extra=extra).to_bytes(), policy)


def test_a_receipt_names_its_epoch_and_no_word_of_it_is_believed(approval: bytes, policy):
    plain = parse_receipt(approval)
    assert plain.epoch is None
    epoch = EpochName(2, base64url.encode(bytes(32)))
    named = write_receipt(replace(plain, epoch=epoch))
    assert parse_receipt(named).epoch == check_receipt(named, policy).epoch == epoch
    assert check_receipt(named, policy).record == check_receipt(approval, policy).record
    for number, name in ((0, epoch.name), (True, epoch.name), (1, "x"), (1, epoch.name + "A")):
        with pytest.raises(MalformedReceipt):
            parse_receipt(write_receipt(replace(plain, epoch=EpochName(number, name))))


def test_json_in_another_spelling_is_no_receipt(approval: bytes, policy):
    proof = parse_tlog_proof(approval)
    spaced = json.dumps(json.loads(proof.extra)).encode()
    with pytest.raises(MalformedReceipt):
        check_receipt(replace(proof, extra=spaced).to_bytes(), policy)


def test_extra_data_that_are_too_long_are_refused_before_they_are_read(approval: bytes, policy):
    proof = parse_tlog_proof(approval)
    longest = proof.extra[:-1] + b" " * (65_536 - len(proof.extra)) + b"}"
    with pytest.raises(MalformedReceipt, match="65535"):
        check_receipt(replace(proof, extra=longest).to_bytes(), policy)
    with pytest.raises(MalformedTlogProof):
        replace(proof, extra=bytes(300_000))


def test_a_file_of_ten_megabytes_is_refused_before_it_is_read(approval: bytes, policy):
    for padded in (approval + b"\n" * 10_000_000, b"c2sp.org/tlog-proof@v1\n" + b"A" * 10_000_000):
        with pytest.raises(MalformedTlogProof, match=str(TLOG_PROOF_BYTES_MAX)):
            check_receipt(padded, policy)


def test_a_receipt_longer_than_anybody_reads_is_not_written(approval: bytes):
    this = parse_receipt(approval)
    with pytest.raises(MalformedReceipt):
        write_receipt(replace(this, record=replace(this.record, entry=b"x" * 65_000)))
