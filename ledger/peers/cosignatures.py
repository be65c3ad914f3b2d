"""Knows every member's cosigning keys, and keeps what they say: published checkpoints and the line of trust show it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self

from sqlalchemy import Connection, text

from ledger.merkle.checkpoint import Checkpoint
from ledger.merkle.cosignature import Cosignature
from ledger.merkle.messages import TIME_BYTES
from ledger.merkle.note import SignatureLine
from ledger.merkle.vkeys import KeyRef, Verifier
from ledger.peers.home import Home, Peer, read_peers
from ledger.storage import facts, heads
from ledger.storage.heads import KeptCosignature
from ledger.storage.prepared import Prepared

NETWORKS_KEPT = 16
AHEAD_SECONDS_MAX = 300  # by which another department's clock may be ahead of ours

# The newest of each key. One that is older or covers less never takes its place: answers may overtake each other.
_KEEP = Prepared(
    text(
        "INSERT INTO cosignatures (log_id, name, key_id, role, size, root, time, line)"
        " VALUES (:log_id, :name, :key_id, :role, :size, :root, :time, :line)"
        " ON CONFLICT (log_id, name, key_id) DO UPDATE"
        " SET role = excluded.role, size = excluded.size, root = excluded.root,"
        " time = excluded.time, line = excluded.line"
        " WHERE excluded.time >= cosignatures.time AND excluded.size >= cosignatures.size"
    )
)


@dataclass(frozen=True, slots=True)
class Member:
    """What a cosigner's key says, and for which department."""

    role: str  # heads.WITNESS or heads.MIRROR
    origin: str  # of that department's own log


@dataclass(frozen=True, slots=True)
class Cosigners:
    """The keys of every member, our own among them."""

    verifiers: tuple[Verifier, ...]
    members: Mapping[KeyRef, Member]
    latest: int  # a time after this one has not come yet

    @classmethod
    def read(cls, connection: Connection, home: Home) -> Self:
        """Gather them."""
        return cls.of(home, read_peers(connection))

    @classmethod
    def of(cls, home: Home, peers: Iterable[Peer]) -> Self:
        """Gather ours and those of these departments."""
        witness, mirror = (tuple(key.verifier for key in keys) for keys in (home.keys.witness, home.keys.mirror))
        voices = [(Member(heads.WITNESS, home.origin), witness), (Member(heads.MIRROR, home.origin), mirror)]
        for peer in peers:
            voices.append((Member(heads.WITNESS, peer.origin), peer.witness_verifiers))
            voices.append((Member(heads.MIRROR, peer.origin), peer.mirror_verifiers))
        return cls(*_gather(tuple(voices)), home.now() + AHEAD_SECONDS_MAX)

    def is_foreign(self, ref: KeyRef, origin: str) -> bool:
        """Whether this key is of a member, and of another department than the log is: nobody vouches for itself."""
        return ref in self.members and self.members[ref].origin != origin

    def keep(
        self, connection: Connection, log_id: int, checkpoint: Checkpoint, cosignatures: Iterable[Cosignature]
    ) -> None:
        """Keep verified cosignatures of one head of a log.

        One from the future would stand as the newest for ever, and say that somebody still looks who has long ceased.
        """
        rows = [
            _row(log_id, checkpoint, one, self.members[one.ref].role)
            for one in cosignatures
            if one.ref in self.members and one.time <= self.latest
        ]
        if rows:
            _KEEP.run(connection, *rows)
        if any(self.is_foreign((row["name"], row["key_id"]), checkpoint.origin) for row in rows):
            facts.note_first_cosigned(connection, log_id, checkpoint.size)

    def keep_outside(
        self, connection: Connection, log_id: int, checkpoint: Checkpoint, cosignatures: Iterable[Cosignature]
    ) -> None:
        """Keep what outside witnesses said of a head of ours: it is shown, and makes nothing believed by itself."""
        known = (one for one in cosignatures if one.ref not in self.members and one.time <= self.latest)
        rows = [_row(log_id, checkpoint, one, heads.OUTSIDE) for one in known]
        if rows:
            _KEEP.run(connection, *rows)

    def foreign(self, kept: Iterable[KeptCosignature], origin: str) -> list[KeptCosignature]:
        """Of what was said of a log, what other departments said."""
        return [one for one in kept if self.is_foreign(one.line.ref, origin)]

    def foreign_over(self, connection: Connection, log_id: int, origin: str, role: str) -> list[KeptCosignature]:
        """What other departments said of a log last, in this role."""
        return [one for one in self.foreign(heads.read_cosignatures(connection, log_id), origin) if one.role == role]


@lru_cache(NETWORKS_KEPT)  # each turn asks, and they change a few times a year
def _gather(
    voices: tuple[tuple[Member, tuple[Verifier, ...]], ...],
) -> tuple[tuple[Verifier, ...], Mapping[KeyRef, Member]]:
    verifiers = tuple(one for _member, keys in voices for one in keys)
    return verifiers, {one.ref: member for member, keys in voices for one in keys}


def _row(log_id: int, checkpoint: Checkpoint, one: Cosignature, role: str) -> dict[str, Any]:
    return {
        "log_id": log_id,
        "name": one.name,
        "key_id": one.key_id,
        "role": role,
        "size": checkpoint.size,
        "root": checkpoint.root,
        "time": one.time,
        "line": one.line.text(),
    }


def as_cosignature(line: SignatureLine) -> Cosignature:
    """A line that was verified, or that we have just made, with its time."""
    return Cosignature(line.name, line.key_id, int.from_bytes(line.blob[:TIME_BYTES], "big"), line)
