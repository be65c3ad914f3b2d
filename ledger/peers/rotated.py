"""Finds out by which keys a department signs now, when those that we know have signed nothing of what it shows.

Nobody is asked: its log says so in a record that its old keys have signed. What is found here counts for one round; it
is kept when that record stands proven among the entries that we store.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, select, update

from ledger.errors import LedgerError, PeerUnreachable
from ledger.merkle.cosignature import parse_checkpoint_unverified
from ledger.merkle.errors import MerkleError
from ledger.merkle.vkeys import Verifier, parse_vkey
from ledger.peers.chain import Chain
from ledger.peers.fetching import fetch_entries
from ledger.peers.home import Home, Peer
from ledger.peers.joining import fetch_node
from ledger.records import base64url
from ledger.records.fold import Folded
from ledger.records.governance import DepartmentState
from ledger.records.rotation import DESK_ROLE, NOTE_ROLES
from ledger.records.statement import Record
from ledger.storage import entries, schema
from ledger.storage.engine import reading

ROTATIONS_MAX = 64  # followed at once: so many that nobody has looked at are years

_peers = schema.peers.c


def find_log_keys(home: Home, peer: Peer, signed: bytes) -> tuple[Verifier, ...]:
    """The log keys that lead from those we know to the present; raises PeerUnreachable when none do."""
    with reading(home.engine) as connection:
        log_id = entries.find_log(connection, peer.origin)
        chain = Chain(peer.origin) if log_id is None else Chain.of_mirrored(connection, log_id, peer.origin)
        held = 0 if log_id is None else entries.read_edge(connection, log_id).size
    try:
        size = parse_checkpoint_unverified(signed).size
        told = fetch_node(home, peer.url).rotations
        wanted = [index for index in ([] if held else [0]) + sorted(told) if held <= index < size]
        if not wanted:
            raise PeerUnreachable("it names no rotation")
        for index in wanted[:ROTATIONS_MAX]:
            entry = fetch_entries(home.client, peer, index, size, count_max=1)[0]
            record = chain.take(index, entry)
            if index == 0 and peer.genesis not in {None, record.leaf}:
                raise PeerUnreachable(f"{peer.origin}: its log does not begin as it did when it was added")
        state = chain.state
        return () if state is None else tuple(map(parse_vkey, state.log_keys))
    except (LedgerError, MerkleError) as error:
        raise PeerUnreachable(f"{peer.origin}: signs with keys to which no record leads: {error}") from error


def keep_rotation(connection: Connection, origin: str, record: Record, folded: Folded) -> None:
    """A rotation that is proven and folded: from now on the new keys are those of the department.

    Not when others than the old ones are known: whoever was added later was added with the newest.
    """
    before, state = folded.before, folded.state
    if before is None or not isinstance(before.state, DepartmentState) or not isinstance(state, DepartmentState):
        return
    role = record.clear["role"]
    if role == DESK_ROLE:
        known, new = _raw(before.state.desk_key), _raw(state.desk_key)
        query = update(schema.peers).where(_peers.origin == origin, _peers.desk_key == known)
        connection.execute(query.values(desk_key=new))
    elif role in NOTE_ROLES:
        column = schema.peers.c[NOTE_ROLES[role].replace("_keys", "_vkeys")]
        row: Sequence[str] | None = connection.execute(select(column).where(_peers.origin == origin)).scalar()
        if row == list(getattr(before.state, NOTE_ROLES[role])):
            changed = {column.name: list(getattr(state, NOTE_ROLES[role]))}
            connection.execute(update(schema.peers).where(_peers.origin == origin).values(**changed))


def _raw(key: str | None) -> bytes:
    return base64url.decode(key or "")
