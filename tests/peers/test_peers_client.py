"""Whatever a peer does to us over HTTP, it is over in bounded time and memory."""

import gzip

import httpx
import pytest

from ledger.errors import Misconfigured, PeerUnreachable
from ledger.peers.client import PeerClient, is_loopback
from tests.fakes.network import Drip, Wire

URL = "https://peer.example/log/checkpoint"


@pytest.fixture
def wire():
    return Wire()


@pytest.fixture
def client(wire):
    with PeerClient("https://own.example", transport=wire) as made:
        yield made


def answering(wire, answer):
    wire.host("peer.example", lambda _request: answer)


def test_an_answer_of_exactly_the_limit_is_read_and_one_byte_more_is_not(wire, client):
    answering(wire, httpx.Response(200, content=b"x" * 1000))
    assert client.get(URL, bytes_max=1000) == b"x" * 1000
    with pytest.raises(PeerUnreachable, match="more than 999 bytes"):
        client.get(URL, bytes_max=999)


def test_an_endless_answer_is_left_at_its_limit(wire, client):
    given = []

    def forever():
        while True:
            given.append(1)
            yield b"x" * 1024

    wire.host("peer.example", lambda _request: httpx.Response(200, stream=Drip(forever())))
    with pytest.raises(PeerUnreachable):
        client.get(URL, bytes_max=10 * 1024)
    assert len(given) == 11


def test_an_answer_that_drips_is_left_when_its_time_is_over(wire):
    clock = [0.0]

    def later():
        clock[0] += 4.0

    drip = httpx.Response(200, stream=Drip([b"x"] * 1000, later))
    answering(wire, drip)
    client = PeerClient("https://own.example", transport=wire, clock=lambda: clock[0], seconds_max=10.0)
    with pytest.raises(PeerUnreachable, match="not complete after 10 s"):
        client.get(URL, bytes_max=10_000)
    assert clock[0] == 12.0


@pytest.mark.parametrize("code", [301, 302, 307, 308])
def test_nobody_sends_us_somewhere_else(wire, client, code):
    answering(wire, httpx.Response(code, headers={"Location": "https://other.example/"}))
    wire.host("other.example", lambda _request: httpx.Response(200, content=b"trap"))
    with pytest.raises(PeerUnreachable, match=str(code)):
        client.get(URL, bytes_max=1000)
    assert wire.paths("other.example") == []


def test_a_small_answer_cannot_unpack_into_a_huge_one(wire, client):
    bomb = gzip.compress(bytes(10_000_000))
    answering(wire, httpx.Response(200, stream=Drip([bomb]), headers={"Content-Encoding": "gzip"}))
    with pytest.raises(PeerUnreachable, match="compressed"):
        client.get(URL, bytes_max=100_000)
    assert wire.asked[0].headers["Accept-Encoding"] == "identity"


def test_what_is_missing_is_none_and_what_fails_is_unreachable(wire, client):
    answering(wire, httpx.Response(404))
    assert client.get_if_any(URL, bytes_max=10) is None
    with pytest.raises(PeerUnreachable):
        client.get(URL, bytes_max=10)
    answering(wire, httpx.Response(500))
    with pytest.raises(PeerUnreachable):
        client.get_if_any(URL, bytes_max=10)
    wire.lose("peer.example")
    with pytest.raises(PeerUnreachable):
        client.ask("GET", URL, bytes_max=10)


@pytest.mark.parametrize(
    ("own", "asked", "allowed"),
    [
        ("https://own.example", "https://peer.example/", True),
        ("https://own.example", "http://peer.example/", False),
        ("https://own.example", "http://127.0.0.1:1/", False),
        ("http://127.0.0.1:8001", "http://127.0.0.1:8002/", True),
        ("http://localhost:8001", "http://[::1]:8002/", True),
        ("http://127.0.0.1:8001", "http://peer.example/", False),
        ("http://127.0.0.1:8001", "http://127.0.0.1.peer.example/", False),
        ("http://127.0.0.1:8001", "http://127.0.0.1@peer.example/", False),
        ("http://127.0.0.1:8001", "file:///etc/passwd", False),
        ("http://127.0.0.1:8001", "nonsense", False),
        ("http://127.0.0.1:8001", "http://[::1", False),
    ],
)
def test_plain_http_is_spoken_only_inside_one_machine(own, asked, allowed):
    client = PeerClient(own, transport=Wire())
    if allowed:
        client.check_url(asked)
    else:
        with pytest.raises(Misconfigured):
            client.check_url(asked)


def test_only_this_machine_is_loopback():
    assert is_loopback("http://127.3.2.1/")
    assert not is_loopback("http://0.0.0.0/")
    assert not is_loopback("http://localhost.example/")
