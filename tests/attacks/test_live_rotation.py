"""Keys are rotated by the command while two web workers and the scheduler run: nobody is stopped, nothing is lost."""

from collections.abc import Iterator

import httpx
import pytest

from ledger.merkle.cosignature import open_cosigned
from ledger.merkle.vkeys import parse_vkey
from tests.attacks.live_node import LiveNode, Staff, hand_in, living, officer_handle
from tests.conftest import fresh_postgres

pytestmark = [pytest.mark.slow, pytest.mark.attack, pytest.mark.xdist_group("demo")]

CLERK = "李敏"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.attack)])
def node(request: pytest.FixtureRequest, tmp_path) -> Iterator[LiveNode]:
    url = f"sqlite:///{tmp_path / 'node.db'}"
    if request.param == "postgresql":
        url = fresh_postgres(request.getfixturevalue("postgres"))
    with living(tmp_path / "node", url) as made:
        yield made


def head_keys(node: LiveNode) -> list[str]:
    """The vkeys that the node names today, after a look that they sign what it shows."""
    vkeys: list[str] = node.node_json()["log_vkeys"]
    shown = httpx.get(f"{node.url}/log/checkpoint", trust_env=False).content
    assert len(open_cosigned(shown, [parse_vkey(vkey) for vkey in vkeys]).log_lines) == 2
    return vkeys


def patiently(node: LiveNode, openid: str, words: str) -> str:
    """Say it, and again if nobody answers in time, as WeChat does: a worker may be opening the new key file."""
    return node.deliver_until_answered(node.sealed(openid, words), 120).read


def sign(node: LiveNode, staff: Staff, command: str) -> str:
    told = patiently(node, staff.openid, command)
    if "请先登录" in told:
        assert "登录好了" in patiently(node, staff.openid, f"#登录 {staff.code()}")
        told = patiently(node, staff.openid, command)
    return patiently(node, staff.openid, f"确认 {told.split('草稿')[1].split('）')[0]}")


def test_workers_and_scheduler_go_on_with_the_new_keys(node: LiveNode):
    clerk = node.enrol(CLERK, "clerk", "11010519491231002X")
    node.start()
    assert CLERK in node.say(clerk.openid, f"绑定 {clerk.binding_code}").read
    seen = []
    for role in ("log", "desk", "vault"):
        done = node.command("keys", "rotate", role)
        assert done.returncode == 0, done.stderr
        # What the counter seals with the new keys, every worker opens; what it signs, the scheduler publishes.
        with node.opened() as counter:
            slip = hand_in(counter, officer_handle(counter, CLERK))
        size = slip.submitted.index + 1
        assert "已签名" in sign(node, clerk, f"#受理 {slip.number}")
        assert "现在：" in patiently(node, "o-family", f"进度 {slip.number} {slip.query_code}")
        assert node.grown_to(size + 1) == size + 1
        seen.append(head_keys(node))
    assert len({tuple(vkeys) for vkeys in seen}) == 1  # of these only the first rotation changed the log's
    done = node.command("verify")
    assert done.returncode == 0, done.stdout + done.stderr
    assert node.command("keys", "list").stdout.count("log ") >= 4
