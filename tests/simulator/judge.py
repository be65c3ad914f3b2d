"""Knows what is true of every log, and says aloud when an honest department is wronged or a fork escapes."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from random import Random

from ledger.errors import LedgerError
from ledger.log import quorum_of
from ledger.merkle.errors import BadProof, MerkleError
from ledger.merkle.hashing import HASH_BYTES, as_hash
from ledger.merkle.proofs import prove_both_roots
from ledger.merkle.vkeys import Verifier
from ledger.peers.evidence import Head
from ledger.records.evidence import Evidence, check_evidence, check_file, format_evidence, make_file, parse_evidence
from tests.simulator.answering import Answering
from tests.simulator.cheap import Tree

FALSE_ALARM, MISSED_FORK = "false alarm", "missed fork"
TWO_COSIGNED = "an honest witness cosigned two histories"
TWO_BELIEVED = "two histories have a quorum"
CLOCK_BACK = "a cosignature is older than the one before"
NOT_HEALED = "departments that can talk do not agree"


class Violation(AssertionError):
    """What must never happen has happened."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind


class Judge:
    """The only one here who sees everything; nobody is told by it."""

    def __init__(self, departments: Sequence[Answering]) -> None:
        self.departments = departments
        self.verifiers: dict[str, tuple[Verifier, ...]] = {one.origin: (one.key.verifier,) for one in departments}
        self.forked: set[str] = set()  # logs that have signed what cannot both be true
        self.held_twice: set[str] = set()  # of them, those of which two honest departments held two histories at once
        self.convicted_logs: set[str] = set()
        self.longest = 0  # rounds in which two talked that held two histories, before both had evidence
        self._heads: dict[str, list[Head]] = defaultdict(list)
        self._trees: dict[tuple[str, bytes], Tree] = {}  # of each head that was ever signed
        self._believers: dict[Head, set[int]] = defaultdict(set)
        self._last: dict[tuple[int, str], tuple[Head, int]] = {}
        self._heard: dict[tuple[int, int], int] = defaultdict(int)  # answers in a row, one a round
        self._since: dict[tuple[int, int, str], int] = {}

    # --- what is said ---

    def signed(self, head: Head, tree: Tree) -> None:
        self._trees[head.origin, head.root] = tree
        heads = self._heads[head.origin]
        if any(self.contradict(one, head) for one in heads):
            self.forked.add(head.origin)
        heads.append(head)

    def contradict(self, one: Head, other: Head) -> bool:
        """Whether these two heads of one log cannot both be true."""
        older, newer = sorted((one, other), key=lambda head: head.size)
        if one.root == other.root or older.size == 0:
            return False
        return self._trees[newer.origin, newer.root].root(older.size) != older.root

    def cosigned(self, by: Answering, head: Head, time: int) -> None:
        believers = self._believers[head]
        if by.number not in believers:
            believers.add(by.number)
            self._check_believed(head)
        if by.honest:
            last = self._last.get((by.number, head.origin))
            if last is not None and (head.size < last[0].size or self.contradict(last[0], head)):
                raise Violation(TWO_COSIGNED, f"{by.origin} of {head.origin} at {last[0].size} and {head.size}")
            if last is not None and time < last[1]:
                raise Violation(CLOCK_BACK, f"{by.origin} of {head.origin}")
            self._last[by.number, head.origin] = head, time

    def is_believed(self, head: Head | None) -> bool:
        """Whether a quorum has cosigned it."""
        return head is not None and len(self._believers[head]) >= quorum_of(len(self.departments))

    def _check_believed(self, head: Head) -> None:
        if not self.is_believed(head):
            return
        for other in [one for one in self._believers if one.origin == head.origin]:
            if self.is_believed(other) and self.contradict(head, other):
                raise Violation(TWO_BELIEVED, f"{head.origin} at {other.size} and {head.size}")

    def convicted(self, by: Answering, origin: str, evidence: Evidence) -> None:
        """Evidence that a department keeps: anybody must be able to check it, and it must be true."""
        verifiers = self.verifiers[origin]
        accused = next(one for one in self.departments if one.origin == origin)
        try:
            shown = check_evidence(evidence, verifiers)
            check_file(parse_evidence(format_evidence(make_file(evidence, verifiers, ()))), verifiers)
        except (LedgerError, MerkleError) as error:
            raise Violation(FALSE_ALARM, f"{by.origin} keeps what shows nothing against {origin}: {error}") from error
        if by.honest and (accused.honest or shown != origin):
            raise Violation(FALSE_ALARM, f"{by.origin} convicted {origin}")
        self.convicted_logs.add(origin)
        self.forget(by)

    # --- what must follow ---

    def forget(self, who: Answering) -> None:
        """It died, or follows another set of departments: its turns are counted anew."""
        for number in range(len(self.departments)):
            self._heard[who.number, number] = 0

    def round_done(self, who: Answering, answered: Iterable[int]) -> None:
        """A department has ended a round, in which those were compared with."""
        came = set(answered)
        for one in self.departments:
            heard = self._heard[who.number, one.number] + 1 if one.number in came else 0
            self._heard[who.number, one.number] = heard
            if who.honest and one.honest and one is not who:
                self._check_told(who, one, heard)

    def _check_told(self, who: Answering, other: Answering, heard: int) -> None:
        """Two that hold two histories of one log, and talk in every round, know it within as many rounds as there are."""
        for log in self.departments:
            if log.honest or who.copies[log.origin].evidence is not None:
                continue
            mine, theirs = who.copies[log.origin].mirrored, other.copies[log.origin].mirrored
            key = who.number, other.number, log.origin
            if mine is None or theirs is None or not self.contradict(mine, theirs):
                self._since.pop(key, None)
                continue
            self.held_twice.add(log.origin)
            since = self._since[key] = min(self._since.get(key, heard), heard)
            self.longest = max(self.longest, heard - since)
            if heard - since >= len(self.departments):
                raise Violation(
                    MISSED_FORK, f"{log.origin}: {who.origin} and {other.origin} have compared, and know nothing"
                )

    def check_slander(self, chance: Random) -> None:
        """Nobody can make evidence of what an honest log has signed, whatever hashes are put between its heads."""
        for log in self.departments:
            heads = sorted((one for one in self._believers if one.origin == log.origin), key=lambda one: one.size)
            if not log.honest or len(heads) < 2:
                continue
            older, newer = sorted(chance.sample(range(len(heads)), 2))
            true = prove_both_roots(heads[older].size, heads[newer].size, log.own.tree.node)
            made_up = [*true[:-1], as_hash(chance.randbytes(HASH_BYTES))]
            for proof in (true, made_up, []):
                try:
                    check_evidence(
                        Evidence(heads[older].signed, heads[newer].signed, tuple(proof)), self.verifiers[log.origin]
                    )
                except BadProof:
                    continue
                raise Violation(FALSE_ALARM, f"made-up evidence convicts {log.origin}")

    def check_settled(self) -> None:
        """After a calm: what two have seen is known, and every honest department holds what the others published."""
        if missed := self.held_twice - self.convicted_logs:
            raise Violation(MISSED_FORK, f"{', '.join(sorted(missed))}: nobody keeps evidence")
        honest = [one for one in self.departments if one.honest]
        for one in honest:
            for log in honest:
                if one is not log and one.copies[log.origin].mirrored != log.own.published:
                    raise Violation(NOT_HEALED, f"{one.origin} does not hold all of {log.origin}")
