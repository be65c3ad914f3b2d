"""Carries a text and the signatures of many under it, so that each reader checks those it knows (c2sp.org/signed-note).

The text must not be believed until `open_note` has returned it.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.merkle.encoding import decode_base64_loose, encode_base64
from ledger.merkle.errors import AmbiguousKey, BadSignature, MalformedNote, MalformedText, NoKnownSignature
from ledger.merkle.vkeys import (
    KEY_ID_BYTES,
    KeyRef,
    SignatureKind,
    Verifier,
    check_name,
    format_vkey,
    is_name,
    parse_vkey,
)

__all__ = [
    "Ed25519Signer",
    "KeyRef",
    "Note",
    "SignatureKind",
    "SignatureLine",
    "Signer",
    "Verifier",
    "add_signatures",
    "check_name",
    "format_note",
    "format_vkey",
    "open_note",
    "parse_note_unverified",
    "parse_signature_lines",
    "parse_vkey",
    "sign_note",
]

SIGNATURES_MAX = 100  # as in Go's x/mod/sumdb/note; the specification wants at least 16
NOTE_BYTES_MAX = 512 * 1024  # room for as many signatures by ML-DSA-44, and a short text

LINES_KEPT = 1_024
LINE_CHARS_KEPT = 3_840  # an ML-DSA signature with its time, under a long name
NOTES_KEPT = 64
NOTE_BYTES_KEPT = 64 * 1024  # a checkpoint with sixteen lines has some 40 KiB
_DASH = "— "  # U+2014 EM DASH and a space
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")  # other than newline


@dataclass(frozen=True, slots=True)
class SignatureLine:
    """One line under a note. Whether it is true, only the key knows that it names.

    `is_loose` marks a line that was read from a second spelling of its base64. Such a line is a stranger's to ignore,
    but a bad signature where it names a known key; it is never written again.
    """

    name: str
    key_id: bytes
    blob: bytes
    is_loose: bool = False
    ref: KeyRef = field(init=False, repr=False, compare=False)  # the key that this line says it was made by

    def __post_init__(self) -> None:
        if not is_name(self.name) or len(self.key_id) != KEY_ID_BYTES or not self.blob:
            raise MalformedNote(f"no signature line can be made for {self.name[:64]!r}")
        object.__setattr__(self, "ref", (self.name, self.key_id))

    @staticmethod
    def parse(line: str) -> "SignatureLine":
        """Read one line without its newline; raise MalformedNote."""
        # The newest cosignatures of a log are read several times in each round.
        return (_known_line if len(line) <= LINE_CHARS_KEPT else SignatureLine._parse)(line)

    @classmethod
    def _parse(cls, line: str) -> Self:
        name, space, encoded = line.removeprefix(_DASH).partition(" ")
        if not line.startswith(_DASH) or not space:
            raise MalformedNote(f"not a signature line: {line[:64]!r}")
        try:
            data = decode_base64_loose(encoded)
        except MalformedText as error:
            raise MalformedNote(f"signature of {name[:64]!r}: {error}") from error
        return cls(name, data[:KEY_ID_BYTES], data[KEY_ID_BYTES:], encode_base64(data) != encoded)

    def text(self) -> str:
        """Write the line, with its newline."""
        return f"{_DASH}{self.name} {encode_base64(self.key_id + self.blob)}\n"


_known_line = lru_cache(LINES_KEPT)(SignatureLine._parse)  # noqa: SLF001


@dataclass(frozen=True, slots=True)
class Note:
    """A note with its lines in two heaps: those that a known key made, and those of strangers."""

    text: str
    verified: tuple[SignatureLine, ...]
    unverified: tuple[SignatureLine, ...]


class Signer(Protocol):
    """Whoever can put a signature under a text."""

    def sign(self, text: str) -> SignatureLine:
        """Return the line that signs this text."""
        ...


@dataclass(frozen=True, slots=True)
class Ed25519Signer:
    """A private key that signs notes with the plain type 0x01."""

    name: str
    private_key: Ed25519PrivateKey
    verifier: Verifier = field(init=False)  # the public half, for those who check

    def __post_init__(self) -> None:
        public = self.private_key.public_key().public_bytes_raw()
        object.__setattr__(self, "verifier", Verifier(self.name, SignatureKind.ED25519, public))

    def sign(self, text: str) -> SignatureLine:
        """Return the line that signs this text."""
        return SignatureLine(self.name, self.verifier.key_id, self.private_key.sign(text.encode()))


def sign_note(text: str, signers: Iterable[Signer]) -> bytes:
    """Return the note with this text, signed by each of the signers in their order."""
    return format_note(text, [signer.sign(text) for signer in signers])


def format_note(text: str, lines: Sequence[SignatureLine]) -> bytes:
    """Write a note; raise MalformedNote where no reader would accept it."""
    note = f"{text}\n{''.join(line.text() for line in lines)}".encode()
    if parse_note_unverified(note) != Note(text, (), tuple(lines)):
        raise MalformedNote("this text cannot be told from its signatures, or lines are doubled")
    return note


def add_signatures(signed: bytes, lines: Iterable[SignatureLine]) -> bytes:
    """Return the note with more lines; a key's new line takes the place of its old one.

    Were both kept, readers that check one line for each key would go on seeing the older cosignature.
    """
    note = parse_note_unverified(signed)
    by_key = {line.ref: line for line in (*note.unverified, *lines) if not line.is_loose}
    return format_note(note.text, list(by_key.values()))


def parse_note_unverified(signed: bytes) -> Note:
    """Split a note into text and lines, none of them verified; a line that stands twice is kept once.

    Raises MalformedNote.
    """
    if len(signed) > NOTE_BYTES_MAX:
        raise MalformedNote(f"a note of {len(signed)} bytes, at most {NOTE_BYTES_MAX} are read")
    # The newest heads are read by witness, mirror and comparison one after the other, and what is written is read back.
    return (_known_note if len(signed) <= NOTE_BYTES_KEPT else _parse_note)(signed)


def _parse_note(signed: bytes) -> Note:
    # The last empty line divides: a text may have empty lines of its own, signatures never do.
    text, divider, lines = _decode(signed).rpartition("\n\n")
    if not divider:
        raise MalformedNote("a note without an empty line before its signatures")
    if _CONTROL.search(text):  # neither a name nor base64 has any
        raise MalformedNote("a control character other than newline")
    return Note(f"{text}\n", (), _parse_lines(lines))


_known_note = lru_cache(NOTES_KEPT)(_parse_note)


def parse_signature_lines(body: bytes) -> tuple[SignatureLine, ...]:
    """Read signature lines that come without their note, as a witness answers them; raise MalformedNote."""
    if len(body) > NOTE_BYTES_MAX:
        raise MalformedNote(f"signatures of {len(body)} bytes, at most {NOTE_BYTES_MAX} are read")
    return _parse_lines(_decode(body))


def open_note(signed: bytes, verifiers: Iterable[Verifier]) -> Note:
    """Open a note that at least one of these keys has signed.

    Raises MalformedNote; BadSignature when a known key's line does not verify, which spoils the note; and
    NoKnownSignature. Lines by strangers are kept, unverified. Of a known key only the first line counts, so that a
    hostile note costs one verification for each key we know; its further lines are dropped.
    """
    known = _by_ref(verifiers)
    note = parse_note_unverified(signed)
    verified: dict[KeyRef, SignatureLine] = {}
    for line in note.unverified:
        if line.ref in known and line.ref not in verified:
            if line.is_loose:
                raise BadSignature(line.name, line.key_id)
            known[line.ref].check(note.text, line.blob)
            verified[line.ref] = line
    if not verified:
        raise NoKnownSignature("no line of this note is by a known key")
    strangers = tuple(line for line in note.unverified if line.ref not in known and not line.is_loose)
    return Note(note.text, tuple(verified.values()), strangers)


def _by_ref(verifiers: Iterable[Verifier]) -> dict[KeyRef, Verifier]:
    known: dict[KeyRef, Verifier] = {}
    for verifier in verifiers:
        if known.setdefault(verifier.ref, verifier) != verifier:
            raise AmbiguousKey(f"two known keys are called {verifier.name}+{verifier.key_id.hex()}")
    return known


def _decode(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedNote("not UTF-8") from error


def _parse_lines(text: str) -> tuple[SignatureLine, ...]:
    lines = text.split("\n", SIGNATURES_MAX)
    if len(lines) < 2 or lines.pop():
        raise MalformedNote(f"not 1 to {SIGNATURES_MAX} signature lines, each with its newline")
    return tuple(dict.fromkeys(SignatureLine.parse(line) for line in lines))
