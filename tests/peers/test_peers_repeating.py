"""Heads that are the same as before are cosigned together; whatever else is shown goes the long way."""

import pytest
from sqlalchemy import delete, insert, update

from ledger.errors import MarkLost
from ledger.peers import witness
from ledger.peers.cosignatures import Cosigners
from ledger.peers.repeating import cosign_again
from ledger.peers.settled import read_settled
from ledger.storage import entries, schema
from ledger.storage.engine import reading, transaction
from tests.peers.rig import ROUND_SECONDS


@pytest.fixture
def resting(county):
    """公安局 has heard all of 民政局 and 财政局."""
    for _ in range(3):
        county.round()
    county.clock.wait(ROUND_SECONDS)
    return county


def shown(county) -> dict[str, bytes]:
    return {node.origin: node.log.published_checkpoint() for node in (county.civil, county.finance)}


def seen_at(county) -> dict[str, int]:
    with reading(county.police.engine) as conn:
        return {node.origin: witness.last_seen(conn, node.origin).time for node in (county.civil, county.finance)}


def test_both_are_cosigned_anew_as_of_now(resting):
    before = seen_at(resting)
    assert cosign_again(resting.police, shown(resting)) == before.keys()
    assert set(seen_at(resting).values()) == {resting.clock()}
    assert max(before.values()) < resting.clock()


def test_one_that_has_grown_or_is_damaged_is_left_alone_and_the_other_one_is_not(resting):
    civil, finance = resting.civil.origin, resting.finance.origin
    damaged = bytearray(shown(resting)[civil])
    damaged[-20] ^= 1
    assert cosign_again(resting.police, {**shown(resting), civil: bytes(damaged)}) == {finance}
    swapped = {civil: shown(resting)[finance], finance: shown(resting)[civil]}
    assert cosign_again(resting.police, swapped) == frozenset()
    resting.town.apply()
    resting.publish("民政局")
    assert cosign_again(resting.police, shown(resting)) == {finance}
    assert cosign_again(resting.police, {"nobody.example/log": shown(resting)[civil]}) == frozenset()


@pytest.mark.parametrize("why", ["removed", "waiting", "evidence", "forgotten"])
def test_a_log_of_which_something_is_left_to_do_is_not_settled(resting, why):
    civil, finance = resting.civil.origin, resting.finance.origin
    with transaction(resting.police.engine) as conn:
        log_id = entries.find_log(conn, civil)
        match why:
            case "removed":
                conn.execute(update(schema.peers).where(schema.peers.c.origin == civil).values(removed=True))
            case "waiting":
                row = {"log_id": log_id, "handle": "h" * 22, "ref_log": civil, "ref_handle": "h" * 22, "since": 0}
                conn.execute(insert(schema.waiting), {**row, "private": True})
            case "evidence":
                finding: dict[str, object] = {
                    "rule": "R36",
                    "severity": "S",
                    "state": "ended",
                    "log_id": log_id,
                    "facts": {},
                }
                conn.execute(insert(schema.findings), {"id": "ABCDEFGH", **finding, "raised_at": 0, "answer_by": 0})
                kept = {"finding": "ABCDEFGH", "origin": civil, "older": b"", "newer": b"", "proof": [], "at": 0}
                conn.execute(insert(schema.evidence), kept)
            case "forgotten":
                conn.execute(delete(schema.witnessed).where(schema.witnessed.c.origin == civil))
    assert cosign_again(resting.police, shown(resting)) == {finance}


def test_a_mark_that_stands_elsewhere_is_the_witnesss_to_judge(resting, monkeypatch):
    marks = resting.police.high_water.witness_heads()
    size, root = marks[resting.civil.origin]
    changed = {**marks, resting.civil.origin: (size + 1, root)}
    monkeypatch.setattr(type(resting.police.high_water), "witness_heads", lambda _self: changed)
    assert cosign_again(resting.police, shown(resting)) == {resting.finance.origin}


def test_nobody_is_cosigned_when_something_has_changed_while_signatures_were_looked_at(resting, monkeypatch):
    gather = Cosigners.of

    def meanwhile(home, peers):
        with transaction(home.engine) as conn:
            conn.execute(update(schema.peers).where(schema.peers.c.origin == resting.civil.origin).values(forked=True))
        return gather(home, peers)

    before = seen_at(resting)
    monkeypatch.setattr(Cosigners, "of", meanwhile)
    assert cosign_again(resting.police, shown(resting)) == frozenset()
    assert seen_at(resting) == before


def test_nothing_of_it_stays_when_the_witness_may_not_speak(resting, monkeypatch):
    before = seen_at(resting)

    def waits(*_args):
        raise MarkLost("the witness waits for new keys")

    monkeypatch.setattr(witness, "cosign_growth", waits)
    with pytest.raises(MarkLost):
        cosign_again(resting.police, shown(resting))
    assert seen_at(resting) == before


def test_settled_are_the_others_logs_and_never_our_own(resting):
    with reading(resting.police.engine) as conn:
        assert read_settled(conn).keys() == {resting.civil.origin, resting.finance.origin}
