"""What this room needs to know of its own node, and whose keys it trusts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Connection, Engine, Row, select

from ledger.desk import Desk
from ledger.keys import HighWater, Keys
from ledger.log import OwnLog
from ledger.merkle.vkeys import Verifier, parse_vkey
from ledger.peers.client import PeerClient
from ledger.storage import schema

_peers = schema.peers.c


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


def _verifiers(vkeys: Sequence[str]) -> tuple[Verifier, ...]:
    return tuple(parse_vkey(vkey) for vkey in vkeys)


def _peer(row: Row[tuple[object, ...]]) -> Peer:
    return Peer(
        origin=row.origin,
        name=row.name,
        url=row.url,
        number_prefix=row.number_prefix,
        desk_key=row.desk_key,
        log_verifiers=_verifiers(row.log_vkeys),
        witness_verifiers=_verifiers(row.witness_vkeys),
        mirror_verifiers=_verifiers(row.mirror_vkeys),
        removed=row.removed,
        forked=row.forked,
        failures=row.failures,
        checked_at=row.checked_at,
        genesis=row.genesis,
    )


def read_peers(connection: Connection, *, with_removed: bool = False) -> list[Peer]:
    """The departments that we follow, in the order of their names."""
    rows = connection.execute(select(schema.peers).order_by(_peers.name, _peers.origin))
    return [peer for peer in map(_peer, rows) if with_removed or not peer.removed]


def read_peer(connection: Connection, origin: str) -> Peer | None:
    """One department that we follow, None when we do not (any more)."""
    row = connection.execute(select(schema.peers).where(_peers.origin == origin, ~_peers.removed)).one_or_none()
    return None if row is None else _peer(row)


def trusted_for(connection: Connection, home: Home, origin: str) -> tuple[Verifier, ...]:
    """The keys by which a log of this origin may sign, for us to cosign it: ours, a member's or a stranger's."""
    if origin == home.origin:
        return tuple(signer.verifier for signer in home.keys.log)
    peer = read_peer(connection, origin)
    if peer is not None:
        return peer.log_verifiers
    strangers = schema.witness_logs.c
    vkeys = connection.execute(select(strangers.vkey).where(strangers.origin == origin)).scalars().all()
    return _verifiers(vkeys)
