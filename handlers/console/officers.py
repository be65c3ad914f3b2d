"""Officers: enrolled, listed, renewed after a lost telephone, revoked. Each change is a record."""

import sys

import click
import pyotp
import segno

from handlers.console.context import USED_WRONG, Console, expected, pass_console, show, stop
from ledger.node import Node
from ledger.officers import Access
from ledger.records.claims import ROLES
from ledger.views import Officer

LINE_BYTES_MAX = 64  # of an ID number on standard input


@click.group()
def officers() -> None:
    """Officers' keys and roles."""


@officers.command(epilog="Example: python app.py officers enrol --name 林芳 --roles clerk,approver")
@click.option("--name", required=True, help="As colleagues know them; it never stands in the log.")
@click.option("--roles", required=True, help=f"Comma-separated, of: {', '.join(ROLES)}.")
@pass_console
def enrol(console: Console, name: str, roles: str) -> None:
    """Make an officer's key, and record it. The ID number is asked for on the terminal or standard input."""
    chosen = _roles(roles)
    id_number = _ask_id_number()
    with expected():
        node = console.open_node()
        made = node.desk.enrol(name, chosen, id_number)
        click.echo(f"{name} is enrolled as {', '.join(chosen)}; record {made.submitted.record_id}")
        _show_access(made.access, name, node.name)


@officers.command("list", epilog="Example: python app.py officers list --json")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@pass_console
def list_(console: Console, *, as_json: bool) -> None:
    """Every officer that was ever enrolled here."""
    with expected():
        node = console.open_node()
        with node.reading() as facts:
            rows = [_row(each, in_force=in_force) for each, in_force in facts.officers()]
    show(rows, as_json=as_json, empty="nobody is enrolled; `officers enrol` enrols the first")


@officers.command(epilog="Example: python app.py officers renew 林芳")
@click.argument("officer")
@pass_console
def renew(console: Console, officer: str) -> None:
    """After a lost telephone: new key, second factor and binding code. The old ones end. OFFICER: name or handle."""
    with expected():
        node = console.open_node()
        found = find_officer(node, officer)
        _show_access(node.desk.renew(found.handle), found.name or officer, node.name)


@officers.command(epilog="Example: python app.py officers revoke 林芳 --compromised-since 120")
@click.argument("officer")
@click.option(
    "--compromised-since", type=click.IntRange(min=0), help="The first index that somebody else may have signed."
)
@pass_console
def revoke(console: Console, officer: str, compromised_since: int | None) -> None:
    """From now on nothing that this officer's key signs counts. OFFICER: a name, or a handle."""
    with expected():
        node = console.open_node()
        found = find_officer(node, officer)
        done = node.desk.revoke(found.handle, compromised_since=compromised_since)
        click.echo(f"{found.name or officer} is revoked; record {done.record_id}")


def _roles(text: str) -> tuple[str, ...]:
    chosen = tuple(role.strip() for role in text.split(",") if role.strip())
    if unknown := [role for role in chosen if role not in ROLES]:
        stop(USED_WRONG, f"--roles: {unknown[0]} is no role; there are: {', '.join(ROLES)}")
    if not chosen:
        stop(USED_WRONG, f"--roles: name at least one of: {', '.join(ROLES)}")
    return chosen


def _ask_id_number() -> str:
    # Never in argv: every user of the machine can read that.
    if sys.stdin.isatty():
        typed = click.prompt("ID number (not shown)", hide_input=True)
    else:
        typed = sys.stdin.readline(LINE_BYTES_MAX)
    id_number = str(typed).strip().upper()
    if not is_id_number(id_number):
        stop(USED_WRONG, "the ID number is not 18 characters with a good check digit; nothing was recorded")
    return id_number


def is_id_number(text: str) -> bool:
    """GB 11643: 17 digits and a check character, ISO 7064 MOD 11-2. Lists of districts are old: not looked at."""
    if len(text) != 18 or not (text[:17].isascii() and text[:17].isdigit()):
        return False
    total = sum(int(digit) * pow(2, 17 - place, 11) for place, digit in enumerate(text[:17]))
    return text[17] == "10X98765432"[total % 11]


def find_officer(node: Node, officer: str) -> Officer:
    """The one officer in force of that name or handle; ends the command when there is none, or several."""
    with node.reading() as facts:
        named = [each for each, in_force in facts.officers() if in_force and officer in {each.name, each.handle}]
    if not named:
        stop(USED_WRONG, f"{officer}: no officer in force has this name or handle; `officers list` shows them")
    if len(named) > 1:
        stop(USED_WRONG, f"{officer}: {len(named)} officers have this name; take the handle from `officers list`")
    return named[0]


def _row(each: Officer, *, in_force: bool) -> dict[str, object]:
    return {
        "name": each.name,
        "roles": list(each.roles),
        "in force": in_force,
        "handle": each.handle,
        "kid": each.kid,
    }


def _show_access(access: Access, name: str, department: str) -> None:
    uri = pyotp.TOTP(access.totp_secret).provisioning_uri(name=name, issuer_name=f"OneTrip {department}")
    click.echo("Shown once. Hand it over in person:")
    click.echo(f"  1. In WeChat, to the account of {department}: 绑定 {access.binding_code}   (within 7 days)")
    click.echo(f"  2. In an authenticator app: {access.totp_secret}, or scan:")
    segno.make(uri, error="m").terminal(out=sys.stdout, compact=True)
