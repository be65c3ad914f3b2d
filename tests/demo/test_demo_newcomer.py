"""A fifth department joins the demo's four: two commands on its side, one at the inviter, three words in the chat.

Real programs all of them, and the people of the demo: `docs/network.md`, "Let a fifth department join the demo".
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import httpx
import pytest

from tests.console.test_console_joining import Office, code_in, found, read_to, stop, wait_until_published
from tests.demo.conftest import free_ports
from tests.demo.network import Network, running, until

pytestmark = pytest.mark.slow

ADMINS = {"民政局": "郑洁", "财政局": "钱伟", "公安局": "孔亮", "审计局": "韩冰"}
NEW = "体育局"
SECONDS = 240  # other suites may be running


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """A demo of its own: its members change."""
    folder = tmp_path_factory.mktemp("joined") / "demo"
    with running(folder, free_ports(5)) as launcher, httpx.Client(trust_env=False, timeout=60) as http:
        yield Network(launcher.wait_ready(), launcher, http)


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory: pytest.TempPathFactory, network: Network) -> Iterator[Office]:
    """The first of its commands: `init`. Then it is served and scheduled, as every node."""
    office = found(tmp_path_factory.mktemp("newcomer"), NEW, "31")
    office.env["ONETRIP_CROSSCHECK_SECONDS"] = "5"
    with ExitStack() as ending:
        for command in (("serve", "--port", str(office.port), "--workers", "1"), ("schedule",)):
            ending.callback(stop, office.start(*command))
        wait_until_published(office)
        yield office


def agree(network: Network, department: str) -> str:
    """What its administrator reads back and signs."""
    officer = network.officer(ADMINS[department])
    officer.be_signed_in()
    until(lambda: "要加入" in officer.say("#同意加入").read, SECONDS, f"{department} reads that somebody asks to join")
    read_back = officer.say(f"#同意加入 {NEW}").read
    assert "请核对" in read_back
    assert "已签名" in officer.say("确认").read
    return read_back


def told(network: Network, node: str) -> dict[str, int]:
    """Number of the epoch and of its members, as anybody reads them at a node."""
    epoch = network.http.get(f"{network.node(node)['url']}/network.json").json()["epoch"]
    return {"number": epoch["number"], "members": len(epoch["members"]), "needed": epoch["needed"]}


def _tells(network: Network, node: str, expected: dict[str, int]) -> bool:
    return told(network, node) == expected


def test_a_fifth_department_joins_the_demo(network: Network, newcomer: Office):
    words = newcomer.words
    told_by = network.command("民政局", "peers", "list").stdout.splitlines()[0].partition(": ")[2]
    # One command at the inviter, one at the newcomer, each with the other's words.
    member = Office("民政局", 0, {**newcomer.env, **_env_of(network, "民政局")})
    invite = member.start("peers", "invite", "--yes-if", words)
    code = code_in(read_to(invite, "Waiting for them"))
    join = newcomer.start("peers", "join", code, "--yes-if", told_by)
    told_here, errors = join.communicate(timeout=SECONDS)
    assert (join.returncode, errors) == (0, "")
    assert "Also members: 公安局、审计局、财政局. This node follows them by itself" in told_here
    _out, errors = invite.communicate(timeout=SECONDS)
    assert (invite.returncode, errors) == (0, "")
    # The newcomer follows everybody, and nobody but the inviter has been there.
    until(lambda: len(newcomer.followed) == 4, SECONDS, lambda: f"follows all four: {newcomer.followed}")
    assert told(network, "审计局") == {"number": 1, "members": 4, "needed": 3}
    # Three administrators compare the words by telephone, and sign.
    for department in ("公安局", "民政局", "审计局"):
        read_back = agree(network, department)
        assert words in read_back
    expected = {"number": 2, "members": 5, "needed": 4}
    for name in ADMINS:
        until(partial(_tells, network, name, expected), SECONDS, f"{name} counts five")
    # 财政局, whose administrator has said nothing, follows as well; and the newcomer is counted everywhere.
    rows = until(lambda: _rows_with(network, "财政局", NEW), SECONDS, "财政局 follows the newcomer")
    assert [row["member"] for row in rows if row["name"] == NEW] == [True]
    policies = [network.command(name, "policy").stdout for name in ("财政局", "审计局")]
    assert all(f"127.0.0.1:{newcomer.port}/witness" in policy for policy in policies)
    assert all("\nquorum quorum" in policy and "group quorum 4" in policy for policy in policies)
    until(lambda: _is_believed(newcomer), SECONDS, "the newcomer's log is cosigned by enough")
    again = newcomer.run("peers", "join", code, "--yes-if", told_by)
    assert (again.returncode, f"{NEW} is a member already, of epoch 2" in again.stdout) == (0, True)


def _env_of(network: Network, node: str) -> dict[str, str]:
    lines = Path(network.node(node)["env_file"]).read_text("utf-8").splitlines()
    pairs = (line.partition("=") for line in lines if "=" in line)
    return {name: value.strip("\"'") for name, _, value in pairs}


def _rows_with(network: Network, node: str, name: str) -> list[dict[str, object]] | None:
    rows: list[dict[str, object]] = json.loads(network.command(node, "peers", "list", "--json").stdout)
    return rows if name in {row["name"] for row in rows} else None


def _is_believed(office: Office) -> bool:
    line = next(line for line in office.run("doctor").stdout.splitlines() if " quorum " in line)
    return line.startswith("✓") and "5 of 5 departments look at our log, 4 make it believed" in line
