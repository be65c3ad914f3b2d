"""A trial beside a real node: every answer, notice and page says that it is a test, and nothing of it gets anywhere else."""

import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from handlers.demo import throw_away
from handlers.demo.errors import DemoRunning
from handlers.locale import TEXTS
from ledger.records.claims import is_test
from tests.demo.conftest import free_ports
from tests.demo.network import ROOT, Network, running

pytestmark = [pytest.mark.slow, pytest.mark.attack, pytest.mark.xdist_group("demo")]

MARK = TEXTS["zh"]["test.mark"]


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    folder = tmp_path_factory.mktemp("instance") / "trial"
    with running(folder, free_ports(5), test=True) as launcher, httpx.Client(trust_env=False, timeout=10) as http:
        yield Network(launcher.wait_ready(), launcher, http)


def test_every_log_of_it_is_named_a_test(trial: Network):
    assert all(is_test(node["origin"]) for node in trial.described["nodes"])


@pytest.mark.parametrize(
    ("who", "words"),
    [
        ("王桂兰", "我的钱到了没"),
        ("王桂兰", "进度"),
        ("孙丽", "我的补贴"),
        ("陈志强", "你好"),
        ("何秀英", "进度 21261123004798"),
        ("林芳", "#待办"),
        ("宋涛", "#疑点"),
        ("周大山", "人工"),
    ],
)
def test_every_answer_ends_with_the_mark(trial: Network, who: str, words: str):
    person = trial.officer(who) if words.startswith("#") else trial.chat(who)
    assert person.say(words).lines[-1] == MARK


def test_a_receipt_bears_the_mark_too(trial: Network):
    told = trial.chat("王桂兰").say(f"回执 {trial.number('王桂兰')}").text
    url = told.split('href="http')[1].split('"')[0]
    page = httpx.get(f"http{url}", trust_env=False, headers={"Accept": "text/html"})
    assert page.status_code in {200, 404}
    assert MARK in page.text


def test_while_it_runs_it_is_not_thrown_away_and_afterwards_nothing_is_left(tmp_path_factory):
    folder = tmp_path_factory.mktemp("other") / "trial"
    with running(folder, free_ports(5), test=True) as launcher:
        launcher.wait_ready()
        with pytest.raises(DemoRunning):
            throw_away(folder)
    assert folder.exists()
    assert throw_away(folder)
    assert not folder.exists()
    assert not throw_away(folder)


def test_the_command_says_when_there_is_none_to_throw_away(tmp_path):
    done = subprocess.run(
        [sys.executable, str(ROOT / "app.py"), "trial", "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert "--away" in done.stdout
