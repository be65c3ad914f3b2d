"""Checking by hand: one round of cross-verification, or a whole log again."""

import json
import os
from pathlib import Path

import click

from handlers.console.context import (
    FOUND_WRONG,
    USED_WRONG,
    Console,
    expected,
    pass_console,
    show,
    showing_progress,
    stop,
)
from ledger.audit.crosscheck import PeerRow, finding_line, run_round
from ledger.audit.crosscheck import Report as Round
from ledger.audit.report import Report
from ledger.audit.verify import (
    FACTS_SKIPPED,
    KEYS_FROM_LOG,
    NO_VAULT,
    SIGNATURES_SKIPPED,
    VAULT_SKIPPED,
    Trust,
    Way,
    verify_database,
    verify_folder,
    verify_url,
)
from ledger.exhibits import finding_url
from ledger.facts import Facts
from ledger.keyring import KeyFile, Keyring
from ledger.merkle.errors import MerkleError
from ledger.merkle.policy import parse_policy
from ledger.merkle.vkeys import parse_vkey
from ledger.node import open_database
from ledger.peers.addresses import PRIVATE_NETWORKS
from ledger.peers.client import PeerClient
from ledger.views import Finding

LEASE_SECONDS = 60
POLICY_BYTES_MAX = 1_000_000
FAULTS_SHOWN_MAX = 50
WORKERS_MAX = 256

_NOTES = {
    KEYS_FROM_LOG: "No key was given: the keys came from the log itself. Give --vkey or --policy to trust no other.",
    VAULT_SKIPPED: "Private values were not opened: that needs the key file and its passphrase.",
    SIGNATURES_SKIPPED: "--since: the signatures of the entries before it were not looked at.",
    FACTS_SKIPPED: "--signatures-only: what the records lead to was not looked at, nor one jti that stands twice.",
    NO_VAULT: "Tiles alone: a log shows no private value, and the facts folded from it lie at its node.",
}


@click.command(epilog="Example: python app.py crosscheck --peer 财政局")
@click.option("--peer", help="Only this department.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@pass_console
def crosscheck(console: Console, peer: str | None, *, as_json: bool) -> None:
    """One round of cross-verification now.

    Exit 1 while a finding of severity S or A is open, 3 if nothing could be checked.
    """
    with expected():
        node = console.open_node()
        done = run_round(node, peer, wait_seconds=LEASE_SECONDS)
        with node.reading() as facts:
            _show_round(done, facts, node.public_url, as_json=as_json)
    raise SystemExit(done.exit_code)


def _show_round(done: Round, facts: Facts, public_url: str, *, as_json: bool) -> None:
    rows = [_row(row) for row in done.rows]
    if as_json:
        found = [_finding(finding, facts, public_url) for finding in done.findings]
        closed = [finding for finding in facts.findings(open_only=False) if not finding.is_open]
        past = [_finding(finding, facts, public_url) for finding in closed]
        told = {"departments": rows, "findings": found} | ({"past": past} if past else {})
        click.echo(json.dumps(told, ensure_ascii=False, indent=1))
        return
    show(rows, as_json=False, empty="no department is followed yet; `peers add` follows the first")
    for finding in done.findings:
        click.echo(finding_line(finding))
    if not done.findings:
        click.echo("no open findings")


def _row(row: PeerRow) -> dict[str, object]:
    return {
        "name": row.name,
        "signed": row.size,
        "checked": row.checked,
        "new": row.new,
        "refused": row.refused,
        "private missing": row.missing,
        "state": row.error or "good",
    }


def _finding(finding: Finding, facts: Facts, public_url: str) -> dict[str, object]:
    return {
        "id": finding.id,
        "url": finding_url(public_url, finding.id),
        "rule": finding.rule,
        "severity": finding.severity,
        "state": finding.state,
        "facts": dict(finding.facts),
        "answer_by": finding.answer_by,
        "history": [
            {"at": each.at, "step": each.step, "department": each.department, "record": each.record}
            for each in facts.finding_life(finding.id)
        ],
    }


@click.command(
    epilog="Example: python app.py verify --log https://cz.example.gov.cn --vkey cz.example.gov.cn/log+1234abcd+AZ…"
)
@click.option(
    "--log", "source", help="An origin in this database, a node's URL, or a folder of tiles; default: our own."
)
@click.option("--policy", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="A tlog-policy file.")
@click.option("--vkey", multiple=True, help="A verification key of the log; may be given again.")
@click.option(
    "--since", type=click.IntRange(min=0), default=0, help="Skip the signatures of earlier entries; fold all."
)
@click.option(
    "--signatures-only", is_flag=True, help="Tiles, roots, signers and signatures; nothing is folded. A third faster."
)
@click.option("--workers", type=click.IntRange(1, WORKERS_MAX), help="Processes; default: one for each core.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@pass_console
def verify(
    console: Console,
    source: str | None,
    policy: Path | None,
    vkey: tuple[str, ...],
    since: int,
    workers: int | None,
    *,
    signatures_only: bool,
    as_json: bool,
) -> None:
    """Verify a whole log again, trusting only the given keys.

    Exit 1 if anything does not hold, 3 if it could not be verified to its end.
    """
    trust = _trust(policy, vkey)
    with expected(), showing_progress("entries", hidden=as_json) as progress:
        processes = workers or min(os.cpu_count() or 1, WORKERS_MAX)
        way = Way(processes, since, facts=not signatures_only, progress=progress)
        report = _verify(console, source, trust, way)
    _show_report(report, as_json=as_json)
    raise SystemExit(0 if report.ok else FOUND_WRONG)


def _verify(console: Console, source: str | None, trust: Trust, way: Way) -> Report:
    if source is not None and source.startswith(("http://", "https://")):
        # Whoever typed the address knows where they are.
        with PeerClient(source, networks=PRIVATE_NETWORKS) as client:
            return verify_url(client, source, trust=trust, way=way)
    if source is not None and Path(source).is_dir():
        return verify_folder(Path(source), trust=trust, way=way)
    chosen = console.settings()
    vault_key = None
    engine = open_database(console.node_settings(chosen))
    if chosen.passphrase is not None and chosen.key_file.is_file():
        vault_key = Keyring(KeyFile(chosen.key_file, chosen.passphrase), engine).vault_key
    return verify_database(engine, source, trust=trust, vault_key=vault_key, way=way)


def _trust(policy: Path | None, vkeys: tuple[str, ...]) -> Trust:
    try:
        parsed = None
        if policy is not None:
            with policy.open("rb") as file:
                parsed = parse_policy(file.read(POLICY_BYTES_MAX))
        return Trust(tuple(parse_vkey(vkey) for vkey in vkeys), parsed)
    except MerkleError as error:
        stop(USED_WRONG, f"--policy or --vkey: {error}")


def _show_report(report: Report, *, as_json: bool) -> None:
    if as_json:
        faults = [{"part": each.part, "at": each.at, "reason": each.reason} for each in report.faults]
        told = {"origin": report.origin, "size": report.size, "ok": report.ok, "found": report.found, "faults": faults}
        click.echo(json.dumps({**told, "notes": list(report.notes)}, ensure_ascii=False, indent=1))
        return
    for fault in report.faults[:FAULTS_SHOWN_MAX]:
        click.echo(f"✗ {fault}")
    if report.found > FAULTS_SHOWN_MAX:
        click.echo(f"… {report.found} in all; --json lists the first {len(report.faults)}")
    for note in report.notes:
        click.echo(_NOTES[note])
    if report.unknown_kinds:
        click.echo(f"{report.unknown_kinds} records are of kinds nobody here knows: rules not checked.")
    click.echo(f"{'✓' if report.ok else '✗'} {report.origin}: {report.size} entries, {report.found} faults")
