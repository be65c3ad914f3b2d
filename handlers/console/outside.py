"""Outside witnesses of our own log: programs that cosign it and are no member's."""

import click

from handlers.console.context import Console, expected, pass_console
from ledger.node import Node
from ledger.peers.outside import OutsideWitness, add_outside, offer_outside, read_outside, remove_outside
from ledger.storage.engine import reading


@click.group("witness")
def outside_witness() -> None:
    """Outside witnesses that cosign this node's log (C2SP tlog-witness). `peers list` lists them.

    The other way round, strangers' logs that this node cosigns: `witness add VKEY`.
    """


@outside_witness.command(
    "add", epilog="Example: python app.py peers witness add witness.example+abcdef01+BA… --url https://witness.example"
)
@click.argument("vkey")
@click.option("--url", required=True, help="Its submission prefix: what stands before /add-checkpoint.")
@pass_console
def add(console: Console, vkey: str, url: str) -> None:
    """Have the log cosigned by this witness from now on, and show it on the checkpoint."""
    with expected():
        node = console.open_node()
        added = add_outside(node, vkey, url)
        offer_outside(node, patient=True)
        for line in _told(node, added):
            click.echo(line)


@outside_witness.command("remove", epilog="Example: python app.py peers witness remove witness.example")
@click.argument("name")
@pass_console
def remove(console: Console, name: str) -> None:
    """Ask this witness, by its name or its key, no more. What it has cosigned stays on the heads that show it."""
    with expected():
        count = remove_outside(console.open_node(), name)
        click.echo(f"{name} is not asked any more ({count} {'key' if count == 1 else 'keys'})")


def _told(node: Node, added: OutsideWitness) -> list[str]:
    with reading(node.engine) as connection:
        one = next(one for one in read_outside(connection, node) if one.vkey == added.vkey)
    if one.last_error is None and one.size is not None:
        return [f"✓ {one.name} has cosigned our log at size {one.size}; it is asked after each publication"]
    vkeys = [f"  {vkey}" for vkey in node.keys.log_vkeys]
    why = one.last_error or "nothing is published yet"
    return [
        f"{one.name} is asked from now on, and has cosigned nothing yet: {why}",
        "It must know our log first. Send whoever runs it our log's keys:",
        *vkeys,
    ]


def witness_row(one: OutsideWitness, checked: str | None) -> dict[str, object]:
    """An outside witness in the list of peers; its key stands where a department has its words."""
    state = "good" if one.last_error is None and one.size is not None else f"waits: {one.last_error or 'not asked yet'}"
    named = {"name": one.name, "url": one.url, "origin": "(outside witness)", "checked": checked, "member": False}
    return {**named, "state": state, "fingerprint": one.vkey}
