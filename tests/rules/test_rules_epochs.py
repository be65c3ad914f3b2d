"""Who belongs to the network by what the logs say, in whatever order they come, and who tries to say more than they may."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import IllegalStep
from ledger.records.epochs import (
    JOINED,
    LEFT,
    Change,
    EpochsState,
    Member,
    Vote,
    apply_epochs,
    founding_claim,
    founding_name,
    sorted_members,
)
from ledger.rules.epochs import (
    AGREED_ALREADY,
    ALREADY_MEMBER,
    ANOTHER_CHANGE,
    NO_MEMBER,
    NOT_IN_NETWORK,
    TOO_FEW,
    Said,
    chain_for,
    chains_of,
)
from tests.rules.departments import NEW, OTHER, PUPPET, Departments, agreed, founding, member, record

# --- the chain ---


def test_a_network_begins_when_all_of_its_first_members_have_said_the_same():
    members = founding(4)
    logs = [Said(one, (members,), ()) for one in members]
    for missing in range(4):
        chains, [begun] = chains_of(logs[:missing] + logs[missing + 1 :])
        assert (chains, begun.members) == ([], members)
        assert set(members) - set(begun.logged) == {members[missing]}
    [chain], none = chains_of(logs)
    newest = chain.newest
    assert (newest.number, newest.members, newest.needed, newest.name) == (1, members, 3, founding_name(members))
    assert none == []


def test_a_member_under_another_first_record_is_another_member():
    members = founding(3)
    logs = [Said(one, (members,), ()) for one in members]
    logs[0] = replace(logs[0], member=Member(members[0].origin, "another-log-of-the-same-name"))
    assert chains_of(logs)[0] == []


@pytest.mark.parametrize(("count", "needed"), [(2, 2), (3, 2), (4, 3), (5, 4), (7, 5), (10, 7)])
def test_an_epoch_is_in_force_from_the_kth_and_not_before(count, needed):
    town = Departments(count)
    change = town.wants(JOINED, NEW)
    for place in range(needed):
        assert town.chain().newest.number == 1
        assert town.agree(place, change) is None
    newest = town.chain().newest
    assert (newest.number, newest.name, newest.change) == (2, change.name, change)
    assert newest.members == tuple(sorted([*founding(count), NEW]))


def test_the_new_member_counts_for_the_next_epoch_and_the_one_that_left_does_not():
    town = Departments(4)
    joins = town.wants(JOINED, NEW)
    for place in (0, 1, 2):
        town.agree(place, joins)
    leaves = town.wants(LEFT, member(0))
    for place in (50, 1, 2):
        assert town.agree(place, leaves) is None
    assert town.chain().newest.number == 2  # four of five
    assert town.agree(3, leaves) is None
    newest = town.chain().newest
    assert (newest.number, len(newest.members), newest.needed) == (3, 4, 3)
    assert town.agree(0, town.wants(JOINED, OTHER)) == NOT_IN_NETWORK


def test_votes_of_strangers_and_of_the_newcomer_itself_count_for_nothing():
    town = Departments(4)
    change = town.wants(JOINED, NEW)
    for by in (NEW, OTHER, PUPPET):
        town.vote(by, Vote(1, change))
    town.agree(0, change)
    [waiting] = town.chain().open()
    assert (waiting.agreed, waiting.needed, town.chain().newest.number) == ((member(0),), 3, 1)


@pytest.mark.parametrize(
    ("change", "whom", "why"),
    [(JOINED, member(1), ALREADY_MEMBER), (LEFT, NEW, NO_MEMBER), (LEFT, Member("01.example/log", "?"), NO_MEMBER)],
)
def test_what_cannot_follow_is_refused_and_counts_for_nothing(change, whom, why):
    town = Departments(4)
    wanted = town.wants(change, whom)
    assert town.agree(0, wanted) == why
    for place in range(4):
        town.vote(member(place), Vote(1, wanted))
    assert (town.chain().newest.number, town.chain().open()) == (1, ())


def test_of_two_members_neither_can_leave():
    town = Departments(2)
    assert town.agree(0, town.wants(LEFT, member(1))) == TOO_FEW


def test_a_second_network_of_the_same_departments_does_not_take_the_place_of_a_larger_one():
    town = Departments(4)
    small = founding(3)
    for one in small:
        town.said[one] = replace(town.said[one], foundings=(small, *town.said[one].foundings))
    chains, _begun = chains_of(town.said.values())
    assert [len(one.newest.members) for one in chains] == [4, 3]
    for one in small:
        found = chain_for(chains, town.said[one])
        assert found is not None
        assert len(found.newest.members) == 4


def test_a_newcomer_belongs_to_the_network_that_took_it_in_and_between_two_it_must_say():
    ours, theirs = Departments(4), (member(80), member(81))
    second = sorted_members(theirs)
    joins = ours.wants(JOINED, NEW)
    for place in (0, 1, 2):
        ours.agree(place, joins)
    takes = Change(2, founding_name(second), JOINED, "部门50", NEW)
    logs = [*ours.said.values(), *(Said(one, (second,), ()) for one in theirs)]
    found = chain_for(chains_of(logs)[0], ours.said[NEW])
    assert found is not None
    assert found.newest.number == 2
    # Two departments that the newcomer follows as well take it into a network of their own.
    grabbed = [*ours.said.values(), *(Said(one, (second,), (Vote(1, takes),)) for one in theirs)]
    chains, _begun = chains_of(grabbed)
    assert len(chains) == 2
    assert chain_for(chains, ours.said[NEW]) is None
    says = replace(ours.said[NEW], votes=(Vote(1, ours.wants(JOINED, OTHER)),))
    assert chain_for(chains, says) == found


# --- one change at a time ---


def test_a_puppet_that_one_member_adds_is_not_a_member():
    """R50 does not even speak: it is one department's word, and shown as that."""
    town = Departments(4)
    change = town.wants(JOINED, PUPPET)
    assert town.agree(0, change) is None
    chain = town.chain()
    assert (chain.newest.number, PUPPET in chain.newest.members) == (1, False)
    assert [(one.change.member, one.agreed) for one in chain.open()] == [(PUPPET, (member(0),))]
    # Saying it again in further ballots, or in the puppet's own log, makes it no more.
    for ballot in range(2, 9):
        town.vote(member(0), Vote(ballot, change))
    town.vote(PUPPET, Vote(1, change))
    assert town.chain().newest.number == 1
    # And the others go on without it.
    good = town.wants(JOINED, NEW)
    for place in (1, 2, 3):
        town.said[member(place)] = replace(town.said[member(place)], votes=(Vote(1, good),))
    assert town.chain().newest.change == good


def test_one_who_agreed_waits_and_cannot_agree_to_another_change_while_the_first_can_still_come():
    town = Departments(4)
    first, second = town.wants(JOINED, NEW), town.wants(JOINED, OTHER)
    assert town.agree(0, first) is None
    assert town.agree(0, first) == AGREED_ALREADY
    assert town.agree(0, second) == ANOTHER_CHANGE
    assert town.agree(1, second) is None  # in the first ballot everybody is free
    assert town.agree(2, second) is None
    # The first can reach two of three at the most now, whatever the last one says.
    assert town.agree(0, second) is None
    assert town.chain().newest.number == 1  # two in the first ballot, one in the second
    assert [(one.change, len(one.agreed)) for one in town.chain().open()] == [(second, 2), (first, 1)]
    assert town.agree(3, second) is None  # whoever was silent makes it three in the first
    assert town.chain().newest.change == second


def test_one_who_runs_ahead_of_all_ballots_holds_nobody_up():
    town = Departments(7)
    change = town.wants(JOINED, NEW)
    town.vote(member(6), Vote(2**53 - 1, town.wants(JOINED, PUPPET)))
    town.vote(member(5), Vote(2**53 - 1, change))
    for place in range(5):
        assert town.chain().newest.number == 1
        assert town.agree(place, change) is None
    assert town.chain().newest.change == change


def test_a_membership_that_was_changed_on_both_sides_of_a_partition_is_changed_on_neither():
    """Seven departments, four and three that do not hear each other, each with a newcomer of its own."""
    town = Departments(7)
    ours, theirs = (0, 1, 2, 3), (4, 5, 6)
    first, second = town.wants(JOINED, NEW), town.wants(JOINED, OTHER)
    for place in ours:
        assert town.agree(place, first, *theirs) is None
    for place in theirs:
        assert town.agree(place, second, *ours) is None
    assert [town.chain(*far).newest.number for far in (ours, theirs)] == [1, 1]
    assert town.agree(0, second, *theirs) == ANOTHER_CHANGE  # three are silent, and may be with us
    # Healed: both wait, neither can come any more, and one of them is completed by all in a second ballot.
    open_ones = town.chain().open()
    assert [(one.change.member, len(one.agreed), one.needed) for one in open_ones] == [(NEW, 4, 5), (OTHER, 3, 5)]
    for place in (4, 5, 0, 1):
        assert town.agree(place, first) is None
    assert town.chain().newest.number == 1
    assert town.agree(6, second) == ANOTHER_CHANGE  # four have chosen, and it insists
    assert town.agree(2, first) is None
    chain = town.chain()
    assert (chain.newest.number, chain.newest.change, chain.open()) == (2, first, ())


def test_a_dead_department_is_put_out_though_another_wasted_its_word():
    """One agreed to a puppet, one is gone for good: the other two and the wasted one still come to three of four."""
    town = Departments(4)
    puppet, leaves = town.wants(JOINED, PUPPET), town.wants(LEFT, member(3))
    assert town.agree(0, puppet) is None
    for place in (1, 2):
        assert town.agree(place, leaves) is None
    for place in (0, 1, 2):
        assert town.agree(place, leaves) is None
    assert town.chain().newest.members == founding(3)


# --- one log ---


def test_two_successors_of_one_epoch_in_one_ballot_are_refused_in_every_log():
    town = Departments(4)
    first, second = (Vote(1, town.wants(JOINED, whom)) for whom in (NEW, OTHER))
    state = apply_epochs(None, agreed(first))
    assert state == EpochsState((), (first,))
    for again in (first, second):
        with pytest.raises(IllegalStep) as caught:
            apply_epochs(state, agreed(again))
        assert caught.value.reason == "two-successors"
    assert apply_epochs(state, agreed(replace_ballot(second, 2))).votes == (first, replace_ballot(second, 2))


def replace_ballot(vote: Vote, ballot: int) -> Vote:
    return Vote(ballot, vote.change)


def test_a_department_says_it_of_one_object_only_so_that_it_cannot_agree_twice_beside_it():
    vote = Vote(1, Departments(4).wants(JOINED, NEW))
    for one in (agreed(vote), record("epoch-founded", members=founding_claim(founding(2)))):
        with pytest.raises(IllegalStep) as caught:
            apply_epochs(None, one._replace(sub="another"))
        assert caught.value.reason == "another-object"


def test_a_network_is_founded_by_its_members_once_and_not_after_a_change():
    members = founding_claim(founding(3))
    state = apply_epochs(None, record("epoch-founded", members=members))
    for said, by, why in (
        (record("epoch-founded", members=members), state, "agreed-already"),
        (record("epoch-founded", iss="09.example/log", members=members), None, "not-in-network"),
        (
            record("epoch-founded", members=founding_claim(founding(2))),
            apply_epochs(state, agreed(Vote(1, Departments(3).wants(JOINED, NEW)))),
            "network-exists",
        ),
    ):
        with pytest.raises(IllegalStep) as caught:
            apply_epochs(by, said)
        assert caught.value.reason == why


# --- whatever the order ---


@given(st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_everybody_comes_to_the_same_chain_in_whatever_order_the_logs_arrive(chance):
    town = _lived(chance, liars=0)
    logs = list(town.said.values())
    expected = chains_of(logs)
    for _ in range(3):
        chance.shuffle(logs)
        assert chains_of(logs) == expected
    # Hearing more never takes back what was in force.
    seen = [replace(one, votes=()) for one in logs]
    before: tuple[str, ...] = ()
    for place, one in enumerate(logs):
        for heard in range(len(one.votes) + 1):
            seen[place] = replace(one, votes=one.votes[:heard])
            [chain], _begun = chains_of(seen)
            names = tuple(epoch.name for epoch in chain.epochs)
            assert names[: len(before)] == before
            before = names


@given(st.integers(2, 10), st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_no_two_views_ever_have_different_epochs_in_force(count, chance):
    """Departments that hear late and see different parts; as many as the quorum allows for agree to everything."""
    town = _lived(chance, liars=(count - 1) // 3, count=count)
    names = [epoch.name for epoch in town.chain().epochs]
    for _ in range(5):
        hidden = [place for place in range(count) if chance.random() < 0.4]
        seen = [epoch.name for epoch in town.chain(*hidden).epochs]
        assert seen == names[: len(seen)]


def _lived(chance: random.Random, *, liars: int, count: int = 0) -> Departments:
    """A life of confused departments: each turn somebody agrees to something, by what it has heard."""
    count = count or chance.randint(2, 8)
    town = Departments(count)
    for _ in range(chance.randint(0, 30)):
        place = chance.randrange(count)
        hidden = [other for other in range(count) if other != place and chance.random() < 0.5]
        chain = town.chain(*hidden)
        whom = chance.choice([NEW, OTHER, PUPPET, member(chance.randrange(count))])
        change = town.wants(LEFT if whom in chain.newest.members else JOINED, whom, chain)
        if place < liars:
            last = town.said[member(place)].votes
            ballot = 1 + (last[-1].ballot if last and last[-1].change.number == change.number else 0)
            if not last or last[-1].change.number <= change.number:
                town.vote(member(place), Vote(ballot, change))  # no rule holds it, but those of its log
        else:
            town.agree(place, change, *hidden)
    return town
