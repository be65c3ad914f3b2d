"""Commands that the outside may count on, and that come with a later stage: each says so and exits 2."""

from collections.abc import Iterator

import click

from handlers.console.context import USED_WRONG, stop

# What each will do, and how it will be called.
_COMMANDS = {
    "erase": ("destroy one citizen's vault key", "erase CITIZEN"),
}


def not_yet(name: str, short: str, example: str) -> click.Command:
    """A command that says that it is not there yet, and exits 2."""

    def refuse(rest: tuple[str, ...]) -> None:
        del rest
        stop(
            USED_WRONG,
            f"这个功能还没有开通 (`{name}` comes with a later version). `python app.py --help` lists what is there.",
        )

    return click.Command(
        name.rsplit(" ", maxsplit=1)[-1],
        callback=refuse,
        params=[click.Argument(["rest"], nargs=-1, type=click.UNPROCESSED)],
        help=f"Later: {short}.",
        short_help=f"(later) {short}",
        epilog=f"Example: python app.py {example}",
        context_settings={"ignore_unknown_options": True},
    )


def commands() -> Iterator[click.Command]:
    """Every command of a later stage."""
    for name, (short, example) in _COMMANDS.items():
        yield not_yet(name, short, example)
