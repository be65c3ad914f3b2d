"""Looks at entries one by one: what can be said of each by its bytes and a key alone, in any process and any order.

Only what is good is said. Whatever is not, whoever folds the log looks at again in its place, and names what is wrong.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ledger.errors import BadSignature, MalformedRecord
from ledger.merkle.errors import EntryTooLong
from ledger.merkle.hashing import Hash, leaf_hash, root_of
from ledger.merkle.tiles import TILE_WIDTH
from ledger.records.proven import EACH, IAT_MAX, NOTHING, Proven
from ledger.records.statement import Record, check_schema, check_signature, parse_record

NAMING_KEYS = {"department", "officer"}  # what the records of these topics say changes whose words count


class Task(NamedTuple):
    """Up to 256 neighbouring entries, and the leaf hashes that are stored for them; none when nothing is stored yet."""

    start: int
    leaves: Sequence[Hash | None]
    entries: Sequence[bytes | None]
    since: int = 0  # the signatures of earlier entries are not looked at
    claims: bool = True  # whether to look at the claims of each kind

    @property
    def weight(self) -> int:
        """How long its entries are together."""
        return sum(len(entry) for entry in self.entries if entry is not None)


# Stands for a record of which nothing is left to say when the first and the last of its voice in this task hold.
ORDINARY: tuple[Any, ...] = ()


class Looked(NamedTuple):
    """One entry, and what is good of it."""

    entry: bytes
    record: Record | None  # None: missing, or no record
    proven: Proven = NOTHING


class Examined(NamedTuple):
    """What is good of the entries of a task."""

    records: list[tuple[Any, ...] | None]  # None: missing, or no record; ORDINARY
    proven: list[Proven]
    root: Hash | None  # over the leaf hashes, of a full bundle


def examine(task: Task, keys: Mapping[str, bytes]) -> Examined:
    """Parse the entries, and try the signature of each under the key of its `kid`, if that is among these keys."""
    # One step for all entries and then the next: the processor keeps what a step is made of at hand.
    parsed = [_parse(entry) for entry in task.entries]
    claims = [task.claims and record is not None and _has_claims(record) for record in parsed]
    signed = [
        record is not None and (index < task.since or _is_signed(record, keys))
        for index, record in enumerate(parsed, task.start)
    ]
    proven = [EACH[both] for both in zip(signed, claims, strict=True)]
    records: list[tuple[Any, ...] | None] = [None if record is None else record[1:] for record in parsed]
    voices: dict[tuple[str, str, str], list[int]] = {}
    for at, record in enumerate(parsed if not task.claims else ()):
        if record is not None and _is_ordinary(record, proven[at], task.leaves[at]):
            voices.setdefault((record.iss, record.kid, record.typ), []).append(at)
    for places in voices.values():
        for at in places[1:-1]:
            records[at] = ORDINARY
    rows = zip(task.entries, parsed, strict=True)
    leaves = task.leaves or leaves_of(Looked(entry, record) for entry, record in rows if entry is not None)
    return Examined(records, proven, _root(leaves))


def _root(leaves: Sequence[Hash | None]) -> Hash | None:
    whole = [leaf for leaf in leaves if leaf is not None]
    return root_of(whole) if len(whole) == TILE_WIDTH else None


def _is_ordinary(record: Record, proven: Proven, leaf: Hash | None) -> bool:
    """Whether nothing but the log, the kind and the range of its key decides if a record may stand here.

    A key counts from one index to another: whoever may say this at two indices may say it at all between them.
    """
    kind = record.known
    return (
        kind is not None
        and kind.topic not in NAMING_KEYS
        and proven.signature
        and record.iat < IAT_MAX
        and record.leaf == leaf
    )


def looked_at(task: Task, found: Examined) -> list[Looked]:
    """Each entry of a task that misses none, with what was found of it."""
    return [
        Looked(entry, None if values is None else rebuild(entry, values), proven)
        for entry, values, proven in zip(task.entries, found.records, found.proven, strict=True)
        if entry is not None
    ]


def leaves_of(some: Iterable[Looked]) -> list[Hash]:
    """The leaf hash of each of these entries, record or none."""
    return [leaf_hash(one.entry) if one.record is None else one.record.leaf for one in some]


def parse_only(entry: bytes) -> Looked:
    """An entry of which nothing is proven but its form."""
    return Looked(entry, _parse(entry))


def rebuild(entry: bytes, values: Sequence[Any]) -> Record:
    """The record of an entry, of the values that crossed over: its bytes are here already."""
    return Record(entry, *values)


def _parse(entry: bytes | None) -> Record | None:
    try:
        return None if entry is None else parse_record(entry)
    except (MalformedRecord, EntryTooLong):
        return None


def _is_signed(record: Record, keys: Mapping[str, bytes]) -> bool:
    key = keys.get(record.kid)
    try:
        if key is not None:
            check_signature(record, key)
    except BadSignature:
        return False
    return key is not None


def _has_claims(record: Record) -> bool:
    try:
        check_schema(record)
    except MalformedRecord:
        return False
    return True
