"""A node whose keys are rotated: how it is opened, and what its officers do in between."""

import secrets
from pathlib import Path

import pyrage

from ledger.keyring import KeyFile
from ledger.node import Node, NodeSettings

PASSPHRASE = "correct horse battery"
NOW = 1_790_000_000


def settings_in(folder: Path, database_url: str) -> NodeSettings:
    return NodeSettings("民政局", "mz.example/log", "https://mz.example", database_url, folder / "node.age")


def quick_seal() -> None:
    """As the fixture of that name: without the second of scrypt that is there for attackers."""
    pyrage.passphrase.encrypt = lambda text, passphrase: passphrase.encode() + b"\n" + text
    pyrage.passphrase.decrypt = lambda sealed, passphrase: sealed.removeprefix(passphrase.encode() + b"\n")


def opened(folder: Path, database_url: str) -> Node:
    return Node.open(settings_in(folder, database_url), KeyFile(folder / "node.age", PASSPHRASE), lambda: NOW)


def act(node: Node) -> str:
    """A case is handed in: the officer's sealed key and the citizen's wrapped one are both needed."""
    with node.reading() as facts:
        [(officer, _in_force)] = facts.officers()
    return node.desk.open_case(
        "linshi", {"applicant": "王"}, by=officer.handle, once=secrets.token_hex(8)
    ).submitted.record_id
