"""Decides, from values alone, what a department makes of a head that it was shown: the one copy of these rules.

Witness, mirror and comparison read what they need, ask here, and store what follows. So does the simulator in the
tests, with another storage, clock and network.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ledger.errors import Behind, PeerUnreachable
from ledger.merkle.add_checkpoint import AddCheckpoint
from ledger.merkle.checkpoint import Checkpoint
from ledger.merkle.cosignature import CosignedCheckpoint
from ledger.merkle.errors import BadProof, MerkleError
from ledger.merkle.hashing import EMPTY_ROOT, CompactRange, Hash, leaf_hash
from ledger.merkle.note import SignatureLine, format_note
from ledger.merkle.proofs import ReadNode, check_consistency, prove_consistency
from ledger.merkle.vkeys import Verifier
from ledger.peers.errors import OldTooLarge, StaleOld, UnknownLog, UnprovenGrowth, Untrusted
from ledger.peers.evidence import Head, check_same_history

Stamp = Callable[[str, int], tuple[SignatureLine, ...]]  # cosigns a checkpoint's text as of a time


@dataclass(frozen=True, slots=True)
class Seen:
    """What we cosigned last for one origin; size 0 and time 0 when we never did.

    `signed` is empty when the database has lost the note: size and root are known from beside the keys.
    """

    size: int = 0
    root: Hash = EMPTY_ROOT
    time: int = 0
    signed: bytes = b""


def as_head(opened: CosignedCheckpoint) -> Head:
    """What a log claims, with no other lines than its own."""
    checkpoint = opened.checkpoint
    return Head(checkpoint.origin, checkpoint.size, checkpoint.root, format_note(checkpoint.text(), opened.log_lines))


def check_shown(checkpoint: Checkpoint, origin: str) -> None:
    """Check that this is a department's head of that log; raises PeerUnreachable."""
    if checkpoint.origin != origin:
        raise PeerUnreachable(f"{origin}: a checkpoint of {checkpoint.origin} was shown")
    if checkpoint.extension:
        # No department's log has any, and two heads of one size may differ in them: our line fits one of the two.
        raise PeerUnreachable(f"{origin}: a checkpoint with lines that no log here writes was shown")


# --- the witness ---


def check_believed(origin: str, verifiers: Sequence[Verifier], *, forked: bool) -> None:
    """Check that anything signed for this origin may be cosigned at all; raises UnknownLog or Untrusted."""
    if not verifiers:
        raise UnknownLog(f"no log of ours or that we cosign is called {origin!r}")
    if forked:
        # No status of the specification fits: nothing that this log's keys sign is believed any more.
        raise Untrusted(f"{origin} has shown two histories")


def check_start(opened: CosignedCheckpoint, old: int) -> None:
    """Check that the proof starts where a proof can start; raises OldTooLarge."""
    if old > opened.checkpoint.size:
        raise OldTooLarge(f"old {old} is beyond size {opened.checkpoint.size}")


def cosign_growth(
    opened: CosignedCheckpoint,
    request: AddCheckpoint,
    seen: Seen,
    fixed: tuple[int, Hash] | None,
    stamp: Stamp,
    now: int,
) -> tuple[tuple[SignatureLine, ...], Seen]:
    """Cosign a log's head when it grew out of what we cosigned last; returns the lines, and what is seen from now on.

    `fixed` is what stands beside the keys. Raises Behind, StaleOld, UnprovenGrowth or ForkFound.
    """
    head = as_head(opened)
    # 1. The database has not forgotten what left the house.
    if fixed is not None and (fixed[0] > seen.size or (fixed[0] == seen.size and fixed[1] != seen.root)):
        raise Behind(f"{head.origin}: the database says size {seen.size}, and size {fixed[0]} has been cosigned")
    # 2. The proof starts at what we cosigned last.
    if request.old != seen.size:
        raise StaleOld(head.origin, seen.size)
    # 3. It shows that the log only grew.
    _check_growth(seen, head, request.proof)
    # 4. A clock that was set back must not make a cosignature older than the one before.
    time = max(now, seen.time)
    text = opened.checkpoint.text()
    lines = stamp(text, time)
    return lines, Seen(head.size, head.root, time, format_note(text, [*opened.log_lines, *lines]))


def _check_growth(seen: Seen, head: Head, proof: Sequence[Hash]) -> None:
    try:
        check_consistency(seen.size, head.size, seen.root, head.root, proof)
    except BadProof as error:
        if seen.size == head.size and seen.signed:
            check_same_history(Head(head.origin, seen.size, seen.root, seen.signed), head)
        raise UnprovenGrowth(f"{head.origin}: {error}") from error


# --- the mirror ---


def check_not_older(head: Head, held: Head | None, stored: int, read_ours: ReadNode) -> None:
    """Refuse a head that is smaller than the one that we hold; raises ForkFound, BadProof or PeerUnreachable.

    It comes from a cache or a backup, or is another history: our own copy, of `stored` entries, tells.
    """
    if held is None or head.size >= held.size:
        return
    if stored >= held.size:
        check_same_history(head, held, read_ours)
    raise PeerUnreachable(f"{head.origin}: shows size {head.size}, and has shown {held.size}")


def check_grew(head: Head, held: Head | None, seen: Seen, read: ReadNode) -> None:
    """Check a head against the newest that we accepted and the one our witness cosigned; `read` reads its own tree.

    Raises ForkFound, and PeerUnreachable when the tiles lead nowhere.
    """
    known = [] if held is None else [held]
    # Our witness may have cosigned a head that is not published yet: of that one there are no tiles to be had.
    if seen.signed and seen.size <= head.size:
        known.append(Head(head.origin, seen.size, seen.root, seen.signed))
    for one in known:
        try:
            check_same_history(one, head, read)
        except BadProof as error:
            raise PeerUnreachable(f"{head.origin}: {error}") from error


def check_entries(edge: CompactRange, fetched: Sequence[bytes], head: Head, read: ReadNode) -> None:
    """Check that these entries, behind those we hold, are the log that was signed; raises PeerUnreachable."""
    check_edge(edge.extend(leaf_hash(entry) for entry in fetched), head, read)


def check_edge(grown: CompactRange, head: Head, read: ReadNode) -> None:
    """The same of the tree that they make with those before them."""
    try:
        proof = prove_consistency(grown.size, head.size, read)
        check_consistency(grown.size, head.size, grown.root(), head.root, proof)
    except MerkleError as error:
        raise PeerUnreachable(f"{head.origin}: its entries do not lead to its signed root: {error}") from error


# --- the comparison of third logs ---


def known_heads(held: Head | None, mirrored: Head | None, seen: Seen, origin: str) -> list[Head]:
    """The newest head that we accepted, the newest all of which we hold, and the one that our witness cosigned last.

    They may be three: a log can let a witness cosign what it gives to no mirror.
    """
    known = [] if held is None else [held]
    if mirrored is not None and mirrored != held:
        known.append(mirrored)
    return known + ([Head(origin, seen.size, seen.root, seen.signed)] if seen.signed else [])


def compare_here(theirs: Head, ours: Sequence[Head], stored: int, read_ours: ReadNode) -> None:
    """Hold another department's head against ours that are not smaller; raises ForkFound.

    Our own copy, of `stored` entries, leads to every head that is not larger.
    """
    for one in ours:
        if theirs.size <= one.size <= stored:
            check_same_history(theirs, one, read_ours)
        elif theirs.size == one.size:  # two roots of one size need no copy
            check_same_history(theirs, one)


def compare_there(theirs: Head, ours: Sequence[Head], read_theirs: ReadNode) -> None:
    """Hold it against ours that are smaller: to a larger one the other department's copy must lead.

    Raises ForkFound, and BadProof when it does not.
    """
    for one in ours:
        if one.size < theirs.size:
            check_same_history(one, theirs, read_theirs)
