"""A department's disk dies while it works; what it has said comes back from the others, by one command."""

import json
import shutil
from contextlib import ExitStack

import httpx
import pytest

from ledger.peers.witness import hash_of_origin
from tests.attacks.live_node import LiveNode, hand_in, living, officer_handle
from tests.conftest import fresh_postgres
from tests.demo.network import until

pytestmark = [pytest.mark.slow, pytest.mark.attack, pytest.mark.xdist_group("demo")]

CLERK_ID = "11010519491231002X"


@pytest.fixture(params=["sqlite", "postgresql"])
def new_database(request, tmp_path):
    """Another empty database each time it is asked."""
    if request.param == "sqlite":
        return lambda name: f"sqlite:///{tmp_path / name / 'node.db'}"
    server = request.getfixturevalue("postgres")
    return lambda _name: fresh_postgres(server)


@pytest.fixture
def three(tmp_path, new_database):
    """民政局, 财政局 and 公安局, each following the others, all of them running."""
    with ExitStack() as stack:
        nodes = [
            stack.enter_context(living(tmp_path / prefix, new_database(prefix), name=name, prefix=prefix))
            for prefix, name in (("21", "民政局"), ("22", "财政局"), ("23", "公安局"))
        ]
        for node in nodes:
            node.start(workers=1)
        for node in nodes:
            for other in nodes:
                if other is not node:
                    done = node.command("peers", "add", other.url, "--fingerprint", fingerprint(other))
                    assert done.returncode == 0, done.stderr
        yield nodes


def fingerprint(node: LiveNode) -> str:
    lines = json.loads(node.command("doctor", "--json").stdout)
    return str(next(line["found"] for line in lines if line["what"] == "fingerprint"))


def held_of(node: LiveNode, other: LiveNode) -> int:
    """How much of another's log this node vouches for."""
    told = httpx.get(f"{node.url}/mirror/{origin_hash(other)}/checkpoint", trust_env=False)
    return int(told.text.split("\n")[1]) if told.status_code == 200 else 0


def origin_hash(node: LiveNode) -> str:
    return hash_of_origin(node.node_json()["origin"])


def test_a_lost_disk_comes_back_from_the_others_and_everybody_accepts_what_follows(three, new_database, tmp_path):
    civil, finance, police = three
    civil.enrol("李敏", "clerk", CLERK_ID)
    with civil.opened() as counter:
        for _ in range(3):
            hand_in(counter, officer_handle(counter, "李敏"), matter="linshi-jiuzhu")
    size, hashed = civil.grown_to(7), origin_hash(civil)  # genesis, two members, a clerk, three applications
    until(lambda: held_of(finance, civil) == held_of(police, civil) == size, 60, f"both hold it\n{finance.log()}")
    before = httpx.get(f"{finance.url}/mirror/{hashed}/tile/entries/000.p/{size}", trust_env=False).content

    # The disk is gone: but for the copies of the key file and of the others' addresses nothing is there.
    civil.stop()
    kept = tmp_path / "kept"
    kept.mkdir()
    for name in ("node.age", "node.peers", "node.env"):
        shutil.copy(civil.folder / name, kept / name)
    shutil.rmtree(civil.folder)
    shutil.copytree(kept, civil.folder)
    settings = civil.env_file.read_text().replace(civil.database_url, new_database("21"))
    civil.env_file.write_text(settings)

    done = civil.command("restore", "--from-peers")
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert f"is back with {size} entries" in done.stdout
    assert "Followed again: 公安局, 财政局" in done.stdout
    [handle] = [line.split()[-1] for line in done.stdout.splitlines() if line.startswith("An officer's key is gone")]
    civil.start(workers=1)
    assert civil.command("officers", "revoke", handle).returncode == 0
    civil.enrol("李敏", "clerk", CLERK_ID)
    grown = civil.grown_to(size + 4)  # the keys of witness and mirror, the revocation, the enrolment
    until(lambda: held_of(finance, civil) == held_of(police, civil) == grown, 60, f"both follow\n{finance.log()}")
    assert httpx.get(f"{civil.url}/log/tile/entries/000.p/{grown}", trust_env=False).content.startswith(before)
    # And it follows them: its mirrors are filled by ordinary rounds.
    until(lambda: held_of(civil, finance) == finance.size(), 60, f"it follows them\n{civil.log()}")
    for node in three:
        done = node.command("crosscheck", "--json")
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert civil.command("verify").returncode == 0
