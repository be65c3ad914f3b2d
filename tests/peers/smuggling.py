"""Puts into a department's log what its desk would never sign, as whoever holds its keys and database could."""

import json
import secrets
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger import officers
from ledger.folding import read_folded
from ledger.node import Node
from ledger.records import base64url
from ledger.records.jsonstrict import format_json
from ledger.records.kinds import BY_NAME
from ledger.records.statement import SALT_BYTES, Statement, parse_record, sign
from ledger.scribe import new_handle
from ledger.storage import entries
from ledger.storage.engine import reading, transaction
from ledger.storage.vault import Vault


def put(node: Node, *raw: bytes) -> int:
    """Append these bytes to the node's own log, unseen by its own fold."""
    with transaction(node.engine) as connection:
        return entries.append(connection, node.log.id, raw)


def officer_key(node: Node, handle: str) -> tuple[str, Ed25519PrivateKey]:
    """An officer's `kid` and key, out of the node's own database."""
    with reading(node.engine) as connection:
        row = officers.in_force(connection, handle)
        raw = officers.open_key(Vault(node.keys.vault_key), row)
    return row.kid, Ed25519PrivateKey.from_private_bytes(raw)


def signed(node: Node, statement: Statement, *, by: str | None = None, prev: str | None = None, **changed) -> bytes:
    """A well-formed record by the desk's key or an officer's; `prev` as it should be unless given."""
    kid, key = (node.keys.desk_kid, node.keys.desk) if by is None else officer_key(node, by)
    with reading(node.engine) as connection:
        folded = read_folded(connection, node.log.id, statement.sub)
    expected = None if folded is None else folded.chain
    made: dict[str, Any] = {
        "iss": node.origin,
        "jti": new_handle(),
        "iat": node.now(),
        "prev": prev if prev is not None else expected,
        "kid": kid,
        "signer": key.sign,
    } | changed
    salts = [secrets.token_bytes(SALT_BYTES) for _ in range(BY_NAME[statement.kind].digests)]
    return sign(statement, salts=salts, **made).record.entry


def forged(node: Node, entry: bytes, *, typ: str | None = None, **claims) -> bytes:
    """The record again with other claims or another kind, signed anew by the desk's key."""
    record = parse_record(entry)
    payload = _payload(entry) | claims
    header = format_json({"alg": "Ed25519", "kid": node.keys.desk_kid, "typ": typ or record.typ})
    text = f"{base64url.encode(header)}.{base64url.encode(format_json(payload))}".encode()
    return text + b"." + base64url.encode(node.keys.desk.sign(text)).encode()


def _payload(entry: bytes) -> Any:
    return json.loads(base64url.decode(entry.split(b".")[1].decode()))
