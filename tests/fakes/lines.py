"""A line from each department to each other one, over which all goes that the one asks the other; each can be cut.

What is asked comes out at the port of who was asked, or of somebody who answers in its place.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from threading import Thread
from typing import Any

HOST = "127.0.0.1"
PIECE_BYTES = 1 << 16

Pair = tuple[str, str]  # who asks, who is asked


class Lines:
    """All lines, carried by one thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="lines")
        self._thread.start()
        self._servers: list[asyncio.Server] = []
        self._ends: dict[Pair, int] = {}
        self._cut: set[Pair] = set()
        self._open: defaultdict[Pair, set[asyncio.Task[Any]]] = defaultdict(set)

    def lay(self, asker: str, asked: str, port: int) -> int:
        """A line that ends at this port; returns the port at which it begins."""
        self._ends[asker, asked] = port
        carry = partial(self._carry, (asker, asked))
        server = self._run(asyncio.start_server(carry, HOST, 0))
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    def lead(self, askers: Iterable[str], asked: str, port: int) -> None:
        """From now on what these ask comes out at another port."""
        pairs = [(asker, asked) for asker in askers]
        self._ends.update(dict.fromkeys(pairs, port))
        self._break(pairs)

    def cut(self, some: Iterable[str], others: Iterable[str]) -> None:
        """Nobody of the one side reaches anybody of the other, and the other way round."""
        there = [*others]
        pairs = [pair for one in some for other in there for pair in ((one, other), (other, one))]
        self._cut.update(pairs)
        self._break(pairs)

    def mend(self) -> None:
        """Everybody reaches everybody."""
        self._cut.clear()

    def close(self) -> None:
        """Let all lines go."""
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, what: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(30)

    def _break(self, pairs: Iterable[Pair]) -> None:
        async def cancel() -> None:
            tasks = [task for pair in pairs for task in self._open[pair]]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        self._run(cancel())

    async def _end(self) -> None:
        for server in self._servers:
            server.close()
        tasks = [task for some in self._open.values() for task in some]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _carry(self, pair: Pair, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open[pair].add(task)
        writers = [writer]
        try:
            if pair in self._cut:
                return
            far_reader, far_writer = await asyncio.open_connection(HOST, self._ends[pair])
            writers.append(far_writer)
            both = [asyncio.create_task(_pour(*one)) for one in ((reader, far_writer), (far_reader, writer))]
            try:
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for one in both:
                    one.cancel()
                await asyncio.gather(*both, return_exceptions=True)
        except (OSError, asyncio.CancelledError):
            pass  # nobody listens there, or the line was cut: whoever asked sees it end
        finally:
            self._open[pair].discard(task)
            for each in writers:
                each.close()
                with suppress(OSError, asyncio.CancelledError):
                    await each.wait_closed()


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await reader.read(PIECE_BYTES):
            writer.write(piece)
            await writer.drain()
