"""Departments that another one has introduced: whom our administrator can agree to, and whom we then follow.

What is believed of a newcomer is what its own log has signed, and what a department that we follow has let stand in its
log after the words were compared. Nobody is asked at an address before one of these is true: our administrator has
agreed, with the words read back; the members' quorum has, and more than may lie have introduced it; or we are the
newcomer, and follow the network of the department that invited us. Before there is a network nobody is, whatever those
say whom we follow.
"""

import logging
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, literal, select

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
from ledger.rules.epochs import Said, chain_for
from ledger.storage import cursors, schema
from ledger.storage.engine import reading, transaction
from ledger.storage.network import Network
from ledger.storage.prepared import Prepared
from ledger.storage.schema import objects

INTRODUCED_MAX = 256  # by one log: more departments than a network has are not looked at
AT_ONCE_MAX = 4  # in one round
FOLLOW_SECONDS_MAX = 20.0

_log = logging.getLogger(__name__)

INVITED_BY = "invited-by:"  # with the handle of our record of that member, a cursor: when it let us in

_peers = schema.peers.c
_INVITERS = (
    select(_peers.origin)
    .join(schema.cursors, schema.cursors.c.name == literal(INVITED_BY) + _peers.handle)
    .where(~_peers.removed)
)

_o = objects.c
_NAMED = Prepared(
    select(_o.handle)
    .where(_o.log_id == bindparam("log_id"), _o.topic == "department", _o.status == "MEMBER")
    .order_by(_o.first_idx)
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
    inviters = {row[0] for row in connection.execute(_INVITERS)} if view.epoch is None else set()
    led_to: list[Member] = []
    if needs_introductions(view, inviters):
        led_to = [one.member for one in read_introduced(connection) if one.by & inviters]
    missing = [one for one in to_follow(view, inviters, led_to) if one.origin not in known_here]
    if not missing:
        return []  # as in every quiet round, which reads no records
    introduced = {one.member: one for one in read_introduced(connection)}
    return [_wanted(view, one, introduced.get(one)) for one in missing]


def note_invited(home: Home, origin: str) -> None:
    """Remember that this department, which we follow, let us into its network: we follow that too. Raises Busy."""
    with transaction(home.engine, facts=False) as connection:
        handle = connection.execute(select(_peers.handle).where(_peers.origin == origin)).scalar_one()
        cursors.keep(connection, {f"{INVITED_BY}{handle}": home.now()})


def needs_introductions(view: View, inviters: Collection[str]) -> bool:
    """Whether the logs do not say yet which network it is that let us in: its member has joined it later."""
    return view.epoch is None and bool(inviters) and not _networks(view, inviters)


def to_follow(view: View, inviters: Collection[str], led_to: Sequence[Member] = ()) -> list[Member]:
    """Whom a node with this view should follow.

    `inviters`: the origins of the members that let it into a network; what anybody else founds leads it nowhere.
    `led_to`: whom these introduce, for when their own logs do not say how the network began.
    """
    if needs_introductions(view, inviters):
        return sorted({*led_to} - {view.own})
    if view.epoch is None:
        return _of_the_network(view, inviters)
    # Whoever has left needs all members again when it is to come back: it could not hear some of the words for it.
    if view.own not in view.epoch.members and not _comes_back(view, view.epoch.number):
        return []
    return sorted({*view.epoch.members, *view.agreed} - {view.own})


def _comes_back(view: View, number: int) -> bool:
    """Whether a member has agreed that we join, after this epoch: perhaps after one that we have not heard of yet."""
    changes = (vote.change for one in view.said for vote in one.votes)
    return any((one.change, one.member) == (JOINED, view.own) and one.number > number for one in changes)


def _of_the_network(view: View, inviters: Collection[str]) -> list[Member]:
    """We are in no network: the members of the one that let us in; of two, of neither; without one, nobody."""
    networks = _networks(view, inviters)
    if len(networks) != 1:
        return []
    [(founded, members)] = networks.items()
    return [] if view.own in founded else sorted({*founded, *members} - {view.own})


def _networks(view: View, inviters: Collection[str]) -> dict[Founding, set[Member]]:
    """The networks of those that let us in, by their foundings, with the members of the newest epochs as we see them.

    One that has begun here, or the inviter's own word for it: until we hold the founders' logs, there is no other.
    """
    found: dict[Founding, set[Member]] = {}
    for one in view.said:
        if one.member.origin in inviters:
            founded, members = _network_of(view, one)
            if founded:
                found.setdefault(founded, set()).update(members)
    return found


def _network_of(view: View, inviter: Said) -> tuple[Founding, Founding]:
    chain = chain_for(view.chains, inviter)
    if chain is not None:
        return chain.epochs[0].members, chain.newest.members
    return (inviter.foundings[-1] if inviter.foundings else ()), ()


def _wanted(view: View, member: Member, known: Known | None) -> Wanted:
    if known is None or len(known.urls) > 1:
        return Wanted(member, known, may_ask=False)
    return Wanted(member, known, may_ask=may_ask(view, member, known.by))


def may_ask(view: View, member: Member, by: Collection[str]) -> bool:
    """Whether a node with this view may go where that department says it is; `by`: the logs that introduce it."""
    if view.epoch is None or member in view.confirmed:
        return True  # before an epoch whoever let us in has led us there, and words were compared with that one
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


def why_not_followed(home: Home, member: Member) -> str | None:
    """Why this node could not follow that department, by what others say of it; None when it could. Nobody is asked."""
    with reading(home.engine) as connection:
        known = next((one for one in read_introduced(connection) if one.member == member), None)
    if known is None:
        return f"{member.origin}: no department that is followed here introduces it any more"
    try:
        check_introduced(home, known)
    except Misconfigured as error:
        return str(error)
    return None


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
