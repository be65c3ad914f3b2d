"""The keys lie in one sealed file that is never overwritten, and the high-water mark never goes back."""

import json
import stat
import subprocess
import sys
import threading

import pyrage
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mnemonic import Mnemonic

from ledger import keys as node_keys_module
from ledger.errors import Behind, Misconfigured
from ledger.keys import HighWater, fingerprint_words, generate, open_keys, seal
from ledger.merkle.hashing import Hash
from ledger.merkle.vkeys import SignatureKind, parse_vkey

ORIGIN = "minzheng.example/log"
PASSPHRASE = "correct horse battery"
ONE, TWO = Hash(b"1" * 32), Hash(b"2" * 32)


# --- the key file ---


def test_a_real_age_file_opens_with_its_passphrase_and_holds_no_key_in_the_clear(tmp_path, node_keys):
    path = tmp_path / "new" / "node.age"
    seal(path, node_keys, PASSPHRASE)
    sealed = path.read_bytes()
    assert sealed.startswith(b"age-encryption.org/v1\n-> scrypt ")
    assert node_keys.vault_key not in sealed
    opened = open_keys(path, PASSPHRASE)
    assert opened.fingerprint == node_keys.fingerprint
    assert node_keys_module._to_seeds(opened) == node_keys_module._to_seeds(node_keys)


def test_another_passphrase_opens_nothing(tmp_path, node_keys, quick_seal):
    seal(tmp_path / "node.age", node_keys, PASSPHRASE)
    with pytest.raises(Misconfigured, match="ONETRIP_KEY_PASSPHRASE"):
        open_keys(tmp_path / "node.age", PASSPHRASE + "!")


def test_the_key_file_is_readable_by_its_owner_alone_and_leaves_no_scraps(tmp_path, node_keys, quick_seal):
    path = tmp_path / "node.age"
    seal(path, node_keys, PASSPHRASE)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["node.age"]


def test_a_key_file_is_never_overwritten_not_even_by_two_at_once(tmp_path, node_keys, quick_seal):
    path = tmp_path / "node.age"
    won, lost = [], []

    def try_to_seal():
        try:
            seal(path, node_keys, PASSPHRASE)
            won.append(1)
        except Misconfigured:
            lost.append(1)

    threads = [threading.Thread(target=try_to_seal) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(lost)) == (1, 7)


def test_a_passphrase_that_protects_nothing_is_refused(tmp_path, node_keys):
    with pytest.raises(Misconfigured, match="ONETRIP_KEY_PASSPHRASE"):
        seal(tmp_path / "node.age", node_keys, "1234567")


def test_a_missing_or_foreign_key_file_is_named_by_its_setting(tmp_path, quick_seal):
    with pytest.raises(Misconfigured, match="ONETRIP_KEY_FILE"):
        open_keys(tmp_path / "none.age", PASSPHRASE)
    with pytest.raises(Misconfigured, match="ONETRIP_KEY_FILE"):
        open_keys(tmp_path, PASSPHRASE)
    for content in (b"", b"[]", b"{}", json.dumps({"origin": ORIGIN, "seeds": {"log_ed25519": "AA"}}).encode()):
        (tmp_path / "foreign.age").write_bytes(pyrage.passphrase.encrypt(content, PASSPHRASE))
        with pytest.raises(Misconfigured, match="ONETRIP_KEY_FILE"):
            open_keys(tmp_path / "foreign.age", PASSPHRASE)


def test_no_secret_shows_when_keys_are_printed(node_keys):
    shown = repr(node_keys)
    for secret in (node_keys.vault_key, node_keys.person_key, node_keys.lookup_key):
        assert repr(secret) not in shown
    assert "PrivateKey" not in shown


def test_each_statement_has_its_own_name_and_its_own_keys(node_keys):
    vkeys = [*node_keys.log_vkeys, *node_keys.witness_vkeys, *node_keys.mirror_vkeys]
    verifiers = [parse_vkey(vkey) for vkey in vkeys]
    assert [verifier.name for verifier in verifiers] == [
        ORIGIN,
        ORIGIN,
        "minzheng.example/witness",
        "minzheng.example/witness",
        "minzheng.example/mirror",
        "minzheng.example/mirror",
    ]
    assert [verifier.kind for verifier in verifiers] == [
        SignatureKind.ED25519,
        SignatureKind.SUBTREE_V1,
        SignatureKind.COSIGNATURE_V1,
        SignatureKind.SUBTREE_V1,
        SignatureKind.COSIGNATURE_V1,
        SignatureKind.SUBTREE_V1,
    ]
    assert len({verifier.public_key for verifier in verifiers} | {node_keys.desk_public}) == 7


# --- the fingerprint ---


def test_a_fingerprint_is_eight_words_that_can_be_read_over_the_telephone(node_keys):
    words = node_keys.fingerprint.split()
    assert len(words) == 8
    assert set(words) <= set(Mnemonic("english").wordlist)


def test_a_fingerprint_changes_with_every_key_their_order_and_the_name(node_keys):
    vkeys = [*node_keys.log_vkeys, *node_keys.witness_vkeys, *node_keys.mirror_vkeys]
    other = generate(ORIGIN)
    others = [*other.log_vkeys, *other.witness_vkeys, *other.mirror_vkeys]
    seen = {
        fingerprint_words(ORIGIN, vkeys, node_keys.desk_public),
        fingerprint_words("x.example/log", vkeys, node_keys.desk_public),
        fingerprint_words(ORIGIN, vkeys[::-1], node_keys.desk_public),
        fingerprint_words(ORIGIN, vkeys[:-1], node_keys.desk_public),
        fingerprint_words(ORIGIN, vkeys, other.desk_public),
    }
    for place in range(len(vkeys)):
        changed = [*vkeys[:place], others[place], *vkeys[place + 1 :]]
        seen.add(fingerprint_words(ORIGIN, changed, node_keys.desk_public))
    assert len(seen) == 5 + len(vkeys)


# --- the high-water mark ---


@pytest.fixture
def mark(tmp_path):
    created = HighWater(tmp_path / "node.high-water")
    created.create()
    return created


def test_a_new_mark_knows_of_nothing_and_is_never_begun_again(mark):
    assert mark.log_head() is None
    assert mark.witness_head("a/log") is None
    with pytest.raises(Misconfigured):
        mark.create()


def test_the_mark_is_on_the_disk_for_whoever_opens_it_next(mark, tmp_path):
    mark.raise_log(3, ONE)
    mark.raise_witness("a/log", 5, TWO)
    again = HighWater(tmp_path / "node.high-water")
    assert again.log_head() == (3, ONE)
    assert again.witness_head("a/log") == (5, TWO)
    assert again.witness_head("b/log") is None


def test_the_same_head_may_be_marked_again(mark):
    for _ in range(2):
        mark.raise_log(3, ONE)
        mark.raise_witness("a/log", 3, ONE)
    assert mark.log_head() == (3, ONE)


@pytest.mark.parametrize(("size", "root"), [(2, ONE), (3, TWO), (0, ONE)])
def test_the_mark_never_goes_back_nor_beside(mark, size, root):
    mark.raise_log(3, ONE)
    mark.raise_witness("a/log", 3, ONE)
    with pytest.raises(Behind):
        mark.raise_log(size, root)
    with pytest.raises(Behind):
        mark.raise_witness("a/log", size, root)
    mark.raise_witness("b/log", size, root)  # another log is another story
    assert mark.log_head() == mark.witness_head("a/log") == (3, ONE)


@pytest.mark.parametrize("content", [None, b"", b"{}", b"[]", b'{"log": null}', b'{"log": null, "witness": 7}'])
def test_a_mark_that_is_lost_or_broken_lets_nothing_be_signed(mark, tmp_path, content):
    path = tmp_path / "node.high-water"
    path.unlink() if content is None else path.write_bytes(content)
    for ask in (mark.log_head, lambda: mark.raise_log(1, ONE), lambda: mark.raise_witness("a/log", 1, ONE)):
        with pytest.raises(Behind):
            ask()


RAISER = """
import sys
from pathlib import Path
from ledger.errors import Behind
from ledger.keys import HighWater
from ledger.merkle.hashing import Hash
mark = HighWater(Path(sys.argv[1]))
for size in range(1, 60):
    try:
        mark.raise_log(size, Hash(sys.argv[2].encode() * 32))
        print(size)
    except Behind:
        pass
"""


def test_two_processes_never_mark_two_roots_for_one_size(mark, tmp_path):
    command = [sys.executable, "-c", RAISER, str(tmp_path / "node.high-water")]
    both = [subprocess.Popen([*command, name], stdout=subprocess.PIPE, text=True) for name in "ab"]
    won = [set(process.communicate(timeout=60)[0].split()) for process in both]
    assert not won[0] & won[1]
    head = mark.log_head()
    assert head is not None
    assert head[0] == 59


ON_A_FULL_DISK = """
import resource, sys
from pathlib import Path
from ledger.errors import Busy
from ledger.keys import HighWater
from ledger.merkle.hashing import Hash
mark = HighWater(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (20, resource.RLIM_INFINITY))
for deed in (lambda: mark.raise_log(9, Hash(b"9" * 32)), lambda: mark.raise_witness("a/log", 9, Hash(b"9" * 32))):
    for _ in range(3):
        try:
            deed()
        except Busy as error:
            print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
mark.raise_log(4, Hash(b"4" * 32))
"""


def test_a_full_disk_is_busy_marks_nothing_and_leaves_no_scraps(mark, tmp_path):
    mark.raise_log(3, ONE)
    command = [sys.executable, "-c", ON_A_FULL_DISK, str(tmp_path / "node.high-water")]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    assert said.count("cannot be written") == 6
    assert (mark.log_head(), mark.witness_head("a/log")) == ((4, b"4" * 32), None)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["node.high-water", "node.high-water.lock"]


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from([ONE, TWO])), max_size=12))
def test_whatever_is_asked_the_marks_that_were_granted_only_grow(tmp_path_factory, asked):
    mark = HighWater(tmp_path_factory.mktemp("mark") / "node.high-water")
    mark.create()
    granted = []
    for head in asked:
        try:
            mark.raise_log(*head)
            granted.append(head)
        except Behind:
            assert head not in granted[-1:]
    sizes = [size for size, _ in granted]
    assert sizes == sorted(sizes)
    assert len(set(granted)) == len(set(sizes))
    assert mark.log_head() == (granted[-1] if granted else None)
