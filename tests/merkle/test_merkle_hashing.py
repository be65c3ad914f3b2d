import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.merkle.encoding import SIZE_MAX, decode_base64, encode_base64, parse_decimal
from ledger.merkle.errors import EntryTooLong, MalformedHash, MalformedText
from ledger.merkle.hashing import EMPTY_ROOT, CompactRange, Hash, as_hash, leaf_hash, node_hash, root_of, split_hashes
from tests.merkle.oracle import Oracle, entry, literal_vectors

RFC6962 = literal_vectors()["rfc6962"]


def test_the_hashes_are_those_of_rfc_6962():
    leaf, node = RFC6962["leaf"], RFC6962["node"]
    assert EMPTY_ROOT.hex() == RFC6962["empty_root"]
    assert leaf_hash(b"").hex() == RFC6962["leaf_empty"]
    assert leaf_hash(leaf["data"].encode()).hex() == leaf["hash"]
    assert node_hash(Hash(node["left"].encode()), Hash(node["right"].encode())).hex() == node["hash"]


def test_the_hashes_are_those_of_go_sumdb():
    tlog = literal_vectors()["tlog"]
    assert EMPTY_ROOT.hex() == tlog["empty_tree"]
    for case in tlog["record_hash"]:
        assert leaf_hash(case["data"].encode()) == base64.b64decode(case["b64"])


def test_an_entry_that_is_two_hashes_is_no_node():
    left, right = leaf_hash(b"1"), leaf_hash(b"2")
    assert leaf_hash(left + right) != node_hash(left, right)


def test_the_longest_entry_has_65535_bytes():
    leaf_hash(bytes(65535))
    with pytest.raises(EntryTooLong):
        leaf_hash(bytes(65536))


def test_the_root_is_the_recursive_one_at_every_size_to_300():
    oracle, grown = Oracle(), CompactRange()
    for size in range(301):
        assert grown.root() == oracle.mth(0, size)
        assert CompactRange.from_bytes(size, grown.to_bytes()) == grown
        grown = grown.append(leaf_hash(entry(size)))


@given(st.lists(st.integers(0, 50), max_size=8))
def test_a_tree_grows_to_the_same_root_in_any_steps(steps):
    grown = CompactRange()
    for step in steps:
        grown = grown.extend(leaf_hash(entry(number)) for number in range(grown.size, grown.size + step))
    assert grown.root() == root_of(leaf_hash(entry(number)) for number in range(sum(steps)))


@pytest.mark.parametrize(
    ("size", "blob"), [(0, bytes(32)), (1, b""), (3, bytes(32)), (4, bytes(64)), (1, bytes(31)), (-1, b"")]
)
def test_a_range_with_the_wrong_hashes_for_its_size_is_refused(size, blob):
    with pytest.raises(MalformedHash):
        CompactRange.from_bytes(size, blob)


def test_a_range_of_short_hashes_is_refused():
    with pytest.raises(MalformedHash):
        CompactRange(1, (Hash(bytes(31)),))


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_hash_has_32_bytes(length):
    with pytest.raises(MalformedHash):
        as_hash(bytes(length))


def test_hashes_written_one_after_another_leave_no_byte_over():
    assert split_hashes(b"") == []
    with pytest.raises(MalformedHash):
        split_hashes(bytes(65))


@given(st.binary(max_size=70))
def test_base64_is_read_back(data):
    assert decode_base64(encode_base64(data)) == data


@given(st.binary(min_size=1, max_size=40), st.data())
def test_base64_has_one_spelling(data, draw):
    text = encode_base64(data)
    place = draw.draw(st.integers(0, len(text) - 1))
    other = text[:place] + draw.draw(st.characters(codec="utf-8")) + text[place + 1 :]
    try:
        read = decode_base64(other)
    except MalformedText:
        return
    assert (read == data) == (other == text)


@pytest.mark.parametrize(
    "text", ["QUI", "QUJ=", "QU J", "QUJD\n", "\nQUJD", "QUJD=", "QUJD====", "Q-_D", "QQ==QQ==", "=", "QUJÉ"]
)
def test_a_second_spelling_of_base64_is_refused(text):
    with pytest.raises(MalformedText):
        decode_base64(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "00",
        "01",
        "+1",
        "-1",
        "-0",
        " 1",
        "1 ",
        "1\n",
        "1_0",
        "1.0",
        "1e3",
        "0x1",
        "١",
        "１",
        "²",
        str(SIZE_MAX + 1),
        "9" * 5000,
    ],
)
def test_a_second_spelling_of_a_number_is_refused(text):
    with pytest.raises(MalformedText):
        parse_decimal(text)


@given(st.integers(0, SIZE_MAX))
def test_a_number_is_read_back(number):
    assert parse_decimal(str(number)) == number
