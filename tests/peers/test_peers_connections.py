"""What stands on a connection between two answers: bounded, whole, and nobody's answer to the next question."""

import socket
from threading import Event
from time import monotonic
from types import SimpleNamespace

import pytest

from ledger.errors import PeerUnreachable
from ledger.peers.client import OVERHEAD_BYTES_MAX, PeerClient
from ledger.peers.patience import IDLE_SECONDS_MAX, Lines, Moment, PatientTransport
from tests.peers.test_peers_patience import Talk, talking

SYSTEM_BYTES_MAX = 16 * 1024 * 1024  # that may be on their way, in the system's own buffers
MUCH_BYTES = 64 * 1024  # of headers
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
LINE = b"X-Much: " + b"a" * 1_000 + b"\r\n"


def saying(*pieces: bytes) -> Talk:
    return lambda connection: connection.sendall(b"".join(pieces))


def for_ever(start: bytes, piece: bytes) -> Talk:
    def talk(connection: socket.socket) -> None:
        connection.sendall(start)
        while True:
            connection.sendall(piece)

    return talk


def answering(*answers: bytes) -> Talk:
    """The first has been asked for; each other one answers a further question on the same connection."""

    def talk(connection: socket.socket) -> None:
        connection.sendall(answers[0])
        for answer in answers[1:]:
            if not connection.recv(65_536):
                return
            connection.sendall(answer)

    return talk


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (b"HTTP/1.1 200 OK\r\n", LINE),
        (b"HTTP/1.1 200 OK\r\nX-Long: ", b"a" * 1_000),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", LINE),
    ],
    ids=["headers", "one header", "continues", "trailers"],
)
def test_what_has_no_end_and_is_no_body_is_left_at_its_limit(start, piece):
    with talking(for_ever(start, piece)) as peer, PeerClient("http://127.0.0.1:1") as client:
        with pytest.raises(PeerUnreachable):
            client.ask("GET", peer.url, bytes_max=100)
        assert peer.was_left.wait(5)


def test_a_chunk_of_less_than_nothing_brings_no_more_than_was_agreed():
    """http.client reads what comes until the connection ends, all of it into memory."""
    sent = 0

    def talk(connection: socket.socket) -> None:
        nonlocal sent
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n")
        while True:
            connection.sendall(b"a" * 65_536)
            sent += 65_536

    with talking(talk) as peer, PeerClient("http://127.0.0.1:1") as client:
        with pytest.raises(PeerUnreachable):
            client.ask("GET", peer.url, bytes_max=100)
        assert peer.was_left.wait(5)
    assert sent < OVERHEAD_BYTES_MAX + SYSTEM_BYTES_MAX


def test_many_headers_are_read():
    much = LINE * (MUCH_BYTES // len(LINE) - 1)
    with (
        talking(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + much + b"\r\nok")) as peer,
        PeerClient("http://127.0.0.1:1") as client,
    ):
        assert client.get(peer.url, bytes_max=2) == b"ok"


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2",
        b"HTTP/1.1 200 OK\r\n\r\nok",  # all of it, or what came before the line broke
        b"HTTP/1.1 two hundred\r\n\r\n",
        b"HTTP/2 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 1\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok!\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok",
        b"\x00\xff\r\n\r\n",
        b"",
    ],
)
def test_an_answer_that_is_not_whole_is_none(said):
    with (
        talking(saying(said)) as peer,
        PeerClient("http://127.0.0.1:1") as client,
        pytest.raises(PeerUnreachable),
    ):
        client.ask("GET", peer.url, bytes_max=100)


@pytest.mark.parametrize(
    ("said", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nX: \xff\xe9\r\nContent-Length: 2\r\n\r\nok", b"ok"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n", b"ok"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, b"ok"),
        (b"HTTP/1.1 200 OK\r\nX: a" + b" " * 60_000 + b"b\r\nContent-Length:2\t\r\n\r\nok", b"ok"),
        (b"HTTP/1.1 200\nContent-Length: 2\n\nok", b"ok"),
        (b"HTTP/1.0 200 OK\r\n\r\nok", b"ok"),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nok", b"ok"),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", b"ok"),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", b"ok"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
    ],
)
def test_each_way_to_end_an_answer_is_understood(said, body):
    with talking(saying(said)) as peer, PeerClient("http://127.0.0.1:1") as client:
        assert client.ask("GET", peer.url, bytes_max=100).body == body


def test_a_connection_is_kept_for_the_next_question_and_closed_with_the_client():
    with talking(answering(OK, OK, OK)) as peer:
        with PeerClient("http://127.0.0.1:1") as client:
            assert [client.get(peer.url, bytes_max=2) for _ in range(3)] == [b"ok"] * 3
        assert peer.asked == 1


def test_a_connection_that_nobody_asks_on_any_more_is_closed_with_the_next_answer_of_anybody():
    now = 0.0
    closed = Event()

    def talk(connection: socket.socket) -> None:
        connection.sendall(OK)
        if not connection.recv(65_536):
            closed.set()

    with (
        talking(talk) as gone,
        talking(answering(OK)) as other,
        PeerClient("http://127.0.0.1:1", clock=lambda: now) as client,
    ):
        client.get(gone.url, bytes_max=2)
        now += IDLE_SECONDS_MAX + 1
        client.get(other.url, bytes_max=2)
        assert closed.wait(5)


@pytest.mark.parametrize(
    ("scheme", "port", "said"), [("http", 80, "a.example"), ("https", 443, "a.example"), ("https", 80, "a.example:80")]
)
def test_a_host_is_named_without_the_port_that_its_scheme_has_anyway(scheme, port, said):
    sent: list[bytes] = []
    transport = PatientTransport(Lines(Moment(), monotonic, (), lambda _host, _port: []), 1)
    connection = transport._connection((scheme, "a.example", port))
    connection.sock = SimpleNamespace(sendall=sent.append, close=lambda: None)
    connection.request("GET", "/")
    assert f"Host: {said}\r\n".encode() in sent[0]


def test_a_connection_that_was_closed_is_not_asked_again():
    with talking(saying(OK)) as peer, PeerClient("http://127.0.0.1:1") as client:
        client.get(peer.url, bytes_max=2)
        Event().wait(0.2)  # until it has hung up
        assert client.get(peer.url, bytes_max=2) == b"ok"
        assert peer.asked == 2


def test_an_answer_that_nobody_asked_for_answers_no_question():
    def talk(connection: socket.socket) -> None:
        connection.sendall(OK)
        Event().wait(0.1)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntrap")
        connection.recv(65_536)

    with talking(talk) as peer, PeerClient("http://127.0.0.1:1") as client:
        assert client.get(peer.url, bytes_max=4) == b"ok"
        Event().wait(0.3)
        assert client.get(peer.url, bytes_max=4) == b"ok"
        assert peer.asked == 2


def test_what_is_left_unread_ends_the_connection():
    many = b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + b"x" * 200_000
    with talking(answering(many, OK)) as peer, PeerClient("http://127.0.0.1:1") as client:
        with pytest.raises(PeerUnreachable, match="more than 10 bytes"):
            client.get(peer.url, bytes_max=10)
        with pytest.raises(PeerUnreachable, match="more than 10 bytes"):
            client.get(peer.url, bytes_max=10)
        assert peer.asked == 2
