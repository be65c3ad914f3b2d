"""Begins the network by hand, and tells which changes of its members wait for a word, ours or others'."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from ledger.desk import DESK
from ledger.epochs import View, founding, read_view
from ledger.errors import Misconfigured, Refused
from ledger.peers.home import Home, Peer, read_peers
from ledger.peers.introduced import Known, read_introduced
from ledger.peers.joining import Introduction, introduction_of
from ledger.records import base64url
from ledger.records.epochs import JOINED, LEFT, Change, Founding, Member, founding_name, sorted_members
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
    is_ours: bool  # whether our department may agree to it now
    words: str | None  # to compare over the telephone; None: nobody whom we follow has introduced it, or not alike
    url: str | None = None  # where it is reached, by its own word, while we do not follow it
    by: tuple[str, ...] = ()  # members that have introduced it, while we do not follow it


def found_network(home: Home) -> Begun:
    """Say that we and all whom we follow are the network; raises Misconfigured or Busy.

    It begins when each of them has said the same. A second time changes nothing.
    """
    wanted = _all_of_us(home)
    try:
        home.desk.submit(founding(wanted), by=DESK, once=f"epoch-founded:{founding_name(wanted)}")
    except Refused as error:
        raise Misconfigured(
            "this department belongs to a network already; who follows joins by `peers invite` and #同意加入"
        ) from error
    with reading(home.engine) as connection:
        begun, network = read_view(connection).begun, Network.read(connection)
        names = {one: network.name(one.origin) for one in wanted}
    logged = next((one.logged for one in begun if one.members == wanted), wanted)
    return Begun(tuple(names.values()), tuple(name for one, name in names.items() if one not in logged))


def _all_of_us(home: Home) -> Founding:
    with reading(home.engine) as connection:
        view, peers = read_view(connection), read_peers(connection)
    if not peers:
        raise Misconfigured("no department is followed yet, and one alone is no network: `peers invite` first")
    members = {peer.name: member_of(peer) for peer in peers}
    old = "、".join(name for name, member in members.items() if member is None)
    if old:
        raise Misconfigured(f"{old}: followed since an older version; `peers add` with its words once more first")
    return sorted_members([view.own, *(member for member in members.values() if member is not None)])


def member_of(peer: Peer) -> Member | None:
    """A department that we follow, as epochs name it; None when we do not know how its log begins."""
    return None if peer.genesis is None else Member(peer.origin, base64url.encode(peer.genesis))


def read_waiting(connection: Connection) -> list[Waiting]:
    """What the members have begun to agree to, and who may join: whom we follow, or another member has introduced.

    Whom we follow comes first, then whom most members have introduced, of each member alone one in turn; strangers come
    last: a liar can introduce, or propose, as many as its log has room for.
    """
    view, network = read_view(connection), Network.read(connection)
    shown = _shown(connection, view)
    begun = [
        _waiting(one.change, one.agreed, one.needed, view, shown, network)
        for one in (*view.open(), *view.about_us)
        if _is_named_right(one.change, network, shown)
    ]
    return in_order([*begun, *_not_begun(view, shown, network, {one.member for one in begun})])


@dataclass(frozen=True, slots=True)
class _Shown:
    """A department that we can show to an administrator."""

    found: Introduction
    known: Known | None = None  # None: we follow it

    @property
    def words(self) -> str | None:
        return self.found.fingerprint if self.known is None else self.known.fingerprint


def _shown(connection: Connection, view: View) -> Mapping[Member, _Shown]:
    members = () if view.epoch is None else view.epoch.members
    introduced = [one for one in read_introduced(connection) if one.by & {member.origin for member in members}]
    shown = {one.member: _Shown(one.found, one) for one in introduced}
    for peer in read_peers(connection):
        member = member_of(peer)
        if member is not None:
            shown[member] = _Shown(introduction_of(peer))
    return shown


def _waiting(
    change: Change,
    agreed: Sequence[Member],
    needed: int,
    view: View,
    shown: Mapping[Member, _Shown],
    network: Network,
) -> Waiting:
    at = shown.get(change.member)
    known = None if at is None else at.known
    members = () if view.epoch is None else {one.origin for one in view.epoch.members}
    return Waiting(
        change.change,
        change.department,
        change.member,
        tuple(network.name(by.origin) for by in agreed),
        needed,
        by_us=view.own in agreed,
        is_ours=view.chain is not None and view.chain.refusal(view.own, change) is None,
        words=None if at is None else at.words,
        url=None if known is None else known.found.url,
        by=() if known is None else tuple(sorted(network.name(origin) for origin in known.by.intersection(members))),
    )


def _is_named_right(change: Change, network: Network, shown: Mapping[Member, _Shown]) -> bool:
    """Whether a department is called by its own name: whoever proposes a change could give it another one's."""
    if change.change == LEFT:
        return change.department == network.name(change.member.origin)
    return change.member not in shown or change.department == shown[change.member].found.name


def _not_begun(view: View, shown: Mapping[Member, _Shown], network: Network, begun: set[Member]) -> Iterator[Waiting]:
    epoch = view.epoch
    if epoch is None or view.own not in epoch.members:
        return
    known = {one.origin for one in (*epoch.members, *begun)}
    for member, one in shown.items():
        if member.origin not in known:
            change = Change(epoch.number + 1, epoch.name, JOINED, one.found.name, member)
            yield _waiting(change, (), epoch.needed, view, shown, network)


def find_changes(connection: Connection, change: str, name: str) -> list[Waiting]:
    """The change that an officer means: who joins is waiting already, who leaves is a member. `name`: or its origin.

    Several when others are introduced under that name too; none is the first then, as a liar can introduce anybody.
    """
    waiting = [one for one in read_waiting(connection) if one.change == change]
    named = [one for one in waiting if one.member.origin == name] or [one for one in waiting if one.department == name]
    # Anybody could propose a stranger under the same name; it cannot be agreed to.
    found = [one for one in named if change == LEFT or one.words is not None] or named[:1]
    if len({one.member.origin for one in found}) == 1:  # with another first record: the one that we follow
        found = [one for one in found if one.url is None] or found
    epoch = read_view(connection).epoch
    if found or change != LEFT or epoch is None:
        return found
    named_so = {one: Network.read(connection).name(one.origin) for one in epoch.members}
    leaver = next((one for one, department in named_so.items() if name in {department, one.origin}), None)
    if leaver is None:
        return []
    return [Waiting(LEFT, named_so[leaver], leaver, (), epoch.needed, by_us=False, is_ours=True, words=None)]


def in_order(waiting: Sequence[Waiting]) -> list[Waiting]:
    """What waits, as an administrator should read it, however many a single member introduces."""
    turns: Counter[tuple[str, ...]] = Counter()
    order = []
    for at, one in enumerate(waiting):
        strange, followed = one.change == JOINED and one.words is None, one.url is None
        order.append((strange, not followed, -len(one.by), turns[one.by] if one.by else 0, at))
        turns[one.by] += 1
    return [waiting[at] for *_order, at in sorted(order)]
