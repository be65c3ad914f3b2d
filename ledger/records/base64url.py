"""Base64url without padding (RFC 7515 §2), one spelling for every value."""

from binascii import Error, a2b_base64, b2a_base64

from ledger.errors import MalformedRecord

_TO_URL = bytes.maketrans(b"+/", b"-_")
_FROM_URL = bytes.maketrans(b"-_+/=", b"+/!!!")  # the other alphabet and padding are foreign letters here

# By how many letters there are beyond whole groups of four: what is missing of padding, and the last letters that leave
# no bits over.
_ENDS = {
    0: (b"", frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")),
    2: (b"==", frozenset(b"AQgw")),
    3: (b"=", frozenset(b"AEIMQUYcgkosw048")),
}


def encode(raw: bytes) -> str:
    """Encode without padding."""
    return b2a_base64(raw, newline=False).translate(_TO_URL).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes:
    """Decode; raises MalformedRecord unless `encode` would write exactly this text."""
    try:
        return decode_ascii(text.encode("ascii"))
    except UnicodeEncodeError as error:
        raise MalformedRecord("not base64url") from error


def decode_ascii(letters: bytes) -> bytes:
    """The same of a text that is there as bytes."""
    padding, ends = _ENDS.get(len(letters) % 4, _ENDS[0])
    try:
        raw = a2b_base64(letters.translate(_FROM_URL) + padding, strict_mode=True)
    except Error as error:
        raise MalformedRecord("not base64url") from error
    if letters and letters[-1] not in ends:
        raise MalformedRecord("not the one spelling of base64url")
    return raw
