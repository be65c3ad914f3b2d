"""Rewrites a department's books from within, as an administrator could who holds all its keys and its database.

Nothing of this is a trick of the demo: the record is signed again with its officer's key out of the vault, what was
said after it names the new one, the tree is made anew, and the log's own keys sign it. What an administrator cannot
do is change the copies that other departments hold.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, delete, update

from ledger import officers
from ledger.audit.refold import COLUMNS, Refold
from ledger.log import cosigned_note
from ledger.merkle.checkpoint import Checkpoint
from ledger.merkle.cosignature import TimedSigner, cosign
from ledger.merkle.hashing import Hash
from ledger.merkle.note import add_signatures, sign_note
from ledger.node import Node
from ledger.records import base64url
from ledger.records.jsonstrict import format_json, parse_json
from ledger.records.statement import Record, parse_record
from ledger.storage import entries, heads, schema
from ledger.storage.engine import transaction
from ledger.storage.heads import Head
from ledger.storage.officers import by_kid
from ledger.storage.vault import Placed, Vault, read_rows

_objects, _vault, _logs = schema.objects.c, schema.vault.c, schema.logs.c


@dataclass(frozen=True, slots=True)
class Changed:
    """One record in the place of another."""

    index: int
    old: Record
    new: Record


def rewrite_amount(node: Node, payment: str, fen: int) -> Sequence[Changed]:
    """Make the order of this payment (its handle) say another amount, in all that the node holds; all or nothing.

    Every record of that payment is replaced, because each names the one before. Raises Busy.
    """
    with transaction(node.engine) as connection:
        edge = entries.read_edge(connection, node.log.id)
        held = entries.read_entries(connection, node.log.id, 0, edge.size)
        changed = _forge(connection, node, list(map(parse_record, held)), payment, fen)
        for one in changed:
            held[one.index] = one.new.entry
            _move_disclosures(connection, node, one)
        replace_history(connection, node, held)
    return changed


def replace_history(connection: Connection, node: Node, held: Sequence[bytes]) -> None:
    """Make the log hold these entries and no others, under a head that its keys sign at once."""
    _replace_entries(connection, node.log.id, held)
    _refold(connection, node, held)
    _sign_head(connection, node)


def _forge(connection: Connection, node: Node, records: Sequence[Record], payment: str, fen: int) -> Sequence[Changed]:
    changed: list[Changed] = []
    for index, record in enumerate(records):
        if record.sub != payment:
            continue
        said: dict[str, Any] = {"amount": fen} if record.kind == "payment-created" else {}
        if changed:
            said["prev"] = base64url.encode(changed[-1].new.leaf)
        changed.append(Changed(index, record, _signed_again(connection, node, record, said)))
    return changed


def _signed_again(connection: Connection, node: Node, record: Record, said: Mapping[str, Any]) -> Record:
    """The record with other claims, under the same hand."""
    header, payload, _signature = record.entry.split(b".")
    claims = parse_json(base64url.decode(payload.decode("ascii"))) | said
    text = header + b"." + base64url.encode(format_json(claims)).encode("ascii")
    signature = base64url.encode(_key(connection, node, record.kid).sign(text))
    return parse_record(text + b"." + signature.encode("ascii"))


def _key(connection: Connection, node: Node, kid: str) -> Ed25519PrivateKey:
    officer = by_kid(connection, kid)
    if officer is None:
        return node.keys.desk
    return Ed25519PrivateKey.from_private_bytes(officers.open_key(Vault(node.keys.vault_key), officer))


def _replace_entries(connection: Connection, log_id: int, held: Sequence[bytes]) -> None:
    """All rows of the log anew: entries, tiles, and the edge of the tree."""
    for table in (schema.entries, schema.tile_hashes):
        connection.execute(delete(table).where(table.c.log_id == log_id))
    connection.execute(update(schema.logs).where(_logs.id == log_id).values(size=0, edge=b""))
    entries.append(connection, log_id, held)


def _move_disclosures(connection: Connection, node: Node, changed: Changed) -> None:
    """What is private of a record is sealed for its leaf: sealed again for the new one, under the citizen's key."""
    vault = Vault(node.keys.vault_key)
    rows = [row for row in read_rows(connection, [changed.old.sub]) if row.leaf == changed.old.leaf]
    connection.execute(delete(schema.vault).where(_vault.leaf == changed.old.leaf))
    for row in rows:
        placed = Placed(row.citizen, row.log_id, row.handle, row.idx, changed.new.leaf)
        vault.put(connection, placed, {row.name: vault.disclosure(row)})


def _refold(connection: Connection, node: Node, held: Sequence[bytes]) -> None:
    """What is true by the new records; each is checked on the way, as anybody else would check it."""
    with TemporaryDirectory() as folder:
        refold = Refold(Path(folder) / "refold.db", node.origin)
        try:
            for index, entry in enumerate(held):
                refold.take(index, parse_record(entry))
            refold.settle()
            for handle, row in refold.others():
                text = row[COLUMNS.index("folded")]
                same = (_objects.log_id == node.log.id) & (_objects.handle == handle)
                connection.execute(update(schema.objects).where(same & (_objects.folded != text)).values(folded=text))
        finally:
            refold.close()


def _sign_head(connection: Connection, node: Node) -> None:
    """The new tree, signed and shown at once; our own witness says that it only grew."""
    edge = entries.read_edge(connection, node.log.id)
    checkpoint, at = Checkpoint(node.origin, edge.size, edge.root()), node.now()
    ed25519, mldsa44 = node.keys.log
    signed = sign_note(checkpoint.text(), (ed25519, TimedSigner(mldsa44, at)))
    lines = [cosign(checkpoint.text(), at, key) for key in node.keys.witness]
    for table in (schema.heads, schema.cosignatures):  # what others said is said of the old tree
        connection.execute(delete(table).where(table.c.log_id == node.log.id))
    head = Head(checkpoint.size, checkpoint.root, signed, at)
    heads.add_head(connection, node.log.id, head)
    heads.serve_head(connection, node.log.id, head.size, add_signatures(cosigned_note(head, []), lines))
    said = {"size": head.size, "root": head.root, "signed": add_signatures(signed, lines), "time": at}
    connection.execute(update(schema.witnessed).where(schema.witnessed.c.origin == node.origin).values(**said))
    _lower_mark(node, head.size, head.root)


def _lower_mark(node: Node, size: int, root: Hash) -> None:
    """The file beside the keys that is there to prevent just this: whoever owns the machine can write it."""
    path = node.high_water.path
    marks = json.loads(path.read_bytes())
    marks["log"] = [size, root.hex()]
    if node.origin in marks["witness"]:
        marks["witness"][node.origin] = [size, root.hex()]
    aside = path.with_name(f"{path.name}.new")
    aside.touch(0o600)
    with aside.open("w") as file:
        file.write(json.dumps(marks, indent=1))
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
