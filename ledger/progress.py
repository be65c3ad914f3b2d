"""How a long work says how far it has come, to whoever watches."""

from collections.abc import Callable

Progress = Callable[[int, int], None]  # so many entries or rows done, of so many


def silent(_done: int, _all: int) -> None:
    """Nobody watches."""
