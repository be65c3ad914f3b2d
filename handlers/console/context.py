"""What a command of the terminal may use: handed in by `app.py`, so that no command reads the environment."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import click
from click.termui import progressbar

from bot.errors import BadSetting
from handlers.matters import MatterWrong
from handlers.settings import Settings, SettingWrong
from ledger.errors import LedgerError, Misconfigured, Refused, Rejected, Unavailable
from ledger.node import Node, NodeSettings
from ledger.progress import Progress, silent

FOUND_WRONG = 1  # the command worked, and found something wrong
USED_WRONG = 2  # it was used or set wrongly
COULD_NOT = 3  # unreachable, locked

_EXIT_CODES: Sequence[tuple[type[Exception], int]] = (
    (SettingWrong, USED_WRONG),
    (MatterWrong, USED_WRONG),
    (BadSetting, USED_WRONG),
    (Misconfigured, USED_WRONG),
    (Refused, USED_WRONG),
    (Unavailable, COULD_NOT),
    (Rejected, FOUND_WRONG),
    (LedgerError, FOUND_WRONG),
)


@dataclass(frozen=True, slots=True)
class Console:
    """The wiring of this process, opened only as far as a command needs it."""

    settings: Callable[[], Settings]
    settings_with: Callable[[str, str], Settings]  # name and public URL given on the command line
    node_settings: Callable[[Settings], NodeSettings]
    open_node: Callable[[], Node]  # with its keys: asks for the passphrase's setting
    check_matters: Callable[[], object]  # reads the TOML files; raises MatterWrong
    serve: Callable[[str, int, int, int], None]  # host, port, workers, threads
    schedule: Callable[[], None]
    demo: Callable[[], None]
    trial: Callable[[], None]  # the same network, marked as a test everywhere
    throw_trial_away: Callable[[], bool]  # whether there was one
    now: Callable[[], int]
    data: Path  # where matters/, programmes/, banks/ and systems/ lie


pass_console = click.make_pass_decorator(Console)


def stop(code: int, message: str) -> NoReturn:
    """End the command with an exit code and one line on standard error."""
    click.echo(message, err=True)
    sys.exit(code)


@contextmanager
def expected() -> Iterator[None]:
    """Turn errors that can happen to anyone into an exit code and one line; a bug shows its trace."""
    try:
        yield
    except tuple(kind for kind, _ in _EXIT_CODES) as error:
        code = next(code for kind, code in _EXIT_CODES if isinstance(error, kind))
        stop(code, str(error))


@contextmanager
def showing_progress(unit: str, *, hidden: bool = False) -> Iterator[Progress]:
    """A progress bar on standard error, when somebody watches, from when there is something to do."""
    if hidden or not sys.stderr.isatty():
        yield silent
        return
    with ExitStack() as stack:
        bar = None

        def move(done: int, of: int) -> None:
            nonlocal bar
            if bar is None:
                bar = stack.enter_context(progressbar(length=max(of, 1), label=unit, file=sys.stderr))
            bar.length = max(of, 1)
            bar.update(done - bar.pos)

        yield move


def show(rows: Iterable[Mapping[str, object]], *, as_json: bool, empty: str) -> None:
    """Print rows as JSON, or as a table that lines up; `empty` when there are none."""
    listed = list(rows)
    if as_json:
        click.echo(json.dumps(listed, ensure_ascii=False, indent=1))
    elif not listed:
        click.echo(empty)
    else:
        for line in _table(listed):
            click.echo(line)


def _table(rows: Sequence[Mapping[str, object]]) -> Iterator[str]:
    heads = list(rows[0])
    cells = [heads, *([_cell(row[head]) for head in heads] for row in rows)]
    widths = [max(_width(line[column]) for line in cells) for column in range(len(heads))]
    for line in cells:
        yield "  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(line, widths, strict=True)).rstrip()


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ",".join(str(item) for item in value)
    return "-" if value is None else str(value)


def _width(text: str) -> int:
    # A Chinese character stands in two columns of a terminal.
    return sum(2 if "\u2e80" <= letter <= "\uffef" else 1 for letter in text)
