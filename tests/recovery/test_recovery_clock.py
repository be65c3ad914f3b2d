"""A clock that jumps back a day, or forward a year: nothing breaks, and no witness's time ever goes back."""

import pytest
from sqlalchemy import select

from ledger.merkle.cosignature import open_cosigned
from ledger.peers import witness
from ledger.peers.publish import publish_round
from ledger.peers.recovery import recover
from ledger.storage import heads
from ledger.storage.engine import reading
from ledger.storage.schema import cosignatures
from tests.recovery.rig import no_rotation

DAY, YEAR = 86_400, 365 * 86_400


def times_of(node):
    """By log and key, the time of the newest cosignature that this node's own keys have made."""
    own = {key.verifier.ref for key in (*node.keys.witness, *node.keys.mirror)}
    with reading(node.engine) as connection:
        rows = connection.execute(
            select(cosignatures.c.log_id, cosignatures.c.name, cosignatures.c.key_id, cosignatures.c.time)
        ).all()
    return {(row.log_id, row.name, row.key_id): row.time for row in rows if (row.name, row.key_id) in own}


def witness_times(node, origins):
    with reading(node.engine) as connection:
        return [witness.last_seen(connection, origin).time for origin in origins]


@pytest.mark.parametrize("jump", [-DAY, YEAR])
def test_a_jump_of_the_clock_breaks_nothing_and_moves_no_cosignature_back(county, jump):
    origins = [node.origin for node in county.nodes.values()]
    before = {name: (times_of(node), witness_times(node, origins)) for name, node in county.nodes.items()}
    roots = {node.origin: node.log.newest_head() for node in county.nodes.values()}
    county.clock.at += jump
    county.town.apply()
    reports = county.round()
    assert all(row.error is None for report in reports.values() for row in report.rows)
    for name, node in county.nodes.items():
        made, seen = before[name]
        now = times_of(node)
        assert all(now[key] >= time for key, time in made.items())
        assert all(after >= time for after, time in zip(witness_times(node, origins), seen, strict=True))
        assert recover(node, no_rotation).may_sign
    grown = county.civil.log.newest_head()
    assert grown.size > roots[county.civil.origin].size
    shown = open_cosigned(county.civil.log.published_checkpoint(), [key.verifier for key in county.civil.keys.log])
    assert shown.checkpoint.size == grown.size


def test_after_a_jump_forward_and_back_again_everybody_goes_on(county):
    for jump in (YEAR, -YEAR, -DAY, DAY):
        county.clock.at += jump
        county.town.apply()
        reports = county.round()
        assert all(row.error is None for report in reports.values() for row in report.rows)
    sizes = {county.held(name, county.civil) for name in ("财政局", "公安局")}
    assert sizes == {county.size(county.civil)}
    for name in county.nodes:
        assert "R36" not in [one.rule for one in county.findings(name)]
    publish_round(county.civil)
    with reading(county.police.engine) as connection:
        assert heads.newest_head(connection, county.police.log.id) is not None
