"""Seven real departments on this machine, each a web process and a scheduler, that follow each other over HTTP."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from handlers.demo.county import Department
from handlers.demo.founding import found_node, introduce
from handlers.demo.processes import ROOT, Processes
from handlers.demo.sites import HOST, Site, plan_sites
from ledger.node import Node

NAMES = ("民政局", "财政局", "公安局", "审计局", "教育局", "卫健局", "人社局")
ROUND_SECONDS = 10
LOOK_SECONDS = 0.2
READY_SECONDS_MAX = 180.0


@dataclass(slots=True)
class County:
    """Seven nodes that run."""

    sites: Sequence[Site]
    nodes: Sequence[Node]
    processes: Processes
    clerks: Sequence[str]


@contextmanager
def running(folder: Path, port: int, round_seconds: int) -> Iterator[County]:
    """Seven departments that know each other, served and scheduled, while the block runs."""
    departments = [Department(name, str(21 + at), "", "", "") for at, name in enumerate(NAMES)]
    sites = plan_sites(folder, port, departments)
    processes = Processes()
    with ExitStack() as closing:
        closing.callback(processes.stop_all)
        nodes = []
        for site in sites:
            nodes.append(closing.enter_context(_closing(found_node(site, f"http://{HOST}:{port}", _now, _now))))
            _set_round(site, round_seconds)
            serve = ["serve", "--host", HOST, "--port", str(site.port), "--workers", "1", "--threads", "4"]
            processes.start(f"{site.name} web", _app(site, serve), log=site.log_file)
        clerks = [node.desk.enrol("林芳", ("clerk",), f"id-{node.name}").handle for node in nodes]
        _wait_for([f"{site.url}/healthz" for site in sites], processes)
        introduce(nodes)
        for site in sites:
            processes.start(f"{site.name} scheduler", _app(site, ["schedule"]), log=site.log_file)
        _wait_for([f"{site.url}/readyz" for site in sites], processes)
        yield County(sites, nodes, processes, clerks)


@contextmanager
def _closing(node: Node) -> Iterator[Node]:
    try:
        yield node
    finally:
        node.close()


def _set_round(site: Site, seconds: int) -> None:
    text = site.env_file.read_text("utf-8")
    before = f"ONETRIP_CROSSCHECK_SECONDS='{site.settings.crosscheck_seconds}'"
    assert before in text
    site.env_file.write_text(text.replace(before, f"ONETRIP_CROSSCHECK_SECONDS='{seconds}'"), "utf-8")


def _app(site: Site, arguments: Sequence[str]) -> list[str]:
    return [str(ROOT / "app.py"), "--env-file", str(site.env_file), *arguments]


def _wait_for(urls: Sequence[str], processes: Processes) -> None:
    end = time.monotonic() + READY_SECONDS_MAX
    with httpx.Client(trust_env=False, timeout=5) as client:
        for url in urls:
            while not _answers(client, url):
                processes.check_alive()
                if time.monotonic() > end:
                    raise RuntimeError(f"{url} is not ready")
                time.sleep(LOOK_SECONDS)


def _answers(client: httpx.Client, url: str) -> bool:
    try:
        return client.get(url).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def _now() -> int:
    return int(time.time())
