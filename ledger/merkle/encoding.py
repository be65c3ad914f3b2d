"""Gives numbers and bytes their one spelling, and refuses every other."""

import base64
import binascii
import re

from ledger.merkle.errors import MalformedText

# Go's clients keep sizes in an int64, as cosignatures keep times.
SIZE_MAX = 2**63 - 1

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


def encode_base64(data: bytes) -> str:
    """Write bytes in standard base64 with padding (RFC 4648 section 4)."""
    return base64.b64encode(data).decode("ascii")


def decode_base64(text: str) -> bytes:
    """Read standard base64; raise MalformedText unless writing it again gives the same text.

    Padding bits that are not zero, missing padding and stray characters would each give one value a second spelling.
    """
    data = decode_base64_loose(text)
    if encode_base64(data) != text:
        raise MalformedText("base64 is not canonical")
    return data


def decode_base64_loose(text: str) -> bytes:
    """Read standard base64 as Go does, whatever its padding bits are; raise MalformedText."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedText("not base64") from error
    if len(encode_base64(data)) != len(text):
        raise MalformedText("base64 with too much or too little padding")
    return data


def parse_decimal(text: str) -> int:
    """Read an ASCII decimal from 0 to SIZE_MAX; raise MalformedText at a sign, a space or a leading zero."""
    if not _DECIMAL.fullmatch(text) or (number := int(text)) > SIZE_MAX:
        raise MalformedText(f"not a decimal from 0 to {SIZE_MAX}: {text[:32]!r}")
    return number
