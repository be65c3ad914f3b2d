import json
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey
from hypothesis import given
from hypothesis import strategies as st

from ledger.merkle.checkpoint import Checkpoint, parse_checkpoint
from ledger.merkle.cosignature import (
    Cosigner,
    TimedSigner,
    cosign,
    cosign_ed25519,
    cosign_mldsa,
    open_cosigned,
    parse_checkpoint_unverified,
)
from ledger.merkle.errors import (
    BadSignature,
    MalformedCheckpoint,
    MalformedCosignature,
    MalformedKey,
    MerkleError,
    NoKnownSignature,
)
from ledger.merkle.hashing import Hash
from ledger.merkle.note import (
    SignatureLine,
    Signer,
    add_signatures,
    open_note,
    parse_note_unverified,
    parse_signature_lines,
    parse_vkey,
    sign_note,
)
from tests.merkle.oracle import flip_bit, literal_vectors
from tests.merkle.people import (
    CHECKPOINT,
    COSIGNERS,
    LOG,
    LOG_MLDSA,
    LOGS,
    MIRROR_MLDSA,
    NOW,
    ORIGIN,
    SIGNED,
    TEXT,
    WITNESS,
    WITNESS_MLDSA,
)

VECTORS = literal_vectors()
ROOT = Hash(bytes(32))
ORIGINS = st.text(st.characters(codec="utf-8", min_codepoint=0x20), min_size=1, max_size=60).filter(
    lambda origin: len(origin.encode()) <= 255
)
CHECKPOINTS = st.builds(
    Checkpoint,
    ORIGINS,
    st.integers(0, 2**63 - 1),
    st.binary(min_size=32, max_size=32).map(Hash),
    st.lists(ORIGINS, max_size=2).map(tuple),
)
BOTH: list[Cosigner] = [WITNESS, WITNESS_MLDSA]


@given(CHECKPOINTS)
def test_a_checkpoint_is_read_back(checkpoint):
    assert parse_checkpoint(checkpoint.text()) == checkpoint


@given(st.text(max_size=80))
def test_any_text_is_refused_by_name_or_read_back(text):
    try:
        assert parse_checkpoint(text).text() == text
    except MalformedCheckpoint:
        return


@pytest.mark.parametrize("case", VECTORS["tlog"]["checkpoint_parse"])
def test_checkpoints_are_read_as_in_go_sumdb(case):
    if case["ok"]:
        assert parse_checkpoint(case["in"]).size == case["size"]
    else:
        with pytest.raises(MalformedCheckpoint):
            parse_checkpoint(case["in"])


@pytest.mark.parametrize("text", [*VECTORS["checkpoint"]["bad"], *VECTORS["checkpoint"]["ok"]])
def test_checkpoints_without_a_root_of_32_bytes_are_refused(text):
    """The good ones of this source are good in form only: their roots are words."""
    with pytest.raises(MalformedCheckpoint):
        parse_checkpoint(text)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n23\n", "\n023\n"),
        lambda text: text.replace("\n23\n", "\n+23\n"),
        lambda text: text.replace("\n23\n", "\n23 \n"),
        lambda text: text.replace("\n23\n", f"\n{2**63}\n"),
        lambda text: text.replace("\n23\n", "\n\n"),
        lambda text: text.replace("=\n", "\n"),
        lambda text: text.replace("=\n", "==\n"),
        lambda text: text + "\n",
        lambda text: text + "extension\n\n",
        lambda text: text + "extension",
        lambda text: text[:-1],
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\n" + text,
        lambda text: text[text.index("\n") :],
        lambda text: "长" * 86 + text,
        lambda text: "\ud800" + text,
    ],
)
def test_a_checkpoint_has_one_spelling(change):
    with pytest.raises(MalformedCheckpoint):
        parse_checkpoint(change(TEXT))


@pytest.mark.parametrize(
    ("origin", "size", "root"),
    [("", 0, ROOT), ("a\nb", 0, ROOT), ("a", -1, ROOT), ("a", 2**63, ROOT), ("a", 0, Hash(b""))],
)
def test_a_checkpoint_that_cannot_be_is_not_built(origin, size, root):
    with pytest.raises(MalformedCheckpoint):
        Checkpoint(origin, size, root)


def test_extension_lines_of_strangers_are_kept_and_not_believed():
    longer = TEXT + "extension\n"
    assert parse_checkpoint(longer).extension == ("extension",)
    # An ML-DSA signature holds with any extension lines, an Ed25519 one only with its own.
    line = cosign_mldsa(TEXT, NOW, LOG_MLDSA)
    LOG_MLDSA.verifier.check(longer, line.blob)
    with pytest.raises(BadSignature):
        LOG.verifier.check(longer, LOG.sign(TEXT).blob)
    with pytest.raises(BadSignature):
        WITNESS.verifier.check(longer, cosign_ed25519(TEXT, NOW, WITNESS).blob)


def test_an_ed25519_cosignature_signs_what_the_specification_shows():
    blob = cosign_ed25519(TEXT, NOW, WITNESS).blob
    message = f"cosignature/v1\ntime {NOW}\n{TEXT}".encode()
    assert blob[:8] == NOW.to_bytes(8, "big")
    Ed25519PublicKey.from_public_bytes(WITNESS.verifier.public_key).verify(blob[8:], message)


def test_an_ml_dsa_cosignature_signs_what_the_specification_shows():
    blob = cosign_mldsa(TEXT, NOW, WITNESS_MLDSA).blob
    name, origin = WITNESS_MLDSA.name.encode(), ORIGIN.encode()
    message = (
        b"subtree/v1\n\0"
        + bytes([len(name)]) + name
        + NOW.to_bytes(8, "big")
        + bytes([len(origin)]) + origin
        + bytes(8)
        + CHECKPOINT.size.to_bytes(8, "big")
        + CHECKPOINT.root
    )  # fmt: skip
    assert len(blob) == 8 + 2420
    assert blob[:8] == NOW.to_bytes(8, "big")
    MLDSA44PublicKey.from_public_bytes(WITNESS_MLDSA.verifier.public_key).verify(blob[8:], message)


def test_the_key_ids_are_those_of_the_specification():
    for verifier in [*LOGS, *COSIGNERS]:
        typed = verifier.name.encode() + b"\n" + bytes([verifier.kind]) + verifier.public_key
        assert verifier.key_id == sha256(typed).digest()[:4]


@pytest.mark.parametrize("case", VECTORS["cosignature"]["cosigned_checkpoints"], ids=lambda case: case["kind"])
def test_cosigned_checkpoints_of_sunlight_open(case):
    verifier = parse_vkey(case["cosigner_vkey"])
    note = open_note(case["note"].encode(), [verifier])
    assert [line.ref for line in note.verified] == [verifier.ref]
    origin = parse_checkpoint(note.text).origin
    assert sha256(origin.encode()).hexdigest() == case["origin_hash_path"]


def test_the_time_of_a_cosignature_is_where_transparency_dev_reads_it():
    case = VECTORS["cosignature"]["cosig_timestamp"]
    (line,) = parse_signature_lines(f"— a {case['sig_b64']}\n".encode())
    assert int.from_bytes(line.blob[:8], "big") == case["unix"]


def test_a_checkpoint_cosigned_by_the_go_libraries_opens():
    made = json.loads((Path(__file__).parent / "cosigned-by-go.json").read_text(encoding="utf-8"))
    cosigners = [parse_vkey(made["mldsa"]), parse_vkey(made["ed25519"])]
    opened = open_cosigned(made["note"].encode(), [parse_vkey(made["log"])], cosigners)
    assert opened.cosigned_by == {cosigner.ref for cosigner in cosigners}
    assert all(cosignature.time > NOW for cosignature in opened.cosignatures)


def test_a_cosigned_checkpoint_opens_with_who_and_when():
    opened = open_cosigned(SIGNED, LOGS, COSIGNERS)
    assert opened.checkpoint == CHECKPOINT
    assert [line.ref for line in opened.log_lines] == [log.ref for log in LOGS]
    assert [(one.name, one.time) for one in opened.cosignatures] == [
        (WITNESS_MLDSA.name, NOW + 1),
        (WITNESS.name, NOW + 2),
        (MIRROR_MLDSA.name, NOW + 3),
    ]
    assert opened.cosigned_by == {cosigner.ref for cosigner in COSIGNERS}
    assert parse_checkpoint_unverified(SIGNED) == CHECKPOINT


def test_either_key_of_the_log_is_enough():
    signers: list[Signer] = [LOG, TimedSigner(LOG_MLDSA, 0)]
    for signer in signers:
        assert open_cosigned(sign_note(TEXT, [signer]), LOGS).checkpoint == CHECKPOINT


def test_cosigners_alone_do_not_make_a_checkpoint():
    with pytest.raises(NoKnownSignature):
        open_cosigned(sign_note(TEXT, [TimedSigner(WITNESS, NOW), TimedSigner(WITNESS_MLDSA, NOW)]), LOGS, COSIGNERS)


def test_a_logs_key_does_not_count_under_another_origin():
    other = Checkpoint("caizheng.example/log", 5, ROOT).text()
    with pytest.raises(NoKnownSignature):
        open_cosigned(sign_note(other, [LOG, TimedSigner(LOG_MLDSA, NOW)]), LOGS)


def test_a_cosigners_plain_signature_is_no_cosignature():
    opened = open_cosigned(sign_note(TEXT, [LOG]), LOGS, [LOG.verifier])
    assert opened.cosignatures == ()


@pytest.mark.parametrize("key", BOTH)
def test_another_time_or_checkpoint_is_not_what_was_cosigned(key):
    blob = cosign(TEXT, NOW, key).blob
    key.verifier.check(TEXT, blob)
    others = [
        Checkpoint("x" + ORIGIN, CHECKPOINT.size, CHECKPOINT.root),
        Checkpoint(ORIGIN, CHECKPOINT.size + 1, CHECKPOINT.root),
        Checkpoint(ORIGIN, CHECKPOINT.size, ROOT),
    ]
    for other in others:
        with pytest.raises(BadSignature):
            key.verifier.check(other.text(), blob)
    with pytest.raises(BadSignature):
        key.verifier.check(TEXT, (NOW + 1).to_bytes(8, "big") + blob[8:])


@pytest.mark.parametrize("key", BOTH)
def test_a_cosignature_of_the_wrong_length_is_bad(key):
    blob = cosign(TEXT, NOW, key).blob
    for bad in [blob[:-1], blob + b"\0", blob[8:], b"\0"]:
        with pytest.raises(BadSignature):
            key.verifier.check(TEXT, bad)


@given(st.sampled_from([*BOTH, LOG]), st.integers(0))
def test_a_flipped_bit_in_a_signature_is_found(key, bit):
    blob = key.sign(TEXT).blob if key is LOG else cosign(TEXT, NOW, key).blob
    with pytest.raises(BadSignature):
        key.verifier.check(TEXT, flip_bit(blob, bit))


def test_an_ml_dsa_cosignature_is_bound_to_its_name_and_an_ed25519_one_is_not():
    """Hence one Ed25519 key for each identity: the specification's own warning."""
    blob = cosign_mldsa(TEXT, NOW, WITNESS_MLDSA).blob
    renamed = type(WITNESS_MLDSA)("other.example/witness", WITNESS_MLDSA.private_key)
    with pytest.raises(BadSignature):
        renamed.verifier.check(TEXT, blob)
    type(WITNESS)("other.example/witness", WITNESS.private_key).verifier.check(TEXT, cosign(TEXT, NOW, WITNESS).blob)


@pytest.mark.parametrize("text", ["not a checkpoint\n", TEXT[:-1], "a\n1\n\n", ""])
@pytest.mark.parametrize("key", BOTH)
def test_nothing_but_a_checkpoint_is_cosigned(key, text):
    with pytest.raises(MalformedCheckpoint):
        cosign(text, NOW, key)
    with pytest.raises(BadSignature):
        key.verifier.check(text, cosign(TEXT, NOW, key).blob)


@pytest.mark.parametrize(
    ("key", "time"), [(WITNESS, 0), (WITNESS, -1), (WITNESS, 2**63), (WITNESS_MLDSA, -1), (WITNESS_MLDSA, 2**63)]
)
def test_such_a_time_is_never_cosigned(key, time):
    with pytest.raises(MalformedCosignature):
        cosign(TEXT, time, key)


@pytest.mark.parametrize(("key", "times"), [(WITNESS, [0, 2**63, 2**64 - 1]), (WITNESS_MLDSA, [2**63, 2**64 - 1])])
def test_a_cosignature_with_such_a_time_is_bad(key, times):
    for time in times:
        with pytest.raises(BadSignature):
            key.verifier.check(TEXT, time.to_bytes(8, "big") + cosign(TEXT, NOW, key).blob[8:])


def test_the_last_second_can_be_cosigned():
    for key in BOTH:
        key.verifier.check(TEXT, cosign(TEXT, 2**63 - 1, key).blob)


@pytest.mark.parametrize("key", BOTH)
def test_a_cosigner_cannot_have_such_a_name(key):
    for name in ["", "a b", "a+b", "a" * 256]:
        with pytest.raises(MalformedKey):
            type(key)(name, key.private_key)
    assert type(key)("a" * 255, key.private_key).verifier.name == "a" * 255


def test_a_witness_answers_lines_that_go_under_the_note():
    answer = "".join(cosign(TEXT, NOW, key).text() for key in BOTH).encode()
    signed = add_signatures(sign_note(TEXT, [LOG]), parse_signature_lines(answer))
    assert open_cosigned(signed, LOGS, COSIGNERS).cosigned_by == {key.verifier.ref for key in BOTH}


def test_a_bad_cosignature_of_a_known_key_spoils_the_checkpoint():
    forged = SignatureLine(WITNESS.name, WITNESS.verifier.key_id, bytes(72))
    signed = add_signatures(sign_note(TEXT, [LOG]), [forged])
    assert open_cosigned(signed, LOGS).checkpoint == CHECKPOINT
    with pytest.raises(BadSignature):
        open_cosigned(signed, LOGS, COSIGNERS)


@given(st.data())
def test_no_mutated_checkpoint_is_accepted_as_another(data):
    place = data.draw(st.integers(0, len(SIGNED) - 1))
    mutated = SIGNED[:place] + data.draw(st.binary(max_size=2)) + SIGNED[place + data.draw(st.integers(0, 2)) :]
    try:
        opened = open_cosigned(mutated, LOGS, COSIGNERS)
    except MerkleError:
        return
    honest = open_cosigned(SIGNED, LOGS, COSIGNERS)
    assert opened.checkpoint == CHECKPOINT
    assert set(opened.cosignatures) <= set(honest.cosignatures)
    assert parse_note_unverified(mutated).text == TEXT
