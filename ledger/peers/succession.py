"""Goes over from a department's log that ended to the one that takes its place, when an operator has decided so.

The new log's first record names the old one, and the last size and root of it that count. That is held against our own
copy: what we have stored of the old log, and what is still missing of it up to there, must lead to that root.
"""

from functools import partial

from ledger.errors import Misconfigured, PeerUnreachable, Rejected
from ledger.merkle.cosignature import open_cosigned
from ledger.merkle.errors import MerkleError
from ledger.merkle.hashing import Hash, as_hash
from ledger.merkle.note import NOTE_BYTES_MAX
from ledger.merkle.proofs import root_at
from ledger.merkle.tiles import tile_node
from ledger.peers.catching_up import catch_up_all
from ledger.peers.evidence import Head
from ledger.peers.fetching import fetch_tile
from ledger.peers.home import Home, Peer, read_peers
from ledger.peers.joining import Introduction, add_peer, check_words, fetch_node, fetch_proven, remove_peer
from ledger.records.statement import check_schema, parse_record
from ledger.storage import entries
from ledger.storage.engine import reading


def take_over(home: Home, url: str, words: str, old_name: str) -> Peer:
    """Follow the log at this URL in the place of the department of that name.

    Raises FingerprintDiffers, Misconfigured, PeerUnreachable, Refused or Busy. Until the last step the old one is
    followed as before, and the same command again completes what was begun.
    """
    # 1. The new log goes on from where our copy of the old one ends.
    old = check_successor(home, url, words, old_name)
    # 2. From here on it is the other one.
    if not old.removed:
        remove_peer(home, old.origin, succeeded=True)
    return add_peer(home, url, words)


def check_successor(home: Home, url: str, words: str, old_name: str) -> Peer:
    """Check that the log at this URL takes the place of the department of that name; returns the old one.

    Nobody is followed for it: our own log may have ended as well. Raises FingerprintDiffers, Misconfigured,
    PeerUnreachable or Busy.
    """
    with reading(home.engine) as connection:
        known = read_peers(connection, with_removed=True)
    old = next((peer for peer in known if old_name in {peer.name, peer.origin}), None)
    if old is None:
        raise Misconfigured(f"{old_name}: no department of this name was ever followed; `peers list` shows them")
    # 1. The new log, whose words were compared, says of itself that it takes this one's place, and from where.
    found = fetch_node(home, url)
    check_words(found, words)
    size, root = _fetch_claim(home, found, old.origin)
    # 2. Up to there the old one is what we have stored, or can still get.
    _check_end(home, old, size, root)
    return old


def _check_end(home: Home, old: Peer, size: int, root: Hash) -> None:
    with reading(home.engine) as connection:
        log_id = entries.find_log(connection, old.origin)
        held = 0 if log_id is None else entries.read_edge(connection, log_id).size
    if log_id is None:
        raise Misconfigured(f"{old.origin}: nothing of it is stored here, so that nothing can be compared")
    if held < size:
        read = tile_node(partial(fetch_tile, home.client, old), size)
        catch_up_all(home, old, log_id, Head(old.origin, size, root, b""), read)
    with reading(home.engine) as connection:
        held = entries.read_edge(connection, log_id).size
        found = root_at(size, entries.node_reader(connection, log_id, held)) if held >= size else None
    if found != root:
        raise Misconfigured(f"{old.origin}: our copy has another root at size {size} than its successor says")


def _fetch_claim(home: Home, found: Introduction, old: str) -> tuple[int, Hash]:
    """Size and root at which, by a log's first record, the log of the origin `old` ended.

    Raises PeerUnreachable; Misconfigured when it says nothing of the kind.
    """
    peer = found.peer()
    signed = home.client.get(f"{found.url}/log/checkpoint", bytes_max=NOTE_BYTES_MAX)
    try:
        head = open_cosigned(signed, peer.log_verifiers).checkpoint
        genesis = parse_record(fetch_proven(home, peer, head, 0))
        check_schema(genesis)
    except (MerkleError, Rejected) as error:
        raise PeerUnreachable(f"{found.url}: its log does not begin with a record: {error}") from error
    claim = genesis.clear.get("successor_of")
    if claim is None or claim["log"] != old:
        raise Misconfigured(f"{found.origin}: its first record does not say that it takes the place of {old}")
    return claim["size"], as_hash(bytes.fromhex(claim["root"]))
