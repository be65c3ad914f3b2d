"""By hand: `python -m tests.simulator --seed 7 --rounds 100000`."""

import argparse
import sys

from tests.simulator import members
from tests.simulator.episodes import DEPARTMENTS, EPISODE_ROUNDS, play_many


def main() -> int:
    """Play, and say what it came to; a violation ends it with its seed."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulator", description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=EPISODE_ROUNDS, help="of all departments together")
    parser.add_argument("--departments", type=int, default=DEPARTMENTS)
    parser.add_argument("--members", action="store_true", help="departments join and leave; --rounds: steps of a seed")
    given = parser.parse_args()
    if given.members:
        joined = members.play_many(given.seed, 1, steps=given.rounds)
        sys.stdout.write(
            f"{joined.steps} steps from seed {given.seed}: {joined.epochs} epochs, {joined.agreed} words of"
            f" administrators, {joined.lies} lies, {joined.invited} invited; never two epochs; trace {joined.trace}\n"
        )
        return 0
    told = play_many(given.seed, given.rounds, departments=given.departments)
    sys.stdout.write(
        f"{told.rounds} rounds from seed {given.seed}: {told.forked} logs forked, two held two histories of "
        f"{told.held_twice}, {told.convicted} were convicted, after {told.longest} rounds at the most; no false alarm, no fork missed; trace {told.trace}\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
