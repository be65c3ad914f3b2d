"""Departments that join and leave while messages are lost, late and doubled, machines die and the network is parted.

The rules are the ledger's own: what a log may say (`apply_epochs`), what is in force (`view_of`), what an administrator
may agree to next, whom a node follows by itself. Each department holds its own log and a beginning of each that it
follows; a judge sees everything, and never lets two honest ones hold two epochs of one number in force.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from random import Random

from ledger.epochs import View, view_of
from ledger.errors import IllegalStep
from ledger.merkle.hashing import Hash
from ledger.merkle.policy import lying
from ledger.peers.introduced import may_ask, to_follow
from ledger.records.epochs import (
    AGREED,
    FOUNDED,
    HANDLE,
    JOINED,
    LEFT,
    Change,
    EpochsState,
    Member,
    Vote,
    apply_epochs,
    founding_claim,
    sorted_members,
)
from ledger.records.statement import Record
from ledger.rules.epochs import Said
from tests.simulator.judge import Violation

TWO_EPOCHS, EPOCH_LOST, ACCUSED, NOT_SETTLED = "two epochs", "epoch lost", "honest accused", "not settled"
FIRST = 4
NEWCOMERS = 5
LATE_STEPS_MAX = 400
DOWN_STEPS_MAX = 60
CALM_STEPS = 4_000
LIES_MAX = 12  # words of one liar


@dataclass(frozen=True, slots=True)
class Storm:
    """How often what goes wrong; shares of the messages, or of the steps."""

    lost: float = 0.15
    late: float = 0.15  # an answer of earlier arrives, when longer ones have been read
    doubled: float = 0.05
    dies: float = 0.01
    parted: float = 0.01
    left_out: float = 0.3  # of the administrators that could agree, those who do so to something else


@dataclass
class Copy:
    """The beginning of a log that somebody holds, folded as every node folds it."""

    size: int = 0
    state: EpochsState = field(default_factory=EpochsState)
    introduced: set[Member] = field(default_factory=set)
    refused: int = 0

    def read(self, log: Sequence[Record]) -> None:
        """Take in what is new; an answer from earlier brings nothing."""
        for record in log[self.size :]:
            self.size += 1
            if record.kind == "membership":
                self.introduced.add(Member(record.clear["member"], record.clear["genesis"]))
                continue
            try:
                self.state = apply_epochs(self.state, record)
            except IllegalStep:
                self.refused += 1


@dataclass
class Department:
    """One department: its log, and what it holds of the others'."""

    member: Member
    honest: bool = True
    log: list[Record] = field(default_factory=list)
    copies: dict[Member, Copy] = field(default_factory=dict)  # whom it follows, and itself
    down_until: int = 0
    inviters: set[str] = field(default_factory=set)  # members of the network that let it in
    _seen: tuple[tuple[tuple[Member, int], ...], View] | None = None  # the view, and of what

    def say(self, kind: str, **clear: object) -> None:
        """One more record, folded here at once."""
        record = Record(b"", Hash(bytes(32)), kind, kind, "kid", self.member.origin, "j", 0, HANDLE, None, clear, ())
        self.log.append(record)
        self.copies[self.member].read(self.log)

    def follow(self, other: Member) -> None:
        """Follow another one, and say so."""
        if other not in self.copies:
            self.copies[other] = Copy()
            self.say("membership", member=other.origin, genesis=other.genesis)

    def vote(self, vote: Vote) -> None:
        """Say that it agrees."""
        self.say(AGREED, **vote.change.claims, ballot=vote.ballot)

    @property
    def view(self) -> View:
        """The network as it sees it."""
        held = tuple((one, copy.size) for one, copy in self.copies.items())
        if self._seen is None or self._seen[0] != held:
            self._seen = held, self._look()
        return self._seen[1]

    def _look(self) -> View:
        said = {one: Said(one, copy.state.foundings, copy.state.votes) for one, copy in self.copies.items()}
        return view_of(said[self.member], [said[one] for one in sorted(said)])

    def introducers(self, member: Member) -> set[str]:
        """The logs of those it follows in which this one is introduced."""
        followed = (one for one in self.copies if one != self.member)
        return {one.origin for one in followed if member in self.copies[one].introduced}


class Members:
    """One seed's world."""

    def __init__(self, seed: int, *, first: int = FIRST, liars: int | None = None, storm: Storm | None = None) -> None:
        self.random, self.storm = Random(seed), storm or Storm()
        names = [Member(f"{number:02}.example/log", f"genesis-{number:02}") for number in range(first + NEWCOMERS)]
        count = self.random.randint(0, lying(first)) if liars is None else liars
        false = set(self.random.sample(names[:first], count))
        self.all = {one: Department(one, honest=one not in false) for one in names}
        for department in self.all.values():
            department.copies[department.member] = Copy()
        self.first = sorted_members(names[:first])
        self.steps = 0
        self.side = dict.fromkeys(names, 0)
        self.late: list[tuple[int, Member, Member, list[Record]]] = []
        self.in_force: dict[int, str] = {}
        self.seen: dict[Member, list[str]] = {}
        self.counts: Counter[str] = Counter()
        self.quiet = False
        self._trace = blake2b(digest_size=16)
        for one in self.first:
            for other in self.first:
                if other != one:
                    self.all[one].follow(other)
            self.all[one].say(FOUNDED, members=founding_claim(self.first))

    # --- time ---

    def run(self, steps: int) -> None:
        """Let so many things happen, one after another."""
        for _ in range(steps):
            self.steps += 1
            self._weather()
            who = self.all[self.random.choice([*self.all])]
            if who.down_until > self.steps:
                continue
            deeds = (self._pull, self._pull, self._pull, self._follow, self._officer, self._invite)
            self.random.choice(deeds[:4] if self.quiet else deeds)(who)
            self._judge(who)
            self._trace.update(f"{who.member.origin} {len(who.log)} {who.view.epoch}\n".encode())

    def calm_down(self) -> None:
        """Nothing goes wrong any more, and nobody says anything new: what was said is heard by all it must reach."""
        self.quiet = True
        self.storm = Storm(0, 0, 0, 0, 0, 0)
        self.side = dict.fromkeys(self.side, 0)
        for one in self.all.values():
            one.down_until = 0

    def trace(self) -> str:
        """What all that has happened comes to."""
        return self._trace.hexdigest()

    def _weather(self) -> None:
        chance, storm = self.random, self.storm
        if chance.random() < storm.parted:
            self.side = {one: chance.randrange(2) if any(self.side.values()) is False else 0 for one in self.side}
        if chance.random() < storm.dies:
            self.all[chance.choice([*self.all])].down_until = self.steps + chance.randrange(DOWN_STEPS_MAX)
        due = [one for one in self.late if one[0] <= self.steps]
        self.late = [one for one in self.late if one[0] > self.steps]
        for _at, to, of, answer in due:
            self.all[to].copies[of].read(answer)
            self._judge(self.all[to])

    # --- what departments do ---

    def _reaches(self, who: Department, other: Department) -> bool:
        return self.side[who.member] == self.side[other.member] and other.down_until <= self.steps

    def _pull(self, who: Department) -> None:
        """A round with one of those it follows."""
        others = sorted(one for one in who.copies if one != who.member)
        if not others:
            return
        other = self.all[self.random.choice(others)]
        if not self._reaches(who, other) or self.random.random() < self.storm.lost:
            return
        answer = list(other.log)
        if self.random.random() < self.storm.late:
            self.late.append((self.steps + self.random.randrange(LATE_STEPS_MAX), who.member, other.member, answer))
            return
        for _ in range(2 if self.random.random() < self.storm.doubled else 1):
            who.copies[other.member].read(answer)

    def _follow(self, who: Department) -> None:
        """The scheduler's job: whom it should follow, as far as it may ask and they answer."""
        view = who.view
        led_to = [one for one in self.all if who.introducers(one) & who.inviters]
        for one in to_follow(view, who.inviters, led_to):
            introducers = who.introducers(one)
            reached = one not in who.copies and bool(introducers) and self._reaches(who, self.all[one])
            if reached and may_ask(view, one, introducers):
                who.follow(one)

    def _invite(self, who: Department) -> None:
        """A member lets somebody in by a code; both follow each other."""
        view = who.view
        if view.epoch is None or view.own not in view.epoch.members or self.random.random() > 0.02:
            return
        guests = sorted(one for one in self.all if one not in who.copies and one not in self.first)
        if guests and self._reaches(who, self.all[guest := self.random.choice(guests)]):
            who.follow(guest)
            self.all[guest].follow(who.member)
            self.all[guest].inviters.add(who.member.origin)
            self.counts["invited"] += 1

    def _officer(self, who: Department) -> None:
        """An administrator agrees to something, as the chat lets them; a liar's says whatever its log can hold."""
        view = who.view
        if view.chain is None or view.own not in view.chain.newest.members:
            return
        wanted = self._wishes(who, view)
        if not wanted:
            return
        change = self._choose(who, view, wanted)
        if not who.honest:
            self._lie(who, view, change)
        elif view.chain.refusal(view.own, change) is None:
            who.vote(Vote(view.chain.ballot(view.own, change), change))
            self.counts["agreed"] += 1

    def _wishes(self, who: Department, view: View) -> list[Change]:
        newest = view.chain.newest if view.chain else None
        assert newest is not None  # who has no chain wishes nothing
        joining = {one for one in self.all if one in who.copies or who.introducers(one)} - {*newest.members}
        # So many may go that those who lie are not too many among the rest.
        false = sum(not self.all[one].honest for one in newest.members)
        leaving = newest.members if false <= lying(len(newest.members) - 1) and len(newest.members) > FIRST else ()
        return [
            *(self._change(newest.number, newest.name, JOINED, one) for one in sorted(joining)),
            *(self._change(newest.number, newest.name, LEFT, one) for one in leaving),
        ]

    @staticmethod
    def _change(number: int, before: str, change: str, member: Member) -> Change:
        return Change(number + 1, before, change, f"部门{member.origin[:2]}", member)

    def _choose(self, who: Department, view: View, wanted: Sequence[Change]) -> Change:
        """Mostly what most have agreed to already: people telephone."""
        begun = [one.change for one in view.open() if one.change in wanted]
        if begun and (who.honest and self.random.random() >= self.storm.left_out):
            return begun[0]
        return self.random.choice([*wanted])

    def _lie(self, who: Department, view: View, change: Change) -> None:
        said = who.copies[who.member].state.votes
        if len(said) >= LIES_MAX:
            return
        last = said[-1].ballot if said and said[-1].change.number == change.number else 0
        ballot = self.random.choice([last + 1, last + 2, last, 1, 10**6])
        who.vote(Vote(max(ballot, 1), change))
        self.counts["lies"] += 1

    # --- the judge ---

    def _judge(self, who: Department) -> None:
        if not who.honest:
            return
        chain = who.view.chain
        names = [] if chain is None else [one.name for one in chain.epochs]
        for number, name in enumerate(names, 1):
            if self.in_force.setdefault(number, name) != name:
                raise Violation(TWO_EPOCHS, f"{who.member.origin} holds another epoch {number} in force")
        before = self.seen.get(who.member, [])
        if names[: len(before)] != before:
            raise Violation(EPOCH_LOST, f"{who.member.origin} held {len(before)} epochs, and now others")
        self.seen[who.member] = names
        for other, copy in who.copies.items():
            if copy.refused and self.all[other].honest:
                raise Violation(ACCUSED, f"{who.member.origin} refuses a record of {other.origin}, which does not lie")

    def check_settled(self) -> None:
        """After a calm: all honest members count the same epoch, follow each other, and can go on."""
        newest = max(self.in_force)
        chains = [one.view for one in self.all.values() if one.honest]
        members = next(view.epoch.members for view in chains if view.epoch and view.epoch.number == newest)
        for one in members:
            who = self.all[one]
            if who.honest and (who.view.epoch is None or who.view.epoch.number != newest):
                raise Violation(NOT_SETTLED, f"{one.origin} is a member of epoch {newest}, and does not count it")
            strangers = [other.origin for other in members if other not in who.copies and self.all[other].honest]
            if who.honest and strangers:
                raise Violation(NOT_SETTLED, f"{one.origin} does not follow {strangers}")


@dataclass(frozen=True, slots=True)
class Told:
    """What some seeds came to."""

    steps: int = 0
    epochs: int = 0  # that came into force
    agreed: int = 0
    lies: int = 0
    invited: int = 0
    trace: str = ""


def play(
    seed: int, *, steps: int = 6_000, first: int | None = None, liars: int | None = None, storm: Storm | None = None
) -> Told:
    """Play one seed; raises Violation, which says how to see it again."""
    count = Random(seed).choice([4, 5, 7]) if first is None else first
    world = Members(seed, first=count, liars=liars, storm=storm)
    try:
        world.run(steps)
        world.calm_down()
        world.run(CALM_STEPS)
        world.check_settled()
    except Exception as error:
        error.add_note(f"again: python -m tests.simulator --members --seed {seed} --rounds {steps}")
        raise
    counts = world.counts
    epochs = max(world.in_force, default=0)
    return Told(world.steps, epochs, counts["agreed"], counts["lies"], counts["invited"], world.trace())


def play_many(seed: int, count: int, *, steps: int = 6_000) -> Told:
    """Play so many seeds, this one and those after it."""
    told = Told()
    for one in range(seed, seed + count):
        more = play(one, steps=steps)
        told = replace(
            more,
            steps=told.steps + more.steps,
            epochs=told.epochs + more.epochs,
            agreed=told.agreed + more.agreed,
            lies=told.lies + more.lies,
            invited=told.invited + more.invited,
        )
    return told
