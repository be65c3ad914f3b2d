"""Receipts across rotations: what old keys signed in their range holds, and nothing beyond it."""

from dataclasses import replace

import pytest

from ledger.errors import UnknownSigner
from ledger.merkle.errors import MerkleError
from ledger.merkle.policy import format_policy, parse_policy
from ledger.quorum import network_policy
from ledger.receipts import make_receipt
from ledger.records.receipt import check_receipt, parse_receipt, write_receipt
from ledger.records.statement import parse_record
from ledger.storage.engine import reading
from tests.peers.test_peers_rotation import rotate


@pytest.fixture
def calm(county):
    county.round()
    county.round()
    return county


def policy(county, **options):
    with reading(county.police.engine) as connection:
        return network_policy(connection, **options)


def receipt(county, record):
    made = make_receipt(county.police.engine, record)
    assert made is not None
    return made


def enrolled(county, name):
    """A record by the desk's key, believed by everybody."""
    record = county.civil.desk.enrol(name, ("clerk",), f"id-{name}").submitted.record_id
    for _ in range(3):
        county.round()
    return record


def test_what_the_desks_old_and_new_key_signed_has_receipts_that_name_their_ranges(calm):
    before = enrolled(calm, "甲")
    rotate(calm, calm.civil, "desk")
    after = enrolled(calm, "乙")
    old = check_receipt(receipt(calm, before), policy(calm))
    new = check_receipt(receipt(calm, after), policy(calm))
    assert old.signer.from_index == 0
    assert old.signer.to_index == new.signer.from_index
    assert new.signer.to_index is None
    assert parse_record(parse_receipt(receipt(calm, after)).enrolment.entry).kind == "rotation"


def test_the_old_desk_key_signs_nothing_behind_its_rotation(calm):
    before = enrolled(calm, "甲")
    rotate(calm, calm.civil, "desk")
    after = enrolled(calm, "乙")
    old, new = parse_receipt(receipt(calm, before)), parse_receipt(receipt(calm, after))
    forged = replace(new, enrolment=old.enrolment, revocation=old.revocation)
    with pytest.raises(UnknownSigner):
        check_receipt(write_receipt(forged), policy(calm))


def test_a_receipt_from_before_rotations_holds_against_the_policy_of_then_and_the_one_with_retired_keys(calm):
    before = enrolled(calm, "甲")
    made, then = receipt(calm, before), policy(calm)
    for name in list(calm.nodes):
        rotate(calm, calm.nodes[name], "log", "witness")
    for _ in range(3):
        calm.round()
    assert check_receipt(made, then).record.record_id == before
    with pytest.raises(MerkleError):
        check_receipt(made, policy(calm))
    for options in ({}, {"ed25519": True}):
        retired = policy(calm, retired=True, **options)
        assert parse_policy(format_policy(retired)) == retired
        assert check_receipt(made, retired).record.record_id == before
    # Asked for again, the same record is proven under today's keys.
    assert check_receipt(receipt(calm, before), policy(calm)).record.record_id == before


def test_with_retired_keys_a_department_has_one_voice_all_the_same(calm):
    before = enrolled(calm, "甲")
    made = parse_receipt(receipt(calm, before))
    rotate(calm, calm.finance, "witness")
    for _ in range(3):
        calm.round()
    retired = policy(calm, retired=True)
    [finance] = [group for group in retired.groups if group.name.startswith("财政局")]
    keys = [one.verifier for one in retired.witnesses if one.name in finance.members]
    assert len(keys) == 2
    assert not retired.is_met({key.ref for key in keys})
    assert made.signed
