"""Every way a tree, a proof or a note can be refused, in one tree of its own.

Apart from `ledger.errors` on purpose: this room could be lifted out of the house, and whoever calls it says what a
refusal means there.
"""


class MerkleError(Exception):
    """The root: whoever catches this has caught all that this package raises on purpose."""


class Malformed(MerkleError):
    """The bytes are not what they must be, whoever signed them."""


class MalformedText(Malformed):
    """A base64 text or a decimal that is not in its one spelling."""


class MalformedHash(Malformed):
    """Not 32 bytes, or not as many hashes as the size needs."""


class MalformedTile(Malformed):
    """Not the path, or not the content, of a tile or of an entry bundle."""


class MalformedKey(Malformed):
    """Not a verifier key: form, key ID, type or length is wrong."""


class MalformedNote(Malformed):
    """Not a signed note."""


class MalformedCheckpoint(Malformed):
    """Not the text of a checkpoint."""


class MalformedCosignature(Malformed):
    """A timestamp or name that no cosignature can carry."""


class MalformedRequest(Malformed):
    """Not the body of an add-checkpoint request."""


class MalformedTlogProof(Malformed):
    """Not a tlog-proof file."""


class MalformedPolicy(Malformed):
    """Not a tlog-policy file; the message names the line."""


class EntryTooLong(MerkleError):
    """An entry that does not fit its two bytes of length."""

    def __init__(self, found: int, allowed: int) -> None:
        """Show both lengths, in bytes."""
        super().__init__(f"entry of {found} bytes, at most {allowed} fit")
        self.found = found


class OutOfRange(MerkleError):
    """A tree of this size has no such leaf, node or older tree."""


class BadProof(MerkleError):
    """The proof does not lead to the root: evidence of nothing, merely refused."""


class BadSignature(MerkleError):
    """A line that names a known key does not verify: it spoils the whole note."""

    def __init__(self, name: str, key_id: bytes) -> None:
        """Name the key whose signature failed."""
        super().__init__(f"bad signature by {name}+{key_id.hex()}")
        self.name = name
        self.key_id = key_id


class NoKnownSignature(MerkleError):
    """Nobody we know has signed this."""


class AmbiguousKey(MerkleError):
    """Two different known keys share a name and a key ID: no line could tell them apart."""


class QuorumMissing(MerkleError):
    """Too few of the policy's witnesses have cosigned."""
