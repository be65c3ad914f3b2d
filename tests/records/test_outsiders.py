"""Other people's programs read what we write: the examples of RFC 9901, the `sd-jwt` package, joserfc."""

import json
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, settings
from joserfc import jws
from joserfc.jwk import OKPKey
from jwcrypto import jwk as jwcrypto_jwk
from sd_jwt.verifier import SDJWTVerifier

from ledger.errors import MalformedRecord
from ledger.records import base64url
from ledger.records.statement import digest_of, parse_record, public_jwk
from tests.records.conftest import PUBLIC, b64, sign_it, statements

# --- RFC 9901, the examples of section 4.2 and 5.1, as printed there ---

RFC_DISCLOSURES = {
    # 4.2.1 and 4.2.3
    "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0": (
        ["_26bc4LT-ac6q2KI6cBW5es", "family_name", "Möbius"],
        "X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0",
    ),
    # 5.1
    "WyIyR0xDNDJzS1F2ZUNmR2ZyeU5STjl3IiwgImdpdmVuX25hbWUiLCAiSm9obiJd": (
        ["2GLC42sKQveCfGfryNRN9w", "given_name", "John"],
        "jsu9yVulwQQlhFlM_3JlzMaSFzglhQG0DpfayQwLUK4",
    ),
    "WyJlbHVWNU9nM2dTTklJOEVZbnN4QV9BIiwgImZhbWlseV9uYW1lIiwgIkRvZSJd": (
        ["eluV5Og3gSNII8EYnsxA_A", "family_name", "Doe"],
        "TGf4oLbgwd5JQaHyKVQZU9UdGE0w5rtDsrZzfUaomLo",
    ),
    "WyI2SWo3dE0tYTVpVlBHYm9TNXRtdlZBIiwgImVtYWlsIiwgImpvaG5kb2VAZXhhbXBsZS5jb20iXQ": (
        ["6Ij7tM-a5iVPGboS5tmvVA", "email", "johndoe@example.com"],
        "JzYjH4svliH0R3PyEMfeZu6Jt69u5qehZo7F7EPYlSE",
    ),
    "WyJlSThaV205UW5LUHBOUGVOZW5IZGhRIiwgInBob25lX251bWJlciIsICIrMS0yMDItNTU1LTAxMDEiXQ": (
        ["eI8ZWm9QnKPpNPeNenHdhQ", "phone_number", "+1-202-555-0101"],
        "PorFbpKuVu6xymJagvkFsFXAbRoc2JGlAUA2BA4o7cI",
    ),
    "WyJBSngtMDk1VlBycFR0TjRRTU9xUk9BIiwgImFkZHJlc3MiLCB7InN0cmVldF9hZGRyZXNzIjogIjEyMyBNYWluIFN0IiwgImxvY2FsaXR5Ijog"
    "IkFueXRvd24iLCAicmVnaW9uIjogIkFueXN0YXRlIiwgImNvdW50cnkiOiAiVVMifV0": (
        [
            "AJx-095VPrpTtN4QMOqROA",
            "address",
            {"street_address": "123 Main St", "locality": "Anytown", "region": "Anystate", "country": "US"},
        ],
        "XzFrzwscM6Gn6CJDc6vVK8BkMnfG8vOSKfpPIZdAfdE",
    ),
}
RFC_SD = [  # the payload of 5.1
    "CrQe7S5kqBAHt-nMYXgc6bdt2SH5aTY1sU_M-PgkjPI",
    "JzYjH4svliH0R3PyEMfeZu6Jt69u5qehZo7F7EPYlSE",
    "PorFbpKuVu6xymJagvkFsFXAbRoc2JGlAUA2BA4o7cI",
    "TGf4oLbgwd5JQaHyKVQZU9UdGE0w5rtDsrZzfUaomLo",
    "XQ_3kPKt1XyX7KANkqVR6yZ2Va5NrPIvPYbyMvRKBMM",
    "XzFrzwscM6Gn6CJDc6vVK8BkMnfG8vOSKfpPIZdAfdE",
    "gbOsI4Edq2x2Kw-w5wPEzakob9hV1cRD0ATN3oQL9JM",
    "jsu9yVulwQQlhFlM_3JlzMaSFzglhQG0DpfayQwLUK4",
]


@pytest.mark.parametrize(("disclosure", "example"), RFC_DISCLOSURES.items())
def test_a_digest_is_taken_as_the_rfc_takes_it(disclosure, example):
    parts, digest = example
    assert json.loads(base64url.decode(disclosure)) == parts
    assert digest_of(disclosure) == digest


def test_our_digests_stand_in_the_order_in_which_the_rfc_prints_its_own():
    assert sorted(RFC_SD) == RFC_SD
    assert {digest for _, digest in RFC_DISCLOSURES.values()} - set(RFC_SD) == {
        "X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0"  # 4.2 has an example of its own
    }


def test_an_sd_jwt_of_the_rfc_is_no_record_of_ours():
    header = b64(b'{"alg": "ES256", "typ": "example+sd-jwt"}')
    payload = b64(json.dumps({"_sd": RFC_SD, "_sd_alg": "sha-256", "sub": "user_42"}).encode())
    with pytest.raises(MalformedRecord):
        parse_record(f"{header}.{payload}.{b64(bytes(64))}".encode())


# --- the `sd-jwt` package, by authors of the RFC ---


@settings(max_examples=40)
@given(statements())
def test_the_sd_jwt_package_reads_our_records_and_opens_what_is_disclosed(statement):
    signed = sign_it(statement)
    presented = "~".join([signed.record.entry.decode(), *signed.disclosures.values(), ""])
    key = jwcrypto_jwk.JWK(**public_jwk(PUBLIC))
    payload = SDJWTVerifier(presented, lambda _iss, _header: key).get_verified_payload()
    assert {name: payload[name] for name in statement.clear} == statement.clear
    assert {name: payload[name] for name in statement.private} == statement.private
    assert set(payload) <= {"iss", "jti", "iat", "sub", "prev", *statement.clear, *statement.private}


@settings(max_examples=40)
@given(statements())
def test_what_is_not_disclosed_the_sd_jwt_package_does_not_see(statement):
    signed = sign_it(statement)
    key = jwcrypto_jwk.JWK(**public_jwk(PUBLIC))
    payload = SDJWTVerifier(signed.record.entry.decode() + "~", lambda _iss, _header: key).get_verified_payload()
    assert not set(payload) & set(statement.private) - set(statement.clear)


# --- joserfc ---

OUR_KEY: Any = public_jwk(PUBLIC)


@settings(max_examples=40)
@given(statements())
def test_joserfc_verifies_our_signatures(statement):
    signed = sign_it(statement)
    found = jws.deserialize_compact(signed.record.entry, OKPKey.import_key(OUR_KEY), algorithms=["Ed25519"])
    assert found.headers()["kid"] == signed.record.kid == OKPKey.import_key(OUR_KEY).thumbprint()
    assert json.loads(found.payload)["sub"] == statement.sub
    digest = sha256(b"\x00" + signed.record.entry).digest()
    assert digest == signed.record.leaf


def test_we_read_what_joserfc_signs(record):
    entry = record.record.entry.decode()
    payload = base64url.decode(entry.split(".")[1])
    private = OKPKey.import_key({**public_jwk(PUBLIC), "d": b64(b"\x07" * 32)})
    header = {"alg": "Ed25519", "kid": record.record.kid, "typ": record.record.typ}
    again = jws.serialize_compact(header, payload, private, algorithms=["Ed25519"])
    parsed = parse_record(again.encode())
    assert (parsed.sub, parsed.digests, parsed.clear) == (
        record.record.sub,
        record.record.digests,
        record.record.clear,
    )
