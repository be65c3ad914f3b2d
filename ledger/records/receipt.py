"""A receipt: a record, with all that lets a stranger believe it offline, in one file (c2sp.org/tlog-proof).

The file's `extra` says what the leaf is made of and what put the signer's key in force. It proves nothing by itself: it
is believed because the inclusion proofs then hold, under one checkpoint that a quorum has cosigned.
"""

from dataclasses import dataclass
from typing import Any

from ledger.errors import MalformedReceipt, MalformedRecord, UnknownSigner
from ledger.merkle.checkpoint import Checkpoint
from ledger.merkle.cosignature import CosignedCheckpoint
from ledger.merkle.encoding import SIZE_MAX, encode_base64
from ledger.merkle.errors import Malformed
from ledger.merkle.hashing import Hash, leaf_hash
from ledger.merkle.hashlines import parse_hash_lines
from ledger.merkle.policy import Policy
from ledger.merkle.proofs import check_inclusion
from ledger.merkle.tlog_proof import TlogProof, check_tlog_proof, parse_tlog_proof
from ledger.records import claims as shape
from ledger.records.check import Signer, check_signed, is_compromised, signer_ends, signer_named
from ledger.records.epochs import EpochName
from ledger.records.jsonstrict import TEXT_BYTES_MAX, Json, format_json, parse_json
from ledger.records.statement import Record, check_schema, parse_record

_MUST = {"entry", "enrolment"}
_MAY = {"revocation", "epoch"}
_EPOCH = {"number", "name"}
_LOGGED = {"index", "entry", "proof"}


@dataclass(frozen=True, slots=True)
class Logged:
    """An entry, and the proof that it stands at its index under the receipt's checkpoint."""

    index: int
    entry: bytes
    proof: tuple[Hash, ...]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a file holds, before any of it is believed.

    `enrolment` put the signer's key in force; `revocation` ended it, as far as whoever made the file knew. `epoch` is
    never more than a hint: the policy alone says whose word counts.
    """

    record: Logged
    enrolment: Logged
    revocation: Logged | None
    signed: bytes  # the checkpoint, with its cosignatures
    epoch: EpochName | None = None  # None: its departments had not agreed on any


@dataclass(frozen=True, slots=True)
class Checked:
    """A receipt that holds: who said what, in which log, and who else has seen that log."""

    record: Record
    index: int
    signer: Signer
    opened: CosignedCheckpoint
    epoch: EpochName | None  # as the file says, and nothing proves it


def write_receipt(receipt: Receipt) -> bytes:
    """Write the file; raises MalformedReceipt when it would be longer than anybody reads."""
    extra: dict[str, Json] = {"entry": receipt.record.entry.decode("ascii"), "enrolment": _show(receipt.enrolment)}
    if receipt.revocation is not None:
        extra["revocation"] = _show(receipt.revocation)
    if receipt.epoch is not None:
        extra["epoch"] = {"number": receipt.epoch.number, "name": receipt.epoch.name}
    text = format_json(extra)
    if len(text) > TEXT_BYTES_MAX:
        raise MalformedReceipt(f"extra data of {len(text)} bytes, at most {TEXT_BYTES_MAX} are read")
    return TlogProof(receipt.record.index, receipt.record.proof, receipt.signed, text).to_bytes()


def parse_receipt(data: bytes) -> Receipt:
    """Read a file; raises MalformedReceipt or MalformedTlogProof. Nothing in it is verified: see `check_receipt`."""
    proof = parse_tlog_proof(data)
    try:
        said = parse_json(proof.extra)
        # One text, one meaning: a name that we do not know might be one that somebody has spoiled.
        if not isinstance(said, dict) or not _MUST <= said.keys() <= _MUST | _MAY or format_json(said) != proof.extra:
            raise MalformedReceipt("its extra data are not a record and its signer's enrolment")
        record = Logged(proof.index, _entry(said["entry"]), proof.hashes)
        revocation = _read(said["revocation"]) if "revocation" in said else None
        epoch = _epoch(said["epoch"]) if "epoch" in said else None
        return Receipt(record, _read(said["enrolment"]), revocation, proof.signed, epoch)
    except MalformedRecord as error:
        raise MalformedReceipt(f"its extra data: {error}") from error


def check_receipt(data: bytes, policy: Policy, *, size_max: int | None = None) -> Checked:
    """Check a file, trusting only the policy's keys; returns who said what.

    `size_max`: how many entries of a log that ended count; under a longer head nothing does, whoever cosigned it.
    Raises MerkleError, or one of Rejected: MalformedReceipt, MalformedRecord, UnknownSigner, BadSignature.
    """
    receipt = parse_receipt(data)
    # 1. The record is in a log of the policy, under a head that the policy's quorum has cosigned.
    proof = TlogProof(receipt.record.index, receipt.record.proof, receipt.signed)
    opened = check_tlog_proof(proof, leaf_hash(receipt.record.entry), policy)
    if size_max is not None and opened.checkpoint.size > size_max:
        raise MalformedReceipt(f"a head of {opened.checkpoint.size} entries, of a log that ended with {size_max}")
    # 2. Under the same head, the log says whose key signed it, and whether it has ended since.
    record = parse_record(receipt.record.entry)
    signer = _signer(receipt, record, opened.checkpoint)
    # 3. The record was made for this log, and by that key, which was in force and may sign this kind.
    check_signed(record, receipt.record.index, opened.checkpoint.origin, {signer.kid: signer}.get)
    return Checked(record, receipt.record.index, signer, opened, receipt.epoch)


def _signer(receipt: Receipt, record: Record, checkpoint: Checkpoint) -> Signer:
    enrolment = _logged(receipt.enrolment, checkpoint)
    signer = signer_named(enrolment, receipt.enrolment.index)
    if signer is None or signer.kid != record.kid:
        raise UnknownSigner(f"the receipt shows the enrolment of another key than {record.kid}")
    if (enrolment.kind == "genesis") != (receipt.enrolment.index == 0):
        raise UnknownSigner(f"{enrolment.kind} at index {receipt.enrolment.index} puts no key in force")
    if receipt.revocation is None:
        return signer
    revocation = _logged(receipt.revocation, checkpoint)
    ended = signer_ends(revocation, receipt.revocation.index)
    if ended is None or revocation.sub != signer.handle or ended < signer.from_index:
        raise UnknownSigner("the receipt shows the revocation of somebody else")
    since = revocation.clear.get("compromised_since")
    if since is not None and is_compromised(record, receipt.record.index, signer.kid, since):
        raise UnknownSigner(f"{record.kid} was given up as stolen from index {since} on")
    return signer.ended(ended)


def _logged(shown: Logged, checkpoint: Checkpoint) -> Record:
    """The record at that place of the log, of a kind that we know."""
    check_inclusion(shown.index, checkpoint.size, leaf_hash(shown.entry), shown.proof, checkpoint.root)
    record = parse_record(shown.entry)
    check_schema(record)
    if record.iss != checkpoint.origin:
        raise UnknownSigner(f"a record of another log, {record.iss}")
    return record


def _show(logged: Logged) -> dict[str, Json]:
    return {
        "index": logged.index,
        "entry": logged.entry.decode("ascii"),
        "proof": [encode_base64(one) for one in logged.proof],
    }


def _read(said: Any) -> Logged:
    if not isinstance(said, dict) or said.keys() != _LOGGED or not _is_index(said["index"]):
        raise MalformedReceipt("an entry is shown with index, entry and proof")
    return Logged(said["index"], _entry(said["entry"]), _hashes(said["proof"]))


def _epoch(said: Any) -> EpochName:
    if not isinstance(said, dict) or said.keys() != _EPOCH:
        raise MalformedReceipt("an epoch is shown with number and name")
    if not shape.positive(said["number"]) or not isinstance(said["name"], str) or not shape.leaf(said["name"]):
        raise MalformedReceipt("an epoch's number or name is malformed")
    return EpochName(said["number"], said["name"])


def _is_index(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= SIZE_MAX


def _entry(said: object) -> bytes:
    if not isinstance(said, str) or not said.isascii():
        raise MalformedReceipt("an entry is not the text of a record")
    return said.encode("ascii")


def _hashes(said: object) -> tuple[Hash, ...]:
    if not isinstance(said, list) or not all(isinstance(line, str) for line in said):
        raise MalformedReceipt("a proof is a list of hashes in base64")
    try:
        return parse_hash_lines(said)
    except Malformed as error:
        raise MalformedReceipt(f"a proof: {error}") from error
