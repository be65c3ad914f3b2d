"""Processes of seven departments that are killed (SIGKILL) at moments that a seed chooses, and what must hold after."""

import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from sqlalchemy import select

from handlers.demo.processes import ROOT, app_command
from ledger.node import Node
from ledger.records import base64url
from ledger.scribe import Submitted
from ledger.storage import entries, schema
from ledger.storage.engine import reading
from tests.attacks.seven import Seven

PAUSE_SECONDS = (0.0, 2.0)  # between a record and a death: within a publication, a round, a start
JOINING_SECONDS = (0.8, 4.0)  # a command opens its keys for one of them
PARALLEL = 2


@dataclass
class Deaths:
    """Who was killed how often, and what was said to be done meanwhile."""

    made: Seven
    chance: random.Random
    written: list[tuple[str, Submitted]] = field(default_factory=list)
    killed: list[str] = field(default_factory=list)

    def some(self, times: int) -> None:
        """So many records, and a death after each."""
        for _ in range(times):
            writer, victim = self.chance.choice([*self.made.nodes]), self.chance.choice([*self.made.nodes])
            self.written.append((writer, self.made.write(writer)))
            time.sleep(self.chance.uniform(*PAUSE_SECONDS))
            self.chance.choice((self._web, self._worker, self._scheduler, self._scheduler))(victim)

    def joining(self, guest: Node, name: str) -> None:
        """A department begins to follow another, is killed in the middle, and is asked once more."""
        command = [sys.executable, *app_command(self.made.sites[name].env_file, *_follow(guest))]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(self.chance.uniform(*JOINING_SECONDS))
        process.kill()
        process.wait()
        self.killed.append(f"{name} joining")
        done = self.made.command(name, *_follow(guest))
        assert done.returncode == 0, done.stderr

    def _web(self, name: str) -> None:
        self._kill(self.made.web(name))

    def _scheduler(self, name: str) -> None:
        self._kill(self.made.scheduler(name))

    def _worker(self, name: str) -> None:
        pid = self.made.processes.pid(self.made.web(name))
        workers = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for worker in workers:  # none while it starts
            os.kill(int(worker), signal.SIGKILL)
        self.killed.append(f"{name} worker")

    def _kill(self, process: str) -> None:
        os.killpg(self.made.processes.pid(process), signal.SIGKILL)
        self.killed.append(process)
        self.made.processes.stop(process, seconds=0)
        self.made.processes.start_again(process)


def _follow(guest: Node) -> list[str]:
    return ["peers", "add", guest.public_url, "--fingerprint", guest.keys.fingerprint]


# --- what must hold ---


def check_nothing_lost(made: Seven, written: list[tuple[str, Submitted]]) -> None:
    """What was acknowledged stands where it was said to, at its department and at all others."""
    for name, done in written:
        for by in made.nodes:
            with reading(made.nodes[by].engine) as conn:
                log_id = entries.find_log(conn, made.nodes[name].origin)
                assert log_id is not None
                leaf = base64url.decode(done.record_id)
                assert entries.first_index(conn, log_id, leaf) == done.index, (by, name)


def check_all_agree(made: Seven) -> None:
    """Every log is the same wherever it is held, and of no size of it two heads were signed."""
    for of, node in made.nodes.items():
        roots: dict[int, bytes] = {}
        for by in made.nodes.values():
            for size, root in _heads(by, node.origin):
                assert roots.setdefault(size, root) == root, (of, by.name, size)
        copies = {_copy(by, node.origin) for by in made.nodes.values()}
        assert len(copies) == 1, of


def _copy(by: Node, origin: str) -> tuple[int, bytes]:
    with reading(by.engine) as conn:
        log_id = entries.find_log(conn, origin)
        assert log_id is not None
        edge = entries.read_edge(conn, log_id)
        return edge.size, edge.root()


def _heads(by: Node, origin: str) -> list[tuple[int, bytes]]:
    """The heads of a log that a department knows to be signed, and the last that its witness cosigned."""
    heads, witnessed = schema.heads.c, schema.witnessed.c
    with reading(by.engine) as conn:
        log_id = entries.find_log(conn, origin)
        signed = conn.execute(select(heads.size, heads.root).where(heads.log_id == log_id)).all()
        cosigned = conn.execute(select(witnessed.size, witnessed.root).where(witnessed.origin == origin)).all()
    return [(size, bytes(root)) for size, root in (*signed, *cosigned)]


def check_nobody_accused(made: Seven) -> None:
    """No department holds evidence against another, and what any of them missed for a while it says no more.

    Whoever was killed in the middle of a round lacks records until the round's lease has ended, and that is told (R35).
    """
    for name, node in made.nodes.items():
        made.until(partial(_accuses_nobody, made, name), f"{name} accuses nobody")
        with reading(node.engine) as conn:
            assert conn.execute(select(schema.evidence.c.origin)).all() == [], name


def _accuses_nobody(made: Seven, by: str) -> bool:
    return not _accused(made, by)


def _accused(made: Seven, by: str) -> set[tuple[str, str]]:
    """A department that is no member of the seven may be served by nobody any more (R37)."""
    return {(rule, whom) for rule, whom in made.accusations(by) if whom in made.nodes}


def raised_ever(made: Seven) -> set[tuple[str, str, str]]:
    """All findings that any department has raised so far, ended ones too: department, rule, name of the finding."""
    raised = select(schema.findings.c.rule, schema.findings.c.id)
    found = set()
    for name, node in made.nodes.items():
        with reading(node.engine) as conn:
            found |= {(name, rule, finding) for rule, finding in conn.execute(raised)}
    return found


def check_verified(made: Seven, *names: str) -> None:
    """`verify` finds nothing wrong in what these departments keep of their own log."""
    with ThreadPoolExecutor(PARALLEL) as pool:
        for name, done in zip(names, pool.map(lambda name: made.command(name, "verify"), names), strict=True):
            assert done.returncode == 0, f"{name}: {done.stdout}\n{done.stderr}"
