"""Who belongs to the network, from what the departments' logs say of it: the epochs in force, and what is open.

An epoch is in force when a quorum of the members of the one before have agreed to it in one ballot. A department agrees
once in a ballot; to a ballot after the first it comes only when nothing else can reach the quorum in an earlier one any
more. So two different changes never both come into force, in whatever order the logs arrive (Paxos, with people for
proposers), as long as each log shows one history and no more departments lie than the quorum allows for.

A member that shows two histories in a contested change can divide the network: one change is in force for some, another
for the rest. It convicts itself (R36); nothing here brings the two together again (decision 0070 says what does).
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ledger.merkle.policy import quorum
from ledger.records.epochs import BALLOTS_MAX, JOINED, Change, Founding, Member, Vote, founding_name

# Why a department may not agree to a change, as slugs of the message catalogue.
ALREADY_MEMBER, NO_MEMBER, NOT_IN_NETWORK = "member-already", "no-member", "not-in-network"
AGREED_ALREADY, ANOTHER_CHANGE, TOO_FEW = "agreed-already", "another-change", "too-few"
TOO_MANY_BALLOTS = "too-many-ballots"
MEMBERS_MIN = 2


@dataclass(frozen=True, slots=True)
class Said:
    """What one log says of it, and which log that is."""

    member: Member
    foundings: Sequence[Founding]
    votes: Sequence[Vote]  # in the order of the log


@dataclass(frozen=True, slots=True)
class Epoch:
    """Who belonged to the network from one change to the next."""

    number: int
    name: str
    members: Founding
    change: Change | None = None  # None: it is the first

    @property
    def needed(self) -> int:
        """How many of its members make a head believed, or the next epoch."""
        return quorum(len(self.members))


@dataclass(frozen=True, slots=True)
class Cast:
    """A member's vote on what comes after the newest epoch."""

    by: Member
    ballot: int
    change: Change


@dataclass(frozen=True, slots=True)
class Open:
    """A change that some members have agreed to and that is not in force, as one ballot has it."""

    change: Change
    ballot: int
    agreed: tuple[Member, ...]
    needed: int


@dataclass(frozen=True, slots=True)
class Begun:
    """A first epoch that not all of its members have logged yet."""

    members: Founding
    logged: tuple[Member, ...]


class _Count:
    """The votes on what comes after one epoch, added up once: a member's log has room for many."""

    def __init__(self, epoch: Epoch, cast: Sequence[Cast]) -> None:
        self.epoch = epoch
        self.last: dict[Member, int] = {}  # the newest ballot in which each has agreed to something
        self.voices: dict[tuple[Change, int], list[Member]] = {}
        self.ballots: dict[Change, list[int]] = {}
        for one in cast:
            self.last[one.by] = max(one.ballot, self.last.get(one.by, 0))
            self.voices.setdefault((one.change, one.ballot), []).append(one.by)
            self.ballots.setdefault(one.change, []).append(one.ballot)
        self.words = Counter(one.by for one in cast)
        seen = {one.ballot for one in cast}
        self.steps = sorted({*seen, *(at + 1 for at in seen)})  # between these nothing differs
        self._newest = sorted(self.last.values())

    def agreed(self, change: Change, ballot: int) -> Sequence[Member]:
        """Who has agreed to it in that ballot."""
        return self.voices.get((change, ballot), ())

    def may_reach(self, change: Change, ballot: int, *, without: Member | None = None) -> bool:
        """Whether a change may still come into force in that ballot; `without` the word of one that goes on from it."""
        heard = len(self._newest) - bisect_left(self._newest, ballot)
        heard += without is not None and self.last.get(without, 0) < ballot
        silent = len(self.epoch.members) - heard
        return len(self.agreed(change, ballot)) + silent >= self.epoch.needed

    @cached_property
    def hopeful(self) -> Sequence[tuple[Change, int]]:
        """What may still come into force, and in which ballot."""
        return [one for one in self.voices if self.may_reach(*one)]

    def won(self) -> Change | None:
        """What has come into force."""
        won = [(ballot, change) for (change, ballot), by in self.voices.items() if len(by) >= self.epoch.needed]
        return min(won)[1] if won else None


@dataclass(frozen=True)
class Chain:
    """The epochs in force, the oldest first, and what the members have said of the next."""

    epochs: tuple[Epoch, ...]
    cast: tuple[Cast, ...] = ()

    @property
    def newest(self) -> Epoch:
        """The one that counts."""
        return self.epochs[-1]

    def includes(self, member: Member) -> bool:
        """Whether this department ever belonged to it."""
        return any(member in epoch.members for epoch in self.epochs)

    @cached_property
    def _count(self) -> _Count:
        return _Count(self.newest, self.cast)

    def open(self) -> tuple[Open, ...]:
        """What waits, each in the ballot in which it has got furthest; first what has most voices."""
        found = [self._furthest(change) for change in self._count.ballots]
        return tuple(sorted(found, key=lambda one: (-len(one.agreed), one.change.name)))

    def _furthest(self, change: Change) -> Open:
        count = self._count
        order = {at: (count.may_reach(change, at), len(count.agreed(change, at)), at) for at in count.ballots[change]}
        at = max(order, key=lambda at: order[at])
        return Open(change, at, tuple(count.agreed(change, at)), self.newest.needed)

    # --- what a department may still say ---

    def ballot(self, own: Member, change: Change) -> int:
        """The ballot in which this department's next word for that change still helps: the first of them.

        However far ahead a single one has gone, the others need not follow it.
        """
        count, first = self._count, self._last(own) + 1
        if count.may_reach(change, first):
            return first
        return next(at for at in count.steps[bisect_left(count.steps, first) :] if count.may_reach(change, at))

    def refusal(self, own: Member, change: Change) -> str | None:
        """Why this department may not agree to that change now, as a slug of the message catalogue; None if it may."""
        if own not in self.newest.members:
            return NOT_IN_NETWORK
        if not _fits(self.newest, change):
            return _misfit(self.newest, change)
        count, last, ballot = self._count, self._last(own), self.ballot(own, change)
        # Whoever waits follows others into the next ballot, and not towards one far ahead, through ballots with nobody.
        if own in count.agreed(change, last) and count.may_reach(change, last) and not count.agreed(change, ballot):
            return AGREED_ALREADY
        if count.words[own] >= BALLOTS_MAX:
            return TOO_MANY_BALLOTS
        # What nobody here has heard of cannot come in those ballots either: too few are silent, or this change helped.
        others = (one for one in count.hopeful if one[1] < ballot and one[0] != change)
        return ANOTHER_CHANGE if any(count.may_reach(*one, without=own) for one in others) else None

    def _last(self, own: Member) -> int:
        """The newest ballot in which this department has agreed to something; 0 for none."""
        return self._count.last.get(own, 0)


def chains_of(logs: Iterable[Said]) -> tuple[list[Chain], list[Begun]]:
    """Every network that the logs know of, and what was begun and not finished."""
    said = {one.member: one for one in logs}
    after: dict[str, list[tuple[Member, Vote]]] = {}
    for one in said.values():
        for vote in one.votes:
            after.setdefault(vote.change.before, []).append((one.member, vote))
    chains, begun = [], []
    for members in dict.fromkeys(founding for one in said.values() for founding in one.foundings):
        logged = tuple(one for one in members if one in said and members in said[one].foundings)
        if len(logged) == len(members):
            chains.append(_follow(Epoch(1, founding_name(members), members), after))
        elif logged:
            begun.append(Begun(members, logged))
    # In an order that depends on what they are, and not on when they came.
    chains.sort(key=lambda one: (-len(one.epochs[0].members), one.epochs[0].name))
    return chains, sorted(begun, key=lambda one: (-len(one.logged), founding_name(one.members)))


def chain_for(chains: Sequence[Chain], own: Said) -> Chain | None:
    """The network of this department: that which it founded or agreed to changes of, or the one that has taken it in.

    None while it belongs to none; and when two have taken it in, until it has said which by agreeing to something.
    """
    mine = [one for one in chains if one.includes(own.member)]
    founded = [one for one in mine if one.epochs[0].members in own.foundings]
    agreed = {vote.change.before for vote in own.votes}
    known = founded or [one for one in mine if any(epoch.name in agreed for epoch in one.epochs)]
    if known:
        return known[0]
    return mine[0] if len(mine) == 1 else None


def _follow(first: Epoch, after: Mapping[str, Sequence[tuple[Member, Vote]]]) -> Chain:
    epochs = [first]
    while True:
        cast = _cast(epochs[-1], after.get(epochs[-1].name, ()))
        won = _Count(epochs[-1], cast).won()
        if won is None:
            return Chain(tuple(epochs), cast)
        epochs.append(_changed(epochs[-1], won))


def _cast(epoch: Epoch, votes: Iterable[tuple[Member, Vote]]) -> tuple[Cast, ...]:
    """What its members say; others, and what cannot follow, count for nothing."""
    return tuple(
        Cast(by, vote.ballot, vote.change)
        for by, vote in sorted(votes)
        if by in epoch.members and vote.change.number == epoch.number + 1 and _fits(epoch, vote.change)
    )


def _fits(epoch: Epoch, change: Change) -> bool:
    if change.change == JOINED:
        return change.member.origin not in {one.origin for one in epoch.members}
    return change.member in epoch.members and len(epoch.members) > MEMBERS_MIN


def _misfit(epoch: Epoch, change: Change) -> str:
    if change.change == JOINED:
        return ALREADY_MEMBER
    return TOO_FEW if change.member in epoch.members else NO_MEMBER


def _changed(epoch: Epoch, change: Change) -> Epoch:
    others = [one for one in epoch.members if one != change.member]
    members = [*others, change.member] if change.change == JOINED else others
    return Epoch(change.number, change.name, tuple(sorted(members)), change)
