"""Begins the network by hand, and tells which changes of its members wait for a word, ours or others'."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection

from ledger.desk import DESK
from ledger.epochs import View, founding, read_view
from ledger.errors import Misconfigured, Refused
from ledger.peers.home import Home, Peer, read_peers
from ledger.peers.joining import introduction_of
from ledger.records import base64url
from ledger.records.epochs import JOINED, LEFT, Member, founding_name, sorted_members
from ledger.rules.epochs import Epoch
from ledger.storage.engine import reading
from ledger.storage.network import Network


@dataclass(frozen=True, slots=True)
class Begun:
    """A network at its beginning."""

    departments: tuple[str, ...]
    missing: tuple[str, ...]  # of these, those whose word is not here yet: the first epoch is in force without any


@dataclass(frozen=True, slots=True)
class Waiting:
    """A change of the members that is not in force."""

    change: str  # JOINED or LEFT
    department: str
    member: Member
    agreed: tuple[str, ...]  # departments; none yet when it is a department that we follow, and nobody has begun
    needed: int
    by_us: bool  # whether ours is among them
    words: str | None  # to compare over the telephone; None: we do not follow it, or under other keys


def found_network(home: Home) -> Begun:
    """Say that we and all whom we follow are the network; raises Misconfigured, Refused or Busy.

    It begins when each of them has said the same. A second time changes nothing.
    """
    with reading(home.engine) as connection:
        view, peers = read_view(connection), read_peers(connection)
    others = [member for peer in peers if (member := member_of(peer)) is not None]
    if not others:
        raise Misconfigured("no department is followed yet, and one alone is no network: `peers invite` first")
    if len(others) < len(peers):
        old = "、".join(peer.name for peer in peers if member_of(peer) is None)
        raise Misconfigured(f"{old}: followed since an older version; `peers add` with its words once more first")
    wanted = sorted_members([view.own, *others])
    said = founding(wanted)
    if not any(one.members == wanted and view.own in one.logged for one in view.begun) and not _began(view, wanted):
        try:
            home.desk.submit(said, by=DESK, once=f"epoch-founded:{founding_name(wanted)}")
        except Refused as error:
            raise Misconfigured(
                "this department belongs to a network already; who follows joins by `peers invite` and #同意加入"
            ) from error
    with reading(home.engine) as connection:
        view, network = read_view(connection), Network.read(connection)
        logged = next((one.logged for one in view.begun if one.members == wanted), wanted)
        names = {one: network.name(one.origin) for one in wanted}
    return Begun(tuple(names.values()), tuple(name for one, name in names.items() if one not in logged))


def _began(view: View, members: tuple[Member, ...]) -> bool:
    return view.chain is not None and view.chain.epochs[0].members == members


def member_of(peer: Peer) -> Member | None:
    """A department that we follow, as epochs name it; None when we do not know how its log begins."""
    return None if peer.genesis is None else Member(peer.origin, base64url.encode(peer.genesis))


def read_waiting(connection: Connection) -> list[Waiting]:
    """What the members have begun to agree to, and then whom we follow though they are no members."""
    view, network = read_view(connection), Network.read(connection)
    words = {member_of(peer): introduction_of(peer).fingerprint for peer in read_peers(connection)}
    begun = [
        Waiting(
            one.change.change,
            one.change.department,
            one.change.member,
            tuple(network.name(by.origin) for by in one.agreed),
            one.needed,
            view.own in one.agreed,
            words.get(one.change.member),
        )
        for one in (*view.open(), *view.about_us)
    ]
    return [*begun, *_not_begun(connection, view, {one.member for one in begun})]


def _not_begun(connection: Connection, view: View, begun: set[Member]) -> Iterator[Waiting]:
    if view.epoch is None or view.own not in view.epoch.members:
        return
    for peer in read_peers(connection):
        member = member_of(peer)
        if member is not None and member not in begun and not _is_named(view.epoch, member):
            said = introduction_of(peer)
            yield Waiting(JOINED, said.name, member, (), view.epoch.needed, by_us=False, words=said.fingerprint)


def _is_named(epoch: Epoch, member: Member) -> bool:
    return member.origin in {one.origin for one in epoch.members}


def find_change(connection: Connection, change: str, name: str) -> Waiting | None:
    """The change that an officer means: who joins is waiting already, who leaves is a member."""
    waiting = [one for one in read_waiting(connection) if one.change == change]
    found = next((one for one in waiting if name in {one.department, one.member.origin}), None)
    if found is not None or change != LEFT:
        return found
    epoch, network = read_view(connection).epoch, Network.read(connection)
    for member in () if epoch is None else epoch.members:
        department = network.name(member.origin)
        if name in {department, member.origin}:
            assert epoch is not None  # it has members
            return Waiting(LEFT, department, member, (), epoch.needed, by_us=False, words=None)
    return None
