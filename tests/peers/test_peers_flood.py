"""A department that floods the others with good records is slowed, and everybody sees it; nobody else waits for it."""

import pytest

from handlers.console.doctor_network import examine_network
from ledger.audit.crosscheck import run_round
from ledger.desk import new_handle
from ledger.merkle.tiles import TILE_WIDTH
from ledger.metrics import exposition
from ledger.peers import catching_up
from ledger.peers.checks import read_checks
from ledger.peers.standing import read_standings
from ledger.records.statement import Statement
from ledger.storage.engine import reading
from tests.peers.rig import County
from tests.peers.smuggling import forged, put, signed

QUOTA = 256
FLOOD = 4 * QUOTA


@pytest.fixture
def flooded(county: County, monkeypatch) -> County:
    """民政局 has written more than a round takes, all of it good, and 财政局 a little."""
    county.round()
    monkeypatch.setattr(catching_up, "ENTRIES_A_TURN_MAX", QUOTA)
    case = Statement("case-submitted", new_handle(), {"matter": "m"})
    template = signed(county.civil, case, by=county.town.civil.staff["林芳"].handle)
    put(county.civil, *(forged(county.civil, template, jti=new_handle(), sub=new_handle()) for _ in range(FLOOD)))
    county.finance.desk.enrol("新来的", ("finance",), "id-new")
    county.publish()
    county.clock.wait(5)
    return county


def standing(county: County, name: str) -> tuple[str, int]:
    with reading(county.police.engine) as connection:
        return next((one.state, one.left) for one in read_standings(connection) if one.name == name)


def test_a_flood_is_taken_in_shares_and_another_department_is_checked_to_its_end_meanwhile(flooded):
    rows = {row.name: row for row in run_round(flooded.police).rows}
    assert rows["民政局"].new <= QUOTA + TILE_WIDTH  # a share ends with a whole bundle
    assert rows["民政局"].checked < rows["民政局"].size
    assert rows["财政局"].checked == rows["财政局"].size == flooded.size(flooded.finance)


def test_officers_programs_and_the_doctor_see_who_floods_until_all_is_taken(flooded, caplog):
    run_round(flooded.police)
    state, left = standing(flooded, "民政局")
    assert (state, left) == ("slowed", flooded.size(flooded.civil) - flooded.held("公安局", flooded.civil))
    assert left > 0
    assert standing(flooded, "财政局") == ("good", 0)
    assert f"民政局: {left} entries are more than a round takes" in caplog.text
    metrics = exposition(flooded.police).decode()
    assert f'onetrip_peer_left_entries{{origin="21.example/log"}} {float(left)}' in metrics
    assert 'onetrip_peer_left_entries{origin="22.example/log"} 0.0' in metrics
    lines = {line.what: line for line in examine_network(flooded.police)}
    flood = lines["department 民政局"]
    assert not flood.good
    assert f"{left} left" in flood.found
    assert "if it has just joined" in flood.mend
    with reading(flooded.police.engine) as connection:
        checks = [one for one in read_checks(connection, flooded.clock()) if one.by == "23.example/log"]
    assert [one.state for one in checks if (one.of, one.role) == ("21.example/log", "mirror")] == ["slowed"]
    for _ in range(3):
        run_round(flooded.police)
    assert standing(flooded, "民政局") == ("good", 0)
    assert flooded.held("公安局", flooded.civil) == flooded.size(flooded.civil)
    assert 'onetrip_peer_left_entries{origin="21.example/log"} 0.0' in exposition(flooded.police).decode()


def test_a_round_that_fails_says_so_first_and_forgets_nothing_of_what_is_left(flooded):
    run_round(flooded.police)
    _state, left = standing(flooded, "民政局")
    flooded.wire.lose("21.example")
    run_round(flooded.police)
    assert standing(flooded, "民政局") == ("missed", left)
