"""Receipts by hand: made from this node's database, or checked anywhere, like evidence, with nothing but keys."""

import json
import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import NoReturn

import click

from handlers.console import evidence
from handlers.console.context import COULD_NOT, FOUND_WRONG, USED_WRONG, Console, expected, pass_console, stop
from handlers.console.policy_epoch import epoch_comment, epoch_of
from handlers.locale.formats import figures
from ledger.errors import Rejected
from ledger.merkle.errors import MerkleError
from ledger.merkle.policy import NO_QUORUM, POLICY_BYTES_MAX, Policy, format_policy, parse_policy
from ledger.merkle.tlog_proof import TLOG_PROOF_BYTES_MAX
from ledger.merkle.vkeys import Verifier, parse_vkey
from ledger.node import open_database
from ledger.quorum import epoch_counted, network_policy
from ledger.receipts import make_receipt, read_by_code, read_receipt
from ledger.records.check_code import check_code, in_groups, parse_check_code
from ledger.records.epochs import EpochName
from ledger.records.evidence import EVIDENCE_BYTES_MAX
from ledger.records.receipt import Checked, check_receipt, parse_receipt
from ledger.storage.engine import reading
from ledger.times import CHINA

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_HYPHENED = re.compile(r"-[A-Za-z0-9_-]{42}(\.tlog-proof)?")


class _Named(click.Command):
    """One record in 64 has a name that begins with a hyphen, and so has its file: neither is an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put such names where no option is looked for."""
        names = [one for one in args if _HYPHENED.fullmatch(one)]
        if names and "--" not in args:
            args = [*(one for one in args if one not in names), "--", *names]
        return super().parse_args(ctx, args)


@click.command(cls=_Named, epilog="Example: python app.py prove 7K2M-9QXD-4TNB > x.tlog-proof")
@click.argument("record")
@pass_console
def prove(console: Console, record: str) -> None:
    """Write the receipt of a record, ours or one that we mirror, to standard output.

    RECORD: its name of 43 characters, or its check code. Exit 3 while no quorum has cosigned it. Needs no passphrase.
    """
    with expected():
        chosen = console.settings()
        engine = open_database(console.node_settings(chosen))
        code = parse_check_code(record)
        found = [read_receipt(engine, record)] if code is None else read_by_code(engine, code)
        told = next((one for one in found if one is not None), None)
        if told is None:
            stop(USED_WRONG, f"{record}: no log that this node holds has a record of this name")
        if len(found) > 1:
            stop(USED_WRONG, f"{record}: {len(found)} records have this code; name the one by its 43 characters")
        if not told.proven:
            stop(COULD_NOT, f"{record}: no quorum of departments has cosigned it yet; try again in a minute")
        made = make_receipt(engine, told.record_id)
        if made is None:
            stop(FOUND_WRONG, f"{record}: its signer's key does not count at index {told.index}: nothing proves it")
    sys.stdout.buffer.write(made)


@click.command(epilog="Example: python app.py policy > qinghe.policy")
@click.option("--ed25519", is_flag=True, help="With Ed25519 keys, for clients that do not know ML-DSA-44.")
@click.option("--retired", is_flag=True, help="With keys that were replaced since, for receipts made before.")
@click.option("--log", "origin", help="Only this log: some tools want every log of a policy to have signed.")
@click.option("--epoch", type=click.IntRange(min=0), help="The members of an earlier epoch.")
@pass_console
def policy(console: Console, origin: str | None, *, ed25519: bool, retired: bool, epoch: int | None) -> None:
    """Print this network's tlog-policy file: whose keys to trust, and how many of them. Needs no passphrase.

    Whoever checks receipts against another department should take the file from a department that is not concerned.
    """
    with expected():
        chosen = console.settings()
        engine = open_database(console.node_settings(chosen))
        try:
            with reading(engine) as conn:
                counted = epoch_counted(conn, epoch)
                whole = network_policy(conn, chosen.public_url, ed25519=ed25519, retired=retired, epoch=epoch)
        except MerkleError as error:
            stop(USED_WRONG, f"no policy: {error}")
    logs = tuple(log for log in whole.logs if origin in {None, log.verifier.name})
    if not logs:
        stop(USED_WRONG, f"--log: no member's log is called {origin}; without it the policy names them all")
    sys.stdout.buffer.write(_written(replace(whole, logs=logs), counted))


def _written(wanted: Policy, counted: EpochName | None) -> bytes:
    group = wanted.groups[-1]
    head = f"# Believed is what {group.threshold} of these {len(group.members)} departments have cosigned.\n"
    return head.encode() + epoch_comment(counted) + format_policy(wanted)


@click.command(cls=_Named, epilog="Example: python app.py check x.tlog-proof --policy qinghe.policy")
@click.argument("file", type=_FILE)
@click.option("--policy", "policy_file", type=_FILE, help="Whose keys to trust: a tlog-policy file.")
@click.option("--vkey", "vkeys", multiple=True, help="For evidence: a key to trust; may be given again.")
@click.option("--size-max", type=click.IntRange(min=1), help="Of a log that ended: how many of its entries count.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@pass_console
def check(
    _console: Console,
    file: Path,
    policy_file: Path | None,
    *,
    vkeys: tuple[str, ...],
    size_max: int | None,
    as_json: bool,
) -> None:
    """Check a receipt (x.tlog-proof) or evidence (evidence.json) offline. Exit 1 if it does not hold or shows nothing.

    It needs no node, no database and no passphrase: any machine will do. It trusts only the keys of the policy file or,
    for evidence, those given with --vkey or --policy.
    """
    data = _read(file, max(TLOG_PROOF_BYTES_MAX, EVIDENCE_BYTES_MAX))
    if data.lstrip()[:1] == b"{":
        _check_evidence(file, data, _trusted(policy_file, vkeys), as_json=as_json)
        return
    if vkeys:
        stop(USED_WRONG, "--vkey: is for evidence; a receipt needs a whole policy, see --policy")
    if policy_file is None:
        stop(USED_WRONG, "--policy: name the file that says whose keys to trust; `python app.py policy` writes it")
    wanted, written_for = _policy(policy_file), epoch_of(_read(policy_file, POLICY_BYTES_MAX))
    try:
        checked = check_receipt(data, wanted, size_max=size_max)
    except (MerkleError, Rejected) as error:
        _refuse(file, error, as_json=as_json, hint=_other_epoch(_epoch_shown(data), written_for))
    told = {**_told(checked, wanted), **_epoch_told(checked.epoch, written_for)}
    if as_json:
        click.echo(json.dumps({"ok": True, **told}, ensure_ascii=False, indent=1))
        return
    click.echo(f"✓ {file.name} holds")
    for name, value in told.items():
        click.echo(f"  {name:<10} {_line(value)}")


def _policy(file: Path) -> Policy:
    try:
        return parse_policy(_read(file, POLICY_BYTES_MAX))
    except MerkleError as error:
        stop(USED_WRONG, f"--policy: {error}")


def _trusted(policy_file: Path | None, vkeys: tuple[str, ...]) -> list[Verifier]:
    """The keys that were given, of logs and of those who cosign them."""
    wanted = None if policy_file is None else _policy(policy_file)
    logs, cosigners = ((), ()) if wanted is None else (wanted.logs, wanted.witnesses)
    named = [*(log.verifier for log in logs), *(cosigner.verifier for cosigner in cosigners)]
    try:
        return [*(parse_vkey(vkey) for vkey in vkeys), *named]
    except MerkleError as error:
        stop(USED_WRONG, f"--vkey: {error}")


def _check_evidence(file: Path, data: bytes, given: list[Verifier], *, as_json: bool) -> None:
    try:
        evidence.shown(data, given, file.name, as_json=as_json)
    except (MerkleError, Rejected) as error:
        _refuse(file, error, as_json=as_json, what="shows nothing")


def _read(file: Path, bytes_max: int) -> bytes:
    """A file, and no more than one byte too many of it: whoever parses it says that it is too long."""
    try:
        with file.open("rb") as opened:
            return opened.read(bytes_max + 1)
    except OSError as error:
        stop(COULD_NOT, f"{file}: cannot be read: {error.strerror}")


def _refuse(
    file: Path, error: Exception, *, as_json: bool, what: str = "does not hold", hint: str | None = None
) -> NoReturn:
    if as_json:
        said = {"ok": False, "why": type(error).__name__, "detail": str(error)}
        click.echo(json.dumps(said if hint is None else {**said, "hint": hint}, ensure_ascii=False))
    else:
        click.echo(f"✗ {file.name} {what}: {type(error).__name__}: {error}")
        if hint is not None:
            click.echo(f"  {hint}")
    sys.exit(FOUND_WRONG)


def _epoch_shown(data: bytes) -> EpochName | None:
    """The epoch that a receipt names, whether or not it holds."""
    try:
        return parse_receipt(data).epoch
    except (MerkleError, Rejected):
        return None


def _epoch_told(named: EpochName | None, written_for: EpochName | None) -> Mapping[str, object]:
    if named is None:
        return {}
    other = _other_epoch(named, written_for)
    return {"epoch": named.number, **({} if other is None else {"note": other})}


def _other_epoch(named: EpochName | None, written_for: EpochName | None) -> str | None:
    """That receipt and policy file are of two epochs, if both say of which they are."""
    if named is None or written_for is None or named == written_for:
        return None
    if named.number == written_for.number:
        return f"this receipt and the policy file name two different epochs {named.number}: of two networks"
    wanted = f"python app.py policy --epoch {named.number}"
    return f"this receipt is of epoch {named.number}, the policy file of epoch {written_for.number}: see `{wanted}`"


def _told(checked: Checked, wanted: Policy) -> Mapping[str, object]:
    """Who said what, when, in which log, and who else has seen it."""
    record, opened = checked.record, checked.opened
    names = {witness.verifier.ref: _printable(witness.name) for witness in wanted.witnesses}
    # Of a kind that we know every claim has a closed shape; of another one anything could come onto the terminal.
    clear = {} if record.known is None else {name: _clear(name, value) for name, value in record.clear.items()}
    said = {"kind": record.kind, **clear, **({} if record.known else {"unknown": "a kind that this version knows not"})}
    return {
        "said": said,
        "about": record.sub,
        "by": {"roles": ",".join(checked.signer.roles), "key": record.kid, "since index": checked.signer.from_index},
        "at": _moment(record.iat),
        "log": opened.checkpoint.origin,
        "index": checked.index,
        "size": opened.checkpoint.size,
        "cosigned": {names[one.ref]: _moment(one.time) for one in opened.cosignatures},
        "needed": _needed(wanted),
        "record": record.record_id,
        "code": in_groups(check_code(record.leaf)),
    }


def _needed(wanted: Policy) -> str:
    """Whose cosignatures the policy asks for."""
    group = next((each for each in wanted.groups if each.name == wanted.quorum), None)
    if group is None:
        return "nobody's" if wanted.quorum == NO_QUORUM else _printable(wanted.quorum)
    return f"{group.threshold} of {len(group.members)}"


def _printable(name: str) -> str:
    """A name of the policy file, which may hold bytes that are no text."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _clear(name: str, value: object) -> object:
    return f"{figures(value)} yuan" if name == "amount" and isinstance(value, int) else value


def _moment(at: int) -> str:
    """A time in China; one that no calendar has is told as the number that was signed."""
    try:
        return datetime.fromtimestamp(at, CHINA).isoformat(sep=" ")
    except (ValueError, OverflowError, OSError):
        return str(at)


def _line(values: object) -> str:
    """Names and values in one line: `amount 20,000.00 yuan, on 2026-11-15`."""
    if not isinstance(values, Mapping):
        return str(values)
    return ", ".join(f"{name} {_line(value)}" for name, value in values.items())
