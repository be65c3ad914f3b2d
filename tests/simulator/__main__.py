"""By hand: `python -m tests.simulator --seed 7 --rounds 100000`."""

import argparse
import sys

from tests.simulator.episodes import DEPARTMENTS, EPISODE_ROUNDS, play_many


def main() -> int:
    """Play, and say what it came to; a violation ends it with its seed."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulator", description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=EPISODE_ROUNDS, help="of all departments together")
    parser.add_argument("--departments", type=int, default=DEPARTMENTS)
    given = parser.parse_args()
    told = play_many(given.seed, given.rounds, departments=given.departments)
    sys.stdout.write(
        f"{told.rounds} rounds from seed {given.seed}: {told.forked} logs forked, two held two histories of "
        f"{told.held_twice}, {told.convicted} were convicted, after {told.longest} rounds at the most; no false alarm, no fork missed; trace {told.trace}\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
