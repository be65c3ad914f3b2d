"""Keeps the list of logs that we cosign though they are no member's: being witnessed costs nobody a membership."""

from sqlalchemy import Connection, delete, insert, select

from ledger.errors import Misconfigured
from ledger.merkle.errors import MerkleError
from ledger.merkle.vkeys import LOG_KINDS, Verifier, parse_vkey
from ledger.peers.home import Home, read_peer
from ledger.peers.joining import check_as_real
from ledger.storage import schema
from ledger.storage.engine import reading, transaction

_strangers = schema.witness_logs.c


def add_stranger(home: Home, vkey: str) -> Verifier:
    """Cosign a log that is no member's, under the origin that its key is named for; raises Misconfigured."""
    verifier = _parse_log_key(vkey)
    check_as_real(home, verifier.name)
    with transaction(home.engine) as connection:
        if verifier.name == home.origin or read_peer(connection, verifier.name) is not None:
            raise Misconfigured(f"{verifier.name}: is cosigned already, as a member of the network")
        if vkey not in _vkeys_of(connection, verifier.name):
            connection.execute(insert(schema.witness_logs), {"origin": verifier.name, "vkey": vkey})
    return verifier


def remove_stranger(home: Home, vkey: str) -> None:
    """Cosign with this key's word no longer; what we cosigned is never forgotten. Raises Misconfigured."""
    with transaction(home.engine) as connection:
        gone = connection.execute(delete(schema.witness_logs).where(_strangers.vkey == vkey)).rowcount
    if not gone:
        raise Misconfigured("no log with this key is cosigned; `witness list` shows them")


def read_strangers(home: Home) -> list[str]:
    """The keys of strangers' logs that we cosign, as vkeys."""
    with reading(home.engine) as connection:
        query = select(_strangers.vkey).order_by(_strangers.origin, _strangers.vkey)
        return [*connection.execute(query).scalars()]


def _vkeys_of(connection: Connection, origin: str) -> list[str]:
    return [*connection.execute(select(_strangers.vkey).where(_strangers.origin == origin)).scalars()]


def _parse_log_key(vkey: str) -> Verifier:
    try:
        verifier = parse_vkey(vkey)
    except MerkleError as error:
        raise Misconfigured(f"not a log's key: {error}") from error
    if verifier.kind not in LOG_KINDS:
        raise Misconfigured(f"{verifier.name}: a key that cosigns is no log's key")
    return verifier
