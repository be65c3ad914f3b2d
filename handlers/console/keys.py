"""The node's own keys: which count since when, replaced one role at a time, and frozen when one was stolen."""

import stat
from collections.abc import Iterator
from pathlib import Path

import click

from handlers.console.context import USED_WRONG, Console, expected, pass_console, show, stop
from ledger.key_history import History, KeyRange, read_history
from ledger.keys import vault_fingerprint
from ledger.node import Node
from ledger.records.rotation import ROLES, VAULT
from ledger.rollover import roll_over
from ledger.storage.engine import reading

FINGERPRINT_CHARACTERS = 16  # of a key's own, as it is shown
_OTHERS_MAY = stat.S_IRWXG | stat.S_IRWXO


@click.group()
def keys() -> None:
    """The keys of this node's log, witness, mirror, desk and vault."""


@keys.command("list", epilog="Example: python app.py keys list --json")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@pass_console
def list_(console: Console, *, as_json: bool) -> None:
    """Every key that counts or once did: its role, its fingerprint, and from which index up to which."""
    with expected():
        node = console.open_node()
        rows = list(key_rows(node))
    if not as_json:
        click.echo(f"{node.name}, {node.origin}: {node.keys.fingerprint}")
    show(rows, as_json=as_json, empty="this log has not begun")


@keys.command(epilog="Example: python app.py keys rotate witness")
@click.argument("role", type=click.Choice(ROLES))
@pass_console
def rotate(console: Console, role: str) -> None:
    """Replace the keys of one role, by a record. What the old ones signed goes on to count; nobody need stop.

    Interrupted, the same command goes on where it was. The passphrase comes from its setting, never from here.
    """
    with expected():
        node = console.open_node()
        done = roll_over(node, role)
        if done.completed:
            click.echo(
                f"the rotation of {done.role} at index {done.index} is complete now; to rotate again, say so again"
            )
            return
        click.echo(f"new keys for {role} count since index {done.index}; fingerprint now: {node.keys.fingerprint}")
        click.echo("Other departments follow within a round, by themselves. Copy the key file again to its safe place.")


@keys.command(epilog="Example: python app.py keys freeze --yes")
@click.option("--yes", is_flag=True, help="It cannot be taken back: this log ends.")
@pass_console
def freeze(console: Console, *, yes: bool) -> None:
    """End this node's log, after its key was stolen: nothing is ever added to it or signed again."""
    if not yes:
        stop(USED_WRONG, "this ends the log for ever; read docs/keys.md, and then say --yes")
    with expected():
        last = console.open_node().log.freeze()
    click.echo(f"{last.origin} has ended. Its successor, on another database and another key file, begins with:")
    click.echo(f"  init --successor-of {last.origin} --size {last.size} --root {last.root.hex()} …")


def key_rows(node: Node) -> Iterator[dict[str, object]]:
    """A row for each key."""
    with reading(node.engine) as connection:
        history = read_history(connection, node.log.id)
    for one in history.ranges:
        for kind, fingerprint in _fingerprints(one, history, node):
            yield {
                "role": one.role,
                "kind": kind,
                "fingerprint": fingerprint,
                "from": one.from_index,
                "to": one.to_index,
                "counts": one.to_index is None,
            }


def _fingerprints(one: KeyRange, history: History, node: Node) -> Iterator[tuple[str, str]]:
    """Kind and fingerprint of each key: a vkey's is its name and key id, as signature lines have them."""
    if one.role == VAULT:
        # The first vault key is named by no record; while it counts, the key file tells.
        held = vault_fingerprint(node.keys.vault_key) if one == history.in_force(VAULT) else None
        told = one.keys[0] if one.keys else held
        yield "AES-256", "-" if told is None else told[:FINGERPRINT_CHARACTERS]
        return
    for key in one.keys:
        if one.role == "desk":
            yield "Ed25519", key[:FINGERPRINT_CHARACTERS]
        else:
            name, key_id, public = key.split("+", 2)
            yield ("ML-DSA-44" if len(public) > 100 else "Ed25519"), f"{name}+{key_id}"


def readable_by_others(path: Path) -> bool:
    """Whether anybody but its owner may do anything with a file."""
    return bool(path.stat().st_mode & _OTHERS_MAY)
