"""A small load generator: keep-alive connections that post prepared bodies, and the time each answer took.

It is the same for both sides of a comparison, and takes one of the two cores from both.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Result:
    """What a run showed."""

    seconds: float
    latencies: tuple[float, ...]  # seconds, sorted

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """The latency that this share of the requests stayed within, in seconds."""
        return self.latencies[min(len(self.latencies) - 1, int(share * len(self.latencies)))]


@dataclass(frozen=True, slots=True)
class Post:
    """One prepared request."""

    path: str
    body: bytes

    def to_bytes(self) -> bytes:
        """The request as it goes over the wire."""
        kind = "Host: 127.0.0.1\r\nContent-Type: text/xml"
        head = f"POST {self.path} HTTP/1.1\r\n{kind}\r\nContent-Length: {len(self.body)}\r\n\r\n"
        return head.encode() + self.body


@dataclass(frozen=True, slots=True)
class Get:
    """A prepared request that asks for something."""

    path: str

    def to_bytes(self) -> bytes:
        """The request as it goes over the wire."""
        return f"GET {self.path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> bytes:
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    if not status.startswith("HTTP/1.1 200"):
        raise RuntimeError(f"the server answered {status}")
    length = next(int(line.partition(":")[2]) for line in lines if line.lower().startswith("content-length:"))
    return await reader.readexactly(length)


async def _closed_loop(port: int, requests: list[bytes], latencies: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while requests:
        request = requests.pop()
        begun = time.perf_counter()
        await _ask(reader, writer, request)
        latencies.append(time.perf_counter() - begun)
    writer.close()
    await writer.wait_closed()


def at_full_load(port: int, posts: Sequence[Post | Get], connections: int = 8) -> Result:
    """Send all of them as fast as the server answers."""
    requests = [post.to_bytes() for post in reversed(posts)]
    latencies: list[float] = []

    async def run() -> None:
        await asyncio.gather(*(_closed_loop(port, requests, latencies) for _ in range(connections)))

    begun = time.perf_counter()
    asyncio.run(run())
    return Result(time.perf_counter() - begun, tuple(sorted(latencies)))


def at_rate(port: int, posts: Sequence[Post], rate: float, connections: int = 32) -> Result:
    """Post at a steady rate; latency counts from when each was due, so that waiting is not left out."""
    latencies: list[float] = []
    waiting: asyncio.Queue[tuple[float, bytes] | None] = asyncio.Queue()

    async def send() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (item := await waiting.get()) is not None:
            due, request = item
            await _ask(reader, writer, request)
            latencies.append(time.perf_counter() - due)
        writer.close()
        await writer.wait_closed()

    async def run() -> None:
        senders = [asyncio.create_task(send()) for _ in range(connections)]
        begun = time.perf_counter()
        for place, post in enumerate(posts):
            due = begun + place / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            waiting.put_nowait((due, post.to_bytes()))
        for _ in senders:
            waiting.put_nowait(None)
        await asyncio.gather(*senders)

    begun = time.perf_counter()
    asyncio.run(run())
    return Result(time.perf_counter() - begun, tuple(sorted(latencies)))
