"""Members that say as much as they can, that run ahead, or that show two histories: who comes to rest, and what is a limit."""

from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.console.doctor_epoch import examine_epoch
from ledger.epochs import View
from ledger.errors import IllegalStep
from ledger.peers.looking import Look, Told
from ledger.records.epochs import (
    BALLOTS_MAX,
    FOUNDINGS_MAX,
    JOINED,
    LEFT,
    VOTES_MAX,
    Change,
    Member,
    Vote,
    apply_epochs,
    founding_claim,
    founding_name,
    sorted_members,
)
from ledger.rules.epochs import (
    AGREED_ALREADY,
    TOO_MANY_BALLOTS,
    Said,
    chains_of,
)
from tests.rules.departments import NEW, OTHER, PUPPET, Departments, agreed, founding, member, record

# --- room in a log ---


def test_a_log_has_room_for_a_few_foundings_only():
    state = None
    for count in range(2, 2 + FOUNDINGS_MAX):
        state = apply_epochs(state, record("epoch-founded", members=founding_claim(founding(count))))
    for count in range(2 + FOUNDINGS_MAX, 402):
        with pytest.raises(IllegalStep, match="too-many-foundings"):
            apply_epochs(state, record("epoch-founded", members=founding_claim(founding(count))))


def test_a_log_has_room_for_a_few_words_on_one_epoch_and_for_those_of_a_long_life():
    town, state = Departments(4), None
    change = town.wants(JOINED, NEW)
    for ballot in range(1, BALLOTS_MAX + 1):
        state = apply_epochs(state, agreed(Vote(ballot, change)))
    for ballot in range(BALLOTS_MAX + 1, 3001):
        with pytest.raises(IllegalStep, match="too-many-ballots"):
            apply_epochs(state, agreed(Vote(ballot, change)))
    for number in range(3, 3 + VOTES_MAX - BALLOTS_MAX):
        state = apply_epochs(state, agreed(Vote(1, change._replace(number=number))))
    with pytest.raises(IllegalStep, match="too-many-votes"):
        apply_epochs(state, agreed(Vote(1, change._replace(number=2 * VOTES_MAX))))


# --- waiting and following ---


def test_one_lie_draws_nobody_through_the_ballots():
    """Who waits in ballot 1 has nothing to say, however far ahead somebody votes for the same change."""
    town = Departments(4)
    change = town.wants(JOINED, NEW)
    assert town.agree(0, change) is None
    town.vote(member(3), Vote(10**6, change))
    assert town.agree(0, change) == AGREED_ALREADY


def test_who_waits_follows_another_into_the_next_ballot_though_a_word_never_arrives():
    """One is gone for good, and only a third one has heard that it agreed to something else."""
    town = Departments(4)
    first, second = town.wants(JOINED, NEW), town.wants(JOINED, OTHER)
    assert town.agree(0, first) is None
    assert town.agree(1, first) is None
    assert town.agree(3, second, 0, 1) is None
    assert town.agree(2, second, 0, 1, 3) is None
    assert town.agree(2, first) is None  # in ballot 2: neither can come in the first
    for place in (0, 1):
        assert town.agree(place, first, 3) is None
    assert town.chain(3).newest.change == first


@given(st.integers(4, 10), st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_whatever_liars_say_those_who_agree_to_one_change_come_to_rest(count, chance):
    town = Departments(count)
    change, liars = town.wants(JOINED, NEW), (count - 1) // 3
    lies = 0
    for place in range(liars):
        for ballot in sorted(chance.sample([*range(1, 20), 10**6, 10**6 + 1], chance.randint(1, 8))):
            whom = chance.choice([NEW, NEW, OTHER, PUPPET])
            town.vote(member(place), Vote(ballot, town.wants(JOINED, whom)))
            lies += 1
    honest = range(liars, liars + chance.randint(1, count - liars))
    said = 0
    while town.chain().newest.number == 1 and None in [town.agree(place, change) for place in honest]:
        said += 1
        assert said <= 1 + lies  # each lie draws everybody one word further at the most


def test_a_department_at_the_end_of_its_ballots_is_told_and_is_not_asked_again():
    town = Departments(4)
    change, other = town.wants(JOINED, NEW), town.wants(JOINED, OTHER)
    for ballot in range(1, BALLOTS_MAX + 1):
        town.vote(member(0), Vote(ballot, other))
        town.vote(member(1), Vote(ballot, change))
        town.vote(member(2), Vote(ballot, town.wants(JOINED, PUPPET)))
    assert town.agree(0, change) == TOO_MANY_BALLOTS


def test_a_full_network_of_members_with_full_logs_is_counted():
    """128 members with sixteen words each, every one for another change, but for those who agree to one."""
    members = sorted_members(Member(f"{place:03}.example/log", "genesis") for place in range(128))
    change = Change(2, founding_name(members), JOINED, "部门50", NEW)
    logs = []
    for place, own in enumerate(members):
        strange = [change._replace(member=Member(f"{place}-{at}.example/log", "")) for at in range(BALLOTS_MAX)]
        strange[-1] = change if place < 48 else strange[-1]
        logs.append(Said(own, (members,), tuple(Vote(at, one) for at, one in enumerate(strange, 1))))
    [chain], _begun = chains_of(logs)
    waiting = chain.open()
    assert (len(waiting), waiting[0].change, len(waiting[0].agreed)) == (128 * BALLOTS_MAX - 47, change, 48)
    for one in waiting:
        assert chain.ballot(members[0], one.change) == BALLOTS_MAX + 1
        assert chain.refusal(members[0], one.change) == TOO_MANY_BALLOTS
    # With as many liars as the quorum allows for, the others have not agreed to anything yet.
    [chain], _begun = chains_of(replace(one, votes=one.votes if place < 42 else ()) for place, one in enumerate(logs))
    for one in chain.open():
        assert chain.ballot(members[127], one.change) == 1
        assert chain.refusal(members[127], one.change) is None


def test_known_limit_a_member_that_shows_two_histories_in_a_contested_change_divides_the_network():
    """Four of whom one lies: to one of them it agrees to Y, and to the others to X. Nothing here mends that."""
    town = Departments(4)
    a, b, c, liar = range(4)
    x, y = town.wants(JOINED, NEW), town.wants(JOINED, OTHER)
    assert town.agree(a, y) is None
    assert town.agree(b, y) is None
    to_b = replace(town.said[member(liar)], votes=(Vote(1, y),))
    town.vote(member(liar), Vote(1, x))  # what the others are shown
    assert town.agree(c, x, a, b) is None
    assert town.agree(a, x, b) is None  # with one in ballot 1 and one silent Y comes no more, it thinks
    assert town.agree(c, x, b) is None
    town.vote(member(liar), Vote(2, x))
    # Now everybody hears everybody; of the liar each has what it was shown.
    by_a = town.chain()
    [by_b], _begun = chains_of([*(one for one in town.said.values() if one.member != member(liar)), to_b])
    assert (by_a.newest.number, by_a.newest.change, by_b.newest.number, by_b.newest.change) == (2, x, 2, y)
    # The next change names what was before, so the words of one side are none on the other.
    third = Change(3, by_a.newest.name, LEFT, "部门03", member(liar))
    assert by_b.refusal(member(b), third) is None
    assert by_b.epochs[-1].name != third.before
    # It is seen on both sides, and the two histories are two records that no log can hold.
    for own, chain, far in ((a, by_a, by_b), (b, by_b, by_a)):
        epoch = Told(far.newest.number, far.newest.name)
        look = cast("Look", SimpleNamespace(peer=SimpleNamespace(name="对方", origin="", genesis=None), epoch=epoch))
        line = next(examine_epoch(View(member(own), chain, (), ()), "本部门", [look]))
        assert (line.what, line.good, "对方 counts epoch 2" in line.found) == ("policy", False, True)
    with pytest.raises(IllegalStep, match="two-successors"):
        apply_epochs(apply_epochs(None, agreed(Vote(1, x))), agreed(Vote(1, y)))
