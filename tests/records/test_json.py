"""One text has one meaning, and one value one spelling."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import MalformedRecord
from ledger.records import base64url
from ledger.records.claims import Shape, amount_fen, count, day, department, introduction, month, prefix, roles, vkeys
from ledger.records.describe import describe
from ledger.records.jsonstrict import (
    DEPTH_MAX,
    INTEGER_MAX,
    TEXT_BYTES_MAX,
    _parse_any_spelling,
    format_json,
    parse_json,
)
from ledger.records.kinds import BY_NAME, KINDS
from tests.records.conftest import VALUES


@given(VALUES)
def test_what_is_written_comes_back_and_has_one_spelling(value):
    text = format_json(value)
    assert parse_json(text) == value
    assert format_json(parse_json(text)) == text


@given(st.binary(max_size=60))
def test_any_bytes_are_json_in_our_sense_or_malformed(text):
    try:
        value = parse_json(text)
    except MalformedRecord:
        return
    assert json.loads(text) == value  # nothing is read otherwise than everybody reads it


NUMBERS = [b"1.0", b"1e2", b"-0", b"01", b"9007199254740992", b"18446744073709551616", b"NaN"]
OBJECTS = [b'{"a":1,"a":1}', b'{"b":1,"a":1}', b'{"a": 1}', b"[" * 5 + b"]" * 5, b"[" * 9 + b"]" * 9]
TEXTS = [b'"\\u4e2d"', b'"\\ud83d"', b'"\\/"', b'"\x7f"', b'"\x01"', b'"\xed\xa0\x80"']
NEAR_MISSES = [*NUMBERS, *OBJECTS, *TEXTS, b"nul", b" ", b"\n", b"\xff", b"\xef\xbb\xbf1", b""]


def outcome(parse, text):
    """The value with the type of each of its parts, as `True` equals 1."""
    try:
        return repr(parse(text))
    except MalformedRecord:
        return "malformed"


@given(st.lists(VALUES.map(format_json) | st.sampled_from(NEAR_MISSES) | st.binary(max_size=4), max_size=4))
def test_the_quick_way_to_read_the_usual_spelling_says_what_the_slow_way_says_of_any(parts):
    for text in (b"".join(parts), b"[" + b",".join(parts) + b"]", b'{"a":' + b"".join(parts) + b"}"):
        assert outcome(parse_json, text) == outcome(_parse_any_spelling, text)


@pytest.mark.parametrize("text", NEAR_MISSES)
def test_what_is_nearly_usual_is_read_as_the_slow_way_does(text):
    for whole in (text, b"[" + text + b"]", b'{"a":' + text + b"}"):
        assert outcome(parse_json, whole) == outcome(_parse_any_spelling, whole)


def test_integers_end_where_every_programs_do():
    assert parse_json(b"9007199254740991") == INTEGER_MAX
    assert parse_json(b"-9007199254740991") == -INTEGER_MAX
    for text in (b"9007199254740992", b"-9007199254740992", b"1.0", b"1e2", b"-0", b"NaN", b"Infinity", b"01", b"+1"):
        with pytest.raises(MalformedRecord):
            parse_json(text)


def test_depth_and_length_end_where_they_say():
    assert parse_json(b"[" * DEPTH_MAX + b"]" * DEPTH_MAX)
    with pytest.raises(MalformedRecord):
        parse_json(b"[" * (DEPTH_MAX + 1) + b"]" * (DEPTH_MAX + 1))
    assert parse_json(b'"' + b"x" * (TEXT_BYTES_MAX - 2) + b'"')
    with pytest.raises(MalformedRecord):
        parse_json(b'"' + b"x" * (TEXT_BYTES_MAX - 1) + b'"')
    with pytest.raises(MalformedRecord):
        parse_json(b"[" * 30_000)


@pytest.mark.parametrize("text", [b'{"a":1,"a":1}', b'{"a":1,"\\u0061":2}', b'{"x":{"a":1,"a":2}}', b'[{"a":1,"a":2}]'])
def test_a_key_that_stands_twice_is_refused_at_any_depth(text):
    with pytest.raises(MalformedRecord):
        parse_json(text)


def test_an_escaped_pair_of_surrogates_is_a_character_and_a_lone_one_is_none():
    assert parse_json(b'"\\ud83d\\ude00"') == "😀"
    for text in (b'"\\ud83d"', b'"\\ude00\\ud83d"', b'{"\\ud83d":1}', b'[["\\udfff"]]'):
        with pytest.raises(MalformedRecord):
            parse_json(text)


@given(st.binary(max_size=70))
def test_base64url_comes_back_and_no_other_spelling_is_read(raw):
    text = base64url.encode(raw)
    assert base64url.decode(text) == raw
    for other in (text + "=", text + "A" * 5, text.replace("-", "+"), text.replace("_", "/"), text + "\n", " " + text):
        if other != text:
            try:
                assert base64url.decode(other) != raw
            except MalformedRecord:
                continue


@given(st.text(max_size=20))
def test_any_text_is_base64url_in_its_one_spelling_or_malformed(text):
    try:
        assert base64url.encode(base64url.decode(text)) == text
    except MalformedRecord:
        return


# --- the shapes of clear claims ---


@pytest.mark.attack
@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("https://a.example", True),
        ('https://a.example:8443/b$c!"=>A~', True),
        ("https://a.example/?", False),
        ("https://a.example/#", False),
        ("https://a.example@b.example", False),
        ("https://a.example/ ", False),
        ("ftp://a.example", False),
        ("https://" + "a" * 501, False),
    ],
)
def test_an_introduced_address_goes_on_with_the_path_that_is_asked(url, good):
    card = {"url": url, "number_prefix": "21", "desk_key": "A" * 43, "genesis": "A" * 43, "signature": "A" * 86}
    assert introduction(card) is good


@pytest.mark.parametrize(
    ("shape", "good", "bad"),
    [
        (day, ["2026-11-23", "2024-02-29"], ["2026-02-29", "２０２６-11-23", "2026-1-1", "20261123", "", None]),
        (month, ["2026-01", "2026-12"], ["2026-00", "2026-13", "２０２６-01", "2026-1", 202601]),
        (prefix, ["21", "9999"], ["1", "01", "12345", "２１", 21]),
        (amount_fen, [1, 10**13], [0, -1, 10**13 + 1, True, "1", 1.0, None]),
        (count, [0, INTEGER_MAX], [-1, True, False, INTEGER_MAX + 1, "0"]),
        (department, ["民政局", "青禾县民政局（本级）"], ["", "民政局 一科", "x" * 41, "民政局\n", "<b>", None]),
        (roles, [["clerk"], ["clerk", "admin"]], [[], ["admin", "clerk"], ["clerk", "clerk"], ["boss"], "clerk", None]),
        (vkeys, [["a+00000000+AAAA"]], [[], ["a+0+AAAA"], ["a+00000000+AAAA"] * 5, "a+00000000+AAAA", [7], None]),
    ],
)
def test_a_shape_lets_in_what_just_fits_and_nothing_else(shape: Shape, good, bad):
    assert all(shape(value) for value in good)
    assert not any(shape(value) for value in bad)


@given(VALUES)
def test_no_shape_stumbles_over_any_value(value):
    for kind in KINDS.values():
        for shape in (*kind.clear.values(), *kind.maybe.values()):
            assert shape(value) in {True, False}


# --- the closed list ---


def test_no_free_text_and_nothing_personal_is_in_the_closed_list():
    shown = {name for kind in BY_NAME.values() for name in (*kind.clear, *kind.maybe)}
    hidden = {name for kind in BY_NAME.values() for name in kind.private}
    personal = {"number", "query_code", "applicant", "phone", "payee", "account", "id_number", "place", "name", "note"}
    assert personal <= hidden
    assert not personal & shown
    assert not any({*kind.clear, *kind.maybe} & {*kind.private} for kind in BY_NAME.values())
    envelope = {"iss", "jti", "iat", "sub", "prev", "_sd", "_sd_alg", "..."}
    assert not (shown | hidden) & envelope


def test_every_kind_has_its_own_typ_and_somebody_who_may_sign_it():
    assert len(KINDS) == len(BY_NAME)
    assert all(kind.signers for kind in KINDS.values())


def test_the_page_of_the_closed_list_is_the_one_made_from_the_code(request):
    page = request.config.rootpath / "docs" / "records.md"
    assert page.read_text("utf-8") == describe(), "run: python -m ledger.records.describe > docs/records.md"
