"""Receipts in the running county: from the chat to the page, and to a verifier of other people's."""

import base64
import re
import subprocess
import sys

import pytest

from tests.demo.network import COMMAND_SECONDS, ROOT, Network, until
from tests.receipts import outsider

pytestmark = pytest.mark.slow

NODES = ("民政局", "财政局", "公安局", "审计局")
HTML = {"Accept": "text/html"}


def raw(network: Network, node: str, *arguments: str) -> bytes:
    command = [sys.executable, str(ROOT / "app.py"), "--env-file", network.node(node)["env_file"], *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=COMMAND_SECONDS, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def page_of(network: Network, name: str) -> str:
    """The page that 回执 leads this person to, as soon as the departments have cosigned."""
    words = f"回执 {network.slip(name)}"

    def look() -> str | None:
        found = re.search(r'<a href="(http://[^"]+/receipts/[\w-]{43})">', network.chat(name).say(words).text)
        assert found is not None
        return found[1] if network.http.get(found[1], headers=HTML).status_code == 200 else None

    return until(look, 60, "the receipt is there", pause=0.3)


def test_the_farmers_receipt_tells_what_she_was_paid(network: Network):
    assert "20,000.00元" in network.http.get(page_of(network, "王桂兰"), headers=HTML).text


def test_an_outside_verifier_opens_what_prove_wrote(network: Network):
    record = page_of(network, "孙丽").rpartition("/")[2]
    leaf, proof = base64.urlsafe_b64decode(record + "="), raw(network, "民政局", "prove", record)
    for options in ((), ("--ed25519",)):
        seen = outsider.check(proof, raw(network, "财政局", "policy", *options), leaf)
        assert len(seen) >= 3


def test_a_check_code_is_good_at_every_department(network: Network):
    record = page_of(network, "王桂兰").rpartition("/")[2]
    own = network.chat("王桂兰").say(f"回执 {network.number('王桂兰')}")
    code = re.search(r"校验码 ([0-9A-Z-]{14})", own.read)
    assert code is not None
    for node in NODES:
        answer = network.stranger(f"c-curious-{NODES.index(node)}", node).say(f"核验 {code[1].lower()}")
        assert "20,000.00元" in answer.read
        assert record in answer.text


def test_before_the_network_is_said_on_the_page_of_a_story(network: Network):
    assert "联网见证之前" in network.http.get(page_of(network, "陈志强"), headers=HTML).text


def test_the_finding_stands_on_the_page_of_the_award_it_is_about(network: Network):
    page = network.http.get(page_of(network, "周大山"), headers=HTML).text
    assert "疑点" in page
    assert "民政局批准 3,000.00元" in page
    assert "请财政局" in page
