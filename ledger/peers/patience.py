"""Connections to addresses that were looked at, given up at a moment agreed beforehand.

Timeouts of HTTP libraries begin anew with each piece that arrives; whoever sends one byte of a header every four
seconds would keep us for ever. Here each wait is cut at the moment by which all of it must be over.
"""

import re
import select
import socket
import ssl
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPResponse
from threading import local
from typing import Any, Protocol
from urllib.parse import urlsplit, urlunsplit

import certifi

from ledger.errors import PeerUnreachable
from ledger.peers.addresses import Network, Resolve, check_address

ADDRESSES_MAX = 4  # of one name, that are tried one after the other
WAIT_SECONDS_MAX = 5.0  # to connect, and between two pieces of an answer
WRITE_BYTES = 16_384  # at once: the moment is looked at in between
PIECE_BYTES = 65_536
IDLE_SECONDS_MAX = 5.0  # a connection that rests longer is not used again: the other side may be closing it just now
PORTS = {"http": 80, "https": 443}

HTTP_1_0 = 10  # as http.client writes it

_LENGTH = re.compile(r"[ \t]*[0-9]+[ \t]*")

Clock = Callable[[], float]


class Moment(local):
    """By when the question that this thread is asking must be over, and with how much; each asks one at a time."""

    at: float | None = None
    bytes_left: int = 0  # that may still come: headers, chunks' lines and all else that is no body as well

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
        """Ask; raises PeerUnreachable, OSError, HTTPException or ValueError."""
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

    def came(self, count: int) -> int:
        """So many bytes have come; raises OSError when that is more than was agreed, whatever http.client expects."""
        self.moment.bytes_left -= count
        if self.moment.bytes_left < 0:
            raise OSError("more has come than any answer may have")
        return count

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
        return self.lines.came(super().recv_into(*args))

    def sendall(self, data: Any, flags: int = 0) -> None:
        """As every socket does."""
        for at in range(0, len(data), WRITE_BYTES):
            self.settimeout(self.lines.left())
            super().sendall(data[at : at + WRITE_BYTES], flags)


class _TlsSocket(ssl.SSLSocket):
    """The same, encrypted: `ssl` makes it, and reads and writes by these two."""

    context: "_TlsContext"

    def recv_into(self, *args: Any) -> int:
        lines = self.context.lines
        self.settimeout(lines.left())
        return lines.came(super().recv_into(*args))

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
    """http.client's connection, over one of ours."""

    def __init__(self, host: str, port: int, lines: Lines, context: _TlsContext | None) -> None:
        super().__init__(host, port)
        self.default_port = PORTS["http" if context is None else "https"]  # which `Host` leaves out
        self._lines = lines
        self._context = context
        self.rests_since = 0.0
        self.certificate: Mapping[str, Any] | None = None  # what the server has shown; None over plain http

    def connect(self) -> None:
        self.sock = self._lines.connect(self.host, self.port)
        if self._context is not None:
            self.sock.settimeout(self._lines.left())  # for all of the handshake
            self.sock = encrypted = self._context.wrap_socket(self.sock, server_hostname=self.host)
            # Now: who closes after the answer takes the connection with it.
            self.certificate = encrypted.getpeercert()

    def has_rested(self) -> bool:
        """Whether it has rested for too long."""
        return self._lines.clock() - self.rests_since > IDLE_SECONDS_MAX

    def can_be_used(self) -> bool:
        """Whether it has not, and nothing has come on it that was not asked for."""
        if self.sock is None or self.has_rested():
            return False
        looking = select.poll()
        looking.register(self.sock, select.POLLIN)
        return not looking.poll(0)


@dataclass(frozen=True, slots=True)
class PatientTransport:
    """The standard library's client over such connections, which are kept for the questions that follow.

    It follows no redirect, keeps no cookie, tries nothing twice, and reads no proxy out of the environment.
    """

    lines: Lines
    kept_max: int  # connections, to one host
    _context: _TlsContext = field(init=False)
    _kept: dict[tuple[str, str, int], deque[_Connection]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        context = _TlsContext(ssl.PROTOCOL_TLS_CLIENT)
        context.lines = self.lines
        context.load_verify_locations(certifi.where())
        object.__setattr__(self, "_context", context)

    @contextmanager
    def open(self, method: str, url: str, headers: Mapping[str, str], content: bytes | None) -> Iterator[Opened]:
        """Ask; raises PeerUnreachable, OSError, HTTPException, or ValueError for a URL that is none."""
        parts = urlsplit(url)
        place = (parts.scheme, parts.hostname or "", parts.port or PORTS[parts.scheme])
        connection = self._connection(place)
        try:
            connection.request(method, urlunsplit(("", "", parts.path or "/", parts.query, "")), content, dict(headers))
            response = connection.getresponse()
            names = {name.lower(): value for name, value in response.getheaders()}
            yield Opened(response.status, names, _pieces(url, response), connection.certificate)
            is_whole = response.isclosed()  # what was not read would be taken for the answer to the next question
        except BaseException:
            connection.close()
            raise
        self._keep(place, connection, is_whole=is_whole)

    def _connection(self, place: tuple[str, str, int]) -> _Connection:
        kept = self._kept.get(place)
        while kept:
            try:
                connection = kept.pop()
            except IndexError:  # another thread was quicker
                break
            if connection.can_be_used():
                return connection
            connection.close()
        scheme, host, port = place
        return _Connection(host, port, self.lines, self._context if scheme == "https" else None)

    def _keep(self, place: tuple[str, str, int], connection: _Connection, *, is_whole: bool) -> None:
        self._close_rested()
        kept = self._kept.setdefault(place, deque())
        if not is_whole or connection.sock is None or len(kept) >= self.kept_max:
            connection.close()
            return
        connection.rests_since = self.lines.clock()
        kept.append(connection)

    def _close_rested(self) -> None:
        """Those of hosts that nobody asks any more, too."""
        for kept in [*self._kept.values()]:
            with suppress(IndexError):  # another thread was quicker
                while kept[0].has_rested():
                    kept.popleft().close()

    def close(self) -> None:
        """Let the connections go."""
        for kept in self._kept.values():
            while kept:
                kept.pop().close()


def _pieces(url: str, response: HTTPResponse) -> Iterator[bytes]:
    """The body: http.client reads it, but takes what it is given for the whole, and the first of several lengths."""
    lengths = response.headers.get_all("Content-Length", [])
    is_told = response.chunked or response.length is not None or _ends_with_connection(response)
    if not is_told or len(lengths) > 1 or not all(map(_LENGTH.fullmatch, lengths)):
        raise PeerUnreachable(f"{url}: an answer that does not say where it ends")
    while piece := response.read(PIECE_BYTES):
        yield piece
    if response.length:
        raise PeerUnreachable(f"{url}: an answer that lacks its last {response.length} bytes")


def _ends_with_connection(response: HTTPResponse) -> bool:
    """Whether it says so (RFC 9112 §6.3). Then a part of it may look like the whole: what is in it must show that."""
    return response.version == HTTP_1_0 or response.headers.get("Connection", "").strip().lower() == "close"
