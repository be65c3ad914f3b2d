"""What this node has signed last, in a small file beside its keys: written before a signature leaves, never backed up.

A database put back from yesterday finds the mark ahead of itself, and signs nothing. When the file itself is gone, as
on a new disk, only others know what was signed: a mark that *waits* stands in its place until they have said. Of what
our witness cosigned for others nobody can tell us all, so its keys are retired before it speaks again.
"""

import fcntl
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from ledger.errors import Behind, Busy, MarkLost
from ledger.files import replace_file, write_new
from ledger.merkle.hashing import Hash, as_hash

STRANGE_HEADS_MAX = 8  # one is enough to act on

Head = tuple[int, Hash]  # size and root
Marks = dict[str, Any]


class HighWater:
    """The last head our log signed, and by origin the last one our witness cosigned, on the disk before they leave."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def beside(cls, key_file: Path) -> Self:
        """The mark that belongs to a key file."""
        return cls(key_file.with_suffix(".high-water"))

    def create(self) -> None:
        """Begin with nothing signed; only a new node does. Raises Misconfigured when there is a mark already."""
        write_new(self.path, b'{"log": null, "witness": {}}')

    def written_at(self) -> int:
        """Nanoseconds at which the file was written last, 0 without one: as long as it stays, so does what is in it."""
        try:
            return self.path.stat().st_mtime_ns
        except OSError:
            return 0

    # --- our log ---

    def log_head(self) -> Head | None:
        """The last head our log signed, or was about to. Raises MarkLost when nobody here knows."""
        return _parse_head(self._known()["log"])

    def raise_log(self, size: int, root: Hash) -> None:
        """Before signing: remember this head.

        Raises Behind when the mark is higher or has another root, and Busy when the disk takes nothing.
        """
        with self._locked():
            marks = self._known()
            if _is_above(_parse_head(marks["log"]), (size, root), "our log"):
                self._write({**marks, "log": [size, root.hex()]})

    # --- the logs that we cosign ---

    def witness_head(self, origin: str) -> Head | None:
        """The last head of this origin that our witness cosigned, or was about to. Raises MarkLost, as above."""
        return _parse_head(self._known_to_witness()["witness"].get(origin))

    def witness_heads(self) -> dict[str, Head]:
        """All of them, by origin. Raises MarkLost, as above."""
        heads = {origin: _parse_head(mark) for origin, mark in self._known_to_witness()["witness"].items()}
        return {origin: head for origin, head in heads.items() if head is not None}

    def raise_witness(self, origin: str, size: int, root: Hash) -> None:
        """Before cosigning: remember this head of this origin. Raises Behind, as above."""
        with self._locked():
            marks = self._known_to_witness()
            if _is_above(_parse_head(marks["witness"].get(origin)), (size, root), origin):
                self._write({**marks, "witness": {**marks["witness"], origin: [size, root.hex()]}})

    # --- when the file was lost ---

    def begin_waiting(self, *, alone: bool = False) -> None:
        """Put a mark that waits in the place of a missing one. Raises Misconfigured when there is a mark already.

        `alone`: an administrator says that nobody has ever followed this log.
        """
        marks: Marks = {"log": None, "witness": {}, "waiting": True, "retiring": True, "alone": alone}
        write_new(self.path, json.dumps(marks, indent=1).encode())

    def is_missing(self) -> bool:
        """Whether there is no file, as on a new disk."""
        return not self.path.exists()

    def is_waiting(self) -> bool:
        """Whether others must say what our log has signed. Raises MarkLost when there is not even a mark that waits."""
        return bool(self._read()["waiting"])

    def is_alone(self) -> bool:
        """Whether an administrator said that nobody has ever followed this log."""
        return bool(self._read()["alone"])

    def expect(self, departments: int) -> None:
        """Before a waiting ends, so many departments make up the network at least, whatever the database knows."""
        with self._locked():
            marks = self._read()
            if departments > marks["departments"]:
                self._write({**marks, "departments": departments})

    def departments(self) -> int:
        """So many were expected at least; 0 when nobody said. Raises MarkLost when there is no mark."""
        return int(self._read()["departments"])

    def settle_log(self, head: Head | None) -> None:
        """Others have said what was signed, and the database holds it: this is the last head of our log."""
        with self._locked():
            mark = None if head is None else [head[0], head[1].hex()]
            self._write({**self._read(), "log": mark, "waiting": False})

    def is_retiring(self) -> bool:
        """Whether the keys of witness and mirror must be replaced before they speak. Raises MarkLost, as above."""
        return bool(self._read()["retiring"])

    def settle_witness(self) -> None:
        """Their keys have been replaced: the new ones have cosigned nothing."""
        with self._locked():
            self._write({**self._read(), "witness": {}, "retiring": False})

    # --- heads that bear our signature, and that we did not make ---

    def note_strange(self, size: int, root: Hash) -> bool:
        """Keep one; whether it is new. It never goes away by itself."""
        with self._locked():
            marks = self._read()
            strange = marks["strange"]
            mark = [size, root.hex()]
            if mark in strange or len(strange) >= STRANGE_HEADS_MAX:
                return False
            self._write({**marks, "strange": [*strange, mark]})
            return True

    def strange_heads(self) -> list[Head]:
        """Those that were seen. Raises MarkLost when there is no mark."""
        return [head for head in map(_parse_head, self._read()["strange"]) if head is not None]

    # --- the file ---

    @contextmanager
    def _locked(self) -> Iterator[None]:
        # A file of its own: the mark itself is replaced, and a lock on what was replaced holds nobody back.
        try:
            with self.path.with_name(f"{self.path.name}.lock").open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        except OSError as error:
            raise Busy(f"{self.path} cannot be written: {error.strerror}") from error

    def _known(self) -> Marks:
        marks = self._read()
        if marks["waiting"]:
            raise MarkLost("nobody here knows what has been signed: other departments must say what they hold")
        return marks

    def _known_to_witness(self) -> Marks:
        marks = self._known()
        if marks["retiring"]:
            raise MarkLost("nobody here knows what has been cosigned: the witness waits for new keys")
        return marks

    def _read(self) -> Marks:
        try:
            return _parse_marks(self.path.read_bytes())
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise MarkLost(f"{self.path} cannot be read: nobody here knows what has been signed") from error

    def _write(self, marks: Mapping[str, object]) -> None:
        replace_file(self.path, json.dumps(marks, indent=1).encode())


def _parse_marks(text: bytes) -> Marks:
    marks = json.loads(text)
    if not isinstance(marks, dict):
        raise TypeError("marks are a JSON object")
    flags = {name: bool(marks.get(name, False)) for name in ("waiting", "retiring", "alone")}
    strange, departments = list(marks.get("strange", [])), int(marks.get("departments", 0))
    said = {"log": marks["log"], "witness": dict(marks["witness"]), "strange": strange, "departments": departments}
    return {**said, **flags}


def _parse_head(mark: Sequence[Any] | None) -> Head | None:
    return None if mark is None else (int(mark[0]), as_hash(bytes.fromhex(mark[1])))


def _is_above(mark: Head | None, head: Head, whose: str) -> bool:
    if mark is None or head[0] > mark[0]:
        return True
    if head != mark:
        raise Behind(f"{whose}: size {mark[0]} has been signed, and here is size {head[0]} or another root")
    return False
