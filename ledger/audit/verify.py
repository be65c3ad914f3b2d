"""Verifies a whole log again, from its raw rows or tiles, and trusts nothing but the keys that it is given.

It goes on to the end and names all that does not hold. It looks at one log by itself: what two logs say about each
other is `crosscheck`'s. Nothing is kept in memory but the edge of the tree and the objects touched last.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

from sqlalchemy import Engine

from ledger.audit.head_keys import HeadKeys
from ledger.audit.named import NamedKeys
from ledger.audit.refold import Refold, Stored
from ledger.audit.report import FAULTS_KEPT_MAX, Faults, Report
from ledger.audit.sources import Fetch, Source, TileSource, fetch_from_folder, fetch_from_node, read_note
from ledger.audit.stored import StoredLog, find_log, own_origins
from ledger.audit.tree import TreeCheck
from ledger.errors import Busy, MalformedRecord, Misconfigured, PeerUnreachable, Refused, Rejected
from ledger.examining.examine import NAMING_KEYS, ORDINARY, Examined, Task, rebuild
from ledger.examining.pool import examining, is_worth_processes, rarely_collected
from ledger.merkle.cosignature import CosignedCheckpoint, open_cosigned, parse_checkpoint_unverified
from ledger.merkle.errors import EntryTooLong, MerkleError, NoKnownSignature
from ledger.merkle.hashing import Hash, leaf_hash
from ledger.merkle.note import Verifier, parse_vkey
from ledger.merkle.policy import Policy
from ledger.merkle.tiles import TILE_WIDTH, Bundle, bundles_of
from ledger.peers.client import PeerClient
from ledger.progress import Progress, silent
from ledger.records.proven import Proven
from ledger.records.statement import Record, check_schema, parse_record
from ledger.storage.engine import forgiving_text, reading

KEYS_FROM_LOG = "verify-keys-from-log"  # nobody gave a key: the log's own genesis was believed
VAULT_SKIPPED = "verify-vault-skipped"  # no vault key: values were not opened
SIGNATURES_SKIPPED = "verify-signatures-skipped"  # of the entries before `since`
FACTS_SKIPPED = "verify-facts-skipped"  # records were not folded, and nothing was compared with what they lead to
NO_VAULT = "verify-no-vault"  # tiles alone: a log shows no private value and no facts

ABSENT_BUNDLES_MAX = 16  # one after another

_MISSING = Hash(bytes(32))  # stands for a leaf that is not there; no entry has this hash


@dataclass(frozen=True, slots=True)
class Trust:
    """The keys that a verification believes, and nothing else."""

    logs: tuple[Verifier, ...] = ()  # none: those that the log's genesis names, and the report says so
    policy: Policy | None = None  # beside its log keys, who must have cosigned what is shown

    @property
    def log_keys(self) -> tuple[Verifier, ...]:
        """The keys by one of which each checkpoint must be signed."""
        return self.logs + (self.policy.log_verifiers if self.policy else ())

    @property
    def cosigners(self) -> tuple[Verifier, ...]:
        """The keys whose cosignatures are looked at."""
        return self.policy.witness_verifiers if self.policy else ()


KEYS_OF_GENESIS = Trust()


@dataclass(frozen=True, slots=True)
class Way:
    """How to go through a log."""

    workers: int = 1  # processes that look at entries; 1: this one alone
    since: int = 0  # the signatures of the entries before this index are not looked at; all are folded
    facts: bool = True  # False: tiles, roots, signers and signatures alone
    progress: Progress = silent


ALONE = Way()


def verify_database(
    engine: Engine,
    origin: str | None = None,
    *,
    trust: Trust = KEYS_OF_GENESIS,
    vault_key: bytes | None = None,
    way: Way = ALONE,
) -> Report:
    """Verify a log in a node's database: its own, or the copy of a peer's.

    All of it is read as of one moment, while the node goes on working. Raises Misconfigured if there is none, Busy, and
    WorkerDied.
    """
    with reading(engine) as conn, forgiving_text(conn):
        own = own_origins(conn)
        name = origin or (own[0] if own else None)
        row = None if name is None else find_log(conn, name)
        if name is None or row is None:
            raise Misconfigured(f"--log: this database holds no log {name or 'of its own'}")
        faults = Faults()
        if len(own) > 1:
            faults.add("log", ", ".join(own), "each is said to be this node's own")
        stored = StoredLog(conn, name, row, faults, vault_key)
        notes = [] if vault_key is not None else [VAULT_SKIPPED]
        with _refolding(name, stored.objects) as refold:
            return _Verification(name, stored, refold, trust, faults, notes, way, stored).run()


def verify_folder(folder: Path, *, trust: Trust = KEYS_OF_GENESIS, way: Way = ALONE) -> Report:
    """Verify a log that lies as tiles in a folder; raises Misconfigured when no checkpoint is in it, and WorkerDied."""
    return _verify_tiles(fetch_from_folder(folder), str(folder), trust, way)


def verify_url(client: PeerClient, url: str, *, trust: Trust = KEYS_OF_GENESIS, way: Way = ALONE) -> Report:
    """Verify the log that a node serves, by the node's URL or its log's, or a copy by the URL of its mirror.

    Raises PeerUnreachable, Misconfigured and WorkerDied.
    """
    given = url.rstrip("/")
    prefix = given if given.endswith("/log") or "/mirror/" in given else f"{given}/log"
    return _verify_tiles(fetch_from_node(client, prefix), prefix, trust, way)


def _verify_tiles(fetch: Fetch, where: str, trust: Trust, way: Way) -> Report:
    note = read_note(fetch)
    try:
        claimed = None if note is None else parse_checkpoint_unverified(note)
    except MerkleError as error:
        raise Misconfigured(f"--log: what stands at {where}/checkpoint is no checkpoint") from error
    if note is None or claimed is None:
        raise Misconfigured(f"--log: there is no checkpoint at {where}")
    source = TileSource(fetch, claimed.size, note)
    with _refolding(claimed.origin) as refold:
        return _Verification(claimed.origin, source, refold, trust, Faults(), [NO_VAULT], way).run()


@contextmanager
def _refolding(origin: str, stored: Stored | None = None) -> Iterator[Refold]:
    try:
        with (
            TemporaryDirectory(prefix="onetrip-verify-") as directory,
            closing(Refold(Path(directory) / "refold.db", origin, stored)) as refold,
        ):
            yield refold
    except sqlite3.OperationalError as error:  # the log's own database speaks through SQLAlchemy
        raise Busy(f"{gettempdir()}: no scratch file there ({error}); TMPDIR names another folder") from error


@dataclass(slots=True)
class _Verification:
    """One verification on its way through a log."""

    origin: str
    source: Source
    refold: Refold
    trust: Trust
    faults: Faults
    notes: list[str]
    way: Way
    stored: StoredLog | None = None  # a database says more than a log: that is compared too
    named: NamedKeys = field(default_factory=NamedKeys)
    unknown: int = 0
    head_keys: HeadKeys = field(default_factory=HeadKeys)

    def run(self) -> Report:
        """Go through all of it."""
        with rarely_collected():
            return self._run()

    def _run(self) -> Report:
        size = self.source.size()
        if self.way.since > 0:
            self.notes.append(SIGNATURES_SKIPPED)
        if not self.way.facts:
            self.notes.append(FACTS_SKIPPED)
        # 1. Which heads did the log sign?
        tree = TreeCheck(self.source.hashes, self._signed_roots(size), self.faults)
        workers = self.way.workers if is_worth_processes(size) else 1
        with examining(self.refold.signers.keys, workers) as examiner:
            for task, found in examiner.each(self._tasks(size)):
                # 2. Each entry is the one whose hash stands in the tree, and the tree is the one that was signed.
                tree.add([leaf or _MISSING for leaf in task.leaves], found.root)
                # 3. Each record may stand where it stands, and leads to the facts that are stored.
                self._take(task, found)
                self.way.progress(task.start + len(task.leaves), size)
        tree.finish()
        for index, first in self.refold.said_twice():
            self._name_twice(index, first)
        # 4. Each head is signed by keys that count at its size, which the records say.
        for opened in self.head_keys.finish(self.faults, self.trust.cosigners):
            if self.trust.policy is not None and opened.checkpoint.size == size:
                self._check_quorum(opened, self.trust.policy)
        if self.stored is not None and self.way.facts:
            self.refold.settle()
            self.stored.check_end(tree.edge, self.refold, self.named, self.trust.log_keys)
        return Report(self.origin, size, tuple(self.faults.kept), self.faults.found, tuple(self.notes), self.unknown)

    def _tasks(self, size: int) -> Iterator[Task]:
        absent = 0
        for bundle in bundles_of(size):
            batch = self.source.batch(bundle)
            absent = 0 if any(batch.entries) else absent + 1
            if absent > ABSENT_BUNDLES_MAX:  # a head may say any size: nobody waits for what is not there
                self.faults.add("entry", f"{batch.start} to {size - 1}", "are missing like those before")
                return
            yield Task(batch.start, batch.leaves, batch.entries, self.way.since, self.way.facts)

    def _signed_roots(self, size: int) -> dict[int, list[tuple[str, Hash]]]:
        roots: dict[int, list[tuple[str, Hash]]] = {}
        keys = self.head_keys.trusted = self.trust.log_keys or self._keys_of_genesis(size)
        notes = self.source.notes()
        opened = [self._open(note, keys) for note in notes]
        for one in opened:
            if one is not None:
                roots.setdefault(one.checkpoint.size, []).append(("a signed checkpoint", one.checkpoint.root))
        for name, cosigned, root in self.stored.heads.cosigned_roots(size) if self.stored else ():
            roots.setdefault(cosigned, []).append((name, root))
        if not notes and size > 0:
            self.faults.add("checkpoint", "none", "the log has entries, and has signed no head")
        if notes and self.trust.policy is not None and (opened[-1] is None or opened[-1].log_lines):
            self._check_quorum(opened[-1], self.trust.policy)
        return roots

    def _keys_of_genesis(self, size: int) -> tuple[Verifier, ...]:
        self.notes.append(KEYS_FROM_LOG)
        first = self.source.batch(Bundle(0, 1)).entries[0] if size else None
        try:
            if first is None:
                return ()
            genesis = parse_record(first)
            check_schema(genesis)
            return tuple(parse_vkey(vkey) for vkey in genesis.clear.get("log_keys", ()))
        except (MalformedRecord, MerkleError):
            return ()

    def _open(self, note: bytes, keys: Sequence[Verifier]) -> CosignedCheckpoint | None:
        try:
            opened = self._open_or_postpone(bytes(note), keys)
        except MerkleError as error:
            self.faults.add("checkpoint", _size_in(note), f"{error}")
            return None
        if opened.checkpoint.origin != self.origin:
            self.faults.add("checkpoint", opened.checkpoint.size, f"is one of {opened.checkpoint.origin}")
            return None
        return opened

    def _open_or_postpone(self, note: bytes, keys: Sequence[Verifier]) -> CosignedCheckpoint:
        try:
            opened = open_cosigned(note, keys, self.trust.cosigners)
        except NoKnownSignature:
            return self.head_keys.postpone(note)
        self.head_keys.note(note)
        return opened

    def _check_quorum(self, shown: CosignedCheckpoint | None, policy: Policy) -> None:
        if shown is not None and not policy.is_met(shown.cosigned_by):
            self.faults.add("checkpoint", shown.checkpoint.size, "too few of the policy's witnesses have cosigned it")

    def _take(self, task: Task, found: Examined) -> None:
        parsed = self._parse(task, found)
        if self.way.facts:
            self.refold.remember(parsed)
        folded = {
            index: record
            for index, record in parsed.items()
            if self._fold(index, record, found.proven[index - task.start])
        }
        if len(folded) < len(parsed):
            self._take_ordinary(task, found)
        if self.stored is not None and self.way.facts:
            self.stored.check_batch(task.start, len(task.entries), folded, parsed)
            if task.start == 0:
                self.stored.check_name(folded.get(0))

    def _take_ordinary(self, task: Task, found: Examined) -> None:
        """Not all that a voice said held: each of its records between is looked at by itself."""
        for at, values in enumerate(found.records):
            if values == ORDINARY:
                self._fold(task.start + at, parse_record(_present(task.entries[at])), found.proven[at])

    def _parse(self, task: Task, found: Examined) -> dict[int, Record]:
        parsed: dict[int, Record] = {}
        rows = zip(task.leaves, task.entries, found.records, strict=True)
        for index, (leaf, entry, values) in enumerate(rows, task.start):
            if values == ORDINARY:
                continue
            if entry is None:
                self.faults.add("entry", index, "is missing, or its bundle is")
                continue
            try:
                record = parse_record(entry) if values is None else rebuild(entry, values)
            except (MalformedRecord, EntryTooLong) as error:
                self.faults.add("entry", index, f"{error}")
            else:
                parsed[index] = record
            if (leaf_hash(entry) if values is None else record.leaf) != leaf:
                self.faults.add("entry", index, "its bytes have another hash than the tree holds for it")
        return parsed

    def _fold(self, index: int, record: Record, proven: Proven) -> bool:
        try:
            if self.way.facts:
                self.refold.take(index, record, proven)
            else:
                self.refold.meet(index, record, proven._replace(claims=True))
        except (Rejected, Refused) as error:
            self.faults.add("entry", index, f"{type(error).__name__}: {error}")
            return False
        kind = record.known
        self.unknown += kind is None
        if kind is None or kind.topic in NAMING_KEYS:
            self.named.follow(record)
            self.head_keys.take(index, record)
            self._name_compromised(index, record)
        return True

    def _name_twice(self, index: int, first: int) -> None:
        record, earlier = self._record_again(index), self._record_again(first)
        if record is not None and earlier is not None and record.leaf == earlier.leaf:
            # They say nothing, and their object is disputed from there on.
            self.refold.dispute(record.sub, index)
            self.faults.add("entry", index, "these bytes stand in this log already")
        else:
            self.faults.add("entry", index, "an earlier record of this log bears the same jti")

    def _record_again(self, index: int) -> Record | None:
        """A record that was seen; whoever shows tiles is not asked without end, nor is what was found lost with it."""
        if self.stored is None and self.faults.found >= FAULTS_KEPT_MAX:
            return None
        start = index - index % TILE_WIDTH
        bundle = Bundle(start // TILE_WIDTH, min(self.source.size() - start, TILE_WIDTH))
        try:
            entry = self.source.batch(bundle).entries[index - start]
        except PeerUnreachable:
            return None
        return None if entry is None else _parsed(entry)

    def _name_compromised(self, index: int, record: Record) -> None:
        """A revocation may look back: what that key signed from there on stands in the log, and counts no more."""
        since = record.clear.get("compromised_since") if record.kind == "revocation" else None
        if since is None:
            return
        kids = {signer.kid for signer in self.refold.signers.by_kid.values() if signer.handle == record.sub}
        for bundle in bundles_of(index):
            if (bundle.index + 1) * TILE_WIDTH <= since:
                continue
            for at, entry in enumerate(self.source.batch(bundle).entries, bundle.index * TILE_WIDTH):
                if entry is not None and (said := _parsed(entry)) is not None and at >= since and said.kid in kids:
                    self.refold.dispute(said.sub, at)
                    self.faults.add("entry", at, f"signed with a key that was given up as stolen from index {since} on")


def _present(entry: bytes | None) -> bytes:
    assert entry is not None  # a worker found a record in it
    return entry


def _parsed(entry: bytes) -> Record | None:
    try:
        return parse_record(entry)
    except MalformedRecord:
        return None


def _size_in(note: bytes) -> str:
    try:
        return str(parse_checkpoint_unverified(bytes(note)).size)
    except MerkleError:
        return "unreadable"
