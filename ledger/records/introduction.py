"""What a department says of itself, signed by its log: where it is reached, and how its log begins.

Whoever passes it on can change nothing of it: the keys that have signed are those that the eight words stand for.
A department that has compared them lets it stand in its own log, and from there the others know it.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ledger.errors import MalformedRecord
from ledger.merkle.errors import MerkleError
from ledger.merkle.vkeys import SignatureKind, parse_vkey
from ledger.records import base64url
from ledger.records.jsonstrict import Json, format_json

FIRST_LINE = "onetrip-introduction/v1"  # no checkpoint begins so, as its second line is a number


class Introduced(NamedTuple):
    """The part that a record shows beside the department's name and its keys."""

    url: str
    number_prefix: str
    desk_key: str  # base64url of the raw public key
    genesis: str  # leaf hash of its log's first record, base64url
    signature: str  # of its log's Ed25519 key, base64url

    @property
    def claim(self) -> dict[str, Json]:
        """It as a record shows it."""
        return dict(self._asdict())


def introduction_text(department: str, origin: str, keys: Mapping[str, Sequence[str]], said: Mapping[str, Json]) -> str:
    """What is signed; `keys`: vkeys by the names of their claims, `said`: the claim, its signature is left out."""
    names: dict[str, Json] = {"department": department, "log": origin}
    vkeys: dict[str, Json] = {name: list(some) for name, some in keys.items()}
    rest = {name: value for name, value in said.items() if name != "signature"}
    return f"{FIRST_LINE}\n{format_json({**names, **vkeys, **rest}).decode()}\n"


def check_introduction(
    department: str, origin: str, keys: Mapping[str, Sequence[str]], said: Mapping[str, Json]
) -> Introduced:
    """Check that the log whose keys are shown has signed this of itself; raises MalformedRecord."""
    try:
        [key, *_others] = [
            one for one in map(parse_vkey, keys["log_keys"]) if one.kind is SignatureKind.ED25519 and one.name == origin
        ]
        key.check(introduction_text(department, origin, keys, said), base64url.decode(str(said["signature"])))
    except (MerkleError, ValueError) as error:
        raise MalformedRecord(f"{origin}: its log has not signed this introduction") from error
    return Introduced(**{name: str(said[name]) for name in Introduced._fields})
