"""Base64url without padding (RFC 7515 §2), one spelling for every value."""

from binascii import Error, a2b_base64, b2a_base64

from ledger.errors import MalformedRecord

_TO_URL = bytes.maketrans(b"+/", b"-_")
_FROM_URL = bytes.maketrans(b"-_+/=", b"+/!!!")  # the other alphabet and padding are foreign letters here

# By how many letters there are beyond whole groups of four: what is missing of padding, and the last letters that leave
# no bits over.
_ENDS = {
    0: (b"", frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")),
    2: (b"==", frozenset("AQgw")),
    3: (b"=", frozenset("AEIMQUYcgkosw048")),
}


def encode(raw: bytes) -> str:
    """Encode without padding."""
    return b2a_base64(raw, newline=False).translate(_TO_URL).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes:
    """Decode; raises MalformedRecord unless `encode` would write exactly this text."""
    padding, ends = _ENDS.get(len(text) % 4, _ENDS[0])
    try:
        raw = a2b_base64(text.encode("ascii").translate(_FROM_URL) + padding, strict_mode=True)
    except (Error, ValueError) as error:
        raise MalformedRecord("not base64url") from error
    if text and text[-1] not in ends:
        raise MalformedRecord("not the one spelling of base64url")
    return raw
