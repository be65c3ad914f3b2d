"""A node's life: made, brought up to date, served, scheduled, and looked over by the doctor."""

import click

from handlers.console.context import FOUND_WRONG, USED_WRONG, Console, expected, pass_console, show, stop
from handlers.console.doctor import examine
from handlers.doctor_lines import Line
from ledger.freezing import LastHead
from ledger.merkle.errors import MerkleError
from ledger.merkle.hashing import as_hash
from ledger.node import init_node
from ledger.storage.engine import open_engine, prepare_directory
from ledger.storage.upgrade import migrate as migrate_database


@click.command(
    epilog="Example: python app.py init --name 民政局 --public-url https://mz.example.gov.cn --number-prefix 21"
)
@click.option("--name", required=True, help="The department's name, as citizens know it.")
@click.option("--public-url", required=True, help="Where others reach this node.")
@click.option("--number-prefix", required=True, help="2 to 4 digits; no other department's begin with them.")
@click.option("--successor-of", "old", help="The log whose place this one takes, after its key was stolen.")
@click.option("--size", type=click.IntRange(min=1), help="With --successor-of: how many of its entries count.")
@click.option("--root", help="With --successor-of: the root of these, in hex, as `keys freeze` printed it.")
@pass_console
def init(
    console: Console,
    *,
    name: str,
    public_url: str,
    number_prefix: str,
    old: str | None,
    size: int | None,
    root: str | None,
) -> None:
    """Make a node: its keys, its database, and the first record of its log. Overwrites nothing."""
    ended = _ended(old, size, root)
    with expected():
        chosen = console.settings_with(name, public_url)
        keys = init_node(
            console.node_settings(chosen),
            number_prefix=number_prefix,
            passphrase=chosen.require_passphrase(),
            now=console.now,
            successor_of=ended,
        )
        click.echo(f"{name} is ready: {keys.origin}")
        click.echo(f"Its keys are in {chosen.key_file}. Keep a copy elsewhere, and the passphrase apart from it.")
        click.echo(f"Fingerprint, to compare by telephone: {keys.fingerprint}")
        click.echo("For every later command, put into the environment or an --env-file:")
        click.echo(f"  ONETRIP_NODE_NAME={name}\n  ONETRIP_PUBLIC_URL={chosen.public_url}")
        click.echo("To try every flow first, with invented people and nothing of it in this log: python app.py trial")
        click.echo("Next: python app.py officers enrol --name … --roles clerk,approver")


def _ended(old: str | None, size: int | None, root: str | None) -> LastHead | None:
    """The last head of the log that this one succeeds; ends the command when only half of it is told."""
    if old is None and size is None and root is None:
        return None
    if old is None or size is None or root is None:
        stop(USED_WRONG, "--successor-of, --size and --root belong together; `keys freeze` of the old node prints them")
    try:
        return LastHead(old, size, as_hash(bytes.fromhex(root)))
    except (ValueError, MerkleError):
        stop(USED_WRONG, "--root: 64 hexadecimal digits, as `keys freeze` printed them")


@click.command(epilog="Example: python app.py migrate")
@pass_console
def migrate(console: Console) -> None:
    """Bring the database up to date. Every start refuses an older one."""
    with expected():
        chosen = console.settings()
        prepare_directory(chosen.database_url)
        migrate_database(open_engine(chosen.database_url))
        click.echo("the database is up to date")


@click.command(epilog="Example: python app.py serve --port 8001 --workers 2")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on, behind a TLS proxy.")
@click.option("--port", type=click.IntRange(1, 65_535), default=8000, show_default=True)
@click.option("--workers", type=click.IntRange(1, 64), default=2, show_default=True, help="Processes.")
@click.option("--threads", type=click.IntRange(1, 64), default=4, show_default=True, help="Threads a process.")
@pass_console
def serve(console: Console, host: str, port: int, workers: int, threads: int) -> None:
    """Answer WeChat, other nodes and anyone who checks us."""
    with expected():
        console.serve(host, port, workers, threads)


@click.command(epilog="Example: python app.py schedule")
@pass_console
def schedule(console: Console) -> None:
    """Run what happens by itself: publishing, cross-verification, notices. A second one waits for the first."""
    with expected():
        console.schedule()


@click.command(epilog="Example: PORT=9000 python app.py demo")
@pass_console
def demo(console: Console) -> None:
    """Bring up the demo network of 青禾县 and a page that plays WeChat. Ctrl-C stops it."""
    with expected():
        console.demo()


@click.command(epilog="Example: python app.py trial")
@click.option("--away", is_flag=True, help="Throw away all that the last trial left, and start none.")
@pass_console
def trial(console: Console, *, away: bool) -> None:
    """Try every flow beside a real node, with invented people and records marked 测试. Ctrl-C stops it.

    It has keys, databases and an account of its own, is reached on this machine only, and no real node follows it.
    """
    with expected():
        if not away:
            console.trial()
        elif console.throw_trial_away():
            click.echo("The trial is gone: its keys, its databases, its people.")
        else:
            click.echo("There is no trial to throw away.")


@click.command(epilog="Example: python app.py doctor")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@pass_console
def doctor(console: Console, *, as_json: bool) -> None:
    """Look over everything a department can get wrong; each red line says how to mend it."""
    with expected():
        found = list(examine(console))
    show(map(_for_programs if as_json else _for_people, found), as_json=as_json, empty="nothing to look at")
    if not all(each.good for each in found):
        raise SystemExit(FOUND_WRONG)


def _for_people(each: Line) -> dict[str, object]:
    return {"": "✓" if each.good else "✗", "what": each.what, "found": each.found, "mend": _mend(each)}


def _for_programs(each: Line) -> dict[str, object]:
    return {"what": each.what, "good": each.good, "found": each.found, "mend": _mend(each)}


def _mend(each: Line) -> str:
    return "" if each.good else each.mend
