"""A peer that drips, over a real connection, is left at the moment agreed, and takes nobody else's place."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread, local

import pytest

from ledger.audit import crosscheck
from ledger.audit.crosscheck import run_round
from ledger.errors import PeerUnreachable
from ledger.peers import fetching, mirror
from ledger.peers.client import QUESTIONS_A_HOST_MAX, PeerClient
from tests.peers.rig import ROUND_SECONDS

PIECES = 2_000  # of one byte each: far more than anybody waits for
PAUSE = 0.005

Talk = Callable[[socket.socket], object]


class Talker:
    """A server that says what it likes to whoever asks, until they hang up."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}/"
        self.asked = 0
        self.was_left = Event()
        Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                connection.recv(65_536)
                self.asked += 1
                self._talk(connection)
            except OSError:
                self.was_left.set()

    def close(self) -> None:
        self._server.close()


def dripping(start: bytes, piece: bytes) -> Talk:
    def talk(connection: socket.socket) -> None:
        connection.sendall(start)
        pause = Event()
        for _ in range(PIECES):
            connection.sendall(piece)
            pause.wait(PAUSE)

    return talk


@contextmanager
def talking(talk: Talk) -> Iterator[Talker]:
    talker = Talker(talk)
    try:
        yield talker
    finally:
        talker.close()


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"a"),
        (b"", b"H"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"b"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nb\r\n"),
    ],
    ids=["a header", "a status line", "a hundred continues", "a body", "chunks"],
)
def test_whatever_a_peer_drips_it_is_left_when_its_time_is_over(start, piece):
    with talking(dripping(start, piece)) as peer, PeerClient("http://127.0.0.1:1", seconds_max=0.2) as client:
        with pytest.raises(PeerUnreachable):
            client.ask("GET", peer.url, bytes_max=100_000)
        assert peer.was_left.wait(5)  # before it was through with its pieces


def test_a_peer_that_reads_nothing_is_left_too():
    with (
        talking(lambda connection: Event().wait(30)) as peer,
        PeerClient("http://127.0.0.1:1", seconds_max=0.2) as client,
        pytest.raises(PeerUnreachable),
    ):
        client.ask("POST", peer.url, bytes_max=100, content=bytes(64 * 1024 * 1024))


def test_a_peer_that_answers_nothing_keeps_no_more_than_its_share_of_questions():
    gone = Event()
    with talking(lambda connection: gone.wait(30)) as deaf, PeerClient("http://127.0.0.1:1", seconds_max=20) as client:
        answers: list[str] = []

        def ask() -> None:
            try:
                client.ask("GET", deaf.url, bytes_max=100)
            except PeerUnreachable as error:
                answers.append(str(error))

        asking = [Thread(target=ask) for _ in range(QUESTIONS_A_HOST_MAX)]
        for thread in asking:
            thread.start()
        while deaf.asked < QUESTIONS_A_HOST_MAX:
            gone.wait(PAUSE)
        with pytest.raises(PeerUnreachable, match="earlier questions"):
            client.ask("GET", deaf.url, bytes_max=100)
        whole = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
        with talking(lambda connection: connection.sendall(whole)) as other:
            assert client.get(other.url, bytes_max=100) == b"ok"
        gone.set()
        for thread in asking:
            thread.join()
        assert len(answers) == QUESTIONS_A_HOST_MAX
        with pytest.raises(PeerUnreachable, match=r"RemoteDisconnected|ConnectionResetError"):
            client.ask("GET", deaf.url, bytes_max=100)  # and it may be asked again


class OwnClock(local):
    """A clock of each thread: one department's slowness is no time of the others', who are asked beside it."""

    now = 0.0

    def __call__(self):
        return self.now

    def wait(self, seconds):
        self.now += seconds


def test_a_peer_that_answers_everything_slowly_is_left_when_its_turn_is_over(county, monkeypatch):
    """Each answer comes within its own time, and all of them together would hold up everybody."""
    county.round()
    monkeypatch.setattr(crosscheck, "TURN_SECONDS_MAX", 20.0)
    clock = OwnClock()
    county.police.client.clock = clock
    county.town.apply()
    county.publish("民政局", "财政局")

    def slowly(_request, answer):
        clock.wait(14.0)
        return answer

    county.wire.tamper("21.example", "/", slowly)
    county.clock.wait(ROUND_SECONDS)
    rows = {row.name: row for row in run_round(county.police).rows}
    assert "not complete" in str(rows["民政局"].error)
    assert rows["财政局"].error is None


def test_what_a_slow_peer_has_given_in_its_time_is_kept_and_the_next_round_goes_on(county, monkeypatch):
    monkeypatch.setattr(fetching, "FETCHED_SECONDS_MAX", 1.0)
    county.round()
    for _ in range(300):
        county.town.apply()
    county.publish("民政局")
    clock = OwnClock()
    county.police.client.clock = clock

    def slowly(_request, answer):
        clock.wait(2.0)
        return answer

    county.wire.tamper("21.example", "/log/tile/entries/", slowly)
    held = county.held("公安局", county.civil)
    county.clock.wait(ROUND_SECONDS)
    run_round(county.police, "民政局")
    assert county.held("公安局", county.civil) == 256 > held
    county.clock.wait(ROUND_SECONDS)
    run_round(county.police, "民政局")
    assert county.held("公安局", county.civil) == county.size(county.civil)


def test_a_bug_that_one_peer_has_found_does_not_end_the_round_with_the_others(county, monkeypatch, caplog):
    county.round()
    county.town.apply()
    county.publish("民政局", "财政局")
    follow = mirror.follow

    def stumble(home, peer, signed, *, cosign_it):
        if peer.name == "民政局":
            raise KeyError("something that nobody has thought of")
        return follow(home, peer, signed, cosign_it=cosign_it)

    monkeypatch.setattr(crosscheck, "follow", stumble)
    county.clock.wait(ROUND_SECONDS)
    rows = {row.name: row for row in run_round(county.police).rows}
    assert rows["民政局"].error == "internal error: KeyError"
    assert rows["财政局"].error is None
    assert "the round with 民政局 failed" in caplog.text
