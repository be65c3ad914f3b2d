"""A stranger's client of a tiled log, written from c2sp.org/tlog-tiles and RFC 6962 alone: it imports nothing of ours.

Slow and short on purpose: whoever doubts our Merkle code can read this in two minutes.
"""

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


@dataclass(frozen=True, slots=True)
class SignedHead:
    origin: str
    size: int
    root: bytes
    text: bytes
    lines: list[str]  # every signature line, in order


def read_log(fetch: Callable[[str], bytes], vkey: str) -> list[bytes]:
    """Fetch `checkpoint`, all tiles and all entries, check everything with the log's Ed25519 vkey, return the entries."""
    head = read_checkpoint(fetch("checkpoint"), vkey)
    entries: list[bytes] = []
    for number, width in tiles(head.size):
        entries += cut_bundle(fetch(path("tile/entries", number, width)), width)
    leaves = [hashlib.sha256(b"\x00" + entry).digest() for entry in entries]
    assert merkle_root(leaves) == head.root, "the entries do not lead to the signed root"
    check_tiles(fetch, leaves)
    return entries


def read_checkpoint(note: bytes, vkey: str) -> SignedHead:
    text, _, signatures = note.rpartition(b"\n\n")
    text += b"\n"
    origin, size, root = text.decode().splitlines()
    lines = signatures.decode().splitlines()
    name, key_hex, key = vkey.split("+", 2)
    assert origin == name
    wanted = f"— {name} "
    blobs = [base64.b64decode(line.removeprefix(wanted)) for line in lines if line.startswith(wanted)]
    (blob,) = [blob for blob in blobs if blob[:4].hex() == key_hex]
    typed = base64.b64decode(key)
    assert typed[0] == 1
    Ed25519PublicKey.from_public_bytes(typed[1:]).verify(blob[4:], text)
    return SignedHead(origin, int(size), base64.b64decode(root), text, lines)


def tiles(count: int) -> list[tuple[int, int]]:
    """(number, width) of the tiles that hold so many things."""
    return [(start // 256, min(256, count - start)) for start in range(0, count, 256)]


def path(prefix: str, number: int, width: int) -> str:
    digits = str(number)
    while len(digits) % 3:
        digits = "0" + digits
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    spelled = "/".join(["x" + group for group in groups[:-1]] + groups[-1:])
    return f"{prefix}/{spelled}" + ("" if width == 256 else f".p/{width}")


def cut_bundle(data: bytes, width: int) -> list[bytes]:
    entries = []
    for _ in range(width):
        length = int.from_bytes(data[:2], "big")
        entries.append(data[2 : 2 + length])
        assert len(entries[-1]) == length
        data = data[2 + length :]
    assert not data
    return entries


def merkle_root(leaves: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, by its own recursion."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    left = 1
    while left * 2 < len(leaves):
        left *= 2
    return hashlib.sha256(b"\x01" + merkle_root(leaves[:left]) + merkle_root(leaves[left:])).digest()


def check_tiles(fetch: Callable[[str], bytes], leaves: list[bytes]) -> None:
    """Every tile of every level holds what the level below it says."""
    level, hashes = 0, leaves
    while hashes:
        for number, width in tiles(len(hashes)):
            expected = b"".join(hashes[number * 256 : number * 256 + width])
            assert fetch(path(f"tile/{level}", number, width)) == expected, f"level {level}, tile {number}"
        hashes = [merkle_root(hashes[at : at + 256]) for at in range(0, len(hashes) - 255, 256)]
        level += 1
