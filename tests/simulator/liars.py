"""What a department may do that it must not, each by its name."""

from enum import StrEnum
from typing import Any

from ledger.merkle.add_checkpoint import AddCheckpoint
from ledger.merkle.cosignature import parse_checkpoint_unverified
from ledger.merkle.note import SignatureLine, format_note
from ledger.merkle.tiles import Tile
from ledger.peers.evidence import Head
from ledger.peers.growth import Seen
from tests.simulator.answering import Answering, Copy, Face, Surroundings
from tests.simulator.cheap import Tree
from tests.simulator.department import Department


class Lie(StrEnum):
    """The ways to lie."""

    REWRITES = "rewrites an entry"
    DROPS_TAIL = "drops its tail"
    TWO_FACES = "shows two faces"
    REPLAYS = "replays an old checkpoint"
    OTHER_TILES = "answers with another log's tiles"
    WITHHOLDS = "withholds an entry"
    COSIGNS_BOTH = "cosigns both branches"
    PUSHES_AHEAD = "lets witnesses cosign what no mirror can hold"
    ECHOES = "is a puppet that echoes"


FORKS = frozenset({Lie.REWRITES, Lie.DROPS_TAIL, Lie.TWO_FACES})
BEGINS = 0.04  # so often, of its rounds, a liar changes what it pretends
SOMETIMES = 0.3
FACES_MAX = 4  # a log that forks without end would only make the tests slow


class Liar(Department):
    """A department that lies in some of these ways, and is honest otherwise."""

    honest = False

    def __init__(self, world: Surroundings, number: int, lies: frozenset[Lie]) -> None:
        super().__init__(world, number)
        self.lies = lies
        self.shown: list[Face] = [self.own]
        self.given: dict[int, Face] = {}  # by the number of who asks
        self.old_notes: list[bytes] = []
        self.forks = 0

    def _now_and_then(self, lie: Lie, share: float = SOMETIMES) -> bool:
        return lie in self.lies and self.world.random.random() < share

    # --- its log ---

    def scheme(self) -> None:
        """Begin another history, perhaps."""
        if Lie.PUSHES_AHEAD in self.lies:
            self.grow(1)
        size = self.own.tree.size
        if size < 2 or self.forks >= FACES_MAX:
            return
        chance = self.world.random
        if self._now_and_then(Lie.REWRITES, BEGINS):
            entries = list(self.own.tree.entries)
            entries[chance.randrange(size)] = f"{self.origin} rewritten {chance.random()}".encode()
            self._replace(Tree(entries))
        if self._now_and_then(Lie.DROPS_TAIL, BEGINS):
            self._replace(Tree(self.own.tree.entries[: size - chance.randint(1, min(size, 4))]))
        if self._now_and_then(Lie.TWO_FACES, BEGINS) and len(self.shown) == 1:
            other = Face(Tree(self.own.tree.entries[: size - chance.randint(0, min(size - 1, 3))]))
            other.tree.append(f"{self.origin} another {chance.random()}".encode())
            self.shown.append(other)
            self.given = {one.number: chance.choice(self.shown) for one in self.world.departments}
            self.forks += 1

    def _replace(self, tree: Tree) -> None:
        self.own.tree, self.own.newest = tree, None
        self.forks += 1

    def faces(self) -> list[Face]:
        return self.shown

    def face_for(self, asker: Answering) -> Face:
        return self.given.get(asker.number, self.own)

    def sign(self, face: Face) -> Head | None:
        """Whatever is in its interest: no mark holds a liar back."""
        if face.tree.size == 0 or (face.newest is not None and face.newest.size >= face.tree.size):
            return face.newest if face.newest is not face.published else None
        face.newest = self.signed(face.tree, face.tree.size)
        self.old_notes.append(face.newest.signed)
        return face.newest

    def cosign_own(self, face: Face, head: Head) -> None:
        self._cosign_anything(head.signed)

    def log_head(self, asker: Answering) -> bytes | None:
        if self.old_notes and self._now_and_then(Lie.REPLAYS):
            return self.world.random.choice(self.old_notes)
        if self._now_and_then(Lie.ECHOES):
            return Answering.log_head(asker, self)
        return super().log_head(asker)

    def log_tile(self, asker: Answering, tile: Tile) -> bytes | None:
        if self._now_and_then(Lie.OTHER_TILES):
            other = self.world.random.choice(self.world.departments).own.tree
            return (other.tile(tile) + bytes(32 * tile.width))[: 32 * tile.width]
        return super().log_tile(asker, tile)

    def log_entries(self, asker: Answering, start: int, end: int) -> list[bytes] | None:
        if self._now_and_then(Lie.WITHHOLDS, 0.7):
            return None
        if self._now_and_then(Lie.OTHER_TILES):
            return self.world.random.choice(self.world.departments).own.tree.entries[start:end]
        return super().log_entries(asker, start, end)

    # --- its witness and its mirror ---

    def witnessed(self, asker: Answering, origin: str) -> bytes | None:
        if Lie.ECHOES in self.lies:
            return Answering.witnessed(asker, self, origin)
        return super().witnessed(asker, origin)

    def mirrored(self, asker: Answering, origin: str) -> bytes | None:
        if Lie.ECHOES in self.lies:
            return Answering.mirrored(asker, self, origin)
        return super().mirrored(asker, origin)

    def mirror_tile(self, asker: Answering, origin: str, tile: Tile) -> bytes | None:
        if Lie.ECHOES in self.lies:
            return Answering.mirror_tile(asker, self, origin, tile)
        if self._now_and_then(Lie.OTHER_TILES):
            return bytes(32 * tile.width)
        return super().mirror_tile(asker, origin, tile)

    def add_checkpoint(self, asker: Answering, request: AddCheckpoint) -> tuple[SignatureLine, ...] | int | None:
        if Lie.COSIGNS_BOTH in self.lies:
            return self._cosign_anything(request.signed)
        return super().add_checkpoint(asker, request)

    def _cosign_anything(self, signed: bytes) -> tuple[SignatureLine, ...]:
        checkpoint = parse_checkpoint_unverified(signed)
        lines = self.witness.stamp(checkpoint.text(), self.now())
        note = format_note(checkpoint.text(), [*self.world.open(signed).log_lines, *lines])
        self.copies[checkpoint.origin].seen = Seen(checkpoint.size, checkpoint.root, self.now(), note)
        self.world.judge.cosigned(self, self.world.head(signed), self.now())
        return lines

    def store(self, where: Face | Copy, **changes: Any) -> None:
        """A liar does not die by chance: its lies are enough."""
        if isinstance(where, Face) and where.published is not None and self._now_and_then(Lie.PUSHES_AHEAD, 0.9):
            return
        for name, value in changes.items():
            setattr(where, name, value)
