"""Whatever is changed behind the ledger's back is named; what is good is not."""

import random

import pytest

from ledger.audit.report import FAULTS_KEPT_MAX
from ledger.audit.verify import KEYS_FROM_LOG, VAULT_SKIPPED, Trust, Way, verify_database
from ledger.errors import Misconfigured
from ledger.keys import generate
from ledger.merkle.hashing import leaf_hash
from ledger.merkle.note import parse_vkey
from ledger.merkle.policy import Policy, PolicyLog, PolicyWitness
from tests.desk.world import make_town

SEED = 20_261_130
CIVIL, FINANCE = "21.example/log", "22.example/log"


def parts(report):
    return {fault.part for fault in report.faults}


def named(report, part):
    return [fault.at for fault in report.faults if fault.part == part]


def flipped(value, at):
    """One bit changed, in bytes or in text that stays text."""
    if isinstance(value, bytes):
        at %= len(value) * 8
        return value[: at // 8] + bytes([value[at // 8] ^ (1 << at % 8)]) + value[at // 8 + 1 :]
    raw = value.encode()
    at %= len(raw)
    return (raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]).decode()


def test_a_good_log_verifies_to_its_last_entry_and_tells_how_far_it_is(stored):
    seen = []
    report = stored.verify(way=Way(progress=lambda done, size: seen.append((done, size))))
    assert [str(fault) for fault in report.faults] == []
    assert (report.ok, report.origin, report.notes) == (True, CIVIL, ())
    assert report.size > 256
    assert seen == [(256, report.size), (report.size, report.size)]


def test_the_copy_of_a_peer_s_log_verifies_too(stored):
    report = verify_database(stored.engine(), FINANCE)
    assert (report.found, report.size > 4, report.notes) == (1, True, (VAULT_SKIPPED, KEYS_FROM_LOG))
    assert named(report, "checkpoint") == ["none"]  # this little town never signed a head there


def test_without_keys_it_says_that_the_keys_came_from_the_log_itself(stored):
    report = verify_database(stored.engine())
    assert (report.ok, report.notes) == (True, (VAULT_SKIPPED, KEYS_FROM_LOG))


def test_another_key_than_the_log_s_own_verifies_no_head(stored):
    stranger = Trust(tuple(parse_vkey(vkey) for vkey in generate(CIVIL).log_vkeys))
    report = verify_database(stored.engine(), trust=stranger)
    assert parts(report) == {"checkpoint"}


def test_a_policy_wants_its_witnesses(stored):
    ours, others = generate("26.example/log"), stored.trust.logs
    witness = PolicyWitness("police", parse_vkey(ours.witness_vkeys[1]))
    for quorum, fine in (("none", True), ("police", False)):
        policy = Policy(tuple(PolicyLog(key) for key in others), (witness,), (), quorum)
        assert verify_database(stored.engine(), trust=Trust(policy=policy)).ok is fine


def test_a_log_that_is_not_here_is_a_wrong_question(stored):
    with pytest.raises(Misconfigured):
        verify_database(stored.engine(), "nobody.example/log")


# --- one flipped bit ---

PLACES = [
    ("entries", "entry", "entry", "log_id = 1"),
    ("entries", "leaf", "entry", "log_id = 1"),
    ("tile_hashes", "hash", "tile", "log_id = 1"),
    ("heads", "root", "checkpoint", "log_id = 1"),
    ("heads", "signed", "checkpoint", "log_id = 1"),
    ("heads", "served", "checkpoint", "log_id = 1 AND served IS NOT NULL"),
    ("objects", "folded", "object", "log_id = 1"),
    ("objects", "status", "object", "log_id = 1"),
    ("signers", "public_key", "signer", "log_id = 1"),
    ("signers", "person", "signer", "log_id = 1"),
    ("signers", "roles", "signer", "log_id = 1"),
    ("feed", "kind", "feed", "log_id = 1"),
    ("feed", "handle", "feed", "log_id = 1"),
    ("vault", "sealed", "vault", "log_id = 1"),
    ("vault", "leaf", "vault", "log_id = 1"),
    ("logs", "edge", "log", "id = 1"),
    ("logs", "department", "log", "id = 1"),
]


@pytest.mark.parametrize(("table", "column", "part", "where"), PLACES, ids=lambda value: str(value)[:14])
def test_one_flipped_bit_is_named(stored, table, column, part, where):
    chance = random.Random(f"{SEED} {table} {column}")
    rows = (
        stored.read(f"SELECT rowid, {column} FROM {table} WHERE {where}")
        if table not in WITHOUT_ROWID
        else (stored.read(f"SELECT idx, {column} FROM {table} WHERE {where}"))
    )
    key = "idx" if table in WITHOUT_ROWID else "rowid"
    row, value = chance.choice(rows)
    changed = flipped(value, chance.randrange(1 << 16))
    assert stored.attack(f"UPDATE {table} SET {column} = ? WHERE {key} = ? AND {where}", changed, row) == 1
    report = stored.verify()
    assert part in parts(report), [str(fault) for fault in report.faults]
    if table == "entries":
        assert named(report, "entry")[0] == str(row)


WITHOUT_ROWID = {"entries", "tile_hashes"}


@pytest.mark.parametrize("bit", random.Random(SEED).sample(range(4_000), 8))
def test_any_bit_of_an_entry_is_named_by_its_index(stored, bit):
    ((entry,),) = stored.read("SELECT entry FROM entries WHERE log_id = 1 AND idx = 77")
    stored.attack("UPDATE entries SET entry = ? WHERE log_id = 1 AND idx = 77", flipped(entry, bit))
    report = stored.verify()
    assert report.faults[0].part == "entry"
    assert report.faults[0].at == "77"
    # The tree over the stored hashes is still the signed one: the bytes of this entry are at fault, and no root.
    assert not {"tile", "checkpoint"} & parts(report)


def test_one_changed_amount_with_its_leaf_hash_changed_too_is_named_by_entry_and_root(stored):
    ((index, entry),) = stored.read("SELECT idx, entry FROM entries WHERE log_id = 1 AND idx = 9")
    forged = flipped(bytes(entry), 400)
    stored.attack(
        "UPDATE entries SET entry = ?, leaf = ? WHERE log_id = 1 AND idx = ?", forged, leaf_hash(forged), index
    )
    report = stored.verify()
    assert named(report, "entry")[0] == "9"
    assert {"tile", "checkpoint"} <= parts(report)


# --- rows moved, dropped, added ---


def test_two_swapped_entries_break_tile_and_root(stored):
    for column in ("idx = -1", "idx = 20", "idx = 21"):
        source = {"idx = -1": 20, "idx = 20": 21, "idx = 21": -1}[column]
        stored.attack(f"UPDATE entries SET {column} WHERE log_id = 1 AND idx = ?", source)
    report = stored.verify()
    assert any(at.startswith("tile/1/000") for at in named(report, "tile"))
    assert {"20", "21"} <= set(named(report, "feed"))


def test_a_deleted_entry_is_named(stored):
    assert stored.attack("DELETE FROM entries WHERE log_id = 1 AND idx = 33") == 1
    report = stored.verify()
    assert "33" in named(report, "entry")
    assert "checkpoint" in parts(report)


def test_a_truncated_tail_is_named_by_the_entries_that_are_gone(stored):
    ((size,),) = stored.read("SELECT size FROM logs WHERE id = 1")
    stored.attack("DELETE FROM entries WHERE log_id = 1 AND idx >= ?", size - 5)
    assert named(stored.verify(), "entry") == [str(index) for index in range(size - 5, size)]


def test_a_tail_truncated_with_the_size_changed_too_contradicts_the_signed_head(stored):
    ((size,),) = stored.read("SELECT size FROM logs WHERE id = 1")
    stored.attack("DELETE FROM entries WHERE log_id = 1 AND idx >= ?", size - 5)
    stored.attack("UPDATE logs SET size = ? WHERE id = 1", size - 5)
    report = stored.verify()
    assert {"checkpoint", "log", "feed"} <= parts(report)
    assert str(size - 1) in named(report, "checkpoint")


def test_an_entry_beyond_the_log_s_size_is_seen(stored):
    ((size,),) = stored.read("SELECT size FROM logs WHERE id = 1")
    stored.attack("INSERT INTO entries SELECT log_id, ?, x'00', 'x' FROM entries WHERE log_id = 1 AND idx = 5", size)
    report = stored.verify()
    assert {"entry", "log"} <= parts(report)


def test_deleted_rows_of_facts_signers_feed_heads_and_tiles_are_named(stored):
    ((handle,),) = stored.read("SELECT handle FROM objects WHERE log_id = 1 AND topic = 'award'")
    ((kid,),) = stored.read("SELECT kid FROM signers WHERE log_id = 1 LIMIT 1")
    stored.attack("DELETE FROM objects WHERE handle = ?", handle)
    stored.attack("DELETE FROM signers WHERE kid = ?", kid)
    stored.attack("DELETE FROM feed WHERE log_id = 1 AND idx = 12")
    stored.attack("DELETE FROM tile_hashes WHERE log_id = 1")
    report = stored.verify()
    assert named(report, "object") == [handle]
    assert named(report, "signer") == [kid]
    assert named(report, "feed") == ["12"]
    assert named(report, "tile") == ["tile/1/000.p/1"]


def test_an_object_that_no_record_is_about_is_named(stored):
    stored.attack(
        "INSERT INTO objects (log_id, handle, topic, status, folded, idx, since, created, first_idx)"
        " SELECT log_id, 'invented', topic, status, folded, idx, since, created, first_idx FROM objects"
        " WHERE log_id = 1 AND topic = 'award'"
    )
    assert named(stored.verify(), "object") == ["invented"]


def test_a_dispute_wiped_out_or_invented_is_named(stored):
    ((handle,),) = stored.read("SELECT handle FROM objects WHERE log_id = 1 AND topic = 'award'")
    stored.attack("UPDATE objects SET disputed = 3 WHERE handle = ?", handle)
    assert named(stored.verify(), "object") == [handle]


def test_a_revoked_officer_put_in_force_again_is_named(stored):
    assert stored.attack("UPDATE signers SET to_index = NULL WHERE log_id = 1 AND to_index IS NOT NULL") == 1
    assert parts(stored.verify()) == {"signer"}


def test_a_value_moved_to_another_record_of_the_vault_is_named(stored):
    (one, other) = stored.read("SELECT rowid, sealed FROM vault WHERE log_id = 1 AND name = 'number' LIMIT 2")
    stored.attack("UPDATE vault SET sealed = ? WHERE rowid = ?", other[1], one[0])
    assert parts(stored.verify()) == {"vault"}


def test_without_the_vault_key_closed_values_are_skipped_and_it_says_so(stored):
    stored.attack("UPDATE vault SET sealed = x'00'")
    report = verify_database(stored.engine(), trust=stored.trust)
    assert (report.ok, report.notes) == (True, (VAULT_SKIPPED,))


def test_a_log_that_is_wrong_everywhere_is_counted_to_its_end_and_listed_in_part(stored):
    stored.attack("UPDATE entries SET entry = 'x' WHERE log_id = 1")
    report = stored.verify()
    assert report.found > FAULTS_KEPT_MAX or len(report.faults) == report.found
    assert len(named(report, "entry")) >= report.size


def test_it_verifies_on_either_database(database_url, tmp_path):
    town = make_town(tmp_path, database_url)
    town.paid()
    town.round()
    town.civil.log.sign_new_head()
    report = verify_database(town.civil.engine, vault_key=town.civil.keys.vault_key)
    town.civil.engine.dispose()
    town.finance.engine.dispose()
    assert [str(fault) for fault in report.faults] == []
    assert report.size > 5
