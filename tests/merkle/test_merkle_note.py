import base64
from dataclasses import dataclass, field
from typing import cast

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from ledger.merkle.errors import AmbiguousKey, BadSignature, MalformedKey, MalformedNote, MerkleError, NoKnownSignature
from ledger.merkle.note import (
    NOTE_BYTES_MAX,
    SIGNATURES_MAX,
    Ed25519Signer,
    SignatureKind,
    SignatureLine,
    Verifier,
    add_signatures,
    format_note,
    format_vkey,
    open_note,
    parse_note_unverified,
    parse_signature_lines,
    parse_vkey,
    sign_note,
)
from ledger.merkle.vkeys import is_name
from tests.merkle.oracle import literal_vectors
from tests.merkle.people import COSIGNERS, LOG, LOG_MLDSA, LOGS, SIGNED, SIGNERS, STRANGER, TEXT, WITNESS, WITNESS_MLDSA

VECTORS = literal_vectors()
NOTE = VECTORS["note"]
VKEYS = {vkey.split("+")[0]: vkey for vkey in NOTE["vkeys_valid"]}
EVERY_VKEY = [
    *NOTE["vkeys_valid"],
    VECTORS["c2sp_examples"]["signed_note_example"]["vkey"],
    VECTORS["witness_add_checkpoint"]["sumdb"]["vkey"],
    *VECTORS["cosignature"]["vkey_cosig_valid"],
    *(case["cosigner_vkey"] for case in VECTORS["cosignature"]["cosigned_checkpoints"]),
]
NAMES = st.text(min_size=1, max_size=12).filter(lambda name: not any(c.isspace() or c < " " or c == "+" for c in name))
BODIES = st.text(alphabet=st.characters(codec="utf-8", min_codepoint=0x20), max_size=30)
TEXTS = st.lists(BODIES, min_size=1, max_size=5).map(lambda lines: "".join(f"{line}\n" for line in lines))


def many(count: int) -> list[SignatureLine]:
    return [SignatureLine(f"stranger-{number}", b"\0\0\0\1", b"x" * 64) for number in range(count)]


@dataclass(slots=True)
class Counted:
    """A verifier that remembers how often it was asked."""

    real: Verifier
    asked: list[bytes] = field(default_factory=list)

    @property
    def ref(self):
        return self.real.ref

    def check(self, text, blob):
        self.asked.append(blob)
        self.real.check(text, blob)


@pytest.mark.parametrize("vkey", EVERY_VKEY)
def test_a_vkey_is_read_back(vkey):
    assert format_vkey(parse_vkey(vkey)) == vkey


@pytest.mark.parametrize("vkey", NOTE["vkeys_valid"])
def test_no_part_of_a_vkey_is_a_vkey(vkey):
    for start in range(len(vkey)):
        for end in range(start, len(vkey) + 1):
            if end - start < len(vkey):
                with pytest.raises(MerkleError):
                    parse_vkey(vkey[start:end])


@pytest.mark.parametrize("vkey", EVERY_VKEY)
def test_a_vkey_with_one_byte_raised_by_one_is_refused(vkey):
    for place in range(len(vkey)):
        with pytest.raises(MalformedKey):
            parse_vkey(vkey[:place] + chr(ord(vkey[place]) + 1) + vkey[place + 1 :])


@pytest.mark.parametrize("case", NOTE["vkeys_invalid"], ids=lambda case: case["why"])
def test_a_vkey_of_wrong_length_or_type_is_refused_though_its_id_fits(case):
    with pytest.raises(MalformedKey):
        parse_vkey(case["vkey"])


@pytest.mark.parametrize(
    "name", ["", "a b", "a+b", "a\u3000b", "a\u00a0b", "a\u2028b", "a\nb", "a\x01b", "\ud800", "长" * 86]
)
def test_no_key_has_such_a_name(name):
    with pytest.raises(MalformedKey):
        Verifier(name, SignatureKind.ED25519, bytes(32))
    with pytest.raises(MalformedKey):
        Ed25519Signer(name, Ed25519PrivateKey.generate())


@pytest.mark.parametrize("kind", SignatureKind)
def test_a_key_has_the_length_of_its_kind(kind):
    right = 1312 if kind == SignatureKind.SUBTREE_V1 else 32
    Verifier("a", kind, bytes(right))
    for wrong in (0, right - 1, right + 1):
        with pytest.raises(MalformedKey):
            Verifier("a", kind, bytes(wrong))


def test_one_key_has_another_id_for_each_kind_of_signature():
    ids = {Verifier("a", kind, bytes(32)).key_id for kind in (SignatureKind.ED25519, SignatureKind.COSIGNATURE_V1)}
    assert len(ids) == 2


@pytest.mark.parametrize("case", NOTE["open_cases"], ids=lambda case: case["name"])
def test_notes_open_as_in_go(case):
    known = [parse_vkey(VKEYS[name]) for name in case["known"]]
    if case["error"]:
        with pytest.raises((MalformedNote, BadSignature, NoKnownSignature)):
            open_note(case["note"].encode(), known)
        return
    note = open_note(case["note"].encode(), known)
    assert note.text == NOTE["text"]
    assert [line.name for line in note.verified] == case["verified"]
    assert [line.name for line in note.unverified] == case["unverified"]


@pytest.mark.parametrize("encoded", NOTE["malformed_b64"])
def test_a_note_that_go_calls_malformed_is_malformed(encoded):
    with pytest.raises(MalformedNote):
        parse_note_unverified(base64.b64decode(encoded))


def test_the_example_of_the_specification_opens():
    example = VECTORS["c2sp_examples"]["signed_note_example"]
    assert open_note(example["note"].encode(), [parse_vkey(example["vkey"])]).text == "This is an example message.\n"


def test_a_checkpoint_of_the_go_checksum_database_opens():
    sumdb = VECTORS["witness_add_checkpoint"]["sumdb"]
    note = open_note(sumdb["note"].encode(), [parse_vkey(sumdb["vkey"])])
    assert note.text.startswith(sumdb["origin"])


def test_we_sign_as_go_does():
    signer = Ed25519Signer("EnochRoot", Ed25519PrivateKey.from_private_bytes(bytes(32)))
    assert format_vkey(signer.verifier) == VKEYS["EnochRoot"]
    assert sign_note(NOTE["text"], [signer]).decode() == NOTE["text"] + "\n" + NOTE["sig_enoch"]


@given(TEXTS)
def test_a_signed_text_opens(text):
    note = open_note(sign_note(text, [LOG, STRANGER]), [LOG.verifier])
    assert note.text == text
    assert [line.name for line in note.verified] == [LOG.name]
    assert [line.name for line in note.unverified] == [STRANGER.name]


@given(NAMES, st.binary(min_size=4, max_size=4), st.binary(min_size=1, max_size=80))
def test_a_signature_line_is_read_back(name, key_id, blob):
    line = SignatureLine(name, key_id, blob)
    assert parse_signature_lines(line.text().encode()) == (line,)


@pytest.mark.parametrize("text", ["", "no newline", "a\tb\n", "a\rb\n", "\x00\n", "a\x1fb\n"])
def test_such_a_text_is_never_signed(text):
    with pytest.raises(MalformedNote):
        sign_note(text, [LOG])


def test_a_note_needs_a_signature():
    with pytest.raises(MalformedNote):
        sign_note("text\n", [])


def test_the_last_empty_line_divides():
    text = "first\n\n— looks.like/a AAAAAAAA\n\nlast\n"
    assert open_note(sign_note(text, [LOG]), [LOG.verifier]).text == text


def test_a_bad_line_of_a_known_key_spoils_the_note_though_another_key_is_good():
    lines = parse_note_unverified(SIGNED).unverified
    bad = SignatureLine(WITNESS.name, WITNESS.verifier.key_id, lines[3].blob[:-1] + b"\0\0")
    spoiled = format_note(TEXT, [*lines[:3], bad])
    open_note(spoiled, LOGS)
    with pytest.raises(BadSignature) as caught:
        open_note(spoiled, [*LOGS, WITNESS.verifier])
    assert (caught.value.name, caught.value.key_id) == WITNESS.verifier.ref


def test_a_stranger_who_shares_name_or_key_id_but_not_both_is_ignored():
    lines = [
        SignatureLine(LOG.name, b"\0\0\0\1", b"x" * 64),
        SignatureLine("other", LOG.verifier.key_id, b"x" * 64),
        LOG.sign(TEXT),
    ]
    note = open_note(format_note(TEXT, lines), [LOG.verifier])
    assert note.verified == (lines[2],)
    assert note.unverified == (lines[0], lines[1])


@pytest.mark.parametrize("verifiers", [[], [STRANGER.verifier], [WITNESS.verifier]])
def test_a_note_that_nobody_known_has_signed_is_refused(verifiers):
    with pytest.raises(NoKnownSignature):
        open_note(sign_note(TEXT, [LOG]), verifiers)


def test_two_known_keys_under_one_name_and_id_are_refused():
    twin = Verifier(LOG.name, SignatureKind.ED25519, STRANGER.verifier.public_key)
    object.__setattr__(twin, "key_id", LOG.verifier.key_id)
    object.__setattr__(twin, "ref", LOG.verifier.ref)
    with pytest.raises(AmbiguousKey):
        open_note(sign_note(TEXT, [LOG]), [LOG.verifier, twin])
    open_note(sign_note(TEXT, [LOG]), [LOG.verifier, LOG.verifier])


def test_one_verification_is_made_for_each_known_key_however_many_lines_name_it():
    real = LOG.sign(TEXT)
    forged = [SignatureLine(LOG.name, real.key_id, number.to_bytes(64, "big")) for number in range(90)]
    counted = Counted(LOG.verifier)
    note = open_note(format_note(TEXT, [real, *forged]), [cast("Verifier", counted)])
    assert counted.asked == [real.blob]
    assert note.verified == (real,)
    assert note.unverified == ()


@pytest.mark.parametrize("count", [16, 17, SIGNATURES_MAX])
def test_so_many_signatures_are_read(count):
    assert len(parse_note_unverified(format_note(TEXT, many(count))).unverified) == count


@pytest.mark.parametrize("count", [SIGNATURES_MAX + 1, 5_000, 10_000])
def test_more_signatures_are_refused(count):
    signed = f"{TEXT}\n".encode() + b"".join(line.text().encode() for line in many(count))
    with pytest.raises(MalformedNote):
        open_note(signed, [LOG.verifier])
    with pytest.raises(MalformedNote):
        parse_signature_lines(signed.rpartition(b"\n\n")[2])


def test_sixteen_signatures_by_ml_dsa_fit():
    line = LOG_MLDSA.verifier
    lines = [SignatureLine(f"w{number}.example/witness", line.key_id, bytes(2428)) for number in range(16)]
    assert len(format_note(TEXT, lines)) < NOTE_BYTES_MAX / 8
    with pytest.raises(MalformedNote):
        parse_note_unverified(b"a" * NOTE_BYTES_MAX + sign_note(TEXT, [LOG]))


@pytest.mark.parametrize(
    "line",
    [
        "", "—", "— ", "— a", "— a ", "- a AAAAAAA=", "—a AAAAAAA=", "—  a AAAAAAA=", "— a  AAAAAAA=", "— a AAAAAAA= ", " — a AAAAAAA=",
        "— a AAAAAA==", "— a AAAAAAA", "— a+b AAAAAAA=", "— a\u3000b AAAAAAA=", "—\u00a0a AAAAAAA=", "— a AAAAAAA=\r", "— a b AAAAAAA=",
    ],
)  # fmt: skip
def test_a_line_has_one_spelling(line):
    assert parse_signature_lines("— a AAAAAAA=\n".encode())
    with pytest.raises(MalformedNote):
        parse_signature_lines(f"{line}\n".encode())


@pytest.mark.parametrize(
    "change",
    [
        lambda note: note[:-1],
        lambda note: note + b"\n",
        lambda note: note + b"x\n",
        lambda note: note.replace(b"\n\n", b"\n"),
        lambda note: note.replace(b"\n", b"\r\n"),
        lambda note: b"\xff" + note,
        lambda note: note + b"\xe2\x80",
        lambda note: note.replace(b"\n\n", b"\n\n\n"),
        lambda note: note[: note.index(b"\n\n") + 2],
        lambda _: b"",
        lambda _: b"\n\n",
    ],
)
def test_what_is_not_a_note_is_refused(change):
    with pytest.raises((MalformedNote, NoKnownSignature, BadSignature)):
        open_note(change(sign_note(TEXT, [LOG])), [LOG.verifier])


@given(st.data())
def test_no_mutated_note_is_accepted_for_another_text(data):
    """Whatever is done to the bytes, what opens is the text that was signed."""
    place = data.draw(st.integers(0, len(SIGNED) - 1))
    cut = data.draw(st.integers(0, 3))
    mutated = SIGNED[:place] + data.draw(st.binary(max_size=3)) + SIGNED[place + cut :]
    try:
        note = open_note(mutated, [*LOGS, *COSIGNERS])
    except MerkleError:
        return
    assert note.text == TEXT
    assert {line.ref for line in note.verified} <= {key.ref for key in [*LOGS, *COSIGNERS]}
    assert set(note.verified) <= set(parse_note_unverified(SIGNED).unverified)


def test_a_second_spelling_of_a_signature_is_bad_where_the_key_is_known_and_ignored_where_not():
    lines = [STRANGER.sign(TEXT).text(), LOG.sign(TEXT).text()]
    twisted = [line[:-3] + chr(ord(line[-3]) + 1) + line[-2:] for line in lines]  # the last sextet's unused bits
    stranger_loose = f"{TEXT}\n{twisted[0]}{lines[1]}".encode()
    assert open_note(stranger_loose, [LOG.verifier]).unverified == ()
    assert add_signatures(stranger_loose, []) == sign_note(TEXT, [LOG])
    with pytest.raises(BadSignature):
        open_note(stranger_loose, [LOG.verifier, STRANGER.verifier])
    with pytest.raises(BadSignature):
        open_note(f"{TEXT}\n{twisted[1]}".encode(), [LOG.verifier])
    (loose,) = parse_signature_lines(twisted[0].encode())
    with pytest.raises(MalformedNote):
        format_note(TEXT, [loose])


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_by_name_or_read_back(data):
    try:
        note = parse_note_unverified(data)
    except MalformedNote:
        return
    assert parse_note_unverified(format_note(note.text, note.unverified)) == note


def test_a_newer_line_takes_the_place_of_the_same_keys_older_one():
    older = parse_note_unverified(SIGNED).unverified
    fresh = SIGNERS[0].sign(TEXT), SignatureLine(WITNESS_MLDSA.name, WITNESS_MLDSA.verifier.key_id, b"newer")
    extra = STRANGER.sign(TEXT)
    lines = parse_note_unverified(add_signatures(SIGNED, [*fresh, extra])).unverified
    assert lines == (fresh[0], older[1], fresh[1], *older[3:], extra)


def test_adding_nothing_changes_nothing():
    assert add_signatures(SIGNED, []) == SIGNED


def test_every_character_of_the_basic_plane_is_told_apart_as_the_specification_does():
    """No name holds a Unicode space, a plus or a control character; no note a control character but newline."""
    for code in range(0x10000):
        char = chr(code)
        forbidden = char.isspace() or char < " " or char == "+" or "\ud800" <= char <= "\udfff"
        assert is_name(f"a{char}b") is not forbidden, hex(code)
        if char < " " and char != "\n":
            with pytest.raises(MalformedNote):
                parse_note_unverified(f"a{char}b\n\n— name AAAAAAAA\n".encode())


def test_a_line_read_from_memory_is_the_line_and_a_bad_one_is_bad_each_time():
    line = "— name AAAAAAAA"
    assert SignatureLine.parse(line) == SignatureLine.parse(line)
    long = f"— name {'AAAA' * 2_000}"
    assert SignatureLine.parse(long).text() == f"{long}\n"
    for _ in range(2):
        with pytest.raises(MalformedNote):
            SignatureLine.parse("— name AAA")


def test_what_was_found_true_of_a_line_says_nothing_of_another_text_key_or_line():
    """Verified lines are remembered; nothing else may be taken for one of them, and what failed fails again."""
    text, other = "log.example/log\n1\nAAAA\n", "log.example/log\n2\nAAAA\n"
    mine, theirs = (Ed25519Signer("log.example/log", Ed25519PrivateKey.generate()) for _ in range(2))
    line = mine.sign(text)
    for _ in range(2):
        mine.verifier.check(text, line.blob)
        for verifier, said, blob in (
            (mine.verifier, other, line.blob),
            (theirs.verifier, text, line.blob),
            (mine.verifier, text, bytes([line.blob[0] ^ 1]) + line.blob[1:]),
            (Verifier("log.example/witness", mine.verifier.kind, mine.verifier.public_key), other, line.blob),
        ):
            with pytest.raises(BadSignature):
                verifier.check(said, blob)


@pytest.mark.parametrize("control", [*map(chr, range(0x20))])
def test_no_control_character_stands_anywhere_in_a_note(control):
    key = Ed25519Signer("log.example/log", Ed25519PrivateKey.generate())
    signed = sign_note(TEXT, [key]).decode()
    for at in range(len(signed) + 1):
        changed = f"{signed[:at]}{control}{signed[at:]}".encode()
        if control == "\n":
            with pytest.raises(MerkleError):
                open_note(changed, [key.verifier])
        else:
            with pytest.raises(MalformedNote):
                parse_note_unverified(changed)
