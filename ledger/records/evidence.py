"""Evidence against a log, as one small document: two heads that it signed and that cannot both be true.

It is nobody's word. Whoever has the log's public keys checks it offline, and the worst that a made-up document can do
is to show nothing. Two roots of one size say it by themselves; for two sizes a way of hashes leads to the larger root
and does not pass through the smaller one.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ledger.errors import MalformedEvidence, MalformedRecord
from ledger.merkle.cosignature import Cosignature, CosignedCheckpoint, open_cosigned
from ledger.merkle.encoding import decode_base64, encode_base64
from ledger.merkle.errors import BadProof, Malformed
from ledger.merkle.hashing import EMPTY_ROOT, Hash, as_hash
from ledger.merkle.note import format_note, parse_note_unverified
from ledger.merkle.proofs import PROOF_HASHES_MAX, both_roots
from ledger.merkle.vkeys import LOG_KINDS, KeyRef, Verifier, format_vkey, parse_vkey
from ledger.records.jsonstrict import TEXT_BYTES_MAX, parse_json

EVIDENCE_BYTES_MAX = TEXT_BYTES_MAX
VERSION = 1
VKEYS_MAX = 8  # a log has two, and two more of each time that its heads are from
OTHER_LINES_MAX = 4  # under each head: enough to tell since when it is known
HASHES_MAX = PROOF_HASHES_MAX + 1  # the first subtree is always written out

TWO_ROOTS = "two-roots"  # two roots of one size
REWRITTEN = "rewritten"  # the larger tree does not begin with the smaller one

_BLANKS = b" \t\r\n"
_MEMBERS = {"version", "kind", "origin", "vkeys", "older", "newer", "proof"}


@dataclass(frozen=True, slots=True)
class Evidence:
    """Two notes of one log that cannot both be true; the smaller tree first."""

    older: bytes
    newer: bytes
    proof: tuple[Hash, ...] = ()


@dataclass(frozen=True, slots=True)
class EvidenceFile:
    """What a document holds, before any of it is believed."""

    kind: str  # TWO_ROOTS or REWRITTEN
    origin: str
    verifiers: tuple[Verifier, ...]  # the log's keys, as whoever wrote it knew them
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class SignedHead:
    """One of the two heads, verified: who signed it, and which other departments had seen it."""

    size: int
    root: Hash
    signed_by: tuple[KeyRef, ...]
    seen_by: tuple[Cosignature, ...]  # by the keys given


@dataclass(frozen=True, slots=True)
class Shown:
    """What a document shows: that this log signed these two heads, of which one at most can be true."""

    kind: str
    origin: str
    older: SignedHead
    newer: SignedHead


def check_evidence(evidence: Evidence, verifiers: Sequence[Verifier]) -> str:
    """Return the origin of the log that forked; raise BadProof when this shows no such thing.

    Needs nothing but the log's public keys. Raises what `open_cosigned` raises for notes that these keys did not sign.
    """
    older, _newer = _open_both(evidence, verifiers)
    return older.checkpoint.origin


def make_file(kept: Evidence, logs: Sequence[Verifier], cosigners: Sequence[Verifier]) -> EvidenceFile:
    """Make a document of what was kept, with the log's keys that signed it; raises as `check_evidence` does.

    `cosigners` are the members' keys: where an old key alone has signed a head, theirs tell since when it is known.
    """
    older, newer = sorted(_open_both(kept, logs, cosigners), key=_place)
    refs = {line.ref for opened in (older, newer) for line in opened.log_lines}
    evidence = Evidence(_note(older), _note(newer), kept.proof)
    verifiers = tuple(verifier for verifier in logs if verifier.ref in refs)
    return EvidenceFile(_kind(older, newer), older.checkpoint.origin, verifiers, evidence)


def format_evidence(file: EvidenceFile) -> bytes:
    """Write a document; raises MalformedEvidence when nobody would read it."""
    text = json.dumps(as_members(file), ensure_ascii=False, indent=1).encode() + b"\n"
    parse_evidence(text)
    return text


def as_members(file: EvidenceFile) -> dict[str, object]:
    """A document as what JSON makes of it, to be put into another one."""
    return {
        "version": VERSION,
        "kind": file.kind,
        "origin": file.origin,
        "vkeys": [format_vkey(verifier) for verifier in file.verifiers],
        "older": file.evidence.older.decode(),
        "newer": file.evidence.newer.decode(),
        "proof": [encode_base64(one) for one in file.evidence.proof],
    }


def parse_evidence(data: bytes) -> EvidenceFile:
    """Read a document; raises MalformedEvidence. Nothing in it is verified: see `check_file`."""
    if len(data) > EVIDENCE_BYTES_MAX:
        raise MalformedEvidence(f"{len(data)} bytes, at most {EVIDENCE_BYTES_MAX} are read")
    try:
        said = parse_json(data.strip(_BLANKS))
        if not isinstance(said, dict) or said.keys() != _MEMBERS:
            raise MalformedEvidence(f"not an object with exactly {', '.join(sorted(_MEMBERS))}")
        if said["version"] is True or said["version"] != VERSION:
            raise MalformedEvidence(f"of another version than {VERSION}")
        notes = [_parse_note(said, name) for name in ("older", "newer")]
        verifiers = _parse_vkeys(said)
        proof = tuple(as_hash(decode_base64(one)) for one in _texts(said, "proof", HASHES_MAX))
    except (MalformedRecord, Malformed) as error:
        raise MalformedEvidence(str(error)) from error
    return EvidenceFile(_text(said, "kind"), _text(said, "origin"), verifiers, Evidence(notes[0], notes[1], proof))


def check_file(file: EvidenceFile, given: Sequence[Verifier] = ()) -> Shown:
    """Check what a document shows, trusting only the keys given; with none given, those in the document itself.

    Raises BadProof when it shows nothing, and MerkleError when these keys did not sign it. Keys of other names than the
    log's are those of witnesses and mirrors: who of them had seen a head is told, and nothing depends on it.
    """
    trusted = given or file.verifiers
    logs = [verifier for verifier in trusted if verifier.name == file.origin and verifier.kind in LOG_KINDS]
    cosigners = [verifier for verifier in trusted if verifier.name != file.origin]
    # 1. The log's own keys signed both heads, and both cannot be true.
    older, newer = _open_both(file.evidence, logs, cosigners)
    # 2. It says of itself what it is, and says it in one way.
    if (older.checkpoint.origin, _kind(older, newer)) != (file.origin, file.kind) or _place(older) > _place(newer):
        raise BadProof(f"not what it says of itself: {file.kind} of {file.origin}")
    if file.evidence.proof and (file.kind == TWO_ROOTS or older.checkpoint.size == 0):
        raise BadProof("a proof where none belongs")
    return Shown(file.kind, file.origin, _head(older), _head(newer))


def _open_both(
    evidence: Evidence, logs: Sequence[Verifier], cosigners: Sequence[Verifier] = ()
) -> tuple[CosignedCheckpoint, CosignedCheckpoint]:
    opened = open_cosigned(evidence.older, logs, cosigners), open_cosigned(evidence.newer, logs, cosigners)
    older, newer = (one.checkpoint for one in opened)
    if older.origin != newer.origin or older.size > newer.size:
        raise BadProof("the notes are of two logs, or not in the order of their sizes")
    if older.size == newer.size:
        found_older, found_newer = newer.root, newer.root
    elif older.size == 0:
        found_older, found_newer = EMPTY_ROOT, newer.root
    else:
        found_older, found_newer = both_roots(older.size, newer.size, evidence.proof)
    if found_newer != newer.root or found_older == older.root:
        raise BadProof(f"{older.origin}: both heads can be true")
    return opened


def _kind(older: CosignedCheckpoint, newer: CosignedCheckpoint) -> str:
    return TWO_ROOTS if older.checkpoint.size == newer.checkpoint.size else REWRITTEN


def _place(opened: CosignedCheckpoint) -> tuple[int, Hash]:
    """Which head stands first: of two of one size the one with the smaller root, so that one thing has one spelling."""
    return opened.checkpoint.size, opened.checkpoint.root


def _note(opened: CosignedCheckpoint) -> bytes:
    others = [one.line for one in opened.cosignatures]
    return format_note(opened.checkpoint.text(), [*opened.log_lines, *others[:OTHER_LINES_MAX]])


def _head(opened: CosignedCheckpoint) -> SignedHead:
    signed_by = tuple(line.ref for line in opened.log_lines)
    return SignedHead(opened.checkpoint.size, opened.checkpoint.root, signed_by, opened.cosignatures)


def _text(said: Mapping[str, Any], name: str) -> str:
    value = said[name]
    if not isinstance(value, str):
        raise MalformedEvidence(f"`{name}` is no text")
    return value


def _texts(said: Mapping[str, Any], name: str, count_max: int) -> list[str]:
    values = said[name]
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise MalformedEvidence(f"`{name}` is no list of texts")
    if len(values) > count_max:
        raise MalformedEvidence(f"`{name}` has {len(values)} members, at most {count_max} are read")
    return values


def _parse_note(said: Mapping[str, Any], name: str) -> bytes:
    note = _text(said, name).encode()
    parsed = parse_note_unverified(note)
    if format_note(parsed.text, parsed.unverified) != note:
        raise MalformedEvidence(f"`{name}` has a line twice, or in another spelling")
    return note


def _parse_vkeys(said: Mapping[str, Any]) -> tuple[Verifier, ...]:
    verifiers = tuple(parse_vkey(vkey) for vkey in _texts(said, "vkeys", VKEYS_MAX))
    if not verifiers or len(set(verifiers)) != len(verifiers):
        raise MalformedEvidence("`vkeys` names no key, or one twice")
    if any(verifier.name != said["origin"] or verifier.kind not in LOG_KINDS for verifier in verifiers):
        raise MalformedEvidence("`vkeys` names a key that is not this log's")
    return verifiers
