"""The signed heads of a log in a node's database, and what others have said of them, each line held against its key."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, select

from ledger.audit.named import NamedKeys
from ledger.audit.report import Faults
from ledger.merkle.checkpoint import Checkpoint
from ledger.merkle.cosignature import open_cosigned, parse_checkpoint_unverified
from ledger.merkle.errors import MerkleError
from ledger.merkle.hashing import HASH_BYTES, Hash
from ledger.merkle.messages import TIME_BYTES
from ledger.merkle.note import SignatureLine, format_note, open_note, parse_note_unverified
from ledger.merkle.vkeys import KeyRef, SignatureKind, Verifier
from ledger.storage import schema
from ledger.storage.heads import WITNESS

_h, _c, _w = schema.heads.c, schema.cosignatures.c, schema.witnessed.c

_HEADS = select(_h.size, _h.root, _h.signed, _h.at, _h.served, _h.published).where(_h.log_id == bindparam("log"))
_COSIGNATURES = select(_c.name, _c.key_id, _c.role, _c.size, _c.root, _c.time, _c.line).where(
    _c.log_id == bindparam("log")
)
_WITNESSED = select(_w.origin, _w.size, _w.root, _w.signed, _w.time)
_STRANGERS = select(schema.witness_logs.c.vkey)

UNKNOWN_LINE = "has a signature line of a key that no record names"


class StoredHeads:
    """The rows of heads, cosignatures and, for the own log, of what this node's witness has cosigned."""

    def __init__(self, conn: Connection, log_id: int, origin: str, faults: Faults, *, own: bool) -> None:
        self._conn = conn
        self._origin = origin
        self._faults = faults
        self._own = own
        self._heads = sorted(conn.execute(_HEADS, {"log": log_id}).all(), key=lambda head: int(head.size))
        self._cosigned = conn.execute(_COSIGNATURES, {"log": log_id}).all()

    def notes(self) -> Sequence[bytes]:
        """Every signed head, and as it was published; what is shown stands last."""
        shown = [head.served for head in self._heads if head.served is not None]
        return [as_bytes(note) for note in (*(head.signed for head in self._heads), *shown)]

    def largest(self) -> int:
        """The size of the largest head."""
        return max((int(head.size) for head in self._heads), default=0)

    def cosigned_roots(self, size: int) -> list[tuple[str, int, Hash]]:
        """Who has cosigned which root, as far as the log is held here."""
        rows = [row for row in self._cosigned if row.size <= size and len(as_bytes(row.root)) == HASH_BYTES]
        return [(f"the cosignature of {row.name}", int(row.size), Hash(as_bytes(row.root))) for row in rows]

    def check(self, keys: NamedKeys, trusted: Collection[Verifier]) -> None:
        """Hold every row against what is signed in it. `trusted`: keys that were given, beside those the log names."""
        logs = list({one.ref: one for one in (*trusted, *keys.of_log(self._origin))}.values())
        for head in self._heads:
            self._check_head(head, logs, keys)
        for row in self._cosigned:
            self._check_cosignature(row, keys)
        if self._own:
            self._check_witnessed(keys)

    # --- heads ---

    def _check_head(self, head: Any, logs: Sequence[Verifier], keys: NamedKeys) -> None:
        signed = as_bytes(head.signed)
        if _head_in(signed) != (head.size, as_bytes(head.root)):
            self._faults.add("checkpoint", head.size, "size or root beside the note is not what the note says")
        self._check_lines(head.size, signed, logs)
        if self._own and head.at not in _times(signed, logs):
            self._faults.add("checkpoint", head.size, "the time beside the note is not the time in its signature")
        if bool(head.published) != (self._own and head.served is not None):
            self._faults.add("checkpoint", head.size, "is said to be published and is not, or the other way round")
        if head.served is None:
            return
        served = as_bytes(head.served)
        if _text_of(served) != _text_of(signed):
            self._faults.add("checkpoint", head.size, "another text was published than was signed")
        self._check_lines(head.size, served, [*logs, *keys.cosigners()])

    def _check_lines(self, size: object, note: bytes, known: Sequence[Verifier]) -> None:
        try:
            opened = open_note(note, known)
        except MerkleError as error:
            self._faults.add("checkpoint", size, str(error))
            return
        if opened.unverified or format_note(opened.text, opened.verified) != note:
            self._faults.add("checkpoint", size, UNKNOWN_LINE)

    # --- cosignatures ---

    def _check_cosignature(self, row: Any, keys: NamedKeys) -> None:
        at = f"{row.name} over {row.size}"
        ref: KeyRef = (row.name, as_bytes(row.key_id))
        known = next((one for one in keys.cosigners() if one.ref == ref), None)
        if known is None:
            self._faults.add("cosignature", at, UNKNOWN_LINE)
            return
        try:
            line = SignatureLine.parse(row.line.removesuffix("\n"))
            text = Checkpoint(self._origin, row.size, Hash(as_bytes(row.root))).text()
            known.check(text, line.blob)
        except MerkleError as error:
            self._faults.add("cosignature", at, str(error))
            return
        said = (line.ref, line.text(), _time_in(line), keys.roles[ref])
        if said != (ref, row.line, row.time, row.role):
            self._faults.add("cosignature", at, "name, role or time beside the line is not what the line says")

    # --- what our own witness has cosigned ---

    def _check_witnessed(self, keys: NamedKeys) -> None:
        keys.add(self._conn.execute(_STRANGERS).scalars(), "log")
        host = self._origin.removesuffix("/log")
        ours = [one for one in keys.cosigners() if keys.roles[one.ref] == WITNESS and one.name == f"{host}/witness"]
        for row in self._conn.execute(_WITNESSED):
            self._check_seen(row, keys.of_log(row.origin), ours)

    def _check_seen(self, row: Any, logs: Sequence[Verifier], ours: Sequence[Verifier]) -> None:
        signed = as_bytes(row.signed)
        try:
            opened = open_cosigned(signed, logs, ours)
            exact = format_note(opened.checkpoint.text(), open_note(signed, [*logs, *ours]).verified) == signed
        except MerkleError as error:
            self._faults.add("witnessed", row.origin, str(error))
            return
        head = opened.checkpoint
        times = {one.time for one in opened.cosignatures if one.ref in {key.ref for key in ours}}
        said = (head.origin, head.size, head.root, times)
        if not exact or said != (row.origin, row.size, as_bytes(row.root), {row.time}):
            self._faults.add("witnessed", row.origin, "origin, size, root or time is not what our witness has signed")


def as_bytes(value: Any) -> bytes:
    """Bytes as stored; SQLite keeps whatever somebody has put into a column, text too."""
    if isinstance(value, bytes):
        return value
    return value.encode() if isinstance(value, str) else bytes(value)


def _text_of(note: bytes) -> str | None:
    try:
        return parse_note_unverified(note).text
    except MerkleError:
        return None


def _head_in(note: bytes) -> tuple[int, bytes] | None:
    try:
        checkpoint = parse_checkpoint_unverified(note)
    except MerkleError:
        return None
    return checkpoint.size, checkpoint.root


def _times(note: bytes, logs: Sequence[Verifier]) -> set[int]:
    """The times in the log's own lines: a line of ML-DSA-44 holds one."""
    timed = {one.ref for one in logs if one.kind is SignatureKind.SUBTREE_V1}
    try:
        return {_time_in(line) for line in parse_note_unverified(note).unverified if line.ref in timed}
    except MerkleError:
        return set()


def _time_in(line: SignatureLine) -> int:
    return int.from_bytes(line.blob[:TIME_BYTES], "big")
