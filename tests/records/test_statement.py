"""A record says one thing in one spelling; whatever else somebody signs and logs is seen for what it is."""

import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ledger.errors import BadDisclosure, BadSignature, LedgerError, MalformedRecord
from ledger.merkle.hashing import ENTRY_BYTES_MAX, leaf_hash
from ledger.records import base64url
from ledger.records.kinds import BY_NAME
from ledger.records.statement import (
    Statement,
    check_schema,
    check_signature,
    clear_outside_list,
    digest_of,
    open_disclosure,
    parse_record,
    thumbprint,
)
from ledger.storage import schema
from tests.records.conftest import ISS, JWK, KID, PUBLIC, b64, seal, sign_it, statements

HANDLE = b64(bytes(16))
HEADER = {"alg": "Ed25519", "kid": KID, "typ": "onetrip-payment-released-v1+sd-jwt"}
PAYLOAD = {"_sd_alg": "sha-256", "iat": 1_790_000_000, "iss": ISS, "jti": HANDLE, "sub": HANDLE}


def write(value):
    return json.dumps(value, ensure_ascii=False).encode()


def entry_of(*, header=None, payload=None):
    return seal(write({**HEADER, **(header or {})}), write({**PAYLOAD, **(payload or {})}))


def check_all(entry):
    """What a mirror asks of every entry of a peer."""
    record = parse_record(entry)
    check_signature(record, PUBLIC)
    check_schema(record)
    return record


# --- what is written comes back ---


@given(statements(), st.none() | st.binary(min_size=32, max_size=32).map(base64url.encode))
def test_every_statement_comes_back_as_it_was_said(statement, prev):
    signed = sign_it(statement, prev=prev)
    record = check_all(signed.record.entry)
    assert record == signed.record
    assert (record.kind, record.sub, record.prev, record.iss) == (statement.kind, statement.sub, prev, ISS)
    assert record.clear == statement.clear
    opened = dict(open_disclosure(record, text) for text in signed.disclosures.values())
    assert opened == statement.private
    assert record.leaf == leaf_hash(record.entry)
    assert base64url.decode(record.record_id) == record.leaf


@given(statements())
def test_a_kind_shows_as_many_digests_whatever_is_private(statement):
    everything = sign_it(statement).record
    nothing = sign_it(Statement(statement.kind, statement.sub, statement.clear)).record
    assert len(everything.digests) == len(nothing.digests) == BY_NAME[statement.kind].digests
    assert len(everything.entry) == len(nothing.entry)


@given(statements())
def test_nothing_private_stands_in_the_entry(statement):
    private = dict.fromkeys(BY_NAME[statement.kind].private, "王桂兰 6222020200112233445")
    entry = sign_it(Statement(statement.kind, statement.sub, statement.clear, private)).record.entry
    payload = base64url.decode(entry.decode().split(".")[1])
    assert "王桂兰".encode() not in payload
    assert b"6222020200112233445" not in payload
    assert b"~" not in entry


def test_the_same_value_twice_gives_two_digests():
    statement = Statement("case-completed", HANDLE, {"step": 0}, {"note": "同意"})
    one, other = (sign_it(statement, salts=[salt * 16]).record.digests for salt in (b"a", b"b"))
    assert not set(one) & set(other)


# --- no second spelling, no mutation ---


@given(statements(), st.data())
def test_no_mutated_record_is_accepted_as_signed(statement, data):
    entry = sign_it(statement).record.entry
    at = data.draw(st.integers(0, len(entry) - 1))
    byte = data.draw(st.integers(0, 255))
    mutated = data.draw(
        st.sampled_from(
            [
                entry[:at] + bytes([byte]) + entry[at + 1 :],
                entry[:at] + entry[at + 1 :],
                entry[:at] + bytes([byte]) + entry[at:],
                entry[:at],
            ]
        )
    )
    assume(mutated != entry)
    with pytest.raises((MalformedRecord, BadSignature)):
        check_all(mutated)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_record_or_are_refused_as_malformed(entry):
    with pytest.raises(MalformedRecord):
        parse_record(entry)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5))
def test_any_json_well_signed_is_a_record_or_is_refused_as_malformed(value):
    for header, payload in ((value, PAYLOAD), (HEADER, value), ({**HEADER, "typ": value}, PAYLOAD)):
        try:
            entry = seal(write(header), write(payload))
        except UnicodeEncodeError:
            return
        with pytest.raises(MalformedRecord):
            parse_record(entry)


@pytest.mark.parametrize("name", ["iss", "jti", "iat", "sub", "_sd_alg"])
@pytest.mark.parametrize("value", [None, True, -1, 1.5, "", "x y", [], {}, 2**53])
def test_a_wrong_envelope_is_no_record(name, value):
    with pytest.raises(MalformedRecord):
        parse_record(entry_of(payload={name: value}))
    rest = {key: kept for key, kept in PAYLOAD.items() if key != name}
    with pytest.raises(MalformedRecord):
        parse_record(seal(write(HEADER), write(rest)))


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"},
        {"alg": "EdDSA"},
        {"alg": "HS256"},
        {"crit": ["exp"]},
        {"jwk": JWK},
        {"jku": "https://evil.example/keys"},
        {"x5u": "https://evil.example/cert"},
        {"b64": False},
        {"kid": "short"},
        {"kid": 7},
        {"typ": "JWT"},
        {"typ": "onetrip-payment-released-v01+sd-jwt"},
        {"typ": "onetrip-payment-released-v0+sd-jwt"},
        {"typ": "onetrip-Payment-released-v1+sd-jwt"},
        {"typ": "onetrip-payment-released-v1+sd-jwt\n"},
    ],
)
def test_a_header_that_would_choose_how_it_is_checked_is_refused(header):
    with pytest.raises(MalformedRecord):
        parse_record(entry_of(header=header))


def test_the_entry_that_just_passes():
    assert check_all(entry_of()).kind == "payment-released"


AMOUNT_TWICE = b'{"_sd_alg":"sha-256","iat":1,"iss":"a/log","jti":"%s","sub":"%s",%s}'


@pytest.mark.parametrize(
    "claims",
    [
        b'"amount":2,"amount":20000',
        b'"amount":2,"\\u0061mount":20000',
        b'"amount":NaN',
        b'"amount":Infinity',
        b'"amount":1e400',
        b'"amount":2.0',
        b'"amount":2e0',
        b'"amount":-0',
        b'"amount":00',
        b'"amount":9007199254740992',
        b'"amount":' + b"9" * 5000,
        b'"amount":"\\ud800"',
        b'"\\udfff":1',
        b'"amount":"\xff"',
        b'"amount":"\xed\xa0\x80"',
        b'"amount":"\x01"',
        b'"amount":' + b"[" * 2000 + b"]" * 2000,
        b'"amount":' + b"[" * 9 + b"]" * 9,
        b'"amount":1,',
        b'"amount":1}{"amount":2',
    ],
)
def test_a_payload_that_could_be_read_in_two_ways_is_refused(claims):
    payload = AMOUNT_TWICE % (HANDLE.encode(), HANDLE.encode(), claims)
    with pytest.raises(MalformedRecord):
        parse_record(seal(write(HEADER), payload))


def test_bytes_around_the_json_are_refused():
    for before, after in ((b" ", b""), (b"", b" "), (b"\xef\xbb\xbf", b""), (b"", b"\x00")):
        with pytest.raises(MalformedRecord):
            parse_record(seal(write(HEADER), before + write(PAYLOAD) + after))


def test_another_spelling_of_the_same_base64_is_refused(record):
    entry = record.record.entry.decode()
    header, payload, signature = entry.split(".")
    last = signature[-1]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    twin = alphabet[alphabet.index(last) ^ 1]  # differs only in bits that mean nothing
    for spelled in (
        f"{header}.{payload}.{signature[:-1]}{twin}",
        f"{header}.{payload}.{signature}==",
        f"{header}.{payload}.{signature}~",
        f"{header}.{payload}.{signature}\n",
        f"{header}.{payload}",
        f"{entry}.",
        f"{header} .{payload}.{signature}",
    ):
        with pytest.raises(MalformedRecord):
            parse_record(spelled.encode())


def test_an_entry_of_the_longest_length_passes_and_one_byte_more_does_not():
    def filled(width):
        return entry_of(payload={"x": "y" * width})

    width = 48_000
    while len(filled(width)) > ENTRY_BYTES_MAX:
        width -= 1
    while len(filled(width + 1)) <= ENTRY_BYTES_MAX:
        width += 1
    parse_record(filled(width))
    with pytest.raises(MalformedRecord):
        parse_record(filled(width + 2))


# --- digests ---


@pytest.mark.parametrize(
    "digests",
    [
        [],
        "x",
        [7],
        ["short"],
        [b64(b"b" * 32), b64(b"a" * 32)],
        [b64(b"a" * 32)] * 2,
        [b64(bytes([number]) * 32) for number in range(65)],
        None,
    ],
)
def test_digests_are_sorted_whole_and_no_one_twice(digests):
    with pytest.raises(MalformedRecord):
        parse_record(entry_of(payload={"_sd": digests}))


def test_a_record_with_more_or_fewer_digests_than_its_kind_is_seen(record):
    for count in (0, 2):
        digests = sorted(b64(bytes([number]) * 32) for number in range(count))
        header = {"typ": "onetrip-case-completed-v1+sd-jwt"}
        entry = entry_of(header=header, payload={"step": 0} | ({"_sd": digests} if digests else {}))
        with pytest.raises(MalformedRecord, match="digests"):
            check_schema(parse_record(entry))


def test_a_disclosure_of_another_record_or_changed_by_one_letter_is_refused(record):
    other = sign_it(Statement("case-completed", HANDLE, {"step": 0}, {"note": "别的"}))
    with pytest.raises(BadDisclosure):
        open_disclosure(record.record, other.disclosures["note"])
    good = record.disclosures["note"]
    assert open_disclosure(record.record, good) == ("note", "家访已做")
    for bad in (good[:-1], good + "A", good + "=", good + "~", "", "é", "A" * 20_000):
        with pytest.raises(BadDisclosure):
            open_disclosure(record.record, bad)


@pytest.mark.parametrize(
    "parts",
    [
        ["salt", "note"],
        ["salt", "note", 1, 2],
        ["salt", 7, "x"],
        [7, "note", "x"],
        ["salt", "amount", 20000],
        ["salt", "_sd", []],
        ["salt", "...", 1],
        {"note": "x"},
        "note",
        ["salt", "note", 1.5],
    ],
)
def test_a_disclosure_of_the_wrong_form_is_refused_though_its_digest_was_signed(parts):
    disclosure = b64(write(parts))
    header = {"typ": "onetrip-case-completed-v1+sd-jwt"}
    record = parse_record(entry_of(header=header, payload={"step": 0, "_sd": [digest_of(disclosure)]}))
    with pytest.raises(BadDisclosure):
        open_disclosure(record, disclosure)


# --- kinds ---


def test_a_kind_that_nobody_knows_is_carried_and_never_counts_as_checked():
    record = parse_record(entry_of(header={"typ": "onetrip-land-title-v3+sd-jwt"}, payload={"area": 640}))
    check_signature(record, PUBLIC)
    assert (record.kind, record.known, clear_outside_list(record)) == ("land-title", None, frozenset())
    with pytest.raises(MalformedRecord, match="land-title"):
        check_schema(record)


def test_a_later_version_of_a_kind_is_a_kind_that_nobody_knows():
    record = parse_record(entry_of(header={"typ": "onetrip-payment-released-v2+sd-jwt"}))
    assert record.known is None
    assert record.kind == "payment-released-v2"  # whoever compares names must not take it for the one we know


def test_no_kind_that_nobody_knows_has_the_name_of_one_that_we_know():
    column: Any = schema.feed.c.kind.type
    for name in BY_NAME:
        for version in (2, 9, 9999):
            record = parse_record(entry_of(header={"typ": f"onetrip-{name}-v{version}+sd-jwt"}))
            assert record.kind not in BY_NAME
            assert len(record.kind) <= column.length  # PostgreSQL cuts nothing: it refuses


@given(statements(), st.data())
def test_a_clear_claim_outside_the_list_is_named(statement, data):
    kind = BY_NAME[statement.kind]
    name = data.draw(st.sampled_from(["name", "id_number", "note", "x", *kind.private]))
    assume(name not in kind.clear and name not in kind.maybe)
    good = sign_it(statement).record
    payload = {**PAYLOAD, **statement.clear, name: "王桂兰"}
    if good.digests:
        payload["_sd"] = list(good.digests)
    record = parse_record(seal(write({**HEADER, "typ": kind.typ}), write(payload)))
    assert clear_outside_list(record) == {name}
    with pytest.raises(MalformedRecord, match="closed list"):
        check_schema(record)


@given(statements(), st.data())
def test_a_claim_of_the_wrong_shape_or_a_missing_one_is_seen(statement, data):
    kind = BY_NAME[statement.kind]
    assume(statement.clear)
    name = data.draw(st.sampled_from(sorted(statement.clear)))
    bad = data.draw(st.sampled_from([None, True, "", " ", "a b", -1, [], {}, ["x"], "２０２６-１１-２３", "x" * 3000]))
    assume(not {**kind.clear, **kind.maybe}[name](bad))
    with pytest.raises(MalformedRecord):
        sign_it(Statement(statement.kind, statement.sub, {**statement.clear, name: bad}))
    if name in kind.clear:
        without = {key: value for key, value in statement.clear.items() if key != name}
        with pytest.raises(MalformedRecord, match="missing"):
            sign_it(Statement(statement.kind, statement.sub, without))


def test_a_statement_with_a_private_name_of_another_kind_is_not_signed():
    with pytest.raises(MalformedRecord):
        sign_it(Statement("case-completed", HANDLE, {"step": 0}, {"reason": "x"}))


def test_a_lone_surrogate_is_never_signed():
    with pytest.raises(MalformedRecord):
        sign_it(Statement("case-completed", HANDLE, {"step": 0}, {"note": "\ud800"}))


# --- signatures ---


def test_a_signature_by_another_key_and_a_key_that_is_none_are_refused(record):
    for key in (bytes(32), b"\x01" * 31, b"", PUBLIC[::-1]):
        with pytest.raises(BadSignature):
            check_signature(record.record, key)


def test_the_thumbprint_is_that_of_rfc_8037():
    # RFC 8037 appendix A.3
    x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
    assert thumbprint(base64url.decode(x)) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_every_refusal_here_is_in_the_tree_of_the_ledger():
    assert all(issubclass(kind, LedgerError) for kind in (MalformedRecord, BadSignature, BadDisclosure))
