"""A department that shows one history to some and another to the rest, and what becomes of it."""

import json
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import make_url

from handlers.demo.processes import ROOT
from ledger.keys import HighWater, NodeKeys
from ledger.log import OwnLog
from ledger.merkle.vkeys import format_vkey
from ledger.node import Node
from ledger.peers.publish import publish_round
from ledger.peers.witness import hash_of_origin
from ledger.records.evidence import check_file, parse_evidence
from ledger.records.statement import Statement
from ledger.scribe import new_handle
from ledger.storage.engine import open_engine
from ledger.views import Finding
from tests.attacks.live_node import free_port
from tests.attacks.lying_peer import doors_of
from tests.attacks.seven import MATTER, Seven
from tests.fakes.serving import serving
from tests.peers.smuggling import put, signed

NOBODY = 1  # a port at which nobody listens


@dataclass(frozen=True)
class Faces:
    """A department twice, with the same keys and the same past."""

    liar: str
    other: Node  # its other history, which `fooled` are shown
    told: Sequence[str]  # who is shown the history that its own processes go on with
    fooled: Sequence[str]


@contextmanager
def two_faces(made: Seven, liar: str, told: Sequence[str], fooled: Sequence[str]) -> Iterator[Faces]:
    """The liar as two, each of which has said something that the other has not."""
    node, port = made.nodes[liar], free_port()
    made.follow_each_other()  # what all have in common
    with tempfile.TemporaryDirectory() as folder, copied(node, Path(folder)) as other, serving(doors_of(other), port):
        # It pushes each head to those only that are to see it.
        for name in fooled:
            made.line.lead([liar], name, NOBODY)
        made.line.lead(fooled, liar, port)
        utter(other)
        publish_round(other, cosign=False)
        made.write(liar)
        yield Faces(liar, other, told, fooled)
        made.line.lead(fooled, liar, made.sites[liar].port)
        for name in fooled:
            made.line.lead([liar], name, made.sites[name].port)


@contextmanager
def copied(node: Node, folder: Path) -> Iterator[Node]:
    """The department once more: its database, its keys, and the mark beside them."""
    source = make_url(node.settings.database_url).database
    assert source is not None
    with closing(sqlite3.connect(source)) as reader, closing(sqlite3.connect(folder / "node.db")) as writer:
        reader.backup(writer)
    high_water = HighWater.beside(folder / "node.age")
    high_water.path.write_bytes(node.high_water.path.read_bytes())
    engine = open_engine(f"sqlite:///{folder / 'node.db'}")
    assert isinstance(node.keys, NodeKeys)
    log = OwnLog(engine, node.origin, node.keys.log, high_water, node.now)
    try:
        yield replace(node, engine=engine, high_water=high_water, log=log)
    finally:
        engine.dispose()


def check_two_faces(made: Seven, liar: str) -> None:
    """Half of them see one face and half the other, until the first two compare: then all know, and can prove it."""
    honest = made.honest(liar)
    half = len(honest) // 2
    with two_faces(made, liar, honest[:half], honest[half:]):
        check_convicted(made, liar)


def check_convicted(made: Seven, liar: str) -> None:
    """All the others can prove it to anybody, say so to everybody, accuse nobody else, and sign nothing of it."""
    honest = made.honest(liar)
    found = {name: made.until_accused(name, "R36", liar) for name in honest}
    made.convicted.add(liar)
    keys = [key.verifier for key in made.nodes[liar].keys.log]
    told = {name: evidence_of(made, name, found[name]) for name in honest}
    assert {check_file(parse_evidence(one), keys).origin for one in told.values()} == {made.nodes[liar].origin}
    check_by_command(told[honest[0]], made.nodes[liar])
    for name in honest:
        made.until_state(name, liar, "forked")
        departments = made.json(name, "/network.json")["departments"]
        [shown] = [one for one in departments if one["origin"] == made.nodes[liar].origin]
        assert shown["finding"].endswith(f"/findings/{found[name].id}")
        assert {whom for rule, whom in made.accusations(name) if rule == "R36"} <= made.convicted
    check_not_cosigned(made, liar)


def evidence_of(made: Seven, name: str, finding: Finding) -> bytes:
    """What a department shows to anybody."""
    url = f"{made.sites[name].url}/findings/{finding.id}/evidence.json"
    evidence = httpx.get(url, trust_env=False, timeout=20)
    assert evidence.status_code == 200, (url, evidence.status_code)
    return evidence.content


def check_by_command(evidence: bytes, liar: Node) -> None:
    """`check evidence.json` accepts it, where there is no node, by the log's public keys alone."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "evidence.json"
        file.write_bytes(evidence)
        keys = [word for key in liar.keys.log for word in ("--vkey", format_vkey(key.verifier))]
        command = [sys.executable, str(ROOT / "app.py"), "check", str(file), "--json", *keys]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert (told["keys"], told["origin"]) == ("given", liar.origin)


def check_not_cosigned(made: Seven, liar: str) -> None:
    """It goes on, and nobody vouches for what it says from now on."""
    index = utter(made.nodes[liar])
    made.until_shown(liar)
    honest = made.honest(liar)
    made.write(honest[0])  # whoever holds this has been through a round since
    made.follow_each_other()
    assert made.cosigners(liar) <= {liar}
    path = f"/witness/{hash_of_origin(made.nodes[liar].origin)}/checkpoint"
    for name in honest:
        seen = httpx.get(f"{made.sites[name].url}{path}", trust_env=False, timeout=20)
        assert int(seen.text.split("\n")[1]) <= index


def utter(node: Node, **changed: Any) -> int:
    """The node's desk signs one more record, past all rules; returns its index."""
    return put(node, signed(node, Statement("case-submitted", new_handle(), {"matter": MATTER}), **changed))
