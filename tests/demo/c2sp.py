"""A client of C2SP logs, written from the specifications alone: it shares no code with the ledger."""

import base64
import hashlib
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from struct import unpack

import httpx
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

WIDTH = 256


@dataclass(frozen=True)
class Key:
    name: str
    kind: int
    raw: bytes
    id: bytes

    @classmethod
    def parse(cls, vkey: str) -> "Key":
        name, key_id, material = vkey.split("+", 2)
        raw = base64.b64decode(material, validate=True)
        digest = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]
        assert digest.hex() == key_id
        return cls(name, raw[0], raw[1:], digest)

    def holds(self, text: str, blob: bytes) -> bool:
        """Whether this signature of the checkpoint's text is good."""
        try:
            if self.kind == 1:
                Ed25519PublicKey.from_public_bytes(self.raw).verify(blob, text.encode())
            elif self.kind == 4:
                said = f"cosignature/v1\ntime {int.from_bytes(blob[:8], 'big')}\n{text}"
                Ed25519PublicKey.from_public_bytes(self.raw).verify(blob[8:], said.encode())
            else:
                MLDSA44PublicKey.from_public_bytes(self.raw).verify(blob[8:], self._subtree(text, blob[:8]))
        except InvalidSignature:
            return False
        return True

    def _subtree(self, text: str, moment: bytes) -> bytes:
        origin, size, root = text.split("\n")[:3]
        names = [bytes([len(one.encode())]) + one.encode() for one in (self.name, origin)]
        ends = (0).to_bytes(8, "big") + int(size).to_bytes(8, "big")
        return b"subtree/v1\n\0" + names[0] + moment + names[1] + ends + base64.b64decode(root)


@dataclass(frozen=True)
class Checkpoint:
    size: int
    root: bytes


@dataclass
class Reader:
    http: httpx.Client
    url: str
    origin: str
    vkeys: list[str]

    @cached_property
    def keys(self) -> list[Key]:
        return [Key.parse(vkey) for vkey in self.vkeys]

    def now(self) -> int:
        return int(time.time())

    def note(self) -> tuple[str, dict[tuple[str, bytes], bytes]]:
        answer = self.http.get(f"{self.url}/checkpoint")
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        text, signatures = answer.text.rsplit("\n\n", 1)
        found = {}
        for line in signatures.splitlines():
            dash, name, blob = line.split(" ")
            raw = base64.b64decode(blob, validate=True)
            assert dash == "—"
            found[name, raw[:4]] = raw[4:]
        return text + "\n", found

    def checkpoint(self) -> Checkpoint:
        """What the log signed, with both of its keys."""
        text, signatures = self.note()
        for key in self.keys:
            assert key.holds(text, signatures[key.name, key.id])
        origin, size, root = text.splitlines()
        assert origin == self.origin
        return Checkpoint(int(size), base64.b64decode(root, validate=True))

    def cosigned_by(self, vkeys: Iterable[str]) -> set[str]:
        text, signatures = self.note()
        known = {(key.name, key.id): (vkey, key) for vkey in vkeys for key in [Key.parse(vkey)]}
        return {known[ref][0] for ref, blob in signatures.items() if ref in known and known[ref][1].holds(text, blob)}

    def entries(self, size: int) -> list[bytes]:
        found: list[bytes] = []
        for tile in range(-(-size // WIDTH)):
            bundle = self._get(f"tile/entries/{_path(tile)}", size - tile * WIDTH)
            while bundle:
                (length,) = unpack(">H", bundle[:2])
                found.append(bundle[2 : 2 + length])
                bundle = bundle[2 + length :]
        assert len(found) == size
        return found

    def check_tree(self, checkpoint: Checkpoint) -> None:
        """The entries lead to the signed root, and the tiles are made of them."""
        leaves = [hashlib.sha256(b"\0" + entry).digest() for entry in self.entries(checkpoint.size)]
        assert _root(leaves) == checkpoint.root
        for tile in range(-(-checkpoint.size // WIDTH)):
            shown = self._get(f"tile/0/{_path(tile)}", checkpoint.size - tile * WIDTH)
            assert shown == b"".join(leaves[tile * WIDTH : (tile + 1) * WIDTH])

    def _get(self, path: str, left: int) -> bytes:
        whole = path if left >= WIDTH else f"{path}.p/{left}"
        answer = self.http.get(f"{self.url}/{whole}")
        assert answer.status_code == 200, whole
        assert answer.headers["content-type"] == "application/octet-stream"
        assert "immutable" in answer.headers["cache-control"]
        return answer.content

    def payload(self, entry: bytes) -> str:
        part = entry.split(b".")[1]
        return base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4)).decode()


def _path(number: int) -> str:
    text = f"{number:03d}"
    return text if number < 1000 else f"x{_path(number // 1000)}/{number % 1000:03d}"


def _root(leaves: list[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\1" + _root(leaves[:split]) + _root(leaves[split:])).digest()
