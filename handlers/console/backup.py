"""backup and restore: a node's database in a sealed file, and the guarded way back."""

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import click

from bot import storage as bot_tables
from handlers.console.context import (
    COULD_NOT,
    USED_WRONG,
    Console,
    expected,
    pass_console,
    show,
    showing_progress,
    stop,
)
from ledger.backup.restoring import Target
from ledger.backup.restoring import restore as put_back
from ledger.backup.tables import Part, Row
from ledger.backup.writing import KEYS_NAME, back_up
from ledger.errors import Misconfigured
from ledger.keyring import KeyFile
from ledger.keys import NodeKeys, open_keys
from ledger.node import Node
from ledger.peers.address_book import AddressBook
from ledger.peers.client import PeerClient
from ledger.peers.lost import LostOfficer, officers_without_keys, what_is_missing
from ledger.peers.recovery import Standing
from ledger.rebuilding import rebuild
from ledger.resuming import resume
from ledger.storage.engine import reading
from ledger.times import CHINA

LISTED_AT_ONCE = 20

_UNTOLD = frozenset({"head", "kept"})  # news that no way has brought yet


def _without_dialogue(row: Row) -> Row:
    """A person's language and whether they want news; no sign-in, draft or read-back lives on."""
    kept = {name: value for name, value in json.loads(row["data"]).items() if name in {"language", "quiet"}}
    return {**row, "data": json.dumps(kept, ensure_ascii=False), "fence": 0, "lease_until": 0}


def _untold(row: Row) -> Row | None:
    return row if row["state"] in _UNTOLD else None


CHAT_PARTS = (Part(bot_tables.sessions, _without_dialogue), Part(bot_tables.outbox, _untold))


@click.command(epilog="Example: python app.py backup /var/backups/onetrip/node.backup")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@pass_console
def backup(console: Console, file: Path) -> None:
    """Back up the running node into FILE, sealed with its passphrase; the citizens' keys go into a file beside it.

    A FILE that is there is replaced. The keys and the high-water mark of the node are not in it: keep a copy of the key
    file elsewhere, and none of the mark.
    """
    with expected():
        chosen = console.settings()
        if not file.parent.is_dir():
            raise Misconfigured(f"there is no folder {file.parent}")
        passphrase = chosen.require_passphrase()
        node = console.open_node()
        try:
            with showing_progress("rows") as progress:
                about = back_up(
                    node.engine,
                    node.origin,
                    file,
                    passphrase,
                    more=CHAT_PARTS,
                    now=console.now(),
                    progress=progress,
                )
        finally:
            node.close()
        click.echo(f"{file}: {about.size} entries of {about.origin}, sealed with this node's passphrase")
        click.echo(f"{file.parent / KEYS_NAME}: the citizens' keys; it takes the place of the one before")


@click.command(epilog="Example: python app.py restore /var/backups/onetrip/node.backup")
@click.argument("where", metavar="FILE | URL…", nargs=-1)
@click.option(
    "--from-peers",
    is_flag=True,
    help="Without a backup, from the other departments' mirrors. Name all of them by their URLs, unless the file that"
    " says where they are lies beside the keys. The same command again goes on.",
)
@click.option("--alone", is_flag=True, help="No other department has ever followed this node: wait for nobody.")
@click.option("--list", "listed", is_flag=True, help="Only list what must be entered again after a restore.")
@click.option("--json", "as_json", is_flag=True, help="For programs, with --list.")
@pass_console
def restore(
    console: Console, where: tuple[str, ...], *, from_peers: bool, alone: bool, listed: bool, as_json: bool
) -> None:
    """Put a backup into an empty database. The node signs nothing before it knows what it has signed since.

    Codes, links, sign-ins and drafts that were open count no more.
    """
    if listed:
        with expected():
            _list(console.open_node(), as_json=as_json)
        return
    if from_peers:
        with expected():
            may_sign = _from_peers(console, where)
    else:
        if len(where) != 1:
            stop(USED_WRONG, "restore: which FILE? Example: python app.py restore /var/backups/onetrip/node.backup")
        with expected():
            may_sign = _from_file(console, Path(where[0]), alone=alone)
    if not may_sign:
        raise SystemExit(COULD_NOT)


def _from_file(console: Console, file: Path, *, alone: bool) -> bool:
    chosen = console.settings()
    passphrase = chosen.require_passphrase()
    if open_keys(chosen.key_file, passphrase).origin != chosen.origin:
        raise Misconfigured(f"ONETRIP_KEY_FILE: these are not the keys of {chosen.origin}")
    with showing_progress("rows") as progress:
        about = put_back(
            Target(chosen.database_url, chosen.key_file, chosen.origin),
            file,
            passphrase,
            more=CHAT_PARTS,
            now=console.now(),
            alone=alone,
            progress=progress,
        )
    made = datetime.fromtimestamp(about.made_at, CHINA)
    click.echo(f"{about.origin} is back as of {made:%Y-%m-%d %H:%M}, with {about.size} entries.")
    click.echo("Open binding codes, links to forms, sign-ins, drafts and questions between departments are void.")
    click.echo(f"Not in any backup, and to be looked at by hand: who was bound or unbound since {made:%Y-%m-%d %H:%M}.")
    return _go_on(console.open_node())


def _from_peers(console: Console, addresses: Sequence[str]) -> bool:
    chosen = console.settings()
    file = KeyFile(chosen.key_file, chosen.require_passphrase())
    book = AddressBook.beside(chosen.key_file)
    addresses = addresses or list(book.read().values())
    if not addresses:
        raise Misconfigured(
            f"there is no {book.path}, which says where the other departments are. Name all that this node has"
            " followed, e.g.: python app.py restore --from-peers https://cz.example.gov.cn https://ga.example.gov.cn"
        )
    with (
        showing_progress("entries") as progress,
        PeerClient(chosen.public_url, networks=chosen.peer_networks) as client,
    ):
        back = rebuild(console.node_settings(chosen), _all_keys(file), addresses, client, console.now, progress)
    click.echo(f"{chosen.origin} is back with {back.size} entries, each under a head that this node has signed.")
    for what, lines in (
        ("Not believed, and why", back.doubted),
        ("Not followed again; mend what is wrong and run the same command once more", back.missing),
    ):
        for line in lines:
            click.echo(f"{what}: {line}")
    click.echo(f"Followed again: {', '.join(back.followed) or 'nobody'}; their logs come with the next rounds.")
    click.echo(_NOWHERE)
    return _go_on(console.open_node())


_NOWHERE = """No other department holds, so these are lost:
  - citizens' bindings: whoever was bound binds again, at the counter;
  - officers' keys and second factors: each is revoked and enrolled again (listed below);
  - names, accounts, numbers and reasons: enter again what is still needed (listed below);
  - strangers' logs that were cosigned (`witness add`), what people set in the chat, and news that was not sent."""


def _all_keys(file: KeyFile) -> list[NodeKeys]:
    coming = file.sealed.coming
    return [file.sealed.keys, *([] if coming is None else [coming.keys])]


def _go_on(node: Node) -> bool:
    """Look whether it may, and say what is missing."""
    retiring = node.high_water.is_retiring()
    with showing_progress("entries") as progress:
        standing = resume(node, progress)
    for line in told(standing):
        click.echo(line)
    if retiring:
        click.echo("Witness and mirror get new keys with that: then copy the key file to its safe place again.")
    _list(node, as_json=False, rows_max=LISTED_AT_ONCE)
    return standing.may_sign


def told(standing: Standing) -> list[str]:
    """How the node stands, for an administrator."""
    if standing.may_sign:
        return ["This node holds all that it has ever signed, and may go on: make serve"]
    lines = [
        "This node SIGNS NOTHING yet. Start it (make serve): it asks the other departments, and goes on by itself."
    ]
    if standing.said < standing.needed:
        lines.append(f"{standing.said} of {standing.needed} departments have said what they hold.")
    if standing.is_beyond_all:
        held = max(standing.shown, standing.size)
        lines.append(
            f"Our signature stands under size {standing.signed}, and nobody who answers can show more than {held}:"
            " whoever can does not answer, or the last records are lost everywhere, or SOMEBODY ELSE HAS THE LOG'S KEY."
            " See docs/backup.md."
        )
    return lines


def _list(node: Node, *, as_json: bool, rows_max: int | None = None) -> None:
    with reading(node.engine) as connection:
        missing = what_is_missing(connection, node.log.id)
        lost = officers_without_keys(connection, node.log.id)
    rows = [
        {
            "index": one.index,
            "record": one.record_id,
            "kind": one.kind,
            "signed": datetime.fromtimestamp(one.at, CHINA).isoformat(),
            "enter again": list(one.names),
        }
        for one in missing
    ]
    if not as_json:
        _list_officers(lost)
        if rows:
            click.echo("These records are back; what was private in them no other department holds:")
    show(rows[:rows_max], as_json=as_json, empty="No record has come back without its private part.")
    if rows_max is not None and len(rows) > rows_max:
        click.echo(f"… and {len(rows) - rows_max} more: python app.py restore --list")


def _list_officers(lost: Sequence[LostOfficer]) -> None:
    for one in lost:
        click.echo(
            f"An officer's key is gone: {', '.join(one.roles)}, enrolled before index {one.index}. Revoke it, and enrol"
            f" the person again: python app.py officers revoke {one.handle}"
        )
