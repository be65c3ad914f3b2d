"""The shapes that a clear claim may have: closed, so that nothing personal finds a way in.

Free text is not among them.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from ledger.records.jsonstrict import INTEGER_MAX, Json

ROLES = ("clerk", "approver", "authoriser", "finance", "auditor", "admin")
AMOUNT_FEN_MAX = 10**13  # a hundred billion yuan
VKEYS_MAX = 4
LEAVES_MAX = 256
MEMBERS_MAX = 128


@dataclass(frozen=True, slots=True)
class Shape:
    """A predicate on a parsed JSON value, with the words that `docs/records.md` has for it."""

    words: str
    fits: Callable[[Json], bool]

    def __call__(self, value: Json) -> bool:
        """Whether the value has this shape."""
        return self.fits(value)


def _matching(words: str, pattern: str) -> Shape:
    # ASCII: there are digits in other scripts, and one value has one spelling.
    fullmatch = re.compile(pattern, re.ASCII).fullmatch
    return Shape(words, lambda value: isinstance(value, str) and fullmatch(value) is not None)


def one_of(*words: str) -> Shape:
    """One of a few fixed words."""
    return Shape("one of " + ", ".join(words), lambda value: isinstance(value, str) and value in words)


TEST_LOG = "/test/log"  # how the name of a log of invented people ends


def is_test(origin: str) -> bool:
    """Whether a log of this name holds invented people and matters only. The name is in every record and every head."""
    return origin.endswith(TEST_LOG)


def _is_day(value: Json) -> bool:
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _is_whole(value: Json, least: int, most: int) -> bool:
    # To Python `True` is an integer as well.
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _is_reference(value: Json) -> bool:
    return isinstance(value, dict) and value.keys() == {"log", "sub"} and origin(value["log"]) and handle(value["sub"])


def _are_vkeys(value: Json) -> bool:
    return isinstance(value, list) and 1 <= len(value) <= VKEYS_MAX and all(_VKEY(key) for key in value)


def _is_jwk(value: Json) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == {"kty", "crv", "x"}
        and (value["kty"], value["crv"]) == ("OKP", "Ed25519")
        and leaf(value["x"])
    )


def _are_signatures(value: Json) -> bool:
    return isinstance(value, list) and 1 <= len(value) <= VKEYS_MAX and all(_SIGNATURE(one) for one in value)


def _is_ended_log(value: Json) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == {"log", "size", "root"}
        and origin(value["log"])
        and _is_whole(value["size"], 1, INTEGER_MAX)
        and sha256_hex(value["root"])
    )


def _are_leaves(value: Json) -> bool:
    # Sorted, each once: one set of hashes has one spelling.
    return (
        isinstance(value, list)
        and 1 <= len(value) <= LEAVES_MAX
        and all(isinstance(one, str) and leaf(one) for one in value)
        and value == sorted({str(one) for one in value})
    )


def _is_member(value: Json) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == {"log", "genesis"}
        and origin(value["log"])
        and isinstance(value["genesis"], str)
        and leaf(value["genesis"])
    )


def _are_members(value: Json) -> bool:
    # Sorted, each once: one list of members has one spelling.
    if not isinstance(value, list) or not 2 <= len(value) <= MEMBERS_MAX or not all(map(_is_member, value)):
        return False
    named = [str(one["log"]) for one in value if isinstance(one, dict)]
    return named == sorted(set(named))


def _is_introduction(value: Json) -> bool:
    shapes = {"url": _URL, "number_prefix": prefix, "desk_key": leaf, "genesis": leaf, "signature": ed25519_signature}
    return (
        isinstance(value, dict)
        and value.keys() == shapes.keys()
        and all(fits(value[name]) for name, fits in shapes.items())
    )


def _are_roles(value: Json) -> bool:
    return isinstance(value, list) and bool(value) and value == [role for role in ROLES if role in value]


_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_VKEY = _matching("a C2SP vkey", r"[!-*,-~]{1,255}\+[0-9a-f]{8}\+[A-Za-z0-9+/=]{1,2000}")
ED25519_SIGNATURE = r"[A-Za-z0-9_-]{85}[AQgw]"
ed25519_signature = _matching("a signature of 64 bytes in base64url", ED25519_SIGNATURE)
# Others put their paths behind it: nothing in it may end the path or the host's name, as ? and # and @ would.
_URL = _matching("a URL without ?, # and @", r"https?://[!\"$->A-~]{1,500}")
# 64 bytes of Ed25519, or 2420 of ML-DSA-44.
_SIGNATURE = _matching("a signature in base64url", r"[A-Za-z0-9_-]{86}|[A-Za-z0-9_-]{3227}")

# 16 and 32 bytes in base64url: the last letter carries two bits, or four.
handle = _matching("an object's handle: 128 random bits in base64url", r"[A-Za-z0-9_-]{21}[AQgw]")
leaf = _matching("a hash of 32 bytes in base64url", r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")
sha256_hex = _matching("a hash of 32 bytes in hex", r"[0-9a-f]{64}")
code = _matching("a code: letters, digits, dots, dashes, at most 48", r"[A-Za-z0-9][A-Za-z0-9._-]{0,47}")
origin = _matching("a log's origin", r"[!-*,-~]{1,255}")  # a C2SP name: no space, no plus
month = _matching("a month, YYYY-MM", r"[0-9]{4}-(0[1-9]|1[0-2])")
finding = _matching("a finding's name: 8 Crockford characters", r"[0-9A-HJKMNP-TV-Z]{8}")
rule = _matching("a rule's id: R and two digits", r"R[0-9]{2}")
prefix = _matching("2 to 4 digits", r"[1-9][0-9]{1,3}")
department = Shape(
    "a department's name, at most 40 letters",
    lambda value: isinstance(value, str) and re.fullmatch(r"[\w（）()·-]{1,40}", value) is not None,
)
day = Shape("a day that exists, YYYY-MM-DD", _is_day)
count = Shape("a whole number from 0", lambda value: _is_whole(value, 0, INTEGER_MAX))
amount_fen = Shape("an amount in fen, more than 0", lambda value: _is_whole(value, 1, AMOUNT_FEN_MAX))
reference = Shape("an object of any log: `log` is its origin, `sub` its handle", _is_reference)
vkeys = Shape("one to four C2SP vkeys", _are_vkeys)
leaves = Shape("hashes of 32 bytes in base64url, at most 256, sorted, each once", _are_leaves)
members = Shape("departments, 2 to 128, sorted: `log` is its origin, `genesis` its first record's hash", _are_members)
epoch = Shape("an epoch's number: whole, from 2", lambda value: _is_whole(value, 2, INTEGER_MAX))
positive = Shape("a whole number from 1", lambda value: _is_whole(value, 1, INTEGER_MAX))
signatures = Shape("one to four signatures in base64url", _are_signatures)
ended_log = Shape(
    "a log that ended: `log` is its origin, `size` and `root` (hex) its last head that counts", _is_ended_log
)
introduction = Shape(
    "how the department introduces itself: `url`, `number_prefix`, `desk_key`, `genesis` (its first record's hash), and"
    " the `signature` of its log",
    _is_introduction,
)
jwk = Shape("a public Ed25519 key as a JWK: `kty`, `crv`, `x`", _is_jwk)
roles = Shape("roles, each once, in the order " + ", ".join(ROLES), _are_roles)
