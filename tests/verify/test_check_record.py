"""One record, checked as every mirror and every auditor checks it: each way of smuggling one in is refused."""

import secrets

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.errors import BadSignature, IllegalStep, MalformedRecord, UnknownSigner
from ledger.records import base64url
from ledger.records.check import Signer, check_record, check_signed, signer_ends, signer_named
from ledger.records.kinds import BY_NAME, DESK
from ledger.records.statement import Statement, parse_record, public_jwk, sign, thumbprint

ORIGIN, OTHER = "minzheng.example/log", "caizheng.example/log"
DESK_KEY, CLERK_KEY, STRANGER = (Ed25519PrivateKey.generate() for _ in range(3))


def raw(key):
    return key.public_key().public_bytes_raw()


def handle():
    return base64url.encode(secrets.token_bytes(16))


VKEY = "minzheng.example/log+00000000+AAAA"
GENESIS = {
    "department": "民政局",
    "number_prefix": "21",
    "desk_key": public_jwk(raw(DESK_KEY)),
    "log_keys": [VKEY],
    "witness_keys": [VKEY],
    "mirror_keys": [VKEY],
}
SUB = handle()


def said(kind, clear=None, *, key=CLERK_KEY, sub=SUB, origin=ORIGIN, prev=None, kid=None, iat=1_790_000_000):
    return sign(
        Statement(kind, sub, clear or {}),
        iss=origin,
        jti=handle(),
        iat=iat,
        prev=prev,
        kid=kid or thumbprint(raw(key)),
        salts=[secrets.token_bytes(16) for _ in range(BY_NAME[kind].digests)],
        signer=key.sign,
    ).record


def signer(key, *roles, start=1, end=None):
    return Signer(thumbprint(raw(key)), "officer", raw(key), roles, "person", start, end)


CLERK = signer(CLERK_KEY, "clerk")


def check(record, index=5, *signers, read=lambda _handle: None):
    known = {one.kid: one for one in signers or (CLERK,)}
    return check_record(record, index, ORIGIN, known.get, read)


def submitted(**options):
    return said("case-submitted", {"matter": "linshi-jiuzhu"}, **options)


def test_a_good_record_says_what_it_changes():
    assert list(check(submitted())) == [SUB]


def test_a_record_made_for_another_log_is_no_record_of_this_one():
    with pytest.raises(MalformedRecord):
        check(submitted(origin=OTHER))


@pytest.mark.parametrize("iat", [32_503_680_000, 253_402_300_799, 2**53 - 1])
def test_a_moment_that_no_calendar_has_is_refused(iat):
    # Each answer about its object would have to say when that was: one record, and nobody is answered any more.
    with pytest.raises(MalformedRecord):
        check(submitted(iat=iat))
    with pytest.raises(MalformedRecord):
        check(unknown_kind(iat=iat))
    assert check(submitted(iat=32_503_679_999))


@pytest.mark.parametrize(("index", "fine"), [(2, False), (3, True), (7, True), (8, False)])
def test_a_key_counts_from_its_first_index_up_to_its_last(index, fine):
    one = signer(CLERK_KEY, "clerk", start=3, end=8)
    if fine:
        assert check(submitted(), index, one)
    else:
        with pytest.raises(UnknownSigner):
            check(submitted(), index, one)


def test_a_key_that_nobody_enrolled_signs_nothing():
    with pytest.raises(UnknownSigner):
        check(submitted(key=STRANGER))


def test_a_known_name_under_another_s_signature_is_a_bad_signature():
    with pytest.raises(BadSignature):
        check(submitted(key=STRANGER, kid=CLERK.kid))


@pytest.mark.parametrize("roles", [("approver",), ("finance",), ("auditor", "admin")])
def test_who_may_not_sign_this_kind_does_not(roles):
    with pytest.raises(UnknownSigner):
        check(submitted(), 5, signer(CLERK_KEY, *roles))


def test_an_officer_enrols_nobody_and_the_desk_decides_nothing():
    enrolment = {"key": public_jwk(raw(STRANGER)), "roles": ["admin"], "custody": "server", "person": "ab" * 32}
    with pytest.raises(UnknownSigner):
        check(said("enrolment", enrolment), 5, signer(CLERK_KEY, "clerk", "approver", "admin"))
    with pytest.raises(UnknownSigner):
        check(said("case-accepted"), 5, signer(CLERK_KEY, DESK))


def test_what_follows_nothing_or_breaks_the_chain_is_an_illegal_step():
    with pytest.raises(IllegalStep):
        check(said("case-accepted"))
    first = check(submitted())
    with pytest.raises(IllegalStep):
        check(said("case-accepted", prev=base64url.encode(secrets.token_bytes(32))), read=first.get)


# --- the genesis ---


def nobody(_kid):
    return None


def genesis(**options):
    return said("genesis", GENESIS, **{"key": DESK_KEY, "sub": handle(), **options})


def test_the_genesis_brings_its_own_key_and_puts_it_in_force():
    record = genesis()
    check_signed(record, 0, ORIGIN, nobody)
    named = signer_named(record, 0)
    assert named is not None
    assert (named.kid, named.roles, named.from_index) == (thumbprint(raw(DESK_KEY)), (DESK,), 0)


def test_a_genesis_signed_by_another_key_than_it_names_is_none():
    with pytest.raises(UnknownSigner):
        check_signed(genesis(key=STRANGER), 0, ORIGIN, nobody)
    with pytest.raises(BadSignature):
        check_signed(genesis(key=STRANGER, kid=thumbprint(raw(DESK_KEY))), 0, ORIGIN, nobody)


def test_a_second_genesis_would_bring_a_new_desk_and_is_refused():
    with pytest.raises(MalformedRecord):
        check(genesis(), 5, signer(DESK_KEY, DESK))


def test_a_log_begins_with_its_genesis_and_nothing_else():
    with pytest.raises(MalformedRecord):
        check(submitted(), 0)


# --- kinds nobody knows ---


def unknown_kind(key=CLERK_KEY, **options):
    """A record of a later version, made by whoever has that version."""
    entry = submitted(key=key, **options).entry
    header, payload, _signature = entry.split(b".")
    named = base64url.decode(header.decode()).replace(b"case-submitted-v1", b"case-imagined-v2")
    signing = base64url.encode(named).encode() + b"." + payload
    return parse_record(signing + b"." + base64url.encode(key.sign(signing)).encode())


def test_an_unknown_kind_is_verified_and_changes_nothing():
    assert check(unknown_kind()) == {}


def test_an_unknown_kind_needs_a_key_in_force_and_a_good_signature_too():
    with pytest.raises(UnknownSigner):
        check(unknown_kind(STRANGER))
    with pytest.raises(UnknownSigner):
        check(unknown_kind(), 5, signer(CLERK_KEY, "clerk", end=5))


def test_an_enrolment_counts_from_the_next_index_and_only_a_revocation_ends_it():
    clear = {"key": public_jwk(raw(CLERK_KEY)), "roles": ["clerk"], "custody": "server", "person": "ab" * 32}
    record = said("enrolment", clear, key=DESK_KEY)
    named = signer_named(record, 4)
    assert named is not None
    assert not named.in_force(4)
    assert named.in_force(5)
    assert signer_ends(record, 4) is None
    assert signer_ends(said("revocation", key=DESK_KEY), 4) == 4
    assert not named.ended(9).in_force(9)
    assert named.ended(9).in_force(8)
