"""Base64url without padding (RFC 7515 §2), one spelling for every value."""

from binascii import Error, a2b_base64, b2a_base64

from ledger.errors import MalformedRecord

_TO_URL = bytes.maketrans(b"+/", b"-_")
_FROM_URL = bytes.maketrans(b"-_", b"+/")


def encode(raw: bytes) -> str:
    """Encode without padding."""
    return b2a_base64(raw, newline=False).translate(_TO_URL).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes:
    """Decode; raises MalformedRecord unless `encode` would write exactly this text."""
    try:
        raw = a2b_base64(text.encode("ascii").translate(_FROM_URL) + b"==")
    except (Error, ValueError) as error:
        raise MalformedRecord("not base64url") from error
    # The decoder forgives much. This does not: foreign letters, padding, bits after the end, the other alphabet.
    if encode(raw) != text:
        raise MalformedRecord("not the one spelling of base64url")
    return raw
