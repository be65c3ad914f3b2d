"""Lays out, to the byte, what a cosignature signs (c2sp.org/tlog-cosignature)."""

from ledger.merkle.checkpoint import Checkpoint
from ledger.merkle.encoding import SIZE_MAX
from ledger.merkle.errors import MalformedCosignature

TIME_BYTES = 8
TIME_MAX = SIZE_MAX  # seconds since 1970; the specification's 2**63 - 1
NAME_BYTES_MAX = 255

_SUBTREE_LABEL = b"subtree/v1\n\0"


def cosignature_v1_message(text: str, time: int) -> bytes:
    """Return what an Ed25519 cosignature (0x04) of a checkpoint's text signs; `time` must not be 0."""
    if not 1 <= time <= TIME_MAX:
        raise MalformedCosignature(f"no cosignature/v1 has time {time}")
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def subtree_v1_message(checkpoint: Checkpoint, time: int, name: str) -> bytes:
    """Return what an ML-DSA-44 cosignature (0x06) by `name` signs: the whole tree, as the subtree that starts at 0.

    Time 0 is allowed: it says nothing about which tree was the largest (so a witness never writes it). Extension
    lines are not signed.
    """
    if not 0 <= time <= TIME_MAX:
        raise MalformedCosignature(f"no subtree/v1 has time {time}")
    return b"".join(
        (
            _SUBTREE_LABEL,
            _short(name),
            _u64(time),
            _short(checkpoint.origin),
            _u64(0),
            _u64(checkpoint.size),
            checkpoint.root,
        )
    )


def join_timed(time: int, signature: bytes) -> bytes:
    """Write a `timestamped_signature`."""
    return _u64(time) + signature


def split_timed(blob: bytes, signature_bytes: int) -> tuple[int, bytes]:
    """Read a `timestamped_signature` into its time and signature; raise MalformedCosignature on another length."""
    if len(blob) != TIME_BYTES + signature_bytes:
        raise MalformedCosignature(f"a cosignature of {len(blob)} bytes")
    return int.from_bytes(blob[:TIME_BYTES], "big"), blob[TIME_BYTES:]


def _u64(number: int) -> bytes:
    return number.to_bytes(8, "big")


def _short(text: str) -> bytes:
    data = text.encode()
    if not 1 <= len(data) <= NAME_BYTES_MAX:
        raise MalformedCosignature(f"a name of {len(data)} bytes, not 1 to {NAME_BYTES_MAX}")
    return bytes((len(data),)) + data
