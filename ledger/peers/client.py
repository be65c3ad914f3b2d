"""Asks other nodes over HTTP, and never waits, reads or follows further than was agreed beforehand.

A peer may be hostile, or merely ill: every answer has a size it may not exceed and a moment by which it must be
complete, and no answer sends us somewhere else.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from http.client import HTTPException
from ipaddress import ip_address
from ssl import cert_time_to_seconds
from threading import Lock
from time import monotonic
from typing import Self
from urllib.parse import urlsplit

from ledger.errors import Misconfigured, PeerUnreachable
from ledger.peers.addresses import LOOPBACK_NETWORKS, PRIVATE_NETWORKS, Network, Resolve, resolve
from ledger.peers.patience import Lines, Moment, Opened, PatientTransport, Transport

ANSWER_SECONDS_MAX = 15.0  # a whole answer, its headers too, however steadily it drips
QUESTIONS_A_HOST_MAX = 4  # at once: a host that answers none of them must not take the connections of the others
OVERHEAD_BYTES_MAX = 1024 * 1024  # of an answer, beside a body of twice its size: headers, and the lines of chunks
ERROR_BYTES_MAX = 4096  # what is read of an answer that says no
URLS_KEPT = 1_024  # each round asks the same ones

# Nothing compressed: a small answer that unpacks into a huge one is no small answer.
_HEADERS = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "onetrip"}


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it came, its body complete."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class PeerClient:
    """One client for all peers: it keeps connections open between the questions of a round. Safe among threads.

    No answer can redirect it, set a cookie or ask for a password, and no proxy in somebody's shell is among the
    ledger's settings.
    """

    def __init__(
        self,
        own_url: str,
        *,
        networks: Sequence[Network] = (),
        resolve: Resolve = resolve,
        transport: Transport | None = None,
        clock: Callable[[], float] = monotonic,
        seconds_max: float = ANSWER_SECONDS_MAX,
    ) -> None:
        """`own_url` decides whether plain http is spoken: only a node that is itself on loopback does.

        Only such a one asks on its own machine and in every private network; others ask at public addresses, and in the
        private networks named by `networks`.
        """
        self._plain_allowed = is_loopback(own_url)
        allowed = (*LOOPBACK_NETWORKS, *PRIVATE_NETWORKS) if self._plain_allowed else networks
        self.clock = clock
        self._seconds_max = seconds_max
        self._moment = Moment()
        self._under_way: Counter[str] = Counter()
        self._lock = Lock()
        lines = Lines(self._moment, clock, allowed, resolve)
        self._transport = transport or PatientTransport(lines, QUESTIONS_A_HOST_MAX)

    def get(self, url: str, *, bytes_max: int) -> bytes:
        """Return the body of a 200 answer; raises PeerUnreachable for everything else."""
        return self._expect_ok(url, self.ask("GET", url, bytes_max=bytes_max))

    def get_if_any(self, url: str, *, bytes_max: int) -> bytes | None:
        """Return the body of a 200 answer, None for a 404; raises PeerUnreachable for everything else."""
        answer = self.ask("GET", url, bytes_max=bytes_max)
        return None if answer.status == HTTPStatus.NOT_FOUND else self._expect_ok(url, answer)

    def ask(
        self,
        method: str,
        url: str,
        *,
        bytes_max: int,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Ask, and return whatever status comes back; raises PeerUnreachable when no whole answer does."""
        with self._asking(method, url, content, headers, bytes_max) as (response, deadline):
            body = self._read(url, response, bytes_max if 200 <= response.status < 300 else ERROR_BYTES_MAX, deadline)
            return Answer(response.status, response.headers, body)

    def certificate_ends(self, url: str) -> int | None:
        """Until when the certificate that a server shows is good; None over plain http. Raises PeerUnreachable."""
        with self._asking("HEAD", url) as (response, _deadline):
            shown = response.certificate
            return None if shown is None else int(cert_time_to_seconds(shown["notAfter"]))

    @contextmanager
    def _asking(
        self,
        method: str,
        url: str,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        bytes_max: int = 0,
    ) -> Iterator[tuple[Opened, float]]:
        """An answer whose body is still to be read, and by when."""
        self.check_url(url)
        said = {**_HEADERS, **(headers or {})}
        self._moment.bytes_left = 2 * bytes_max + OVERHEAD_BYTES_MAX
        try:
            with (
                self._turn(url),
                self._moment.until(self.clock() + self._seconds_max) as deadline,
                self._transport.open(method, url, said, content) as response,
            ):
                yield response, deadline
        except (HTTPException, OSError, ValueError) as error:
            raise PeerUnreachable(f"{url}: did not answer ({type(error).__name__})") from error

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """All that this thread asks in this block is over after so many seconds; what is left then is unreachable."""
        with self._moment.until(self.clock() + seconds):
            yield

    def until(self) -> float:
        """By when, on `clock`, all that this thread asks must be over: for another thread that asks on its behalf."""
        return math.inf if self._moment.at is None else self._moment.at

    @contextmanager
    def _turn(self, url: str) -> Iterator[None]:
        host = urlsplit(url).netloc
        with self._lock:
            if self._under_way[host] >= QUESTIONS_A_HOST_MAX:
                raise PeerUnreachable(f"{url}: has not answered {QUESTIONS_A_HOST_MAX} earlier questions yet")
            self._under_way[host] += 1
        try:
            yield
        finally:
            with self._lock:
                self._under_way[host] -= 1

    def check_url(self, url: str) -> None:
        """Raise Misconfigured unless the URL may be asked at all."""
        scheme = url.partition("://")[0]
        if scheme == "https" or (scheme == "http" and self._plain_allowed and is_loopback(url)):
            return
        raise Misconfigured(
            f"{url}: a peer is asked over https; that node's ONETRIP_PUBLIC_URL must begin with https://"
        )

    def close(self) -> None:
        """Let the connections go."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_reason: object) -> None:
        self.close()

    def _read(self, url: str, response: Opened, bytes_max: int, deadline: float) -> bytes:
        if response.headers.get("content-encoding", "identity") != "identity":
            raise PeerUnreachable(f"{url}: answered compressed though we asked it not to")
        body = bytearray()
        for piece in response.pieces:
            body += piece
            if len(body) > bytes_max:
                raise PeerUnreachable(f"{url}: an answer of more than {bytes_max} bytes")
            if self.clock() > deadline:
                raise PeerUnreachable(f"{url}: not complete after {self._seconds_max:.0f} s")
        return bytes(body)

    @staticmethod
    def _expect_ok(url: str, answer: Answer) -> bytes:
        if answer.status != HTTPStatus.OK:
            raise PeerUnreachable(f"{url}: answered {answer.status}")
        return answer.body


@lru_cache(URLS_KEPT)
def is_loopback(url: str) -> bool:
    """Whether a URL names this very machine."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or host.endswith(".localhost") or ip_address(host).is_loopback
    except ValueError:
        return False
