"""What other departments hold of our own log: heads that bear our signature, and up to where their mirrors can show it.

A head without our own signature is nobody's word. One that bears it and that we did not make says that somebody else
has our key.
"""

import logging
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ledger.errors import LedgerError, PeerUnreachable
from ledger.merkle.cosignature import open_cosigned
from ledger.merkle.errors import MerkleError
from ledger.merkle.note import NOTE_BYTES_MAX, format_note
from ledger.peers.evidence import Head
from ledger.peers.home import Asking, Home, Peer, read_peers
from ledger.peers.witness import hash_of_origin
from ledger.storage.engine import reading

PARALLEL_MAX = 8
ASK_SECONDS_MAX = 20.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Said:
    """What one department says that we have signed."""

    peer: Peer
    witnessed: Head | None  # the last head of ours that its witness cosigned
    mirrored: Head | None  # the last head of ours all entries of which it holds and serves

    @property
    def heads(self) -> tuple[Head, ...]:
        """Both, as far as there are any."""
        return tuple(head for head in (self.witnessed, self.mirrored) if head is not None)


def ask_all(home: Home) -> list[Said]:
    """Ask every department that we follow; who does not answer, or holds nothing that we signed, is left out."""
    with reading(home.engine) as connection:
        peers = read_peers(connection)
    return ask_these(home, peers)


def ask_these(home: Asking, peers: Sequence[Peer]) -> list[Said]:
    """The same of these departments. Nothing of what is known of them is believed but where they are."""
    with ThreadPoolExecutor(PARALLEL_MAX) as pool:
        said = pool.map(lambda peer: _ask(home, peer), peers)
        return [one for one in said if one.heads]


def _ask(home: Asking, peer: Peer) -> Said:
    with home.client.within(ASK_SECONDS_MAX):
        return Said(peer, _held(home, peer, "witness"), _held(home, peer, "mirror"))


def _held(home: Asking, peer: Peer, role: str) -> Head | None:
    try:
        return held_by(home, peer, role)
    except LedgerError as error:
        _log.info("%s: %s", peer.name, error)
        return None


def held_by(home: Asking, peer: Peer, role: str) -> Head | None:
    """The head of ours that a peer's witness or mirror shows, None when it shows none; raises PeerUnreachable."""
    url = f"{peer.url}/{role}/{hash_of_origin(home.origin)}/checkpoint"
    signed = home.client.get_if_any(url, bytes_max=NOTE_BYTES_MAX)
    if signed is None:
        return None
    try:
        opened = open_cosigned(signed, [signer.verifier for signer in home.keys.log])
    except MerkleError as error:
        raise PeerUnreachable(f"{url}: no checkpoint of ours: {error}") from error
    checkpoint = opened.checkpoint
    note = format_note(checkpoint.text(), opened.log_lines)
    return Head(home.origin, checkpoint.size, checkpoint.root, note)


def needed(departments: int) -> int:
    """How many must have said what they hold: one more than may lie."""
    return (departments - 1) // 3 + 1


def note_strange(home: Home, heads: Iterable[Head]) -> bool:
    """Sound the alarm over heads beyond all that we have ever signed; whether there is any. Raises MarkLost or Busy."""
    mark = home.high_water.log_head()
    strange = [head for head in heads if mark is None or head.size > mark[0]]
    for head in strange:
        if home.high_water.note_strange(head.size, head.root):
            _log.error(
                "a head of size %d bears our log's signature, and we did not make it: is its key stolen?", head.size
            )
    return bool(strange)
