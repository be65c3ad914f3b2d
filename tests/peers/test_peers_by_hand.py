"""The recipe of docs/network.md, to the letter: a department's books are changed by hand, and its peers notice."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from ledger.audit.crosscheck import run_round
from ledger.errors import Behind
from ledger.peers.publish import publish_round
from tests.peers.rig import ROUND_SECONDS, County, make_county

PAGE = Path(__file__).parents[2] / "docs" / "network.md"


@pytest.fixture
def county(tmp_path: Path):
    """An award of 20,000.00 that was ordered, known to all; 财政局's files lie where the recipe looks for them."""
    made = make_county(tmp_path)
    _case, award = made.town.approved()
    made.round()
    made.town.order(award)
    made.round()
    made.round()
    place = tmp_path / "instance" / "demo" / "22"
    place.mkdir(parents=True)
    (place / "node.db").symlink_to(tmp_path / "22.db")
    (place / "node.high-water").symlink_to(tmp_path / "22.high-water")
    yield made
    made.close()


def follow(county: County, step: int) -> str:
    """Run one of the programs that stand in the recipe."""
    programs = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert len(programs) == 2
    command = [sys.executable, "-c", programs[step]]
    return subprocess.run(command, cwd=county.directory, check=True, capture_output=True, text=True).stdout


def rules(county: County, name: str) -> set[str]:
    return {finding.rule for finding in county.findings(name) if finding.state == "open"}


def test_a_record_changed_by_hand_stops_its_own_node_and_shows_nobody_anything(county):
    before = county.finance.log.published_checkpoint()
    assert "20,000.00 is 2.00 now" in follow(county, 0)
    county.finance.engine.dispose()  # the recipe's next command is another process
    with pytest.raises(Behind, match="another history"):
        county.finance.desk.enrol("测试", ("clerk",), "330199199003070026")
    county.clock.wait(ROUND_SECONDS)
    run_round(county.civil)
    assert (county.finance.log.published_checkpoint(), rules(county, "民政局")) == (before, set())


def test_whoever_hides_that_too_is_found_by_every_peer_with_both_signed_heads(county):
    follow(county, 0)
    follow(county, 1)
    publish_round(county.finance)
    county.round("民政局", "公安局")
    county.round("民政局", "公安局")
    for name in ("民政局", "公安局"):
        assert "R36" in rules(county, name)
    assert county.held("公安局", county.finance) == county.size(county.finance)
