"""One file a group of commands of `python app.py`."""

from collections.abc import Iterator

import click

from handlers.console import later
from handlers.console.backup import backup, restore
from handlers.console.checking import crosscheck, verify
from handlers.console.context import Console
from handlers.console.imports import imports
from handlers.console.keys import keys
from handlers.console.node import demo, doctor, init, migrate, schedule, serve, trial
from handlers.console.officers import officers
from handlers.console.peers import peers, witness
from handlers.console.receipts import check, policy, prove


def commands(console: Console) -> Iterator[click.Command]:
    """Every command of the terminal, those of later stages included, wired to this process."""
    checking = (crosscheck, verify, prove, check, policy)
    care = (backup, restore, doctor)
    now = (init, migrate, serve, schedule, demo, trial, officers, keys, peers, witness, imports, *checking, *care)
    for command in (*now, *later.commands()):
        # Flask's own command line keeps its object in the context; ours stands below it.
        command.context_settings = {**command.context_settings, "obj": console}
        yield command


__all__ = ["Console", "commands"]
