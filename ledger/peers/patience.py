"""A connection to an address that was looked at, given up at a moment agreed beforehand.

Timeouts of HTTP libraries begin anew with each piece that arrives; whoever sends one byte of a header every four
seconds would keep us for ever. Here each wait is cut at the moment by which all of it must be over.
"""

import ssl
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from threading import local
from typing import Any

import httpcore
import httpx

from ledger.peers.addresses import Network, Resolve, check_address, resolve

ADDRESSES_MAX = 4  # of one name, that are tried one after the other
WRITE_BYTES = 4_096  # at once: the moment is looked at in between

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


class PatientTransport(httpx.HTTPTransport):
    """httpx's transport over connections that look at the moment, and at the address that a name has."""

    def __init__(
        self,
        moment: Moment,
        clock: Clock,
        connections_max: int,
        allowed: Sequence[Network],
        resolve: Resolve = resolve,
    ) -> None:
        super().__init__(trust_env=False)
        # httpx lets nobody say how its pool connects; httpcore, below it, does.
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(trust_env=False),
            max_connections=connections_max,
            max_keepalive_connections=connections_max,
            keepalive_expiry=httpx.Limits().keepalive_expiry,
            network_backend=_Backend(moment, clock, allowed, resolve),
        )


class _Backend(httpcore.SyncBackend):
    def __init__(self, moment: Moment, clock: Clock, allowed: Sequence[Network], resolve: Resolve) -> None:
        self._moment = moment
        self._clock = clock
        self._allowed = allowed
        self._resolve = resolve

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        failed: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in self._addresses(host, port):
            seconds = self.left(timeout, httpcore.ConnectTimeout)
            try:
                # The address, not the name: asked a second time, its owner may say another one.
                stream = super().connect_tcp(address, port, seconds, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
            else:
                return _Stream(stream, self)
        raise failed

    def _addresses(self, host: str, port: int) -> list[str]:
        """Where this name leads now; one address that is not allowed spoils them all."""
        try:
            found = list(dict.fromkeys(self._resolve(host, port)))
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(str(error)) from error
        for address in found:
            check_address(host, address, self._allowed)
        return found[:ADDRESSES_MAX]

    def left(self, timeout: float | None, over: type[httpcore.TimeoutException]) -> float | None:
        """How long may still be waited; raises `over` when no time is left."""
        if self._moment.at is None:
            return timeout
        left = self._moment.at - self._clock()
        if left <= 0:
            raise over("it took too long in all")
        return left if timeout is None else min(left, timeout)


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream, backend: _Backend) -> None:
        self._inner = inner
        self._left = backend.left
        self._backend = backend

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for at in range(0, len(buffer), WRITE_BYTES):
            self._inner.write(buffer[at : at + WRITE_BYTES], self._left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        seconds = self._left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, seconds), self._backend)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
