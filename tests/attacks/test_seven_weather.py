"""Weather among seven real departments: processes that die at any moment, and a network that parts in two and heals."""

import os
import random
from functools import partial

import pytest

from ledger.errors import Refused
from ledger.quorum import network_policy
from ledger.storage.engine import reading
from tests.attacks.killing import (
    Deaths,
    check_all_agree,
    check_nobody_accused,
    check_nothing_lost,
    check_verified,
    raised_ever,
)
from tests.attacks.live_node import free_port
from tests.attacks.lying_peer import doors_of, found
from tests.attacks.seven import NAMES, Seven
from tests.fakes.serving import serving

pytestmark = [pytest.mark.slow, pytest.mark.attack, pytest.mark.xdist_group("demo")]

KILLS = 63
FOUR, THREE = NAMES[:4], NAMES[4:]


def test_sixty_processes_killed_at_any_moment_and_all_seven_agree(departments: Seven, tmp_path):
    """While they follow, publish, cosign, start, and let an eighth one in; a breath after each seven deaths."""
    deaths = Deaths(departments, random.Random(os.environ.get("ONETRIP_SEED", "6")))
    port = free_port()
    guest = found(tmp_path, "体育局", "31", port)
    try:
        with serving(doors_of(guest), port):
            for name in NAMES:
                deaths.some(KILLS // len(NAMES))
                deaths.joining(guest, name)
                departments.wait_ready()
            departments.follow_each_other()
            check_nothing_lost(departments, deaths.written)
            check_all_agree(departments)
            check_nobody_accused(departments)
            for name in NAMES:
                done = departments.command(name, "peers", "remove", guest.name)
                assert done.returncode == 0, done.stderr
    finally:
        guest.close()
    assert len(deaths.killed) >= 60
    check_verified(departments, *NAMES)


def test_parted_into_four_and_three_for_twenty_rounds_and_healed_nobody_is_accused(departments: Seven):
    """Longer than any rule waits (T, ten rounds): to be cut off is not to withhold."""
    departments.follow_each_other()
    before = raised_ever(departments)
    kept = {name: departments.size(name) for name in NAMES}
    departments.line.cut(FOUR, THREE)
    for _ in range(20):
        for name in NAMES:
            departments.write(name)
        departments.follow_each_other(*FOUR)  # a round at the least
        departments.follow_each_other(*THREE)
    for side, others in ((FOUR, THREE), (THREE, FOUR)):
        for name in side:
            departments.until_shown(name)
            assert departments.cosigners(name) <= set(side)
            assert not is_believed(departments, name, departments.cosigners(name))
            for other in others:
                departments.until_state(name, other, "unreachable")
                assert departments.held(name, other) == kept[other]
    told = departments.say("民政局", "c-wangguilan", f"补贴 {departments.threads['王桂兰'].number}").read
    assert not any(name in told for name in THREE)  # nobody says that they have looked
    departments.line.mend()
    departments.follow_each_other()
    for name in NAMES:
        for other in NAMES:
            if other != name:
                departments.until_state(name, other, "good")
        departments.until_all_cosign(name)
    check_all_agree(departments)
    check_nobody_accused(departments)
    assert raised_ever(departments) == before


def is_believed(made: Seven, of: str, cosigned_by: set[str]) -> bool:
    """Whether the word of these departments is enough, by the policy that a department gives to anybody."""
    with reading(made.nodes[of].engine) as conn:
        policy = network_policy(conn)
    return policy.is_met({key.verifier.ref for name in cosigned_by for key in made.nodes[name].keys.witness})


def test_members_changed_on_both_sides_of_a_partition_leave_one_network(departments: Seven):
    """Four agree that one of the three leaves, three that one of the four does: neither has the five that it takes.

    Healed, all see both, nothing is in force and nobody is accused. They telephone, and agree to one of them again.
    """
    leaver, other = "人社局", "公安局"
    departments.follow_each_other()
    epochs = {departments.epoch(name) for name in NAMES}
    assert len(epochs) == 1
    departments.line.cut(FOUR, THREE)
    for name in FOUR:
        departments.agree(name, "left", leaver)
    for name in THREE:
        departments.agree(name, "left", other)
    departments.follow_each_other(*FOUR)
    departments.follow_each_other(*THREE)
    for name in NAMES:
        assert departments.epoch(name) in epochs
        with pytest.raises(Refused):  # one word in a ballot, and no other change can come in a later one yet
            departments.agree(name, "left", other if name in FOUR else leaver)
    departments.line.mend()
    departments.follow_each_other()
    assert {departments.epoch(name) for name in NAMES} == epochs
    for name in NAMES:
        departments.until(partial(words, departments, name), f"{name} tells what waits")
        assert words(departments, name) == {leaver: set(FOUR), other: set(THREE)}
    check_nobody_accused(departments)
    for name in (*FOUR, THREE[0]):
        departments.agree(name, "left", leaver)
        departments.follow_each_other()
    after = {departments.epoch(name) for name in NAMES}
    assert {(number, members) for number, _name, members in after} == {(2, 6)}
    assert len(after) == 1
    check_all_agree(departments)
    check_nobody_accused(departments)


def words(made: Seven, at: str) -> dict[str, set[str]]:
    """Who has agreed to what waits, as a department tells everybody."""
    waiting = made.json(at, "/network.json")["waiting"]
    return {one["name"]: set(one["agreed"]) for one in waiting if one["change"] == "left"}
