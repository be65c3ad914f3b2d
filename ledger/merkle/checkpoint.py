"""Says what a log claims about itself at one moment: its name, its size and its root (c2sp.org/tlog-checkpoint)."""

from dataclasses import dataclass
from functools import lru_cache

from ledger.merkle.encoding import SIZE_MAX, decode_base64, encode_base64, parse_decimal
from ledger.merkle.errors import MalformedCheckpoint, MalformedHash, MalformedText
from ledger.merkle.hashing import HASH_BYTES, Hash, as_hash

TEXTS_KEPT = 256
TEXT_CHARS_KEPT = 512  # a checkpoint without extension, under the longest name
ORIGIN_BYTES_MAX = 255  # an ML-DSA cosignature writes the origin's length in one byte


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree head. It has no time: when it was seen is what cosignatures say.

    `extension` keeps the lines that a stranger's log may add. We write none and believe none, as an ML-DSA signature
    does not cover them.
    """

    origin: str
    size: int
    root: Hash
    extension: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.size <= SIZE_MAX or len(self.root) != HASH_BYTES:
            raise MalformedCheckpoint(f"size {self.size}, root of {len(self.root)} bytes")
        if not all(_is_line(line) for line in (self.origin, *self.extension)):
            raise MalformedCheckpoint("an origin or extension line is empty or has control characters")
        if len(self.origin.encode()) > ORIGIN_BYTES_MAX:
            raise MalformedCheckpoint(f"an origin of more than {ORIGIN_BYTES_MAX} bytes")

    def text(self) -> str:
        """Write the text that is signed, with its final newline."""
        lines = (self.origin, str(self.size), encode_base64(self.root), *self.extension)
        return "".join(f"{line}\n" for line in lines)


def parse_checkpoint(text: str) -> Checkpoint:
    """Read a checkpoint's text; raise MalformedCheckpoint unless each value is in its one spelling."""
    # Each line under a note reads it again.
    return (_known_checkpoint if len(text) <= TEXT_CHARS_KEPT else _parse_checkpoint)(text)


def _parse_checkpoint(text: str) -> Checkpoint:
    lines = text.split("\n")
    if len(lines) < 4 or lines.pop():
        raise MalformedCheckpoint("a checkpoint has three lines or more, each with its newline")
    origin, size, root, *extension = lines
    try:
        return Checkpoint(origin, parse_decimal(size), as_hash(decode_base64(root)), tuple(extension))
    except (MalformedText, MalformedHash) as error:
        raise MalformedCheckpoint(f"checkpoint of {origin[:64]!r}: {error}") from error


_known_checkpoint = lru_cache(TEXTS_KEPT)(_parse_checkpoint)


def _is_line(line: str) -> bool:
    return bool(line) and min(line) >= " " and not any("\ud800" <= char <= "\udfff" for char in line)
