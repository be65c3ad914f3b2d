"""Writes the one line by which a department lets one other ask to join, and reads it again.

It holds a secret, the asked node's address, and what stands for its name and all its keys: whoever answers at that
address with other keys is not the department that gave the code.
"""

import binascii
import hmac
from base64 import b32decode, b32encode
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.errors import Misconfigured, Rejected
from ledger.merkle.note import Ed25519Signer
from ledger.peers.joining import Introduction, is_url

SECRET_BYTES = 16
STANDS_FOR_BYTES = 16
CHECK_BYTES = 3  # a slip of the hand is told here, and asks nobody
CODE_CHARS = 8 * (SECRET_BYTES + STANDS_FOR_BYTES + CHECK_BYTES) // 5
CODE_TEXT_CHARS_MAX = 600

SIGNER_NAME = "onetrip-join"

_MISTYPED = "this is no code, or a part of it is missing: copy the whole line that `peers invite` printed"


class CodeDiffers(Rejected):
    """The server at the code's address has other keys than those that the code was made for."""

    def __init__(self, url: str) -> None:
        """Name the address."""
        super().__init__(
            f"{url}: its name or keys are not those that this code was made for. If they were changed since, ask for a"
            " new code; if not, somebody stands between you and that department: telephone them"
        )


@dataclass(frozen=True, slots=True)
class JoinCode:
    """What the line says."""

    url: str
    secret: bytes = field(repr=False)
    stands_for: bytes  # the node that gave it

    @classmethod
    def of(cls, inviter: Introduction, secret: bytes) -> Self:
        """A code of this node."""
        return cls(inviter.url, secret, _digest(inviter))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the line; raises Misconfigured."""
        letters, _, url = text.strip().partition("@")
        if len(text) > CODE_TEXT_CHARS_MAX or len(letters) != CODE_CHARS or not is_url(url):
            raise Misconfigured(_MISTYPED)
        try:
            raw = b32decode(letters.upper())
        except binascii.Error as error:
            raise Misconfigured(_MISTYPED) from error
        secret, rest = raw[:SECRET_BYTES], raw[SECRET_BYTES:]
        code = cls(url.rstrip("/"), secret, rest[:STANDS_FOR_BYTES])
        if rest[STANDS_FOR_BYTES:] != code._check:
            raise Misconfigured(_MISTYPED)
        return code

    @property
    def text(self) -> str:
        """The line."""
        return f"{b32encode(self.secret + self.stands_for + self._check).decode().lower()}@{self.url}"

    @property
    def signer(self) -> Ed25519Signer:
        """What signs a question that is asked by this code; the asked node keeps its public half only."""
        seed = sha256(b"onetrip-join/v1\n" + self.secret).digest()
        return Ed25519Signer(SIGNER_NAME, Ed25519PrivateKey.from_private_bytes(seed))

    def check(self, found: Introduction) -> None:
        """Check that this node gave the code; raises CodeDiffers."""
        if found.url != self.url or not hmac.compare_digest(_digest(found), self.stands_for):
            raise CodeDiffers(self.url)

    @property
    def _check(self) -> bytes:
        return sha256(self.secret + self.stands_for + self.url.encode()).digest()[:CHECK_BYTES]


def _digest(found: Introduction) -> bytes:
    """What stands for a node: its address, names and keys."""
    keys = [*found.log_vkeys, *found.witness_vkeys, *found.mirror_vkeys, found.desk_key.hex()]
    lines = ["onetrip-join/v1", found.url, found.name, found.origin, found.number_prefix, *keys]
    return sha256("".join(f"{line}\n" for line in lines).encode()).digest()[:STANDS_FOR_BYTES]
