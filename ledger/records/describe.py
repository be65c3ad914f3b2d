"""Writes `docs/records.md`: what every kind of record shows to everybody, and what it keeps in the vault.

python -m ledger.records.describe > docs/records.md
"""

import sys
from collections.abc import Iterable, Mapping

from ledger.records.claims import Shape
from ledger.records.kinds import BY_NAME, DESK, Kind

_HEAD = """\
# Records: the closed list

Made from `ledger/records/kinds.py` by `python -m ledger.records.describe > docs/records.md`; a test checks it.

A record is a compact JWS of an SD-JWT (RFC 9901), logged without its disclosures. The header is exactly `alg` =
`Ed25519`, `typ` and `kid` (the RFC 7638 thumbprint of the signer's key). Every record shows the envelope, and the clear
claims of its kind; **nothing else of it is public**. A clear claim outside this list is a finding (R49), at whichever
department it is written.

| envelope | |
|---|---|
| `iss` | origin of the log it was made for: in another log it counts for nothing |
| `jti` | its own name: 128 random bits |
| `iat` | when it was signed, in seconds since 1970, UTC; before the year 3000 |
| `sub` | the object it is about: 128 random bits; of a finding, made of its name; of epochs, one for all logs |
| `prev` | leaf hash of the record before it about the same object in this log; absent in the first |
| `_sd_alg`, `_sd` | `sha-256`; sorted digests of what is private, and decoys up to the number fixed for the kind |

*Signers*: the roles of which the officer needs one; *desk* is the node's own key, where no officer acts. *Private*:
names of the values that may stand in the vault, each at most once; the number of digests is the same whether they are
there or not.
"""

_TITLES = {
    "department": "A department, and who its members are",
    "epochs": "Who belongs to the network, by epochs",
    "officer": "An officer",
    "case": "A case",
    "award": "An award, in the log of the department that approves it",
    "payment": "A payment, in the log of the department that pays it",
    "word": "A citizen's own word, in the log of the department that took it",
    "answer": "What a department says of a finding",
    "any": "A mistake taken back",
}


def describe() -> str:
    """The whole page, as Markdown."""
    topics = dict.fromkeys(kind.topic for kind in BY_NAME.values())
    parts = [_describe_topic(topic, [kind for kind in BY_NAME.values() if kind.topic == topic]) for topic in topics]
    return "\n".join([_HEAD, *parts])


def _describe_topic(topic: str, kinds: Iterable[Kind]) -> str:
    return "\n".join([f"## {_TITLES[topic]}\n", *(_describe_kind(kind) for kind in kinds)])


def _describe_kind(kind: Kind) -> str:
    signers = ", ".join("*desk*" if signer == DESK else signer for signer in kind.signers)
    private = ", ".join(f"`{name}`" for name in kind.private) or "nothing"
    lines = [f"### `{kind.typ}`\n", f"Signers: {signers}. Private: {private}.\n"]
    if kind.clear or kind.maybe:
        lines += ["| in the clear | |", "|---|---|"]
        lines += [*_rows(kind.clear, ""), *_rows(kind.maybe, ", may be left out"), ""]
    return "\n".join(lines)


def _rows(claims: Mapping[str, Shape], note: str) -> list[str]:
    return [f"| `{name}` | {shape.words}{note} |" for name, shape in claims.items()]


if __name__ == "__main__":
    sys.stdout.write(describe())
