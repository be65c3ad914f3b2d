"""A whole node on PostgreSQL, by its own commands: two web workers and a scheduler, a citizen, officers, an auditor."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.attacks.live_node import LiveNode, hand_in, living, officer_handle
from tests.conftest import fresh_postgres
from tests.demo.network import until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("demo")]  # beside a demo, two cores have no room for more

CITIZEN = "o-chen"
IDS = {"李敏": "11010519491231002X", "赵磊": "110105194912310011"}


@pytest.fixture
def node(tmp_path, postgres):
    with living(tmp_path / "node", fresh_postgres(postgres)) as made:
        yield made


def test_a_whole_node_on_postgresql_answers_signs_notifies_publishes_and_verifies(node: LiveNode):
    clerk = node.enrol("李敏", "clerk", "11010519491231002X")
    approver = node.enrol("赵磊", "approver", valid_id("11010519491231001"))
    node.start()
    with node.opened() as counter:
        slip = hand_in(counter, officer_handle(counter, "李敏"))

    # A stranger, the family with the slip, the citizen.
    assert "8位查询码" in node.say("o-nobody", f"进度 {slip.number}").read
    assert "现在：" in node.say("o-family", f"进度 {slip.number} {slip.query_code}").read
    assert "绑定好了" in node.say(CITIZEN, f"绑定 {slip.binding_code}").read
    assert slip.number in node.say(CITIZEN, "进度").read

    # Officers: bound by what `enrol` printed, signed in by their telephone.
    for officer in (clerk, approver):
        assert officer.name in node.say(officer.openid, f"绑定 {officer.binding_code}").read
    before = node.grown_to(4)
    assert "已签名" in node.sign(clerk, f"#受理 {slip.number}").read
    assert "已签名" in node.sign(clerk, f"#完成 {slip.number}").read
    assert node.grown_to(before + 2) == before + 2
    assert "受理" in node.say(CITIZEN, f"经过 {slip.number}").read
    until(lambda: len(node.notices(CITIZEN)) >= 2, 20, "both notices")

    # One confirmation, delivered six times at once to two workers: one record, one answer.
    told = node.say(approver.openid, f"#登录 {approver.code()}").read
    assert "登录好了" in told
    assert "动态码确认" in node.say(approver.openid, f"#批准 {slip.number}").read
    confirmation = node.sealed(approver.openid, approver.code())
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: node.post(confirmation), range(6)))
    said = {node.side.open_reply(one.content)["Content"] for one in answers if one.status_code == 200}
    assert len(said) == 1
    assert "已签名" in said.pop()
    assert node.grown_to(before + 3) == before + 3

    # A worker dies; the other answers, and another takes its place.
    workers = node.workers()
    assert len(workers) == 2
    node.kill(workers[0])
    assert "已批准" in node.deliver_until_answered(node.sealed(CITIZEN, "进度")).read
    until(lambda: len(node.workers()) == 2 and workers[0] not in node.workers(), 20, "a new worker")

    # Whoever looks over it finds nothing wrong.
    for command in (("verify",), ("verify", "--log", f"{node.url}/log", "--vkey", node.node_json()["log_vkeys"][0])):
        done = node.command(*command)
        assert done.returncode == 0, done.stdout + done.stderr
    assert httpx.get(f"{node.url}/readyz", trust_env=False).status_code == 200
    assert httpx.get(f"{node.url}/metrics", trust_env=False).status_code == 200
    log = node.log_file.read_text()
    for private in ("陈志强", slip.number, slip.query_code, slip.binding_code, CITIZEN, clerk.totp_secret):
        assert private not in log
    assert "Traceback" not in log


@pytest.mark.attack
def test_a_scheduler_that_dies_without_a_word_is_replaced_by_the_one_that_stood_by(node: LiveNode):
    node.enrol("李敏", "clerk", "11010519491231002X")
    node.start()
    size = node.grown_to(2)
    node.start_scheduler("second")
    os.kill(node.pid("scheduler"), signal.SIGKILL)
    with node.opened() as counter:
        hand_in(counter, officer_handle(counter, "李敏"))
    assert until(lambda: now if (now := node.size()) > size else None, 60, "the next checkpoint") == size + 1


def valid_id(body: str) -> str:
    total = sum(int(digit) * pow(2, 17 - place, 11) for place, digit in enumerate(body))
    return body + "10X98765432"[total % 11]
