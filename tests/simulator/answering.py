"""What a department in memory keeps, and what it answers: every decision is the ledger's own code.

A department may die wherever something has just been stored, or is just about to be.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Protocol

from ledger.errors import ForkFound, LedgerError
from ledger.merkle.add_checkpoint import AddCheckpoint
from ledger.merkle.cosignature import CosignedCheckpoint
from ledger.merkle.errors import MerkleError
from ledger.merkle.hashing import as_hash
from ledger.merkle.note import SignatureLine
from ledger.merkle.tiles import Tile
from ledger.merkle.vkeys import SignatureKind, Verifier
from ledger.peers import growth
from ledger.peers.errors import StaleOld, UnprovenGrowth, Untrusted
from ledger.peers.evidence import Head
from ledger.peers.growth import Seen
from ledger.records.evidence import Evidence
from tests.simulator.cheap import CheapKey, MemoryMark, Tree


@dataclass(frozen=True, slots=True)
class Ask:
    """A question on its way; the round goes on with what comes back, or with None."""

    asked: "Answering"
    question: str
    given: tuple[Any, ...] = ()


class Judge(Protocol):
    """Whoever knows what is true, and is told what is said."""

    def signed(self, head: Head, tree: Tree) -> None:
        """A log has signed this."""

    def cosigned(self, by: "Answering", head: Head, time: int) -> None:
        """A witness has cosigned this."""

    def convicted(self, by: "Answering", origin: str, evidence: Evidence) -> None:
        """A department keeps evidence."""


class Surroundings(Protocol):
    """What is outside of a department: the others, the clock, the network, chance."""

    random: Random
    milliseconds: int

    @property
    def departments(self) -> Sequence["Answering"]: ...

    @property
    def judge(self) -> Judge: ...

    def seconds(self) -> int: ...

    def chance_to_die(self, who: "Answering") -> None: ...

    def ask_now(self, asker: "Answering", ask: Ask) -> Any:
        """What comes back at once, None when nothing does."""

    def verifiers(self, origin: str) -> tuple[Verifier, ...]: ...

    def open(self, signed: bytes) -> CosignedCheckpoint:
        """As `open_cosigned` with that log's keys, each note once."""

    def head(self, signed: bytes) -> Head: ...


@dataclass(eq=False)
class Face:
    """A history of a department's own log. Whoever does not lie has one."""

    tree: Tree
    newest: Head | None = None  # the largest head that was signed
    published: Head | None = None


@dataclass(eq=False)
class Copy:
    """What a department holds of a log."""

    tree: Tree = field(default_factory=Tree)
    held: Head | None = None  # the newest head that was accepted
    mirrored: Head | None = None  # the newest head all of which is stored and checked
    seen: Seen = field(default_factory=Seen)
    turn: int = 0  # with this department, of the comparisons of third logs
    evidence: Evidence | None = None


class Answering:
    """A log, a witness and a mirror that answer as they should."""

    def __init__(self, world: Surroundings, number: int) -> None:
        host = f"d{number}.example"
        self.world, self.number, self.origin = world, number, f"{host}/log"
        self.key = CheapKey(self.origin, SignatureKind.ED25519)
        self.witness = CheapKey(f"{host}/witness", SignatureKind.COSIGNATURE_V1)
        # Durable: what stands on the disk.
        self.own = Face(Tree())
        self.mark = MemoryMark()
        self.copies: dict[str, Copy] = {}
        # Not durable.
        self.said: dict[str, int] = {}  # what each other witness has cosigned of ours, as far as we know
        self.clock_ahead = 0  # seconds

    honest = True

    def now(self) -> int:
        """What its clock says."""
        return self.world.seconds() + self.clock_ahead

    def store(self, where: Face | Copy, **changes: object) -> None:
        """One transaction: it is all there or not at all, and the machine may die on either side of it."""
        self.world.chance_to_die(self)
        for name, value in changes.items():
            setattr(where, name, value)
        self.world.chance_to_die(self)

    def face_for(self, _asker: "Answering") -> Face:
        """What it shows to whom."""
        return self.own

    # --- what others may ask of it ---

    def log_head(self, asker: "Answering") -> bytes | None:
        published = self.face_for(asker).published
        return None if published is None else published.signed

    def log_tile(self, asker: "Answering", tile: Tile) -> bytes | None:
        face = self.face_for(asker)
        return _tile(face.tree, face.published, tile)

    def log_entries(self, asker: "Answering", start: int, end: int) -> list[bytes] | None:
        return self.face_for(asker).tree.entries[start:end]

    def witnessed(self, _asker: "Answering", origin: str) -> bytes | None:
        return self.copies[origin].seen.signed or None

    def mirrored(self, _asker: "Answering", origin: str) -> bytes | None:
        mirrored = self.copies[origin].mirrored
        return None if mirrored is None else mirrored.signed

    def mirror_tile(self, _asker: "Answering", origin: str, tile: Tile) -> bytes | None:
        return _tile(self.copies[origin].tree, self.copies[origin].mirrored, tile)

    def add_checkpoint(self, _asker: "Answering", request: AddCheckpoint) -> tuple[SignatureLine, ...] | int | None:
        """Its lines, where the proof must start, or no answer to speak of."""
        try:
            return self._accept(request)
        except StaleOld as stale:
            return stale.size
        except LedgerError:
            return None

    def _accept(self, request: AddCheckpoint) -> tuple[SignatureLine, ...]:
        # As `witness.cosign_next`, with another storage.
        try:
            opened = self.world.open(request.signed)
        except MerkleError as error:
            raise Untrusted(str(error)) from error
        origin = opened.checkpoint.origin
        copy = self.copies[origin]
        growth.check_believed(origin, self.world.verifiers(origin), forked=copy.evidence is not None)
        growth.check_start(opened, request.old)
        fixed = self.mark.witness_head(origin)
        try:
            lines, seen = growth.cosign_growth(opened, request, copy.seen, fixed, self.witness.stamp, self.now())
        except ForkFound as fork:
            self._keep(fork)
            raise UnprovenGrowth(str(fork)) from fork
        self.store(copy, seen=seen)
        self.mark.raise_witness(origin, seen.size, seen.root)
        self.world.chance_to_die(self)
        self.world.judge.cosigned(self, growth.as_head(opened), seen.time)
        return lines

    def _keep(self, fork: ForkFound) -> None:
        """The first evidence stays, and that log is never cosigned again."""
        copy = self.copies[fork.origin]
        if copy.evidence is None:
            evidence = Evidence(fork.older, fork.newer, tuple(map(as_hash, fork.proof)))
            self.world.judge.convicted(self, fork.origin, evidence)
            self.store(copy, evidence=evidence)


def _tile(tree: Tree, shown: Head | None, tile: Tile) -> bytes | None:
    """A tile of what is shown, and nothing beyond."""
    end = (tile.index << 8) + tile.width
    return tree.tile(tile) if shown is not None and end <= shown.size >> 8 * tile.level else None
