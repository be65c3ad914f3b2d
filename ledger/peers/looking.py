"""Looks once at each department that we follow, and at our own doors from outside: why does something not go on?

It writes nothing. What is believed of a department is only what its own keys have signed.
"""

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from ledger.errors import LedgerError, Misconfigured
from ledger.merkle.cosignature import open_cosigned
from ledger.merkle.errors import MerkleError
from ledger.merkle.note import NOTE_BYTES_MAX
from ledger.peers.cosignatures import Cosigners
from ledger.peers.home import Home, Peer, read_peers
from ledger.peers.joining import fetch_node
from ledger.peers.standing import read_standings
from ledger.records import claims as shape
from ledger.storage import heads
from ledger.storage.engine import reading
from ledger.storage.heads import KeptCosignature

PARALLEL_MAX = 8
LOOK_SECONDS_MAX = 20.0
NETWORK_JSON_BYTES_MAX = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Told:
    """An epoch as a department names it at `/network.json`: number 0 and no name while it counts whom it follows."""

    number: int
    name: str | None


@dataclass(frozen=True, slots=True)
class Look:
    """One department as it was found, and as it finds us."""

    peer: Peer
    checked: int  # entries of its log that we have stored and checked
    witnessed: KeptCosignature | None  # the last head of ours that it has seen
    mirrored: KeptCosignature | None  # the last head of ours whose entries it has fetched and checked
    left: int = 0  # entries of its log that were more than our last round takes
    error: str | None = None  # why it could not be asked
    seconds: float = 0.0  # that it took to answer
    clock_ahead: int | None = None  # of ours, in seconds; None when it does not tell the time
    size: int | None = None  # of its log as it is published; None when it shows none that it has signed
    epoch: Told | None = None  # which members it counts; None when it does not say


def look_at_all(home: Home) -> list[Look]:
    """Look at every department that we follow, in the order of their names; raises Busy."""
    with reading(home.engine) as connection:
        peers = read_peers(connection)
        standings = {standing.origin: standing for standing in read_standings(connection)}
        cosigners = Cosigners.read(connection, home)
        roles = (heads.WITNESS, heads.MIRROR)
        said = {role: cosigners.foreign_over(connection, home.log.id, home.origin, role) for role in roles}
    known = [
        Look(
            peer,
            standings[peer.origin].checked,
            _newest(cosigners, peer, said[heads.WITNESS]),
            _newest(cosigners, peer, said[heads.MIRROR]),
            standings[peer.origin].left,
        )
        for peer in peers
    ]
    with ThreadPoolExecutor(PARALLEL_MAX) as pool:
        return [*pool.map(lambda look: _ask(home, look), known)]


def _newest(cosigners: Cosigners, peer: Peer, said: Iterable[KeptCosignature]) -> KeptCosignature | None:
    own = [one for one in said if cosigners.members[one.line.ref].origin == peer.origin]
    return max(own, key=lambda one: one.time, default=None)


def _ask(home: Home, look: Look) -> Look:
    """The same, with what it answers."""
    peer = look.peer
    known = (peer, look.checked, look.witnessed, look.mirrored, look.left)
    try:
        with home.client.within(LOOK_SECONDS_MAX):
            begun = home.client.clock()
            fetch_node(home, peer.url)
            took = home.client.clock() - begun
            answer = home.client.ask("GET", f"{peer.url}/log/checkpoint", bytes_max=NOTE_BYTES_MAX)
            epoch = _epoch(home, peer)
    except LedgerError as error:
        return Look(*known, error=str(error))
    ahead = _ahead(answer.headers.get("date", ""), home.now())
    return Look(*known, seconds=took, clock_ahead=ahead, size=_size(peer, answer.body), epoch=epoch)


def _epoch(home: Home, peer: Peer) -> Told | None:
    try:
        said = json.loads(home.client.get(f"{peer.url}/network.json", bytes_max=NETWORK_JSON_BYTES_MAX))
        epoch = said.get("epoch") if isinstance(said, dict) else None
    except (LedgerError, ValueError, RecursionError):
        return None
    if not isinstance(epoch, dict) or not shape.count(epoch.get("number")):
        return None
    name = epoch.get("name")
    return Told(int(epoch["number"]), name) if name is None or (isinstance(name, str) and shape.leaf(name)) else None


def _ahead(date: str, now: int) -> int | None:
    try:
        return round(parsedate_to_datetime(date).timestamp()) - now
    except (ValueError, OverflowError):
        return None


def _size(peer: Peer, signed: bytes) -> int | None:
    try:
        return open_cosigned(signed, peer.log_verifiers).checkpoint.size
    except MerkleError:
        return None


def look_at_ourselves(home: Home) -> int | None:
    """Ask our own doors by our public URL; returns until when their certificate is good, None over plain http.

    Raises PeerUnreachable, and Misconfigured when somebody else answers there.
    """
    found = fetch_node(home, home.public_url)
    if found.fingerprint != home.keys.fingerprint:
        raise Misconfigured(f"{home.public_url}: another node answers there: {found.name}, {found.fingerprint}")
    return home.client.certificate_ends(f"{home.public_url}/healthz")
