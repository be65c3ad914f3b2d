"""Whom we follow: other departments, and strangers' logs that we merely cosign."""

from datetime import datetime

import click

from handlers.console.context import Console, expected, pass_console, show
from handlers.console.joining import invite_command, join_command
from handlers.console.outside import outside_witness, witness_row
from ledger.epochs import read_view
from ledger.peers.home import Peer, read_peers
from ledger.peers.invitations import read_waiting
from ledger.peers.joining import Introduction, add_peer, introduction_of, remove_peer
from ledger.peers.members import found_network, member_of
from ledger.peers.outside import read_outside
from ledger.peers.strangers import add_stranger, read_strangers, remove_stranger
from ledger.peers.succession import check_successor, take_over
from ledger.rules.epochs import Epoch
from ledger.storage.engine import reading
from ledger.times import CHINA


@click.group()
def peers() -> None:
    """The departments that this node follows."""


@peers.command(epilog='Example: python app.py peers add https://cz.example.gov.cn --fingerprint "able acid …"')
@click.argument("url")
@click.option("--fingerprint", required=True, metavar="WORDS", help="The eight words that the other side read out.")
@click.option(
    "--successor-of", "old", metavar="NAME", help="The department whose log ended, and which this one follows."
)
@pass_console
def add(console: Console, url: str, fingerprint: str, old: str | None) -> None:
    """Follow a department whose fingerprint words were compared by telephone. It must add this node too."""
    with expected():
        node = console.open_node()
        if old is not None and node.log.has_ended():
            check_successor(node, url, fingerprint, old)
            click.echo(f"✓ the log at {url} goes on from where our copy of {old} ends")
            click.echo("This log has ended, and follows nobody new. At its own successor:")
            click.echo(f'  python app.py peers add {url} --fingerprint "{fingerprint}"')
            return
        peer = add_peer(node, url, fingerprint) if old is None else take_over(node, url, fingerprint, old)
        click.echo(f"{node.name} follows {peer.name} ({peer.origin}) from the next round on")
        click.echo(f"Let them add this node: {node.public_url}, fingerprint: {node.keys.fingerprint}")


@peers.command("list", epilog="Example: python app.py peers list")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@pass_console
def list_(console: Console, *, as_json: bool) -> None:
    """Whom this node follows and who waits to join, with the words to compare; and its own."""
    with expected():
        node = console.open_node()
        with reading(node.engine) as connection:
            waiting = read_waiting(connection, node.now())
            members = read_view(connection).epoch
            outside = [witness_row(one, _when(one.seen_at)) for one in read_outside(connection, node)]
            followed = [_row(peer, members) for peer in read_peers(connection)]
            rows = [*followed, *outside, *map(_waiting_row, waiting)]
    if not as_json:
        click.echo(f"{node.name} (this node): {node.keys.fingerprint}")
    show(rows, as_json=as_json, empty="no department is followed yet; `peers invite` is how the first joins")
    if waiting and not as_json:
        click.echo("Who waits is followed by: python app.py peers add URL --fingerprint WORDS, once they read them out")


@peers.command("found", epilog="Example: python app.py peers found")
@pass_console
def found_command(console: Console) -> None:
    """Say that this department and all that it follows are the network; it begins when each of them has said so."""
    with expected():
        begun = found_network(console.open_node())
        click.echo(f"Members: {'、'.join(begun.departments)}")
        if begun.missing:
            click.echo(f"Not said yet, or not seen here: {'、'.join(begun.missing)}. There: python app.py peers found")
        else:
            click.echo("✓ epoch 1 is in force: who comes later is agreed to in the chat, #同意加入")


@peers.command(epilog="Example: python app.py peers remove 财政局")
@click.argument("name")
@pass_console
def remove(console: Console, name: str) -> None:
    """Follow a department no longer, once it is no member. What was cosigned for it is never forgotten."""
    with expected():
        remove_peer(console.open_node(), name)
        click.echo(f"{name} is no longer followed")


peers.add_command(invite_command)
peers.add_command(join_command)
peers.add_command(outside_witness)


@click.group()
def witness() -> None:
    """Strangers' logs that this node cosigns."""


@witness.command("add", epilog="Example: python app.py witness add example.com/log+abcdef01+AZ…")
@click.argument("vkey")
@pass_console
def add_witnessed(console: Console, vkey: str) -> None:
    """Cosign a log that is no member's, by its C2SP verification key."""
    with expected():
        verifier = add_stranger(console.open_node(), vkey)
        click.echo(f"{verifier.name} may now offer its checkpoints at /witness/add-checkpoint")


@witness.command("list", epilog="Example: python app.py witness list")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@pass_console
def list_witnessed(console: Console, *, as_json: bool) -> None:
    """The strangers' keys."""
    with expected():
        rows = [{"vkey": vkey} for vkey in read_strangers(console.open_node())]
    show(rows, as_json=as_json, empty="no stranger's log is cosigned; `witness add VKEY` adds one")


@witness.command("remove", epilog="Example: python app.py witness remove example.com/log+abcdef01+AZ…")
@click.argument("vkey")
@pass_console
def remove_witnessed(console: Console, vkey: str) -> None:
    """Cosign with this key's word no longer."""
    with expected():
        remove_stranger(console.open_node(), vkey)
        click.echo("removed; what was cosigned is never forgotten")


def _when(at: int | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, CHINA).isoformat()


def _row(peer: Peer, epoch: Epoch | None) -> dict[str, object]:
    return {
        "name": peer.name,
        "url": peer.url,
        "origin": peer.origin,
        "checked": _when(peer.checked_at),
        "member": epoch is not None and member_of(peer) in epoch.members,
        "state": "two histories" if peer.forked else "unreachable" if peer.failures else "good",
        "fingerprint": introduction_of(peer).fingerprint,
    }


def _waiting_row(asker: Introduction) -> dict[str, object]:
    names = {"name": asker.name, "url": asker.url, "origin": asker.origin, "checked": None, "member": False}
    return {**names, "state": "waits to be confirmed", "fingerprint": asker.fingerprint}
