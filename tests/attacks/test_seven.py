"""Seven real departments, a short look at each kind of weather; the long form is in the files beside this one."""

import os
import random

import pytest

from tests.attacks.faces import check_two_faces
from tests.attacks.killing import Deaths, check_all_agree, check_nobody_accused, check_nothing_lost, check_verified
from tests.attacks.seven import NAMES, Seven

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("demo")]  # beside a demo, two cores have no room for more

KILLS = 5


@pytest.fixture(scope="module")
def story():
    """None: nobody reads anything here."""
    return ()


def test_five_processes_killed_at_any_moment_and_all_seven_agree(departments: Seven):
    deaths = Deaths(departments, random.Random(os.environ.get("ONETRIP_SEED", "7")))
    deaths.some(KILLS)
    departments.wait_ready()
    departments.follow_each_other()
    check_nothing_lost(departments, deaths.written)
    check_all_agree(departments)
    check_verified(departments, deaths.written[0][0])
    check_nobody_accused(departments)


def test_parted_into_four_and_three_both_go_on_and_neither_is_believed(departments: Seven):
    four, three = NAMES[:4], NAMES[4:]
    departments.follow_each_other()
    departments.line.cut(four, three)
    for name in NAMES:
        departments.write(name)
    departments.follow_each_other(*four)
    departments.follow_each_other(*three)
    for side in (four, three):
        for name in side:
            departments.until_shown(name)
            assert departments.cosigners(name) <= set(side)
    departments.line.mend()
    departments.follow_each_other()
    check_all_agree(departments)
    check_nobody_accused(departments)


@pytest.mark.attack
def test_two_faces_are_caught_by_whoever_compares(departments: Seven):
    check_two_faces(departments, liar="人社局")
