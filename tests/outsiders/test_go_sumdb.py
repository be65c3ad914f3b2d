"""Go's sumdb client, which knows nothing of us, reads our log and judges our proofs; and it refuses one flipped bit."""

import base64
import json
import random
import subprocess
from typing import Any

import pytest

from ledger.merkle.proofs import prove_consistency, prove_inclusion, root_at
from ledger.storage import entries
from ledger.storage.engine import reading, transaction
from tests.routes.conftest import PUBLISHED

SEED = 20_261_127


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def proofs_of(house) -> dict[str, list[Any]]:
    """Proofs of our own making, over random places and sizes."""
    chance = random.Random(SEED)
    told: dict[str, list[Any]] = {"Inclusion": [], "Consistency": []}
    with reading(house.node.engine) as conn:
        node = entries.node_reader(conn, house.node.log.id, PUBLISHED)
        for _ in range(40):
            size = chance.randint(1, PUBLISHED)
            index = chance.randrange(size)
            proof = [b64(one) for one in prove_inclusion(index, size, node)]
            leaf, root = node(0, index), root_at(size, node)
            told["Inclusion"].append(
                {"Index": index, "Size": size, "Leaf": b64(leaf), "Root": b64(root), "Proof": proof}
            )
            old = chance.randint(1, size)
            proof = [b64(one) for one in prove_consistency(old, size, node)]
            told["Consistency"].append(
                {"Old": old, "Size": size, "OldRoot": b64(root_at(old, node)), "Root": b64(root), "Proof": proof}
            )
    return told


def run(checklog, url, vkey, told, tmp_path):
    file = tmp_path / "proofs.json"
    file.write_text(json.dumps(told))
    return subprocess.run([checklog, url, vkey, file], capture_output=True, text=True, timeout=300, check=False)


def test_go_reads_our_checkpoint_tiles_and_entries_and_believes_our_proofs(served, checklog, tmp_path):
    house, url = served
    done = run(checklog, url, house.node.keys.log_vkeys[0], proofs_of(house), tmp_path)
    head = house.node.log.published_head()
    assert (done.stdout, done.stderr) == (f"{PUBLISHED} {b64(head.root)} 40 40\n", "")


@pytest.mark.parametrize("kind", ["Inclusion", "Consistency"])
def test_go_refuses_one_flipped_bit_of_a_proof_of_ours(served, checklog, tmp_path, kind):
    house, url = served
    told = proofs_of(house)
    one = next(one for one in told[kind] if one["Proof"])
    raw = bytearray(base64.b64decode(one["Proof"][0]))
    raw[7] ^= 4
    one["Proof"][0] = b64(bytes(raw))
    assert run(checklog, url, house.node.keys.log_vkeys[0], told, tmp_path).returncode == 1


@pytest.mark.parametrize(
    ("table", "column", "at"), [("entries", "entry", 77), ("entries", "leaf", 300), ("tile_hashes", "hash", 0)]
)
def test_go_refuses_one_flipped_bit_of_what_is_served(served, checklog, tmp_path, table, column, at):
    house, url = served
    told = proofs_of(house)
    where = f"{table} WHERE log_id = 1 AND idx = {at}"
    with transaction(house.node.engine) as conn:
        value = bytearray(conn.exec_driver_sql(f"SELECT {column} FROM {where}").scalar_one())
        value[3] ^= 1
        conn.exec_driver_sql(f"UPDATE {table} SET {column} = ? WHERE log_id = 1 AND idx = {at}", (bytes(value),))
    assert run(checklog, url, house.node.keys.log_vkeys[0], told, tmp_path).returncode == 1


def test_go_refuses_another_log_s_key(served, checklog, tmp_path):
    house, url = served
    told: dict[str, list[Any]] = {"Inclusion": [], "Consistency": []}
    assert run(checklog, url, house.node.keys.witness_vkeys[0], told, tmp_path).returncode == 1
