"""Departments that another one has introduced: whom our administrator can agree to, and whom we then follow.

What is believed of a newcomer is what its own log has signed, and what a department that we follow has let stand in its
log after the words were compared. Nobody is asked at an address before one of these is true: our administrator has
agreed, with the words read back; the members' quorum has, and more than may lie have introduced it; or we are the
newcomer, and follow the network of the department that invited us.
"""

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, insert, select

from ledger.epochs import View, read_view
from ledger.errors import LedgerError, Misconfigured, PeerUnreachable
from ledger.folding import read_folded
from ledger.merkle.policy import lying
from ledger.peers.home import Home, Peer, read_peers
from ledger.peers.joining import Introduction, begin_following, check_apart, check_genesis, fetch_node, introduction_in
from ledger.records import base64url
from ledger.records.epochs import JOINED, Founding, Member
from ledger.records.governance import DepartmentState
from ledger.records.introduction import Introduced, introduction_text
from ledger.storage import schema
from ledger.storage.engine import reading, transaction
from ledger.storage.network import Network
from ledger.storage.prepared import Prepared
from ledger.storage.schema import objects

INTRODUCED_MAX = 256  # by one log: more departments than a network has are not looked at
AT_ONCE_MAX = 4  # in one round
FOLLOW_SECONDS_MAX = 20.0

_log = logging.getLogger(__name__)

INVITED = "invited-at"  # a cursor: when a member of a network let us in
_INVITED = select(schema.cursors.c.pos).where(schema.cursors.c.name == INVITED)

_o = objects.c
_NAMED = Prepared(
    select(_o.handle)
    .where(_o.log_id == bindparam("log_id"), _o.topic == "department", _o.status == "MEMBER")
    .limit(INTRODUCED_MAX)
)


@dataclass(frozen=True, slots=True)
class Known:
    """A department that others have introduced."""

    member: Member
    found: Introduction  # as the first of them has it
    by: frozenset[str]  # the origins of their logs
    urls: frozenset[str]  # where it is reached, by its own signed words
    words: frozenset[str]  # of its keys, which may have changed between one introduction and the next

    @property
    def fingerprint(self) -> str | None:
        """The words to compare, when all that introduce it say the same of its keys and its address."""
        return self.found.fingerprint if len(self.urls) == len(self.words) == 1 else None


def sign_introduction(connection: Connection, home: Home) -> Introduced:
    """Our own node, introduced by its log."""
    own, prefix = read_view(connection).own, Network.read(connection).own.number_prefix or ""
    card = Introduced(home.public_url, prefix, base64url.encode(home.keys.desk_public), own.genesis, "")
    keys = home.keys
    vkeys = {"log_keys": keys.log_vkeys, "witness_keys": keys.witness_vkeys, "mirror_keys": keys.mirror_vkeys}
    line = keys.log[0].sign(introduction_text(home.name, home.origin, vkeys, card.claim))
    return card._replace(signature=base64url.encode(line.blob))


def read_introduced(connection: Connection) -> list[Known]:
    """Whom the departments that we follow have let stand in their logs, in the order of their names."""
    seen: dict[Member, list[tuple[str, Introduction]]] = {}
    network = Network.read(connection)
    for peer in read_peers(connection):
        log_id = network.log_id(peer.origin)
        for found in () if log_id is None else _introduced_by(connection, log_id):
            assert found.introduced is not None  # the others are left out
            seen.setdefault(Member(found.origin, found.introduced.genesis), []).append((peer.origin, found))
    known = [
        Known(
            member,
            some[0][1],
            frozenset(by for by, _found in some),
            frozenset(found.url for _by, found in some),
            frozenset(found.fingerprint for _by, found in some),
        )
        for member, some in seen.items()
    ]
    return sorted(known, key=lambda one: (one.found.name, one.member))


def _introduced_by(connection: Connection, log_id: int) -> Iterator[Introduction]:
    for row in _NAMED.rows(connection, {"log_id": log_id}):
        folded = read_folded(connection, log_id, row[0])
        if folded is not None and isinstance(folded.state, DepartmentState):
            found = introduction_in(folded.state)
            if found is not None:
                yield found


# --- whom we follow by ourselves ---


@dataclass(frozen=True, slots=True)
class Wanted:
    """A department that is to be followed here, and is not."""

    member: Member
    known: Known | None  # None: nobody that we follow has introduced it
    may_ask: bool  # whether enough stand behind its address

    @property
    def name(self) -> str:
        """What it is called, as far as we know."""
        return self.member.origin if self.known is None else self.known.found.name


def read_wanted(connection: Connection) -> list[Wanted]:
    """Whom we should follow, by what was agreed to; whoever was removed by hand is not followed again by itself."""
    view = read_view(connection)
    peers = read_peers(connection, with_removed=True)
    known_here = {view.own.origin, *(peer.origin for peer in peers)}
    followed = {peer.origin for peer in peers if not peer.removed}
    invited: list[Member] = []
    if needs_introductions(view, followed) and connection.execute(_INVITED).first() is not None:
        invited = introduced_by_all({one.member: one.by for one in read_introduced(connection)})
    missing = [one for one in to_follow(view, followed, invited) if one.origin not in known_here]
    if not missing:
        return []  # as in every quiet round, which reads no records
    introduced = {one.member: one for one in read_introduced(connection)}
    return [_wanted(view, one, introduced.get(one)) for one in missing]


def note_invited(home: Home) -> None:
    """Remember that a member of a network has let us in: whom its log introduces we follow as well. Raises Busy."""
    with transaction(home.engine, facts=False) as connection:
        connection.execute(delete(schema.cursors).where(schema.cursors.c.name == INVITED))
        connection.execute(insert(schema.cursors), {"name": INVITED, "pos": home.now()})


def needs_introductions(view: View, followed: Collection[str]) -> bool:
    """Whether none of those that we follow has founded the network: the one that let us in has joined it later."""
    return view.epoch is None and not _founded(view, followed)


def introduced_by_all(by: Mapping[Member, Collection[str]]) -> list[Member]:
    """Whom each log that introduces anybody introduces, but for itself; `by`: the logs that introduce each.

    Whom one lets in the others do not know yet: nobody is led further and further away by one of them.
    """
    speaking = {origin for some in by.values() for origin in some}
    return sorted(member for member, some in by.items() if speaking - {member.origin} <= {*some})


def to_follow(view: View, followed: Collection[str], invited: Sequence[Member] = ()) -> list[Member]:
    """Whom a node with this view should follow.

    `followed`: the origins of those that it follows. `invited`: whom they introduce, when it was let in by a member.
    """
    if needs_introductions(view, followed):
        return [one for one in invited if one != view.own]
    if view.epoch is None:
        return _of_the_network(view, followed)
    # Whoever has left needs all members again when it is to come back: it could not hear some of the words for it.
    comes_back = any((one.change.change, one.change.member) == (JOINED, view.own) for one in view.open())
    if view.own not in view.epoch.members and not comes_back:
        return []
    return sorted({*view.epoch.members, *view.agreed} - {view.own})


def _of_the_network(view: View, followed: Collection[str]) -> list[Member]:
    """We are in no network: the members of the one to which those belong that we follow; of two, of neither."""
    begun = _founded(view, followed)
    if len(begun) != 1:
        return []
    [founded] = begun
    members = {one for chain in view.chains if chain.epochs[0].members == founded for one in chain.newest.members}
    return [] if view.own in founded else sorted({*founded, *members})


def _founded(view: View, followed: Collection[str]) -> set[Founding]:
    return {one.foundings[-1] for one in view.said if one.member.origin in followed and one.foundings}


def _wanted(view: View, member: Member, known: Known | None) -> Wanted:
    if known is None or len(known.urls) > 1:
        return Wanted(member, known, may_ask=False)
    return Wanted(member, known, may_ask=may_ask(view, member, known.by))


def may_ask(view: View, member: Member, by: Collection[str]) -> bool:
    """Whether a node with this view may go where that department says it is; `by`: the logs that introduce it."""
    if view.epoch is None or member in view.confirmed:
        return True
    members = {one.origin for one in view.epoch.members}
    return len(members.intersection(by)) > lying(len(members))


def follow_wanted(home: Home) -> list[Peer]:
    """Follow whom we should, as far as they answer: the others are asked again in the next round. Raises Busy."""
    with reading(home.engine) as connection:
        wanted = [one for one in read_wanted(connection) if one.may_ask]
    followed = []
    for one in _turn(wanted, home.now() // home.round_seconds):
        assert one.known is not None  # or nobody could be asked
        try:
            with home.client.within(FOLLOW_SECONDS_MAX):
                followed.append(follow_introduced(home, one.known))
        except LedgerError as error:
            _log.warning("%s is agreed to, and not followed yet: %s", one.name, error)
        else:
            _log.info("%s is followed from now on", one.name)
    return followed


def check_introduced(home: Home, known: Known) -> None:
    """Check that this node could follow a department that was introduced; raises Misconfigured. Nobody is asked."""
    home.client.check_url(known.found.url)
    with reading(home.engine) as connection:
        check_apart(connection, home, known.found)


def may_be_followed(home: Home, member: Member) -> bool:
    """Whether this node could follow that department, by what others say of it."""
    with reading(home.engine) as connection:
        known = next((one for one in read_introduced(connection) if one.member == member), None)
    try:
        if known is not None:
            check_introduced(home, known)
    except Misconfigured:
        return False
    return known is not None


def obstacle(home: Home, known: Known) -> str | None:
    """Why a department that is to be followed is not, by a look at it; None when it will be in a moment."""
    try:
        check_introduced(home, known)
        with home.client.within(FOLLOW_SECONDS_MAX):
            fetch_agreed(home, known)
    except LedgerError as error:
        return str(error)
    return None


def _turn(wanted: Sequence[Wanted], round_number: int) -> list[Wanted]:
    """A few of them, others in each round: those that do not answer hold nobody up."""
    if len(wanted) <= AT_ONCE_MAX:
        return [*wanted]
    start = round_number * AT_ONCE_MAX % len(wanted)
    return [*wanted[start:], *wanted[:start]][:AT_ONCE_MAX]


def follow_introduced(home: Home, known: Known) -> Peer:
    """Follow a department at the address that it gave itself, when its log begins as was agreed to.

    Raises PeerUnreachable, Misconfigured, Refused or Busy. Its keys may have changed since, by records that lead there.
    """
    return begin_following(home, *fetch_agreed(home, known))


def fetch_agreed(home: Home, known: Known) -> tuple[Introduction, bytes]:
    """A department as it shows itself now, and the leaf of its log's first record.

    Raises PeerUnreachable or Misconfigured when it does not answer, or is another one than was agreed to.
    """
    found = fetch_node(home, known.found.url)
    if found.origin != known.member.origin:
        raise PeerUnreachable(f"{found.url}: {found.origin} answers there, not {known.member.origin}")
    genesis = check_genesis(home, found)
    if base64url.encode(genesis) != known.member.genesis:
        raise PeerUnreachable(f"{found.url}: its log begins with another record than was agreed to")
    return found, genesis
