"""What a document of evidence shows, in plain words; with no key given it says that the keys came from the file."""

import json
from collections.abc import Sequence
from datetime import datetime

import click

from ledger.merkle.encoding import encode_base64
from ledger.merkle.vkeys import KeyRef, Verifier
from ledger.records.evidence import REWRITTEN, Shown, SignedHead, check_file, parse_evidence
from ledger.times import CHINA

KEYS_FROM_FILE = (
    "No key was given: the keys came from the file itself. Give the log's --vkey, from where two departments that are "
    "not concerned say it, to trust no other."
)
OTHER_KEYS = (
    "No key has signed both: the log has replaced its keys in between. Whoever stole the old ones could have signed "
    "such a head afterwards, so look for a department that had cosigned it before (give its --vkey)."
)


def shown(data: bytes, given: Sequence[Verifier], name: str, *, as_json: bool) -> None:
    """Print what it shows; raises MalformedEvidence or MerkleError when that is nothing."""
    found = check_file(parse_evidence(data), given)
    if as_json:
        click.echo(json.dumps(_told(found, given), ensure_ascii=False, indent=1))
        return
    click.echo(f"✓ {name} shows that {found.origin} has signed two histories, of which one at most is true")
    click.echo(f"  {_why(found)}")
    for label, head in (("first head", found.older), ("other head", found.newer)):
        click.echo(f"  {label} size {head.size}, root {encode_base64(head.root)}")
        click.echo(f"    signed by {', '.join(map(_key, head.signed_by))}")
        for one in head.seen_by:
            click.echo(f"    seen by {_key(one.ref)} at {_moment(one.time)}")
    for remark in _remarks(found, given):
        click.echo(remark)


def _why(found: Shown) -> str:
    if found.kind == REWRITTEN:
        return (
            f"Its list of {found.newer.size} records does not begin with the {found.older.size} records that it had "
            "signed: something that it had said was changed or left out."
        )
    return f"It signed two different lists of {found.older.size} records: to some it has shown one, to others another."


def _remarks(found: Shown, given: Sequence[Verifier]) -> list[str]:
    same = set(found.older.signed_by) & set(found.newer.signed_by)
    return [*([] if same else [OTHER_KEYS]), *([] if given else [KEYS_FROM_FILE])]


def _told(found: Shown, given: Sequence[Verifier]) -> dict[str, object]:
    return {
        "ok": True,
        "shows": found.kind,
        "origin": found.origin,
        "older": _head(found.older),
        "newer": _head(found.newer),
        "keys": "given" if given else "from the file",
        "remarks": _remarks(found, given),
    }


def _head(head: SignedHead) -> dict[str, object]:
    return {
        "size": head.size,
        "root": encode_base64(head.root),
        "signed_by": [_key(ref) for ref in head.signed_by],
        "seen_by": {_key(one.ref): _moment(one.time) for one in head.seen_by},
    }


def _key(ref: KeyRef) -> str:
    return f"{ref[0]}+{ref[1].hex()}"


def _moment(at: int) -> str:
    """A time in China; one that no calendar has is told as the number that was signed."""
    try:
        return datetime.fromtimestamp(at, CHINA).isoformat(sep=" ")
    except (ValueError, OverflowError, OSError):
        return str(at)
