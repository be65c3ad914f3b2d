"""Two departments that join each other: one line is sent, eight words of each are compared by telephone."""

from collections.abc import Callable
from datetime import datetime
from threading import Event
from time import monotonic
from typing import TypeVar

import click

from handlers.console.context import COULD_NOT, FOUND_WRONG, Console, expected, pass_console, stop
from ledger.epochs import read_view
from ledger.node import Node
from ledger.peers.asking import ask_to_join, meet
from ledger.peers.home import read_peer
from ledger.peers.introduced import note_invited
from ledger.peers.invitations import CODE_SECONDS, JOINED, Standing, invite, send_away, who_asked
from ledger.peers.join_code import JoinCode
from ledger.peers.joining import Introduction, add_peer
from ledger.storage.engine import reading
from ledger.times import CHINA

LOOK_SECONDS = 1.0

_Found = TypeVar("_Found")

_yes_if = click.option(
    "--yes-if", metavar="WORDS", help="For scripts: the other side's eight words, instead of asking on the terminal."
)


@click.command("invite", epilog="Example: python app.py peers invite")
@_yes_if
@pass_console
def invite_command(console: Console, yes_if: str | None) -> None:
    """Print a code for one other department, wait for it, and ask whether its words are the right ones."""
    with expected():
        node = console.open_node()
        code = invite(node)
        until = datetime.fromtimestamp(node.now() + CODE_SECONDS, CHINA)
        click.echo("Send this line to the other department; there: python app.py peers join CODE")
        click.echo(code.text)
        click.echo(f"It is good once, until {until:%H:%M}. Telephone them, and read these words out:")
        click.echo(f"  {node.name}: {node.keys.fingerprint}")
        click.echo("Waiting for them … (Ctrl-C ends the waiting, not the code)")
        asker = _wait_for(lambda: who_asked(node, code))
        assert asker is not None  # waiting has no end but an error
        click.echo(f"{asker.name} ({asker.origin}, {asker.url}, numbers {asker.number_prefix}…) asks to join.")
        click.echo("They must read out to you:")
        click.echo(f"  {asker.name}: {asker.fingerprint}")
        if not _are_theirs(asker, yes_if):
            send_away(node, code)
            stop(FOUND_WRONG, f"{asker.name} was sent away, and the code is worth nothing any more")
        _follow(node, asker)
        click.echo(_onward(node, asker))


@click.command("join", epilog="Example: python app.py peers join mfzx…q4@https://mz.example.gov.cn")
@click.argument("code")
@_yes_if
@pass_console
def join_command(console: Console, code: str, yes_if: str | None) -> None:
    """Join by the code that another department's `peers invite` printed; the same command again goes on with it."""
    with expected():
        node, said = console.open_node(), JoinCode.parse(code)
        host = meet(node, said)
        ask_to_join(node, said, host)
        click.echo("Telephone them, and read these words out:")
        click.echo(f"  {node.name}: {node.keys.fingerprint}")
        click.echo("They must read out to you:")
        click.echo(f"  {host.name}: {host.fingerprint}")
        if not _are_theirs(host, yes_if):
            stop(FOUND_WRONG, _sent_nobody(node, host))
        click.echo(f"Waiting until {host.name} has answered yes …")
        standing = _wait_for(lambda: _if_joined(ask_to_join(node, said, host)), seconds=CODE_SECONDS)
        if standing is None:
            stop(COULD_NOT, f"{host.name} has not answered yet; the same command again goes on from here")
        _follow(node, host)
        if standing.network:
            note_invited(node, host.origin)
        click.echo(_what_follows(node, standing))


def _sent_nobody(node: Node, host: Introduction) -> str:
    """What becomes of words that differ."""
    with reading(node.engine) as connection:
        followed = read_peer(connection, host.origin) is not None
    if followed:
        return f"{host.name} is followed here already, under these keys: telephone them, whose words were those?"
    mend = f"let {host.name} answer no as well, or `peers remove {node.name}` if they have answered yes"
    return f"nobody is followed here; {mend}"


def _what_follows(node: Node, standing: Standing) -> str:
    """What the newcomer can expect now."""
    with reading(node.engine) as connection:
        view = read_view(connection)
    if view.epoch is not None and view.own in view.epoch.members:
        return f"{node.name} is a member already, of epoch {view.epoch.number}"
    if standing.network and standing.others:
        return (
            f"Also members: {'、'.join(standing.others)}. This node follows them by itself, within a few minutes.\n"
            f"Their administrators read {node.name} in the chat. Each telephones you and compares the words above;\n"
            "let them read out theirs as well (`peers list` shows them). Words that differ: no, and tell the others.\n"
            "A member from when enough of them have agreed; `doctor` shows how far it is."
        )
    if standing.others:
        return (
            f"Also followed there: {'、'.join(standing.others)}. They are no network yet: ask each for a code, and when"
            " all follow each other, each runs: python app.py peers found"
        )
    return "When all of the first departments follow each other, each runs: python app.py peers found"


def _onward(node: Node, asker: Introduction) -> str:
    """What makes a member of whoever is followed now."""
    with reading(node.engine) as connection:
        epoch = read_view(connection).epoch
    if epoch is None:
        return "When all of the first departments follow each other, each runs: python app.py peers found"
    needed = f"{epoch.needed} of {len(epoch.members)}"
    return (
        f"A member from when {needed} have agreed; your administrator in the chat: #同意加入 {asker.name}\n"
        f"The others read it in their chats within a few minutes; each telephones {asker.name} before it agrees."
    )


def _wait_for(look: Callable[[], _Found | None], *, seconds: float = float("inf")) -> _Found | None:
    """Look until there is something; None when there was nothing for so long."""
    deadline, pause = monotonic() + seconds, Event()
    while (found := look()) is None and monotonic() < deadline:
        pause.wait(LOOK_SECONDS)
    return found


def _if_joined(standing: Standing) -> Standing | None:
    return standing if standing.state == JOINED else None


def _are_theirs(other: Introduction, yes_if: str | None) -> bool:
    """Whether somebody has heard these words from the other side."""
    if yes_if is not None:
        return yes_if.casefold().split() == other.fingerprint.split()
    return click.confirm(f"Has {other.name} read out exactly these words?")


def _follow(node: Node, other: Introduction) -> None:
    add_peer(node, other.url, other.fingerprint)
    click.echo(f"✓ {node.name} follows {other.name} ({other.origin}) from the next round on")
