"""A connection to an address that was looked at, given up at a moment agreed beforehand.

Timeouts of HTTP libraries begin anew with each piece that arrives; whoever sends one byte of a header every four
seconds would keep us for ever. Here each wait is cut at the moment by which all of it must be over.
"""

import select
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader, RawIOBase
from socket import IPPROTO_TCP, TCP_NODELAY, create_connection, socket
from threading import Lock, local
from typing import Any

import httpx

from ledger.peers.addresses import Network, Resolve, check_address, resolve
from ledger.peers.http11 import Head, MalformedAnswer, Source, format_question, read_body, read_head

ADDRESSES_MAX = 4  # of one name, that are tried one after the other
WAIT_SECONDS = 5.0  # to connect, and between two pieces of an answer
IDLE_SECONDS = 5.0  # that a connection is kept after an answer
READ_BYTES = 64 * 1024  # at once
WRITE_BYTES = 4_096  # at once: the moment is looked at in between

_PORTS = {"http": 80, "https": 443}

Clock = Callable[[], float]
Place = tuple[str, str, int]  # scheme, host, port


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
class _Patience:
    """How long this thread may still wait for anything."""

    moment: Moment
    clock: Clock

    def left(self, over: type[httpx.TimeoutException]) -> float:
        """Raises `over` when no time is left."""
        if self.moment.at is None:
            return WAIT_SECONDS
        left = self.moment.at - self.clock()
        if left <= 0:
            raise over("it took too long in all")
        return min(left, WAIT_SECONDS)


class PatientTransport(httpx.BaseTransport):
    """Carries questions to the address that a name has, over connections that are kept a while. Safe among threads."""

    def __init__(
        self,
        moment: Moment,
        clock: Clock,
        idle_max: int,
        allowed: Sequence[Network],
        resolve: Resolve = resolve,
    ) -> None:
        self._patience = _Patience(moment, clock)
        self._idle_max = idle_max
        self._allowed = allowed
        self._resolve = resolve
        self._tls = httpx.create_ssl_context(trust_env=False)
        self._tls.set_alpn_protocols(["http/1.1"])
        self._idle: list[_Line] = []
        self._lock = Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Ask, and return the answer with its body still to be read; raises httpx.TransportError."""
        url = request.url
        place = url.scheme, url.raw_host.decode("ascii"), url.port or _PORTS[url.scheme]
        line = self._take(place) or self._connect(place)
        source = BufferedReader(_Incoming(line), READ_BYTES)
        try:
            method = request.method.encode("ascii")
            question = format_question(method, url.raw_path, request.headers.raw, request.read())
            with _as_httpx():
                line.write(question)
                head = read_head(source, request.method)
        except BaseException:
            line.end()
            raise
        body = _Body(line, source, head, self._give_back)
        return httpx.Response(head.status, headers=[*head.headers], stream=body, extensions={"tls": line.tls})

    def close(self) -> None:
        """Let the connections go."""
        with self._lock:
            idle, self._idle = self._idle, []
        for line in idle:
            line.end()

    def _take(self, place: Place) -> "_Line | None":
        """A connection that is kept, if it is still good for another question."""
        while True:
            with self._lock:
                line = next((line for line in self._idle if line.place == place), None)
                if line is None:
                    return None
                self._idle.remove(line)
            if line.is_good(self._patience.clock()):
                return line
            line.end()

    def _give_back(self, line: "_Line") -> None:
        line.idle_since = self._patience.clock()
        with self._lock:
            self._idle.append(line)
            old = self._idle.pop(0) if len(self._idle) > self._idle_max else None
        if old is not None:
            old.end()

    def _connect(self, place: Place) -> "_Line":
        scheme, host, port = place
        failed: Exception = httpx.ConnectError(f"{host} has no address")
        for address in self._addresses(host, port):
            try:
                # The address, not the name: asked a second time, its owner may say another one.
                inner = create_connection((address, port), self._patience.left(httpx.ConnectTimeout))
            except OSError as error:
                failed = httpx.ConnectError(str(error))
                continue
            inner.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
            return _Line(place, self._secure(inner, host) if scheme == "https" else inner, self._patience)
        raise failed

    def _addresses(self, host: str, port: int) -> list[str]:
        """Where this name leads now; one address that is not allowed spoils them all."""
        try:
            found = list(dict.fromkeys(self._resolve(host, port)))
        except (OSError, UnicodeError) as error:
            raise httpx.ConnectError(str(error)) from error
        for address in found:
            check_address(host, address, self._allowed)
        return found[:ADDRESSES_MAX]

    def _secure(self, inner: socket, host: str) -> ssl.SSLSocket:
        try:
            inner.settimeout(self._patience.left(httpx.ConnectTimeout))  # of the handshake as a whole
            return self._tls.wrap_socket(inner, server_hostname=host)
        except BaseException as error:
            inner.close()
            if isinstance(error, OSError):
                raise httpx.ConnectError(str(error)) from error
            raise


@dataclass(slots=True, eq=False)
class _Line:
    """A connection whose every wait ends at the moment."""

    place: Place
    inner: socket
    patience: _Patience
    idle_since: float = 0.0

    @property
    def tls(self) -> ssl.SSLSocket | None:
        return self.inner if isinstance(self.inner, ssl.SSLSocket) else None

    def is_good(self, now: float) -> bool:
        """Whether it is kept not too long, and nobody has closed it or said something unasked."""
        if now - self.idle_since > IDLE_SECONDS:
            return False
        heard = select.poll()
        heard.register(self.inner, select.POLLIN)
        return not heard.poll(0)

    def write(self, data: bytes) -> None:
        for at in range(0, len(data), WRITE_BYTES):
            self.inner.settimeout(self.patience.left(httpx.WriteTimeout))
            try:
                self.inner.sendall(data[at : at + WRITE_BYTES])
            except TimeoutError as error:
                raise httpx.WriteTimeout(str(error)) from error

    def end(self) -> None:
        self.inner.close()


class _Incoming(RawIOBase):
    def __init__(self, line: _Line) -> None:
        self._line = line

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._line.inner.settimeout(self._line.patience.left(httpx.ReadTimeout))
        return self._line.inner.recv_into(buffer)


@dataclass(slots=True)
class _Body(httpx.SyncByteStream):
    """What follows an answer's head. Read to its end, it gives the connection back; closed before, it ends it."""

    line: _Line
    source: Source
    head: Head
    give_back: Callable[[_Line], None]
    is_over: bool = False

    def __iter__(self) -> Iterator[bytes]:
        with _as_httpx():
            yield from read_body(self.source, self.head)
        self.is_over = True

    def close(self) -> None:
        (self.give_back if self.is_over and not self.head.is_last else _Line.end)(self.line)


@contextmanager
def _as_httpx() -> Iterator[None]:
    """What goes wrong on a connection, in httpx's words."""
    try:
        yield
    except TimeoutError as error:
        raise httpx.ReadTimeout(str(error)) from error
    except OSError as error:
        raise httpx.ReadError(str(error)) from error
    except MalformedAnswer as error:
        raise httpx.RemoteProtocolError(str(error)) from error
