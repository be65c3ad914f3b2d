"""Fetches a peer's tiles and entries, in the layout that any log of this kind has (c2sp.org/tlog-tiles)."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from ledger.errors import PeerUnreachable
from ledger.merkle.errors import MalformedTile
from ledger.merkle.hashing import ENTRY_BYTES_MAX, HASH_BYTES
from ledger.merkle.tiles import TILE_BYTES, TILE_WIDTH, Bundle, Tile, bundle_path, parse_bundle, tile_path
from ledger.peers.client import PeerClient
from ledger.peers.home import Peer

BUNDLE_BYTES_MAX = TILE_WIDTH * (2 + ENTRY_BYTES_MAX)
FETCHED_SECONDS_MAX = 25.0  # likewise: what has come by then is checked and kept, and the next round goes on from there
BUNDLES_AHEAD = 2  # each of up to 16 MiB
FETCHED_BYTES_MAX = 96 * 1024 * 1024  # of one peer in a round


OWN_LOG = "log"  # below a node's URL; what it mirrors lies elsewhere


def fetch_tile(client: PeerClient, peer: Peer, tile: Tile, *, below: str = OWN_LOG) -> bytes:
    """A tile as the peer serves it, unverified; raises PeerUnreachable."""
    url = f"{peer.url}/{below}"
    data = _fetch(client, f"{url}/{tile_path(tile)}", f"{url}/{tile_path(Tile(tile.level, tile.index))}", TILE_BYTES)
    if len(data) < tile.width * HASH_BYTES:
        raise PeerUnreachable(f"{peer.origin}: {len(data)} bytes for {tile_path(tile)}")
    return data[: tile.width * HASH_BYTES]


def fetch_entries(
    client: PeerClient, peer: Peer, start: int, size: int, *, count_max: int, below: str = OWN_LOG
) -> list[bytes]:
    """Entries of a log of `size`, from `start` on and unverified, as many as one round takes; raises PeerUnreachable.

    They end at a full bundle or at the log's end.
    """
    bundles = fetch_bundles(client, peer, start, size, count_max=count_max, below=below)
    return [entry for bundle in bundles for entry in bundle]


def fetch_bundles(
    client: PeerClient, peer: Peer, start: int, size: int, *, count_max: int, below: str = OWN_LOG
) -> Iterator[list[bytes]]:
    """The same, each bundle when it is asked for; of the first only what begins at `start`."""
    count = weight = 0
    until = client.clock() + FETCHED_SECONDS_MAX
    while start + count < size and count < count_max and weight < FETCHED_BYTES_MAX:
        if count and client.clock() > until:
            break
        first = start + count
        index = first // TILE_WIDTH
        bundle = Bundle(index, min(size - index * TILE_WIDTH, TILE_WIDTH))
        some = _fetch_bundle(client, peer, bundle, below)[first % TILE_WIDTH :]
        count += len(some)
        weight += sum(map(len, some))
        yield some


@contextmanager
def fetching_ahead(client: PeerClient, bundles: Iterator[list[bytes]]) -> Iterator[Iterator[list[bytes]]]:
    """The same bundles, fetched in a thread of their own, a few before they are asked for."""
    until = client.until()

    def fetch() -> list[bytes] | None:
        with client.within(until - client.clock()):
            return next(bundles, None)

    def each() -> Iterator[list[bytes]]:
        waiting = deque(thread.submit(fetch) for _ in range(BUNDLES_AHEAD))
        while (some := waiting.popleft().result()) is not None:
            waiting.append(thread.submit(fetch))
            yield some

    thread = ThreadPoolExecutor(1)
    try:
        yield each()
    finally:
        thread.shutdown(cancel_futures=True)


def _fetch_bundle(client: PeerClient, peer: Peer, bundle: Bundle, below: str) -> list[bytes]:
    url = f"{peer.url}/{below}"
    partial = client.get_if_any(f"{url}/{bundle_path(bundle)}", bytes_max=BUNDLE_BYTES_MAX)
    try:
        if partial is not None:
            return parse_bundle(partial, bundle.width)
        # A partial bundle may go once the full one exists (tlog-tiles, Partial Tiles).
        whole = client.get(f"{url}/{bundle_path(Bundle(bundle.index))}", bytes_max=BUNDLE_BYTES_MAX)
        return parse_bundle(whole, TILE_WIDTH)[: bundle.width]
    except MalformedTile as error:
        raise PeerUnreachable(f"{peer.origin}: {error}") from error


def _fetch(client: PeerClient, url: str, full_url: str, bytes_max: int) -> bytes:
    partial = client.get_if_any(url, bytes_max=bytes_max)
    return partial if partial is not None else client.get(full_url, bytes_max=bytes_max)
