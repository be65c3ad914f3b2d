"""Attacks by name: a real node in processes of its own follows a real server that has a department's keys, and lies."""

import gzip
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from handlers.demo.processes import app_command
from ledger.merkle.add_checkpoint import AddCheckpoint
from ledger.merkle.hashing import leaf_hash
from ledger.merkle.note import parse_signature_lines
from ledger.merkle.proofs import prove_consistency
from ledger.records.promise import make_promise
from ledger.scribe import new_handle
from ledger.storage import entries
from ledger.storage.engine import open_engine, reading
from tests.attacks.live_node import ROOT
from tests.attacks.lying_peer import Pair, Round, lying, now
from tests.demo.network import until
from tests.peers.smuggling import forged

pytestmark = [pytest.mark.slow, pytest.mark.attack, pytest.mark.xdist_group("demo")]

ROOM_MB = 96  # beyond a round in which nobody lies: a tile and its parts, not what a liar would like to send
GIGABYTE = 1 << 30
PIECE = bytes(64 * 1024)


@pytest.fixture(scope="module")
def acquainted(tmp_path_factory):
    with lying(tmp_path_factory.mktemp("lying")) as made:
        yield made


@pytest.fixture(scope="module")
def usual_mb(acquainted: Pair) -> float:
    """The memory of a round in which nobody lies; most of it opens the key file, on purpose."""
    acquainted.grow()
    told = acquainted.round()
    assert (told.exit_code, told.row["state"]) == (0, "good")
    return told.peak_mb


@pytest.fixture
def pair(acquainted: Pair, usual_mb: float):
    acquainted.doors.behave()
    yield acquainted
    # Whatever it was, the honest node goes on with it as soon as it says the truth.
    acquainted.doors.behave()
    told = acquainted.round()
    assert (told.row["state"], told.row["checked"]) == ("good", told.row["signed"])


def held(pair: Pair) -> int:
    engine = open_engine(pair.honest.database_url)
    try:
        with reading(engine) as conn:
            log_id = entries.find_log(conn, pair.liar.origin)
            return 0 if log_id is None else entries.read_edge(conn, log_id).size
    finally:
        engine.dispose()


def answering(content, status="200 OK", **headers):
    """A door that says this to everybody."""

    def app(_environ, start):
        start(status, [(name.replace("_", "-"), value) for name, value in headers.items()])
        return content() if callable(content) else [content]

    return app


def refused(pair: Pair, before: int, usual_mb: float):
    """A round that stores nothing of it, accuses nobody, and needs no more memory than usual."""
    told = pair.round()
    assert told.row["state"] != "good"
    assert held(pair) == before
    assert "R36" not in told.rules
    assert told.peak_mb < usual_mb + ROOM_MB
    return told


# --- what it sends ---


def test_a_peer_that_sends_a_gigabyte_for_a_tile(pair, usual_mb):
    sent = []

    def endless():
        for _ in range(GIGABYTE // len(PIECE)):
            sent.append(len(PIECE))
            yield PIECE

    for part in ("/log/tile/entries/", "/log/tile/0/", "/log/checkpoint"):
        before = held(pair)
        pair.grow()
        pair.doors.lie(part, answering(endless, Content_Length=str(GIGABYTE)))
        refused(pair, before, usual_mb)
        pair.doors.behave()
    assert sum(sent) < GIGABYTE // 4  # hung up long before


def test_a_peer_that_drips(pair, usual_mb):
    left = threading.Event()

    def dripping():
        try:
            while not left.wait(0.2):
                yield b"x"
        finally:
            left.set()

    before = held(pair)
    pair.grow()
    pair.doors.lie("/log/tile/entries/", answering(dripping, Content_Length="100000"))
    refused(pair, before, usual_mb)
    assert left.wait(60)


def test_a_peer_that_redirects_us_to_ourselves_and_inside(pair, usual_mb):
    before = held(pair)
    pair.grow()
    for where in (
        f"{pair.liar.public_url}/elsewhere",
        f"{pair.honest.url}/log/checkpoint",
        "http://169.254.169.254/latest/meta-data/",
        "file:///etc/passwd",
    ):
        pair.doors.lie("/log/", answering(b"", "302 Found", Location=where))
        refused(pair, before, usual_mb)
        assert pair.doors.asked
        assert "/elsewhere" not in pair.doors.asked  # nobody went where they were sent
        pair.doors.behave()


def test_a_peer_that_sends_a_gzip_bomb(pair, usual_mb):
    bomb = gzip.compress(gzip.compress(bytes(64 * 1024 * 1024)))
    assert len(bomb) < 10_000
    before = held(pair)
    pair.grow()
    for part in ("/log/checkpoint", "/log/tile/"):
        pair.doors.lie(part, answering(bomb, Content_Encoding="gzip, gzip"))
        refused(pair, before, usual_mb)
        pair.doors.behave()


def test_a_peer_that_signs_with_ten_thousand_signatures(pair, usual_mb):
    before = held(pair)
    pair.grow()
    head = pair.liar.log.published_checkpoint()
    assert head is not None
    for count, length in ((10_000, 1), (10_000, 64), (101, 64)):
        lines = "".join(f"— stranger-{at}.example {'AAAA' * length}\n" for at in range(count))
        pair.doors.lie("/log/checkpoint", answering(head + lines.encode()))
        refused(pair, before, usual_mb)
        pair.doors.behave()


def test_a_peer_that_answers_with_another_logs_tiles(pair, usual_mb):
    """Our own, at the very paths that it was asked for."""
    before = held(pair)
    pair.grow()

    def ours(environ, start):
        answer = httpx.get(f"{pair.honest.url}{environ['PATH_INFO'].partition('.p')[0]}", trust_env=False)
        start(f"{answer.status_code} X", [])
        return [answer.content]

    for part in ("/log/tile/entries/", "/log/tile/0/", "/log/checkpoint"):
        pair.doors.lie(part, ours)
        refused(pair, before, usual_mb)
        pair.doors.behave()


def test_a_peer_that_withholds_one_entry(pair, usual_mb):
    """It is left out, or it is cut short, or another one stands in its place; none of the others is taken for it."""
    before = held(pair)
    pair.grow(5)
    for spoil in (lambda raw: raw[:-700], lambda raw: raw[:-1], lambda raw: raw[:-9] + b"A" * 9):

        def spoiled(environ, start, spoil=spoil):
            return [spoil(b"".join(pair.doors.true(environ, start)))]

        pair.doors.lie("/log/tile/entries/", spoiled)
        refused(pair, before, usual_mb)
        pair.doors.behave()


# --- what it writes ---


def test_a_peer_that_logs_poison(pair):
    """Each is signed by its own desk; each is told by its index, and the round goes on to the end."""
    template = pair.case()
    head, _payload, signature = template.split(b".")
    poison = [
        b"",
        b"\x00" * 500,
        b"{" * 60_000,
        b".." + b"[" * 50_000,
        head + b"." + b"W1tb" * 12_000 + b"." + signature,  # [[[ … in base64
        forged(pair.liar, template, iat=10**30),
        forged(pair.liar, template, sub="../../etc/passwd"),
        forged(pair.liar, template, sub=None),
        forged(pair.liar, template, matter={"$ref": "#"}),
        forged(pair.liar, template, matter="m" * 40_000),
        forged(pair.liar, template, matter="'; DROP TABLE entries; --"),
        forged(pair.liar, template, _sd=["x"] * 65),
    ]
    told = pair.smuggle(*poison, pair.case())
    assert (told.row["state"], told.row["checked"]) == ("good", told.row["signed"])
    assert told.row["refused"] == len(poison)
    assert told.exit_code == 1


def test_a_peer_that_logs_a_payment_of_a_kind_that_nobody_knows(pair):
    strange = forged(pair.liar, pair.case(), typ="onetrip-payment-created-v9+sd-jwt", sub=new_handle())
    stranger = forged(pair.liar, pair.case(), typ="onetrip-payment-dreamt-v1+sd-jwt", sub=new_handle())
    told = pair.smuggle(strange, stranger)
    assert (told.row["state"], told.row["checked"]) == ("good", told.row["signed"])
    assert "R49" in told.rules


def test_a_peer_that_logs_a_copied_record_of_another_department(pair):
    bundle = httpx.get(f"{pair.honest.url}/log/tile/entries/000.p/1", trust_env=False).content
    told = pair.smuggle(bundle[2:])
    assert (told.row["state"], told.row["refused"], told.row["checked"]) == ("good", 1, told.row["signed"])


def test_a_peer_that_drops_a_complaint_that_it_promised(pair):
    """Whoever was promised a place in its log leaves the promise with another department; something else stands there."""
    index = pair.liar.log.published_head().size
    complaint, keys = leaf_hash(pair.case()), pair.liar.keys
    promise = make_promise(pair.liar.origin, index, complaint, now(), kid=keys.desk_kid, signer=keys.desk.sign)
    left = httpx.post(f"{pair.honest.url}/promises", content=promise, trust_env=False, timeout=60)
    assert (left.status_code, left.json()["state"]) == (202, "waiting")
    told = pair.smuggle(pair.case())
    [finding] = [one for one in told.told["findings"] if one["rule"] == "R48"]
    shown = httpx.get(f"{pair.honest.url}/findings/{finding['id']}.json", trust_env=False, timeout=60).json()
    assert (shown["index"], shown["reason"], shown["promise"]) == (index, "another-record", promise)


def test_a_peer_that_has_a_head_cosigned_that_no_mirror_may_read(pair):
    """Its head grows, and the witness says so; after ten rounds in which nothing was to be read everybody is told."""
    before = held(pair)
    pair.grow()
    pair.doors.lie("/log/tile/", answering(b"", "404 Not Found"))

    def look():
        assert httpx.post(add_checkpoint_url(pair), content=question(pair), trust_env=False).status_code == 200
        return unread_heads(pair.round()) or None

    assert len(until(look, 120, "it is told that nobody can read it")) == 1
    assert held(pair) == before
    pair.doors.behave()
    assert unread_heads(pair.round()) == []


def unread_heads(told: Round) -> list[str]:
    """Findings about a head that was cosigned and could not be read: they are about no entry."""
    return [one["id"] for one in told.told["findings"] if one["rule"] == "R49" and "since" in one["facts"]]


def test_a_peer_that_puts_its_clock_a_year_ahead(pair):
    told = pair.smuggle(pair.case(iat=now() + 365 * 86_400))
    assert (told.row["state"], told.row["refused"]) == ("good", 0)
    assert "R38" in told.rules


def test_a_peer_that_names_an_inside_address_as_its_url(pair, tmp_path):
    """To a node that others reach from outside. On its own machine somebody listens, and hears nothing."""
    outside = tmp_path / "outside.env"
    said = {"ONETRIP_PUBLIC_URL": "https://ga.example", "ONETRIP_ORIGIN": pair.honest.node_json()["origin"]}
    settings = {**pair.honest.settings(), **said}
    outside.write_text("".join(f"{name}='{value}'\n" for name, value in settings.items()))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)
        port = listener.getsockname()[1]
        for url, reason in (
            ("http://169.254.169.254/", "asked over https"),
            ("https://169.254.169.254", "where no department is"),
            (f"https://127.0.0.1:{port}", "where no department is"),
            (f"https://localhost:{port}", "where no department is"),
            (f"https://[::ffff:127.0.0.1]:{port}", "where no department is"),
            (f"https://0.0.0.0:{port}", "where no department is"),
            ("https://10.0.0.1:1", "set ONETRIP_PEER_NETWORKS"),
        ):
            command = app_command(outside, "peers", "add", url, "--fingerprint", pair.liar.keys.fingerprint)
            done = subprocess.run(
                [sys.executable, *command], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
            )
            assert done.returncode in {2, 3}, (url, done.stdout)
            assert reason in done.stderr, (url, done.stderr)
        with pytest.raises(TimeoutError):
            listener.accept()


# --- how it knocks ---


def test_a_peer_that_spams_add_checkpoint(pair):
    """Four hundred questions at once, most of them no question: each is answered, and a good head is cosigned after."""
    pair.grow()
    url, good = add_checkpoint_url(pair), question(pair)
    bodies = [
        b"",
        b"old 9\n",
        bytes(100_000),
        good[:-9],
        good.replace(b"old ", b"old 9"),
        b"old 0\n\n" + b"x\n" * 40_000,
    ]
    with ThreadPoolExecutor(8) as pool, httpx.Client(trust_env=False, timeout=60) as client:
        answers = list(pool.map(lambda at: client.post(url, content=bodies[at % len(bodies)]).status_code, range(400)))
    assert set(answers) <= {400, 403, 404, 409, 413, 422, 429}, set(answers)
    answer = httpx.post(url, content=good, trust_env=False, timeout=60)
    assert answer.status_code == 200
    assert len(parse_signature_lines(answer.content)) == 2
    assert httpx.get(f"{pair.honest.url}/healthz", trust_env=False).status_code == 200


def add_checkpoint_url(pair: Pair) -> str:
    return f"{pair.honest.url}/witness/add-checkpoint"


def question(pair: Pair) -> bytes:
    """The liar's newest head, with the proof that it grew out of what the honest witness has seen."""
    head, seen = pair.liar.log.published_head(), size_seen(pair)
    assert head is not None
    with reading(pair.liar.engine) as conn:
        read = entries.node_reader(conn, pair.liar.log.id, head.size)
        proof = tuple(prove_consistency(seen, head.size, read))
    return AddCheckpoint(seen, proof, head.signed).to_bytes()


def size_seen(pair: Pair) -> int:
    """What its witness says that it has cosigned last: it is asked with 0 and answers 409."""
    head = pair.liar.log.published_head()
    assert head is not None
    answer = httpx.post(add_checkpoint_url(pair), content=AddCheckpoint(0, (), head.signed).to_bytes(), trust_env=False)
    assert answer.status_code == 409
    return int(answer.text)


# --- kill -9 ---


@pytest.mark.parametrize("at", [1, 4, 9])
def test_a_node_killed_at_any_moment_of_catching_up_goes_on_where_it_was(pair, at):
    """Killed while it asks for the `at`-th thing, with its round's lease in its hand; the next process waits for that."""
    before = held(pair)
    pair.grow(1_500)  # enough for processes of its own
    with pair.begun() as process:

        def kill(_path):
            if len(pair.doors.asked) == at:
                os.kill(process.pid, signal.SIGKILL)

        pair.doors.heard = kill
        assert process.wait(120) == -signal.SIGKILL
    pair.doors.behave()
    assert held(pair) in range(before, pair.liar.log.published_head().size + 1)
    told = pair.round()
    assert (told.row["state"], told.row["checked"]) == ("good", told.row["signed"])
    # The liar has logged much that a verification names; in what we keep of its log nothing contradicts anything.
    verified = json.loads(pair.honest.command("verify", "--log", pair.liar.origin, "--json").stdout)
    assert verified["size"] == told.row["signed"]
    assert {fault["part"] for fault in verified["faults"]} <= {"entry"}
