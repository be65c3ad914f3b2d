"""Connections to addresses that were looked at, given up at a moment agreed beforehand.

Timeouts of HTTP libraries begin anew with each piece that arrives; whoever sends one byte of a header every four
seconds would keep us for ever. Here each wait is cut at the moment by which all of it must be over.
"""

import socket
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import local
from typing import Any, Protocol
from urllib.parse import urlsplit

import certifi
from urllib3 import BaseHTTPResponse, HTTPConnectionPool, HTTPResponse, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NewConnectionError

from ledger.errors import PeerUnreachable
from ledger.peers.addresses import Network, Resolve, check_address

ADDRESSES_MAX = 4  # of one name, that are tried one after the other
WAIT_SECONDS_MAX = 5.0  # to connect, and between two pieces of an answer
WRITE_BYTES = 16_384  # at once: the moment is looked at in between
PIECE_BYTES = 65_536
IDLE_SECONDS_MAX = 5.0  # a connection that rests longer is not used again: the other side may be closing it just now
PORTS = {"http": 80, "https": 443}

Clock = Callable[[], float]


class Moment(local):
    """By when the question that this thread is asking must be over; each thread asks one at a time."""

    at: float | None = None

    @contextmanager
    def until(self, at: float) -> Iterator[float]:
        """Nothing in this block waits longer; an earlier moment around it stays."""
        before = self.at
        self.at = at if before is None else min(at, before)
        try:
            yield self.at
        finally:
            self.at = before


@dataclass(frozen=True, slots=True)
class Opened:
    """An answer whose body is still to be read."""

    status: int
    headers: Mapping[str, str]  # by their names in lower case
    pieces: Iterator[bytes]
    certificate: Mapping[str, Any] | None = None  # what the server has shown, as `ssl` writes it; None over plain http


class Transport(Protocol):
    """What carries a question to the host that its URL names, and nowhere else."""

    @contextmanager
    def open(self, method: str, url: str, headers: Mapping[str, str], content: bytes | None) -> Iterator[Opened]:
        """Ask; raises PeerUnreachable, or an error of urllib3's."""
        ...

    def close(self) -> None:
        """Let the connections go."""
        ...


@dataclass(frozen=True, slots=True)
class Lines:
    """How connections come to be, and how long anything on them is waited for."""

    moment: Moment
    clock: Clock
    allowed: Sequence[Network]
    resolve: Resolve

    def left(self) -> float:
        """How long may be waited now, in seconds; raises TimeoutError when no time is left."""
        if self.moment.at is None:
            return WAIT_SECONDS_MAX
        left = self.moment.at - self.clock()
        if left <= 0:
            raise TimeoutError("it took too long in all")
        return min(left, WAIT_SECONDS_MAX)

    def connect(self, host: str, port: int) -> socket.socket:
        """A connection to one of the addresses that a name has now; raises OSError or PeerUnreachable."""
        failed = OSError(f"{host} has no address")
        for address in self._addresses(host, port):
            try:
                # The address, not the name: asked a second time, its owner may say another one.
                return _connected(address, port, self)
            except OSError as error:
                failed = error
        raise failed

    def _addresses(self, host: str, port: int) -> list[str]:
        """Where this name leads now; one address that is not allowed spoils them all."""
        try:
            found = list(dict.fromkeys(self.resolve(host, port)))
        except UnicodeError as error:
            raise OSError(str(error)) from error
        for address in found:
            check_address(host, address, self.allowed)
        return found[:ADDRESSES_MAX]


class PatientSocket(socket.socket):
    """A connection that looks at the moment before it waits."""

    lines: Lines

    def recv_into(self, *args: Any) -> int:
        """As every socket does; http.client reads by nothing else."""
        self.settimeout(self.lines.left())
        return super().recv_into(*args)

    def sendall(self, data: Any, flags: int = 0) -> None:
        """As every socket does."""
        for at in range(0, len(data), WRITE_BYTES):
            self.settimeout(self.lines.left())
            super().sendall(data[at : at + WRITE_BYTES], flags)


class _TlsSocket(ssl.SSLSocket):
    """The same, encrypted: `ssl` makes it, and reads and writes by these two."""

    context: "_TlsContext"

    def recv_into(self, *args: Any) -> int:
        self.settimeout(self.context.lines.left())
        return super().recv_into(*args)

    def send(self, *args: Any) -> int:
        self.settimeout(self.context.lines.left())
        return super().send(*args)


class _TlsContext(ssl.SSLContext):
    """Asks for a certificate that one of the known authorities has signed for the name, not for the address."""

    lines: Lines
    sslsocket_class = _TlsSocket


def _connected(address: str, port: int, lines: Lines) -> socket.socket:
    [(family, kind, protocol, _name, place), *_] = socket.getaddrinfo(
        address, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
    )
    made = PatientSocket(family, kind, protocol)
    try:
        made.lines = lines
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        made.settimeout(lines.left())
        made.connect(place)
    except BaseException:
        made.close()
        raise
    return made


class _Connection(HTTPConnection):
    """urllib3's connection, over one of ours."""

    def __init__(self, *args: Any, lines: Lines, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lines = lines
        self._rests_since = lines.clock()
        self.certificate: Mapping[str, Any] | None = None

    def _new_conn(self) -> socket.socket:
        try:
            return self._lines.connect(self.host, self.port)
        except OSError as error:
            raise NewConnectionError(self, str(error)) from error

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as urllib3's own
        self._rests_since = self._lines.clock()
        return super().getresponse()

    @property
    def is_connected(self) -> bool:
        """Whether it can be used once more; what comes on it unasked says no."""
        return self._lines.clock() - self._rests_since <= IDLE_SECONDS_MAX and super().is_connected


class _TlsConnection(_Connection, HTTPSConnection):
    def connect(self) -> None:
        super().connect()
        assert isinstance(self.sock, ssl.SSLSocket)
        # Now: who closes after the answer takes the connection with it.
        self.certificate = self.sock.getpeercert()


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


@dataclass(frozen=True, slots=True)
class PatientTransport:
    """urllib3's pools over such connections: it follows no redirect, keeps no cookie, tries nothing twice.

    It reads no proxy out of the environment either.
    """

    lines: Lines
    connections_max: int  # that are kept, of one host
    _pools: dict[tuple[str, str, int], HTTPConnectionPool] = field(default_factory=dict)
    _context: _TlsContext = field(init=False)

    def __post_init__(self) -> None:
        context = _TlsContext(ssl.PROTOCOL_TLS_CLIENT)
        context.lines = self.lines
        context.load_verify_locations(certifi.where())
        object.__setattr__(self, "_context", context)

    @contextmanager
    def open(self, method: str, url: str, headers: Mapping[str, str], content: bytes | None) -> Iterator[Opened]:
        """Ask; raises PeerUnreachable, an error of urllib3's, or ValueError for a URL that is none."""
        parts = urlsplit(url)
        target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        response = self._pool(parts.scheme, parts.hostname or "", parts.port).urlopen(
            method,
            target,
            content,
            headers,
            retries=False,
            redirect=False,
            assert_same_host=False,
            preload_content=False,
            decode_content=False,
        )
        connection = response.connection
        shown = connection.certificate if isinstance(connection, _Connection) else None
        names = {name.lower(): value for name, value in response.headers.items()}
        try:
            yield Opened(response.status, names, _pieces(url, response), shown)
        finally:
            if not response.closed:  # what was not read to its end would be taken for the next answer
                response.close()
            response.release_conn()

    def _pool(self, scheme: str, host: str, port: int | None) -> HTTPConnectionPool:
        key = (scheme, host, port or PORTS[scheme])
        found = self._pools.get(key)
        if found is None:
            kept: dict[str, Any] = {"maxsize": self.connections_max, "timeout": WAIT_SECONDS_MAX, "lines": self.lines}
            made = (
                _TlsPool(*key[1:], ssl_context=self._context, **kept) if scheme == "https" else _Pool(*key[1:], **kept)
            )
            found = self._pools.setdefault(key, made)
        return found

    def close(self) -> None:
        """Let the connections go."""
        for pool in self._pools.values():
            pool.close()
        self._pools.clear()


def _pieces(url: str, response: BaseHTTPResponse) -> Iterator[bytes]:
    if response.length_remaining is None and not response.chunked:
        # It would end where the connection does, wherever that is: nobody could tell a part of it from the whole.
        raise PeerUnreachable(f"{url}: an answer that does not say where it ends")
    while piece := response.read(PIECE_BYTES, decode_content=False):
        yield piece
