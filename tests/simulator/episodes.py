"""Plays one seed after another: a storm in which some lie, then a calm in which all that must follow has to."""

from dataclasses import dataclass
from hashlib import sha256
from random import Random

from tests.simulator.liars import Lie
from tests.simulator.world import World

DEPARTMENTS = 7
EPISODE_ROUNDS = 1_200  # of all departments together
STORM_SHARE = 0.75
LIES_MAX = 3  # of one department


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one seed, or several, came to."""

    rounds: int = 0
    forked: int = 0  # logs that signed two histories
    held_twice: int = 0  # of them, those of which two honest departments held two at once
    convicted: int = 0  # of them, those against which somebody keeps evidence
    longest: int = 0  # rounds until two that talked and held two histories both knew it
    trace: str = ""  # the same for the same seed

    def plus(self, other: "Outcome") -> "Outcome":
        """Both together."""
        return Outcome(
            self.rounds + other.rounds,
            self.forked + other.forked,
            self.held_twice + other.held_twice,
            self.convicted + other.convicted,
            max(self.longest, other.longest),
            sha256(f"{self.trace}{other.trace}".encode()).hexdigest() if self.trace else other.trace,
        )


def draw_lies(chance: Random, departments: int) -> dict[int, frozenset[Lie]]:
    """Who lies, and how: never more than a quorum bears. Half of them show two faces, whatever else they do."""
    liars = chance.sample(range(departments), chance.randint(0, (departments - 1) // 3))
    return {one: frozenset([*_some(chance), *([Lie.TWO_FACES] if chance.random() < 0.5 else [])]) for one in liars}


def _some(chance: Random) -> list[Lie]:
    return chance.sample(list(Lie), chance.randint(1, LIES_MAX))


def play(
    seed: int,
    *,
    departments: int = DEPARTMENTS,
    rounds: int = EPISODE_ROUNDS,
    lies: dict[int, frozenset[Lie]] | None = None,
) -> Outcome:
    """Play one seed; raises Violation, which says how to see it again."""
    chance = Random(seed)
    world = World(seed, draw_lies(chance, departments) if lies is None else lies, departments=departments)
    try:
        world.run(int(rounds * STORM_SHARE))
        world.calm_down()
        world.run(rounds - int(rounds * STORM_SHARE))
        world.judge.check_settled()
        world.judge.check_slander(chance)
    except Exception as error:
        error.add_note(f"again: python -m tests.simulator --seed {seed} --rounds {rounds} --departments {departments}")
        raise
    judge = world.judge
    convicted = len(judge.forked & judge.convicted_logs)
    return Outcome(world.rounds, len(judge.forked), len(judge.held_twice), convicted, judge.longest, world.trace())


def play_many(seed: int, rounds: int, *, departments: int = DEPARTMENTS) -> Outcome:
    """Play this seed and those after it, until so many rounds of departments have gone by."""
    all_of_it = Outcome()
    while all_of_it.rounds < rounds:
        left = rounds - all_of_it.rounds
        all_of_it = all_of_it.plus(play(seed, departments=departments, rounds=min(EPISODE_ROUNDS, left)))
        seed += 1
    return all_of_it
