"""What this room needs to know of its own node, and whose keys it trusts."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

from sqlalchemy import Connection, Engine, Text, bindparam, cast, select

from ledger.desk import Desk
from ledger.keys import HighWater, Keys
from ledger.log import OwnLog
from ledger.merkle.vkeys import Verifier, parse_vkey
from ledger.peers.client import PeerClient
from ledger.storage import schema
from ledger.storage.prepared import Prepared

KEYS_KEPT = 256  # a department has three kinds of them

_peers, _strangers = schema.peers.c, schema.witness_logs.c

# By the names of `Peer`. The keys as the text that is stored: what is parsed once is known by it.
_VKEYS = {
    "log_verifiers": cast(_peers.log_vkeys, Text),
    "witness_verifiers": cast(_peers.witness_vkeys, Text),
    "mirror_verifiers": cast(_peers.mirror_vkeys, Text),
}
_FIELDS = {
    "origin": _peers.origin,
    "name": _peers.name,
    "url": _peers.url,
    "number_prefix": _peers.number_prefix,
    "desk_key": _peers.desk_key,
    "removed": _peers.removed,
    "forked": _peers.forked,
    "failures": _peers.failures,
    "checked_at": _peers.checked_at,
    "genesis": _peers.genesis,
    **_VKEYS,
}
_PEER = select(*_FIELDS.values())
_EVERY = Prepared(_PEER.order_by(_peers.name, _peers.origin))
_NAMED = Prepared(_PEER.where(_peers.origin == bindparam("origin"), ~_peers.removed))
_STRANGER = Prepared(select(_strangers.vkey).where(_strangers.origin == bindparam("origin")))


class Asking(Protocol):
    """Who asks others: all that is left of a node without its database."""

    @property
    def origin(self) -> str:
        """Our log's name."""
        ...

    @property
    def keys(self) -> Keys:
        """The node's keys, open."""
        ...

    @property
    def client(self) -> PeerClient:
        """How we ask others."""
        ...


class Home(Asking, Protocol):
    """Our own node, as far as its peers have to do with it."""

    @property
    def name(self) -> str:
        """The department's name."""
        ...

    @property
    def public_url(self) -> str:
        """Where others reach us, without a slash at its end."""
        ...

    @property
    def engine(self) -> Engine:
        """The node's database."""
        ...

    @property
    def high_water(self) -> HighWater:
        """What we signed last, beside the keys and never in a backup."""
        ...

    @property
    def log(self) -> OwnLog:
        """Our own log."""
        ...

    @property
    def desk(self) -> Desk:
        """Where our own records come to be."""
        ...

    @property
    def round_seconds(self) -> int:
        """How often departments check each other."""
        ...

    @property
    def now(self) -> Callable[[], int]:
        """The clock: seconds since 1970, UTC."""
        ...


@dataclass(frozen=True, slots=True)
class Peer:
    """A department that we follow, with the keys that were compared, or that took their place since."""

    origin: str
    name: str
    url: str
    number_prefix: str
    desk_key: bytes  # raw Ed25519
    log_verifiers: tuple[Verifier, ...]
    witness_verifiers: tuple[Verifier, ...]
    mirror_verifiers: tuple[Verifier, ...]
    removed: bool
    forked: bool
    failures: int
    checked_at: int | None
    genesis: bytes | None = None  # leaf of its log's first record; None: added by an older version of this program


@lru_cache(KEYS_KEPT)
def _verifiers(vkeys: str) -> tuple[Verifier, ...]:
    return tuple(map(parse_vkey, json.loads(vkeys)))


def _peer(row: Sequence[Any]) -> Peer:
    read = dict(zip(_FIELDS, row, strict=True))
    return Peer(**{**read, **{name: _verifiers(read[name]) for name in _VKEYS}})


def read_peers(connection: Connection, *, with_removed: bool = False) -> list[Peer]:
    """The departments that we follow, in the order of their names."""
    return [peer for peer in map(_peer, _EVERY.rows(connection)) if with_removed or not peer.removed]


def read_peer(connection: Connection, origin: str) -> Peer | None:
    """One department that we follow, None when we do not (any more)."""
    row = _NAMED.first(connection, {"origin": origin})
    return None if row is None else _peer(row)


def trusted_for(connection: Connection, home: Home, origin: str) -> tuple[Verifier, ...]:
    """The keys by which a log of this origin may sign, for us to cosign it: ours, a member's or a stranger's."""
    if origin == home.origin:
        return tuple(signer.verifier for signer in home.keys.log)
    peer = read_peer(connection, origin)
    if peer is not None:
        return peer.log_verifiers
    return tuple(parse_vkey(row[0]) for row in _STRANGER.rows(connection, {"origin": origin}))
