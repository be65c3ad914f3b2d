"""Yesterday's database is put back: nothing is signed twice, and what was lost comes back from the others' mirrors."""

from functools import partial

import pytest
from sqlalchemy import select

from ledger.audit.crosscheck import run_round
from ledger.errors import Behind, CodeWrong
from ledger.merkle.cosignature import open_cosigned
from ledger.peers import witness
from ledger.peers.lost import what_is_missing
from ledger.peers.publish import offer_again, publish_round
from ledger.peers.recovery import recover
from ledger.readiness import ReadyCheck
from ledger.storage import entries, schema
from ledger.storage.engine import reading
from tests.fakes.network import flip
from tests.peers.rig import ROUND_SECONDS, with_threads
from tests.recovery.rig import all_entries, firewall, no_rotation, put_back, yesterday


def heads_at_peers(county, node):
    """Every head of a log that the others have ever stored, by size."""
    found: dict[int, set[bytes]] = {}
    for other in county.nodes.values():
        with reading(other.engine) as connection:
            log_id = entries.find_log(connection, node.origin)
            for size, root in connection.execute(
                select(schema.heads.c.size, schema.heads.c.root).where(schema.heads.c.log_id == log_id)
            ):
                found.setdefault(size, set()).add(root)
    return found


def note(node):
    return node.log.published_checkpoint()


@pytest.fixture
def behind(either_county):
    """民政局 on yesterday's database, of either kind, after two more cases that the others hold."""
    county = either_county
    copy = yesterday(county.civil)
    county.town.apply()
    county.town.apply()
    county.round()
    return put_back(county, county.civil, copy)


def test_yesterdays_database_behind_a_firewall_signs_nothing(either_county, behind):
    county = either_county
    firewall(county)
    before, shown = behind.high_water.path.read_bytes(), note(behind)
    for attempt in (publish_round, partial(with_threads, offer_again), run_round):
        with pytest.raises(Behind):
            attempt(behind)
    for _ in range(3):
        standing = recover(behind, no_rotation)
        assert not standing.may_sign
        county.clock.wait(ROUND_SECONDS)
    with pytest.raises(Behind):
        behind.desk.enrol("新来的", ("clerk",), "11010519491231002X")
    assert behind.high_water.path.read_bytes() == before
    assert note(behind) == shown


def test_a_node_that_is_behind_is_not_ready_and_says_why(either_county, behind):
    county = either_county
    firewall(county)
    seen = ReadyCheck(behind).look()
    assert not seen.ok
    assert not seen.checks["keys"]
    assert "the database holds" in (seen.behind or "")


def test_with_the_others_back_every_record_comes_back_and_the_node_goes_on_by_itself(either_county, behind):
    county = either_county
    with reading(county.police.engine) as connection:
        log_id = entries.find_log(connection, behind.origin)
        assert log_id is not None
        held = entries.read_entries(connection, log_id, 0, entries.read_edge(connection, log_id).size)
    assert len(all_entries(behind)) < len(held)
    assert recover(behind, no_rotation).may_sign
    assert all_entries(behind) == held
    assert recover(behind, no_rotation).may_sign  # and a second time there is nothing to do
    behind.desk.enrol("新来的", ("clerk",), "11010519491231002X")
    reports = county.round()
    assert all(row.error is None for report in reports.values() for row in report.rows)
    assert all(len(roots) == 1 for roots in heads_at_peers(county, behind).values())
    assert not county.findings("公安局")
    assert county.held("公安局", behind) == len(held) + 1


def test_what_no_mirror_could_know_is_named_by_its_record(behind):
    lost_before = len(all_entries(behind))
    recover(behind, no_rotation)
    with reading(behind.engine) as connection:
        missing = what_is_missing(connection, behind.log.id)
    assert [(one.index, one.kind) for one in missing] == [
        (lost_before, "case-submitted"),
        (lost_before + 1, "case-submitted"),
    ]
    assert {"number", "applicant"} <= set(missing[0].names)


def test_a_number_that_was_given_is_not_given_again(county):
    copy = yesterday(county.civil)
    opened = [
        county.town.civil.desk.open_case("linshi-jiuzhu", {"applicant": "王桂兰"}, by=clerk(county), once=f"o{at}")
        for at in range(3)
    ]
    county.round()
    behind = put_back(county, county.civil, copy)
    recover(behind, no_rotation)
    again = behind.desk.open_case("linshi-jiuzhu", {"applicant": "周大山"}, by=clerk(county), once="after")
    assert again.number not in {one.number for one in opened}


def clerk(county):
    return county.town.civil.staff["林芳"].handle


def test_a_second_factor_that_was_renewed_since_does_not_count_again(county):
    civil = county.town.civil
    copy = yesterday(county.civil)
    county.civil.desk.renew(clerk(county))
    county.round()
    behind = put_back(county, county.civil, copy)
    recover(behind, no_rotation)
    with pytest.raises(CodeWrong):
        behind.desk.sign_in(clerk(county), civil.code("林芳"), "a")
    behind.desk.renew(clerk(county))


def test_a_mirror_that_lies_about_an_entry_is_not_believed_and_the_next_is_asked(either_county, behind):
    county = either_county
    county.wire.tamper("22.example", "/tile/entries/", flip(-60))
    county.wire.tamper("23.example", "/tile/entries/", flip(-60))
    before = all_entries(behind)
    assert not recover(behind, no_rotation).may_sign
    assert all_entries(behind) == before
    county.wire.behave()
    county.wire.tamper("22.example", "/tile/entries/", flip(-60))
    assert recover(behind, no_rotation).may_sign


def test_our_witness_goes_on_from_its_mark_when_its_database_is_put_back(county):
    copy = yesterday(county.police)
    county.town.apply()
    county.round()
    cosigned = county.police.high_water.witness_heads()[county.civil.origin]
    behind = put_back(county, county.police, copy)
    recover(behind, no_rotation)
    with reading(behind.engine) as connection:
        seen = witness.last_seen(connection, county.civil.origin)
    assert (seen.size, seen.root) == cosigned
    county.town.apply()
    county.round()
    reports = county.round()
    assert all(row.error is None for row in reports["公安局"].rows)
    with reading(behind.engine) as connection:
        assert witness.last_seen(connection, county.civil.origin).size > cosigned[0]


def test_a_stolen_key_is_told_by_a_head_beyond_all_that_we_signed(county):
    fork = county.fork(county.civil)
    for _ in range(3):
        fork.desk.enrol("贼", ("clerk",), "11010519491231002X")
    honest = county.civil
    county.serve(fork)
    publish_round(fork)
    run_round(county.police)
    county.serve(honest)
    publish_round(honest)
    run_round(honest)
    [(size, root)] = honest.high_water.strange_heads()
    assert size == county.size(fork)
    assert root == open_cosigned(note(fork), [key.verifier for key in fork.keys.log]).checkpoint.root
