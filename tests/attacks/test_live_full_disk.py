"""A disk without a free block: while a department follows another, and while it is rebuilt from the others."""

import json
import subprocess
from contextlib import ExitStack, nullcontext

import httpx
import pytest

from ledger.storage import entries
from ledger.storage.engine import reading
from ledger.storage.findings import read_findings
from tests.attacks.disks import command_of_small_files, no_free_block, no_growing_file, small_disk
from tests.attacks.live_node import LiveNode, hand_in, living, officer_handle
from tests.attacks.test_live_rebuild import fingerprint
from tests.demo.network import until

pytestmark = [pytest.mark.slow, pytest.mark.attack, pytest.mark.xdist_group("demo")]

CLERK_ID = "11010519491231002X"
ROOMS = (0, 400 * 1024)
RECORDS = 60  # more than fits where a few kilobytes are left
SECONDS_MAX = 120


@pytest.fixture(params=["a small disk", "no file may grow"])
def pair(request, tmp_path):
    """民政局, and 公安局 that follows it and lies on the disk that will be full; and how to fill it."""
    small = request.param == "a small disk"
    with ExitStack() as stack:
        stack.enter_context(small_disk(tmp_path / "23") if small else nullcontext())
        civil, police = (
            stack.enter_context(living(tmp_path / prefix, f"sqlite:///{tmp_path / prefix / 'node.db'}", **named))
            for prefix, named in (
                ("21", {"name": "民政局", "prefix": "21"}),
                ("23", {"name": "公安局", "prefix": "23", "log_folder": tmp_path}),
            )
        )
        for node in (civil, police):
            node.start(workers=1)
        for node, other in ((civil, police), (police, civil)):
            done = node.command("peers", "add", other.url, "--fingerprint", fingerprint(other))
            assert done.returncode == 0, done.stderr
        civil.enrol("李敏", "clerk", CLERK_ID)
        yield civil, police, no_free_block if small else no_growing_file


def write(node: LiveNode, count: int) -> int:
    """So many cases are handed in; returns how many records the log shows then."""
    with node.opened() as counter:
        clerk = officer_handle(counter, "李敏")
        index = max(hand_in(counter, clerk, matter="linshi-jiuzhu").submitted.index for _ in range(count))
    return node.grown_to(index + 1)


def held(by: LiveNode, of: LiveNode) -> int:
    origin = of.node_json()["origin"]
    with by.opened() as node, reading(node.engine) as conn:
        log_id = entries.find_log(conn, origin)
        return 0 if log_id is None else entries.read_edge(conn, log_id).size


def ready(node: LiveNode) -> tuple[int, dict[str, bool]]:
    answer = httpx.get(f"{node.url}/readyz", trust_env=False, timeout=20)
    return answer.status_code, answer.json()["checks"]


def findings(node: LiveNode) -> list[str]:
    with node.opened() as opened, reading(opened.engine) as conn:
        return [one.rule for one in read_findings(conn)]


def test_a_disk_that_is_full_while_following_is_told_and_goes_on_when_there_is_room(pair):
    civil, police, full = pair
    size = write(civil, 2)
    until(lambda: held(police, civil) == size, SECONDS_MAX, lambda: f"it follows\n{police.log()}", pause=1)
    with full(police):
        grown = write(civil, RECORDS)
        # The operator sees it where they look: the probe, the log, the doctor.
        until(lambda: ready(police)[0] == 503, SECONDS_MAX, lambda: f"{ready(police)}\n{police.log()}", pause=1)
        assert ready(police)[1]["database"] is False
        until(lambda: "full" in police.log(), SECONDS_MAX, police.log, pause=1)
        if full is no_free_block:  # the doctor's own process may write in the other case
            told = {line["what"]: line for line in json.loads(police.command("doctor", "--json").stdout)}
            assert not told["disk"]["good"]
            assert not told["database"]["good"]
            assert "full" in told["database"]["found"]
        # What it has it shows; what it holds of the other is whole records under a signed head.
        assert httpx.get(f"{police.url}/healthz", trust_env=False).status_code == 200
        assert police.size() >= 1
        assert size <= held(police, civil) < grown
    until(lambda: held(police, civil) == grown, SECONDS_MAX, lambda: f"it goes on by itself\n{police.log()}", pause=1)
    until(lambda: ready(police)[0] == 200, SECONDS_MAX, lambda: str(ready(police)), pause=1)
    for log in ((), ("--log", civil.node_json()["origin"])):
        done = police.command("verify", *log)
        assert done.returncode == 0, done.stdout + done.stderr
    assert findings(civil) == findings(police) == []


def test_a_disk_that_is_full_while_rebuilding_is_told_and_the_same_command_goes_on(pair):
    civil, police, full = pair
    police.enrol("李敏", "clerk", CLERK_ID)
    size = write(police, RECORDS)
    until(lambda: held(civil, police) == size, SECONDS_MAX, lambda: f"it is held\n{civil.log()}", pause=1)
    before = httpx.get(f"{police.url}/log/tile/entries/000.p/{size}", trust_env=False).content
    police.stop()
    for file in police.folder.glob("node.db*"):
        file.unlink()
    (police.folder / "node.high-water").unlink()
    for room in ROOMS:  # from none at all to enough for half of it
        told = rebuilt_in(room, police, full)
        assert told.returncode != 0, room
        assert "Traceback" not in told.stderr, told.stderr
        assert "full" in told.stderr or "No space" in told.stderr or "too large" in told.stderr, told.stderr
    done = police.command("restore", "--from-peers")
    assert done.returncode == 0, done.stderr
    assert f"is back with {size} entries" in done.stdout
    police.start(workers=1)
    assert httpx.get(f"{police.url}/log/tile/entries/000.p/{size}", trust_env=False).content == before
    assert police.command("verify").returncode == 0
    assert findings(civil) == []


def rebuilt_in(room: int, node: LiveNode, full) -> subprocess.CompletedProcess[str]:
    if full is no_free_block:
        with no_free_block(node, room):
            return node.command("restore", "--from-peers")
    return command_of_small_files(node, room, "restore", "--from-peers")
