"""A record's name short enough to read out and to type: 12 Crockford base32 characters of its leaf hash.

60 bits: no record is found by trying codes, and whoever makes two records of one code has them both shown.
"""

from ledger.merkle.hashing import HASH_BYTES

CHARACTERS = 12  # of five bits each
GROUP = 4  # as people read it out

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_READ_ALIKE = str.maketrans({"O": "0", "I": "1", "L": "1", " ": None, "-": None})
_REST_BITS = 8 * HASH_BYTES - 5 * CHARACTERS


def check_code(leaf: bytes) -> str:
    """The code of the record with this leaf hash."""
    bits = int.from_bytes(leaf) >> _REST_BITS
    return "".join(_ALPHABET[bits >> 5 * place & 31] for place in reversed(range(CHARACTERS)))


def in_groups(code: str) -> str:
    """The code as it is printed: 7K2M-9QXD-4TNB."""
    return "-".join(code[at : at + GROUP] for at in range(0, CHARACTERS, GROUP))


def parse_check_code(typed: str) -> str | None:
    """The code that somebody typed, None when it is none; case, spaces, hyphens and look-alikes are forgiven."""
    if len(typed) > 4 * CHARACTERS:
        return None
    code = typed.upper().translate(_READ_ALIKE)
    return code if len(code) == CHARACTERS and set(code) <= set(_ALPHABET) else None


def leaves_of(code: str) -> tuple[bytes, bytes]:
    """The lowest and the highest leaf hash that a code, as `check_code` writes it, may stand for."""
    bits = 0
    for character in code:
        bits = bits << 5 | _ALPHABET.index(character)
    low = bits << _REST_BITS
    return low.to_bytes(HASH_BYTES), (low + (1 << _REST_BITS) - 1).to_bytes(HASH_BYTES)
