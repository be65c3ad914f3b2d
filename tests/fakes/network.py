"""A network in memory: hosts that answer, get lost, answer something else, or show another face."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager

import httpx

from ledger.peers.patience import Opened

Site = Callable[[httpx.Request], httpx.Response]
Change = Callable[[httpx.Request, httpx.Response], httpx.Response]


class Drip(httpx.SyncByteStream):
    """A body that comes piece by piece, as bodies do; `before_each` may let time go by."""

    def __init__(self, pieces: Iterable[bytes], before_each: Callable[[], object] = lambda: None) -> None:
        self._pieces = pieces
        self._before_each = before_each

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self._before_each()
            yield piece


def _streamed(answer: httpx.Response) -> httpx.Response:
    content = answer.read()
    pieces = [content[at : at + 65536] for at in range(0, len(content), 65536)]
    return httpx.Response(answer.status_code, headers=answer.headers, stream=Drip(pieces))


class Carrier(httpx.BaseTransport):
    """What answers httpx's requests, as it carries those of a node."""

    @contextmanager
    def open(self, method: str, url: str, headers: Mapping[str, str], content: bytes | None) -> Iterator[Opened]:
        try:
            answer = self.handle_request(httpx.Request(method, url, headers=dict(headers), content=content))
        except httpx.TransportError as error:
            raise OSError(str(error)) from error
        with closing(answer):
            pieces = iter([answer.content]) if answer.is_stream_consumed else answer.iter_raw()
            yield Opened(answer.status_code, dict(answer.headers), pieces)


class Wire(Carrier):
    """Carries every client's requests to the host they name, as real connections would."""

    def __init__(self) -> None:
        self.sites: dict[str, Site] = {}
        self.asked: list[httpx.Request] = []
        self._lost: set[str] = set()
        self._changes: list[tuple[str, str, Change]] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.asked.append(request)
        host = request.url.host
        if host in self._lost or host not in self.sites:
            raise httpx.ConnectError(f"{host} does not answer", request=request)
        answer = self.sites[host](request)
        for where, path, change in self._changes:
            if where == host and path in request.url.path:
                answer = change(request, answer)
        return answer if isinstance(answer.stream, Drip) else _streamed(answer)

    def host(self, name: str, site: Site) -> None:
        self.sites[name] = site

    def lose(self, name: str) -> None:
        """The host stops answering."""
        self._lost.add(name)

    def find(self, name: str) -> None:
        """The host answers again."""
        self._lost.discard(name)

    def tamper(self, name: str, path: str, change: Change) -> None:
        """Whatever this host answers for paths that contain `path` is changed on its way."""
        self._changes.append((name, path, change))

    def behave(self) -> None:
        """Everything is carried as it is again."""
        self._changes.clear()

    def paths(self, name: str) -> list[str]:
        """What this host was asked for, in order."""
        return [request.url.path for request in self.asked if request.url.host == name]


def body(content: bytes) -> Change:
    """Another body in place of the true one."""
    return lambda _request, answer: httpx.Response(answer.status_code, content=content)


def status(code: int, **headers: str) -> Change:
    """Another status in place of the true answer."""
    return lambda _request, _answer: httpx.Response(code, headers=headers)


def flip(at: int) -> Change:
    """One flipped bit in the body."""

    def change(_request: httpx.Request, answer: httpx.Response) -> httpx.Response:
        raw = bytearray(answer.read())
        raw[at % len(raw)] ^= 1
        return httpx.Response(answer.status_code, content=bytes(raw))

    return change
