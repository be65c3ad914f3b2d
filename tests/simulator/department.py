"""A department's own round: publish, follow everybody, compare with those that answered.

What is here is the order of a round and what is stored between two decisions; the decisions are the ledger's own code.
"""

from collections.abc import Generator, Sequence
from functools import partial
from typing import Any

from ledger.errors import ForkFound, LedgerError, PeerUnreachable
from ledger.log import check_holds, may_publish
from ledger.merkle.add_checkpoint import AddCheckpoint
from ledger.merkle.checkpoint import Checkpoint
from ledger.merkle.errors import MerkleError
from ledger.merkle.note import sign_note
from ledger.merkle.proofs import prove_consistency
from ledger.merkle.tiles import tile_node
from ledger.peers import growth, split_views
from ledger.peers.errors import Declined
from ledger.peers.evidence import Head
from tests.simulator.answering import Answering, Ask, Copy, Face
from tests.simulator.cheap import Tree

REFRESH_SECONDS = 1800  # an unchanged head is cosigned anew so often: each time costs, and decides nothing here


Round = Generator[Ask, Any, None]
Answer = Generator[Ask, Any, bool]


class Department(Answering):
    """One that does what it should."""

    def peers(self) -> list[Answering]:
        """Those it follows and still believes."""
        return [one for one in self.world.departments if one is not self and self.copies[one.origin].evidence is None]

    def round(self) -> Round:
        """Publish, follow everybody, then compare with those that answered."""
        for face in self.faces():
            yield from self._publish(face)
        well = set()
        for peer in self.peers():
            if (yield from self._follow(peer)):
                well.add(peer.number)
        followed = self.peers()
        for peer in followed:
            if peer.number in well:
                yield from self._compare(peer, followed)

    def faces(self) -> list[Face]:
        """The histories it publishes."""
        return [self.own]

    def grow(self, count: int) -> None:
        """Take in new records."""
        for face in self.faces():
            for _ in range(count):
                face.tree.append(f"{self.origin} {face.tree.size} {self.world.random.random()}".encode())

    def sign(self, face: Face) -> Head | None:
        """The head to publish: a new one, or one that was signed and for a crash never published."""
        size = face.tree.size
        if size == 0 or (face.newest is not None and face.newest.size >= size):
            return face.newest if face.newest is not face.published else None
        check_holds(self.origin, self.mark.log_head(), size, face.tree.node, is_signed=face.newest is not None)
        self.mark.raise_log(size, face.tree.root(size))
        self.store(face, newest=self.signed(face.tree, size))
        return face.newest

    def signed(self, tree: Tree, size: int) -> Head:
        """Its own signature under this history."""
        root = tree.root(size)
        head = Head(self.origin, size, root, sign_note(Checkpoint(self.origin, size, root).text(), [self.key]))
        self.world.judge.signed(head, tree)
        return head

    def _publish(self, face: Face) -> Round:
        try:
            head = self.sign(face)
        except LedgerError:
            return
        if head is None:
            return
        self.cosign_own(face, head)
        began, cosigned = self.world.milliseconds, 1
        for peer in self.peers():
            if self.face_for(peer) is face and (yield from self._offer(peer, face, head)):
                cosigned += 1
                waited = (self.world.milliseconds - began) / 1000
                if face.published is not head and may_publish(cosigned, len(self.world.departments), waited):
                    self.store(face, published=head)
        self.store(face, published=head)

    def cosign_own(self, face: Face, head: Head) -> None:
        """Our own witness, by the same rule as any other log's."""
        seen = self.copies[self.origin].seen
        if seen.size <= head.size:
            proof = prove_consistency(seen.size, head.size, face.tree.node)
            self._accept(AddCheckpoint(seen.size, tuple(proof), head.signed))

    def _offer(self, peer: Answering, face: Face, head: Head) -> Answer:
        old = min(self.said.get(peer.origin, 0), head.size)
        for _try in range(2):
            proof = prove_consistency(old, head.size, face.tree.node)
            answer = yield Ask(peer, "add_checkpoint", (AddCheckpoint(old, tuple(proof), head.signed),))
            if not isinstance(answer, int):
                if answer is None:
                    return False
                self.said[peer.origin] = head.size
                return True
            old = answer
            if old > head.size:
                return False
        return False

    # --- following another log ---

    def _follow(self, peer: Answering) -> Answer:
        signed = yield Ask(peer, "log_head")
        if signed is None:
            return False
        try:
            self._follow_to(peer, signed)
        except ForkFound as fork:
            self._keep(fork)
        except (LedgerError, MerkleError):
            return False
        return self.copies[peer.origin].evidence is None

    def _follow_to(self, peer: Answering, signed: bytes) -> None:
        # As `mirror.follow`, with another storage.
        copy = self.copies[peer.origin]
        opened, head = self.world.open(signed), self.world.head(signed)
        growth.check_shown(opened.checkpoint, peer.origin)
        read = tile_node(partial(self._fetch, peer, "log_tile"), head.size)
        growth.check_not_older(head, copy.held, copy.tree.size, copy.tree.node)
        growth.check_grew(head, copy.held, copy.seen, read)
        if copy.held is None or copy.held.size < head.size:
            self.store(copy, held=head)
        if copy.tree.size < head.size:
            fetched = self.world.ask_now(self, Ask(peer, "log_entries", (copy.tree.size, head.size)))
            if fetched is None:
                raise PeerUnreachable(peer.origin)
            growth.check_entries(copy.tree.edge(), fetched, head, read)
            self._append(copy, fetched)
        if copy.seen.size <= head.size and self._is_due(copy, head):
            proof = prove_consistency(copy.seen.size, head.size, read)
            try:
                self._accept(AddCheckpoint(copy.seen.size, tuple(proof), signed))
            except Declined as error:
                raise PeerUnreachable(peer.origin) from error
        if copy.tree.size == head.size and copy.seen.size <= head.size and copy.mirrored != head:
            self.store(copy, mirrored=head)

    def _is_due(self, copy: Copy, head: Head) -> bool:
        return copy.seen.root != head.root or self.now() - copy.seen.time > REFRESH_SECONDS

    def _append(self, copy: Copy, fetched: Sequence[bytes]) -> None:
        self.world.chance_to_die(self)
        for entry in fetched:
            copy.tree.append(entry)
        self.world.chance_to_die(self)

    def _fetch(self, peer: Answering, question: str, *given: object) -> bytes:
        answer = self.world.ask_now(self, Ask(peer, question, given))
        if answer is None:
            raise PeerUnreachable(peer.origin)
        assert isinstance(answer, bytes)
        return answer

    # --- comparing third logs ---

    def _compare(self, peer: Answering, followed: Sequence[Answering]) -> Round:
        # As `split_views.compare_views`, with another storage.
        copy = self.copies[peer.origin]
        third = split_views.third_log(followed, peer, copy.turn)
        self.store(copy, turn=copy.turn + 1)
        if third is None:
            return
        for question in ("witnessed", "mirrored"):
            signed = yield Ask(peer, question, (third.origin,))
            if signed is None or self._has_compared(peer, third, signed):
                return

    def _has_compared(self, peer: Answering, third: Answering, signed: bytes) -> bool:
        try:
            self._hold_against(peer, third, signed)
        except ForkFound as fork:
            self._keep(fork)
        except (LedgerError, MerkleError):
            return False
        return True

    def _hold_against(self, peer: Answering, third: Answering, signed: bytes) -> None:
        copy = self.copies[third.origin]
        growth.check_shown(self.world.open(signed).checkpoint, third.origin)
        theirs, ours = self.world.head(signed), growth.known_heads(copy.held, copy.mirrored, copy.seen, third.origin)
        growth.compare_here(theirs, ours, copy.tree.size, copy.tree.node)
        fetch = partial(self._fetch, peer, "mirror_tile", third.origin)
        growth.compare_there(theirs, ours, tile_node(fetch, theirs.size))
