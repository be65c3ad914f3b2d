"""The witness and the mirror behind their doors: the statuses and bodies of c2sp.org/tlog-witness."""

from hashlib import sha256

import pytest

from ledger.merkle.add_checkpoint import ADD_CHECKPOINT_BYTES_MAX, AddCheckpoint
from ledger.merkle.cosignature import open_cosigned
from ledger.merkle.note import parse_signature_lines
from ledger.merkle.proofs import prove_consistency
from ledger.storage import entries
from ledger.storage.engine import reading

PATH = "/witness/add-checkpoint"
HASH = sha256(b"minzheng.example/log").hexdigest()


def offer(house, old, proof=()):
    head = house.node.log.newest_head()
    return house.web.post(PATH, data=AddCheckpoint(old, tuple(proof), head.signed).to_bytes())


def grown(house):
    """The log at 300, of which the witness has seen 100."""
    house.append(99)
    house.publish()
    assert offer(house, 0).status_code == 200
    house.append(200)
    house.publish()
    with reading(house.node.engine) as conn:
        return prove_consistency(100, 300, entries.node_reader(conn, house.node.log.id, 300))


def test_our_own_log_is_cosigned_with_both_kinds(house):
    house.publish()
    answer = offer(house, 0)
    assert (answer.status_code, answer.content_type) == (200, "text/plain; charset=utf-8")
    lines = parse_signature_lines(answer.data)
    assert {line.name for line in lines} == {"minzheng.example/witness"}
    assert len(lines) == 2
    seen = house.web.get(f"/witness/{HASH}/checkpoint")
    cosigners = [key.verifier for key in house.node.keys.witness]
    opened = open_cosigned(seen.data, [key.verifier for key in house.node.keys.log], cosigners)
    assert len(opened.cosignatures) == 2
    assert seen.headers["Cache-Control"] == "public, max-age=1"


def test_whoever_does_not_know_the_size_reads_it_in_the_conflict(house):
    proof = grown(house)
    conflict = offer(house, 0)
    assert (conflict.status_code, conflict.data, conflict.content_type) == (409, b"100\n", "text/x.tlog.size")
    assert offer(house, 100, proof).status_code == 200


def test_each_refusal_has_its_status(house):
    proof = grown(house)
    assert offer(house, 301).status_code == 400
    assert offer(house, 100, proof[:-1]).status_code == 422
    head = house.node.log.newest_head()
    stranger = AddCheckpoint(0, (), head.signed.replace(b"minzheng.example/log\n", b"nobody.example/log\n", 1))
    assert house.web.post(PATH, data=stranger.to_bytes()).status_code == 404
    forged = AddCheckpoint(100, tuple(proof), head.signed.replace(b"\n300\n", b"\n301\n", 1))
    assert house.web.post(PATH, data=forged.to_bytes()).status_code == 403


@pytest.mark.parametrize("body", [b"", b"old\n", b"old 0\n\n", b"\xff" * 100, b"old 00\n\nx\n\n", b"old -1\n\n"])
def test_a_malformed_question_is_400_and_a_problem_document(house, body):
    answer = house.web.post(PATH, data=body)
    assert (answer.status_code, answer.content_type) == (400, "application/problem+json")
    assert answer.get_json()["status"] == 400


def test_a_body_too_long_is_not_read(house):
    answer = house.web.post(PATH, data=b"x" * (ADD_CHECKPOINT_BYTES_MAX + 1))
    assert (answer.status_code, answer.get_json()["status"]) == (413, 413)
    assert house.web.post("/exchange/disclosures", data=b"x" * 1_000_000).status_code == 413


@pytest.mark.parametrize("name", ["0" * 64, HASH.upper(), HASH[:-1], "x", "%00"])
def test_a_log_that_we_never_cosigned_is_not_there(house, name):
    house.publish()
    offer(house, 0)
    assert house.web.get(f"/witness/{name}/checkpoint").status_code == 404
    assert house.web.get(f"/mirror/{name}/checkpoint").status_code == 404
    assert house.web.get(f"/mirror/{name}/tile/0/000").status_code == 404


def test_our_own_log_is_no_mirror_of_ours(house):
    house.publish()
    assert house.web.get(f"/mirror/{HASH}/checkpoint").status_code == 404


@pytest.mark.parametrize("body", [b"", b"{}", b'{"log":"minzheng.example/log","objects":["x"]}'])
def test_a_question_that_nobody_signed_gets_nothing_private(house, body):
    answer = house.web.post("/exchange/disclosures", data=body, content_type="application/json")
    assert (answer.status_code, answer.content_type) == (403, "application/problem+json")
