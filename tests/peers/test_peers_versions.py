"""A record of a version that nobody here knows is carried, and never taken for the version that we know."""

import secrets

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.audit.crosscheck import run_round
from ledger.audit.verify import Trust, verify_database
from ledger.merkle.vkeys import parse_vkey
from ledger.records import base64url
from ledger.records.jsonstrict import format_json
from ledger.records.kinds import BY_NAME
from ledger.records.statement import public_jwk, thumbprint
from ledger.scribe import new_handle
from ledger.storage import entries
from ledger.storage.engine import reading
from ledger.storage.signers import read_signers
from tests.peers.rig import ROUND_SECONDS
from tests.peers.smuggling import officer_key, put


def written(node, typ, sub, signer, **claims):
    """A record of any type, by whatever key."""
    kid, key = signer
    payload = {"iss": node.origin, "jti": new_handle(), "iat": node.now(), "sub": sub, "_sd_alg": "sha-256", **claims}
    header = format_json({"alg": "Ed25519", "kid": kid, "typ": f"onetrip-{typ}+sd-jwt"})
    text = f"{base64url.encode(header)}.{base64url.encode(format_json(payload))}".encode()
    return text + b"." + base64url.encode(key.sign(text)).encode()


@pytest.fixture
def crook(county):
    """吴倩 of 财政局, who may order and nothing else, and has her department's database."""
    county.round()
    return officer_key(county.finance, county.town.finance.staff["吴倩"].handle)


def looked_at(county, *raw):
    put(county.finance, *raw)
    county.publish("财政局")
    county.clock.wait(ROUND_SECONDS)
    return next(row for row in run_round(county.police).rows if row.name == "财政局")


def signers(county):
    with reading(county.police.engine) as connection:
        log_id = entries.find_log(connection, county.finance.origin)
        assert log_id is not None
        return {one.kid: (tuple(one.roles), one.to_index) for one in read_signers(connection, log_id)}


def test_nobody_enrols_themselves_by_an_enrolment_of_another_version(county, crook):
    before = signers(county)
    mine = Ed25519PrivateKey.generate()
    raw = mine.public_key().public_bytes_raw()
    claims = {"key": public_jwk(raw), "roles": ["authoriser"], "custody": "server", "person": "ab" * 32}
    row = looked_at(county, written(county.finance, "enrolment-v2", new_handle(), crook, **claims))
    assert (row.error, row.refused) == (None, 1)  # R49: carried, verified, and checked by nobody
    assert signers(county) == before
    released = written(county.finance, "payment-released-v1", new_handle(), (thumbprint(raw), mine))
    assert looked_at(county, released).refused == 1
    assert [each.rule for each in county.findings("公安局")] == ["R50", "R49"]


def test_nobody_revokes_a_colleague_by_a_revocation_of_another_version(county, crook):
    before = signers(county)
    colleague = county.town.finance.staff["马骏"].handle
    looked_at(county, written(county.finance, "revocation-v2", colleague, crook))
    assert signers(county) == before


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_a_version_that_shows_other_claims_stops_no_round(county, crook, name):
    handles = [new_handle(), county.town.finance.staff["马骏"].handle]
    row = looked_at(county, *(written(county.finance, f"{name}-v2", sub, crook, odd=1) for sub in handles))
    assert row.error is None
    assert row.checked == county.size(county.finance)


def test_a_later_version_is_no_step_in_a_story_that_is_told(county, crook):
    town = county.town
    _case, award, payment = town.paid()
    county.round()
    looked_at(county, written(county.finance, "bank-result-v2", payment, crook, outcome="credited"))
    county.round()
    with county.facts("民政局") as facts:
        [view] = facts.payments_of(town.civil.ref(award))
        kinds = [line.kind for line in facts.history(town.finance.ref(payment))]
    assert str(view.state.status) == "SENT"
    assert kinds == ["payment-created", "payment-released", "bank-result-v2"]


def test_who_verifies_the_log_again_comes_to_the_same(county, crook):
    raw = secrets.token_bytes(32)
    claims = {"key": public_jwk(raw), "roles": ["authoriser"], "custody": "server", "person": "ab" * 32}
    put(county.finance, written(county.finance, "enrolment-v2", new_handle(), crook, **claims))
    county.publish("财政局")
    county.clock.wait(ROUND_SECONDS)
    run_round(county.police)
    trust = Trust(tuple(parse_vkey(vkey) for vkey in county.finance.keys.log_vkeys))
    report = verify_database(county.police.engine, county.finance.origin, trust=trust)
    assert [str(fault) for fault in report.faults] == []
    assert report.unknown_kinds == 1
