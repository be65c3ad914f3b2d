"""Seven real departments on this machine, each a web process and a scheduler, that follow each other over HTTP."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import update

from handlers.demo.county import DEPARTMENTS, Department
from handlers.demo.founding import enrol_officers, found_node, introduce
from handlers.demo.launcher import BANK, SYSTEM
from handlers.demo.processes import ROOT, Processes, app_command
from handlers.demo.sites import HOST, Site, plan_sites
from handlers.demo.story import EVERYBODY, FOUNDED, Act
from handlers.demo.telling import Clerk, Clock, Storyteller, Thread
from handlers.imports.layouts import load_banks, load_systems
from handlers.matters import load_matters, load_programmes
from ledger.desk import Desk
from ledger.epochs import agreement, read_view
from ledger.keys import NodeKeys
from ledger.merkle.note import SignatureLine, parse_note_unverified
from ledger.node import Node
from ledger.peers.members import find_changes
from ledger.records.jsonstrict import Json
from ledger.scribe import Submitted
from ledger.storage import entries, schema
from ledger.storage.engine import reading, transaction
from ledger.storage.findings import read_findings
from ledger.storage.network import mirror_name, witness_name
from ledger.times import day_in_china
from ledger.views import Finding
from tests.demo.network import Answer, until
from tests.fakes.lines import Lines
from tests.fakes.wechat_envelope import WeChatSide, text_xml

MORE = ("教育局", "卫健局", "人社局")
SEVEN = (*DEPARTMENTS, *(Department(name, str(25 + at), "", "", "") for at, name in enumerate(MORE)))
NAMES = tuple(department.name for department in SEVEN)
MATTER = "05LSJZ0001"
PRIVATE: Mapping[str, Json] = {"applicant": "王小明", "payee": "王小明", "account": "6217000010001230836"}
LOOK_SECONDS = 0.2
SECONDS_MAX = 180  # until something that some rounds bring; other suites may be running

# 王桂兰 was granted 20,000 yuan by 民政局, and 财政局 has paid it.
ACTS = (
    Act(-24, "09:35", "林芳", "hand_in", "王桂兰", {"matter": "临时救助"}),
    Act(-24, "09:40", "林芳", "accept", "王桂兰"),
    Act(-24, "09:50", "王桂兰", "bind", "王桂兰"),
    Act(-16, "11:00", "林芳", "propose", "王桂兰", {"yuan": 20_000}),
    Act(-12, "10:10", "高伟", "approve", "王桂兰"),
    Act(-12, "16:00", EVERYBODY, "fetch", ""),
    Act(-10, "16:20", "吴倩", "order", "王桂兰"),
    Act(-9, "09:05", "马骏", "release", "王桂兰"),
    Act(-8, "16:30", "吴倩", "enter_bank_list", "", {"王桂兰": "credited"}),
    Act(-7, "09:00", EVERYBODY, "fetch", ""),
)


def now() -> int:
    return int(time.time())


@dataclass
class Seven:
    """The departments, by name."""

    sites: Mapping[str, Site]
    nodes: Mapping[str, Node]
    processes: Processes
    staff: Mapping[str, Clerk]
    threads: Mapping[str, Thread] = field(default_factory=dict)
    lines: Lines | None = None
    convicted: set[str] = field(default_factory=set)  # whose logs nobody follows any more
    _written: Iterator[int] = field(default_factory=count)

    @property
    def line(self) -> Lines:
        """What goes between them; only where they were made so."""
        assert self.lines is not None
        return self.lines

    def honest(self, *liars: str) -> list[str]:
        """All but these, and but those that an earlier test has convicted."""
        return [name for name in self.nodes if name not in self.convicted and name not in liars]

    # --- its processes ---

    def web(self, name: str) -> str:
        return f"{name} web"

    def scheduler(self, name: str) -> str:
        return f"{name} scheduler"

    def start_web(self, name: str) -> None:
        site = self.sites[name]
        serve = ["serve", "--host", HOST, "--port", str(site.port), "--workers", "1", "--threads", "4"]
        self.processes.start(self.web(name), app_command(site.env_file, *serve), log=site.log_file)

    def start_scheduler(self, name: str) -> None:
        site = self.sites[name]
        self.processes.start(self.scheduler(name), app_command(site.env_file, "schedule"), log=site.log_file)

    def wait_ready(self, *names: str) -> None:
        self.processes.wait_ready([f"{self.sites[name].url}/readyz" for name in names or self.nodes])

    def command(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *app_command(self.sites[name].env_file, *arguments)]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS_MAX, check=False)

    # --- what it does ---

    def write(self, name: str) -> Submitted:
        """A case is handed in at a department."""
        by, once = self.staff[f"{name} clerk"].handle, f"seven-{next(self._written)}"
        return self.nodes[name].desk.open_case(MATTER, PRIVATE, by=by, once=once).submitted

    def agree(self, name: str, change: str, whom: str) -> None:
        """A department's administrator agrees that somebody joins or leaves; raises Refused."""
        node = self.nodes[name]
        with reading(node.engine) as conn:
            [found], view = find_changes(conn, change, whom), read_view(conn)
        said = agreement(view, change, found.department, found.member)
        node.desk.submit(said, by=self.staff[f"{name} admin"].handle, once=f"seven-{next(self._written)}")

    def say(self, name: str, openid: str, words: str) -> Answer:
        """What somebody reads who writes to the account of a department."""
        site = self.sites[name]
        side = WeChatSide(site.account.token, site.account.encoding_aes_key, site.account.app_id)
        delivery = side.deliver(text_xml(openid, words))
        url = f"{site.url}/wechat"
        answer = httpx.post(url, params=delivery.params, content=delivery.body, timeout=20, trust_env=False)
        assert answer.status_code == 200
        return Answer(side.open_reply(answer.content).get("Content", ""))

    # --- what it has become ---

    def size(self, name: str) -> int:
        """How many records a department's log holds."""
        return self.held(name, name)

    def held(self, by: str, of: str) -> int:
        """How many of a department's records another one holds and has checked."""
        with reading(self.nodes[by].engine) as conn:
            log_id = entries.find_log(conn, self.nodes[of].origin)
            return 0 if log_id is None else entries.read_edge(conn, log_id).size

    def vouched(self, by: str, of: str) -> int:
        """Up to which size of a log a department's mirror says that all is stored and checked, as its owner has it."""
        return max((one.size for one in self.cosigned(of) if one.name == mirror_name(self.nodes[by].origin)), default=0)

    def cosigned(self, of: str) -> Sequence[Any]:
        """What others have signed about a log, as its owner keeps it."""
        said = schema.cosignatures
        with reading(self.nodes[of].engine) as conn:
            log_id = entries.find_log(conn, self.nodes[of].origin)
            return conn.execute(said.select().where(said.c.log_id == log_id)).all()

    def findings(self, by: str) -> list[Finding]:
        with reading(self.nodes[by].engine) as conn:
            return read_findings(conn)

    def accused(self, by: str, rule: str, of: str, reason: str | None = None) -> Finding | None:
        """The finding of this rule that a department has about another's log."""
        facts = {"log": self.nodes[of].origin} | ({} if reason is None else {"reason": reason})
        found = [one for one in self.findings(by) if one.rule == rule and facts.items() <= one.facts.items()]
        return found[0] if found else None

    def accusations(self, by: str) -> set[tuple[str, str]]:
        """Rules, and the departments of whom they say something."""
        return {(one.rule, name) for one in self.findings(by) for name in one.facts["departments"]}

    def epoch(self, by: str) -> tuple[int, str, int]:
        """Number, name, and how many members, of the epoch that a department counts."""
        told = self.json(by, "/network.json")["epoch"]
        return told["number"], told["name"], len(told["members"])

    def cosigners(self, of: str) -> set[str]:
        """The departments that have cosigned the head which a department shows now, as witnesses."""
        shown = httpx.get(f"{self.sites[of].url}/log/checkpoint", trust_env=False, timeout=20).content
        names = {line.name for line in _all_lines(shown)}
        return {name for name, node in self.nodes.items() if witness_name(node.origin) in names}

    def shown_size(self, of: str) -> int:
        """How many records the head that a department shows speaks of."""
        return int(httpx.get(f"{self.sites[of].url}/log/checkpoint", trust_env=False, timeout=20).text.split("\n")[1])

    def json(self, by: str, path: str) -> Any:
        answer = httpx.get(f"{self.sites[by].url}{path}", trust_env=False, timeout=20)
        assert answer.status_code == 200, (path, answer.status_code)
        return json.loads(answer.text)

    def state(self, by: str, of: str) -> str:
        """What a department's /network.json says of its own rounds with another one."""
        us, them = self.nodes[by].origin, self.nodes[of].origin
        checks = self.json(by, "/network.json")["checks"]
        return next(str(one["state"]) for one in checks if (one["by"], one["of"], one["as"]) == (us, them, "mirror"))

    def log_tail(self) -> str:
        return "\n".join(f"--- {name}\n{site.log_file.read_text()[-600:]}" for name, site in self.sites.items())

    # --- waiting ---

    def until(self, look: Callable[[], Any], what: str, seconds: float = SECONDS_MAX) -> Any:
        def alive() -> Any:
            self.processes.check_alive()
            return look()

        return until(alive, seconds, lambda: f"{what}\n{self.log_tail()}", pause=LOOK_SECONDS)

    def until_accused(self, by: str, rule: str, of: str, reason: str | None = None) -> Finding:
        found: Finding = self.until(lambda: self.accused(by, rule, of, reason), f"{by} raises {rule} of {of}")
        return found

    def until_state(self, by: str, of: str, *states: str) -> None:
        self.until(lambda: self.state(by, of) in states, f"{by} says of {of}: {states}")

    def until_all_cosign(self, of: str) -> None:
        self.until(lambda: self.cosigners(of) == set(self.nodes), f"all cosign {of}")

    def until_shown(self, name: str) -> int:
        """Until a department shows all that it has written; returns how much that is."""
        size = self.size(name)
        self.until(lambda: self.shown_size(name) >= size, f"{name} shows {size} records")
        return size

    def follow_each_other(self, *names: str) -> None:
        """Until each of these holds, and has checked, all that the others of them have written by now."""
        chosen = names or self.honest()
        sizes = {name: self.size(name) for name in chosen}

        def missing() -> list[str]:
            pairs = [(by, of) for by in chosen for of in chosen if by != of]
            return [f"{by} of {of}" for by, of in pairs if self.held(by, of) < sizes[of]]

        self.until(lambda: not missing(), "all hold what the others have written")


def _all_lines(signed: bytes) -> tuple[SignatureLine, ...]:
    note = parse_note_unverified(signed)
    return note.verified + note.unverified


@contextmanager
def seven(
    folder: Path, port: int, round_seconds: int, *, story: Sequence[Act] = (), lines: bool = False
) -> Iterator[Seven]:
    """Seven departments that know each other, served and scheduled, while the block runs.

    `lines`: each asks each other one over a line of their own.
    """
    sites = {site.name: site for site in plan_sites(folder, port, SEVEN)}
    processes, clock = Processes(), Clock(day_in_china(now()))
    clock.turn_to(*(FOUNDED if story else (0, "00:00")))
    with ExitStack() as closing:
        closing.callback(processes.stop_all)
        nodes: dict[str, Node] = {}
        made = Seven(sites, nodes, processes, {})
        for site in sites.values():
            node = found_node(site, f"http://{HOST}:{port}", clock if story else now, now)
            closing.callback(node.close)
            nodes[site.name] = node
            _set_round(site, round_seconds)
            # It opens its keys, which takes a second on purpose, while we make the next node.
            made.start_web(site.name)
        made.staff = _enrol(nodes)
        processes.wait_ready([f"{site.url}/healthz" for site in sites.values()])
        introduce([*nodes.values()])
        if story:
            made.threads = _tell(made, folder, clock, story)
            for name, node in nodes.items():  # from here on they go by the clock of all others
                assert isinstance(node.keys, NodeKeys)
                nodes[name] = replace(node, desk=Desk(node.log, node.keys, now))
        if lines:
            made.lines = Lines()
            closing.callback(made.lines.close)
            _lay_lines(made, made.lines)
        for name in nodes:
            made.start_scheduler(name)
        made.wait_ready()
        yield made


def _set_round(site: Site, seconds: int) -> None:
    text = site.env_file.read_text("utf-8")
    changed, times = re.subn(r"(?m)^(ONETRIP_CROSSCHECK_SECONDS)=.*$", rf"\1='{seconds}'", text)
    assert times == 1
    site.env_file.write_text(changed, "utf-8")


def _enrol(nodes: Mapping[str, Node]) -> dict[str, Clerk]:
    """The officers of the demo, and at every department a clerk and an administrator."""
    staff = enrol_officers(nodes.values())
    for name, node in nodes.items():
        for role in ("clerk", "admin"):
            made = node.desk.enrol("柳青", (role,), f"{role}-{name}")
            staff[f"{name} {role}"] = Clerk("柳青", node, made.handle, made.totp_secret)
    return staff


def _tell(made: Seven, folder: Path, clock: Clock, story: Sequence[Act]) -> Mapping[str, Thread]:
    matters, programmes = load_matters(ROOT / "matters"), load_programmes(ROOT / "programmes")
    system, bank = load_systems(ROOT / "systems")[SYSTEM], load_banks(ROOT / "banks")[BANK]
    teller = Storyteller([*made.nodes.values()], made.staff, clock, matters, programmes, folder, system, bank)
    teller.tell(story)
    return teller.threads


def _lay_lines(made: Seven, lines: Lines) -> None:
    for asker, node in made.nodes.items():
        with transaction(node.engine, facts=False) as conn:
            for asked, site in made.sites.items():
                if asked != asker:
                    begins = lines.lay(asker, asked, site.port)
                    chosen = update(schema.peers).where(schema.peers.c.origin == made.nodes[asked].origin)
                    conn.execute(chosen.values(url=f"http://{HOST}:{begins}"))
