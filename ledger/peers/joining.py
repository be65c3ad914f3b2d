"""Begins and ends following another department, after two people have compared words over the telephone.

The words stand for the department's name and all its public keys. What its server says of itself is believed when it
leads to these words, and when its log begins with a record that says the same.
"""

import hmac
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from sqlalchemy import Connection, insert, select, update

from ledger.desk import DESK, new_handle
from ledger.epochs import read_view
from ledger.errors import MalformedRecord, Misconfigured, PeerUnreachable, Refused, Rejected
from ledger.folding import read_folded
from ledger.keys import fingerprint_words
from ledger.merkle.checkpoint import Checkpoint
from ledger.merkle.cosignature import open_cosigned
from ledger.merkle.errors import MerkleError
from ledger.merkle.hashing import leaf_hash
from ledger.merkle.note import NOTE_BYTES_MAX
from ledger.merkle.proofs import check_inclusion, prove_inclusion
from ledger.merkle.tiles import tile_node
from ledger.merkle.vkeys import LOG_KINDS, SignatureKind, format_vkey, parse_vkey
from ledger.peers.chain import Chain
from ledger.peers.fetching import fetch_entries, fetch_tile
from ledger.peers.home import Asking, Home, Peer, read_peer, read_peers
from ledger.records import base64url
from ledger.records import claims as shape
from ledger.records.governance import DepartmentState
from ledger.records.introduction import Introduced, check_introduction
from ledger.records.jsonstrict import Json
from ledger.records.statement import Statement
from ledger.storage import schema
from ledger.storage.engine import reading, transaction
from ledger.storage.entries import find_log
from ledger.storage.invitations import forget_asker
from ledger.storage.lags import forget_lags
from ledger.storage.network import Network, mirror_name, witness_name

ROTATIONS_TOLD_MAX = 1_000
NODE_JSON_BYTES_MAX = 1024 * 1024  # its list of officers grows with the years

_COSIGNER_KINDS = frozenset({SignatureKind.COSIGNATURE_V1, SignatureKind.SUBTREE_V1})
# It is shown on a terminal before anybody has compared a word, and paths are put behind it: no ?, # and @.
_URL = re.compile(r"[!\"$->A-~]{1,512}")

_peers = schema.peers.c


class FingerprintDiffers(Rejected):
    """The keys that were fetched are not those whose words were read out."""

    def __init__(self, expected: str, found: str) -> None:
        """Show both sides."""
        super().__init__(f"the words read out were {expected!r}; the server's keys have {found!r}")
        self.expected = expected
        self.found = found


@dataclass(frozen=True, slots=True)
class Introduction:
    """What a node says of itself at `/node.json`; nothing of it is checked."""

    name: str
    origin: str
    url: str
    number_prefix: str
    desk_key: bytes
    log_vkeys: tuple[str, ...]
    witness_vkeys: tuple[str, ...]
    mirror_vkeys: tuple[str, ...]
    rotations: tuple[int, ...] = ()  # the indices of the records that replaced keys: where to look for them
    introduced: Introduced | None = None  # what its log signs of this; None: an older version of this program

    @property
    def fingerprint(self) -> str:
        """The words that stand for it."""
        return fingerprint_words(self.origin, [*self.log_vkeys, *self.witness_vkeys, *self.mirror_vkeys], self.desk_key)

    @property
    def vkeys(self) -> dict[str, Sequence[str]]:
        """The keys by the names that they have in records."""
        return {"log_keys": self.log_vkeys, "witness_keys": self.witness_vkeys, "mirror_keys": self.mirror_vkeys}

    @property
    def claims(self) -> dict[str, Json]:
        """The keys as records name them."""
        return {name: list(some) for name, some in self.vkeys.items()}

    @property
    def recorded(self) -> dict[str, Json]:
        """What our record of its joining says of it."""
        card: dict[str, Json] = {} if self.introduced is None else {"introduction": self.introduced.claim}
        return {"department": self.name, "member": self.origin, **self.claims, **card}

    def peer(self, genesis: bytes | None = None) -> Peer:
        """As somebody to follow, whose log begins with the record of this leaf."""
        log, witness, mirror = (
            tuple(parse_vkey(vkey) for vkey in vkeys)
            for vkeys in (self.log_vkeys, self.witness_vkeys, self.mirror_vkeys)
        )
        names = (self.origin, self.name, self.url, self.number_prefix, self.desk_key)
        return Peer(
            *names, log, witness, mirror, removed=False, forked=False, failures=0, checked_at=None, genesis=genesis
        )


def fetch_node(home: Asking, url: str) -> Introduction:
    """Ask a node who it is; raises PeerUnreachable, and Misconfigured for a URL that is not asked."""
    base = url.rstrip("/")
    text = home.client.get(f"{base}/node.json", bytes_max=NODE_JSON_BYTES_MAX)
    try:
        found = parse_node(json.loads(text))
    except (ValueError, RecursionError, MalformedRecord, MerkleError) as error:
        raise PeerUnreachable(f"{base}/node.json: not what a node says of itself: {error}") from error
    if found.url != base:
        raise Misconfigured(f"{base}: this node calls itself {found.url}; use that URL, or mend its ONETRIP_PUBLIC_URL")
    return found


def is_url(value: object) -> bool:
    """Whether this can be shown as an address, and go on with a path: no control character, ?, # or @; not long."""
    return isinstance(value, str) and _URL.fullmatch(value) is not None


def parse_node(said: Any) -> Introduction:
    """Read what a node says of itself; raises MalformedRecord or MerkleError."""
    if not isinstance(said, dict):
        raise MalformedRecord("not an object")
    shapes: Mapping[str, Callable[[Any], bool]] = {
        "name": shape.department,
        "origin": shape.origin,
        "url": is_url,
        "number_prefix": shape.prefix,
        "desk_jwk": lambda value: isinstance(value, dict) and shape.leaf(value.get("x")),
        "log_vkeys": shape.vkeys,
        "witness_vkeys": shape.vkeys,
        "mirror_vkeys": shape.vkeys,
    }
    for name, fits in shapes.items():
        if not fits(said.get(name)):
            raise MalformedRecord(f"{name} is missing or malformed")
    rotations = said.get("rotations", [])
    if not isinstance(rotations, list) or len(rotations) > ROTATIONS_TOLD_MAX or not all(map(shape.count, rotations)):
        raise MalformedRecord("rotations are no list of indices")
    log, witness, mirror = (tuple(said[name]) for name in ("log_vkeys", "witness_vkeys", "mirror_vkeys"))
    url, desk_key = said["url"].rstrip("/"), base64url.decode(said["desk_jwk"]["x"])
    names = (said["name"], said["origin"], url, said["number_prefix"], desk_key)
    found = Introduction(*names, log, witness, mirror, tuple(rotations))
    _check_key_names(found.peer())
    card = said.get("introduction")
    return found if card is None else replace(found, introduced=_parse_card(found, card))


def _parse_card(found: Introduction, card: Any) -> Introduced:
    if not isinstance(card, dict):
        raise MalformedRecord("introduction is malformed")
    said: dict[str, Json] = {
        "url": found.url,
        "number_prefix": found.number_prefix,
        "desk_key": base64url.encode(found.desk_key),
        "genesis": card.get("genesis"),
        "signature": card.get("signature"),
    }
    if not shape.introduction(said):
        raise MalformedRecord("introduction is malformed")
    return Introduced(**{name: str(value) for name, value in said.items()})


def introduction_in(state: DepartmentState) -> Introduction | None:
    """A department as a membership record introduces it; None when the record is an older version's."""
    card = state.introduced
    if card is None:
        return None
    names = (state.name, state.origin, card.url, card.number_prefix, base64url.decode(card.desk_key))
    return Introduction(*names, state.log_keys, state.witness_keys, state.mirror_keys, introduced=card)


def _check_key_names(peer: Peer) -> None:
    """Each key bears its own department's name: with another's it could vouch in that one's place."""
    for verifiers, name, kinds in (
        (peer.log_verifiers, peer.origin, LOG_KINDS),
        (peer.witness_verifiers, witness_name(peer.origin), _COSIGNER_KINDS),
        (peer.mirror_verifiers, mirror_name(peer.origin), _COSIGNER_KINDS),
    ):
        if any(verifier.name != name or verifier.kind not in kinds for verifier in verifiers):
            raise MalformedRecord(f"a key of {name} has another name, or is of another kind")


def add_peer(home: Home, url: str, words: str) -> Peer:
    """Follow the node at a URL whose fingerprint words were compared; its name and keys become a record of ours.

    Raises FingerprintDiffers, Misconfigured, PeerUnreachable, Refused or Busy. A second time changes nothing.
    """
    # 1. The words that were read out are those of the keys that the server shows.
    found = fetch_node(home, url)
    check_words(found, words)
    # 2. Its log, signed by these keys, begins with a record that says the same, or leads to it key by key.
    genesis = check_genesis(home, found)
    # 3. It can be told apart from whom we know already; then it is followed.
    return begin_following(home, found, genesis)


def check_words(found: Introduction, words: str) -> None:
    """Check that these are the words of a department's keys, however they are typed; raises FingerprintDiffers."""
    typed = " ".join(words.casefold().split())
    if not hmac.compare_digest(typed.encode(), found.fingerprint.encode()):
        raise FingerprintDiffers(typed, found.fingerprint)


def begin_following(home: Home, found: Introduction, genesis: bytes) -> Peer:
    """Follow a department whose keys are known to be its own, and record it; raises Misconfigured, Refused or Busy."""
    with reading(home.engine) as connection:
        known = read_peer(connection, found.origin)
        check_apart(connection, home, found)
        handle = _handle_of(connection, found.origin) or new_handle()
    # First the record, then the row: a crash in between leaves a member whom the same command completes.
    if known is None or found.introduced is not None:
        handle = _record_change(home, found, handle, "added")
    with transaction(home.engine) as connection:
        _store(connection, found, handle, genesis)
    return found.peer(genesis)


def follow_again(home: Home, found: Introduction, handle: str, recorded: DepartmentState) -> None:
    """Follow a department anew that our log names as a member, when its keys go back to those that were compared then.

    `handle`: of our records about it. Raises PeerUnreachable, Misconfigured or Busy.
    """
    genesis = check_genesis(home, found, recorded)
    with reading(home.engine) as connection:
        check_apart(connection, home, found)
    with transaction(home.engine) as connection:
        _store(connection, found, handle, genesis)


def remove_peer(home: Home, name: str, *, succeeded: bool = False) -> None:
    """Follow a department no longer; what we cosigned for it is never forgotten. Raises Misconfigured or Busy.

    A member of the network leaves it first: whoever does not hear a member misses what it agrees to. Not so when its
    log ended, and another one has `succeeded` it.
    """
    with reading(home.engine) as connection:
        peer = next((peer for peer in read_peers(connection) if name in {peer.name, peer.origin}), None)
        handle = None if peer is None else _handle_of(connection, peer.origin)
        epoch = read_view(connection).epoch
    if peer is None or handle is None:
        raise Misconfigured(f"{name}: no department of this name is followed; `peers list` shows them")
    if not succeeded and epoch is not None and peer.origin in {one.origin for one in epoch.members}:
        raise Misconfigured(
            f"{peer.name}: is a member of the network; it leaves when enough departments have agreed in the chat, "
            f"#同意退出 {peer.name}; after that it can be removed here"
        )
    _record_change(home, introduction_of(peer), handle, "removed")
    with transaction(home.engine) as connection:
        connection.execute(update(schema.peers).where(_peers.origin == peer.origin).values(removed=True))
        forget_asker(connection, peer.origin)
        if (log_id := find_log(connection, peer.origin)) is not None:
            forget_lags(connection, log_id)


def introduction_of(peer: Peer) -> Introduction:
    """A department that we follow, as it introduced itself."""
    vkeys = (peer.log_verifiers, peer.witness_verifiers, peer.mirror_verifiers)
    names = (peer.name, peer.origin, peer.url, peer.number_prefix, peer.desk_key)
    log, witness, mirror = (tuple(format_vkey(one) for one in some) for some in vkeys)
    return Introduction(*names, log, witness, mirror)


def check_genesis(home: Home, found: Introduction, recorded: DepartmentState | None = None) -> bytes:
    """Check how its log begins, and how its keys became those of today; returns the leaf of its first record.

    `recorded`: these must have been its keys at some time. Raises PeerUnreachable.
    """
    peer = found.peer()
    signed = home.client.get(f"{found.url}/log/checkpoint", bytes_max=NOTE_BYTES_MAX)
    try:
        if found.introduced is not None:
            check_introduction(found.name, found.origin, found.vkeys, found.introduced.claim)
        head = open_cosigned(signed, peer.log_verifiers).checkpoint
        if head.origin != found.origin or head.size == 0:
            raise PeerUnreachable(f"{found.url}: shows no log of {found.origin} that has begun")
        chain = Chain(found.origin)
        genesis = chain.take(0, fetch_proven(home, peer, head, 0))
        known = recorded is None or _has_keys(chain.state, recorded)
        for index in sorted(found.rotations):
            chain.take(index, fetch_proven(home, peer, head, index))
            known = known or (recorded is not None and _has_keys(chain.state, recorded))
        _check_same(chain.state, found)
        if found.introduced is not None and found.introduced.genesis != genesis.record_id:
            raise MalformedRecord("it introduces itself with another first record")
        if not known:
            raise MalformedRecord("its keys were never those that our log has of it: compare words by telephone")
    except (MerkleError, Rejected, Refused) as error:
        raise PeerUnreachable(f"{found.url}: its log does not begin as it says: {error}") from error
    return genesis.leaf


def fetch_proven(home: Home, peer: Peer, head: Checkpoint, index: int) -> bytes:
    """One entry of a log, proven to stand under this head; raises PeerUnreachable, MerkleError or MalformedRecord."""
    if index >= head.size:
        raise MalformedRecord(f"a rotation at index {index} of a log of {head.size} entries")
    entry = fetch_entries(home.client, peer, index, head.size, count_max=1)[0]
    proof = prove_inclusion(index, head.size, tile_node(partial(fetch_tile, home.client, peer), head.size))
    check_inclusion(index, head.size, leaf_hash(entry), proof, head.root)
    return entry


def _has_keys(state: DepartmentState | None, recorded: DepartmentState) -> bool:
    assert state is not None  # its genesis has been followed
    both = [(one.log_keys, one.witness_keys, one.mirror_keys) for one in (state, recorded)]
    return both[0] == both[1]


def _check_same(state: DepartmentState | None, found: Introduction) -> None:
    assert state is not None  # its genesis has been followed
    said = {
        "department": (state.name, found.name),
        "number_prefix": (state.number_prefix, found.number_prefix),
        "desk_key": (state.desk_key, base64url.encode(found.desk_key)),
        "log_keys": (state.log_keys, found.log_vkeys),
        "witness_keys": (state.witness_keys, found.witness_vkeys),
        "mirror_keys": (state.mirror_keys, found.mirror_vkeys),
    }
    for name, (recorded, shown) in said.items():
        if recorded != shown:
            raise MalformedRecord(f"its records have another {name}")


def check_as_real(home: Asking, origin: str) -> None:
    """Check that invented people stay among themselves, and real ones too; raises Misconfigured."""
    if shape.is_test(origin) and not shape.is_test(home.origin):
        raise Misconfigured(f"{origin}: a test log, its people are invented; no real department follows or cosigns it")
    if shape.is_test(home.origin) and not shape.is_test(origin):
        raise Misconfigured(f"{origin}: a real log; this is a test node, which follows and cosigns only such")


def check_apart(connection: Connection, home: Home, found: Introduction) -> None:
    """Check that a department can be told apart from us and from whom we follow; raises Misconfigured."""
    if found.origin == home.origin:
        raise Misconfigured(f"{found.url}: this is our own node")
    check_as_real(home, found.origin)
    others = [peer for peer in read_peers(connection) if peer.origin != found.origin]
    own_prefix = Network.read(connection).own.number_prefix or ""
    if mirror_name(found.origin) in map(mirror_name, (home.origin, *(peer.origin for peer in others))):
        raise Misconfigured(f"{found.origin}: its witness and mirror would have the names of another department's")
    if found.name in {home.name, *(peer.name for peer in others)}:
        raise Misconfigured(f"{found.name}: a department of this name is in the network already; it needs another")
    for prefix in (own_prefix, *(peer.number_prefix for peer in others)):
        # Prefix-free: a number must say whose it is.
        if prefix.startswith(found.number_prefix) or found.number_prefix.startswith(prefix):
            clash = f"its number prefix {found.number_prefix} cannot be told from {prefix}"
            raise Misconfigured(f"{found.name}: {clash}; make the new node again, with another --number-prefix")


def _handle_of(connection: Connection, origin: str) -> str | None:
    return connection.execute(select(_peers.handle).where(_peers.origin == origin)).scalar_one_or_none()


def _record_change(home: Home, found: Introduction, handle: str, change: str) -> str:
    """Record that a department is a member, or is no more; returns the handle that such records of it have."""
    with reading(home.engine) as connection:
        folded = read_folded(connection, home.log.id, handle)
    state = None if folded is None else folded.state
    said = {"change": change, **found.recorded}
    new_card = found.introduced is not None and not (
        isinstance(state, DepartmentState) and state.introduced == found.introduced
    )
    if isinstance(state, DepartmentState) and state.member == (change == "added") and not new_card:
        return handle  # recorded before a crash, or when it was added for the first time
    # One deed for each state that the membership was in: added, removed and added again are three.
    before = "never" if folded is None else folded.head.record_id
    once = f"membership:{change}:{before}:{leaf_hash(found.origin.encode()).hex()}"
    return home.desk.submit(Statement("membership", handle, said), by=DESK, once=once).sub


def _store(connection: Connection, found: Introduction, handle: str, genesis: bytes) -> None:
    values = {
        "name": found.name,
        "url": found.url,
        "number_prefix": found.number_prefix,
        "desk_key": found.desk_key,
        "log_vkeys": list(found.log_vkeys),
        "witness_vkeys": list(found.witness_vkeys),
        "mirror_vkeys": list(found.mirror_vkeys),
        "removed": False,
        "genesis": genesis,
    }
    if _handle_of(connection, found.origin) is None:
        row = {"origin": found.origin, "handle": handle, "forked": False, "failures": 0, **values}
        connection.execute(insert(schema.peers), row)
    else:
        connection.execute(update(schema.peers).where(_peers.origin == found.origin).values(**values))
