"""Writes a question and reads an answer as RFC 9112 lays them out, and refuses whatever it leaves to guess.

Everything that is no body has an end here; how long a body may be is for its reader to say.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

HEADER_BYTES_MAX = 64 * 1024  # of an answer, all its preliminary ones included
CHUNK_LINE_BYTES_MAX = 1_024
PIECE_BYTES = 64 * 1024

_STATUS = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: [^\x00\r\n]*)?")
_HEADER = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):([^\x00\r\n]*)")
_LENGTH = re.compile(rb"[0-9]{1,18}")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\x00\r\n]*)?")
_BODILESS = frozenset({204, 304})

Headers = Sequence[tuple[bytes, bytes]]


class Source(Protocol):
    """Where an answer is read from: a buffered reader."""

    def readline(self, size: int, /) -> bytes:
        """So many bytes at most, up to the end of a line."""
        ...

    def read1(self, size: int, /) -> bytes:
        """So many bytes at most, of those that come first; none at the end."""
        ...


class MalformedAnswer(Exception):
    """What came is no answer, or not all of one."""


@dataclass(frozen=True, slots=True)
class Head:
    """An answer up to its body."""

    status: int
    headers: Headers
    length: int | None  # of the body; None: in chunks, or whatever comes until the connection ends
    is_chunked: bool
    is_last: bool  # nothing is answered on this connection any more


def format_question(method: bytes, target: bytes, headers: Headers, body: bytes) -> bytes:
    """Write a question; raises ValueError when a header of ours would say more than one."""
    lines = [b"%b: %b" % header for header in headers]
    if not all(map(_HEADER.fullmatch, lines)):
        raise ValueError("not headers")
    return b"\r\n".join((b"%b %b HTTP/1.1" % (method, target), *lines, b"", body))


def read_head(source: Source, method: str) -> Head:
    """Read an answer up to its body, past those that only say that it will come (§2.2 to §6); raises MalformedAnswer.

    `method` is the question's: to HEAD no body comes.
    """
    room = HEADER_BYTES_MAX
    while True:
        first, *lines = _read_lines(source, room)
        said = _STATUS.fullmatch(first)
        if said is None:
            raise MalformedAnswer("no status line")
        status, is_old = int(said[2]), said[1] == b"0"
        if status >= 200:
            break
        room -= len(first) + sum(map(len, lines))
    headers = [_parse_header(line) for line in lines]
    length, is_chunked = _framing(headers)
    if method == "HEAD" or status in _BODILESS:
        length, is_chunked = 0, False
    ends = b"close" in b",".join(value for name, value in headers if name.lower() == b"connection").lower()
    return Head(status, headers, length, is_chunked, ends or is_old or (length is None and not is_chunked))


def read_body(source: Source, head: Head) -> Iterator[bytes]:
    """What follows, piece by piece, to its end (§7); raises MalformedAnswer when that does not come."""
    if head.is_chunked:
        while size := _read_chunk_size(source):
            yield from _read_pieces(source, size)
            if _read_line(source, 2):
                raise MalformedAnswer("a chunk goes on behind its end")
        if _read_line(source, CHUNK_LINE_BYTES_MAX):
            raise MalformedAnswer("a trailer, which nobody asked for")
    elif head.length is not None:
        yield from _read_pieces(source, head.length)
    else:
        while piece := source.read1(PIECE_BYTES):
            yield piece


def _framing(headers: Headers) -> tuple[int | None, bool]:
    """How long the body is, and whether it comes in chunks; two ways to tell, or one told twice, are none (§6.3)."""
    codings = [value.lower() for name, value in headers if name.lower() == b"transfer-encoding"]
    lengths = [value for name, value in headers if name.lower() == b"content-length"]
    match codings, lengths:
        case [], []:
            return None, False
        case [b"chunked"], []:
            return None, True
        case [], [length] if _LENGTH.fullmatch(length):
            return int(length), False
    raise MalformedAnswer("nobody can tell where its body ends")


def _parse_header(line: bytes) -> tuple[bytes, bytes]:
    found = _HEADER.fullmatch(line)
    if found is None:
        raise MalformedAnswer("not a header")
    return found[1], found[2].strip(b" \t")


def _read_lines(source: Source, room: int) -> list[bytes]:
    """Lines up to the empty one, which is left out; at least one."""
    lines = [_read_line(source, room)]
    while line := _read_line(source, room := room - len(lines[-1]) - 2):
        lines.append(line)
    return lines


def _read_line(source: Source, room: int) -> bytes:
    """A line without its end, of so many bytes at most with it."""
    line = source.readline(max(room, 0))
    if not line.endswith(b"\n"):
        raise MalformedAnswer("a line without its end, or more than is read")
    return line.removesuffix(b"\n").removesuffix(b"\r")


def _read_chunk_size(source: Source) -> int:
    found = _CHUNK.fullmatch(_read_line(source, CHUNK_LINE_BYTES_MAX))
    if found is None:
        raise MalformedAnswer("a chunk without its size")
    return int(found[1], 16)


def _read_pieces(source: Source, left: int) -> Iterator[bytes]:
    while left:
        piece = source.read1(min(left, PIECE_BYTES))
        if not piece:
            raise MalformedAnswer(f"it ended {left} bytes early")
        left -= len(piece)
        yield piece
