"""Cosigns what only grew, whoever asks and however it is asked."""

import json
import threading
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update

from ledger.errors import Behind
from ledger.merkle.add_checkpoint import AddCheckpoint
from ledger.merkle.cosignature import TimedSigner, open_cosigned
from ledger.merkle.hashing import EMPTY_ROOT, as_hash
from ledger.merkle.note import Verifier, add_signatures, format_vkey, parse_signature_lines, sign_note
from ledger.merkle.vkeys import SignatureKind
from ledger.peers import witness
from ledger.peers.errors import (
    Declined,
    MalformedQuestion,
    OldTooLarge,
    StaleOld,
    UnknownLog,
    UnprovenGrowth,
    Untrusted,
)
from ledger.peers.evidence import read_evidence
from ledger.peers.joining import remove_peer
from ledger.peers.strangers import add_stranger, remove_stranger
from ledger.records.evidence import check_evidence
from ledger.storage import schema
from ledger.storage.engine import reading, transaction
from tests.fakes.peer import FakeLog

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "literal-vectors.json").read_text())[
    "witness_add_checkpoint"
]


@pytest.fixture
def police(county):
    return county.police


@pytest.fixture
def stranger(police):
    log = FakeLog().grow(5)
    add_stranger(police, log.vkey)
    return log


def seen(node, origin):
    with reading(node.engine) as connection:
        return witness.last_seen(connection, origin)


def opened(node, log, answer):
    verifiers = [key.verifier for key in node.keys.witness]
    return open_cosigned(add_signatures(log.signed(), parse_signature_lines(answer)), [log.signer.verifier], verifiers)


def test_the_nine_steps_of_the_reference_witness_come_out_the_same(police):
    key = bytes.fromhex(VECTORS["log_ed25519_public_key_hex"])
    verifier = Verifier(VECTORS["log_origin"], SignatureKind.ED25519, key)
    add_stranger(police, format_vkey(verifier))
    for step in VECTORS["steps"]:
        try:
            status, body = 200, witness.accept(police, step["req"].encode())
        except StaleOld as error:
            status, body = error.status, f"{error.size}\n".encode()
        except Declined as error:
            status, body = error.status, b""
        assert status == step["status"], step.get("why")
        if "body" in step:
            assert body == step["body"].encode()


def test_both_kinds_of_cosignature_are_given_and_have_a_time(police, stranger, county):
    answer = witness.accept(police, stranger.question(0))
    cosigned = opened(police, stranger, answer)
    assert [one.ref for one in cosigned.cosignatures] == [key.verifier.ref for key in police.keys.witness]
    assert {one.time for one in cosigned.cosignatures} == {county.clock()}


def test_an_unknown_log_is_not_found_whatever_else_is_wrong_with_the_request(police):
    with pytest.raises(UnknownLog):
        witness.accept(police, FakeLog("nobody.example/log").grow(2).question(0))


def test_a_log_signed_by_another_key_is_untrusted(police, stranger):
    with pytest.raises(Untrusted):
        witness.accept(police, FakeLog(stranger.origin).grow(5).question(0))


def test_one_bad_line_by_a_trusted_key_spoils_the_note(police, stranger):
    good, lie = stranger.question(0), stranger.fork().rewrite(0, b"lie")
    second = FakeLog(stranger.origin)
    add_stranger(police, second.vkey)
    assert witness.accept(police, good)
    text = stranger.checkpoint().text()
    bad = second.signer.sign(lie.checkpoint().text())
    with pytest.raises(Untrusted):
        witness.accept(
            police, AddCheckpoint(5, (), add_signatures(sign_note(text, [stranger.signer]), [bad])).to_bytes()
        )


def test_a_line_by_a_key_that_nobody_trusts_changes_nothing(police, stranger):
    text = stranger.checkpoint().text()
    signed = sign_note(text, [stranger.signer, FakeLog("other.example/log").signer])
    assert witness.accept(police, AddCheckpoint(0, (), signed).to_bytes())


def test_an_old_size_beyond_the_checkpoint_is_a_bad_request_even_where_it_is_also_stale(police, stranger):
    with pytest.raises(OldTooLarge):
        witness.accept(police, AddCheckpoint(6, (), stranger.signed()).to_bytes())


def test_whoever_does_not_know_asks_with_0_and_is_told(police, stranger):
    witness.accept(police, stranger.question(0))
    stranger.grow(300)
    with pytest.raises(StaleOld) as caught:
        witness.accept(police, stranger.question(0))
    assert caught.value.size == 5
    assert witness.accept(police, stranger.question(5))
    assert seen(police, stranger.origin).size == 305


@pytest.mark.parametrize("old", [1, 2, 3, 4, 7, 8])
def test_every_flipped_bit_of_a_proof_is_refused(police, old):
    log = FakeLog().grow(old)
    add_stranger(police, log.vkey)
    witness.accept(police, log.question(0))
    log.grow(9)
    proof = log.proof(old)
    for at in range(len(proof)):
        bad = [*proof]
        bad[at] = as_hash(bytes([bad[at][0] ^ 1]) + bad[at][1:])
        with pytest.raises(UnprovenGrowth):
            witness.accept(police, AddCheckpoint(old, tuple(bad), log.signed()).to_bytes())
    with pytest.raises(UnprovenGrowth):
        witness.accept(police, AddCheckpoint(old, (*proof, EMPTY_ROOT), log.signed()).to_bytes())
    assert seen(police, log.origin).size == old
    assert witness.accept(police, log.question(old))


def test_a_proof_from_nothing_must_be_empty(police, stranger):
    with pytest.raises(UnprovenGrowth):
        witness.accept(police, AddCheckpoint(0, (EMPTY_ROOT,), stranger.signed()).to_bytes())


def test_an_empty_log_has_the_empty_root(police):
    log = FakeLog()
    add_stranger(police, log.vkey)
    assert witness.accept(police, log.question(0))
    lie = FakeLog(key=log.key).grow(1)
    text = lie.checkpoint().text().replace("\n1\n", "\n0\n")
    with pytest.raises(UnprovenGrowth):
        witness.accept(police, AddCheckpoint(0, (), sign_note(text, [log.signer])).to_bytes())


@pytest.mark.parametrize("body", [b"", b"old 0\n", b"old 00\n\n", b"\n\n", b"old 0\n\nnot a note", b"\xff" * 40])
def test_what_is_no_request_is_malformed(police, body):
    with pytest.raises(MalformedQuestion):
        witness.accept(police, body)


def test_an_unchanged_head_is_cosigned_afresh_and_the_time_never_goes_back(police, stranger, county):
    witness.accept(police, stranger.question(0))
    county.clock.wait(60)
    witness.accept(police, stranger.question(5))
    later = county.clock()
    county.clock.wait(-3600)
    answer = witness.accept(police, stranger.question(5))
    assert {one.time for one in opened(police, stranger, answer).cosignatures} == {later}


def test_two_histories_of_one_size_are_kept_as_evidence_and_nothing_is_cosigned_again(police, stranger):
    witness.accept(police, stranger.question(0))
    lie = stranger.fork().rewrite(2, b"lie")
    with pytest.raises(UnprovenGrowth):
        witness.accept(police, AddCheckpoint(5, (), lie.signed()).to_bytes())
    with reading(police.engine) as connection:
        [kept] = read_evidence(connection, stranger.origin)
    assert check_evidence(kept, [stranger.signer.verifier]) == stranger.origin
    with pytest.raises(Untrusted):
        witness.accept(police, stranger.question(5))
    with pytest.raises(Untrusted):
        witness.accept(police, stranger.grow(1).question(5))


def test_a_bad_proof_is_evidence_of_nothing(police, stranger):
    witness.accept(police, stranger.question(0))
    lie = stranger.fork().rewrite(2, b"lie").grow(3)
    with pytest.raises(UnprovenGrowth):
        witness.accept(police, lie.question(5))
    with reading(police.engine) as connection:
        assert read_evidence(connection, stranger.origin) == []
    assert witness.accept(police, stranger.grow(1).question(5))


def test_of_two_requests_at_once_one_is_told_to_start_anew(police, stranger):
    witness.accept(police, stranger.question(0))
    grown = [stranger.fork().grow(count) for count in (3, 7)]
    questions = [log.question(5) for log in grown]
    barrier = threading.Barrier(2)
    came: list[int] = []  # the size that the later one is told; -1 for the one that is cosigned

    def ask(body):
        barrier.wait()
        try:
            witness.accept(police, body)
            came.append(-1)
        except StaleOld as error:
            came.append(error.size)

    threads = [threading.Thread(target=ask, args=(body,)) for body in questions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert came.count(-1) == 1
    [told] = [one for one in came if one >= 0]
    assert told == seen(police, stranger.origin).size
    assert told in {8, 12}


def test_a_request_that_was_checked_before_another_was_stored_is_a_conflict(police, stranger, monkeypatch):
    """The race that tlog-witness describes: A is checked, B is stored, A must not roll it back."""
    witness.accept(police, stranger.question(0))
    small, large = stranger.fork().grow(3), stranger.fork().grow(7)
    original = witness._open_signed

    def held(home, signed):
        result = original(home, signed)
        if result.checkpoint.size == 8:
            witness.accept(police, large.question(5))
        return result

    monkeypatch.setattr(witness, "_open_signed", held)
    with pytest.raises(StaleOld) as caught:
        witness.accept(police, small.question(5))
    assert caught.value.size == 12
    assert seen(police, stranger.origin).root == large.checkpoint().root


def test_what_was_cosigned_is_fixed_beside_the_keys_before_it_leaves(police, stranger):
    witness.accept(police, stranger.question(0))
    assert police.high_water.witness_head(stranger.origin) == (5, stranger.checkpoint().root)


def test_a_database_put_back_cosigns_nothing_of_what_it_forgot(police, stranger):
    witness.accept(police, stranger.question(0))
    with transaction(police.engine) as connection:
        connection.execute(delete(schema.witnessed))
    lie = stranger.fork().rewrite(0, b"lie")
    with pytest.raises(Behind):
        witness.accept(police, lie.question(0))
    with pytest.raises(Behind):
        witness.accept(police, stranger.question(0))


def test_a_database_with_another_root_at_the_mark_cosigns_nothing(police, stranger):
    witness.accept(police, stranger.question(0))
    with transaction(police.engine) as connection:
        row = update(schema.witnessed).where(schema.witnessed.c.origin == stranger.origin)
        connection.execute(row.values(root=bytes(32)))
    with pytest.raises(Behind):
        witness.accept(police, stranger.question(5))


def test_after_a_crash_between_store_and_mark_the_same_request_is_told_the_size(police, stranger, monkeypatch):
    class PowerCut(BaseException):
        pass

    def cut(*_args):
        raise PowerCut

    with monkeypatch.context() as patch:
        patch.setattr(witness, "_fix", cut)
        with pytest.raises(PowerCut):
            witness.accept(police, stranger.question(0))
    with pytest.raises(StaleOld) as caught:
        witness.accept(police, stranger.question(0))
    assert caught.value.size == 5
    assert witness.accept(police, stranger.question(5))
    assert police.high_water.witness_head(stranger.origin) == (5, stranger.checkpoint().root)


def test_what_is_shown_to_monitors_is_fixed_beside_the_keys_too(police, stranger, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(witness, "_fix", lambda *_args: None)
        witness.accept(police, stranger.question(0))
    assert police.high_water.witness_head(stranger.origin) is None
    shown = witness.latest(police, witness.hash_of_origin(stranger.origin))
    assert police.high_water.witness_head(stranger.origin) == (5, stranger.checkpoint().root)
    own = [key.verifier for key in police.keys.witness]
    assert shown is not None
    assert len(open_cosigned(shown, [stranger.signer.verifier], own).cosignatures) == 2


def test_nothing_is_shown_of_a_log_that_was_never_cosigned(police, stranger):
    assert witness.latest(police, witness.hash_of_origin(stranger.origin)) is None


def test_removing_a_stranger_or_a_member_forgets_nothing_that_was_cosigned(county, police, stranger):
    witness.accept(police, stranger.question(0))
    county.round()
    remove_stranger(police, stranger.vkey)
    remove_peer(police, "民政局")
    for origin, question in (
        (stranger.origin, stranger.question(5)),
        (county.civil.origin, AddCheckpoint(0, (), county.civil.log.published_checkpoint()).to_bytes()),
    ):
        with pytest.raises(UnknownLog):
            witness.accept(police, question)
        assert seen(police, origin).size > 0
    add_stranger(police, stranger.vkey)
    with pytest.raises(StaleOld):
        witness.accept(police, stranger.question(0))


def test_our_own_log_is_cosigned_by_our_own_witness_by_the_same_rule(county):
    county.round()
    own = seen(county.police, county.police.origin)
    head = county.police.log.published_head()
    assert (own.size, own.root) == (head.size, head.root)


def test_a_cosigner_made_for_logs_signs_the_checkpoint_and_not_its_extension_lines(police):
    """An ML-DSA line covers no extension lines, so what stands there is believed by nobody."""
    log = FakeLog().grow(2)
    add_stranger(police, log.vkey)
    text = log.checkpoint().text() + "extension\n"
    assert witness.accept(police, AddCheckpoint(0, (), sign_note(text, [log.signer])).to_bytes())
    shown = witness.latest(police, witness.hash_of_origin(log.origin))
    assert shown is not None
    assert b"extension" in shown


def test_a_witness_key_is_no_timed_log_key(police, stranger):
    """A stranger's log cannot pass off our own cosignature as its signature."""
    text = stranger.checkpoint().text()
    ours = TimedSigner(police.keys.witness[1], 1)
    with pytest.raises(Untrusted):
        witness.accept(police, AddCheckpoint(0, (), sign_note(text, [ours])).to_bytes())


def test_only_one_row_is_kept_for_an_origin(police, stranger):
    for size in range(1, 6):
        witness.accept(
            police, AddCheckpoint(size - 1, stranger.proof(size - 1, size), stranger.signed(size)).to_bytes()
        )
    with reading(police.engine) as connection:
        rows = connection.execute(select(schema.witnessed.c.size).where(schema.witnessed.c.origin == stranger.origin))
        assert rows.scalars().all() == [5]
