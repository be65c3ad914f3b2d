"""Doors between departments that really talk: what anyone can verify of a log, and of its copies elsewhere."""

from hashlib import sha256

import httpx
import pytest

from ledger.audit.verify import NO_VAULT, Trust, verify_database, verify_url
from ledger.errors import PeerUnreachable
from ledger.merkle.cosignature import open_cosigned
from ledger.merkle.note import parse_note_unverified, parse_vkey
from ledger.peers.client import PeerClient
from tests.fakes.network import flip
from tests.peers.rig import County, make_county


@pytest.fixture(scope="module")
def county(tmp_path_factory):
    made = make_county(tmp_path_factory.mktemp("county"))
    made.town.paid()
    for _ in range(3):
        made.round()
    yield made
    made.close()


@pytest.fixture
def stranger(county: County):
    with PeerClient("https://nobody.example", transport=county.wire) as client:
        yield client


def trust(node):
    return Trust(tuple(parse_vkey(vkey) for vkey in node.keys.log_vkeys))


def ask(county, node, path):
    return county.wire.handle_request(httpx.Request("GET", f"{node.public_url}{path}"))


def mirror_path(of):
    return f"/mirror/{sha256(of.origin.encode()).hexdigest()}"


def test_a_stranger_verifies_every_log_at_its_own_department(county, stranger):
    for node in county.nodes.values():
        report = verify_url(stranger, node.public_url, trust=trust(node))
        assert [str(fault) for fault in report.faults] == []
        assert report.notes == (NO_VAULT,)
        assert report.size >= 3  # a genesis, and its two members


def test_nobody_has_to_ask_the_accused_each_copy_verifies_alike(county, stranger):
    for holder in county.nodes.values():
        for of in county.nodes.values():
            if of is not holder:
                report = verify_url(stranger, f"{holder.public_url}{mirror_path(of)}", trust=trust(of))
                assert [str(fault) for fault in report.faults] == []
                assert report.origin == of.origin


def test_a_mirror_s_checkpoint_bears_the_log_s_lines_and_the_mirror_s_own(county):
    holder, of = county.police, county.finance
    note = ask(county, holder, f"{mirror_path(of)}/checkpoint").read()
    cosigners = [key.verifier for key in holder.keys.mirror]
    opened = open_cosigned(note, [key.verifier for key in of.keys.log], cosigners)
    assert len(opened.log_lines) == len(opened.cosignatures) == 2


def test_a_published_checkpoint_has_every_department_s_cosignatures_within_sixteen_lines(county):
    lines = parse_note_unverified(ask(county, county.civil, "/log/checkpoint").read()).unverified
    names = [line.name for line in lines]
    assert names[:2] == [county.civil.origin] * 2
    assert {"21.example/witness", "22.example/witness", "23.example/witness"} <= set(names)
    assert {"22.example/mirror", "23.example/mirror"} <= set(names)
    assert len(lines) <= 16


def test_each_database_with_its_copies_verifies_too(county):
    for node in county.nodes.values():
        for of in county.nodes.values():
            key = node.keys.vault_key
            report = verify_database(node.engine, of.origin, trust=trust(of), vault_key=key)
            assert [str(fault) for fault in report.faults] == []


def test_one_bit_changed_on_its_way_is_named_and_blamed_on_no_other_entry(county, stranger):
    bundle = f"/log/tile/entries/000.p/{verify_url(stranger, county.finance.public_url).size}"
    county.wire.tamper("22.example", bundle, flip(700))
    try:
        report = verify_url(stranger, county.finance.public_url, trust=trust(county.finance))
    finally:
        county.wire.behave()
    assert report.faults[0].part == "entry"
    assert not report.ok


def test_a_department_that_does_not_answer_is_unreachable_and_not_at_fault(county, stranger):
    county.wire.lose("22.example")
    try:
        with pytest.raises(PeerUnreachable):
            verify_url(stranger, county.finance.public_url)
    finally:
        county.wire.find("22.example")
