"""A key that does not count (any more): no receipt is made with it, and none that is forged by hand holds."""

import base64
from dataclasses import replace

import pytest

from ledger.errors import BadSignature, UnknownSigner
from ledger.merkle.proofs import prove_inclusion
from ledger.quorum import believed_head
from ledger.receipts import make_receipt, read_receipt
from ledger.records.receipt import Logged, check_receipt, parse_receipt, write_receipt
from ledger.records.statement import Statement, parse_record
from ledger.storage import entries
from ledger.storage.engine import reading
from tests.peers.smuggling import put, signed
from tests.receipts.rig import Bureau
from tests.receipts.test_receipt_file import made


def revoke(bureau: Bureau, name: str, *, compromised_since: int | None = None) -> int:
    civil = bureau.county.town.civil
    civil.desk.revoke(civil.staff[name].handle, compromised_since=compromised_since)
    return civil.size() - 1


def smuggle_after_revocation(bureau: Bureau) -> tuple[bytes, int, int]:
    """高伟 was dismissed; whoever has his key and the database lets him approve once more."""
    civil = bureau.county.town.civil
    handle = civil.staff["高伟"].handle
    statement = Statement("award-approved", bureau.story.award, {"amount": 100})
    entry = signed(bureau.civil, statement, by=handle)
    at = revoke(bureau, "高伟")
    index = put(bureau.civil, entry)
    for _ in range(3):
        bureau.county.round()
    return entry, at, index


def logged_at(bureau: Bureau, index: int) -> Logged:
    record = bureau.county.town.civil.records()[index]
    return _logged(bureau, index, record.entry)


def _logged(bureau: Bureau, index: int, entry: bytes) -> Logged:
    with reading(bureau.civil.engine) as conn:
        head = believed_head(conn, bureau.civil.log.id)
        assert head is not None
        read = entries.node_reader(conn, bureau.civil.log.id, head.size)
        return Logged(index, entry, tuple(prove_inclusion(index, head.size, read)))


def test_a_revoked_officers_later_record_has_no_receipt_anywhere(bureau: Bureau):
    entry, at, index = smuggle_after_revocation(bureau)
    record = parse_record(entry)
    for node in (bureau.civil, bureau.finance, bureau.police):
        assert make_receipt(node.engine, record.record_id) is None
    told = read_receipt(bureau.police.engine, record.record_id)
    assert told is not None
    assert (told.index, told.folded, told.roles) == (index, False, ())
    assert "R50" in {one.rule for one in told.findings}
    # Forged by hand, with what the log says of the key: refused.
    policy = bureau.policy(bureau.police)
    before = parse_receipt(made(bureau, bureau.record(bureau.civil, "award-approved", 0)))
    assert before.revocation is not None
    forged = replace(before, record=_logged(bureau, index, entry))
    with pytest.raises(UnknownSigner, match="in force"):
        check_receipt(write_receipt(forged), policy)
    # With the revocation left out nobody could tell offline: that is why one asks a member that mirrors the log.
    assert check_receipt(write_receipt(replace(forged, revocation=None)), policy).index == index > at


def test_what_an_officer_signed_before_they_left_goes_on_holding_and_says_that_they_left(bureau: Bureau):
    record = bureau.record(bureau.civil, "award-approved")
    at = revoke(bureau, "高伟")
    for _ in range(3):
        bureau.county.round()
    checked = check_receipt(made(bureau, record), bureau.policy(bureau.police))
    assert checked.signer.to_index == at


def test_a_record_by_a_key_given_up_as_stolen_is_refused_from_that_index_on(bureau: Bureau):
    record = bureau.record(bureau.civil, "award-approved")
    told = read_receipt(bureau.civil.engine, record.record_id)
    assert told is not None
    revoke(bureau, "高伟", compromised_since=told.index)
    for _ in range(3):
        bureau.county.round()
    with pytest.raises(UnknownSigner, match="stolen"):
        check_receipt(made(bureau, record), bureau.policy(bureau.police))


def test_the_revocation_of_somebody_else_does_not_pass(bureau: Bureau):
    approval = parse_receipt(made(bureau, bureau.record(bureau.civil, "award-approved")))
    at = revoke(bureau, "林芳")
    for _ in range(3):
        bureau.county.round()
    fresh = parse_receipt(made(bureau, bureau.record(bureau.civil, "award-approved")))
    assert approval.revocation is fresh.revocation is None
    policy = bureau.policy(bureau.police)
    with pytest.raises(UnknownSigner, match="somebody else"):
        check_receipt(write_receipt(replace(fresh, revocation=logged_at(bureau, at))), policy)
    with pytest.raises(UnknownSigner, match="somebody else"):
        check_receipt(write_receipt(replace(fresh, revocation=fresh.record)), policy)


def test_a_record_with_a_bad_signature_has_no_receipt_and_none_can_be_forged(bureau: Bureau):
    good = bureau.record(bureau.civil, "award-approved").entry
    head, _, signature = good.rpartition(b".")
    raw = bytearray(base64.urlsafe_b64decode(signature + b"=="))
    raw[0] ^= 1
    entry = head + b"." + base64.urlsafe_b64encode(bytes(raw)).rstrip(b"=")
    index = put(bureau.civil, entry)
    for _ in range(3):
        bureau.county.round()
    assert make_receipt(bureau.police.engine, parse_record(entry).record_id) is None
    this = parse_receipt(made(bureau, bureau.record(bureau.civil, "award-approved", 0)))
    with pytest.raises(BadSignature):
        check_receipt(write_receipt(replace(this, record=_logged(bureau, index, entry))), bureau.policy(bureau.police))
